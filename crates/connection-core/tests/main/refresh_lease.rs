//! The lease is measured by the database's clock, and commits are checked by the generation.

use std::time::Duration;

use connection_contract::{BoxFuture, Timestamp};
use connection_core::{Clock, SystemClock};
use tokio::runtime::Handle;

use crate::{
    renewing::{LIFE, Renewals, Renewing, process, refreshed, send, token},
    sql,
    test_host::{START, database_clock},
};

/// A holder that overslept, while another one took the lease and did not refresh: its result is the only one that
/// works.
#[tokio::test]
async fn a_late_answer_is_stored_if_no_other_credential_came() {
    let it = Renewals::new().await;
    it.plugin.after.close();
    it.at(LIFE);
    let sending = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { send(&connection).await }
    });
    it.plugin.after.until_inside(1).await;
    let taken = "UPDATE connection_liveness SET lease_owner = 'other', lease_until = 9000000000, fence = fence + 1";
    it.edit(taken).await;
    it.plugin.after.open();
    assert_eq!(sending.await.unwrap().unwrap(), 200);
    assert_eq!((it.token().await, it.number("generation").await), ("access-2".to_owned(), 2));
    // The lease of the other holder stays.
    assert_eq!((it.lease("lease_until").await, it.lease("fence").await), (Some(9_000_000_000), Some(2)));
}

/// A holder that overslept and failed says nothing about the work of another.
#[tokio::test]
async fn a_failure_that_comes_late_is_written_nowhere() {
    let it = Renewals::new().await;
    it.plugin.after.close();
    it.provider.says(Some((400, "", "{}")));
    it.at(LIFE - 100);
    let asking = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { connection.refresh().await }
    });
    it.plugin.after.until_inside(1).await;
    it.edit("UPDATE connection_liveness SET lease_owner = 'other', lease_until = 9000000000, fence = fence + 1").await;
    it.plugin.after.open();
    asking.await.unwrap().unwrap_err();
    assert_eq!(it.credential("refresh_failures").await, Some(0));
    assert_eq!(sql::texts(&it.world.database(), "SELECT liveness FROM connection_liveness").await, ["live"]);
}

#[tokio::test]
async fn no_clock_of_a_process_makes_a_lease_run_out() {
    let it = Renewals::new().await;
    it.at(LIFE - 100);
    let held = "UPDATE connection_liveness SET lease_owner = 'other', fence = 3, lease_until = 9 + ";
    it.edit(&format!("{held}{}", database_clock())).await;
    it.world.clock.jump_to(Timestamp::from_seconds(START + LIFE - 50));
    assert_eq!(it.send().await.unwrap(), 200);
    it.connection.verify().await.unwrap();
    assert_eq!((refreshed(&it.plugin), it.lease("fence").await), (0, Some(3)));
    // A clock that is behind does not extend one either.
    it.edit("UPDATE connection_liveness SET lease_until = 1000").await;
    it.connection.verify().await.unwrap();
    // The attempt that the request began may have got the lease before the verification.
    it.until_renewed(1).await;
    assert_eq!((refreshed(&it.plugin), it.lease("fence").await), (1, Some(4)));
}

/// A lease that was taken before the clock of the database was set back.
#[tokio::test]
async fn a_lease_with_more_to_run_than_any_lease_has_is_none() {
    let it = Renewals::new().await;
    let held = "UPDATE connection_liveness SET lease_owner = 'other', fence = 3, lease_until = 60 + ";
    it.edit(&format!("{held}{}", database_clock())).await;
    it.at(LIFE - 100);
    // A scheduler finds it due, and the process that refreshes it gets the lease.
    let running = Handle::current().spawn({
        let registry = it.registry.clone();
        async move { registry.run().await }
    });
    it.until_renewed(1).await;
    running.abort();
    assert_eq!((refreshed(&it.plugin), it.lease("fence").await), (1, Some(4)));
}

/// A clock that is moved back by a second or two, as a synchronized one is now and then.
#[tokio::test]
async fn a_lease_outlasts_a_clock_that_is_moved_a_little() {
    let it = Renewals::new().await;
    it.at(LIFE - 100);
    let held = "UPDATE connection_liveness SET lease_owner = 'other', fence = 3, lease_until = 7 + ";
    it.edit(&format!("{held}{}", database_clock())).await;
    assert_eq!(it.send().await.unwrap(), 200);
    it.connection.verify().await.unwrap();
    assert_eq!((refreshed(&it.plugin), it.lease("fence").await), (0, Some(3)));
}

/// The clock of a process that is an hour ahead.
#[derive(Clone, Copy, Debug)]
struct Ahead(SystemClock);

impl connection_contract::Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.0.now().after(3_600)
    }
}

impl Clock for Ahead {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Clock::sleep(&self.0, duration)
    }
}

#[tokio::test]
async fn a_process_whose_clock_is_an_hour_ahead_renews_nothing_a_second_time() {
    let it = Renewals::of_processes(Renewing::new()).await;
    let ahead = process(&it.world, &it.plugin, Ahead(SystemClock::new())).await;
    let ahead = ahead.connection(it.connection.id()).await.unwrap();
    it.expire().await;
    let callers: Vec<_> = [ahead.clone(), it.connection.clone(), ahead, it.connection.clone()]
        .into_iter()
        .map(|connection| Handle::current().spawn(async move { token(&connection).await }))
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), "access-2");
    }
    assert_eq!((it.provider.request_count(), it.number("generation").await), (1, 2));
}

#[tokio::test]
async fn a_row_of_liveness_that_was_lost_costs_no_renewal() {
    let it = Renewals::new().await;
    it.edit("DELETE FROM connection_liveness").await;
    it.at(LIFE);
    assert_eq!(it.send().await.unwrap(), 200);
    assert_eq!((it.provider.request_count(), it.lease("fence").await), (1, Some(1)));
}
