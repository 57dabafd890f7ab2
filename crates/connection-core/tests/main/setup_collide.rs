//! Setups of several processes that want the same label or account at the same moment: one of them gets it, and the
//! other gets an error.

use connection_core::{ConnectionRegistry, SetupSession};

use crate::{
    acme::KIND,
    test_host::{World, answers, code, me, step},
    user::{labels, looked},
};

async fn prompted(registry: &ConnectionRegistry, label: Option<&str>) -> SetupSession {
    let setup = registry.setups().begin(&KIND);
    let setup = match label {
        Some(label) => setup.label(label.to_owned()),
        None => setup,
    };
    let session = setup.await.unwrap();
    step(&session).await;
    session
}

/// Answers two setups at once, and returns their outcomes in the order of their codes.
async fn both(world: &World, one: (&SetupSession, &str), two: (&SetupSession, &str)) -> [String; 2] {
    let end = async |(session, key): (&SetupSession, &str)| {
        session.advance(1, &answers(&[("accessToken", key)])).await.unwrap();
        code(&session.terminal().await.unwrap())
    };
    let (one, two) = looked(world, async { tokio::join!(end(one), end(two)) }).await;
    let mut codes = [one, two];
    codes.sort();
    codes
}

/// Two machines, with a provider that returns the account that a key names.
async fn pair() -> (World, ConnectionRegistry, ConnectionRegistry) {
    let world = World::new().await;
    world.provider(|request| {
        let key = request.split_once("Bearer ").and_then(|(_, rest)| rest.split_whitespace().next());
        let account = key.unwrap_or_default().to_owned();
        me(&account, &account)
    });
    let here = world.acme().await;
    let there = world.acme().await;
    (world, here, there)
}

#[tokio::test]
async fn two_concurrent_setups_cannot_take_one_label() {
    let (world, here, there) = pair().await;
    for round in 0..5 {
        let label = format!("work-{round}");
        let one = prompted(&here, Some(&label)).await;
        let two = prompted(&there, Some(&label)).await;
        let first = format!("a{round}");
        let second = format!("b{round}");
        assert_eq!(both(&world, (&one, &first), (&two, &second)).await, ["done Live", "label_taken"]);
    }
    let mut left = labels(&here).await;
    left.sort();
    assert_eq!(left, ["work-0", "work-1", "work-2", "work-3", "work-4"]);
}

#[tokio::test]
async fn two_concurrent_setups_of_one_account_connect_it_once() {
    let (world, here, there) = pair().await;
    for round in 0..5 {
        let one = prompted(&here, None).await;
        let two = prompted(&there, None).await;
        let account = format!("ada{round}");
        assert_eq!(both(&world, (&one, &account), (&two, &account)).await, ["account_connected", "done Live"]);
    }
    assert_eq!(labels(&here).await.len(), 5);
}

#[tokio::test]
async fn two_that_are_called_alike_at_once_get_a_number() {
    let (world, here, there) = pair().await;
    world.provider(|request| {
        let key = request.split_once("Bearer ").and_then(|(_, rest)| rest.split_whitespace().next());
        me(key.unwrap_or_default(), "ada")
    });
    let one = prompted(&here, None).await;
    let two = prompted(&there, None).await;
    assert_eq!(both(&world, (&one, "a"), (&two, "b")).await, ["done Live", "done Live"]);
    let mut left = labels(&here).await;
    left.sort();
    assert_eq!(left, ["ada", "ada-2"]);
}

/// Owners do not affect each other.
#[tokio::test]
async fn two_owners_want_the_same_label_and_account_at_once_and_both_get_them() {
    let (world, here, there) = pair().await;
    let ada = here.owner("ada").unwrap();
    let bob = there.owner("bob").unwrap();
    let one = prompted(&ada, Some("work")).await;
    let two = prompted(&bob, Some("work")).await;
    assert_eq!(both(&world, (&one, "a"), (&two, "a")).await, ["done Live", "done Live"]);
    assert_eq!((labels(&ada).await, labels(&bob).await), (vec!["work".to_owned()], vec!["work".to_owned()]));
}
