//! The record of events: one row for each change and each released token, in the same transaction, for ever.

use connection_contract::{Identity, Liveness, Secret, VerifyResult};
use connection_core::{Connection, EVENT_NAMES};

use crate::{
    fake::Fake,
    sql,
    test_host::{World, connected},
};

/// The result of a probe, and the events that it writes.
type Step = (Box<dyn Fn() -> VerifyResult<Secret>>, &'static [&'static str]);

/// Returns number, kind and the presence of a chain for all events of a connection.
async fn events(world: &World, connection: &Connection) -> Vec<String> {
    let id = sql::id(connection.id());
    let sql = format!(
        "SELECT seq || ' ' || kind || ' ' || length(chain) || ' ' || owner FROM connection_event \
         WHERE connection_id = {id} ORDER BY seq"
    );
    sql::texts(&world.database(), sql).await
}

#[tokio::test]
async fn every_change_writes_one_event_in_order() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await.owner("u42").unwrap();
    let connection = fake.connected(&registry, "ada").await;
    let mut expected = vec!["connected"];
    let check = async |expected: &[&str]| {
        let numbered: Vec<_> = (1..).zip(expected).map(|(seq, kind)| format!("{seq} {kind} 32 u42")).collect();
        assert_eq!(events(&world, &connection).await, numbered);
    };
    check(&expected).await;
    let steps: [Step; 6] = [
        (Box::new(VerifyResult::live), &[]),
        (Box::new(|| VerifyResult::live().scopes(["read"])), &["facts_changed"]),
        (Box::new(|| VerifyResult::live().scopes(["read"])), &[]),
        (Box::new(|| VerifyResult::live().rotated(Secret::from("fresh"))), &["credential_rotated"]),
        (Box::new(|| VerifyResult::live().identity(Identity::new("ada", "Ada L."))), &["facts_changed"]),
        (
            Box::new(|| VerifyResult::live().rotated(Secret::from("x")).identity(Identity::new("eve", "eve"))),
            &["liveness_changed", "credential_rotated"],
        ),
    ];
    for (find, kinds) in steps {
        let found = find();
        let found = std::sync::Mutex::new(Some(found));
        fake.finds(move |_| found.lock().unwrap().take().unwrap());
        connection.verify().await.unwrap();
        expected.extend(kinds);
        check(&expected).await;
    }
    // Another reason for the same liveness is a change that is recorded.
    fake.is(Liveness::Failing);
    connection.verify().await.unwrap();
    connection.verify().await.unwrap();
    expected.push("liveness_changed");
    check(&expected).await;
    registry.remove(connection.id()).await.unwrap();
    expected.push("removed");
    check(&expected).await;
    assert!(expected.iter().all(|kind| EVENT_NAMES.contains(kind)));
}

#[tokio::test]
async fn each_token_lent_writes_one_event() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for _ in 0..2 {
        connection.with_access_token(async |_| ()).await.unwrap();
    }
    let request = connection.request("GET", "/things").await.unwrap();
    connection.send(request).await.unwrap();
    let expected = ["1 connected 32 local", "2 secret_released 32 local", "3 secret_released 32 local"];
    assert_eq!(events(&world, &connection).await, expected);
}

#[tokio::test]
async fn numbers_and_chains_run_for_each_connection_alone() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let first = fake.connected(&registry, "ada").await;
    let second = fake.connected(&registry, "bob").await;
    fake.is(Liveness::Failing);
    first.verify().await.unwrap();
    second.verify().await.unwrap();
    for connection in [&first, &second] {
        assert_eq!(events(&world, connection).await, ["1 connected 32 local", "2 liveness_changed 32 local"]);
    }
    let chains = sql::texts(&world.database(), "SELECT DISTINCT hex(chain) FROM connection_event").await;
    assert_eq!(chains.len(), 4);
}

#[tokio::test]
async fn events_outlive_their_connection_and_are_never_changed() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    registry.remove(connection.id()).await.unwrap();
    let before = sql::texts(&world.database(), "SELECT hex(chain) || body FROM connection_event").await;
    assert_eq!(before.len(), 2);
    for sql in ["UPDATE connection_event SET body = '{}'", "DELETE FROM connection_event"] {
        let refused = sql::refusal(&world.database(), sql).await;
        assert!(refused.contains("append-only"), "{refused}");
    }
    assert_eq!(sql::texts(&world.database(), "SELECT hex(chain) || body FROM connection_event").await, before);
}

#[tokio::test]
async fn an_event_holds_no_credential() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-canary").await;
    connection.with_access_token(async |_| ()).await.unwrap();
    connection.verify().await.unwrap();
    registry.remove(connection.id()).await.unwrap();
    let bodies = sql::texts(&world.database(), "SELECT body FROM connection_event").await.concat();
    assert!(!bodies.contains("canary"), "{bodies}");
    // The control: the record is found.
    assert!(bodies.contains("accessToken"), "{bodies}");
}
