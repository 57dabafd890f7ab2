//! The key that a provider sends once, unsigned: only the first one is accepted, only during a handshake, and it
//! replaces no existing key.

use std::time::Duration;

use connection_contract::{Secret, SigningKey};
use connection_core::{Connection, ConnectionRegistry, Error, Receipt, ReceiveError};

use crate::{
    hooks::{Hooks, deliver, enabled, send, sign, token},
    sql,
    test_host::World,
};

async fn tell(registry: &ConnectionRegistry, connection: &Connection, key: &str) -> Result<Receipt, ReceiveError> {
    let body = format!(r#"{{"token":"{key}"}}"#);
    send(registry, &token(connection).await, Vec::new(), &body).await
}

async fn keys(connection: &Connection) -> usize {
    connection.webhooks().info().await.unwrap().unwrap().keys.len()
}

fn is_refused(result: &Result<Receipt, ReceiveError>) -> bool {
    matches!(result, Err(error @ ReceiveError::NotAuthentic(_)) if error.status() == 401)
}

#[tokio::test]
async fn the_first_key_that_is_told_while_somebody_waits_is_taken_and_no_other() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Handshake)).await;
    let connection = enabled(&registry, "ada").await;
    // Before the handshake, at another address, and after the window.
    assert!(is_refused(&tell(&registry, &connection, "early").await));
    let bob = enabled(&registry, "bob").await;
    let info = connection.webhooks().await_handshake().await.unwrap();
    assert_eq!(info.handshake_until.unwrap().seconds(), world.now() + 15 * 60);
    assert!(is_refused(&tell(&registry, &bob, "elsewhere").await));
    world.clock.advance(Duration::from_secs(15 * 60));
    assert!(is_refused(&tell(&registry, &connection, "late").await));
    assert!(connection.webhooks().info().await.unwrap().unwrap().handshake_until.is_none());
    assert_eq!(keys(&connection).await, 0);
    assert!(matches!(connection.webhooks().key().await, Err(Error::WebhookKey { .. })));
    // The key arrives one second before the window ends.
    connection.webhooks().await_handshake().await.unwrap();
    world.clock.advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(tell(&registry, &connection, "the-key").await.unwrap(), Receipt::Handshake);
    assert!(is_refused(&tell(&registry, &connection, "second").await));
    assert!(is_refused(&tell(&registry, &connection, "the-key").await));
    assert_eq!(connection.webhooks().key().await.unwrap().expose(), b"the-key");
    assert_eq!(keys(&connection).await, 1);
    assert_eq!(deliver(&connection, &registry, "1").await, Receipt::Stored);
    assert_eq!(sql::number(&world.database(), "SELECT COUNT(*) FROM connection_webhook").await, Some(1));
    let events = "SELECT kind FROM connection_event WHERE kind = 'webhook_key_told'";
    assert_eq!(sql::texts(&world.database(), events).await.len(), 1);
}

/// A stranger who knows the address and comes first: the key in use stays, and the user sees another key.
#[tokio::test]
async fn a_key_that_is_in_use_is_never_overwritten() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Handshake)).await;
    let connection = enabled(&registry, "ada").await;
    connection.webhooks().await_handshake().await.unwrap();
    tell(&registry, &connection, "in-use").await.unwrap();
    assert!(is_refused(&tell(&registry, &connection, "forged").await));
    connection.webhooks().await_handshake().await.unwrap();
    tell(&registry, &connection, "newer").await.unwrap();
    let at = token(&connection).await;
    let newest = connection.webhooks().key().await.unwrap();
    assert_eq!(newest.expose(), b"newer");
    for (key, body) in [("in-use", "1"), ("newer", "2")] {
        send(&registry, &at, sign(&Secret::from(key), body), body).await.unwrap();
    }
    assert!(send(&registry, &at, sign(&Secret::from("forged"), "3"), "3").await.is_err());
}

/// An event that is signed with a valid key counts as an event even during a handshake.
#[tokio::test]
async fn an_event_ends_no_wait_and_a_key_in_a_signed_event_is_not_taken() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Handshake)).await;
    let connection = enabled(&registry, "ada").await;
    connection.webhooks().await_handshake().await.unwrap();
    tell(&registry, &connection, "in-use").await.unwrap();
    connection.webhooks().await_handshake().await.unwrap();
    assert_eq!(deliver(&connection, &registry, r#"{"token":"no-key"}"#).await, Receipt::Stored);
    assert_eq!(keys(&connection).await, 1);
    assert!(connection.webhooks().info().await.unwrap().unwrap().handshake_until.is_some());
}

#[tokio::test]
async fn two_processes_that_announce_keys_at_once_store_one() {
    let world = World::new().await;
    let one = world.open(Hooks::new(SigningKey::Handshake)).await;
    let two = world.open(Hooks::new(SigningKey::Handshake)).await;
    let connection = enabled(&one, "ada").await;
    connection.webhooks().await_handshake().await.unwrap();
    let (first, second) = tokio::join!(tell(&one, &connection, "first"), tell(&two, &connection, "second"));
    assert_ne!(first.is_ok(), second.is_ok());
    assert!(is_refused(&first) || is_refused(&second));
    let expected = if first.is_ok() { "first" } else { "second" };
    assert_eq!(connection.webhooks().key().await.unwrap().expose_str(), Some(expected));
    assert_eq!(keys(&connection).await, 1);
}

#[tokio::test]
async fn what_is_no_key_is_not_taken_and_the_wait_goes_on() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Handshake)).await;
    let connection = enabled(&registry, "ada").await;
    connection.webhooks().await_handshake().await.unwrap();
    for odd in [String::new(), "x".repeat(1025)] {
        assert!(is_refused(&tell(&registry, &connection, &odd).await));
    }
    assert!(is_refused(&send(&registry, &token(&connection).await, Vec::new(), "no json").await));
    assert_eq!(tell(&registry, &connection, "the-key").await.unwrap(), Receipt::Handshake);
}

/// A kind whose keys the host creates accepts no key from outside.
#[tokio::test]
async fn a_kind_that_is_told_no_key_takes_none() {
    let world = World::new().await;
    for source in [SigningKey::Generated, SigningKey::Credential] {
        let registry = world.open(Hooks::new(source)).await;
        let connection = enabled(&registry, &format!("ada-{source:?}")).await;
        assert!(matches!(connection.webhooks().await_handshake().await, Err(Error::NotSupported { .. })));
        assert!(is_refused(&tell(&registry, &connection, "the-key").await));
        registry.close().await;
    }
}
