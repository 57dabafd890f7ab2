//! Rolling back to the previous credential: verified first, sealed again, as a whole, and only for a while.

use std::time::Duration;

use connection_contract::{Identity, Liveness, Secret, VerifyResult};
use connection_core::{Connection, Error};
use tokio::runtime::Handle;

use crate::{
    fake::{FAKE, Fake},
    old_rows::scheduled,
    reauthorize::{credentials, events, knows, reauthorized, state, token},
    setup_writes::{break_writes, is_store, mend},
    sql,
    test_host::{World, answers, code, connected, me, step},
    test_server::Reply,
};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Connected with key-1 and re-authorized with key-2; both work.
async fn twice(world: &World) -> Connection {
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    assert_eq!(code(&reauthorized(&connection, "key-2").await), "done Live");
    connection
}

async fn refused(connection: &Connection) -> Error {
    connection.rollback().await.unwrap_err()
}

#[tokio::test]
async fn the_previous_credential_is_current_again_and_can_be_left_again() {
    let world = World::new().await;
    let connection = twice(&world).await;
    world.provider(knows(&[("key-1", "1", "ada")]));
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Failing);
    let mut changes = connection.on_liveness_change();
    let info = connection.rollback().await.unwrap();
    assert_eq!((info.liveness, info.reason), (Liveness::Live, None));
    assert_eq!(token(&connection).await, "key-1");
    assert_eq!(changes.next().await.unwrap().liveness, Liveness::Live);
    assert_eq!(credentials(&world).await, ["previous 2", "current 3"], "a generation of its own");
    let expected = ["connected", "reauthorized", "liveness_changed", "rolled_back", "secret_released"];
    assert_eq!(events(&world).await, expected);
    world.provider(|_| me("1", "ada"));
    connection.rollback().await.unwrap();
    assert_eq!(token(&connection).await, "key-2", "twice is forth again");
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn the_old_blob_put_back_by_hand_does_not_open() {
    let world = World::new().await;
    let connection = twice(&world).await;
    let old = sql::blob(&world.database(), "SELECT sealed FROM connection_credential WHERE generation = 1").await;
    connection.rollback().await.unwrap();
    let put_back = format!("UPDATE connection_credential SET sealed = {} WHERE generation = 3", sql::literal(&old));
    assert_eq!(sql::run(&world.database(), put_back).await, 1);
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, "credential_unreadable"));
    assert!(matches!(connection.request("GET", "/me").await, Err(Error::Sealed { .. })));
}

#[tokio::test]
async fn account_and_configuration_go_back_with_it() {
    let world = World::new().await;
    world.provider(knows(&[("key-1", "1", "ada"), ("key-2", "2", "bob")]));
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let before = registry.connection(connection.id()).await.unwrap().info().clone();
    let session = connection.reauthorize().another_account().await.unwrap();
    let (no, _) = step(&session).await;
    let elsewhere = world.server.origin();
    session.advance(no, &answers(&[("accessToken", "key-2"), ("apiBaseUrl", &elsewhere)])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let between = registry.connection(connection.id()).await.unwrap().info().clone();
    assert_ne!((&between.identity.account_id, &between.config), (&before.identity.account_id, &before.config));

    // Another connection to the account is made in the meantime: one of the two must be removed first.
    let other = connected(&registry, "key-1").await;
    let error = refused(&connection).await;
    assert_eq!(error.code(), "rollback_refused");
    assert!(error.to_string().contains("acme:ada-2"), "{error}");
    registry.remove(other.id()).await.unwrap_or_else(|error| panic!("{error}"));

    let after = connection.rollback().await.unwrap();
    assert_eq!((&after.identity.account_id, &after.config), (&before.identity.account_id, &before.config));
    assert_eq!(after.identity.label, before.identity.label);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

/// Returns the time in seconds until which a rollback is possible.
async fn until(connection: &Connection) -> Option<i64> {
    connection.previous_until().await.unwrap().map(|until| until.seconds())
}

#[tokio::test]
async fn without_one_that_is_kept_it_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    assert_eq!(until(&connection).await, None);
    let error = refused(&connection).await;
    assert!(matches!(error, Error::NoPrevious { .. }) && error.to_string().contains("acme:ada"), "{error}");
    assert!(error.remedy().is_some());

    reauthorized(&connection, "key-2").await;
    // A credential that the provider rotated no longer works, and earlier ones may not either.
    world.provider(|_| Reply::ok(r#"{"id":"1","name":"ada","rotate":"key-2b"}"#));
    connection.verify().await.unwrap();
    world.provider(|_| me("1", "ada"));
    assert!(matches!(refused(&connection).await, Error::NoPrevious { .. }));
    assert_eq!(token(&connection).await, "key-2b");
    registry.remove(connection.id()).await.unwrap();
    assert!(matches!(refused(&connection).await, Error::NotFound(_)));
    assert!(credentials(&world).await.is_empty());
}

#[tokio::test]
async fn the_previous_credential_is_kept_for_a_week_and_then_ended_by_the_scheduler() {
    let world = World::new().await;
    let connection = twice(&world).await;
    let now = |world: &World| connection_contract::Clock::now(&world.clock).seconds();
    let week = i64::try_from(WEEK.as_secs()).unwrap();
    assert_eq!(until(&connection).await, Some(now(&world) + week));
    world.clock.advance(WEEK - Duration::from_secs(1));
    connection.verify().await.unwrap();
    assert_eq!(until(&connection).await, Some(now(&world) + 1));
    assert_eq!(credentials(&world).await, ["previous 1", "current 2"]);
    connection.rollback().await.unwrap();
    assert_eq!(until(&connection).await, Some(now(&world) + week), "the newer one is kept in turn");
    world.clock.advance(WEEK);
    assert!(matches!(refused(&connection).await, Error::NoPrevious { .. }), "though the row is there");
    assert_eq!(until(&connection).await, None);
    assert_eq!(credentials(&world).await, ["previous 2", "current 3"]);
    let previous = "SELECT COUNT(*) FROM connection_credential WHERE state = 'previous'";
    scheduled(&world, &world.acme().await, previous, 0).await;
    assert_eq!(credentials(&world).await, ["current 3"]);
}

#[tokio::test]
async fn one_that_does_not_work_is_refused_and_nothing_changes() {
    type Answer = fn() -> VerifyResult<Secret>;
    let findings: [(Answer, &str); 3] = [
        (|| not_live(false), "no longer"),
        (|| not_live(true), "no way there"),
        (|| VerifyResult::live().identity(Identity::new("eve", "eve")), "another account"),
    ];
    for (finding, why) in findings {
        let world = World::new().await;
        let fake = Fake::new();
        let registry = world.open(fake.clone()).await;
        let connection = fake.connected(&registry, "ada").await;
        again(&connection).await;
        let before = state(&world).await;
        fake.finds(move |_| finding());
        let error = refused(&connection).await;
        assert_eq!(error.code(), "rollback_refused", "{why}");
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(state(&world).await, before, "{why}");
    }
}

fn not_live(offline: bool) -> VerifyResult<Secret> {
    use connection_contract::{NotLive, Reason, reason};
    match offline {
        true => NotLive::offline(Reason::new(reason::CONNECT, "no way there")).into(),
        false => NotLive::failing(Reason::new(reason::UNAUTHORIZED, "no longer")).into(),
    }
}

#[tokio::test]
async fn one_that_was_damaged_or_moved_is_refused() {
    let world = World::new().await;
    let connection = twice(&world).await;
    let current = sql::blob(&world.database(), "SELECT sealed FROM connection_credential WHERE generation = 2").await;
    let moved = format!("UPDATE connection_credential SET sealed = {} WHERE generation = 1", sql::literal(&current));
    assert_eq!(sql::run(&world.database(), moved).await, 1);
    assert!(matches!(refused(&connection).await, Error::Sealed { .. }));
    assert_eq!(token(&connection).await, "key-2");
}

#[tokio::test]
async fn a_credential_rotated_by_its_verification_is_stored() {
    let world = World::new().await;
    let connection = twice(&world).await;
    world.provider(|request| match request.contains("Bearer key-1\r") {
        true => Reply::ok(r#"{"id":"1","name":"ada","rotate":"key-1b"}"#),
        false => me("1", "ada"),
    });
    connection.rollback().await.unwrap();
    assert_eq!(token(&connection).await, "key-1b");
}

/// Authorizes the account of a connection again.
async fn again(connection: &Connection) {
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    session.terminal().await.unwrap();
}

/// The rotated credential is stored even if the rollback is refused, because the previous one no longer works.
#[tokio::test]
async fn a_credential_rotated_by_its_verification_is_stored_although_refused() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    *fake.blob.lock().unwrap() = b"second".to_vec();
    again(&connection).await;
    fake.finds(|credential| match credential {
        b"blob" => not_live(true).rotated(Secret::from("fresh")),
        b"fresh" => VerifyResult::live(),
        _ => not_live(false),
    });
    assert_eq!(refused(&connection).await.code(), "rollback_refused");
    assert_eq!(credentials(&world).await, ["current 2", "previous 3"]);
    connection.rollback().await.unwrap();
    assert_eq!(*fake.seen.lock().unwrap(), [b"blob".to_vec(), b"fresh".to_vec()]);
    assert_eq!(credentials(&world).await, ["previous 2", "current 4"]);
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn a_failure_of_each_of_its_writes_changes_nothing() {
    for of in [
        "UPDATE OF next_generation ON connection_account",
        "DELETE ON connection_credential",
        "UPDATE ON connection_credential WHEN NEW.state = 'previous'",
        "INSERT ON connection_credential",
        "UPDATE OF generation ON connection_account",
        "UPDATE OF config ON connection_account",
        "UPDATE ON connection_liveness",
        "INSERT ON connection_event",
    ] {
        let world = World::new().await;
        let connection = twice(&world).await;
        let before = state(&world).await;
        break_writes(&world, of).await;
        let error = refused(&connection).await;
        assert!(is_store(&error), "{of}: {error:?}");
        assert_eq!(state(&world).await, before, "{of}");
        mend(&world).await;
        connection.rollback().await.unwrap();
        assert_eq!(token(&connection).await, "key-1", "{of}");
    }
}

#[tokio::test]
async fn two_concurrent_rollbacks_have_one_winner() {
    let world = World::new().await;
    let slow = Fake::new();
    let quick = Fake::new();
    let first = world.open(slow.clone()).await;
    let second = world.open(quick.clone()).await;
    let connection = slow.connected(&first, "ada").await;
    again(&connection).await;
    let twin = second.connection(connection.id()).await.unwrap();
    slow.gate.close();
    let late = Handle::current().spawn({
        let connection = connection.clone();
        async move { connection.rollback().await }
    });
    slow.gate.until_inside(1).await;
    twin.rollback().await.unwrap();
    let before = state(&world).await;
    slow.gate.open();
    let error = late.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("in the meantime"), "{error}");
    assert_eq!(state(&world).await, before);
}

#[tokio::test]
async fn a_caller_during_a_probe_gets_its_result() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    again(&connection).await;
    fake.gate.close();
    let one = connection.clone();
    let two = connection.clone();
    let both = Handle::current().spawn(async move { tokio::join!(one.rollback(), two.rollback()) });
    fake.gate.until_inside(1).await;
    fake.gate.open();
    let (one, two) = both.await.unwrap();
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(credentials(&world).await, ["previous 2", "current 3"], "once");
    registry.kinds().unregister(&FAKE);
    assert!(matches!(refused(&connection).await, Error::UnknownKind(_)));
}
