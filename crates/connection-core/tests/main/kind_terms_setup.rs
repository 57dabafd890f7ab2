//! A setup ends when the terms of its kind change, and nothing is stored.

use connection_core::{ConnectionRegistry, Outcome, SetupSession, SetupStep};

use crate::{
    acme::{Acme, KIND},
    reauthorize::{state, token},
    renewing::{RENEWING, Renewing},
    sql,
    test_host::{World, answers, code, connected, step},
};

const BEFORE: &str = "request.base = \"https://one.example\"\n";
const NOW: &str = "request.base = \"https://two.example\"\n";

/// Answers the prompt with this number.
async fn answer(session: &SetupSession, no: u64) -> Outcome {
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    session.terminal().await.unwrap()
}

async fn connections(registry: &ConnectionRegistry) -> u64 {
    registry.count_connections(None).await.unwrap()
}

#[tokio::test]
async fn a_setup_that_waits_while_the_terms_change_ends_with_the_reason() {
    let world = World::new().await;
    let registry = world.open(Acme::under(BEFORE)).await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    registry.kinds().replace(Acme::under(NOW)).unwrap();
    let outcome = answer(&session, no).await;
    let Outcome::Failed(failure) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.code, "kind_changed");
    assert!(failure.message.as_str().contains("the kind 'acme' was changed"), "{}", failure.message);
    assert!(failure.remedy.as_ref().unwrap().as_str().contains("begin again"));
    assert!(world.server.requests().is_empty(), "nothing was sent");
    assert_eq!(connections(&registry).await, 0);
    // The control: the same setup, begun under the new terms, connects.
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    assert_eq!(code(&answer(&session, no).await), "done Live");
}

#[tokio::test]
async fn a_change_without_other_terms_does_not_end_a_setup() {
    let world = World::new().await;
    let registry = world.open(Acme::under(BEFORE)).await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    registry.kinds().replace(Acme::under(BEFORE)).unwrap();
    assert_eq!(code(&answer(&session, no).await), "done Live");
}

#[tokio::test]
async fn a_session_that_another_process_resumes_under_other_terms_ends() {
    let world = World::new().await;
    let one = world.open(Acme::under(BEFORE)).await;
    let session = one.setups().begin(&KIND).await.unwrap();
    step(&session).await;
    let other = world.open(Acme::under(NOW)).await;
    let resumed = other.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&resumed.terminal().await.unwrap()), "kind_changed");
}

/// The terms change while the plugin verifies the account, after the last step.
#[tokio::test]
async fn a_change_during_the_last_run_stores_nothing() {
    let world = World::new().await;
    let registry = world.open(Acme::under(BEFORE)).await;
    let during = registry.clone();
    world.provider(move |_| {
        during.kinds().replace(Acme::under(NOW)).unwrap();
        crate::test_host::me("1", "ada")
    });
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    assert_eq!(code(&answer(&session, no).await), "kind_changed");
    assert_eq!(connections(&registry).await, 0);
}

#[tokio::test]
async fn a_reauthorization_that_ends_leaves_the_credential() {
    let world = World::new().await;
    let registry = world.open(Acme::under(BEFORE)).await;
    let connection = connected(&registry, "key-1").await;
    let before = state(&world).await;
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    registry.kinds().replace(Acme::under(NOW)).unwrap();
    session.advance(no, &answers(&[("accessToken", "key-2")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "kind_changed");
    assert_eq!(state(&world).await, before);
    registry.kinds().replace(Acme::under(BEFORE)).unwrap();
    assert_eq!(token(&connection).await, "key-1");
}

/// A refresh token that was given under the old terms is not taken over, because the new ones send it elsewhere.
#[tokio::test]
async fn a_reauthorization_under_new_terms_takes_over_nothing() {
    for (terms, inherited) in [(NOW, "access-2 "), (BEFORE, "access-2 refresh-1")] {
        let world = World::new().await;
        let plugin = Renewing::new();
        *plugin.terms.lock().unwrap() = Some(BEFORE);
        let registry = world.open(plugin.clone()).await;
        let connection = plugin.connected(&registry).await;
        *plugin.terms.lock().unwrap() = Some(terms);
        registry.kinds().replace(plugin.clone()).unwrap();
        *plugin.gives.lock().unwrap() = ["access-2", "", "1"];
        let session = connection.reauthorize().await.unwrap();
        let (no, shown) = step(&session).await;
        assert!(matches!(shown, SetupStep::Prompt { .. }));
        session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
        let taken = plugin.inherited.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(taken == 1, inherited.ends_with("refresh-1"), "{terms}");
        assert_eq!(registry.count_connections(Some(&RENEWING)).await.unwrap(), 1);
        assert_eq!(sql::number(&world.database(), "SELECT generation FROM connection_account").await, Some(2));
    }
}
