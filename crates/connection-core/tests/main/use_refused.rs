//! A use that the provider refuses with 401 makes its connection due for a verification, at most once in five minutes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::{Liveness, RefreshSemantics, Timestamp};
use connection_core::{Clock as _, Connection, ConnectionInfo, ConnectionRegistry, ManualClock};

use crate::{
    acme::Acme,
    extension_kit::handle,
    renewing::{LIFE, Renewals, Renewing, send},
    running::run,
    sql,
    test_host::{START, World, connected, me},
    test_server::Reply,
};

/// A refusal, and its code.
type Case = (fn() -> Reply, &'static str);

/// The shortest time between two verifications because of refused uses, in seconds.
const INTERVAL: i64 = 300;

/// A connection whose provider refuses every request except that of a probe.
struct Refused {
    world: World,
    registry: ConnectionRegistry,
    connection: Connection,
    provider: Provider,
}

/// The state of the provider.
#[derive(Clone, Default)]
struct Provider {
    /// If set, the provider refuses probes as well.
    is_gone: Arc<AtomicBool>,
    /// If set, the provider answers probes with 429 and this number of seconds.
    pause: Arc<AtomicUsize>,
    probes: Arc<AtomicUsize>,
}

impl Provider {
    fn answer(&self, request: &str) -> Reply {
        if !request.starts_with("GET /me ") {
            return Reply::whole(401, "", "");
        }
        self.probes.fetch_add(1, SeqCst);
        let key = request.split("earer ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or_default();
        match self.pause.load(SeqCst) {
            _ if self.is_gone.load(SeqCst) => Reply::whole(401, "", ""),
            0 => me(key, key),
            seconds => Reply::whole(429, &format!("retry-after: {seconds}\r\n"), ""),
        }
    }
}

impl Refused {
    async fn new() -> Self {
        let world = World::new().await;
        let provider = Provider::default();
        let answering = provider.clone();
        world.provider(move |request| answering.answer(request));
        let registry = world.acme().await;
        let connection = connected(&registry, "one").await;
        provider.probes.store(0, SeqCst);
        Self { world, registry, connection, provider }
    }

    /// Opens another process of this machine whose clock is this many seconds ahead.
    async fn process(&self, ahead: i64) -> ConnectionRegistry {
        let clock = ManualClock::at(Timestamp::from_seconds(self.world.now() + ahead));
        self.world.builder().clock(Arc::new(clock)).kind(Acme::default()).open().await.unwrap()
    }

    async fn send(&self) -> u16 {
        send(&self.connection).await.unwrap()
    }

    async fn verify(&self) -> Option<Liveness> {
        self.connection.verify_refused_use().await.unwrap().map(|info| info.liveness)
    }

    fn probes(&self) -> usize {
        self.provider.probes.load(SeqCst)
    }

    async fn info(&self) -> ConnectionInfo {
        self.registry.connection(self.connection.id()).await.unwrap().info().clone()
    }

    async fn code(&self) -> Option<String> {
        self.info().await.reason.map(|reason| reason.code.into_owned())
    }

    /// Moves the last verification because of a refused use into the past, because it uses the database's clock, which a
    /// test cannot set.
    async fn pass(&self, seconds: i64) {
        let sql = format!("UPDATE connection_liveness SET refusal_checked_at = refusal_checked_at - {seconds}");
        sql::run(&self.world.database(), sql).await;
    }

    /// Waits until the condition holds, without moving the clock.
    async fn until(&self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) {
        let waited = async {
            while !is_so(self).await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap_or_else(|_| panic!("not so: {what}"));
    }
}

#[tokio::test]
async fn a_scheduler_verifies_a_connection_whose_use_was_refused_at_once() {
    let it = Refused::new().await;
    let _running = run(&it.registry);
    it.world.clock.until_asleep(1).await;
    it.provider.is_gone.store(true, SeqCst);
    assert_eq!(it.send().await, 401);
    it.until("it is failing", async |it| it.info().await.liveness == Liveness::Failing).await;
    assert_eq!((it.probes(), it.code().await.as_deref(), it.world.now()), (1, Some("unauthorized"), START));
}

#[tokio::test]
async fn the_scheduler_of_another_process_verifies_within_seconds() {
    let it = Refused::new().await;
    let other = it.world.acme().await;
    let _running = run(&other);
    it.world.clock.until_asleep(1).await;
    it.provider.is_gone.store(true, SeqCst);
    assert_eq!(it.send().await, 401);
    it.world.clock.advance(Duration::from_secs(5));
    it.until("it is failing", async |it| it.info().await.liveness == Liveness::Failing).await;
    assert_eq!(it.probes(), 1);
}

/// One path may refuse what another allows.
#[tokio::test]
async fn a_connection_whose_probe_succeeds_stays_live_after_a_refused_use() {
    let it = Refused::new().await;
    assert_eq!(it.send().await, 401);
    // Until the verification, what is known is shown.
    assert_eq!((it.info().await.liveness, it.code().await.as_deref()), (Liveness::Live, Some("use_refused")));
    let listed = it.registry.list_connections(connection_core::Filter::new()).await.unwrap().items;
    let reason = listed[0].reason.as_ref().unwrap();
    assert_eq!(reason.code, "use_refused");
    let said = reason.message.as_str();
    assert!(said.starts_with("api.acme.example answered 401 Unauthorized to a request at "), "{said}");
    assert_eq!(it.verify().await, Some(Liveness::Live));
    assert_eq!((it.info().await.liveness, it.code().await, it.probes()), (Liveness::Live, None, 1));
    let changed = "SELECT count(*) FROM connection_event WHERE kind = 'liveness_changed'";
    assert_eq!(sql::number(&it.world.database(), changed).await, Some(0));
}

#[tokio::test]
async fn a_program_without_a_scheduler_verifies_after_it_used_the_answer() {
    let it = Refused::new().await;
    assert_eq!(it.verify().await, None, "no use was refused");
    it.provider.is_gone.store(true, SeqCst);
    assert_eq!(it.send().await, 401);
    assert_eq!((it.verify().await, it.verify().await, it.probes()), (Some(Liveness::Failing), None, 1));
}

#[tokio::test]
async fn a_verification_of_a_person_follows_a_refused_use_as_well() {
    let it = Refused::new().await;
    assert_eq!(it.send().await, 401);
    it.connection.verify().await.unwrap();
    assert_eq!((it.code().await, it.verify().await, it.probes()), (None, None, 1));
}

#[tokio::test]
async fn a_thousand_refused_uses_cause_one_verification_in_five_minutes() {
    let it = Refused::new().await;
    let _running = run(&it.registry);
    for _ in 0..1000 {
        assert_eq!(it.send().await, 401);
        it.world.clock.advance(Duration::from_secs(1));
    }
    it.until("it is verified", async |it| it.probes() > 0).await;
    assert_eq!(it.probes(), 1);
    assert_eq!(it.code().await.as_deref(), Some("use_refused"), "a use was refused since");
    // The control: when the time is over, the scheduler verifies once more, because of the uses that were refused since.
    it.pass(INTERVAL).await;
    it.world.clock.advance(Duration::from_secs(5));
    it.until("it is verified again", async |it| it.code().await.is_none()).await;
    for _ in 0..20 {
        it.world.clock.advance(Duration::from_secs(5));
        it.info().await;
    }
    assert_eq!(it.probes(), 2);
}

#[tokio::test]
async fn a_use_that_is_refused_within_five_minutes_makes_the_connection_due_at_their_end() {
    let it = Refused::new().await;
    assert_eq!((it.send().await, it.verify().await), (401, Some(Liveness::Live)));
    assert_eq!((it.send().await, it.verify().await), (401, None));
    it.pass(INTERVAL - 60).await;
    assert_eq!(it.verify().await, None);
    it.pass(60).await;
    assert_eq!((it.verify().await, it.probes()), (Some(Liveness::Live), 2));
}

#[tokio::test]
async fn several_processes_verify_once_after_a_refused_use() {
    let it = Refused::new().await;
    let other = it.world.acme().await;
    let same = other.connection(it.connection.id()).await.unwrap();
    let _running = [run(&it.registry), run(&other)];
    it.world.clock.until_asleep(2).await;
    let (one, two) = tokio::join!(send(&it.connection), send(&same));
    assert_eq!((one.unwrap(), two.unwrap()), (401, 401));
    it.until("it is verified", async |it| it.probes() > 0).await;
    for _ in 0..20 {
        it.world.clock.advance(Duration::from_secs(5));
        it.info().await;
    }
    assert_eq!((it.probes(), same.verify_refused_use().await.unwrap().is_none()), (1, true));
}

#[tokio::test]
async fn a_refused_use_of_an_extension_counts() {
    let it = Refused::new().await;
    it.registry.extensions().grant("issues", it.connection.id(), &[]).await.unwrap();
    let issues = handle(&it.registry, "issues");
    let request = issues.request("GET", "/things").await.unwrap();
    assert_eq!(issues.send(request).await.unwrap().status(), 401);
    assert_eq!((it.code().await.as_deref(), it.verify().await), (Some("use_refused"), Some(Liveness::Live)));
}

#[tokio::test]
async fn no_verification_follows_a_refused_use_during_a_pause_that_the_provider_asked_for() {
    let it = Refused::new().await;
    let sibling = connected(&it.registry, "two").await;
    it.provider.probes.store(0, SeqCst);
    it.provider.pause.store(600, SeqCst);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Offline);
    it.provider.pause.store(0, SeqCst);
    let running = run(&it.registry);
    assert_eq!(send(&it.connection).await.unwrap(), 401);
    assert!(it.connection.verify_refused_use().await.unwrap().is_none());
    while it.world.now() < START + 595 {
        it.world.clock.advance(Duration::from_secs(5));
        it.info().await;
    }
    assert_eq!(it.probes(), 1);
    drop(running);
    // The control: the pause belongs to the connection that got it.
    assert_eq!(send(&sibling).await.unwrap(), 401);
    assert!(sibling.verify_refused_use().await.unwrap().is_some());
    assert_eq!(it.probes(), 2);
    // The connection is due when the pause is over.
    let _running = run(&it.registry);
    let passes = async |it: &Refused| {
        it.world.clock.advance(Duration::from_secs(1));
        it.info().await;
        it.probes() == 3
    };
    it.until("the pause is over", passes).await;
    // It does not wait for five more minutes.
    assert!(it.world.now() < START + 600 + INTERVAL, "{}", it.world.now() - START);
}

#[tokio::test]
async fn a_clock_that_was_an_hour_fast_delays_no_verification_after_it_was_corrected() {
    let it = Refused::new().await;
    let hour = |ahead: i64| Timestamp::from_seconds(START + ahead);
    // The clock of the process is fast.
    it.world.clock.jump_to(hour(3600));
    assert_eq!((it.send().await, it.verify().await), (401, Some(Liveness::Live)));
    assert_eq!(it.send().await, 401);
    it.world.clock.jump_to(hour(0));
    assert_eq!(it.verify().await, None, "the five minutes are not over");
    it.pass(INTERVAL).await;
    assert_eq!(it.verify().await, Some(Liveness::Live));
    // So is that of the database, which is that of the machine on SQLite.
    assert_eq!(it.send().await, 401);
    let fast = "UPDATE connection_liveness SET refused_at = refused_at + 3600, \
                refusal_checked_at = refusal_checked_at + 3600";
    sql::run(&it.world.database(), fast).await;
    let _running = run(&it.registry);
    it.until("it is verified", async |it| it.probes() == 3 && it.code().await.is_none()).await;
    // A pause that was stored with the fast clock.
    it.pass(INTERVAL + 3600).await;
    it.provider.pause.store(600, SeqCst);
    it.world.clock.jump_to(hour(3600));
    it.connection.verify().await.unwrap();
    it.provider.pause.store(0, SeqCst);
    it.world.clock.jump_to(hour(0));
    assert_eq!(it.send().await, 401);
    it.until("it is live again", async |it| it.info().await.liveness == Liveness::Live).await;
}

#[tokio::test]
async fn processes_whose_clocks_differ_by_an_hour_share_the_five_minutes() {
    let it = Refused::new().await;
    let fast = it.process(3600).await.connection(it.connection.id()).await.unwrap();
    for connection in [&it.connection, &fast, &it.connection, &fast] {
        assert_eq!(send(connection).await.unwrap(), 401);
        connection.verify_refused_use().await.unwrap();
    }
    assert_eq!(it.probes(), 1);
}

#[tokio::test]
async fn another_credential_is_not_verified_because_the_former_was_refused() {
    let it = Renewals::new().await;
    it.at(100);
    it.world.provider(|_| Reply::whole(401, "", "{}"));
    // The provider does not refresh the credential now, either.
    assert_eq!(it.send().await.unwrap(), 401);
    let noted = async || it.lease("refused_at").await.is_some();
    assert!(noted().await);
    let answering = it.provider.clone();
    it.world.provider(move |request| answering.answer(request));
    it.connection.force_refresh().await.unwrap();
    assert!(!noted().await);
    assert!(it.connection.verify_refused_use().await.unwrap().is_none());
}

/// The refresh after the refusal could not be made, and may still cure it.
#[tokio::test]
async fn a_refusal_while_the_refresh_has_to_wait_is_no_lost_authorization() {
    for semantics in [RefreshSemantics::Strict, RefreshSemantics::Stable] {
        // The control: the provider ends the grant.
        for (status, liveness) in [(503, Liveness::Offline), (400, Liveness::Failing)] {
            let it = Renewals::of(Renewing::of(semantics)).await;
            it.at(100);
            it.provider.lock().number = 2;
            it.provider.says(Some((status, "", "{}")));
            assert_eq!(it.send().await.unwrap(), 401);
            let info = it.connection.verify_refused_use().await.unwrap().unwrap();
            assert_eq!(info.liveness, liveness, "{semantics:?} {status}: {:?}", info.reason);
        }
    }
}

#[tokio::test]
async fn a_pause_of_the_refresh_is_kept_as_well() {
    let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    it.at(100);
    it.provider.lock().number = 2;
    it.provider.says(Some((429, "retry-after: 60\r\n", "")));
    assert_eq!(it.send().await.unwrap(), 401);
    let asked = it.world.server.requests().len();
    assert!(it.connection.verify_refused_use().await.unwrap().is_none());
    assert_eq!(it.world.server.requests().len(), asked);
    it.at(161);
    assert!(it.connection.verify_refused_use().await.unwrap().is_some());
    assert!(it.world.now() < START + LIFE && it.world.clock.passed() > Duration::ZERO);
}

#[tokio::test]
async fn a_verification_after_a_use_lengthens_no_pause() {
    let it = Refused::new().await;
    it.provider.is_gone.store(true, SeqCst);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Failing);
    let _running = run(&it.registry);
    for probes in 2..=5 {
        assert_eq!(it.send().await, 401);
        let settled = "SELECT COUNT(*) FROM connection_liveness WHERE refused_at IS NULL";
        it.until("it is verified", async |it| {
            it.probes() == probes && sql::number(&it.world.database(), settled).await == Some(1)
        })
        .await;
        it.pass(INTERVAL).await;
    }
    let failures = sql::number(&it.world.database(), "SELECT failures FROM connection_liveness").await;
    assert_eq!(failures, Some(1));
}

#[tokio::test]
async fn a_connection_is_asked_again_whatever_it_was_refused_for() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "one").await;
    let scope = || {
        let challenge = "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"write\"\r\n";
        Reply::whole(403, challenge, "{}")
    };
    let refusals: [Case; 4] = [
        (|| Reply::whole(401, "", "{}"), "unauthorized"),
        (|| Reply::whole(403, "", r#"{"error":"terms_not_accepted"}"#), "unauthorized"),
        (scope, "scope_missing"),
        (|| me("2", "eve"), "account_changed"),
    ];
    for (reply, code) in refusals {
        world.provider(move |_| reply());
        let info = connection.verify().await.unwrap();
        assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, code));
        let next = sql::number(&world.database(), "SELECT next_check_at FROM connection_liveness").await;
        let pause = next.expect("it is asked again") - world.now();
        assert!((INTERVAL..=INTERVAL + INTERVAL / 4).contains(&pause), "{code}: {pause}");
        world.provider(|_| me("1", "ada"));
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live, "{code}");
    }
}

#[tokio::test]
async fn a_verification_that_was_planned_by_a_clock_that_was_ahead_is_made_at_once() {
    let it = Refused::new().await;
    it.provider.is_gone.store(true, SeqCst);
    it.world.clock.jump_to(Timestamp::from_seconds(START + 400 * 86_400));
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Failing);
    it.world.clock.jump_to(Timestamp::from_seconds(START));
    it.provider.is_gone.store(false, SeqCst);
    let _running = run(&it.registry);
    it.until("it is verified", async |it| it.info().await.liveness == Liveness::Live).await;
}

#[tokio::test]
async fn only_a_success_contradicts_a_refusal() {
    let it = Refused::new().await;
    it.provider.is_gone.store(true, SeqCst);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Failing);
    it.provider.is_gone.store(false, SeqCst);
    for (status, is_success) in [(404, false), (503, false), (304, true)] {
        let probes = it.provider.clone();
        it.world.provider(move |request| match request.starts_with("GET /me ") {
            true => probes.answer(request),
            false => Reply::whole(status, "", ""),
        });
        assert_eq!(it.send().await, status);
        assert_eq!(it.verify().await, is_success.then_some(Liveness::Live), "{status}");
    }
}
