//! The rows that a use gets without reading the store: never older than half a second, and never older than this
//! process's own changes.

use std::time::Duration;

use connection_contract::Value;
use connection_core::{Connection, ConnectionRegistry, Error, Limits};

use crate::{
    acme::{Acme, KIND},
    fake::count,
    sql,
    test_host::{World, connected, me},
    test_server::Reply,
};

/// Two processes on one database, and a connection with `key-1` that the first has just used.
struct Pair {
    world: World,
    first: ConnectionRegistry,
    second: ConnectionRegistry,
    connection: Connection,
}

impl Pair {
    async fn new() -> Self {
        let world = World::new().await;
        let first = keeping(&world).await;
        let second = keeping(&world).await;
        // The first process waits for no setup, so that no signal tells it of a change.
        let created = connected(&second, "key-1").await;
        let connection = first.connection(created.id()).await.unwrap();
        let pair = Self { world, first, second, connection };
        // The first use announces the process, and the second one keeps the row.
        for _ in 0..2 {
            assert_eq!(pair.key().await, "key-1");
        }
        pair
    }

    /// Returns the key with which the first process sends.
    async fn key(&self) -> String {
        key_of(&self.world, &self.connection).await
    }

    /// Stores another key with the second process.
    async fn rotate(&self, key: &str) {
        let answer = format!(r#"{{"id":"1","name":"ada","rotate":"{key}"}}"#);
        self.world.provider(move |_| Reply::ok(&answer));
        self.second.connection(self.connection.id()).await.unwrap().verify().await.unwrap();
        self.world.provider(|_| me("1", "ada"));
    }
}

/// Opens a process that caches rows for the maximum time.
async fn keeping(world: &World) -> ConnectionRegistry {
    world.builder().limits(Limits::new().hot_rows(BOUND)).kind(Acme::default()).open().await.unwrap()
}

async fn key_of(world: &World, connection: &Connection) -> String {
    connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
    bearer(&world.server.requests().pop().unwrap())
}

fn bearer(request: &str) -> String {
    let key = request.split("Bearer ").nth(1).unwrap();
    key.split("\r\n").next().unwrap().to_owned()
}

const BOUND: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_rotation_by_another_process_is_used_within_half_a_second() {
    let pair = Pair::new().await;
    for (before, after) in [("key-1", "key-2"), ("key-2", "key-3"), ("key-3", "key-4")] {
        pair.rotate(after).await;
        // The control: the store is not read.
        assert_eq!(pair.key().await, before);
        pair.world.clock.advance(BOUND - Duration::from_millis(1));
        assert_eq!(pair.key().await, before);
        pair.world.clock.advance(Duration::from_millis(1));
        assert_eq!(pair.key().await, after);
        // Unchanged over several bounds, and still the current one.
        for _ in 0..3 {
            pair.world.clock.advance(BOUND);
            assert_eq!(pair.key().await, after);
        }
    }
}

#[tokio::test]
async fn a_removal_by_another_process_is_seen_when_it_returns() {
    let pair = Pair::new().await;
    let request = pair.connection.request("GET", "/things").await.unwrap();
    assert!(pair.second.remove(pair.connection.id()).await.unwrap().in_force.is_everywhere());
    assert!(matches!(pair.connection.send(request).await, Err(Error::NotFound(_))));
    assert!(matches!(pair.connection.base_url().await, Err(Error::NotFound(_))));
    // A write reports it at once.
    let pair = Pair::new().await;
    pair.second.remove(pair.connection.id()).await.unwrap();
    let result = pair.connection.with_access_token(async |_| panic!("it is gone")).await;
    assert!(matches!(result, Err::<(), _>(Error::NotFound(_))));
}

#[tokio::test]
async fn a_host_may_ask_the_store_at_each_use_and_not_less_often_than_each_half_a_second() {
    let pair = Pair::new().await;
    let asking =
        pair.world.builder().limits(Limits::new().hot_rows(Duration::ZERO)).kind(Acme::default()).open().await.unwrap();
    let asking = asking.connection(pair.connection.id()).await.unwrap();
    let hoping = pair
        .world
        .builder()
        .limits(Limits::new().hot_rows(Duration::from_secs(3_600)))
        .kind(Acme::default())
        .open()
        .await
        .unwrap();
    let hoping = hoping.connection(pair.connection.id()).await.unwrap();
    let keys = async || (key_of(&pair.world, &asking).await, key_of(&pair.world, &hoping).await);
    // The second use keeps the row.
    for _ in 0..2 {
        assert_eq!(keys().await, ("key-1".into(), "key-1".into()));
    }
    pair.rotate("key-2").await;
    assert_eq!(keys().await, ("key-2".into(), "key-1".into()));
    pair.world.clock.advance(BOUND);
    assert_eq!(keys().await, ("key-2".into(), "key-2".into()));
}

#[tokio::test]
async fn the_next_use_sees_the_changes_of_its_process() {
    let pair = Pair::new().await;
    pair.world.provider(|_| Reply::ok(r#"{"id":"1","name":"ada","rotate":"key-2"}"#));
    pair.connection.verify().await.unwrap();
    assert_eq!(pair.key().await, "key-2");
    pair.first.keys().rotate().await.unwrap();
    assert_eq!(pair.key().await, "key-2");
    pair.world.provider(|_| me("2", "bob"));
    let other = connected(&pair.first, "other").await;
    assert_eq!((key_of(&pair.world, &other).await, pair.key().await), ("other".into(), "key-2".into()));
    pair.first.remove(pair.connection.id()).await.unwrap();
    assert!(matches!(pair.connection.base_url().await, Err(Error::NotFound(_))));
    assert_eq!(key_of(&pair.world, &other).await, "other");
}

#[tokio::test]
async fn a_request_that_is_refused_for_an_old_credential_is_sent_once_more_with_the_newer_one() {
    let pair = Pair::new().await;
    pair.rotate("key-2").await;
    pair.world.provider(|request| match request.contains("Bearer key-2") {
        true => Reply::ok("done"),
        false => Reply::whole(401, "", ""),
    });
    let before = pair.world.server.requests().len();
    let body = Value::parse(br#"{"name":"x"}"#).unwrap();
    let request = pair.connection.request("POST", "/things?a=1").await.unwrap().header("x-mine", "1").json(&body);
    assert_eq!(pair.connection.send(request).await.unwrap().status(), 200);
    let sent = pair.world.server.requests().split_off(before);
    assert_eq!(sent.iter().map(|request| bearer(request)).collect::<Vec<_>>(), ["key-1", "key-2"]);
    // It is the same request.
    assert_eq!(sent[0].replace("key-1", "key-2"), sent[1]);
    assert!(sent[1].ends_with(r#"{"name":"x"}"#) && sent[1].starts_with("POST /things?a=1 "), "{}", sent[1]);
}

#[tokio::test]
async fn a_challenge_that_says_invalid_token_is_a_refusal_of_the_credential_at_any_status_of_a_refusal() {
    for (status, error, requests) in
        [(400, "invalid_token", 2), (403, "invalid_token", 2), (403, "invalid_request", 1), (404, "invalid_token", 1)]
    {
        let pair = Pair::new().await;
        pair.rotate("key-2").await;
        pair.world.provider(move |request| match request.contains("Bearer key-2") {
            true => Reply::ok("done"),
            false => Reply::whole(status, &format!("www-authenticate: Bearer error=\"{error}\"\r\n"), ""),
        });
        let before = pair.world.server.requests().len();
        let request = pair.connection.request("GET", "/things").await.unwrap();
        let answer = pair.connection.send(request).await.unwrap();
        assert_eq!(answer.status(), if requests == 2 { 200 } else { status }, "{status} {error}");
        assert_eq!(pair.world.server.requests().len() - before, requests, "{status} {error}");
    }
}

#[tokio::test]
async fn a_request_is_sent_twice_at_most_and_once_when_nothing_newer_is_stored() {
    let pair = Pair::new().await;
    pair.world.provider(|_| Reply::whole(401, "x-told: yes\r\n", ""));
    let sent = async || {
        let before = pair.world.server.requests().len();
        let request = pair.connection.request("GET", "/things").await.unwrap();
        let answer = pair.connection.send(request).await.unwrap();
        assert_eq!((answer.status(), answer.header("x-told")), (401, Some("yes")));
        pair.world.server.requests().len() - before
    };
    assert_eq!(sent().await, 1);
    // The note of the refused use dropped the row, which is read again before another process replaces the credential.
    pair.key().await;
    pair.rotate("key-2").await;
    pair.world.provider(|_| Reply::whole(401, "x-told: yes\r\n", ""));
    assert_eq!(sent().await, 2);
    assert_eq!(sent().await, 1);
    // Any other refusal does not concern the age of the credential.
    pair.rotate("key-3").await;
    pair.world.provider(|_| Reply::whole(403, "", ""));
    let before = pair.world.server.requests().len();
    let request = pair.connection.request("GET", "/things").await.unwrap();
    assert_eq!(pair.connection.send(request).await.unwrap().status(), 403);
    assert_eq!(pair.world.server.requests().len() - before, 1);
    // If the row is gone, the answer of the provider is returned.
    let request = pair.connection.request("GET", "/things").await.unwrap();
    let id = sql::id(pair.connection.id());
    sql::run(&pair.world.database(), format!("DELETE FROM connection_account WHERE id = {id}")).await;
    pair.world.provider(|_| Reply::whole(401, "", ""));
    assert_eq!(pair.connection.send(request).await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_kind_is_the_one_that_is_registered_now() {
    let pair = Pair::new().await;
    let newer = Acme::default();
    pair.first.kinds().replace(newer.clone()).unwrap();
    assert_eq!(pair.key().await, "key-1");
    assert_eq!(count(&newer.calls.parsed), 1);
    assert!(pair.first.kinds().unregister(&KIND));
    assert!(matches!(pair.connection.base_url().await, Err(Error::UnknownKind(_))));
}

#[tokio::test]
async fn a_handle_of_a_kept_row_knows_whether_its_kind_is_registered_now() {
    let pair = Pair::new().await;
    let id = pair.connection.id();
    assert!(pair.first.connection(id).await.unwrap().info().registered);
    assert!(pair.first.kinds().unregister(&KIND));
    assert!(!pair.first.connection(id).await.unwrap().info().registered);
    pair.first.kinds().register(Acme::default()).unwrap();
    assert!(pair.first.connection(id).await.unwrap().info().registered);
}

#[tokio::test]
async fn a_closed_registry_gives_no_handle_of_a_kept_row() {
    let pair = Pair::new().await;
    pair.first.close().await;
    let refused = pair.first.connection(pair.connection.id()).await.unwrap_err();
    assert!(matches!(refused, Error::Closed), "{refused:?}");
}
