//! After a provider has rotated a credential, the previous one no longer works, and perhaps neither do earlier
//! ones. None of them is kept, and a rollback is not possible.

use connection_contract::Liveness;
use connection_core::{Connection, Outcome};

use crate::{
    fake::{Deed, set},
    reauthorize::{credentials, reauthorized, token},
    renewing::Renewals,
    test_host::{World, answers, code, connected, step},
    test_server::Reply,
};

async fn reauthorize(connection: &Connection) {
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
}

/// Connected and re-authorized, so that there is a previous credential.
async fn twice() -> Renewals {
    let it = Renewals::new().await;
    reauthorize(&it.connection).await;
    assert_eq!(credentials(&it.world).await, ["previous 1", "current 2"], "the control: one is kept");
    it
}

/// Checks that only this credential is stored, and that a rollback fails.
async fn alone(it: &Renewals, generation: i64, token: &str) {
    assert_eq!(credentials(&it.world).await, [format!("current {generation}")]);
    it.connection.rollback().await.unwrap_err();
    assert_eq!((it.number("generation").await, it.token().await.as_str()), (generation, token));
}

#[tokio::test]
async fn a_refresh_keeps_no_previous_credential() {
    let it = twice().await;
    it.at(100);
    it.connection.refresh().await.unwrap();
    alone(&it, 3, "access-2").await;
    it.at(200);
    it.connection.refresh().await.unwrap();
    alone(&it, 4, "access-3").await;
}

#[tokio::test]
async fn a_probe_that_rotates_keeps_no_previous_credential() {
    let it = twice().await;
    it.plugin.rotates.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
    alone(&it, 3, "access-by-probe").await;
}

/// The same for a kind whose connections can be rolled back.
#[tokio::test]
async fn a_rollback_past_a_rotation_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    assert_eq!(code(&reauthorized(&connection, "key-2").await), "done Live");
    connection.rollback().await.unwrap();
    assert_eq!(credentials(&world).await, ["previous 2", "current 3"], "the control: it can");
    world.provider(|request| match request.contains("Bearer key-1") {
        true => Reply::ok(r#"{"id":"1","name":"ada","rotate":"key-3"}"#),
        false => Reply::ok(r#"{"id":"1","name":"ada"}"#),
    });
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    assert_eq!(credentials(&world).await, ["current 4"]);
    assert_eq!(connection.rollback().await.unwrap_err().code(), "no_previous");
    assert_eq!(token(&connection).await, "key-3");
}

/// The control: a refresh without success deletes nothing.
#[tokio::test]
async fn a_refresh_that_fails_keeps_the_previous_credential() {
    let it = twice().await;
    set(&it.plugin.deed, Deed::Bug);
    it.at(100);
    it.connection.refresh().await.unwrap_err();
    assert_eq!(credentials(&it.world).await, ["previous 1", "current 2"]);
}
