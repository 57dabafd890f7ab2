//! One probe at a time per connection, even if its callers are dropped, and none that outlives its row.

use std::{future::poll_fn, task::Poll, time::Duration};

use connection_contract::Liveness;
use connection_core::Error;
use tokio::runtime::Handle;

use crate::{
    acme::{Acme, KIND},
    fake::{Deed, Fake, count, set},
    sql,
    test_host::{World, connect, connected},
    test_server::Reply,
};

/// R-INSEAM-054
#[tokio::test]
async fn concurrent_callers_share_one_probe() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.is(Liveness::Offline);
    let parsed = count(&fake.parsed);
    fake.gate.close();
    let mut callers: Vec<_> = (0..50).map(|_| Box::pin(connection.verify())).collect();
    // A call has requested its probe once it was polled.
    for caller in &mut callers {
        assert!(poll_fn(|cx| Poll::Ready(caller.as_mut().poll(cx))).await.is_pending());
    }
    fake.gate.until_inside(1).await;
    fake.gate.open();
    for caller in callers {
        assert_eq!(caller.await.unwrap().liveness, Liveness::Offline);
    }
    assert_eq!((count(&fake.verified), count(&fake.parsed)), (1, parsed + 1));
    // A later caller gets a separate probe.
    connection.verify().await.unwrap();
    assert_eq!(count(&fake.verified), 2);
}

#[tokio::test]
async fn the_provider_gets_one_request_and_each_further_probe_another() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let before = world.server.requests().len();
    let (a, b, c) = tokio::join!(connection.verify(), connection.verify(), connection.verify());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(world.server.requests().len(), before + 1);
}

/// R-INSEAM-014
#[tokio::test]
async fn a_credential_is_parsed_once_for_its_page_once_for_each_probe_and_once_for_the_teardown() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    assert_eq!(count(&fake.parsed), 1, "for the page on which a person deletes it");
    for probe in 1..=3 {
        connection.verify().await.unwrap();
        assert_eq!(count(&fake.parsed), 1 + probe);
    }
    registry.remove(connection.id()).await.unwrap();
    assert_eq!((count(&fake.parsed), count(&fake.torn)), (5, 1));
    assert_eq!(count(&fake.serialized), 1);
}

/// R-INSEAM-014: the names of a credential's secrets are read in the call that verifies it.
#[tokio::test]
async fn a_credential_with_named_secrets_is_parsed_once_for_each_probe_too() {
    let world = World::new().await;
    let acme = Acme::default();
    let registry = world.open(acme.clone()).await;
    let connection = connected(&registry, "key-1").await;
    assert_eq!(count(&acme.calls.parsed), 2, "the setup verifies once, and names the page for its deletion");
    connection.verify().await.unwrap();
    assert_eq!(count(&acme.calls.parsed), 3);
    world.provider(|_| Reply::ok(r#"{"id":"1","name":"ada","rotate":"key-2"}"#));
    connection.verify().await.unwrap();
    assert_eq!(count(&acme.calls.parsed), 4, "the credential that the provider rotated is not parsed again");
    let names = sql::texts(&world.database(), "SELECT secret_names FROM connection_credential").await;
    assert_eq!(names, [r#"["accessToken"]"#]);
}

/// R-INSEAM-014: a use is no exception.
#[tokio::test]
async fn a_credential_is_parsed_once_for_each_use() {
    let world = World::new().await;
    let acme = Acme::default();
    let registry = world.open(acme.clone()).await;
    let connection = connected(&registry, "key-1").await;
    let before = count(&acme.calls.parsed);
    let request = connection.request("GET", "/things").await.unwrap();
    connection.send(request).await.unwrap();
    connection.with_access_token(async |_| ()).await.unwrap();
    assert_eq!(count(&acme.calls.parsed), before + 2);
}

/// R-INSEAM-012
#[tokio::test]
async fn a_credential_is_any_bytes_also_none() {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    for blob in [b"\xff\xfe\x00\x80".to_vec(), Vec::new(), every, vec![0; 100_000]] {
        let world = World::new().await;
        let fake = Fake::new();
        let registry = world.open(fake.clone()).await;
        fake.blob.lock().unwrap().clone_from(&blob);
        let connection = fake.connected(&registry, "ada").await;
        assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
        assert!(*fake.seen.lock().unwrap() == [blob]);
    }
}

/// R-INSEAM-059: the core owns the probe, so the caller may leave.
#[tokio::test]
async fn a_caller_who_leaves_ends_no_probe() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.is(Liveness::Failing);
    fake.gate.close();
    let caller = Handle::current().spawn({
        let connection = connection.clone();
        async move { connection.verify().await }
    });
    fake.gate.until_inside(1).await;
    let mut changes = connection.on_liveness_change();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    fake.gate.open();
    assert_eq!(changes.next().await.unwrap().liveness, Liveness::Failing);
    assert_eq!(count(&fake.verified), 1);
}

/// R-INSEAM-056, R-INSEAM-059, R-INSEAM-063
#[tokio::test]
async fn a_probe_of_a_connection_that_is_removed_is_dropped_and_brings_nothing_back() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    fake.is(Liveness::Failing);
    let mut changes = connection.on_liveness_change();
    fake.gate.close();
    let probe = Handle::current().spawn({
        let connection = connection.clone();
        async move { connection.verify().await }
    });
    fake.gate.until_inside(1).await;
    let removal = Handle::current().spawn({
        let registry = registry.clone();
        let id = connection.id();
        async move { registry.remove(id).await }
    });
    // The probe ends before the teardown does, which waits at the same gate.
    assert!(matches!(probe.await.unwrap(), Err(Error::NotFound(id)) if id == connection.id()));
    fake.gate.open();
    removal.await.unwrap().unwrap();
    assert!(changes.next().await.is_none());
    let left = "SELECT 'account' FROM connection_account UNION ALL SELECT 'credential' FROM connection_credential \
                UNION ALL SELECT 'liveness' FROM connection_liveness";
    assert_eq!(sql::texts(&world.database(), left).await, [""; 0]);
    let events = "SELECT kind FROM connection_event ORDER BY seq";
    assert_eq!(sql::texts(&world.database(), events).await, ["connected", "removed"]);
    fake.gate.until_empty().await;
}

/// R-INSEAM-056: another process does not know of this one's probes.
#[tokio::test]
async fn a_probe_that_ends_after_another_process_removed_the_row_writes_and_tells_nothing() {
    let world = World::new().await;
    let ours = Fake::new();
    let theirs = Fake::new();
    let first = world.open(ours.clone()).await;
    let second = world.open(theirs).await;
    let connection = ours.connected(&first, "ada").await;
    ours.is(Liveness::Failing);
    ours.gate.close();
    let mut changes = connection.on_liveness_change();
    let probe = Handle::current().spawn({
        let connection = connection.clone();
        async move { connection.verify().await }
    });
    ours.gate.until_inside(1).await;
    second.remove(connection.id()).await.unwrap();
    ours.gate.open();
    assert!(matches!(probe.await.unwrap(), Err(Error::NotFound(_))));
    let events = "SELECT kind FROM connection_event ORDER BY seq";
    assert_eq!(sql::texts(&world.database(), events).await, ["connected", "removed"]);
    assert_eq!(sql::number(&world.database(), "SELECT count(*) FROM connection_liveness").await, Some(0));
    // Its next probe finds that the connection was removed, and the stream ends.
    assert!(matches!(connection.verify().await, Err(Error::NotFound(_))));
    assert!(changes.next().await.is_none());
}

/// R-INSEAM-059
#[tokio::test]
async fn a_plugin_that_crashes_in_a_probe_leaves_nobody_waiting() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    set(&fake.verify, Deed::Panics);
    let (a, b) = tokio::join!(connection.verify(), connection.verify());
    assert_eq!((a.unwrap().liveness, b.unwrap().liveness), (Liveness::Failing, Liveness::Failing));
    set(&fake.verify, Deed::Well);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

/// R-INSEAM-013
#[tokio::test]
async fn a_credential_is_serialized_once_by_a_setup() {
    let world = World::new().await;
    let acme = Acme::default();
    let registry = world.open(acme.clone()).await;
    connect(&registry, &KIND, &[("accessToken", "key-1")]).await;
    assert_eq!(count(&acme.calls.serialized), 1);
}

/// R-INSEAM-056: if two processes measure one credential, the slower result is the less recent one.
#[tokio::test]
async fn a_slow_probe_does_not_undo_what_another_process_measured_meanwhile() {
    let world = World::new().await;
    let slow = Fake::new();
    let quick = Fake::new();
    let first = world.open(slow.clone()).await;
    let second = world.open(quick).await;
    let connection = slow.connected(&first, "ada").await;
    let twin = second.connection(connection.id()).await.unwrap();
    slow.is(Liveness::Failing);
    let verify = || {
        let connection = connection.clone();
        Handle::current().spawn(async move { connection.verify().await.unwrap().liveness })
    };
    slow.gate.close();
    let probe = verify();
    slow.gate.until_inside(1).await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(twin.verify().await.unwrap().liveness, Liveness::Live);
    slow.gate.open();
    assert_eq!(probe.await.unwrap(), Liveness::Live, "who asked gets what the row says");
    let events = "SELECT kind FROM connection_event ORDER BY seq";
    assert_eq!(sql::texts(&world.database(), events).await, ["connected"]);
    // A time in the future does not block a write.
    let tomorrow = world.now() + 86_400;
    sql::run(&world.database(), format!("UPDATE connection_liveness SET checked_at = {tomorrow}")).await;
    assert_eq!(verify().await.unwrap(), Liveness::Failing);
}
