//! Usage is fetched for one account and profile, one fetch at a time. A failed fetch is data.

use connection_agent::{PromptCacheTtl, UsageMonitor, UsageReading, prompt_cache_ttl};
use connection_contract::{Liveness, SessionTokens, Timestamp, UsageMetric, UsageSnapshot, reason};
use connection_core::{ConnectionRegistry, Error, HostService, Machine, NeedState, NewProfile};
use connection_faults::sql;

use crate::{
    fake::{Deed, set},
    test_host::{World, outlasted},
    test_server::Reply,
    tool::Home,
    usage_plugin::{METERED, Metered, uses},
};

fn part(reading: &UsageReading) -> f64 {
    match &reading.snapshot.as_ref().expect("something was fetched").metrics[..] {
        [UsageMetric::TimeWindow(window)] => window.utilization,
        other => panic!("{other:?}"),
    }
}

fn code(reading: &UsageReading) -> Option<String> {
    reading.error.as_ref().map(|why| why.reason.code.to_string())
}

#[tokio::test]
async fn a_kind_without_profiles_has_one_account_and_ignores_a_profile() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    let empty = usage.status(None).await.unwrap();
    assert!(!empty.connected && empty.identity.is_none() && empty.error.is_none());
    assert!(matches!(usage.fetch(None).await, Err(Error::NoConnection(_))));
    assert!(usage.snapshot(None).await.unwrap().is_none());
    plugin.connected(&registry, "ada").await;
    uses(&world, 25);
    let any = Some("0190b0b0-0000-7000-8000-000000000000".parse().unwrap());
    assert_eq!(part(&usage.fetch(any).await.unwrap()), 0.25);
    let status = usage.status(any).await.unwrap();
    assert!(status.connected && status.auth_mode.as_deref() == Some("subscription"));
    assert_eq!(status.identity.unwrap().account_id.as_str(), "ada");
    let metrics = usage.format_session_metrics(SessionTokens::new(7, None)).await.unwrap();
    assert!(matches!(&metrics[..], [UsageMetric::TokenUtilization(tokens)] if tokens.used == 7));
}

#[tokio::test]
async fn a_fetch_that_the_provider_refuses_makes_the_connection_due_for_a_verification() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    for (status, is_refused) in [(503, false), (401, true)] {
        world.provider(move |_| Reply::whole(status, "", "{}"));
        assert!(usage.fetch(None).await.unwrap().error.is_some());
        assert_eq!(connection.verify_refused_use().await.unwrap().is_some(), is_refused, "{status}");
    }
}

#[tokio::test]
async fn a_fetch_that_succeeds_makes_a_failing_connection_due_for_a_verification() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    uses(&world, 25);
    usage.fetch(None).await.unwrap();
    assert!(connection.verify_refused_use().await.unwrap().is_none(), "the connection is live");
    let refused = r#"{"code":"unauthorized","message":"the provider refuses the credential"}"#;
    let failing = format!("UPDATE connection_liveness SET liveness = 'failing', reason = '{refused}'");
    assert_eq!(sql::run(&world.database(), failing).await, 1);
    *plugin.snapshot.lock().unwrap() = Some(UsageSnapshot::new(Timestamp::from_seconds(world.now())));
    usage.fetch(None).await.unwrap();
    assert!(connection.verify_refused_use().await.unwrap().is_none(), "the plugin asked nobody");
    *plugin.snapshot.lock().unwrap() = None;
    usage.fetch(None).await.unwrap();
    let found = connection.verify_refused_use().await.unwrap().expect("the success contradicts the refusal");
    assert_eq!(found.liveness, Liveness::Live);
}

/// R-JACK-040, R-JACK-041, R-JACK-044
#[tokio::test]
async fn each_profile_has_an_account_of_its_own_and_loses_it_alone() {
    let world = World::new().await;
    let plugin = Metered::with_profiles();
    let home = world.directory.path().join("home");
    let home = move |name: &str| (name == "HOME").then(|| home.clone().into_os_string());
    let builder = world.builder().kind(plugin.clone()).machine(Machine::new().environment(std::sync::Arc::new(home)));
    let registry = builder.open().await.unwrap();
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    let profiles = registry.profiles(&METERED).unwrap();
    let work = profiles.create(NewProfile::new("Work", world.directory.path().join("work"))).await.unwrap();
    uses(&world, 10);
    plugin.connected(&registry, "private").await;
    let connecting = usage.connect(Some(work.id)).await.unwrap();
    let (no, _) = crate::test_host::step(connecting.session()).await;
    connecting.session().advance(no, &crate::test_host::answers(&[("key", "work")])).await.unwrap();
    connecting.session().terminal().await.unwrap();
    for (profile, name, directory) in [(None, "private", "home/.metered"), (Some(work.id), "work", "work")] {
        let status = usage.status(profile).await.unwrap();
        assert!(status.connected);
        assert_eq!(status.identity.unwrap().account_id.as_str(), name);
        usage.fetch(profile).await.unwrap();
        let (seen, root) = plugin.seen.lock().unwrap().pop().unwrap();
        assert_eq!(seen, status.profile.map(|id| id.to_string()));
        assert!(root.unwrap().ends_with(directory));
    }
    let unknown = Some("0190b0b0-0000-7000-8000-000000000000".parse().unwrap());
    assert_eq!(usage.status(unknown).await.unwrap_err().code(), "profile_not_found");
    assert!(usage.disconnect(Some(work.id)).await.unwrap().is_some());
    assert!(usage.disconnect(Some(work.id)).await.unwrap().is_none());
    assert!(!usage.status(Some(work.id)).await.unwrap().connected);
    assert!(usage.status(None).await.unwrap().connected && usage.snapshot(None).await.unwrap().is_some());
}

/// A repeated disconnect removes nothing that was not selected.
#[tokio::test]
async fn to_disconnect_twice_takes_no_connection_that_another_one_hid() {
    let world = World::new().await;
    let plugin = Metered::with_profiles();
    let home = Home::at(world.directory.path().join("home"));
    home.moves(None);
    let registry = home.environment(world.builder().kind(plugin.clone())).open().await.unwrap();
    // Before there was a home there was no profile.
    plugin.connected(&registry, "before").await;
    home.moves(Some(world.directory.path().join("home")));
    plugin.connected(&registry, "ada").await;
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    let ada = usage.status(None).await.unwrap();
    assert_eq!(ada.identity.unwrap().account_id.as_str(), "ada");
    let Err(Error::Ambiguous { candidates, .. }) = usage.disconnect(None).await else { panic!("it took one of two") };
    assert_eq!(candidates.len(), 2);
    let ada = usage.clone().connection(ada.connection.unwrap());
    assert!(ada.disconnect(None).await.unwrap().is_some());
    assert!(ada.disconnect(None).await.unwrap().is_none());
    assert_eq!(usage.status(None).await.unwrap().identity.unwrap().account_id.as_str(), "before");
    assert!(usage.disconnect(None).await.unwrap().is_some());
    assert!(usage.disconnect(None).await.unwrap().is_none());
    // If there are several, none of them is removed.
    for key in ["one", "two"] {
        again(&registry, key).await;
    }
    assert_eq!(usage.disconnect(None).await.unwrap_err().code(), "ambiguous");
}

/// R-JACK-012: a connection from before there were profiles stays where it was, whichever profile is the default
/// now.
#[tokio::test]
async fn a_connection_without_a_profile_is_of_the_tools_own_directory_and_of_no_other() {
    let world = World::new().await;
    let plugin = Metered::with_profiles();
    let home = Home::at(world.directory.path().join("home"));
    home.moves(None);
    let registry = home.environment(world.builder().kind(plugin.clone())).open().await.unwrap();
    let before = plugin.connected(&registry, "before").await;
    home.moves(Some(world.directory.path().join("home")));
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    let profiles = registry.profiles(&METERED).unwrap();
    let implicit = Some(profiles.list().await.unwrap()[0].id);
    let work = NewProfile::new("Work", world.directory.path().join("work")).make_default();
    let work = Some(profiles.create(work).await.unwrap().id);
    for profile in [None, work] {
        assert!(!usage.status(profile).await.unwrap().connected);
        assert!(usage.disconnect(profile).await.unwrap().is_none());
    }
    let connecting = usage.connect(None).await.unwrap();
    let (no, _) = crate::test_host::step(connecting.session()).await;
    connecting.session().advance(no, &crate::test_host::answers(&[("key", "work")])).await.unwrap();
    connecting.session().terminal().await.unwrap();
    for (profile, name) in [(implicit, "before"), (work, "work"), (None, "work")] {
        assert_eq!(usage.status(profile).await.unwrap().identity.unwrap().account_id.as_str(), name);
    }
    let own = usage.clone().connection(before.id());
    assert!(own.status(implicit).await.unwrap().connected && !own.status(work).await.unwrap().connected);
    assert!(usage.disconnect(implicit).await.unwrap().is_some());
    assert!(usage.status(work).await.unwrap().connected && !usage.status(implicit).await.unwrap().connected);
}

#[tokio::test]
async fn each_of_several_accounts_of_one_profile_is_reached_by_its_connection() {
    for plugin in [Metered::new(), Metered::with_profiles()] {
        let world = World::new().await;
        let home = Home::at(world.directory.path().join("home"));
        let registry = home.environment(world.builder().kind(plugin.clone())).open().await.unwrap();
        let other = match plugin.profiles {
            true => {
                let work = NewProfile::new("Work", world.directory.path().join("work"));
                Some(registry.profiles(&METERED).unwrap().create(work).await.unwrap().id)
            }
            false => None,
        };
        let ada = plugin.connected(&registry, "ada").await;
        again(&registry, "bob").await;
        ada.clear_default().await.unwrap();
        uses(&world, 30);
        let usage = UsageMonitor::new(&registry).usage(&METERED);
        let Err(Error::Ambiguous { candidates, .. }) = usage.fetch(None).await else { panic!("which one?") };
        assert_eq!(candidates.len(), 2);
        for (info, name) in candidates.iter().zip(["ada", "bob"]) {
            let own = usage.clone().connection(info.id);
            assert!(own.snapshot(None).await.unwrap().is_none());
            assert_eq!(part(&own.fetch(None).await.unwrap()), 0.3);
            assert!(own.snapshot(info.profile).await.unwrap().is_some());
            let status = own.status(None).await.unwrap();
            assert_eq!((status.connection, status.profile), (Some(info.id), info.profile));
            assert_eq!(status.identity.unwrap().account_id.as_str(), name);
            if other.is_some() {
                assert!(matches!(own.fetch(other).await, Err(Error::NotFound(_))));
                assert!(own.disconnect(other).await.unwrap().is_none());
            }
        }
        let bob = usage.clone().connection(candidates[1].id);
        let connecting = bob.connect(None).await.unwrap();
        let (no, _) = crate::test_host::step(connecting.session()).await;
        connecting.session().advance(no, &crate::test_host::answers(&[("key", "eve")])).await.unwrap();
        connecting.session().terminal().await.unwrap();
        assert_eq!(bob.status(None).await.unwrap().identity.unwrap().account_id.as_str(), "eve");
        assert!(bob.disconnect(None).await.unwrap().is_some());
        assert!(matches!(bob.fetch(None).await, Err(Error::NotFound(_))));
        assert!(matches!(bob.connect(None).await, Err(Error::NotFound(_))));
        assert!(!bob.status(None).await.unwrap().connected);
        assert_eq!(usage.status(None).await.unwrap().identity.unwrap().account_id.as_str(), "ada");
    }
}

#[tokio::test]
async fn the_default_is_found_behind_however_many_others() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin).await;
    for number in 0..22 {
        again(&registry, &format!("account {number}")).await;
    }
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    let all = registry.list_connections(connection_core::Filter::new()).await.unwrap().items;
    assert_eq!(usage.status(None).await.unwrap().connection, Some(all[0].id), "the first one is the default");
    registry.connection(all[0].id).await.unwrap().clear_default().await.unwrap();
    let Err(Error::Ambiguous { candidates, .. }) = usage.status(None).await else { panic!("there is no default") };
    assert_eq!(candidates.len(), 20);
    registry.connection(all[21].id).await.unwrap().make_default().await.unwrap();
    assert_eq!(usage.status(None).await.unwrap().connection, Some(all[21].id));
}

async fn again(registry: &ConnectionRegistry, key: &str) {
    let session = registry.setups().begin(&METERED).again().await.unwrap();
    let (no, _) = crate::test_host::step(&session).await;
    session.advance(no, &crate::test_host::answers(&[("key", key)])).await.unwrap();
    session.terminal().await.unwrap();
}

#[tokio::test]
async fn a_waiter_learns_of_a_concurrent_change_of_account() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    uses(&world, 40);
    plugin.gate.close();
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    let waiting = usage.clone();
    let fetch = tokio::runtime::Handle::current().spawn(async move { waiting.fetch(None).await.unwrap() });
    plugin.gate.until_inside(1).await;
    let session = connection.reauthorize().another_account().await.unwrap();
    let (no, _) = crate::test_host::step(&session).await;
    session.advance(no, &crate::test_host::answers(&[("key", "bob")])).await.unwrap();
    session.terminal().await.unwrap();
    assert!(usage.snapshot(None).await.unwrap().is_none());
    uses(&world, 70);
    plugin.gate.open();
    assert_eq!(part(&fetch.await.unwrap()), 0.7);
    assert_eq!(part(&usage.snapshot(None).await.unwrap().unwrap()), 0.7);
    assert_eq!(plugin.fetches(), 2);
}

#[tokio::test]
async fn a_failed_fetch_is_data_and_keeps_the_last_good_snapshot() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    uses(&world, 40);
    usage.fetch(None).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(90));
    world.provider(|_| Reply::whole(503, "", ""));
    let down = usage.fetch(None).await.unwrap();
    assert_eq!((part(&down), down.age.as_secs(), code(&down).as_deref()), (0.4, 90, Some(reason::PROVIDER_ERROR)));
    for (deed, expected) in [
        (Deed::Panics, reason::PLUGIN_PANICKED),
        (Deed::Bug, reason::PLUGIN_FAULT),
        (Deed::Unreadable, reason::CREDENTIAL_UNREADABLE),
    ] {
        set(&plugin.deed, deed);
        let reading = usage.fetch(None).await.unwrap();
        assert_eq!((part(&reading), code(&reading).as_deref()), (0.4, Some(expected)));
    }
    set(&plugin.deed, Deed::Hangs);
    let hung = usage.clone();
    let task = tokio::runtime::Handle::current().spawn(async move { hung.fetch(None).await.unwrap() });
    assert_eq!(code(&outlasted(&world, task).await).as_deref(), Some(reason::PLUGIN_TIMEOUT));
    // None of it says anything about the connection.
    assert_eq!(registry.connection(connection.id()).await.unwrap().info().liveness, Liveness::Live);
    set(&plugin.deed, Deed::Well);
    uses(&world, 50);
    let good = usage.fetch(None).await.unwrap();
    assert_eq!((part(&good), good.age.as_secs(), code(&good)), (0.5, 0, None));
}

#[tokio::test]
async fn a_caller_during_a_fetch_shares_it() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    plugin.connected(&registry, "ada").await;
    uses(&world, 40);
    plugin.gate.close();
    let monitor = UsageMonitor::new(&registry);
    let one = monitor.usage(&METERED);
    let two = monitor.usage(&METERED);
    let first = tokio::runtime::Handle::current().spawn(async move { one.fetch(None).await.unwrap() });
    plugin.gate.until_inside(1).await;
    let second = tokio::runtime::Handle::current().spawn(async move { two.fetch(None).await.unwrap() });
    while monitor.usage(&METERED).snapshot(None).await.unwrap().is_some() {}
    plugin.gate.open();
    first.await.unwrap();
    second.await.unwrap();
    assert!(plugin.fetches() <= 2);
}

#[tokio::test]
async fn a_fetch_whose_caller_is_gone_is_kept_and_so_is_one_past_the_monitor() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    uses(&world, 40);
    let monitor = UsageMonitor::new(&registry);
    let usage = monitor.usage(&METERED);
    let mut changes = monitor.changes();
    plugin.gate.close();
    let gone = usage.clone();
    let task = tokio::runtime::Handle::current().spawn(async move { drop(gone.fetch(None).await) });
    plugin.gate.until_inside(1).await;
    task.abort();
    task.await.unwrap_err();
    plugin.gate.open();
    assert!(changes.changed().await);
    assert_eq!(part(&usage.snapshot(None).await.unwrap().unwrap()), 0.4);
    uses(&world, 50);
    // The first fetch ends a moment after it has told of its result, and until then it answers a second caller, too.
    while part(&usage.snapshot(None).await.unwrap().unwrap()) != 0.5 {
        assert_eq!(connection.fetch_usage().await.unwrap().account, "ada");
    }
    assert_eq!(plugin.fetches(), 2);
}

#[tokio::test]
async fn what_was_fetched_of_a_former_account_is_not_shown_for_another_one() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    uses(&world, 40);
    let usage = UsageMonitor::new(&registry).usage(&METERED);
    usage.fetch(None).await.unwrap();
    // The store has the usage of the account that was connected before.
    for (key, expected) in [("bob", None), ("ada", Some(0.4))] {
        let session = connection.reauthorize().another_account().await.unwrap();
        let (no, _) = crate::test_host::step(&session).await;
        session.advance(no, &crate::test_host::answers(&[("key", key)])).await.unwrap();
        session.terminal().await.unwrap();
        assert_eq!(usage.snapshot(None).await.unwrap().as_ref().map(part), expected, "{key}");
    }
}

/// C7
#[tokio::test]
async fn needs_services_and_features_are_reported_separately() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin).await;
    let support = registry.kinds().support(&METERED).unwrap();
    assert!(support.is_complete());
    let can = registry.kinds().get(&METERED).unwrap().capabilities;
    assert!(can.usage && can.refresh.is_none());
    assert!([can.profiles, can.sandbox, can.secrets, can.send, can.webhooks].iter().all(|can| !can));
    assert!(support.needs.iter().all(|(_, state)| *state == NeedState::Effective));
    assert!(!support.services.contains(&HostService::LoginWindow) && support.services.contains(&HostService::Kv));
    let kind = registry.kinds().get(&METERED).unwrap();
    assert_eq!(kind.descriptor.permission_modes, ["ask", "plan"]);
    let ttl = |wanted| prompt_cache_ttl(&kind, wanted).map(|ttl| ttl.as_secs());
    let minute = PromptCacheTtl::For(std::time::Duration::from_secs(60));
    assert_eq!([PromptCacheTtl::Hint, minute, PromptCacheTtl::Off].map(ttl), [Some(300), Some(60), None]);
}

#[tokio::test]
async fn a_process_shows_the_usage_that_another_one_fetched() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin.clone()).await;
    let connection = plugin.connected(&registry, "ada").await;
    let here = UsageMonitor::new(&registry).usage(&METERED);
    let other = world.open(Metered::new()).await;
    let there = UsageMonitor::new(&other).usage(&METERED);
    uses(&world, 40);
    here.fetch(None).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(90));
    let seen = there.snapshot(None).await.unwrap().unwrap();
    assert_eq!((part(&seen), seen.age.as_secs(), code(&seen)), (0.4, 90, None));
    // Only the process whose fetch failed shows the reason. The last good snapshot stays, even if another process
    // fetched it.
    world.provider(|_| Reply::whole(503, "", ""));
    let down = there.fetch(None).await.unwrap();
    assert_eq!((part(&down), down.age.as_secs(), code(&down).as_deref()), (0.4, 90, Some(reason::PROVIDER_ERROR)));
    assert_eq!(code(&here.snapshot(None).await.unwrap().unwrap()), None);
    // A later success of another process ends the failure of this one.
    world.clock.advance(std::time::Duration::from_secs(30));
    uses(&world, 50);
    here.fetch(None).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(5));
    let seen = there.snapshot(None).await.unwrap().unwrap();
    assert_eq!((part(&seen), seen.age.as_secs(), code(&seen)), (0.5, 5, None));
    // The store does not keep the raw answer of the provider.
    let last = other.connection(connection.id()).await.unwrap().last_usage().await.unwrap().unwrap();
    assert_eq!(last.snapshot.raw, None);
    assert_eq!(last.snapshot.metrics, here.snapshot(None).await.unwrap().unwrap().snapshot.unwrap().metrics);
    registry.remove(connection.id()).await.unwrap();
    assert!(there.snapshot(None).await.unwrap().is_none());
}
