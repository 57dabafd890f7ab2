//! A bad network ends no setup: the answers are kept, and resuming sends the request again.

use std::time::Duration;

use connection_core::{SetupStage, SetupStep};

use crate::{
    acme::KIND,
    odd_plugin::{ODD, Odd},
    test_host::{World, answers, code, me, step},
    test_server::Reply,
    user::{beside, labels, requests_to},
};

fn down() -> Reply {
    Reply::whole(503, "", "")
}

#[tokio::test]
async fn a_provider_that_is_down_keeps_the_answers_and_resuming_asks_it_again() {
    let world = World::new().await;
    world.provider(|_| down());
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    step(&session).await;
    session.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
    let (no, notice) = step(&session).await;
    let SetupStep::Notice { beside: notices } = &notice else { panic!("{notice:?}") };
    let reason = notices.iter().find_map(|notice| notice.reason.as_ref()).unwrap();
    assert_eq!(reason.code, "provider_error", "a host can tell it from a wait that goes on by itself");
    assert_eq!(no, 1);
    assert!(beside(&notice).iter().any(|line| line.contains("your answers are saved")), "{notice:?}");
    let refused = session.advance(1, &answers(&[("accessToken", "key-2")])).await;
    assert!(matches!(refused, Err(connection_core::AdvanceError::NoPrompt)), "{refused:?}");

    let again = registry.setups().resume(session.id()).await.unwrap();
    let (_, still) = step(&again).await;
    assert!(matches!(still, SetupStep::Notice { .. }));
    assert_eq!(requests_to(&world, "GET /me"), 2, "it was asked again, and what it shows is new");
    let (_, still) = step(&session).await;
    assert!(matches!(still, SetupStep::Notice { .. }), "the first handle sees the second failure, too");

    world.provider(|_| me("1", "ada"));
    registry.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let (_, done) = step(&session).await;
    assert!(matches!(done, SetupStep::Done { .. }));
    assert_eq!(requests_to(&world, "GET /me"), 4, "the third try, and the candidate");
    assert_eq!(labels(&registry).await, ["ada"]);
}

#[tokio::test]
async fn another_process_asks_again_with_the_same_answers() {
    let world = World::new().await;
    world.provider(|_| Reply::raw("not http"));
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let id = session.id();
    step(&session).await;
    session.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
    assert!(matches!(step(&session).await, (1, SetupStep::Notice { .. })));
    drop((session, registry));
    world.provider(|_| me("1", "ada"));
    let registry = world.acme().await;
    let setups = registry.setups().list().await.unwrap();
    assert_eq!((setups.len(), setups[0].stage), (1, SetupStage::Waiting));
    let session = registry.setups().resume(id).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert!(world.server.requests().iter().all(|request| request.contains("Bearer key-1")));
}

/// As a host does when it starts: the sessions of all owners that wait for a network or a time.
#[tokio::test]
async fn a_host_that_starts_goes_on_with_what_waits_of_all_owners() {
    let world = World::new().await;
    world.provider(|_| down());
    let registry =
        world.builder().kind(Odd::new("sleep an hour")).kind(crate::acme::Acme::default()).open().await.unwrap();
    let owners = ["ada", "bob"].map(|owner| registry.owner(owner).unwrap());
    let mut ids = Vec::new();
    for owner in &owners {
        let session = owner.setups().begin(&KIND).await.unwrap();
        step(&session).await;
        session.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
        assert!(matches!(step(&session).await, (1, SetupStep::Notice { .. })));
        ids.push(session.id());
    }
    let sleeping = registry.setups().begin(&ODD).await.unwrap();
    assert!(matches!(step(&sleeping).await, (_, SetupStep::Notice { .. })));
    let sleeping = sleeping.id();
    drop(owners);
    registry.close().await;
    drop(registry);
    world.provider(|_| me("1", "ada"));
    let registry =
        world.builder().kind(Odd::new("sleep an hour")).kind(crate::acme::Acme::default()).open().await.unwrap();
    assert_eq!(registry.setups().resume_all().await.unwrap(), 3);
    for (owner, id) in ["ada", "bob"].into_iter().zip(ids) {
        let session = registry.owner(owner).unwrap().setups().get(id).await.unwrap();
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live", "{owner}");
    }
    let session = registry.setups().get(sleeping).await.unwrap();
    let ended = crate::user::looked(&world, async {
        world.clock.advance(Duration::from_secs(3600));
        session.terminal().await.unwrap()
    });
    assert!(code(&ended.await).starts_with("done"), "it was woken by this process, and has not expired");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_in_time_keeps_the_answers() {
    let world = World::new().await;
    world.provider(|_| Reply::silence());
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    step(&session).await;
    session.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
    world.server.until_asked(1).await;
    world.clock.advance(Duration::from_secs(30));
    let (_, notice) = step(&session).await;
    assert!(matches!(notice, SetupStep::Notice { .. }), "{notice:?}");
    world.provider(|_| me("1", "ada"));
    registry.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn a_setup_that_nobody_resumes_expires() {
    let world = World::new().await;
    world.provider(|_| down());
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    step(&session).await;
    session.advance(1, &answers(&[("accessToken", "key-1")])).await.unwrap();
    assert!(matches!(step(&session).await, (1, SetupStep::Notice { .. })));
    world.clock.advance(Duration::from_secs(15 * 60));
    assert!(registry.setups().list().await.unwrap().is_empty());
    assert_eq!(code(&session.terminal().await.unwrap()), "setup_expired");
    assert!(labels(&registry).await.is_empty());
}

#[tokio::test]
async fn a_refusal_is_not_a_bad_network() {
    let world = World::new().await;
    world.provider(|_| Reply::whole(403, "", ""));
    let registry = world.acme().await;
    let outcome = crate::test_host::connect(&registry, &KIND, &[("accessToken", "key-1")]).await;
    assert_eq!(code(&outcome), "unauthorized");
}

#[tokio::test]
async fn a_bad_network_after_a_long_wait_leaves_time_to_resume() {
    let world = World::new().await;
    world.provider(|_| down());
    let registry = world.open(Odd::new("sleep and ask")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    step(&session).await;
    world.clock.until_asleep(1).await;
    world.clock.advance(Duration::from_secs(3600));
    let (_, notice) = step(&session).await;
    assert!(beside(&notice).iter().any(|line| line.contains("your answers are saved")), "{notice:?}");
    assert_eq!(registry.setups().list().await.unwrap().len(), 1, "it has not expired");
    world.provider(|_| Reply::ok(""));
    registry.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}
