//! Writes that fail: the session stays where it was, reports the error, and continues when the store is repaired.

use std::time::Duration;

use connection_contract::Kind;
use connection_core::{AdvanceError, ConnectionRegistry, Error, Outcome, SetupSession, SetupStep};

use crate::{
    acme::KIND,
    odd_plugin::{ODD, Odd},
    sql,
    test_host::{World, answers, code, step},
    user::{finish, labels, requests_to},
};

/// Makes one sort of write fail until it is repaired.
pub(crate) async fn break_writes(world: &World, of: &str) {
    sql::refuse(&world.database(), of).await;
}

pub(crate) async fn mend(world: &World) {
    sql::refuse_no_more(&world.database()).await;
}

pub(crate) fn is_store(error: &Error) -> bool {
    matches!(error, Error::Store(_)) && error.code() == "store_failed"
}

/// Goes through a setup as a person would who tries again when asked to. Returns how often each field was answered
/// and how often something failed.
async fn persist(world: &World, registry: &ConnectionRegistry, kind: &Kind) -> (Outcome, usize, usize) {
    let mut answered = 0;
    let mut failed = 0;
    let session = registry.setups().begin(kind).await.unwrap();
    let mut now: Option<SetupSession> = None;
    loop {
        let session = now.as_ref().unwrap_or(&session);
        let error = match session.next_step().await {
            Ok(None) => return (session.terminal().await.unwrap(), answered, failed),
            Ok(Some((no, SetupStep::Prompt { fields, .. }))) => {
                let pairs: Vec<_> = fields.iter().filter(|f| f.default.is_none()).map(|f| (&*f.name, "x")).collect();
                match session.advance(no, &answers(&pairs)).await {
                    Ok(()) => {
                        answered += 1;
                        continue;
                    }
                    Err(AdvanceError::Error(error)) => error,
                    Err(other) => panic!("{other}"),
                }
            }
            Ok(Some(_)) => continue,
            Err(error) => error,
        };
        assert!(is_store(&error), "{error:?}");
        failed += 1;
        assert!(failed < 3, "it fails once");
        assert!(labels(registry).await.is_empty(), "nothing is half stored");
        mend(world).await;
        now = Some(registry.setups().resume(session.id()).await.unwrap());
    }
}

#[tokio::test]
async fn a_setup_survives_a_failure_of_each_of_its_writes() {
    for (of, requests) in [
        ("INSERT ON connection_setup_effect WHEN NEW.seq = 0", 2),
        // The request was sent, and its answer could not be stored.
        ("INSERT ON connection_setup_effect WHEN NEW.seq = 1", 3),
        ("UPDATE ON connection_setup WHEN NEW.state = 'waiting'", 2),
        ("UPDATE ON connection_setup WHEN OLD.state = 'waiting' AND NEW.state = 'running'", 2),
        // The candidate is verified again.
        ("UPDATE ON connection_setup WHEN NEW.state = 'done'", 3),
        ("INSERT ON connection_account", 3),
        ("INSERT ON connection_credential", 3),
        ("INSERT ON connection_liveness", 3),
        ("INSERT ON connection_event", 3),
        ("DELETE ON connection_setup_effect", 3),
    ] {
        let world = World::new().await;
        let registry = world.acme().await;
        break_writes(&world, of).await;
        let (outcome, answered, failed) = persist(&world, &registry, &KIND).await;
        assert_eq!(code(&outcome), "done Live", "{of}");
        assert_eq!((answered, failed), (1, 1), "{of}: the user was asked once");
        assert_eq!(requests_to(&world, "GET /me"), requests, "{of}");
        assert_eq!(labels(&registry).await, ["ada"], "{of}");
    }
}

/// R-INSEAM-026
#[tokio::test]
async fn a_row_that_cannot_be_stored_is_an_error_apart_and_resuming_stores_it_once() {
    let world = World::new().await;
    let odd = Odd::new("ask a");
    let registry = world.open(odd.clone()).await;
    break_writes(&world, "INSERT ON connection_account").await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let error = finish(&session).await.unwrap_err();
    assert!(is_store(&error));
    assert!(is_store(&session.terminal().await.unwrap_err()), "it is told to whoever waits for the end");
    assert!(labels(&registry).await.is_empty());
    mend(&world).await;
    let again = registry.setups().resume(session.id()).await.unwrap();
    let here = again.terminal().await.unwrap();
    let there = session.terminal().await.unwrap();
    assert_eq!((code(&here), code(&there)), ("done Live".into(), "done Live".into()));
    let Outcome::Done(done) = here else { panic!() };
    assert_eq!(labels(&registry).await, [done.label.as_str()]);
}

#[tokio::test]
async fn another_process_completes_what_this_one_could_not_store() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask and send")).await;
    break_writes(&world, "INSERT ON connection_credential").await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    assert!(is_store(&finish(&session).await.unwrap_err()));
    let id = session.id();
    drop((session, registry));
    mend(&world).await;
    let registry = world.open(Odd::new("ask and send")).await;
    assert_eq!(registry.setups().list().await.unwrap().len(), 1);
    let session = registry.setups().resume(id).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(requests_to(&world, "GET /odd"), 1, "what was recorded is not asked again");
    assert_eq!(labels(&registry).await.len(), 1);
}

#[tokio::test]
async fn a_run_that_is_lost_after_an_answer_has_fifteen_minutes_from_it() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask and send")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    step(&session).await;
    break_writes(&world, "INSERT ON connection_setup_effect WHEN NEW.seq = 1").await;
    world.clock.advance(Duration::from_secs(14 * 60));
    session.advance(1, &answers(&[("a", "x")])).await.unwrap();
    assert!(is_store(&session.terminal().await.unwrap_err()));
    mend(&world).await;
    world.clock.advance(Duration::from_secs(14 * 60));
    let again = registry.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&again.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn a_session_that_cannot_be_stored_does_not_begin() {
    let world = World::new().await;
    let odd = Odd::new("ask a");
    let registry = world.open(odd.clone()).await;
    break_writes(&world, "INSERT ON connection_setup").await;
    let error = registry.setups().begin(&ODD).await.unwrap_err();
    assert!(is_store(&error));
    mend(&world).await;
    assert!(registry.setups().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_setup_that_could_not_be_cancelled_goes_on() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask a")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    step(&session).await;
    break_writes(&world, "UPDATE ON connection_setup WHEN NEW.state = 'cancelled'").await;
    assert!(is_store(&session.cancel().await.unwrap_err()));
    mend(&world).await;
    session.advance(1, &answers(&[("a", "x")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

/// A journal that is edited, or moved from another session, ends the setup and does nothing else.
#[tokio::test]
async fn a_journal_that_was_edited_does_not_open() {
    let world = World::new().await;
    let registry = world.open(Odd::new("ask and send")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    step(&session).await;
    break_writes(&world, "INSERT ON connection_setup_effect WHEN NEW.seq = 1").await;
    session.advance(1, &answers(&[("a", "x")])).await.unwrap();
    assert!(is_store(&session.terminal().await.unwrap_err()));
    mend(&world).await;
    // Changes the last byte, whatever it is.
    let mut sealed = sql::blob(&world.database(), "SELECT sealed FROM connection_setup_effect").await;
    *sealed.last_mut().unwrap() ^= 1;
    let edited = format!("UPDATE connection_setup_effect SET sealed = {}", sql::literal(&sealed));
    assert_eq!(sql::run(&world.database(), edited).await, 1);
    let session = registry.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "setup_unreadable");
    assert!(labels(&registry).await.is_empty());
}
