//! Waiters learn which rows this process has changed, and that another process has changed rows.

use std::{task::Poll, time::Duration};

use connection_contract::Timestamp;

use super::{Database, add, credential};
use crate::{
    ManualClock,
    ids::ConnectionId,
    store::{Changed, Changes, StoreError, rows::CredentialState},
};

const LONG: Duration = Duration::from_secs(30);

/// Returns `true` if the wait ends after so much time.
async fn hears(changes: &mut Changes, clock: &ManualClock, passes: Duration, of: impl Fn(Changed) -> bool) -> bool {
    let mut wait = std::pin::pin!(changes.changed(clock, LONG, of));
    for passes in [Duration::ZERO, passes] {
        clock.advance(passes);
        tokio::select! {
            // Polled first, so that a sleeper has seen the time pass. Reading the version of the file happens on
            // another thread.
            biased;
            changed = wait.as_mut() => {
                changed.unwrap();
                return true;
            }
            () = clock.until_asleep(1) => {}
        }
    }
    false
}

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_seconds(1_000))
}

#[tokio::test]
async fn a_local_commit_reaches_its_subscribers_at_once() {
    let database = Database::new();
    let clock = clock();
    let store = database.open().await;
    let mut changes = store.changes(&clock).await;
    assert!(!hears(&mut changes, &clock, Duration::ZERO, |_| true).await);
    let row = database.account("one");
    let id = row.id;
    add(&store, &row).await.unwrap();
    assert!(hears(&mut changes, &clock, Duration::ZERO, |changed| changed == Changed::Connection(id)).await);
    let other: ConnectionId = database.id();
    let row = credential(id, 1, CredentialState::Current);
    store.write(move |tx| Box::pin(async move { tx.insert_credential(&row).await })).await.unwrap();
    assert!(!hears(&mut changes, &clock, Duration::ZERO, |changed| changed == Changed::Connection(other)).await);
}

#[tokio::test]
async fn a_commit_of_another_process_is_noticed_within_a_tenth_of_a_second() {
    let database = Database::new();
    let clock = clock();
    let store = database.open().await;
    let other = database.open().await;
    let mut changes = store.changes(&clock).await;
    assert!(!hears(&mut changes, &clock, Duration::from_millis(100), |_| false).await);
    add(&other, &database.account("one")).await.unwrap();
    assert!(!hears(&mut changes, &clock, Duration::from_millis(99), |_| true).await);
    assert!(hears(&mut changes, &clock, Duration::from_millis(100), |_| true).await);
    assert!(!hears(&mut changes, &clock, Duration::from_millis(100), |_| true).await);
}

#[tokio::test]
async fn a_job_that_is_undone_is_not_heard_of() {
    let database = Database::new();
    let clock = clock();
    let store = database.open().await;
    let row = database.account("one");
    add(&store, &row).await.unwrap();
    let mut changes = store.changes(&clock).await;
    add(&store, &row).await.unwrap_err();
    assert!(!hears(&mut changes, &clock, Duration::ZERO, |_| true).await);
}

#[tokio::test]
async fn a_wait_ends_at_its_time_and_when_the_store_is_closed() {
    let database = Database::new();
    let clock = clock();
    let store = database.open().await;
    let mut changes = store.changes(&clock).await;
    assert!(hears(&mut changes, &clock, LONG, |_| true).await);
    let closed = async {
        clock.until_asleep(1).await;
        store.close().await;
    };
    let (outcome, ()) = tokio::join!(changes.changed(&clock, LONG, |_| false), closed);
    assert!(matches!(outcome, Err(StoreError::Closed)), "{outcome:?}");
    assert!(matches!(changes.changed(&clock, LONG, |_| true).await, Err(StoreError::Closed)));
}

#[test]
fn a_signal_names_a_row_and_what_is_no_signal_of_ours_is_worth_a_look() {
    let id = "0190a5c0-7d2f-7e3a-8b1c-0123456789ab";
    let connection = Changed::Connection(id.parse().unwrap());
    for (payload, expected) in [
        (format!("account:{id}"), connection),
        (format!("setup:{id}"), Changed::Setup(id.parse().unwrap())),
        ("extension".into(), Changed::Extensions),
        ("keyset".into(), Changed::Keys),
        (format!("usage:{id}"), Changed::Usage(id.parse().unwrap())),
        (format!("webhook:{id}"), Changed::Webhook(id.parse().unwrap())),
        (String::new(), Changed::Something),
        ("account:1".into(), Changed::Something),
        (format!("other:{id}"), Changed::Something),
        ("keyset:1".into(), Changed::Something),
    ] {
        assert_eq!(Changed::parse(&payload), expected, "{payload}");
    }
}

/// A host may keep a stream without polling it, whatever the stream is doing at that moment.
#[tokio::test]
async fn a_reader_that_is_no_longer_polled_blocks_nobody() {
    let database = Database::new();
    let clock = clock();
    let store = database.open().await;
    let mut kept = Vec::new();
    for polls in 1..20 {
        let store = store.clone();
        let clock = clock.clone();
        let mut look = Box::pin(async move { store.version(&clock, Duration::ZERO).await });
        for _ in 0..polls {
            let ready = std::future::poll_fn(|cx| Poll::Ready(look.as_mut().poll(cx).is_ready())).await;
            if ready {
                break;
            }
            tokio::task::yield_now().await;
        }
        kept.push(look);
    }
    assert!(store.version(&clock, Duration::ZERO).await.is_some());
    drop(kept);
}
