//! The metrics that a running session reports about its account, beside those that are fetched.

use std::time::Duration;

use connection_agent::{Usage, UsageMonitor, UsageReading};
use connection_contract::{
    Clock as _, Identity, SessionTokens, TimeWindow, Timestamp, TokenUtilization, UsageMetric, UsageSnapshot,
};
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

/// Returns the used parts of the windows, in their order.
fn utilization(reading: &UsageReading) -> Vec<f64> {
    let metrics = &reading.snapshot.as_ref().expect("there is something").metrics;
    let of = |metric: &UsageMetric| match metric {
        UsageMetric::TimeWindow(window) => window.utilization,
        other => panic!("{other:?}"),
    };
    metrics.iter().map(of).collect()
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
    assert_eq!(ids(&reading), ["context", "five_hour", "week"]);
    let kept = usage.snapshot(None).await.unwrap().unwrap();
    let [_, UsageMetric::TimeWindow(window)] = &kept.snapshot.as_ref().unwrap().metrics[..] else { panic!("{kept:?}") };
    assert_eq!(window.utilization, 0.75);
    world.clock.advance(hour + Duration::from_secs(1));
    assert_eq!(ids(&usage.fetch(None).await.unwrap()), ["week"]);
}

#[tokio::test]
async fn what_a_session_reports_is_shown_by_every_process_until_it_is_over() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    let here = UsageMonitor::new(&registry).usage(&METERED);
    let there = async || {
        let other = world.open(Metered::new()).await;
        let reading = UsageMonitor::new(&other).usage(&METERED).snapshot(None).await.unwrap();
        other.close().await;
        reading
    };
    let hour = Duration::from_secs(3600);
    tell(&world, &plugin, &here, 0.5, hour).await;
    world.clock.advance(Duration::from_secs(60));
    let seen = there().await.unwrap();
    assert_eq!((ids(&seen), seen.age.as_secs()), (vec!["five_hour".to_owned()], 60));
    let history = connection.usage_history(Timestamp::from_seconds(0)).await.unwrap();
    assert_eq!(history.iter().map(|point| (&*point.metric, point.value)).collect::<Vec<_>>(), [("five_hour", 0.5)]);
    // A fetch that does not measure the window leaves it, and has an age of its own.
    uses(&world, 25);
    here.fetch(None).await.unwrap();
    assert_eq!(ids(&there().await.unwrap()), ["week", "five_hour"]);
    // A later fetch that measures it replaces it.
    let measured = TimeWindow::new("five_hour", "Limit of 5 hours", 0.9);
    *plugin.snapshot.lock().unwrap() = Some(UsageSnapshot::new(world.clock.now()).metric(measured));
    here.fetch(None).await.unwrap();
    *plugin.snapshot.lock().unwrap() = None;
    assert_eq!(utilization(&there().await.unwrap()), [0.9]);
    tell(&world, &plugin, &here, 0.95, hour).await;
    assert_eq!(utilization(&there().await.unwrap()), [0.95]);
    // After the end of the window, the last fetch is shown again, in each process.
    world.clock.advance(hour);
    assert_eq!(utilization(&there().await.unwrap()), [0.9]);
    assert_eq!(utilization(&here.snapshot(None).await.unwrap().unwrap()), [0.9]);
}

#[tokio::test]
async fn a_window_without_an_end_is_over_after_its_length() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    plugin.connected(&registry, "ada").await;
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    let window = |id: &'static str| TimeWindow::new(id, id, 0.5);
    let hour = Duration::from_secs(3600);
    let snapshot = UsageSnapshot::new(world.clock.now()).metric(window("hour").window(hour)).metric(window("unknown"));
    *plugin.snapshot.lock().unwrap() = Some(snapshot);
    usage.report_session(None, SessionTokens::default()).await.unwrap();
    world.clock.advance(hour - Duration::from_secs(1));
    assert_eq!(ids(&usage.snapshot(None).await.unwrap().unwrap()), ["hour", "unknown"]);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(ids(&usage.snapshot(None).await.unwrap().unwrap()), ["unknown"]);
    world.clock.advance(hour * 23);
    assert!(usage.snapshot(None).await.unwrap().is_none());
}

#[tokio::test]
async fn the_windows_of_at_most_a_hundred_names_are_kept() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    for report in 0..3 {
        let windows = (0..60).map(|number| TimeWindow::new(format!("{report}-{number:02}"), "Limit", 0.5));
        let now = world.clock.now();
        *plugin.snapshot.lock().unwrap() = Some(windows.fold(UsageSnapshot::new(now), UsageSnapshot::metric));
        usage.report_session(None, SessionTokens::default()).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    let kept = ids(&usage.snapshot(None).await.unwrap().unwrap());
    let of = |report: &str| kept.iter().filter(|id| id.starts_with(report)).count();
    assert_eq!([of("0-"), of("1-"), of("2-")], [0, 40, 60]);
    assert_eq!(connection.usage_history(Timestamp::from_seconds(0)).await.unwrap().len(), 100);
}

#[tokio::test]
async fn what_was_reported_of_a_former_account_is_not_shown_for_another_one() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let before = plugin.connected(&registry, "ada").await;
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    tell(&world, &plugin, &usage, 0.5, Duration::from_secs(3600)).await;
    assert_eq!(utilization(&usage.snapshot(None).await.unwrap().unwrap()), [0.5]);
    let session = before.reauthorize().another_account().await.unwrap();
    let (no, _) = crate::test_host::step(&session).await;
    session.advance(no, &crate::test_host::answers(&[("key", "bob")])).await.unwrap();
    session.terminal().await.unwrap();
    assert!(usage.snapshot(None).await.unwrap().is_none());
    // The handle is of the former account, and so is its report.
    let window = TimeWindow::new("five_hour", "Limit of 5 hours", 0.75);
    *plugin.snapshot.lock().unwrap() = Some(UsageSnapshot::new(world.clock.now()).metric(window));
    before.report_usage(SessionTokens::default()).await.unwrap();
    assert!(usage.snapshot(None).await.unwrap().is_none());
}

#[tokio::test]
async fn the_usage_of_an_account_that_was_renamed_stays() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    uses(&world, 25);
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    usage.fetch(None).await.unwrap();
    tell(&world, &plugin, &usage, 0.5, Duration::from_secs(3600)).await;
    let history = async || {
        let connection = registry.connection(connection.id()).await.unwrap();
        connection.usage_history(Timestamp::from_seconds(0)).await.unwrap().len()
    };
    let points = history().await;
    assert!(points > 0);
    *plugin.renamed.lock().unwrap() = Some(Identity::new("lovelace", "Lovelace").mutable());
    assert_eq!(connection.verify().await.unwrap().identity.account_id.as_str(), "lovelace");
    let other = world.open(Metered::new()).await;
    let there = UsageMonitor::new(&other).usage(&METERED);
    for process in [&usage, &there] {
        assert_eq!(ids(&process.snapshot(None).await.unwrap().unwrap()), ["week", "five_hour"]);
    }
    assert_eq!(history().await, points);
    // A new authorization finds the lasting id of the same account.
    *plugin.renamed.lock().unwrap() = Some(Identity::new("107", "Ada").formerly("lovelace"));
    let session = registry.connection(connection.id()).await.unwrap().reauthorize().await.unwrap();
    let (no, _) = crate::test_host::step(&session).await;
    session.advance(no, &crate::test_host::answers(&[("key", "ada")])).await.unwrap();
    session.terminal().await.unwrap();
    let now = registry.connection(connection.id()).await.unwrap();
    assert_eq!(now.info().identity.account_id.as_str(), "107");
    assert_eq!(history().await, points);
}
