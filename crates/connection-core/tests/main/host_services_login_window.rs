//! Login windows: separate for each kind, profile and owner, open as long as the core allows, and only the plugin
//! reads the cookie.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use connection_contract::{LoginOutcome, Secret};
use connection_core::{ConnectionRegistry, LoginWindow, Machine, NewProfile};
use tokio::sync::watch;

use crate::{
    log,
    service_kind::{Act, Borrower, LENT, begin_setup, named},
    sql,
    test_host::{World, code, step},
};

const CANARY: &str = "canary-of-the-cookie";

/// Shows windows that end as the test says; without an end they stay open.
#[derive(Debug, Default)]
struct Screen {
    ends: Mutex<Vec<LoginOutcome>>,
    partitions: Mutex<Vec<String>>,
    open: watch::Sender<usize>,
}

struct Open<'a>(&'a Screen);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

#[async_trait]
impl LoginWindow for Screen {
    async fn open(&self, window: connection_contract::LoginWindow) -> LoginOutcome {
        self.partitions.lock().unwrap().push(window.partition.to_string());
        self.open.send_modify(|open| *open += 1);
        let _open = Open(self);
        let end = self.ends.lock().unwrap().pop();
        match end {
            Some(end) => end,
            None => std::future::pending().await,
        }
    }
}

async fn open(world: &World, plugin: &Borrower, screen: &Arc<Screen>) -> ConnectionRegistry {
    let registry =
        world.builder().kind(plugin.clone()).machine(Machine::new().login_window(screen.clone())).open().await.unwrap();
    plugin.until_activated(1).await;
    registry
}

const MINUTES: Duration = Duration::from_secs(300);

/// R-JACK-034
#[tokio::test]
async fn a_window_ends_in_one_of_four_ways_each_told_apart() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let screen = Arc::<Screen>::default();
    let registry = open(&world, &plugin, &screen).await;
    for (end, expected) in [
        (LoginOutcome::Success(Secret::from(CANARY)), "cookie of 20 bytes"),
        (LoginOutcome::Cancelled, "Cancelled"),
        (LoginOutcome::Failed("no screen".into()), "failed: no screen"),
    ] {
        screen.ends.lock().unwrap().push(end);
        plugin.does([Act::Window(MINUTES)]);
        begin_setup(&registry).await;
        assert_eq!(plugin.seen(), [expected]);
    }
    let owner = registry.owner("a/b").unwrap();
    screen.ends.lock().unwrap().push(LoginOutcome::Cancelled);
    plugin.does([Act::ContextWindow(MINUTES)]);
    begin_setup(&owner).await;
    let partitions = screen.partitions.lock().unwrap().clone();
    assert_eq!(partitions[0], "lent/default/local/web%20login");
    assert_eq!(partitions[3], "lent/default/a%2Fb/web%20login");
}

/// R-JACK-041: a login of one profile does not exist in another.
#[tokio::test]
async fn each_profile_logs_in_in_a_window_of_its_own() {
    let world = World::new().await;
    let plugin = Borrower::new([]).with_profiles();
    let screen = Arc::<Screen>::default();
    let registry = open(&world, &plugin, &screen).await;
    let profiles = registry.profiles(&LENT).unwrap();
    plugin.does([Act::Window(MINUTES), Act::ContextWindow(MINUTES)]);
    let mut expected = Vec::new();
    for label in ["work", "home"] {
        let directory = world.directory.path().join(label);
        let profile = profiles.create(NewProfile::new(label, directory)).await.unwrap();
        screen.ends.lock().unwrap().extend([LoginOutcome::Cancelled, LoginOutcome::Cancelled]);
        step(&registry.setups().begin(&LENT).profile(profile.id).await.unwrap()).await;
        expected.extend(vec![format!("lent/{}/local/web%20login", profile.id); 2]);
    }
    assert_eq!(*screen.partitions.lock().unwrap(), expected);
    assert_ne!(expected[0], expected[2]);
}

/// R-JACK-034: the host's window never ends; the core's clock ends it.
#[tokio::test]
async fn a_window_that_stays_is_closed_when_its_time_is_over() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let screen = Arc::<Screen>::default();
    let registry = open(&world, &plugin, &screen).await;
    plugin.does([Act::Window(MINUTES)]);
    let _session = registry.setups().begin(&LENT).await.unwrap();
    drop(screen.open.subscribe().wait_for(|open| *open == 1).await.unwrap());
    // The deadlines of the run, the lease that it renews, and the window's own.
    world.clock.until_asleep(4).await;
    world.clock.advance(MINUTES + Duration::from_secs(1));
    drop(screen.open.subscribe().wait_for(|open| *open == 0).await.unwrap());
    while plugin.seen_so_far().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(plugin.seen(), ["TimedOut"]);
}

/// No person asked for it there, and two profiles would share its cookies.
#[tokio::test]
async fn outside_of_a_setup_a_handle_shows_no_window() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let screen = Arc::<Screen>::default();
    let _registry = open(&world, &plugin, &screen).await;
    assert_eq!(plugin.act(Act::Window(MINUTES)).await, "failed: a window can be shown only during a setup");
    assert!(screen.partitions.lock().unwrap().is_empty());
}

/// A person waits for a verification that was requested, but not for one that was due.
#[tokio::test]
async fn a_verification_that_was_due_is_offered_no_window() {
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let screen = Arc::<Screen>::default();
    let registry = open(&world, &plugin, &screen).await;
    let session = begin_setup(&registry).await;
    assert_eq!(code(&named(&session, "ada").await), "done Live");
    plugin.seen();
    let connections = registry.list_connections(connection_core::Filter::new()).await.unwrap().items;
    let connection = registry.connection(connections[0].id).await.unwrap();
    connection.verify().await.unwrap();
    assert_eq!(plugin.seen(), ["verified with a window"]);
    let running = registry.clone();
    let scheduler = tokio::runtime::Handle::current().spawn(async move { running.run().await });
    let due = sql::number(&world.database(), "SELECT next_check_at FROM connection_liveness").await;
    world.clock.advance(Duration::from_secs((due.unwrap() - world.now()).unsigned_abs()));
    while plugin.seen_so_far().is_empty() {
        // The verification has its time on this clock.
        sql::pass(&world.database(), &world.clock, 1).await;
    }
    scheduler.abort();
    assert_eq!(plugin.seen()[0], "verified without a window");
}

#[tokio::test]
async fn a_setup_waits_for_a_person_longer_than_for_a_plugin_and_opens_no_window_twice() {
    log::begin();
    let world = World::new().await;
    let plugin = Borrower::new([]);
    let screen = Arc::<Screen>::default();
    let registry = open(&world, &plugin, &screen).await;
    plugin.does([Act::Window(MINUTES), Act::ContextWindow(MINUTES)]);
    screen.ends.lock().unwrap().push(LoginOutcome::Success(Secret::from(CANARY)));
    let session = registry.setups().begin(&LENT).await.unwrap();
    // The first window returns its cookie; the second stays open for more than the minute that a plugin has.
    drop(screen.open.subscribe().wait_for(|open| *open == 1).await.unwrap());
    while screen.partitions.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    // The deadlines of the run, the lease that it renews, and the window's own.
    world.clock.until_asleep(4).await;
    world.clock.advance(MINUTES + Duration::from_secs(1));
    step(&session).await;
    assert_eq!(code(&named(&session, "ada").await), "done Live");
    let seen = plugin.seen();
    assert!(seen.len() > 1 && seen.iter().all(|seen| *seen == "cookie of 20 bytes, TimedOut"), "{seen:?}");
    assert_eq!(screen.partitions.lock().unwrap().len(), 2);
    let everything = sql::everything(&world.database()).await;
    assert!(!everything.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    assert!(log::lines_with(CANARY).is_empty());
}
