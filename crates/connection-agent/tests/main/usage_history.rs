//! The history of usage: one number of each metric in each ten minutes, of the account that the connection has.

use std::time::Duration;

use connection_agent::UsageMonitor;
use connection_contract::{Clock as _, Timestamp};
use connection_core::Connection;

use crate::{
    test_host::World,
    test_server::Reply,
    usage_plugin::{METERED, Metered, uses},
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_hours(24);

/// Returns the numbers of the last days, with the minutes since the start.
async fn history(connection: &Connection, start: i64, now: i64, days: i64) -> Vec<(i64, f64)> {
    let since = Timestamp::from_seconds(now - days * 24 * 3600);
    let points = connection.usage_history(since).await.unwrap();
    points.iter().map(|point| ((point.at.seconds() - start) / 60, point.value)).collect()
}

#[tokio::test]
async fn the_last_number_in_each_ten_minutes_is_kept_for_ninety_days() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    let start = world.clock.now().seconds();
    assert_eq!(start % 600, 0, "the first period begins at the start");
    assert_eq!(history(&connection, start, start, 7).await, []);
    for (minutes, percent) in [(0, 10), (9, 20), (1, 30), (30, 40)] {
        world.clock.advance(minutes * MINUTE);
        uses(&world, percent);
        connection.fetch_usage().await.unwrap().result.unwrap();
    }
    assert_eq!(history(&connection, start, world.clock.now().seconds(), 7).await, [(0, 0.2), (10, 0.3), (40, 0.4)]);
    // Another process of the store reads the same.
    let other = world.open(Metered::new()).await;
    let there = other.connection(connection.id()).await.unwrap();
    assert_eq!(history(&there, start, world.clock.now().seconds(), 7).await.len(), 3);
    world.clock.advance(80 * DAY);
    assert_eq!(history(&connection, start, world.clock.now().seconds(), 7).await, []);
    assert_eq!(history(&connection, start, world.clock.now().seconds(), 90).await.len(), 3);
    world.clock.advance(11 * DAY);
    uses(&world, 50);
    connection.fetch_usage().await.unwrap().result.unwrap();
    assert_eq!(
        history(&connection, start, world.clock.now().seconds(), 9999).await.len(),
        1,
        "old numbers count as deleted"
    );
}

#[tokio::test]
async fn a_failed_fetch_has_no_number_and_the_history_goes_with_the_connection() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    uses(&world, 25);
    UsageMonitor::new(&registry).usage(&METERED).fetch(None).await.unwrap();
    world.provider(|_| Reply::whole(503, "", ""));
    world.clock.advance(20 * MINUTE);
    assert!(connection.fetch_usage().await.unwrap().result.is_err());
    assert_eq!(connection.usage_history(Timestamp::from_seconds(0)).await.unwrap().len(), 1);
    registry.remove(connection.id()).await.unwrap();
    assert_eq!(connection.usage_history(Timestamp::from_seconds(0)).await.unwrap(), []);
}
