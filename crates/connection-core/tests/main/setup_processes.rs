//! Several processes with one session: one of them sends the requests, the others see its steps, and what one process
//! leaves half-done another finishes. Two registries of one test host stand for two processes.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use connection_contract::prelude::*;
use connection_core::{Clock as _, ConnectionRegistry, SetupSession, SetupStep};
use connection_faults::scripted::{Scripted, live};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
};

use crate::{
    acme::API,
    odd_plugin::{ODD, Odd},
    sql,
    test_host::{World, answers, code, database_clock, me, step},
    test_server::Reply,
    user::{labels, looked, requests_to},
};

const ASKS: Kind = Kind::from_static("asks");
const POLL: Duration = Duration::from_millis(500);

pub(crate) struct Asks {
    /// The number of runs that were about to send the request.
    pub(crate) about: watch::Sender<usize>,
    /// The number of runs that have the answer.
    answered: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

pub(crate) async fn reached(count: &watch::Sender<usize>, runs: usize) {
    drop(count.subscribe().wait_for(|count| *count >= runs).await);
}

/// The kind `asks`: asks the user, sends a request to the provider, and then waits until it is released.
pub(crate) fn asking() -> Scripted<Asks> {
    let asks = Asks { about: watch::Sender::new(0), answered: watch::Sender::new(0), open: watch::Sender::new(true) };
    let descriptor = Descriptor::new(ASKS, "Asks", AuthType::Custom).origin(API).field(Field::text("a", "A"));
    Scripted::with(asks, descriptor).setup(|it, ctx| {
        Box::pin(async move {
            ctx.prompt(Prompt::new("Sure?").field("a")).await;
            it.about.send_modify(|count| *count += 1);
            let answer = ctx.http().send(HttpRequest::get(ctx.base_url(API)?, "/odd")).await;
            it.answered.send_modify(|count| *count += 1);
            drop(it.open.subscribe().wait_for(|open| *open).await);
            classify(answer)?;
            Ok(live("key", Identity::new("1", "ada")))
        })
    })
}

/// Begun and answered: the request to the provider is about to be sent.
pub(crate) async fn begun(registry: &ConnectionRegistry) -> SetupSession {
    let session = registry.setups().begin(&ASKS).again().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("a", "x")])).await.unwrap();
    session
}

/// The provider delays its answer until it is released.
fn held_back(world: &World, answer: fn() -> Reply) -> (Arc<Notify>, mpsc::Sender<()>) {
    let requested = Arc::new(Notify::new());
    let (open, gate) = mpsc::channel::<()>();
    let signal = requested.clone();
    world.provider(move |_| {
        signal.notify_one();
        tokio::task::block_in_place(|| gate.recv().unwrap());
        answer()
    });
    (requested, open)
}

async fn journal(world: &World) -> i64 {
    sql::number(&world.database(), "SELECT count(*) FROM connection_setup_effect").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_resume_a_setup_at_once_ask_the_provider_once() {
    let world = World::new().await;
    world.provider(|_| Reply::whole(503, "", ""));
    let asks = [asking(), asking()];
    let one = world.open(asks[0].clone()).await;
    let two = world.open(asks[1].clone()).await;
    let session = begun(&one).await;
    assert!(matches!(step(&session).await, (1, SetupStep::Notice { .. })));
    let (again, open) = held_back(&world, || Reply::whole(503, "", ""));
    let session = one.setups().resume(session.id()).await.unwrap();
    again.notified().await;
    let twin = two.setups().resume(session.id()).await.unwrap();
    reached(&asks[1].about, 1).await;
    // The process that sends the request is offline again, and the other one sees it.
    open.send(()).unwrap();
    for session in [&session, &twin] {
        let (_, shown) = looked(&world, step(session)).await;
        assert!(matches!(shown, SetupStep::Notice { .. }), "{shown:?}");
    }
    assert_eq!(requests_to(&world, "GET /odd"), 2);
    world.provider(|_| Reply::ok(""));
    two.setups().resume(twin.id()).await.unwrap();
    for session in [session, twin] {
        assert_eq!(code(&looked(&world, session.terminal()).await.unwrap()), "done Live");
    }
    assert_eq!(requests_to(&world, "GET /odd"), 3);
    assert_eq!(labels(&one).await, ["ada"]);
}

#[tokio::test]
async fn a_setup_whose_process_died_while_it_asked_goes_on_in_another() {
    let world = World::new().await;
    world.provider(|_| Reply::silence());
    let one = world.open(asking()).await;
    let asks = asking();
    let session = begun(&one).await;
    world.server.until_asked(1).await;
    one.close().await;
    // A process that closes releases its lease; one that is killed does not.
    let until = format!("{} + 9", database_clock());
    let sql = format!("UPDATE connection_setup SET lease_owner = 'killed', lease_until = {until}");
    assert_eq!(sql::run(&world.database(), sql).await, 1);
    world.provider(|_| Reply::ok(""));
    let two = world.open(asks.clone()).await;
    let twin = two.setups().resume(session.id()).await.unwrap();
    reached(&asks.about, 1).await;
    for _ in 0..20 {
        looked(&world, tokio::task::yield_now()).await;
    }
    assert_eq!(requests_to(&world, "GET /odd"), 1, "it is not known to be dead");
    world.leases_expire().await;
    let end = looked(&world, twin.terminal()).await.unwrap();
    assert_eq!(code(&end), "done Live");
    assert_eq!(requests_to(&world, "GET /odd"), 2);
}

#[tokio::test]
async fn a_process_that_asks_for_long_keeps_others_from_asking() {
    let world = World::new().await;
    world.provider(|_| Reply::silence());
    let one = world.open(asking()).await;
    let asks = asking();
    let session = begun(&one).await;
    world.server.until_asked(1).await;
    let two = world.open(asks.clone()).await;
    let twin = two.setups().resume(session.id()).await.unwrap();
    reached(&asks.about, 1).await;
    let lease = "SELECT lease_until FROM connection_setup";
    // An extension is seen by a second at least, however fast it follows.
    let earlier = "UPDATE connection_setup SET lease_until = lease_until - 1 WHERE lease_until IS NOT NULL";
    sql::run(&world.database(), earlier).await;
    let mut until = sql::number(&world.database(), lease).await.unwrap();
    let (mut renewals, mut looks) = (0, 0);
    // Each time before it ends, for longer than one lease. Without a lease, the request has ended.
    while renewals < 6 {
        // The next extension falls due, and the clock stands while it is written: a busy server takes longer for that
        // than for many looks. The clock moves again if the pause before the extension began after it had moved.
        if looks % 1_000 == 0 {
            world.clock.advance(4 * POLL);
        }
        looks += 1;
        match sql::number(&world.database(), lease).await {
            Some(same) if same == until => {}
            Some(later) => {
                (until, renewals, looks) = (later - 1, renewals + 1, 0);
                sql::run(&world.database(), earlier).await;
            }
            None => break,
        }
    }
    assert!(renewals >= 3, "it was renewed {renewals} times");
    assert_eq!(requests_to(&world, "GET /odd"), 1);
    // The request ended long ago: one may take at most 30 seconds.
    assert!(matches!(looked(&world, step(&twin)).await, (1, SetupStep::Notice { .. })));
}

#[tokio::test]
async fn a_process_that_closes_leaves_its_setups_to_others_at_once() {
    let world = World::new().await;
    world.provider(|_| Reply::silence());
    let one = world.open(asking()).await;
    let session = begun(&one).await;
    world.server.until_asked(1).await;
    one.close().await;
    world.provider(|_| Reply::ok(""));
    let two = world.open(asking()).await;
    let twin = two.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&twin.terminal().await.unwrap()), "done Live", "no time has passed");
}

/// The common beginning of the tests in which a handle watches another process.
async fn both_at_the_prompt(world: &World) -> (SetupSession, SetupSession, ConnectionRegistry) {
    let odd = Odd::new("ask twice");
    let one = world.open(odd.clone()).await;
    let two = world.open(odd).await;
    let session = one.setups().begin(&ODD).await.unwrap();
    step(&session).await;
    let twin = two.setups().resume(session.id()).await.unwrap();
    step(&twin).await;
    // A timer in each process ends the sessions when they expire.
    world.clock.until_asleep(2).await;
    (session, twin, one)
}

#[tokio::test]
async fn a_waiter_sees_the_result_of_another_process_within_half_a_second() {
    let world = World::new().await;
    let (session, twin, _one) = both_at_the_prompt(&world).await;
    let next = session.clone();
    let end = session.clone();
    let next = Handle::current().spawn(async move { step(&next).await });
    let end = Handle::current().spawn(async move { end.terminal().await });
    // By now the waiter polls the row. The time that has passed depends on the machine, but it is shorter than one
    // polling interval.
    world.clock.until_asleep(3).await;
    let soon =
        |began: Duration| assert!(world.clock.passed() - began < 12 * POLL, "{:?}", world.clock.passed() - began);
    twin.advance(1, &answers(&[("a", "x")])).await.unwrap();
    assert_eq!(step(&twin).await.0, 2);
    let began = world.clock.passed();
    let (no, shown) = looked(&world, next).await.unwrap();
    assert!(no == 2 && matches!(shown, SetupStep::Prompt { .. }), "{shown:?}");
    soon(began);
    twin.advance(2, &answers(&[("b", "x")])).await.unwrap();
    twin.terminal().await.unwrap();
    let began = world.clock.passed();
    assert_eq!(code(&looked(&world, end).await.unwrap().unwrap()), "done Live");
    soon(began);
}

#[tokio::test]
async fn an_answer_in_another_process_is_seen_while_that_one_works() {
    let world = World::new().await;
    world.provider(|_| Reply::silence());
    let one = world.open(asking()).await;
    let two = world.open(asking()).await;
    let session = one.setups().begin(&ASKS).await.unwrap();
    step(&session).await;
    let twin = two.setups().resume(session.id()).await.unwrap();
    step(&twin).await;
    let waiting = session.clone();
    let end = Handle::current().spawn(async move { waiting.terminal().await });
    twin.advance(1, &answers(&[("a", "x")])).await.unwrap();
    world.server.until_asked(1).await;
    let gone = async {
        while session.current_step().is_some() {
            tokio::task::yield_now().await;
        }
    };
    looked(&world, gone).await;
    twin.cancel().await.unwrap();
    assert_eq!(code(&looked(&world, end).await.unwrap().unwrap()), "cancelled");
}

#[tokio::test]
async fn a_setup_that_another_process_cancels_ends_here_with_the_run_that_asks() {
    let world = World::new().await;
    world.provider(|_| Reply::silence());
    let one = world.open(asking()).await;
    let two = world.open(asking()).await;
    let session = begun(&one).await;
    world.server.until_asked(1).await;
    let waiting = session.clone();
    let end = Handle::current().spawn(async move { waiting.terminal().await });
    two.setups().resume(session.id()).await.unwrap().cancel().await.unwrap();
    assert_eq!(code(&looked(&world, end).await.unwrap().unwrap()), "cancelled");
    assert_eq!(journal(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_after_another_process_cancelled_is_not_kept() {
    let world = World::new().await;
    let one = world.open(asking()).await;
    let two = world.open(asking()).await;
    let (requested, open) = held_back(&world, || me("1", "ada"));
    let session = begun(&one).await;
    requested.notified().await;
    let twin = two.setups().resume(session.id()).await.unwrap();
    twin.cancel().await.unwrap();
    open.send(()).unwrap();
    // No caller waits here, so no caller polls the row: the run itself finds that the session has ended.
    let again = one.setups().resume(session.id()).await.unwrap();
    assert_eq!(code(&again.terminal().await.unwrap()), "cancelled");
    assert_eq!(journal(&world).await, 0);
}

#[tokio::test]
async fn a_run_that_saw_a_bad_network_undoes_no_answer_that_came_since() {
    let world = World::new().await;
    world.provider(|_| Reply::whole(503, "", ""));
    let one = world.open(asking()).await;
    let session = begun(&one).await;
    assert!(matches!(step(&session).await, (1, SetupStep::Notice { .. })));
    let id = session.id();
    drop((session, one));
    // The state after a process died between the answer and the rest.
    sql::run(&world.database(), "UPDATE connection_setup SET state = 'running'").await;
    let late = asking();
    late.open.send_replace(false);
    let fresh = asking();
    let one = world.open(late.clone()).await;
    let two = world.open(fresh.clone()).await;
    let session = one.setups().resume(id).await.unwrap();
    reached(&late.answered, 1).await;
    let twin = two.setups().resume(id).await.unwrap();
    assert!(matches!(step(&twin).await, (1, SetupStep::Notice { .. })));
    world.provider(|_| Reply::ok(""));
    fresh.open.send_replace(false);
    let twin = two.setups().resume(id).await.unwrap();
    reached(&fresh.answered, 2).await;
    // It saw the bad network, and is too late to report it.
    late.open.send_replace(true);
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    fresh.open.send_replace(true);
    assert_eq!(code(&twin.terminal().await.unwrap()), "done Live");
    assert_eq!(requests_to(&world, "GET /odd"), 2);
}
