//! A host that drops a call on a session, at any await: an accepted answer is processed anyway, and others can be
//! sent again.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use connection_core::{SetupSession, SetupStep};

use crate::{
    fake::{FAKE, Fake},
    inbound::{Inbound, returned, state},
    odd_plugin::{ODD, Odd},
    test_host::{World, answers, code, step},
};

/// More polls than any of the calls takes.
const MAX_DEPTH: usize = 12;

/// Polls as often as the future is woken, at most this many times; returns `None` if it was dropped before its end.
async fn cut<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|cx| match (work.as_mut().poll(cx), left) {
        (Poll::Ready(result), _) => Poll::Ready(Some(result)),
        (Poll::Pending, 1) => Poll::Ready(None),
        (Poll::Pending, _) => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn ends_well(session: &SetupSession) {
    assert_eq!(code(&session.terminal().await.unwrap()), "done Live");
}

#[tokio::test]
async fn an_answer_that_was_dropped_is_taken_or_can_be_given_again() {
    let world = World::new().await;
    let registry = world.open(Fake::new()).await;
    for polls in 1..=MAX_DEPTH {
        let session = registry.setups().begin(&FAKE).await.unwrap();
        let (no, _) = step(&session).await;
        let name = polls.to_string();
        let answers = answers(&[("name", &name)]);
        let whole = cut(polls, session.advance(no, &answers)).await;
        if whole.is_none() {
            // Rejected if the dropped call was accepted, and accepted otherwise.
            drop(session.advance(no, &answers).await);
        }
        ends_well(&session).await;
    }
}

#[tokio::test]
async fn a_callback_that_was_dropped_is_taken_or_can_be_delivered_again() {
    let world = World::new().await;
    let builder = world.builder().kind(Odd::new("redirect")).inbound(Arc::new(Inbound::new()));
    let registry = builder.open().await.unwrap();
    for polls in 1..=MAX_DEPTH {
        let session = registry.setups().begin(&ODD).again().await.unwrap();
        let (_, shown) = step(&session).await;
        assert!(matches!(shown, SetupStep::Redirect { .. }), "{shown:?}");
        let whole = cut(polls, registry.setups().deliver(returned(&state(&shown)))).await;
        if whole.is_none() {
            drop(registry.setups().deliver(returned(&state(&shown))).await);
        }
        ends_well(&session).await;
    }
}
