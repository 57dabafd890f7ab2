//! Connections of a profile: its directory is granted to the plugin, at setup and at every later probe.

use connection_contract::Liveness;
use connection_core::{BeginSetup, Filter, NewProfile, Outcome, ProfileError, ProfilePatch};

use crate::{
    profiles_rules::refused,
    test_host::{answers, code, step},
    tool::{PLAIN, TOOL, Tools},
};

async fn finished(begin: BeginSetup) -> Outcome {
    let session = begin.await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[])).await.unwrap();
    session.terminal().await.unwrap()
}

#[tokio::test]
async fn a_setup_reads_the_directory_of_its_profile_and_so_does_every_probe() {
    let it = Tools::new().await;
    it.write("work/account", "ada");
    it.write(".tool/account", "home");
    let work = it.profiles().create(NewProfile::new("work", it.path("work"))).await.unwrap();
    let Outcome::Done(done) = finished(it.registry.setups().begin(&TOOL).profile(work.id)).await else { panic!() };
    let info = it.registry.connection(done.connection).await.unwrap().info().clone();
    assert_eq!((info.profile, info.identity.label.as_str()), (Some(work.id), "ada"));
    // Without a given profile, the default one is used.
    let Outcome::Done(other) = finished(it.registry.setups().begin(&TOOL)).await else { panic!() };
    assert_eq!(other.identity.label.as_str(), "home");
    let of_work = it.registry.list_connections(Filter::new().profile(work.id)).await.unwrap().items;
    assert_eq!(of_work.iter().map(|info| info.id).collect::<Vec<_>>(), [done.connection]);
    let connection = it.registry.connection(done.connection).await.unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    // The profile's current directory, not the previous one.
    it.write("moved/account", "ada");
    std::fs::remove_dir_all(it.path("work")).unwrap();
    assert_ne!(connection.verify().await.unwrap().liveness, Liveness::Live);
    it.profiles().update(work.id, ProfilePatch::new().directory(it.path("moved"))).await.unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn a_profile_of_a_connection_stays() {
    let it = Tools::new().await;
    it.write("work/account", "ada");
    let work = it.profiles().create(NewProfile::new("work", it.path("work"))).await.unwrap();
    let Outcome::Done(done) = finished(it.registry.setups().begin(&TOOL).profile(work.id)).await else { panic!() };
    let refusal = refused(it.profiles().remove(work.id).await);
    assert_eq!(refusal.to_string(), "the profile 'work' of kind 'tool' is in use: by 1 of the connections");
    it.registry.remove(done.connection).await.unwrap();
    it.profiles().remove(work.id).await.unwrap();
}

#[tokio::test]
async fn a_setup_whose_profile_goes_meanwhile_connects_nothing() {
    let it = Tools::new().await;
    it.write("work/account", "ada");
    let work = it.profiles().create(NewProfile::new("work", it.path("work"))).await.unwrap();
    let session = it.registry.setups().begin(&TOOL).profile(work.id).await.unwrap();
    let (no, _) = step(&session).await;
    it.profiles().remove(work.id).await.unwrap();
    session.advance(no, &answers(&[])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "profile_not_found");
    assert!(it.registry.list_connections(Filter::new()).await.unwrap().items.is_empty());
    assert!(matches!(refused(it.registry.setups().begin(&TOOL).profile(work.id).await), ProfileError::NotFound { .. }));
    assert!(matches!(
        refused(it.registry.setups().begin(&PLAIN).profile(work.id).await),
        ProfileError::Unsupported { .. }
    ));
}

/// The tool creates its directory while the setup waits for the person to sign in.
#[tokio::test]
async fn a_directory_that_is_made_while_the_setup_waits_is_read() {
    let it = Tools::new().await;
    let session = it.registry.setups().begin(&TOOL).await.unwrap();
    let (no, _) = step(&session).await;
    it.write(".tool/account", "ada");
    session.advance(no, &answers(&[])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}
