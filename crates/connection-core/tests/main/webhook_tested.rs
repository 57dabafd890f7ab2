//! The result of the last test of an address is kept for every process, until another test, or until the address or
//! key changes.

use std::time::Duration;

use connection_contract::{SigningKey, Timestamp};
use connection_core::{Connection, ConnectionRegistry, Error, Outcome, SentWebhookTest, StoreError, WebhookTest};

use crate::{
    hooks::{Hooks, deliver, enabled, send, token},
    leaks::Search,
    sql,
    test_host::{World, answers, step},
    test_server::Reply,
};

/// Sends a test to the server of the tests, which accepts everything.
async fn sent(world: &World, connection: &Connection) -> SentWebhookTest {
    world.provider(|_| Reply::ok("{}"));
    let path = format!("/below/webhooks/{}", token(connection).await);
    connection.webhooks().send_test(&world.server.origin(), &path).await.unwrap()
}

async fn tested(world: &World, connection: &Connection, failure: Option<&'static str>) {
    sent(world, connection).await.record(failure).await.unwrap();
}

async fn last(connection: &Connection) -> Option<WebhookTest> {
    connection.webhooks().info().await.unwrap().unwrap().last_test
}

/// Returns the time and the result of the last test.
async fn ended(connection: &Connection) -> Option<(i64, Option<String>)> {
    last(connection).await.map(|test| (test.at.seconds(), test.failure))
}

async fn tell(registry: &ConnectionRegistry, connection: &Connection, key: &str) {
    let body = format!(r#"{{"token":"{key}"}}"#);
    send(registry, &token(connection).await, Vec::new(), &body).await.unwrap();
}

#[tokio::test]
async fn how_the_last_test_ended_is_known_to_every_process_until_the_next_one() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    assert_eq!(last(&connection).await, None);
    let other = world.open(Hooks::new(SigningKey::Generated)).await;
    let there = other.connection(connection.id()).await.unwrap();
    let bob = enabled(&other, "bob").await;
    tested(&world, &connection, Some("webhook_path")).await;
    let first = last(&there).await.unwrap();
    assert_eq!((first.at, first.failure.as_deref()), (Timestamp::from_seconds(world.now()), Some("webhook_path")));
    // The time is that of the result.
    let later = sent(&world, &there).await;
    world.clock.advance(Duration::from_secs(90));
    later.record(None).await.unwrap();
    assert_eq!(ended(&connection).await, Some((world.now(), None)));
    world.clock.advance(Duration::from_secs(7));
    tested(&world, &connection, Some("callback_port")).await;
    // Received and acknowledged events do not affect it, and no other connection has a result.
    deliver(&connection, &registry, "1").await;
    connection.webhooks().deliveries().await.unwrap().next().await.unwrap().unwrap().acknowledge().await.unwrap();
    let failed = Some((world.now(), Some("callback_port".to_owned())));
    assert_eq!((ended(&there).await, ended(&bob).await), (failed.clone(), None));
    let id = connection.id();
    registry.close().await;
    other.close().await;
    let restarted = world.open(Hooks::new(SigningKey::Generated)).await;
    assert_eq!(ended(&restarted.connection(id).await.unwrap()).await, failed);
}

#[tokio::test]
async fn a_test_says_where_it_was_sent_without_the_secret_part() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    tested(&world, &connection, None).await;
    assert_eq!(last(&connection).await.unwrap().address, format!("{}/below/webhooks/", world.server.origin()));
    let token = token(&connection).await;
    let search = Search::of([("token", token.as_str())]);
    assert!(search.bytes(&sql::everything(&world.database()).await).is_empty());
    // The control: the search finds it in what was sent.
    let requests = world.server.requests().pop().unwrap();
    assert!(!search.bytes(requests.as_bytes()).is_empty());
}

#[tokio::test]
async fn another_address_or_key_was_not_tested() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    tested(&world, &connection, None).await;
    assert_eq!(connection.webhooks().rotate_key().await.unwrap().last_test, None);
    assert_eq!(last(&connection).await, None);
    // The newest key signs, and stays when the earlier ones end.
    tested(&world, &connection, Some("webhook_proxy")).await;
    let of_now = last(&connection).await;
    assert!(of_now.is_some());
    assert_eq!(connection.webhooks().end_grace().await.unwrap().last_test, of_now);
    assert_eq!(connection.webhooks().enable().await.unwrap().last_test, of_now, "nothing was changed");
    assert_eq!(last(&connection).await, of_now);
    connection.webhooks().disable().await.unwrap();
    let stored = "SELECT COUNT(tested_at) + COUNT(tested_url) + COUNT(tested_generation) + COUNT(test_failure) \
                  FROM connection_webhook_address";
    assert_eq!(sql::number(&world.database(), stored).await, Some(0));
    assert_eq!(connection.webhooks().enable().await.unwrap().last_test, None);
    assert_eq!(last(&connection).await, None);
}

#[tokio::test]
async fn a_key_that_the_provider_tells_was_not_tested() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Handshake)).await;
    let connection = enabled(&registry, "ada").await;
    connection.webhooks().await_handshake().await.unwrap();
    tell(&registry, &connection, "first").await;
    tested(&world, &connection, None).await;
    let of_first = last(&connection).await;
    assert!(of_first.is_some());
    assert_eq!(connection.webhooks().await_handshake().await.unwrap().last_test, of_first, "no other key yet");
    tell(&registry, &connection, "second").await;
    assert_eq!(last(&connection).await, None);
}

/// If the credential signs, a new credential was not tested. If it does not sign, it does not matter.
#[tokio::test]
async fn another_credential_was_not_tested_where_it_signs() {
    for (source, stays) in [(SigningKey::Credential, false), (SigningKey::Generated, true)] {
        let world = World::new().await;
        let registry = world.open(Hooks::new(source)).await;
        let connection = enabled(&registry, "ada").await;
        tested(&world, &connection, None).await;
        let before = last(&connection).await;
        assert!(before.is_some());
        let session = connection.reauthorize().await.unwrap();
        let (no, _) = step(&session).await;
        session.advance(no, &answers(&[("key", "ada")])).await.unwrap();
        assert_eq!(last(&connection).await, before, "the credential is the same until the end");
        assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
        assert_eq!(last(&connection).await.is_some(), stays, "{source:?}");
        tested(&world, &connection, Some("webhook_path")).await;
        assert_eq!(ended(&connection).await, Some((world.now(), Some("webhook_path".to_owned()))));
    }
}

#[tokio::test]
async fn a_test_of_what_was_replaced_meanwhile_is_not_kept() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    let of_former_key = sent(&world, &connection).await;
    connection.webhooks().rotate_key().await.unwrap();
    of_former_key.record(None).await.unwrap();
    assert_eq!(last(&connection).await, None);
    let of_former_address = sent(&world, &connection).await;
    connection.webhooks().disable().await.unwrap();
    connection.webhooks().enable().await.unwrap();
    of_former_address.record(None).await.unwrap();
    assert_eq!(last(&connection).await, None);
    // A test for an earlier address that is sent there.
    let before = token(&connection).await;
    let origin = world.server.origin();
    connection.webhooks().disable().await.unwrap();
    connection.webhooks().enable().await.unwrap();
    let sent_there = connection.webhooks().send_test(&origin, &format!("/below/webhooks/{before}")).await.unwrap();
    sent_there.record(Some("webhook_path")).await.unwrap();
    assert_eq!(last(&connection).await, None);
    let search = Search::of([("token", before.as_str())]);
    assert!(search.bytes(&sql::everything(&world.database()).await).is_empty());
    let of_nobody = sent(&world, &connection).await;
    registry.remove(connection.id()).await.unwrap();
    of_nobody.record(None).await.unwrap();
    let rows = "SELECT COUNT(*) FROM connection_webhook_address";
    assert_eq!(sql::number(&world.database(), rows).await, Some(0));
}

#[tokio::test]
async fn a_test_that_was_not_sent_or_not_kept_leaves_the_one_before() {
    let world = World::new().await;
    let registry = world.open(Hooks::new(SigningKey::Generated)).await;
    let connection = enabled(&registry, "ada").await;
    tested(&world, &connection, Some("webhook_proxy")).await;
    let before = last(&connection).await;
    assert!(before.is_some());
    world.clock.advance(Duration::from_secs(5));
    // A sender without a result, such as a process that dies.
    drop(sent(&world, &connection).await);
    assert_eq!(last(&connection).await, before);
    let of = "UPDATE ON connection_webhook_address WHEN NEW.test_failure IS NULL";
    sql::refuse(&world.database(), of).await;
    let refused = sent(&world, &connection).await.record(None).await.unwrap_err();
    assert!(matches!(&refused, Error::Store(why) if matches!(**why, StoreError::Refused { .. })), "{refused:?}");
    sql::refuse_no_more(&world.database()).await;
    assert_eq!(last(&connection).await, before);
    tested(&world, &connection, None).await;
    assert_eq!(ended(&connection).await, Some((world.now(), None)));
}
