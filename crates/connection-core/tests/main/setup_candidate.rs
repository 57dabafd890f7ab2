//! The credential of a setup is verified once and stored as a whole, or nothing is stored. Its label and account
//! are unique.

use std::sync::atomic::Ordering::SeqCst;

use connection_contract::Liveness;
use connection_core::{ConnectionRegistry, Error, Outcome};

use crate::{
    acme::KIND,
    odd_plugin::{ODD, Odd},
    test_host::{World, answers, code, connect, connected, me, step},
    test_server::Reply,
    user::{finish, labels, set_up},
};

/// R-INSEAM-013, R-INSEAM-016
#[tokio::test]
async fn a_candidate_is_verified_once_and_kept_when_only_the_network_is_bad() {
    for (how, expected, serialized, verified) in [
        ("none", "done Live", 1, 1),
        ("measured", "done Live", 1, 0),
        ("verify offline", "done Offline", 1, 1),
        // Once at the end of the setup, and once for the rotation.
        ("verify rotates", "done Live", 2, 1),
        ("verify refused", "verify_failed", 1, 1),
        ("verify panics", "verify_failed", 1, 1),
        ("verify bug", "plugin_fault", 1, 1),
        ("verify another", "verify_failed", 1, 1),
        ("parse", "credential_unreadable", 1, 0),
        ("serialize", "credential_unwritable", 1, 0),
        ("more reach", "plugin_fault", 1, 0),
        ("nobody", "plugin_fault", 1, 0),
    ] {
        let world = World::new().await;
        let odd = Odd::new(how);
        let registry = world.open(odd.clone()).await;
        let outcome = set_up(&registry, &ODD).await;
        assert_eq!(code(&outcome), expected, "{how}");
        assert_eq!(odd.serialized.load(SeqCst), serialized, "{how}");
        assert_eq!(odd.verified.load(SeqCst), verified, "{how}");
        assert_eq!(labels(&registry).await.len(), usize::from(expected.starts_with("done")), "{how}");
    }
}

#[tokio::test]
async fn a_verify_that_hangs_keeps_nothing() {
    let world = World::new().await;
    let odd = Odd::new("verify hangs");
    let registry = world.open(odd.clone()).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    while odd.verified.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    world.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(code(&session.terminal().await.unwrap()), "verify_failed");
    assert!(labels(&registry).await.is_empty());
}

#[tokio::test]
async fn a_refused_candidate_tells_the_reason_and_the_way_out() {
    let world = World::new().await;
    let registry = world.open(Odd::new("verify refused")).await;
    let Outcome::Failed(failure) = set_up(&registry, &ODD).await else { panic!("it was kept") };
    assert_eq!(failure.message.as_str(), "the new connection does not work: no");
    assert_eq!(failure.remedy.unwrap().as_str(), "do better");
}

#[tokio::test]
async fn an_offline_connection_is_stored_with_its_reason_and_is_live_later() {
    let world = World::new().await;
    let odd = Odd::new("verify offline");
    let registry = world.open(odd.clone()).await;
    let Outcome::Done(done) = set_up(&registry, &ODD).await else { panic!("it was lost") };
    assert_eq!((done.liveness, &*done.reason.unwrap().code), (Liveness::Offline, "timeout"));
    let connection = registry.connection(done.connection).await.unwrap();
    assert_eq!(connection.info().liveness, Liveness::Offline);
    registry.kinds().replace(odd.then("none")).unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn a_rotation_while_verifying_is_what_is_stored() {
    let world = World::new().await;
    world.provider(|request| {
        let key = if request.contains("Bearer fresh") { "null" } else { "\"fresh\"" };
        Reply::ok(&format!(r#"{{"id":"1","name":"ada","rotate":{key}}}"#))
    });
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let token = connection.with_access_token(async |token| token.duplicate()).await.unwrap();
    assert_eq!(token.expose(), b"fresh");
}

async fn labelled(registry: &ConnectionRegistry, label: &'static str) -> Outcome {
    finish(&registry.setups().begin(&ODD).label(label).again().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_label_is_the_accounts_unless_given_and_gets_a_number_when_it_is_taken() {
    let world = World::new().await;
    let registry = world.acme().await;
    for id in ["1", "2", "3"] {
        world.provider(move |_| me(id, "ada"));
        connected(&registry, id).await;
    }
    assert_eq!(labels(&registry).await, ["ada", "ada-2", "ada-3"]);

    let registry = world.open(Odd::new("none")).await;
    let Outcome::Done(done) = labelled(&registry, "  work ").await else { panic!("refused") };
    assert_eq!(done.label.as_str(), "work");
}

#[tokio::test]
async fn a_label_that_is_taken_is_refused_at_the_beginning_and_at_the_end() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask a")).await;
    let late = registry.setups().begin(&ODD).label("work").again().await.unwrap();
    step(&late).await;
    assert_eq!(code(&labelled(&registry, "work").await), "done Live");
    let error = registry.setups().begin(&ODD).label("work").await.unwrap_err();
    assert!(matches!(&error, Error::LabelTaken { label, .. } if label == "work"));
    assert_eq!(error.to_string(), "there is already a connection 'odd:work'");
    late.advance(1, &answers(&[("a", "x")])).await.unwrap();
    assert_eq!(code(&late.terminal().await.unwrap()), "label_taken");
    assert_eq!(labels(&registry).await, ["work"]);
}

#[tokio::test]
async fn an_account_that_is_connected_is_refused_by_name_unless_the_caller_says_so() {
    let world = World::new().await;
    let registry = world.acme().await;
    connected(&registry, "key-1").await;
    let outcome = connect(&registry, &KIND, &[("accessToken", "key-2")]).await;
    let Outcome::Failed(failure) = &outcome else { panic!("it was connected twice") };
    assert_eq!(failure.code, "account_connected");
    assert!(failure.message.as_str().contains("acme:ada"));
    assert_eq!(labels(&registry).await, ["ada"]);
    let session = registry.setups().begin(&KIND).again().await.unwrap();
    step(&session).await;
    session.advance(1, &answers(&[("accessToken", "key-2")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(labels(&registry).await, ["ada", "ada-2"]);
    let other = registry.owner("u42").unwrap();
    connected(&other, "key-1").await;
    assert_eq!(labels(&other).await, ["ada"], "owners do not meet");
}

#[tokio::test]
async fn an_account_without_a_name_is_called_by_its_id_and_an_id_that_was_cut_is_refused() {
    let world = World::new().await;
    let registry = world.acme().await;
    world.provider(|_| me("id-7", ""));
    connected(&registry, "key-1").await;
    assert_eq!(labels(&registry).await, ["id-7"]);
    let long: &'static str = "i".repeat(501).leak();
    world.provider(move |_| me(long, "ada"));
    assert_eq!(code(&connect(&registry, &KIND, &[("accessToken", "key-2")]).await), "plugin_fault");
    assert_eq!(labels(&registry).await, ["id-7"]);
}
