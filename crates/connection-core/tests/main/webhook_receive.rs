//! Deliveries to an address: an unsigned one is never stored, trusted or logged, even if the plugin fails.

use connection_contract::{Secret, SigningKey};
use connection_core::{Connection, ConnectionRegistry, Error, Receipt, ReceiveError};
use tokio::runtime::Handle;

use crate::{
    hooks::{Check, Hooks, KIND, SIGNATURE, deliver, enabled, send, sign, signed, token},
    log, sql,
    test_host::{World, connected_as, outlasted},
};

async fn stored(world: &World) -> i64 {
    sql::number(&world.database(), "SELECT COUNT(*) FROM connection_webhook").await.unwrap()
}

async fn open(source: SigningKey) -> (World, Hooks, ConnectionRegistry, Connection) {
    let world = World::new().await;
    let hooks = Hooks::new(source);
    let registry = world.open(hooks.clone()).await;
    let connection = enabled(&registry, "ada").await;
    (world, hooks, registry, connection)
}

#[tokio::test]
async fn an_event_is_stored_sealed_before_it_is_answered() {
    let (world, _, registry, connection) = open(SigningKey::Generated).await;
    assert_eq!(deliver(&connection, &registry, r#"{"canary":"body-83b1"}"#).await, Receipt::Stored);
    assert_eq!(stored(&world).await, 1);
    let everything = sql::everything(&world.database()).await;
    for secret in ["body-83b1", "thing.made", &token(&connection).await] {
        assert!(!everything.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
    assert_eq!(connection.webhooks().info().await.unwrap().unwrap().waiting, 1);
}

#[tokio::test]
async fn what_is_not_signed_by_a_good_key_changes_nothing_and_is_nowhere() {
    log::begin();
    let (world, _, registry, connection) = open(SigningKey::Generated).await;
    let token = token(&connection).await;
    let good = signed(&connection, "canary-forged-71c2").await;
    let state = "SELECT CAST(d.revision AS TEXT) || ' ' || d.waiting || ' ' || d.next_number || ' ' || \
                 (SELECT COUNT(*) FROM connection_event) || ' ' || (SELECT COUNT(*) FROM connection_webhook) \
                 FROM connection_webhook_address AS d";
    let before = sql::texts(&world.database(), state).await;
    let forged = sign(&Secret::from("another key"), "canary-forged-71c2");
    let twice = [good.clone(), good.clone()].concat();
    for (headers, body) in [
        (Vec::new(), "canary-forged-71c2"),
        (forged, "canary-forged-71c2"),
        (twice, "canary-forged-71c2"),
        (good.clone(), "canary-forged-71c2 "),
        (vec![(SIGNATURE.to_owned(), String::new())], "canary-forged-71c2"),
    ] {
        let refused = send(&registry, &token, headers, body).await.unwrap_err();
        assert_eq!((refused.code(), refused.status()), ("webhook_not_authentic", 401));
        assert!(!format!("{refused} {refused:?}").contains("canary-forged"));
    }
    assert_eq!(sql::texts(&world.database(), state).await, before, "nothing was changed");
    let everything = sql::everything(&world.database()).await;
    let canary = b"canary-forged-71c2";
    assert!(!everything.windows(canary.len()).any(|window| window == canary));
    let logged = log::lines_with(&connection.id().to_string());
    assert!(logged.iter().any(|line| line.contains("a webhook was refused")), "{logged:?}");
    assert!(log::lines_with("canary-forged-71c2").is_empty());
    assert!(log::lines_with(&token).is_empty());
    // The control: the signed delivery is stored.
    assert_eq!(send(&registry, &token, good, "canary-forged-71c2").await.unwrap(), Receipt::Stored);
}

/// A plugin that accepts every delivery is not trusted, because no delivery can be signed with a key that does not
/// exist.
#[tokio::test]
async fn without_a_key_nothing_is_taken_whatever_the_plugin_says() {
    let (world, hooks, registry, connection) = open(SigningKey::Handshake).await;
    hooks.checks(Check::Believes);
    let refused = send(&registry, &token(&connection).await, Vec::new(), "1").await.unwrap_err();
    assert!(matches!(refused, ReceiveError::NotAuthentic(_)), "{refused:?}");
    assert_eq!(stored(&world).await, 0);
}

#[tokio::test]
async fn a_plugin_that_does_not_say_what_was_signed_makes_no_event() {
    let (world, hooks, registry, connection) = open(SigningKey::Generated).await;
    hooks.checks(Check::Mute);
    let refused = send(&registry, &token(&connection).await, signed(&connection, "1").await, "1").await.unwrap_err();
    assert!(matches!(refused, ReceiveError::Unavailable(Error::Plugin { .. })), "{refused:?}");
    assert_eq!(stored(&world).await, 0);
}

#[tokio::test]
async fn a_plugin_that_crashes_takes_nothing_and_the_next_delivery_is_taken() {
    let (world, hooks, registry, connection) = open(SigningKey::Generated).await;
    hooks.checks(Check::Panics);
    let token = token(&connection).await;
    let headers = signed(&connection, "1").await;
    let refused = send(&registry, &token, headers.clone(), "1").await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("plugin_panicked", 503));
    assert_eq!(stored(&world).await, 0);
    hooks.checks(Check::Compares);
    assert_eq!(send(&registry, &token, headers, "1").await.unwrap(), Receipt::Stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_never_ends_takes_nothing() {
    let (world, hooks, registry, connection) = open(SigningKey::Generated).await;
    hooks.checks(Check::Spins);
    let token = token(&connection).await;
    let headers = signed(&connection, "1").await;
    let there = registry.clone();
    let task = Handle::current().spawn(async move { send(&there, &token, headers, "1").await });
    let refused = outlasted(&world, task).await.unwrap_err();
    // Its late result is ignored.
    hooks.checks(Check::Believes);
    assert_eq!((refused.code(), refused.status()), ("plugin_timeout", 503));
    assert_eq!(stored(&world).await, 0);
}

/// Four deliveries are checked at once and 32 wait; the provider is asked to send the others again. A check that its
/// plugin does not end stays counted, even after its caller got an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_deliveries_holds_four_threads_and_is_sent_again() {
    let (world, hooks, registry, connection) = open(SigningKey::Generated).await;
    let other = connected_as(&registry, &KIND, &[("key", "bob")]).await;
    other.webhooks().enable().await.unwrap();
    hooks.checks(Check::Spins);
    let token = token(&connection).await;
    let headers = signed(&connection, "1").await;
    let flood = || {
        let there = registry.clone();
        let token = token.clone();
        let headers = headers.clone();
        Handle::current().spawn(async move { send(&there, &token, headers, "1").await })
    };
    let mut sent: Vec<_> = (0..100).map(|_| flood()).collect();
    // The deliveries that exceed the limit are answered while all others wait.
    let mut refused = 0;
    while refused < 64 {
        tokio::task::yield_now().await;
        let (over, under_way): (Vec<_>, Vec<_>) = sent.into_iter().partition(tokio::task::JoinHandle::is_finished);
        sent = under_way;
        for answer in over {
            let busy = answer.await.unwrap().unwrap_err();
            assert_eq!((busy.code(), busy.status()), ("webhook_busy", 503));
            assert!(busy.retry_after().is_some());
            refused += 1;
        }
    }
    while hooks.running() < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!((sent.len(), hooks.running()), (36, 4));
    // All callers have got an answer, and the plugin still spins.
    for answer in sent {
        assert!(outlasted(&world, answer).await.is_err());
    }
    assert_eq!(hooks.running(), 4);
    let late = outlasted(&world, flood()).await.unwrap_err();
    assert_eq!(late.code(), "webhook_busy");
    assert_eq!((hooks.running(), hooks.most_running()), (4, 4));
    // The controls: another connection is not affected, and this connection receives again when the plugin ends.
    hooks.checks(Check::Compares);
    assert_eq!(deliver(&other, &registry, "1").await, Receipt::Stored);
    while hooks.running() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(deliver(&connection, &registry, "1").await, Receipt::Stored);
}

#[tokio::test]
async fn a_kind_that_lost_its_facet_or_its_plugin_receives_nothing() {
    let (world, _, registry, connection) = open(SigningKey::Generated).await;
    let token = token(&connection).await;
    let headers = signed(&connection, "1").await;
    registry.kinds().unregister(&KIND);
    let refused = send(&registry, &token, headers.clone(), "1").await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("unknown_kind", 503));
    registry.kinds().register(crate::fake::Fake::of(KIND)).unwrap();
    let refused = send(&registry, &token, headers.clone(), "1").await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("not_supported", 503));
    assert_eq!(stored(&world).await, 0);
    registry.kinds().replace(Hooks::new(SigningKey::Generated)).unwrap();
    assert_eq!(send(&registry, &token, headers, "1").await.unwrap(), Receipt::Stored);
}

#[tokio::test]
async fn an_oversized_delivery_is_refused_before_any_other_check() {
    let (world, hooks, registry, connection) = open(SigningKey::Generated).await;
    let token = token(&connection).await;
    let largest = "x".repeat(1024 * 1024);
    assert_eq!(send(&registry, &token, signed(&connection, &largest).await, &largest).await.unwrap(), Receipt::Stored);
    hooks.checks(Check::Believes);
    let larger = format!("{largest}x");
    let many = vec![("x-header".to_owned(), "value".to_owned()); 101];
    let long = vec![("x-header".to_owned(), "v".repeat(64 * 1024))];
    for (headers, body) in [(Vec::new(), larger.as_str()), (many, "1"), (long, "1")] {
        let refused = send(&registry, &token, headers, body).await.unwrap_err();
        assert_eq!((refused.code(), refused.status()), ("webhook_too_large", 413));
    }
    assert_eq!(stored(&world).await, 1);
}

#[tokio::test]
async fn an_inbox_that_is_full_leaves_the_rest_to_the_provider() {
    let (world, _, registry, connection) = open(SigningKey::Generated).await;
    deliver(&connection, &registry, "1").await;
    sql::run(&world.database(), "UPDATE connection_webhook_address SET waiting = 10000").await;
    let token = token(&connection).await;
    let headers = signed(&connection, "2").await;
    let refused = send(&registry, &token, headers, "2").await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("webhook_inbox_full", 503));
    // A delivery that is stored already is not rejected because of that.
    assert_eq!(deliver(&connection, &registry, "1").await, Receipt::Duplicate);
    assert_eq!(stored(&world).await, 1);
}

#[tokio::test]
async fn an_inbox_is_bounded_in_bytes_that_are_given_back() {
    const COUNTED: &str = "SELECT waiting_bytes FROM connection_webhook_address";
    const STORED: &str = "SELECT COALESCE(SUM(LENGTH(sealed)), 0) FROM connection_webhook WHERE sealed IS NOT NULL";
    let (world, _, registry, connection) = open(SigningKey::Generated).await;
    let counted = async || {
        let counted = sql::number(&world.database(), COUNTED).await.unwrap();
        assert_eq!(counted, sql::number(&world.database(), STORED).await.unwrap());
        counted
    };
    assert_eq!(counted().await, 0);
    let large = "x".repeat(1 << 20);
    deliver(&connection, &registry, &large).await;
    let one = counted().await;
    assert!(one > 1 << 20);
    deliver(&connection, &registry, &large).await;
    assert_eq!(counted().await, one, "a duplicate is not counted");
    deliver(&connection, &registry, "small").await;
    let two = counted().await;
    assert!(two > one);
    // Filled up to less than the next one needs.
    let filled = format!("UPDATE connection_webhook_address SET waiting_bytes = {}", (64 << 20) - (1 << 20));
    sql::run(&world.database(), &filled).await;
    let token = token(&connection).await;
    let more = "y".repeat(1 << 20);
    let refused = send(&registry, &token, signed(&connection, &more).await, &more).await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("webhook_inbox_full", 503));
    assert!(refused.retry_after().is_some());
    deliver(&connection, &registry, "a small one").await;
    sql::run(&world.database(), &format!("UPDATE connection_webhook_address SET waiting_bytes = ({STORED})")).await;
    // An acknowledged event makes room.
    let mut deliveries = connection.webhooks().deliveries().await.unwrap();
    let first = deliveries.next().await.unwrap().unwrap();
    first.acknowledge().await.unwrap();
    first.acknowledge().await.unwrap();
    assert!(counted().await < two);
    assert_eq!(send(&registry, &token, signed(&connection, &more).await, &more).await.unwrap(), Receipt::Stored);
    for _ in 0..3 {
        deliveries.next().await.unwrap().unwrap().acknowledge().await.unwrap();
    }
    assert_eq!(counted().await, 0);
}

/// A host calls this before it reads a body.
#[tokio::test]
async fn an_address_is_known_before_anything_is_read() {
    let (_world, _, registry, connection) = open(SigningKey::Generated).await;
    let token = token(&connection).await;
    assert!(registry.webhooks().is_address(&token).await.unwrap());
    assert!(registry.owner("ada").unwrap().webhooks().is_address(&token).await.unwrap(), "of whichever owner");
    for other in ["", "short", &"A".repeat(43), &token.to_lowercase()] {
        assert!(!registry.webhooks().is_address(other).await.unwrap(), "{other}");
    }
    connection.webhooks().disable().await.unwrap();
    assert!(!registry.webhooks().is_address(&token).await.unwrap());
}

#[tokio::test]
async fn a_failed_write_is_not_reported_as_stored() {
    let (world, _, registry, connection) = open(SigningKey::Generated).await;
    let token = token(&connection).await;
    let headers = signed(&connection, "1").await;
    sql::refuse(&world.database(), "INSERT ON connection_webhook").await;
    let refused = send(&registry, &token, headers.clone(), "1").await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("store_failed", 503));
    assert_eq!(connection.webhooks().info().await.unwrap().unwrap().waiting, 0);
    sql::refuse_no_more(&world.database()).await;
    assert_eq!(send(&registry, &token, headers, "1").await.unwrap(), Receipt::Stored);
}

/// The credential holds the key: a new one counts at once, without another address.
#[tokio::test]
async fn a_delivery_is_checked_with_the_credential_that_there_is() {
    let (_world, _, registry, connection) = open(SigningKey::Credential).await;
    let token = token(&connection).await;
    assert_eq!(send(&registry, &token, sign(&Secret::from("ada"), "1"), "1").await.unwrap(), Receipt::Stored);
    let bob = connected_as(&registry, &KIND, &[("key", "bob")]).await;
    bob.webhooks().enable().await.unwrap();
    assert!(send(&registry, &token, sign(&Secret::from("bob"), "2"), "2").await.is_err(), "another's credential");
}
