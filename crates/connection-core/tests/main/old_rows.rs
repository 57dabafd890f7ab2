//! Rows whose time has passed count as absent, and the scheduler ends them, a limited number at a time.

use std::time::Duration;

use connection_core::{ConnectionRegistry, Error, Limits, Outcome};

use crate::{
    acme::{Acme, KIND},
    outgoing_events::Setting,
    running::run,
    sql,
    test_host::{START, World, code, connected, on_postgres, step},
    test_server::Reply,
};

/// The time for which a setup stays open without an input, and for which its outcome is kept.
const SETUP: Duration = Duration::from_secs(15 * 60);

async fn number(world: &World, sql: &str) -> i64 {
    sql::number(&world.database(), sql).await.unwrap_or_default()
}

/// Lets the tasks of the registry work for a moment, in which no time passes.
async fn work(world: &World) {
    sql::look_on(&world.database(), 1, if on_postgres() { 120 } else { 20 }, || ()).await;
}

/// Runs the scheduler until a query returns this number.
pub(crate) async fn scheduled(world: &World, registry: &ConnectionRegistry, sql: &str, expected: i64) {
    let _running = run(registry);
    for _ in 0..200 {
        work(world).await;
        if number(world, sql).await == expected {
            return;
        }
        world.clock.advance(Duration::from_secs(1));
    }
    panic!("{sql}: {} instead of {expected}", number(world, sql).await);
}

#[tokio::test]
async fn a_setup_that_nobody_continued_counts_as_ended_before_the_scheduler_ends_it() {
    const OPEN: &str = "SELECT COUNT(*) FROM connection_setup WHERE state IN ('running', 'waiting')";
    let world = World::new().await;
    let opened = async || world.builder().kind(Acme::default()).limits(Limits::new().open_setups(1)).open().await;
    let gone = opened().await.unwrap();
    let session = gone.setups().begin(&KIND).await.unwrap();
    let id = session.id();
    step(&session).await;
    // The process that would have ended it ends.
    drop(session);
    gone.close().await;
    let registry = opened().await.unwrap();
    world.clock.advance(SETUP - Duration::from_secs(1));
    assert_eq!(registry.setups().list().await.unwrap().len(), 1);
    let full = registry.setups().begin(&KIND).await.unwrap_err();
    assert!(matches!(full, Error::TooManySetups { .. }), "{full:?}");
    world.clock.advance(Duration::from_secs(1));
    assert!(registry.setups().list().await.unwrap().is_empty());
    let second = registry.setups().begin(&KIND).await.unwrap();
    second.cancel().await.unwrap();
    assert_eq!(number(&world, OPEN).await, 1, "it is expired, and nobody has ended it");
    scheduled(&world, &registry, OPEN, 0).await;
    let outcome = registry.setups().resume(id).await.unwrap().terminal().await.unwrap();
    assert_eq!(code(&outcome), "setup_expired");
    registry.close().await;
}

#[tokio::test]
async fn a_setup_that_ended_long_ago_is_absent_before_the_scheduler_deletes_it() {
    const ALL: &str = "SELECT COUNT(*) FROM connection_setup";
    let world = World::new().await;
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    session.cancel().await.unwrap();
    world.clock.advance(SETUP - Duration::from_secs(1));
    let kept = registry.setups().get(session.id()).await.unwrap();
    assert!(matches!(kept.terminal().await.unwrap(), Outcome::Cancelled));
    world.clock.advance(Duration::from_secs(1));
    for found in [registry.setups().get(session.id()).await, registry.setups().resume(session.id()).await] {
        assert!(matches!(found, Err(Error::SessionNotFound(_))), "{found:?}");
    }
    assert!(registry.setups().read(session.id()).await.is_err());
    // A new setup does not delete it.
    registry.setups().begin(&KIND).await.unwrap();
    assert_eq!(number(&world, ALL).await, 2);
    scheduled(&world, &registry, ALL, 1).await;
    registry.close().await;
}

#[tokio::test]
async fn a_failed_message_is_absent_after_thirty_days_before_the_scheduler_deletes_it() {
    const DAY: u128 = 86_400_000;
    const ALL: &str = "SELECT COUNT(*) FROM connection_outbox";
    let Setting { world, fake, registry, operator, running } = Setting::new().await;
    operator.answers(|_| Reply::whole(500, "", ""));
    fake.connected(&registry, "ada").await;
    operator.until(1).await;
    running.abort();
    drop(running.await);
    let outgoing = registry.outgoing_events();
    let id: uuid::Uuid = sql::uuid(&world.database(), "SELECT id FROM connection_outbox").await.parse().unwrap();
    // The time of an id is that of its event.
    for (days, is_kept) in [(29, true), (31, false)] {
        let old = uuid::Uuid::from_u128(id.as_u128() - ((days * DAY) << 80));
        let failed =
            format!("UPDATE connection_outbox SET state = 'failed', next_at = NULL, id = {}", sql::id(old.into()));
        assert_eq!(sql::run(&world.database(), failed).await, 1);
        assert_eq!(outgoing.undelivered(None, None, 9).await.unwrap().items.len(), usize::from(is_kept), "{days}");
        if !is_kept {
            assert_eq!(outgoing.retry(old.into(), None).await.unwrap(), None);
        }
        assert_eq!(number(&world, ALL).await, 1);
    }
    scheduled(&world, &registry, ALL, 0).await;
    registry.close().await;
}

/// Returns a statement that adds rows, with the number `i` of each.
pub(crate) fn rows(table: &str, values: &str, count: u32) -> String {
    let (id, hash) = match on_postgres() {
        true => ("CAST(lpad(to_hex(i), 32, '0') AS uuid)", "decode(lpad(to_hex(i), 64, '0'), 'hex')"),
        false => ("unhex(printf('%032x', i))", "unhex(printf('%064x', i))"),
    };
    let values = values.replace("{id}", id).replace("{hash}", hash);
    format!(
        "WITH RECURSIVE rows(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM rows WHERE i < {count}) \
         INSERT INTO {table} SELECT {values} FROM rows"
    )
}

#[tokio::test]
async fn the_scheduler_deletes_what_is_kept_no_longer_and_nothing_else() {
    let world = World::new().await;
    let registry = world.acme().await;
    connected(&registry, "key-1").await;
    for (table, columns, values, kept) in [
        ("connection_access_token_request", "key, request, created_at", "{hash}, {hash}, {at}", 24 * 3600),
        (
            "connection_extension_ticket",
            "id, owner, extension, command, created_at",
            "{id}, 'local', 'issues', '', {at}",
            30 * 86_400 + 1,
        ),
        (
            "connection_usage",
            "connection_id, at, metric, account, value",
            "(SELECT id FROM connection_account), {at}, 'five_hour', 'ada', 0.5",
            90 * 86_400 + 1,
        ),
    ] {
        // The first one is a second too old to be kept when the scheduler looks, and the other one is kept for a while.
        let at = format!("{} + (i - 1) * 3600", world.now() - kept);
        let added = rows(&format!("{table} ({columns})"), &values.replace("{at}", &at), 2);
        assert_eq!(sql::run(&world.database(), added).await, 2, "{table}");
        let all = format!("SELECT COUNT(*) FROM {table}");
        scheduled(&world, &registry, &all, 1).await;
        work(&world).await;
        assert_eq!(number(&world, &all).await, 1, "{table}");
    }
    registry.close().await;
}

#[tokio::test]
async fn many_old_rows_are_deleted_over_several_rounds() {
    const ALL: &str = "SELECT COUNT(*) FROM connection_access_token_request";
    let world = World::new().await;
    let registry = world.acme().await;
    let table = "connection_access_token_request (key, request, created_at)";
    let values = format!("{{hash}}, {{hash}}, {} + i", START - 10 * 86_400);
    sql::run(&world.database(), rows(table, &values, 4100)).await;
    let running = run(&registry);
    // One round deletes 4,000, and no time passes.
    for _ in 0..200 {
        work(&world).await;
        if number(&world, ALL).await <= 100 {
            break;
        }
    }
    work(&world).await;
    assert_eq!(number(&world, ALL).await, 100);
    drop(running);
    scheduled(&world, &registry, ALL, 0).await;
    registry.close().await;
}
