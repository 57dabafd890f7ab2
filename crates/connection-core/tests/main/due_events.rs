//! Every event that an operator should get is delivered, whatever the order of commits and the clocks of processes.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use connection_contract::{Clock as _, Timestamp};
use connection_core::{ConnectionRegistry, ManualClock, UuidV7};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use uuid::Uuid;

use crate::{
    fake::Fake,
    log,
    outgoing_events::{Message, Operator, Setting, recorded},
    sql,
    test_host::{START, World},
    test_server::Reply,
};

/// Opens a process with this clock, from which also its ids come.
async fn process(world: &World, fake: &Fake, clock: &ManualClock) -> ConnectionRegistry {
    let time = clock.clone();
    let ids = UuidV7::from_milliseconds(move || time.now().seconds().unsigned_abs() * 1000);
    world.builder().kind(fake.clone()).clock(Arc::new(clock.clone())).ids(Arc::new(ids)).open().await.unwrap()
}

/// Waits until these accounts were told as connected, and returns all messages.
async fn told(operator: &Operator, names: &[String]) -> Vec<Message> {
    loop {
        let messages = operator.messages();
        let known: BTreeSet<_> = messages.iter().filter_map(|message| message.data["account"]["id"].as_str()).collect();
        if names.iter().all(|name| known.contains(&**name)) {
            return messages;
        }
        tokio::task::yield_now().await;
    }
}

async fn due(world: &World) -> Option<i64> {
    sql::number(&world.database(), "SELECT COUNT(*) FROM connection_event_due").await
}

/// Returns an id of a time before that of another id.
fn before(id: Uuid, time: Duration) -> Uuid {
    Uuid::from_u128(id.as_u128() - (time.as_millis() << 80))
}

/// Returns the id of the first event of a store.
async fn first_event(world: &World) -> Uuid {
    let id = sql::uuid(&world.database(), "SELECT id FROM connection_event ORDER BY id LIMIT 1").await;
    id.parse().unwrap()
}

/// Returns a statement that records another event of the first connection.
fn recording(id: Uuid, seq: i64) -> String {
    format!(
        "INSERT INTO connection_event (id, owner, connection_id, seq, at, kind, body, chain) \
         SELECT {}, owner, connection_id, {seq}, at, 'reauthorized', '{{}}', chain FROM connection_event \
         WHERE seq = 1 ORDER BY id LIMIT 1",
        sql::id(id.into())
    )
}

/// On PostgreSQL the transaction of the earlier event is open while the later one is committed. On SQLite it waits for
/// its turn meanwhile, and already has its id.
#[tokio::test]
async fn an_event_that_is_committed_after_a_later_one_is_delivered() {
    let Setting { world, fake, registry, operator, .. } = Setting::after_one().await;
    let late = before(first_event(&world).await, Duration::from_secs(10));
    let record = AssertSqlSafe(recording(late, 2));
    match world.database() {
        sql::Database::Server(options) => {
            let mut other = options.connect().await.unwrap();
            let mut transaction = other.begin().await.unwrap();
            transaction.execute(record).await.unwrap();
            fake.connected(&registry, "bob").await;
            operator.until(2).await;
            recorded(&registry, <[_]>::is_empty).await;
            transaction.commit().await.unwrap();
        }
        sql::Database::File(_) => {
            fake.connected(&registry, "bob").await;
            operator.until(2).await;
            recorded(&registry, <[_]>::is_empty).await;
            assert_eq!(sql::run(&world.database(), recording(late, 2)).await, 1);
        }
    }
    world.clock.advance(Duration::from_secs(5));
    let messages = operator.until(3).await;
    assert_eq!((messages[2].id.clone(), &messages[2].data["number"]), (late.to_string(), &2.into()));
    registry.close().await;
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_one_run_loses_no_later_event() {
    for wrong in [3600, 90_000, -7200] {
        let world = World::new().await;
        let fake = Fake::new();
        let operator = Operator::new().await;
        world.clock.jump_to(Timestamp::from_seconds(START + wrong));
        let registry = process(&world, &fake, &world.clock).await;
        let _running = operator.runs(&world, &registry).await;
        fake.connected(&registry, "during").await;
        operator.until(1).await;
        recorded(&registry, <[_]>::is_empty).await;
        registry.close().await;
        world.clock.jump_to(Timestamp::from_seconds(START));
        let registry = process(&world, &fake, &world.clock).await;
        let _running = operator.runs(&world, &registry).await;
        for name in ["one", "two", "three"] {
            fake.connected(&registry, name).await;
        }
        operator.until(4).await;
        recorded(&registry, <[_]>::is_empty).await;
        assert_eq!((operator.messages().len(), due(&world).await), (4, Some(0)), "{wrong}");
        registry.close().await;
    }
}

/// The receiver was down while the clock was fast, so that the next attempt has a time far in the future.
#[tokio::test]
async fn a_message_waits_no_longer_than_two_days_after_a_clock_was_fast() {
    let world = World::new().await;
    let fake = Fake::new();
    let operator = Operator::new().await;
    operator.answers(|_| Reply::whole(500, "", ""));
    world.clock.jump_to(Timestamp::from_seconds(START + 40 * 86_400));
    let registry = process(&world, &fake, &world.clock).await;
    let running = operator.runs(&world, &registry).await;
    fake.connected(&registry, "during").await;
    let failed = recorded(&registry, |events| events.iter().any(|event| event.failure.is_some())).await;
    assert_eq!(failed[0].next_attempt.unwrap().seconds(), world.now() + 5);
    running.abort();
    registry.close().await;
    operator.answers(|_| Reply::whole(200, "", ""));
    world.clock.jump_to(Timestamp::from_seconds(START));
    let registry = process(&world, &fake, &world.clock).await;
    let _running = operator.runs(&world, &registry).await;
    recorded(&registry, <[_]>::is_empty).await;
    assert_eq!(operator.messages().len(), 2);
    registry.close().await;
}

#[tokio::test]
async fn nodes_whose_clocks_are_ten_minutes_apart_lose_no_event() {
    let world = World::new().await;
    let fake = Fake::new();
    let operator = Operator::new().await;
    let mut nodes = Vec::new();
    for seconds in [START - 300, START + 300] {
        let node = process(&world, &fake, &ManualClock::at(Timestamp::from_seconds(seconds))).await;
        let _running = operator.runs(&world, &node).await;
        nodes.push(node);
    }
    let mut names = Vec::new();
    for number in 0..10 {
        names.push(format!("a{number}"));
        fake.connected(&nodes[number % 2], &names[number]).await;
    }
    // An attempt of the slow node is repeated by the fast one if it looks meanwhile.
    told(&operator, &names).await;
    for node in nodes {
        node.close().await;
    }
}

/// To a process whose clock is slow, the last collection was in the future.
#[tokio::test]
async fn a_slow_clock_does_not_move_the_time_of_the_last_collection_back() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let operator = Operator::new().await;
    let running = operator.runs(&world, &registry).await;
    running.abort();
    drop(running.await);
    let database = world.database();
    let ahead = "UPDATE connection_event_receiver SET collected_at = collected_at + 40 * 86400";
    assert_eq!(sql::run(&database, ahead).await, 1);
    let collected_at = "SELECT collected_at FROM connection_event_receiver";
    let before = sql::number(&database, collected_at).await;
    let _running = operator.runs(&world, &registry).await;
    fake.connected(&registry, "ada").await;
    told(&operator, &["ada".to_owned()]).await;
    assert_eq!(sql::number(&database, collected_at).await, before);
    registry.close().await;
}

#[tokio::test]
async fn events_are_kept_without_a_collector_for_30_days_and_a_longer_absence_is_logged() {
    log::begin();
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let operator = Operator::new().await;
    fake.connected(&registry, "before any receiver").await;
    assert_eq!(due(&world).await, Some(0));
    let running = operator.runs(&world, &registry).await;
    running.abort();
    drop(running.await);
    let database = world.database();
    for (days, name, kept) in [(29, "kept", 1), (31, "not kept", 1)] {
        let absent = format!("UPDATE connection_event_receiver SET collected_at = collected_at - {days} * 86400");
        assert_eq!(sql::run(&database, absent).await, 1);
        fake.connected(&registry, name).await;
        assert_eq!(due(&world).await, Some(kept), "{name}");
    }
    let _running = operator.runs(&world, &registry).await;
    let names = ["kept", "later"].map(str::to_owned);
    told(&operator, &names[..1]).await;
    assert_eq!(log::lines_with("no process has sent events for 60 days").len(), 1);
    // The collector is back.
    fake.connected(&registry, "later").await;
    told(&operator, &names).await;
    recorded(&registry, <[_]>::is_empty).await;
    assert_eq!(operator.messages().len(), 2);
    registry.close().await;
}
