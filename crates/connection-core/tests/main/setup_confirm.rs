//! An account to which a person signed in at the provider is shown, and is stored after the person confirmed it.

use std::{sync::Arc, time::Duration};

use connection_core::{ConnectionRegistry, Outcome, SetupSession, SetupStep};

use crate::{
    inbound::{Inbound, returned, state},
    odd_plugin::{ODD, Odd},
    race_plugin::{RACE, race},
    test_host::{World, answers, code, me, step},
    user::{finish, labels, looked},
};

async fn open(world: &World, odd: &Odd) -> ConnectionRegistry {
    world.builder().kind(odd.clone()).inbound(Arc::new(Inbound::new())).open().await.unwrap()
}

/// Returns a session that has received its callback and asks for the confirmation, with the number of that step.
async fn shown(registry: &ConnectionRegistry) -> (SetupSession, u64) {
    let session = registry.setups().begin(&ODD).again().confirm_account().await.unwrap();
    let (_, shown) = step(&session).await;
    registry.setups().deliver(returned(&state(&shown))).await.unwrap();
    let number = confirms(&session).await;
    (session, number)
}

#[track_caller]
fn is_account(step: &SetupStep) {
    let SetupStep::Confirm { identity } = step else { panic!("it shows no account: {step:?}") };
    assert_eq!((identity.account_id.as_str(), identity.label.as_str()), ("1", "odd1"));
}

async fn confirms(session: &SetupSession) -> u64 {
    let (number, shown) = step(session).await;
    is_account(&shown);
    number
}

#[tokio::test]
async fn an_account_is_stored_once_it_is_confirmed() {
    let world = World::new().await;
    for how in ["redirect", "redirect measured"] {
        let registry = open(&world, &Odd::new(how)).await;
        let before = labels(&registry).await.len();
        let (session, number) = shown(&registry).await;
        assert_eq!(labels(&registry).await.len(), before, "nothing is stored before");
        let wrong = session.advance(number, &answers(&[("a", "x")])).await;
        assert!(wrong.is_err(), "there is nothing to fill in");
        assert!(session.advance(number - 1, &[]).await.is_err(), "it is another step");
        session.advance(number, &[]).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
        assert_eq!(labels(&registry).await.len(), before + 1);
        registry.close().await;
    }
}

#[tokio::test]
async fn an_account_that_is_not_confirmed_is_given_back_and_not_stored() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let (session, _) = shown(&registry).await;
    session.cancel().await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Cancelled));
    assert!(labels(&registry).await.is_empty());
    assert!(odd.seen().contains(&"teardown".to_owned()), "{:?}", odd.seen());
    // The control: a cancelled setup that has reached no account has nothing to tear down.
    let other = Odd::new("redirect");
    let registry = open(&world, &other).await;
    let session = registry.setups().begin(&ODD).confirm_account().await.unwrap();
    step(&session).await;
    session.cancel().await.unwrap();
    assert!(!other.seen().contains(&"teardown".to_owned()));
}

/// Some providers revoke everything that an account has granted to an application.
#[tokio::test]
async fn a_credential_in_use_is_not_revoked() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let (session, number) = shown(&registry).await;
    session.advance(number, &[]).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let (session, _) = shown(&registry).await;
    session.cancel().await.unwrap();
    assert!(!odd.seen().contains(&"teardown".to_owned()), "{:?}", odd.seen());
    assert_eq!(labels(&registry).await, ["odd1"]);
}

#[tokio::test]
async fn another_process_shows_the_account_and_takes_the_confirmation() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let other = open(&world, &odd).await;
    let (session, number) = shown(&registry).await;
    let verified = odd.verified.load(std::sync::atomic::Ordering::SeqCst);
    let same = other.setups().resume(session.id()).await.unwrap();
    assert_eq!(confirms(&same).await, number);
    assert_eq!(odd.verified.load(std::sync::atomic::Ordering::SeqCst), verified, "nothing is asked to show it");
    same.advance(number, &[]).await.unwrap();
    assert_eq!(code(&same.terminal().await.unwrap()), "done Live");
    assert_eq!(code(&looked(&world, session.terminal()).await.unwrap()), "done Live");
    assert_eq!(labels(&registry).await, ["odd1"]);
}

#[tokio::test]
async fn nobody_who_confirms_in_time_stores_nothing() {
    let world = World::new().await;
    let registry = open(&world, &Odd::new("redirect")).await;
    let (session, _) = shown(&registry).await;
    world.clock.advance(Duration::from_secs(16 * 60));
    assert_eq!(code(&session.terminal().await.unwrap()), "setup_expired");
    assert!(labels(&registry).await.is_empty());
}

/// A code cannot be bound to a browser: anybody may have typed it at the provider. Whoever began the setup therefore sees
/// whose account it is.
#[tokio::test]
async fn the_account_of_a_typed_code_is_shown_before_it_is_stored() {
    let world = World::new().await;
    world.provider(|_| me("1", "AB-CD"));
    let registry = world.builder().kind(race()).open().await.unwrap();
    let polled = async |confirms: bool| {
        let begin = registry.setups().begin(&RACE).again();
        let session = if confirms { begin.confirm_account() } else { begin }.await.unwrap();
        let (_, shown) = step(&session).await;
        let SetupStep::Prompt { beside, .. } = &shown else { panic!("{shown:?}") };
        assert_eq!(beside[0].user_code.as_ref().unwrap().as_str(), "AB-CD");
        world.clock.until_asleep(1).await;
        world.clock.advance(Duration::from_secs(5));
        session
    };
    let session = polled(true).await;
    let (number, shown) = step(&session).await;
    assert!(matches!(&shown, SetupStep::Confirm { identity } if identity.label.as_str() == "racer"), "{shown:?}");
    assert!(labels(&registry).await.is_empty(), "nothing is stored before");
    session.advance(number, &[]).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(labels(&registry).await, ["racer"]);
    // The control: a host that asks for no confirmation stores the account at once.
    assert_eq!(code(&polled(false).await.terminal().await.unwrap()), "done Live");
    // An answer that was typed here is the answer of whoever began the setup.
    let session = registry.setups().begin(&RACE).again().confirm_account().await.unwrap();
    let (number, _) = step(&session).await;
    session.advance(number, &answers(&[("code", "typed")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

/// Without a sign-in at the provider, no other person could have switched the account.
#[tokio::test]
async fn an_account_of_what_was_typed_is_not_asked_about() {
    let world = World::new().await;
    let registry = open(&world, &Odd::new("ask a")).await;
    let session = registry.setups().begin(&ODD).confirm_account().await.unwrap();
    assert_eq!(code(&finish(&session).await.unwrap()), "done Live");
}

#[tokio::test]
async fn an_account_that_is_refused_in_any_case_and_the_one_that_it_is_are_not_asked_about() {
    let world = World::new().await;
    let registry = open(&world, &Odd::new("redirect")).await;
    let (session, number) = shown(&registry).await;
    session.advance(number, &[]).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("it is stored") };
    let again = registry.setups().begin(&ODD).confirm_account().await.unwrap();
    let (_, shown) = step(&again).await;
    registry.setups().deliver(returned(&state(&shown))).await.unwrap();
    assert_eq!(code(&again.terminal().await.unwrap()), "account_connected");
    let connection = registry.connection(done.connection).await.unwrap();
    let same = connection.reauthorize().another_account().confirm_account().await.unwrap();
    let (_, shown) = step(&same).await;
    registry.setups().deliver(returned(&state(&shown))).await.unwrap();
    assert_eq!(code(&same.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn a_reauthorization_asks_before_it_becomes_another_account() {
    let world = World::new().await;
    let registry = open(&world, &Odd::new("redirect")).await;
    let (session, number) = shown(&registry).await;
    session.advance(number, &[]).await.unwrap();
    let Outcome::Done(done) = session.terminal().await.unwrap() else { panic!("it is stored") };
    registry.close().await;
    let other = open(&world, &Odd::new("redirect other")).await;
    let connection = other.connection(done.connection).await.unwrap();
    let begin = async || {
        let session = connection.reauthorize().another_account().confirm_account().await.unwrap();
        let (_, shown) = step(&session).await;
        other.setups().deliver(returned(&state(&shown))).await.unwrap();
        let (number, shown) = step(&session).await;
        assert!(matches!(&shown, SetupStep::Confirm { identity } if identity.label.as_str() == "odd2"), "{shown:?}");
        (session, number)
    };
    let (refused, _) = begin().await;
    refused.cancel().await.unwrap();
    assert_eq!(other.connection(done.connection).await.unwrap().info().identity.label.as_str(), "odd1");
    let (agreed, number) = begin().await;
    agreed.advance(number, &[]).await.unwrap();
    assert_eq!(code(&agreed.terminal().await.unwrap()), "done Live");
    assert_eq!(other.connection(done.connection).await.unwrap().info().identity.label.as_str(), "odd2");
}
