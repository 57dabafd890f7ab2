//! Connecting an account for usage is a setup that is ready, offers a choice, has failed or was cancelled. None of
//! these is an error of the program.

use connection_agent::{UsageConnect, UsageConnecting, UsageMonitor};

use crate::{
    test_host::{World, answers},
    tool::Home,
    usage_plugin::{METERED, Metered},
};

async fn begun(monitor: &UsageMonitor, key: &str) -> UsageConnect {
    let connecting = monitor.usage(&METERED).connect(None).await.unwrap();
    let UsageConnecting::Step(no, _) = connecting.next().await.unwrap() else { panic!("it asks for a key") };
    connecting.session().advance(no, &answers(&[("key", key)])).await.unwrap();
    connecting
}

fn failure(connecting: &UsageConnecting) -> &str {
    match connecting {
        UsageConnecting::Error(failure) => &failure.code,
        other => panic!("{other:?}"),
    }
}

/// R-JACK-042, R-JACK-043
#[tokio::test]
async fn a_choice_is_answered_in_its_session_and_anything_else_is_an_error_as_data() {
    let world = World::new().await;
    let mut plugin = Metered::new();
    plugin.chooses = true;
    let registry = world.open(plugin).await;
    let monitor = UsageMonitor::new(&registry);
    let connecting = begun(&monitor, "ada").await;
    let UsageConnecting::Choose(options) = connecting.next().await.unwrap() else { panic!("it asks which") };
    let named: Vec<_> = options.iter().map(|option| (&*option.id, option.label.as_str())).collect();
    assert_eq!(named, [("org-1", "One"), ("org-2", "Two")]);
    assert_eq!(failure(&connecting.select_option("org-3").await.unwrap()), "unknown_option");
    // Another process has the session now.
    let resumed = UsageConnect::of(registry.setups().resume(connecting.session().id()).await.unwrap());
    let UsageConnecting::Ready(identity) = resumed.select_option("org-2").await.unwrap() else { panic!("not ready") };
    assert_eq!(identity.account_id.as_str(), "ada of org-2");
    assert_eq!(failure(&resumed.select_option("org-2").await.unwrap()), "no_choice");
    assert!(matches!(connecting.next().await.unwrap(), UsageConnecting::Ready(_)));
}

/// R-JACK-042
#[tokio::test]
async fn without_a_choice_it_is_ready_and_what_a_person_breaks_off_is_cancelled() {
    let world = World::new().await;
    let plugin = Metered::new();
    let registry = world.open(plugin).await;
    let monitor = UsageMonitor::new(&registry);
    let refused = begun(&monitor, "refused").await;
    assert!(matches!(refused.next().await.unwrap(), UsageConnecting::Cancelled));
    let cancelled = monitor.usage(&METERED).connect(None).await.unwrap();
    cancelled.next().await.unwrap();
    assert_eq!(failure(&cancelled.select_option("org-1").await.unwrap()), "no_choice");
    cancelled.session().cancel().await.unwrap();
    assert!(matches!(cancelled.next().await.unwrap(), UsageConnecting::Cancelled));
    assert!(!monitor.usage(&METERED).status(None).await.unwrap().connected);
    assert!(matches!(begun(&monitor, "ada").await.next().await.unwrap(), UsageConnecting::Ready(_)));
    let before = monitor.usage(&METERED).status(None).await.unwrap().connection;
    // A connected account is re-authorized in place, here as another account.
    assert!(matches!(begun(&monitor, "bob").await.next().await.unwrap(), UsageConnecting::Ready(_)));
    let after = monitor.usage(&METERED).status(None).await.unwrap();
    assert_eq!((after.connection, after.identity.unwrap().account_id.as_str()), (before, "bob"));
}

#[tokio::test]
async fn the_second_of_two_concurrent_setups_connects_no_further_account() {
    for plugin in [Metered::new(), Metered::with_profiles()] {
        let world = World::new().await;
        let home = Home::at(world.directory.path().join("home"));
        let registry = home.environment(world.builder().kind(plugin)).open().await.unwrap();
        let monitor = UsageMonitor::new(&registry);
        let usage = monitor.usage(&METERED);
        let one = usage.connect(None).await.unwrap();
        let two = usage.connect(None).await.unwrap();
        for (connecting, key) in [(&one, "ada"), (&two, "bob")] {
            let UsageConnecting::Step(no, _) = connecting.next().await.unwrap() else { panic!("it asks for a key") };
            connecting.session().advance(no, &answers(&[("key", key)])).await.unwrap();
            match (key, connecting.next().await.unwrap()) {
                ("ada", UsageConnecting::Ready(_)) => {}
                (_, other) => assert_eq!(failure(&other), "account_connected"),
            }
        }
        assert_eq!(usage.status(None).await.unwrap().identity.unwrap().account_id.as_str(), "ada");
    }
}
