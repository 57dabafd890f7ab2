//! The metrics that a running session reports about its account, beside those that are fetched.

use std::time::Duration;

use connection_agent::{Usage, UsageMonitor, UsageReading};
use connection_contract::{Clock as _, SessionTokens, TimeWindow, TokenUtilization, UsageMetric, UsageSnapshot};
use connection_core::Error;

use crate::{
    test_host::World,
    usage_plugin::{METERED, Metered, uses},
};

/// Returns the ids of the metrics, in their order.
fn ids(reading: &UsageReading) -> Vec<String> {
    let metrics = &reading.snapshot.as_ref().expect("there is something").metrics;
    let id = |metric: &UsageMetric| match metric {
        UsageMetric::TimeWindow(window) => window.id.to_string(),
        UsageMetric::TokenUtilization(tokens) => tokens.id.to_string(),
        other => panic!("{other:?}"),
    };
    metrics.iter().map(id).collect()
}

/// Reports a session whose plugin returns a window that lasts for this long, and its context.
async fn tell(world: &World, plugin: &Metered, usage: &Usage, used: f64, lasts: Duration) -> UsageReading {
    let now = world.clock.now();
    let window = TimeWindow::new("five_hour", "Limit of 5 hours", used).resets_at(now.after(lasts.as_secs()));
    let snapshot = UsageSnapshot::new(now).metric(TokenUtilization::new("context", "Context", 7)).metric(window);
    *plugin.snapshot.lock().unwrap() = Some(snapshot);
    let reading = usage.report_session(None, SessionTokens::default()).await.unwrap();
    *plugin.snapshot.lock().unwrap() = None;
    reading
}

#[tokio::test]
async fn a_window_that_a_session_tells_is_of_the_account_until_it_is_over() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let monitor = UsageMonitor::new(&registry);
    let usage = monitor.usage(&METERED);
    let none = usage.report_session(None, SessionTokens::default()).await;
    assert!(matches!(none, Err(Error::NoConnection(_))), "{none:?}");
    plugin.connected(&registry, "ada").await;
    uses(&world, 25);
    let mut changes = monitor.changes();
    let hour = Duration::from_secs(3600);
    let reading = tell(&world, &plugin, &usage, 0.5, hour).await;
    assert_eq!(ids(&reading), ["context", "five_hour"]);
    assert!(changes.changed().await);
    // The context belongs only to the session.
    assert_eq!(ids(&usage.snapshot(None).await.unwrap().unwrap()), ["five_hour"]);
    assert_eq!(ids(&usage.fetch(None).await.unwrap()), ["week", "five_hour"]);
    // A newer window replaces it, and fetched metrics stay.
    let reading = tell(&world, &plugin, &usage, 0.75, hour).await;
    assert_eq!(ids(&reading), ["week", "five_hour", "context"]);
    let kept = usage.snapshot(None).await.unwrap().unwrap();
    let [_, UsageMetric::TimeWindow(window)] = &kept.snapshot.as_ref().unwrap().metrics[..] else { panic!("{kept:?}") };
    assert_eq!(window.utilization, 0.75);
    world.clock.advance(hour + Duration::from_secs(1));
    assert_eq!(ids(&usage.fetch(None).await.unwrap()), ["week"]);
}
