//! Drives a future by hand. Nothing in the testkit truly waits, so no runtime is needed.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll, Waker},
};

use crate::fault::fail;

/// More than any chain of fakes needs between two of their answers.
const MOST_POLLS: usize = 100_000;

/// Runs a future to its end.
#[track_caller]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    match poll_until(future, || false) {
        Some(value) => value,
        None => fail("the plugin waits for something that is none of the host's services"),
    }
}

/// Polls until the future ends, or until `stopped` says so; `None` then, and for one that never ends.
pub(crate) fn poll_until<T>(future: impl Future<Output = T>, stopped: impl Fn() -> bool) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..MOST_POLLS {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        if stopped() {
            return None;
        }
    }
    None
}

/// Polls so often and drops the future; whether it had ended by then.
pub(crate) fn poll_and_drop<T>(future: impl Future<Output = T>, polls: usize) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).any(|_| future.as_mut().poll(&mut context).is_ready())
}

/// Lets everything else that the plugin began show itself, as a real service would.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
