//! Only the right callback, at the right time, once, resumes a setup; the plugin sees no other.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use connection_core::{AdvanceError, ConnectionRegistry, DeliverError, SetupStep};
use tokio::sync::Notify;

use crate::{
    inbound::{Inbound, returned, state},
    odd_plugin::{ODD, Odd},
    race_plugin::{RACE, race},
    test_host::{World, answers, code, me, step},
    test_server::Reply,
    user::{beside, requests_to},
};

async fn open(world: &World, odd: &Odd) -> ConnectionRegistry {
    world.builder().kind(odd.clone()).kind(race()).inbound(Arc::new(Inbound::new())).open().await.unwrap()
}

/// The provider: `POST /token` succeeds, except that the first polls are asked to wait.
fn pending(request: &str) -> Reply {
    match request {
        request if request.contains("by=poll") => Reply::whole(400, "", ""),
        _ => me("1", "AB-CD"),
    }
}

/// R-INSEAM-029, R-INSEAM-035, R-INSEAM-036, Q35, S4
#[tokio::test]
async fn a_forged_foreign_or_second_callback_changes_nothing() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let other = registry.setups().begin(&ODD).await.unwrap();
    let (_, one) = step(&session).await;
    let (_, two) = step(&other).await;
    assert_ne!(state(&one), state(&two), "each is unguessable from the other");
    assert!(state(&one).len() >= 43, "256 bits");
    let forged = answers(&[("state", "forged"), ("error", "access_denied")]);
    let twice: Vec<_> = [returned(&state(&one)), answers(&[("state", "forged")])].into_iter().flatten().collect();
    let none = answers(&[("code", "x")]);
    for unknown in [forged, none, answers(&[("state", "")])] {
        let refused = registry.setups().deliver(unknown).await.unwrap_err();
        assert!(matches!(refused, DeliverError::Unknown));
        assert_eq!((refused.http_status(), refused.code()), (404, "callback_unknown"));
    }
    for repeated in [twice, answers(&[("state", &*state(&one)), ("code", "a"), ("code", "b")])] {
        let refused = registry.setups().deliver(repeated).await.unwrap_err();
        assert!(matches!(refused, DeliverError::Repeated));
        assert_eq!((refused.http_status(), refused.code()), (400, "callback_repeated"));
    }
    assert!(matches!(session.current_step(), Some((1, SetupStep::Redirect { .. }))), "it still waits");
    registry.setups().deliver(returned(&state(&one))).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    let second = registry.setups().deliver(returned(&state(&one))).await.unwrap_err();
    assert!(matches!(second, DeliverError::Gone), "{second:?}");
    assert_eq!(second.http_status(), 410);
    assert!(matches!(other.current_step(), Some((1, SetupStep::Redirect { .. }))), "the other one waits for its own");
    assert_eq!(odd.seen().len(), 1, "the plugin saw one callback");
}

/// RFC 6749, section 4.1.2: a client ignores parameters that it does not know, so it also ignores how often they come.
#[tokio::test]
async fn a_parameter_that_decides_nothing_may_come_twice() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, shown) = step(&session).await;
    let twice = answers(&[("scope", "read"), ("scope", "write")]);
    let callback: Vec<_> = [returned(&state(&shown)), twice].into_iter().flatten().collect();
    registry.setups().deliver(callback).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(odd.seen(), ["code scope scope"], "the plugin gets both");
}

/// R-INSEAM-036
#[tokio::test]
async fn a_callback_to_one_handle_never_resolves_the_other() {
    let world = World::new().await;
    let registry = open(&world, &Odd::new("two callbacks")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (_, shown) = loop {
        let found = step(&session).await;
        if beside(&found.1).len() == 2 {
            break found;
        }
    };
    let states = beside(&shown);
    assert_ne!(states[0], states[1]);
    session_waits(&registry, 1).await;
    assert!(matches!(registry.setups().deliver(returned(&states[1])).await, Err(DeliverError::NotNow)));
    registry.setups().deliver(returned(&states[0])).await.unwrap();
    session_waits(&registry, 2).await;
    assert!(matches!(registry.setups().deliver(returned(&states[0])).await, Err(DeliverError::Gone)));
    registry.setups().deliver(returned(&states[1])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

/// Waits until the only session waits at that step.
async fn session_waits(registry: &ConnectionRegistry, no: u64) {
    loop {
        let setups = registry.setups().list().await.unwrap();
        let [info] = setups.as_slice() else { panic!("{setups:?}") };
        assert!(info.step <= no, "it is past that step: {setups:?}");
        if info.step == no && info.stage == connection_core::SetupStage::Waiting {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// R-INSEAM-029
#[tokio::test]
async fn an_early_callback_is_refused_and_the_same_one_is_good_later_once() {
    let world = World::new().await;
    let registry = open(&world, &Odd::new("callback later")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    session_waits(&registry, 1).await;
    let state = beside(&session.current_step().unwrap().1).remove(0);
    let early = registry.setups().deliver(returned(&state)).await.unwrap_err();
    assert!(matches!(early, DeliverError::NotNow));
    assert_eq!((early.http_status(), early.code()), (409, "callback_not_now"));
    session.advance(1, &answers(&[("a", "x")])).await.unwrap();
    session_waits(&registry, 2).await;
    registry.setups().deliver(returned(&state)).await.unwrap();
    let again = registry.setups().deliver(returned(&state)).await.unwrap_err();
    assert!(matches!(again, DeliverError::Gone), "used, though the plugin waits for it again: {again:?}");
    session_waits(&registry, 3).await;
    assert!(matches!(registry.setups().deliver(returned(&state)).await, Err(DeliverError::Gone)));
}

/// R-INSEAM-029
#[tokio::test]
async fn a_callback_after_the_end_is_gone() {
    let world = World::new().await;
    let odd = Odd::new("redirect");
    let registry = open(&world, &odd).await;
    for how in ["cancelled", "expired"] {
        let session = registry.setups().begin(&ODD).await.unwrap();
        let (_, redirect) = step(&session).await;
        if how == "cancelled" {
            session.cancel().await.unwrap();
        } else {
            world.clock.until_asleep(1).await;
            world.clock.advance(Duration::from_secs(15 * 60));
        }
        let late = registry.setups().deliver(returned(&state(&redirect))).await.unwrap_err();
        assert!(matches!(late, DeliverError::Gone), "{how}: {late:?}");
        assert_eq!(code(&session.terminal().await.unwrap()), if how == "expired" { "setup_expired" } else { how });
    }
    assert!(odd.seen().is_empty());
}

/// S4
#[tokio::test]
async fn a_callback_lives_as_long_as_its_session() {
    let world = World::new().await;
    let registry = open(&world, &Odd::new("callback later")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    session_waits(&registry, 1).await;
    let state = beside(&session.current_step().unwrap().1).remove(0);
    world.clock.advance(Duration::from_secs(14 * 60));
    session.advance(1, &answers(&[("a", "x")])).await.unwrap();
    session_waits(&registry, 2).await;
    world.clock.advance(Duration::from_secs(14 * 60));
    registry.setups().deliver(returned(&state)).await.unwrap();
}

#[tokio::test]
async fn each_of_three_ways_wins_once_and_the_losers_are_refused() {
    for way in ["answer", "callback", "elapsed"] {
        let world = World::new().await;
        let polls = Mutex::new(0);
        world.provider(move |request| {
            let polled = request.contains("by=poll") && std::mem::replace(&mut *polls.lock().unwrap(), 1) == 0;
            if polled { pending(request) } else { me("1", "AB-CD") }
        });
        let registry = open(&world, &Odd::new("none")).await;
        let session = registry.setups().begin(&RACE).await.unwrap();
        let (no, shown) = step(&session).await;
        let SetupStep::Prompt { fields, open: Some(_), beside, .. } = &shown else { panic!("{shown:?}") };
        assert_eq!((&*fields[0].name, beside[0].user_code.as_ref().unwrap().as_str()), ("code", "AB-CD"));
        let pasted = answers(&[("code", "pasted")]);
        let back = returned(&state(&shown));
        let won = match way {
            "answer" => {
                session.advance(no, &pasted).await.unwrap();
                "by=pasted"
            }
            "callback" => {
                registry.setups().deliver(back).await.unwrap();
                "by=the-code"
            }
            _ => {
                for polls in 1..=2 {
                    world.clock.until_asleep(1).await;
                    world.clock.advance(Duration::from_secs(5));
                    world.server.until_asked(1 + polls).await;
                    if polls == 1 {
                        session_waits(&registry, no).await;
                    }
                }
                "by=poll"
            }
        };
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live", "{way}");
        assert!(world.server.requests().last().unwrap().ends_with(won), "{way}");
        assert!(matches!(session.advance(no, &pasted).await, Err(AdvanceError::Ended)));
        let late = registry.setups().deliver(returned(&state(&shown))).await;
        assert!(matches!(late, Err(DeliverError::Gone)), "{way}: {late:?}");
    }
}

#[tokio::test]
async fn a_poll_keeps_the_step_so_that_an_open_page_stays_good() {
    let world = World::new().await;
    world.provider(pending);
    let registry = open(&world, &Odd::new("none")).await;
    let session = registry.setups().begin(&RACE).await.unwrap();
    let (no, _) = step(&session).await;
    for polls in 1..=3 {
        world.clock.until_asleep(1).await;
        world.clock.advance(Duration::from_secs(5));
        world.server.until_asked(1 + polls).await;
        session_waits(&registry, no).await;
    }
    assert_eq!(requests_to(&world, "POST /token"), 3);
    session.advance(no, &answers(&[("code", "pasted")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
    assert_eq!(requests_to(&world, "POST /device"), 1, "no replay has asked again");
}

#[tokio::test]
async fn without_inbound_http_the_other_ways_are_left() {
    let world = World::new().await;
    let registry = world.open(race()).await;
    let session = registry.setups().begin(&RACE).await.unwrap();
    let (no, shown) = step(&session).await;
    assert!(matches!(shown, SetupStep::Prompt { open: None, .. }));
    session.advance(no, &answers(&[("code", "pasted")])).await.unwrap();
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

/// The provider delays the answer to a poll until it is released.
fn held_back(world: &World) -> (Arc<Notify>, mpsc::Sender<()>) {
    let requested = Arc::new(Notify::new());
    let (open, gate) = mpsc::channel::<()>();
    let signal = requested.clone();
    world.provider(move |request| {
        if request.contains("by=poll") {
            signal.notify_one();
            tokio::task::block_in_place(|| gate.recv().unwrap());
        }
        pending(request)
    });
    (requested, open)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_comes_while_a_poll_is_under_way_is_taken_by_the_next_wait() {
    for callback in [true, false] {
        let world = World::new().await;
        let (polled, gate) = held_back(&world);
        let registry = open(&world, &Odd::new("none")).await;
        let session = registry.setups().begin(&RACE).await.unwrap();
        let (no, shown) = step(&session).await;
        world.clock.until_asleep(1).await;
        world.clock.advance(Duration::from_secs(5));
        polled.notified().await;
        if callback {
            registry.setups().deliver(returned(&state(&shown))).await.unwrap();
            let second = registry.setups().deliver(returned(&state(&shown))).await;
            assert!(matches!(second, Err(DeliverError::Gone)), "it is taken once: {second:?}");
            gate.send(()).unwrap();
        } else {
            let pasted = answers(&[("code", "pasted")]);
            let answer = session.advance(no, &pasted);
            let (answered, ()) = tokio::join!(biased; answer, async { gate.send(()).unwrap() });
            answered.unwrap();
        }
        assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
        let won = if callback { "by=the-code" } else { "by=pasted" };
        assert!(world.server.requests().last().unwrap().ends_with(won));
    }
}

#[tokio::test]
async fn an_answer_to_a_run_that_was_answered_already_does_not_wait() {
    let world = World::new().await;
    world.provider(|_| Reply::silence());
    let registry = world.open(Odd::new("ask and send")).await;
    let session = registry.setups().begin(&ODD).await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("a", "x")])).await.unwrap();
    world.server.until_asked(1).await;
    assert!(session.current_step().is_none(), "the plugin works and shows nothing");
    assert!(matches!(session.advance(no, &answers(&[("a", "x")])).await, Err(AdvanceError::NoPrompt)));
}
