//! An input for an expired session is rejected, even if no task has noticed the expiry yet, because a clock that jumps
//! wakes no sleeper.

use std::sync::{Arc, mpsc};

use connection_contract::Timestamp;
use connection_core::{AdvanceError, ConnectionRegistry, DeliverError, SetupSession};
use tokio::sync::Notify;

use crate::{
    inbound::{Inbound, returned, state},
    odd_plugin::{ODD, Odd},
    race_plugin::{RACE, race},
    sql,
    test_host::{START, World, answers, code, me, step},
    user::beside,
};

/// The time after which an unused session expires.
const LIFE: i64 = 15 * 60;

async fn open(world: &World, odd: &Odd) -> ConnectionRegistry {
    world.builder().kind(odd.clone()).kind(race()).inbound(Arc::new(Inbound::new())).open().await.unwrap()
}

/// Returns the used addresses, the stored callbacks, and the inputs that a plugin got, as one number.
async fn taken(world: &World) -> Option<i64> {
    let sql = "SELECT (SELECT COUNT(*) FROM connection_endpoint WHERE used_at IS NOT NULL) \
               + (SELECT COUNT(*) FROM connection_setup_input) * 100 \
               + (SELECT COUNT(*) FROM connection_setup_effect) * 10000";
    sql::number(&world.database(), sql).await
}

/// Extends the life of the addresses, so that only the end of the session rejects what arrives. The end of an
/// address is covered by the tests of the store.
async fn addresses_stay(world: &World) {
    let later = "UPDATE connection_endpoint SET expires_at = expires_at + 1000000";
    assert_eq!(sql::run(&world.database(), later).await, 1);
}

fn jump(world: &World, seconds: i64) {
    world.clock.jump_to(Timestamp::from_seconds(START + seconds));
}

async fn refused(registry: &ConnectionRegistry, state: &str, what: &str) {
    let late = registry.setups().deliver(returned(state)).await.unwrap_err();
    assert!(matches!(late, DeliverError::Gone), "{what}: {late:?}");
    assert_eq!((late.http_status(), late.code()), (410, "callback_gone"));
}

/// S4
#[tokio::test]
async fn a_callback_to_a_session_that_waits_and_is_expired_is_gone_and_changes_nothing() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, shown) = step(&session).await;
    addresses_stay(&world).await;
    let before = taken(&world).await;
    for late in [0, 1, LIFE] {
        jump(&world, LIFE + late);
        refused(&registry, &state(&shown), "in the same process").await;
        // Another process has no state of the session in memory.
        refused(&open(&world, &odd).await, &state(&shown), "in another process").await;
        let ended = "SELECT COUNT(*) FROM connection_setup WHERE state IN ('running', 'waiting')";
        if sql::number(&world.database(), ended).await == Some(1) {
            assert_eq!(taken(&world).await, before, "{late}");
        }
    }
    assert!(odd.seen().is_empty(), "no plugin saw it");
    assert_eq!(code(&registry.setups().resume(session.id()).await.unwrap().terminal().await.unwrap()), "setup_expired");
}

/// The control: a second earlier, it is accepted.
#[tokio::test]
async fn a_callback_in_the_last_second_is_taken() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, shown) = step(&session).await;
    jump(&world, LIFE - 1);
    registry.setups().deliver(returned(&state(&shown))).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(odd.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_to_an_expired_session_is_refused() {
    let world = World::new().await;
    let odd = Odd::new("ask twice");
    let registry = open(&world, &odd).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (no, _) = step(&session).await;
    let effects = "SELECT COUNT(*) FROM connection_setup_effect";
    jump(&world, LIFE);
    let late = session.advance(no, &answers(&[("a", "x")])).await.unwrap_err();
    assert!(matches!(late, AdvanceError::Ended), "{late:?}");
    assert_eq!(sql::number(&world.database(), effects).await, Some(0));
    assert_eq!(code(&session.terminal().await.unwrap()), "setup_expired");
    // The control: an answer that arrives one second earlier is accepted.
    jump(&world, 0);
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (no, _) = step(&session).await;
    jump(&world, LIFE - 1);
    session.advance(no, &answers(&[("a", "x")])).await.unwrap();
}

/// A busy run stores the callbacks that arrive, but none for a session that has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_callback_to_a_busy_session_that_is_expired_is_not_kept() {
    for late in [true, false] {
        let world = World::new().await;
        let requested = Arc::new(Notify::new());
        let (gate, opens) = mpsc::channel::<()>();
        let signal = requested.clone();
        world.provider(move |request| {
            if request.contains("by=poll") {
                signal.notify_one();
                tokio::task::block_in_place(|| opens.recv().unwrap());
            }
            me("1", "AB-CD")
        });
        let registry = open(&world, &Odd::new("none")).await;
        let session: SetupSession = registry.setups().begin(&RACE).await.unwrap();
        let (_, shown) = step(&session).await;
        assert!(beside(&shown).len() <= 1);
        world.clock.until_asleep(1).await;
        world.clock.advance(std::time::Duration::from_secs(5));
        requested.notified().await;
        addresses_stay(&world).await;
        jump(&world, if late { 2 * LIFE } else { 10 });
        let kept = registry.setups().deliver(returned(&state(&shown))).await;
        let inputs = sql::number(&world.database(), "SELECT COUNT(*) FROM connection_setup_input").await;
        match late {
            true => assert!(matches!(kept, Err(DeliverError::Gone)) && inputs == Some(0), "{kept:?} {inputs:?}"),
            false => assert!(kept.is_ok() && inputs == Some(1), "{kept:?} {inputs:?}"),
        }
        gate.send(()).unwrap();
        drop(gate);
    }
}
