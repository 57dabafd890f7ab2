//! Polls futures without a runtime. None is needed, because no service of the testkit waits.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll, Waker},
};

use crate::fault::fail;

/// The maximum number of polls of a future. No chain of fakes needs as many.
const MAX_POLLS: usize = 100_000;

/// Runs a future to its end.
#[track_caller]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    match poll_until(future, || false) {
        Some(value) => value,
        None => fail("the plugin waits for something that is not one of the host's services"),
    }
}

/// Polls the future until it ends or `stopped` returns `true`.
///
/// Returns `None` if the future was stopped or does not end after `MAX_POLLS` polls.
pub(crate) fn poll_until<T>(future: impl Future<Output = T>, stopped: impl Fn() -> bool) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..MAX_POLLS {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        if stopped() {
            return None;
        }
    }
    None
}

/// Polls the future at most `polls` times and drops it. Returns `true` if it ended.
pub(crate) fn poll_and_drop<T>(future: impl Future<Output = T>, polls: usize) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).any(|_| future.as_mut().poll(&mut context).is_ready())
}

/// Yields once, as a real service does, so that concurrent calls of the plugin begin and are detected.
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
