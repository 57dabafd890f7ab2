//! A provider that rotates a credential on its first probe while the store cannot write. The new credential is kept
//! in memory and in a file of the node until it can be stored.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_core::{ConnectionRegistry, Outcome, SetupSession};
use connection_faults::{eventually::eventually, state_files, write_lock::HeldLock};

use crate::{
    acme::KIND,
    reauthorize::token,
    setup_writes::{break_writes, is_store, mend},
    sql,
    test_host::{World, answers, code, me, step},
    test_server::Reply,
    user::{labels, looked, requests_to},
};

/// The provider of `key-1`: when that is verified it is exchanged for `fresh`, and only that works from then on.
pub(crate) fn rotates_once() -> impl FnMut(&str) -> Reply + Send + 'static {
    let mut requests = 0;
    move |request| {
        requests += usize::from(request.contains("Bearer key-1\r"));
        match (request.contains("Bearer fresh\r"), requests) {
            (true, _) | (false, 1) => me("1", "ada"),
            (false, 2) => Reply::ok(r#"{"id":"1","name":"ada","rotate":"fresh"}"#),
            _ => Reply::whole(401, "", ""),
        }
    }
}

/// A session whose provider has rotated the credential, which could not be recorded.
async fn stuck(world: &World, registry: &ConnectionRegistry) -> SetupSession {
    world.provider(rotates_once());
    break_writes(world, "INSERT ON connection_setup_effect WHEN NEW.seq = 2").await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    assert!(is_store(&session.terminal().await.unwrap_err()));
    assert_eq!(requests_to(world, "GET /me"), 2);
    assert_eq!(kept_of(world), 1);
    session
}

/// Returns the number of answers in the state directory.
fn kept_of(world: &World) -> usize {
    state_files::count(&world.state())
}

/// Lets time pass until the session has ended: slowly, because each request of the other process has ten seconds.
async fn ended(world: &World, session: &SetupSession) -> Outcome {
    loop {
        if let Ok(outcome) = looked(world, session.terminal()).await {
            return outcome;
        }
        world.clock.advance(Duration::from_millis(5));
        // Reading the store takes as long as the event that is waited for.
        sql::number(&world.database(), "SELECT 1").await;
    }
}

async fn is_fresh(world: &World, registry: &ConnectionRegistry, outcome: Outcome) {
    let Outcome::Done(done) = outcome else { panic!("what it was rotated to is lost: {outcome:?}") };
    assert_eq!(token(&registry.connection(done.connection).await.unwrap()).await, "fresh");
    assert_eq!(requests_to(world, "GET /me"), 3, "what was recorded is verified, and the dead one is not used again");
    assert_eq!(kept_of(world), 0);
}

#[tokio::test]
async fn a_rotated_credential_that_cannot_be_recorded_is_recorded_later_and_its_session_goes_on_by_itself() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = stuck(&world, &registry).await;
    // Tried again twice: the credential is still kept, and nothing is sent with the dead one.
    for _ in 0..2 {
        registry.setups().resume(session.id()).await.unwrap();
        assert!(is_store(&session.terminal().await.unwrap_err()));
    }
    assert_eq!((requests_to(&world, "GET /me"), kept_of(&world)), (2, 1));
    mend(&world).await;
    let outcome = ended(&world, &session).await;
    is_fresh(&world, &registry, outcome).await;
}

#[tokio::test]
async fn a_rotated_credential_that_could_not_be_recorded_outlives_its_process() {
    for opened in ["before", "behind"] {
        let world = World::new().await;
        let registry = world.acme().await;
        let before = world.acme().await;
        let session = stuck(&world, &registry).await;
        let id = session.id();
        drop((session, registry));
        mend(&world).await;
        let registry = if opened == "before" { before } else { world.acme().await };
        world.leases_expire().await;
        let session = registry.setups().resume(id).await.unwrap();
        let outcome = session.terminal().await.unwrap();
        is_fresh(&world, &registry, outcome).await;
    }
}

/// The control: what only the process has is lost with it.
#[tokio::test]
async fn without_what_is_kept_it_is_lost_with_its_process() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = stuck(&world, &registry).await;
    let id = session.id();
    drop((session, registry));
    mend(&world).await;
    fs::remove_file(state_files::places(&world.state()).remove(0).0).unwrap();
    let registry = world.acme().await;
    world.leases_expire().await;
    let session = registry.setups().resume(id).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "verify_failed");
}

#[tokio::test]
async fn two_processes_that_have_it_come_to_the_same() {
    let world = World::new().await;
    let one = world.acme().await;
    let two = world.acme().await;
    let session = stuck(&world, &one).await;
    mend(&world).await;
    let twin = two.setups().resume(session.id()).await.unwrap();
    let ours = ended(&world, &session).await;
    let theirs = ended(&world, &twin).await;
    assert_eq!((code(&ours), code(&theirs)), ("done Live".into(), "done Live".into()));
    assert_eq!(labels(&one).await, ["ada"]);
    let Outcome::Done(done) = ours else { unreachable!() };
    assert_eq!(token(&two.connection(done.connection).await.unwrap()).await, "fresh");
    assert_eq!(kept_of(&world), 0);
}

#[tokio::test]
async fn a_session_that_is_cancelled_meanwhile_keeps_nothing() {
    let world = World::new().await;
    let registry = world.acme().await;
    let session = stuck(&world, &registry).await;
    session.cancel().await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "cancelled");
    assert_eq!(kept_of(&world), 0);
    assert!(labels(&registry).await.is_empty());
}

/// Another program writes while the provider rotates: the process need not live until that is over.
#[tokio::test]
async fn a_rotated_credential_is_on_the_disk_while_its_commit_takes_long() {
    let world = World::new().await;
    let address = world.address();
    let held = Arc::new(Mutex::new(None));
    let mut rotates = rotates_once();
    let holding = held.clone();
    let mut requests = 0;
    world.provider(move |request| {
        requests += usize::from(request.starts_with("GET /me"));
        if requests == 2 {
            holding.lock().unwrap().get_or_insert_with(|| HeldLock::of_journals(&address));
        }
        rotates(request)
    });
    let registry = world.acme().await;
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", "key-1")])).await.unwrap();
    let is_kept = async {
        while held.lock().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        // Shorter than any other wait.
        for _ in 0..400 {
            if kept_of(&world) == 1 {
                return;
            }
            world.clock.advance(Duration::from_millis(10));
            sql::number(&world.database(), "SELECT 1").await;
        }
        eventually("the result is kept", async || kept_of(&world) == 1).await;
    };
    tokio::select! {
        biased;
        () = is_kept => {}
        ended = session.terminal() => panic!("the commit has failed: {ended:?}"),
    }
    assert_eq!(kept_of(&world), 1);
    drop(held.lock().unwrap().take());
    let Outcome::Done(done) = ended(&world, &session).await else { panic!("what it was rotated to is lost") };
    assert_eq!(token(&registry.connection(done.connection).await.unwrap()).await, "fresh");
    assert_eq!(kept_of(&world), 0, "what is recorded is kept nowhere else");
}
