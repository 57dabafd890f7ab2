//! The webhook address of a connection: created once, sealed, changed by compare-and-swap, and removed with the
//! connection.

use std::time::Duration;

use connection_contract::{Secret, SigningKey, encode};
use connection_core::{Error, ReceiveError, WebhookKey};

use crate::{
    acme::Acme,
    fake::Fake,
    hooks::{Hooks, KIND, SIGNATURE, deliver, enabled, send, sign, signed, token},
    leaks::Search,
    sql,
    test_host::{World, connected, connected_as},
};

const EVENTS: &str = "SELECT kind FROM connection_event WHERE kind LIKE 'webhook%' OR kind = 'secret_released' \
                      ORDER BY seq";
const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn an_address_is_given_once_and_is_256_random_bits_that_are_stored_sealed() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = connected_as(&registry, &KIND, &[("key", "ada")]).await;
    assert!(connection.webhooks().info().await.unwrap().is_none());
    let info = connection.webhooks().enable().await.unwrap();
    let again = connection.webhooks().enable().await.unwrap();
    assert_eq!((&info.path_token, &info.keys), (&again.path_token, &again.keys), "nothing was changed");
    assert_eq!(encode::from_base64url(&info.path_token).unwrap().len(), 32);
    assert_eq!((info.signing_key, info.keys.len(), info.waiting), (SigningKey::Generated, 1, 0));
    let key = connection.webhooks().key().await.unwrap();
    assert_eq!(encode::from_base64url(key.expose_str().unwrap()).unwrap().len(), 32);
    let other = enabled(&registry, "bob").await;
    assert_ne!(token(&other).await, info.path_token);
    assert_ne!(other.webhooks().key().await.unwrap().expose(), key.expose());
    assert!(!format!("{info:?}").contains(&info.path_token));
    // Neither the token nor the key is in the database, in any form.
    let search = Search::of([("token", info.path_token.as_str()), ("key", key.expose_str().unwrap())]);
    let stored = sql::everything(&world.database()).await;
    assert!(search.bytes(&stored).is_empty());
    let of_ada = "SELECT e.kind FROM connection_event AS e JOIN connection_account AS a ON a.id = e.connection_id \
                  WHERE a.label = 'ada' AND e.kind <> 'connected' ORDER BY e.seq";
    assert_eq!(sql::texts(&world.database(), of_ada).await, ["webhook_enabled", "secret_released"]);
}

#[tokio::test]
async fn a_kind_says_by_its_facet_whether_it_receives_webhooks() {
    let world = World::new().await;
    let fake = Fake::new();
    let builder = world.builder().kind(fake.clone()).kind(Hooks::new(SigningKey::Generated));
    let registry = builder.open().await.unwrap();
    assert!(registry.kinds().get(&KIND).unwrap().capabilities.webhooks);
    let without = fake.connected(&registry, "ada").await;
    assert!(!registry.kinds().get(&without.info().kind).unwrap().capabilities.webhooks);
    let refused = without.webhooks().enable().await.unwrap_err();
    assert_eq!(refused.to_string(), "connections of kind 'fake' cannot receive webhooks");
    assert!(matches!(without.webhooks().info().await, Err(Error::NotSupported { .. })));
}

#[tokio::test]
async fn a_credential_that_signs_nothing_gets_no_address() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Credential)).await;
    let connection = connected_as(&registry, &KIND, &[("key", "signs-nothing")]).await;
    let refused = connection.webhooks().enable().await.unwrap_err();
    assert_eq!(refused.to_string(), "webhooks of 'hooks:signs-nothing' cannot be checked: there is none");
    assert_eq!(refused.code(), "webhook_key_missing");
    assert!(connection.webhooks().info().await.unwrap().is_none());
    assert!(sql::texts(&world.database(), EVENTS).await.is_empty());
    // The control: a credential with a key gets an address.
    let ada = enabled(&registry, "ada").await;
    assert!(ada.webhooks().info().await.unwrap().unwrap().keys.is_empty(), "the credential holds it");
    assert!(matches!(ada.webhooks().key().await, Err(Error::WebhookKey { .. })));
    assert!(matches!(ada.webhooks().rotate_key().await, Err(Error::NotSupported { .. })));
    assert!(matches!(ada.webhooks().await_handshake().await, Err(Error::NotSupported { .. })));
}

#[tokio::test]
async fn the_former_key_is_good_for_a_week_beside_the_new_one_and_not_longer() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    let token = token(&connection).await;
    let old = connection.webhooks().key().await.unwrap();
    let rotated = connection.webhooks().rotate_key().await.unwrap();
    let until = world.now() + 7 * DAY as i64;
    assert_eq!(
        rotated.keys.iter().map(|key: &WebhookKey| key.until.map(|at| at.seconds())).collect::<Vec<_>>(),
        [None, Some(until)]
    );
    let new = connection.webhooks().key().await.unwrap();
    assert_ne!(new.expose(), old.expose());
    for (key, body) in [(&old, "1"), (&new, "2")] {
        send(&registry, &token, sign(key, body), body).await.unwrap();
    }
    world.clock.advance(Duration::from_secs(7 * DAY - 1));
    send(&registry, &token, sign(&old, "3"), "3").await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let late = send(&registry, &token, sign(&old, "4"), "4").await.unwrap_err();
    assert!(matches!(late, ReceiveError::NotAuthentic(_)), "{late:?}");
    send(&registry, &token, sign(&new, "5"), "5").await.unwrap();
    assert_eq!(connection.webhooks().info().await.unwrap().unwrap().keys.len(), 1);
}

#[tokio::test]
async fn a_key_that_was_lost_is_ended_at_once_and_four_are_the_most() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    let token = token(&connection).await;
    let old = connection.webhooks().key().await.unwrap();
    for _ in 0..3 {
        connection.webhooks().rotate_key().await.unwrap();
    }
    let refused = connection.webhooks().rotate_key().await.unwrap_err();
    assert!(refused.to_string().contains("end the former keys first"), "{refused}");
    send(&registry, &token, sign(&old, "1"), "1").await.unwrap();
    let left = connection.webhooks().end_grace().await.unwrap().keys;
    assert_eq!(left.iter().map(|key| key.until).collect::<Vec<_>>(), [None], "the newest has no end");
    assert!(send(&registry, &token, sign(&old, "2"), "2").await.is_err());
    deliver(&connection, &registry, "3").await;
    // Calling it again changes nothing.
    connection.webhooks().end_grace().await.unwrap();
    deliver(&connection, &registry, "4").await;
}

/// Several concurrent changes are made one after the other, and no change is lost.
#[tokio::test]
async fn changes_at_once_in_two_processes_are_all_done() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let other = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = connected_as(&registry, &KIND, &[("key", "ada")]).await;
    let there = other.connection(connection.id()).await.unwrap();
    let (one, two) = tokio::join!(connection.webhooks().enable(), there.webhooks().enable());
    assert_eq!(one.unwrap().path_token, two.unwrap().path_token, "one address");
    let (one, two) = tokio::join!(connection.webhooks().rotate_key(), there.webhooks().rotate_key());
    one.unwrap();
    two.unwrap();
    assert_eq!(connection.webhooks().info().await.unwrap().unwrap().keys.len(), 3);
    let enabled = sql::texts(&world.database(), EVENTS).await;
    assert_eq!(enabled, ["webhook_enabled", "webhook_key_changed", "webhook_key_changed"]);
}

#[tokio::test]
async fn an_address_that_was_taken_away_receives_nothing_and_another_one_is_given_later() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    deliver(&connection, &registry, "1").await;
    let old = token(&connection).await;
    let headers = signed(&connection, "2").await;
    connection.webhooks().disable().await.unwrap();
    connection.webhooks().disable().await.unwrap();
    assert!(connection.webhooks().info().await.unwrap().is_none());
    assert!(matches!(connection.webhooks().key().await, Err(Error::WebhookDisabled { .. })));
    assert!(matches!(connection.webhooks().rotate_key().await, Err(Error::WebhookDisabled { .. })));
    let refused = send(&registry, &old, headers.clone(), "2").await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("webhook_unknown", 404));
    // The waiting events are still there, and later ones have larger numbers.
    connection.webhooks().enable().await.unwrap();
    assert_ne!(token(&connection).await, old);
    assert!(send(&registry, &token(&connection).await, headers, "2").await.is_err(), "another key");
    deliver(&connection, &registry, "3").await;
    let numbers = "SELECT CAST(number AS TEXT) FROM connection_webhook ORDER BY number";
    assert_eq!(sql::texts(&world.database(), numbers).await, ["1", "2"]);
    assert_eq!(connection.webhooks().info().await.unwrap().unwrap().waiting, 2);
}

#[tokio::test]
async fn a_connection_that_is_removed_takes_its_address_and_its_inbox_with_it() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    deliver(&connection, &registry, "1").await;
    let token = token(&connection).await;
    let headers = signed(&connection, "2").await;
    registry.remove(connection.id()).await.unwrap();
    assert!(matches!(send(&registry, &token, headers, "2").await, Err(ReceiveError::Unknown)));
    for table in ["connection_webhook_address", "connection_webhook"] {
        let left = format!("SELECT COUNT(*) FROM {table}");
        assert_eq!(sql::number(&world.database(), left).await, Some(0), "{table}");
    }
    assert!(matches!(connection.webhooks().enable().await, Err(Error::NotFound(_))));
}

/// After an edit of the database, neither another connection's address nor an older state of its own opens.
#[tokio::test]
async fn an_address_that_was_moved_or_put_back_receives_nothing() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let ada = enabled(&registry, "ada").await;
    let bob = enabled(&registry, "bob").await;
    let token = token(&ada).await;
    let key = ada.webhooks().key().await.unwrap();
    let database = world.database();
    let ada_id = sql::id(ada.id());
    let bob_id = sql::id(bob.id());
    let read =
        |id: &str, what: &str| format!("SELECT {what} FROM connection_webhook_address WHERE connection_id = {id}");
    let write = |id: &str, column: &str, value: &[u8]| {
        let value = sql::literal(value);
        format!("UPDATE connection_webhook_address SET {column} = {value} WHERE connection_id = {id}")
    };
    let before = sql::blob(&database, read(&ada_id, "sealed")).await;
    // Bob's events would arrive at Ada's address.
    let hash = sql::blob(&database, read(&ada_id, "token_hash")).await;
    sql::run(&database, write(&ada_id, "token_hash", &[7; 32])).await;
    sql::run(&database, write(&bob_id, "token_hash", &hash)).await;
    let headers = sign(&bob.webhooks().key().await.unwrap(), "1");
    assert!(matches!(send(&registry, &token, headers, "1").await, Err(ReceiveError::Unknown)));
    // Ada's sealed key is copied into Bob's row.
    sql::run(&database, write(&bob_id, "sealed", &before)).await;
    let moved = send(&registry, &token, sign(&key, "1"), "1").await.unwrap_err();
    assert_eq!((moved.code(), moved.status()), ("sealed_unreadable", 503));
    sql::run(&database, write(&bob_id, "token_hash", &[8; 32])).await;
    // A key whose validity was ended does not return with the state in which it was valid.
    ada.webhooks().end_grace().await.unwrap();
    ada.webhooks().rotate_key().await.unwrap();
    sql::run(&database, write(&ada_id, "sealed", &before)).await;
    assert!(matches!(ada.webhooks().info().await, Err(Error::Sealed { .. })));
}

#[tokio::test]
async fn a_test_delivery_is_taken_as_any_other() {
    let world = World::new().await;
    for source in [SigningKey::Generated, SigningKey::Credential] {
        let registry = world.open(Hooks::new(source)).await;
        let connection = enabled(&registry, &format!("ada-{source:?}")).await;
        let token = token(&connection).await;
        let url = format!("https://host.example/webhooks/{token}");
        let test = connection.webhooks().sign_test(&url).await.unwrap();
        assert_eq!((test.url(), test.method()), (url.as_str(), "POST"));
        let headers = test.headers().to_vec();
        let receive =
            || registry.webhooks().receive(&token, test.method(), test.url(), headers.clone(), test.body().duplicate());
        receive().await.unwrap();
        assert!(test.header(SIGNATURE).is_some());
        connection.webhooks().disable().await.unwrap();
        assert!(matches!(connection.webhooks().sign_test(&url).await, Err(Error::WebhookDisabled { .. })));
        registry.close().await;
    }
}

/// The connection of another owner is reached by its address, and by nothing else.
#[tokio::test]
async fn an_address_is_found_among_all_owners() {
    let world = World::new().await;
    let registry = world.builder().kind(Hooks::new(SigningKey::Generated)).kind(Acme::default()).open().await.unwrap();
    let theirs = enabled(&registry.owner("u42").unwrap(), "ada").await;
    let mine = connected(&registry, "key-1").await;
    assert!(matches!(mine.webhooks().info().await, Err(Error::NotSupported { .. })));
    deliver(&theirs, &registry, "1").await;
    for unknown in ["", "x", &"A".repeat(43), &"é".repeat(43), &"A".repeat(100_000)] {
        let refused =
            registry.webhooks().receive(unknown, "POST", "https://host.example/", Vec::new(), Secret::from("{}"));
        assert!(matches!(refused.await, Err(ReceiveError::Unknown)));
    }
}
