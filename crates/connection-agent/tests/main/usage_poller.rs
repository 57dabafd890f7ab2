//! The poller: as often as the bounds say, less often after failures, never twice at once, and not at all if there
//! is nothing to poll.

use std::time::Duration;

use connection_agent::{PolledUsage, UsageBounds, UsageMonitor};
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{
    test_host::{World, answers, code, step},
    test_server::Reply,
    usage_plugin::{METERED, Metered, uses},
};

struct Polling(JoinHandle<()>);

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn poll(monitor: &UsageMonitor) -> Polling {
    poll_within(monitor, UsageBounds::new().jitter_percent(0))
}

fn poll_within(monitor: &UsageMonitor, bounds: UsageBounds) -> Polling {
    Polling(Handle::current().spawn(monitor.poll(bounds).into_future()))
}

/// Lets time pass, five seconds at a time, until the plugin has fetched that often, and returns the seconds that
/// passed. The poller works meanwhile, and on a busy machine more time passes than it has slept.
async fn until_fetched(world: &World, plugin: &Metered, fetches: usize) -> u64 {
    const STEP: u64 = 5;
    for seconds in (0..10_000).step_by(STEP as usize) {
        for _ in 0..200 {
            if plugin.fetches() >= fetches {
                return seconds;
            }
            tokio::task::yield_now().await;
        }
        tokio::time::timeout(Duration::from_millis(3), std::future::pending::<()>()).await.unwrap_err();
        if plugin.fetches() >= fetches {
            return seconds;
        }
        world.clock.advance(Duration::from_secs(STEP));
    }
    panic!("only {} were fetched", plugin.fetches());
}

/// R-JACK-047
#[tokio::test]
async fn each_kind_is_fetched_as_often_as_it_recommends_within_the_bounds() {
    for (recommended, every) in [(1, 60), (100, 100)] {
        let world = World::new().await;
        let plugin = Metered::every(recommended);
        uses(&world, 10);
        let registry = world.open(plugin.clone()).await;
        let monitor = UsageMonitor::new(&registry);
        plugin.connected(&registry, "ada").await;
        let _polling = poll(&monitor);
        until_fetched(&world, &plugin, 1).await;
        for fetches in 2..4 {
            let took = until_fetched(&world, &plugin, fetches).await;
            assert!((every - 5..=every + 300).contains(&took), "{took} of {every}");
        }
        assert!(monitor.usage(&METERED).snapshot(None).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_later_and_later_and_gets_the_pause_that_it_asks_for() {
    let world = World::new().await;
    let plugin = Metered::every(60);
    let registry = world.open(plugin.clone()).await;
    let monitor = UsageMonitor::new(&registry);
    plugin.connected(&registry, "ada").await;
    world.provider(|_| Reply::whole(503, "", ""));
    let mut fetched = monitor.changes();
    let _polling = poll(&monitor);
    until_fetched(&world, &plugin, 1).await;
    // It was answered, before the provider's answer changes.
    fetched.changed().await;
    assert!(until_fetched(&world, &plugin, 2).await >= 115);
    fetched.changed().await;
    world.provider(|_| Reply::whole(429, "retry-after: 900\r\n", ""));
    assert!(until_fetched(&world, &plugin, 3).await >= 235);
    fetched.changed().await;
    uses(&world, 10);
    assert!(until_fetched(&world, &plugin, 4).await >= 895);
    fetched.changed().await;
    assert!(until_fetched(&world, &plugin, 5).await < 600, "the pause is over");
}

#[tokio::test]
async fn a_credential_that_comes_is_tried_at_once_whatever_the_one_before_failed_with() {
    let world = World::new().await;
    let plugin = Metered::every(60);
    let registry = world.open(plugin.clone()).await;
    let monitor = UsageMonitor::new(&registry);
    let connection = plugin.connected(&registry, "ada").await;
    world.provider(|_| Reply::whole(401, "", ""));
    let mut fetched = monitor.changes();
    let _polling = poll(&monitor);
    for fetches in 1..6 {
        until_fetched(&world, &plugin, fetches).await;
        fetched.changed().await;
    }
    uses(&world, 10);
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("key", "ada")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert!(until_fetched(&world, &plugin, 6).await < 600);
    fetched.changed().await;
    assert!(until_fetched(&world, &plugin, 7).await < 600);
}

#[tokio::test]
async fn a_credential_that_is_renewed_since_it_was_refused_and_is_refused_again_is_asked_later_and_later() {
    let world = World::new().await;
    let plugin = Metered::renewing(60);
    let registry = world.open(plugin.clone()).await;
    let monitor = UsageMonitor::new(&registry);
    plugin.connected(&registry, "ada").await;
    world.provider(|_| Reply::whole(401, "", ""));
    let mut fetched = monitor.changes();
    let _polling = poll(&monitor);
    for least in [0, 115, 235, 475] {
        let before = plugin.fetches();
        assert!(until_fetched(&world, &plugin, before + 1).await >= least, "{least}");
        fetched.changed().await;
    }
    assert!(plugin.renewed.unwrap().load(std::sync::atomic::Ordering::SeqCst) > 0, "it was renewed");
}

#[tokio::test]
async fn only_selected_connections_of_the_owner_are_polled() {
    let world = World::new().await;
    let plugin = Metered::every(60);
    uses(&world, 10);
    let registry = world.open(plugin.clone()).await;
    let monitor = UsageMonitor::new(&registry);
    let other = registry.owner("bob").unwrap();
    let [selected, beside] =
        [plugin.connected(&registry, "ada").await.id(), plugin.connected(&registry, "eve").await.id()];
    let of_bob = plugin.connected(&other, "ada").await.id();
    let is_meant = move |of: &PolledUsage<'_>| of.connection != beside && *of.kind == METERED && of.profile.is_none();
    let bounds = UsageBounds::new().jitter_percent(0);
    let _polling = Polling(Handle::current().spawn(monitor.poll(bounds).only(is_meant).into_future()));
    until_fetched(&world, &plugin, 4).await;
    let of_others = monitor.owner("bob").unwrap();
    for (monitor, id, is_polled) in [(&monitor, selected, true), (&monitor, beside, false), (&of_others, of_bob, false)]
    {
        let kept = monitor.usage(&METERED).connection(id).snapshot(None).await.unwrap();
        assert_eq!(kept.is_some(), is_polled);
    }
}

#[tokio::test]
async fn the_poller_ends_with_its_registry_whether_there_is_something_to_poll_or_not() {
    for has_kind in [true, false] {
        let world = World::new().await;
        let plugin = Metered::every(60);
        uses(&world, 10);
        let registry = if has_kind { world.open(plugin.clone()).await } else { world.acme().await };
        let monitor = UsageMonitor::new(&registry);
        let mut polling = poll(&monitor);
        if has_kind {
            plugin.connected(&registry, "ada").await;
            until_fetched(&world, &plugin, 1).await;
        }
        registry.close().await;
        // No clock moves any longer.
        (&mut polling.0).await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_comes_is_polled_and_one_that_goes_is_not_any_more() {
    let world = World::new().await;
    let plugin = Metered::every(60);
    uses(&world, 10);
    let registry = world.open(plugin.clone()).await;
    let monitor = UsageMonitor::new(&registry);
    let _polling = poll(&monitor);
    plugin.connected(&registry, "ada").await;
    until_fetched(&world, &plugin, 1).await;
    monitor.usage(&METERED).disconnect(None).await.unwrap();
    for _ in 0..300 {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(plugin.fetches(), 1);
}

#[tokio::test]
async fn a_kind_that_is_registered_while_no_other_tells_usage_is_polled() {
    let world = World::new().await;
    let plugin = Metered::every(60);
    uses(&world, 10);
    let registry = world.acme().await;
    let monitor = UsageMonitor::new(&registry);
    let _polling = poll(&monitor);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    registry.kinds().register(plugin.clone()).unwrap();
    plugin.connected(&registry, "ada").await;
    until_fetched(&world, &plugin, 1).await;
}

/// The process of the poller has not read the kind when another process connects the account.
#[tokio::test]
async fn a_connection_that_another_process_makes_of_a_kind_on_demand_is_polled() {
    let world = World::new().await;
    let plugin = Metered::every(60);
    uses(&world, 10);
    let on_demand = plugin.clone();
    let polls = world.builder().kinds_on_demand([(METERED, METERED)], move |_| Some(on_demand.clone()));
    let polls = polls.open().await.unwrap();
    let _polling = poll(&UsageMonitor::new(&polls));
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let connects = world.open(plugin.clone()).await;
    plugin.connected(&connects, "ada").await;
    connects.close().await;
    until_fetched(&world, &plugin, 1).await;
    polls.close().await;
}

#[tokio::test]
async fn a_fresh_snapshot_is_not_fetched_again() {
    let world = World::new().await;
    let plugin = Metered::every(600);
    uses(&world, 10);
    let registry = world.open(plugin.clone()).await;
    let monitor = UsageMonitor::new(&registry);
    plugin.connected(&registry, "ada").await;
    let usage = monitor.usage(&METERED);
    usage.fetch(None).await.unwrap();
    let _polling = poll(&monitor);
    assert!(until_fetched(&world, &plugin, 2).await >= 595, "before it polled");
    world.clock.advance(Duration::from_secs(300));
    usage.fetch(None).await.unwrap();
    assert!(until_fetched(&world, &plugin, 4).await >= 595, "while it polls");
    // The poller also waits for the end of a pause that the provider requested from another caller.
    world.provider(|_| Reply::whole(429, "retry-after: 2000\r\n", ""));
    usage.fetch(None).await.unwrap();
    assert!(until_fetched(&world, &plugin, 6).await >= 1995);
}

#[tokio::test]
async fn the_poller_spreads_existing_connections() {
    let world = World::new().await;
    let plugin = Metered::every(300);
    uses(&world, 10);
    let registry = world.open(plugin.clone()).await;
    let monitor = UsageMonitor::new(&registry);
    for key in 0..8 {
        plugin.connected(&registry, &key.to_string()).await;
    }
    let _polling = poll_within(&monitor, UsageBounds::new().jitter_percent(100));
    // The probability that all of them are drawn for the first minute is one in a million.
    assert!(until_fetched(&world, &plugin, 8).await >= 60);
}
