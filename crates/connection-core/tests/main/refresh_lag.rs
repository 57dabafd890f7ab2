//! A provider whose servers learn of a new token one after another refuses it for a moment. No connection fails
//! because of that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::{BoxFuture, Liveness, Timestamp};
use connection_core::{Clock, Connection, ConnectionRegistry, ManualClock};

use crate::{
    fake::count,
    renewing::{Renewals, process, run, send},
    sql,
    test_server::Reply,
};

/// The pause before the provider is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// A clock on which exactly that pause passes at once, and is counted.
#[derive(Clone, Debug)]
struct Counting(ManualClock, Arc<AtomicUsize>);

impl connection_contract::Clock for Counting {
    fn now(&self) -> Timestamp {
        connection_contract::Clock::now(&self.0)
    }
}

impl Clock for Counting {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        if duration == PAUSE {
            self.1.fetch_add(1, SeqCst);
            self.0.advance(duration);
        }
        // The sleep does not include time that was moved before.
        self.0.sleep(if duration == PAUSE { Duration::ZERO } else { duration })
    }

    fn passed(&self) -> Duration {
        Clock::passed(&self.0)
    }
}

/// A connection whose provider refuses a number of requests with a token, and the number of pauses.
struct Lagging {
    it: Renewals,
    registry: ConnectionRegistry,
    connection: Connection,
    refuses: Arc<AtomicUsize>,
    pauses: Arc<AtomicUsize>,
}

impl Lagging {
    async fn new() -> Self {
        let it = Renewals::new().await;
        let refuses = Arc::new(AtomicUsize::new(0));
        let pauses = Arc::new(AtomicUsize::new(0));
        let issued = it.provider.clone();
        let left = refuses.clone();
        it.world.provider(move |request| {
            let refused = !request.starts_with("POST /token")
                && left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
            if refused { Reply::whole(401, "", "{}") } else { issued.answer(request) }
        });
        let clock = Counting(it.world.clock.clone(), pauses.clone());
        let registry = process(&it.world, &it.plugin, clock).await;
        let connection = registry.connection(it.connection.id()).await.unwrap();
        Self { it, registry, connection, refuses, pauses }
    }

    /// The same with a token from a recent refresh.
    async fn renewed() -> Self {
        let lagging = Self::new().await;
        lagging.it.at(100);
        lagging.connection.refresh().await.unwrap();
        lagging
    }

    async fn verify(&self) -> (Liveness, usize) {
        let before = count(&self.it.plugin.verified);
        let info = self.connection.verify().await.unwrap();
        (info.liveness, count(&self.it.plugin.verified) - before)
    }

    fn refuses(&self, requests: usize) {
        self.refuses.store(requests, SeqCst);
    }

    fn pauses(&self) -> usize {
        self.pauses.swap(0, SeqCst)
    }

    fn requests(&self) -> usize {
        self.it.world.server.requests().len()
    }

    async fn next_check(&self) -> Option<i64> {
        self.it.lease("next_check_at").await
    }
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_is_probed_once_more_before_its_connection_fails() {
    let lagging = Lagging::renewed().await;
    lagging.refuses(1);
    assert_eq!((lagging.verify().await, lagging.pauses()), ((Liveness::Live, 2), 1));
    assert_eq!((lagging.next_check().await, lagging.it.provider.request_count()), (None, 1));
    // No failure was reported.
    assert!(!lagging.it.events().await.contains(&"liveness_changed".to_owned()));
}

#[tokio::test]
async fn a_fresh_token_that_stays_refused_fails_and_is_looked_at_again_soon_once() {
    let lagging = Lagging::renewed().await;
    lagging.refuses(usize::MAX);
    assert_eq!((lagging.verify().await, lagging.pauses()), ((Liveness::Failing, 2), 1), "once more, and not in a loop");
    assert_eq!(lagging.next_check().await, Some(lagging.it.world.now() + 30));
    // It is failing now, so another refusal is one as any other.
    assert_eq!(lagging.verify().await.0, Liveness::Failing);
    let again = lagging.next_check().await.unwrap() - lagging.it.world.now();
    assert!((300..=375).contains(&again), "{again}");
}

#[tokio::test]
async fn a_connection_that_failed_by_a_fresh_token_is_healed_by_the_scheduler() {
    let lagging = Lagging::renewed().await;
    lagging.refuses(2);
    assert_eq!(lagging.verify().await.0, Liveness::Failing);
    assert_eq!(lagging.it.provider.request_count(), 1);
    let _running = run(&lagging.registry);
    lagging.it.world.clock.until_asleep(1).await;
    lagging.it.world.clock.advance(Duration::from_secs(45));
    let live = "SELECT count(*) FROM connection_liveness WHERE liveness = 'live'";
    let healed = async {
        while sql::number(&lagging.it.world.database(), live).await != Some(1) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), healed).await.expect("it stays failing");
    // The token was valid all the time.
    assert_eq!(lagging.it.provider.request_count(), 1);
}

/// The control: only a token that is seconds old is tried again.
#[tokio::test]
async fn an_old_token_that_is_refused_is_renewed_without_a_pause() {
    let lagging = Lagging::renewed().await;
    lagging.it.at(140);
    lagging.refuses(1);
    assert_eq!((lagging.verify().await, lagging.pauses()), ((Liveness::Live, 2), 0));
    assert_eq!(lagging.it.provider.request_count(), 2);
    lagging.it.at(180);
    lagging.refuses(1);
    assert_eq!((send(&lagging.connection).await.unwrap(), lagging.pauses()), (200, 0));
    assert_eq!(lagging.it.provider.request_count(), 3);
}

#[tokio::test]
async fn a_request_that_is_refused_for_a_fresh_token_is_sent_once_more() {
    let lagging = Lagging::renewed().await;
    let before = lagging.requests();
    lagging.refuses(1);
    assert_eq!((send(&lagging.connection).await.unwrap(), lagging.pauses()), (200, 1));
    assert_eq!(lagging.requests() - before, 2);
    lagging.refuses(usize::MAX);
    assert_eq!((send(&lagging.connection).await.unwrap(), lagging.pauses()), (401, 1));
    assert_eq!(
        (lagging.requests() - before, lagging.it.provider.request_count()),
        (4, 1),
        "once more, and not in a loop"
    );
}

/// A token of two seconds ends during the pause, and the request that follows has a new one.
#[tokio::test]
async fn a_token_that_ends_during_the_pause_is_refreshed_before_the_request_is_sent_again() {
    let lagging = Lagging::new().await;
    lagging.it.provider.lock().life = Some(2);
    lagging.it.at(100);
    lagging.connection.refresh().await.unwrap();
    lagging.refuses(1);
    assert_eq!((send(&lagging.connection).await.unwrap(), lagging.pauses()), (200, 1));
    assert_eq!(lagging.it.provider.request_count(), 2);
}

/// The token that was created after a refusal is new, too.
#[tokio::test]
async fn a_credential_refreshed_after_a_refusal_is_probed_again() {
    let lagging = Lagging::new().await;
    lagging.it.at(100);
    lagging.refuses(2);
    assert_eq!((lagging.verify().await, lagging.pauses()), ((Liveness::Live, 3), 1));
    assert_eq!(lagging.it.provider.request_count(), 1);
    lagging.it.at(200);
    lagging.refuses(2);
    assert_eq!((send(&lagging.connection).await.unwrap(), lagging.pauses()), (200, 1));
    assert_eq!(lagging.it.provider.request_count(), 2);
}

#[tokio::test]
async fn a_provider_that_refuses_what_it_has_just_made_is_not_asked_without_end() {
    let lagging = Lagging::new().await;
    lagging.it.at(100);
    lagging.refuses(usize::MAX);
    for _ in 0..10 {
        assert_eq!(send(&lagging.connection).await.unwrap(), 401);
    }
    assert_eq!(lagging.connection.verify().await.unwrap().reason.unwrap().code, "unauthorized");
    assert_eq!((lagging.it.provider.request_count(), lagging.pauses()), (1, 11));
    lagging.it.at(140);
    assert_eq!((send(&lagging.connection).await.unwrap(), lagging.it.provider.request_count()), (401, 2));
}
