//! One refresh at a time over several processes. A process that fails, panics or has ended blocks no other process.

use connection_contract::{Liveness, reason};
use connection_core::Error;
use tokio::runtime::Handle;

use crate::{
    fake::{Deed, set},
    renewing::{Renewals, Renewing, patient_token, refreshed, send, token},
};

#[tokio::test]
async fn three_processes_refresh_once_and_share_the_result() {
    let it = Renewals::of_processes(Renewing::new()).await;
    // A lease has an end by the system's clock: nothing slow is done while the first process holds it.
    let processes = [it.process(&it.plugin).await, it.process(&it.plugin).await, it.process(&it.plugin).await];
    it.expire().await;
    it.plugin.before.close();
    let mut callers = Vec::new();
    for connection in processes {
        for _ in 0..20 {
            let connection = connection.clone();
            callers.push(Handle::current().spawn(async move { patient_token(&connection).await }));
        }
    }
    it.plugin.before.until_inside(1).await;
    a_moment(&it).await;
    assert_eq!(refreshed(&it.plugin), 1, "the others wait for the first");
    it.plugin.before.open();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "access-2");
    }
    let revoked = it.provider.lock().is_revoked;
    assert_eq!((it.provider.request_count(), revoked, it.number("generation").await), (1, false, 2));
    assert_eq!(it.lease("lease_until").await, None);
}

/// Long enough for any wrong action to happen.
async fn a_moment(it: &Renewals) {
    for _ in 0..20 {
        it.number("generation").await;
    }
}

#[tokio::test]
async fn a_caller_uses_the_working_credential_while_another_process_refreshes() {
    let it = Renewals::of_processes(Renewing::new()).await;
    let slow = Renewing::new();
    let quick = Renewing::new();
    let one = it.process(&slow).await;
    let other = it.process(&quick).await;
    slow.before.close();
    it.fall_due().await;
    assert_eq!(send(&one).await.unwrap(), 200);
    slow.before.until_inside(1).await;
    // A use and a probe of the other process.
    assert_eq!(send(&other).await.unwrap(), 200);
    assert_eq!(other.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!((refreshed(&quick), it.provider.request_count()), (0, 0));
    // A caller that requests a new credential waits, and gets the one of the first process.
    let asking = Handle::current().spawn({
        let other = other.clone();
        async move { other.refresh().await }
    });
    tokio::task::yield_now().await;
    slow.before.open();
    asking.await.unwrap().unwrap();
    assert_eq!(
        (token(&other).await.unwrap(), it.provider.request_count(), refreshed(&quick)),
        ("access-2".into(), 1, 0)
    );
}

#[tokio::test]
async fn a_waiter_gets_the_failure_of_another_process() {
    let it = Renewals::of_processes(Renewing::new()).await;
    for (deed, code) in [(Deed::Offline, reason::PROVIDER_ERROR), (Deed::Panics, reason::PLUGIN_PANICKED)] {
        it.edit("UPDATE connection_credential SET refresh_failures = 0, refresh_reason = NULL").await;
        it.expire().await;
        let leader = Renewing::new();
        let follower = Renewing::new();
        let one = it.process(&leader).await;
        let other = it.process(&follower).await;
        leader.before.close();
        set(&leader.deed, deed);
        let mut callers = vec![Handle::current().spawn(async move { token(&one).await })];
        leader.before.until_inside(1).await;
        for _ in 0..10 {
            let other = other.clone();
            callers.push(Handle::current().spawn(async move { token(&other).await }));
        }
        tokio::task::yield_now().await;
        leader.before.open();
        for caller in callers {
            match caller.await.unwrap() {
                Err(Error::NotRenewed { why, .. }) => assert_eq!(why.reason.code, code),
                other => panic!("{code}: {other:?}"),
            }
        }
        assert_eq!((it.provider.request_count(), refreshed(&follower)), (0, 0), "{code}");
    }
}

#[tokio::test]
async fn a_lease_of_a_process_that_is_gone_is_waited_for_and_taken_over() {
    let it = Renewals::of_processes(Renewing::new()).await;
    it.expire().await;
    let now = crate::test_host::database_clock();
    let held = format!("UPDATE connection_liveness SET lease_owner = 'gone', lease_until = {now} + 9, fence = 7");
    it.edit(&held).await;
    let waiting = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { token(&connection).await }
    });
    a_moment(&it).await;
    assert_eq!(refreshed(&it.plugin), 0, "the lease is another's");
    it.edit(&format!("UPDATE connection_liveness SET lease_until = {now}")).await;
    assert_eq!(waiting.await.unwrap().unwrap(), "access-2");
    assert_eq!((it.lease("fence").await, it.lease("lease_until").await), (Some(8), None));
}

/// A host that is being shut down.
#[tokio::test]
async fn a_registry_that_is_drained_stores_what_is_under_way_and_begins_nothing_more() {
    let it = Renewals::new().await;
    it.plugin.after.close();
    let connection = it.connection.clone();
    let asking = Handle::current().spawn(async move { connection.refresh().await });
    it.plugin.after.until_inside(1).await;
    let registry = it.registry.clone();
    let draining = Handle::current().spawn(async move { registry.drain().await });
    a_moment(&it).await;
    assert!(!draining.is_finished(), "what the provider has given is not stored yet");
    it.plugin.after.open();
    draining.await.unwrap();
    assert_eq!((it.number("generation").await, it.provider.request_count()), (2, 1));
    assert_eq!(asking.await.unwrap().unwrap().connection.liveness, Liveness::Live);
    let refused = it.connection.refresh().await.unwrap_err();
    assert_eq!((refused.code(), it.provider.request_count()), ("registry_closed", 1), "{refused:?}");
}

/// Nothing of this process is out, so the host need not wait for the other one.
#[tokio::test]
async fn a_registry_that_is_drained_does_not_wait_for_the_refresh_of_another_process() {
    let it = Renewals::of_processes(Renewing::new()).await;
    it.expire().await;
    let now = crate::test_host::database_clock();
    it.edit(&format!("UPDATE connection_liveness SET lease_owner = 'other', lease_until = {now} + 9, fence = 7")).await;
    let waiting = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { token(&connection).await }
    });
    a_moment(&it).await;
    assert!(!waiting.is_finished(), "the lease is another's");
    it.registry.drain().await;
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!((error.code(), it.provider.request_count()), ("registry_closed", 0), "{error:?}");
}
