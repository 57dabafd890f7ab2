//! Control-C, for commands that complete a request in progress before they end.
//!
//! A command that waits for control-C is notified of it. If no command waits, control-C ends the process at once.
//! Before a command waits or calls [`caught`](Interrupts::caught) for the first time, the system does this without a
//! handler.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{Notify, SetOnce};

use super::Signals;
use crate::{Error, Exit};

/// The handle with which commands wait for control-C. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupts(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Notified when a command waits, or calls [`caught`](Interrupts::caught), for the first time.
    begun: Notify,
    /// Set once control-C is caught, or is known not to be caught.
    caught: SetOnce<()>,
    heard: Notify,
    waiting: AtomicUsize,
}

/// A command that waits, until this is dropped.
struct WaitGuard<'a>(&'a AtomicUsize);

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Interrupts {
    /// Resolves once the program catches control-C, or once it is known that it cannot.
    ///
    /// A command that prints while it waits calls this first, and polls [`next`](Self::next) before it prints. Otherwise
    /// a control-C that follows the first printed line at once could still end the process by the signal.
    pub(crate) async fn caught(&self) {
        self.0.begun.notify_one();
        self.0.caught.wait().await;
    }

    /// Resolves at the next control-C.
    pub(crate) async fn next(&self) {
        let heard = self.0.heard.notified();
        self.0.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = WaitGuard(&self.0.waiting);
        self.0.begun.notify_one();
        heard.await;
    }

    /// Resolves at a control-C that no command waits for.
    pub(crate) async fn unheard(&self) {
        self.0.begun.notified().await;
        let signals = Signals::of_a_person();
        self.0.caught.set(()).ok();
        let Ok(mut signals) = signals else {
            // Without a handler, the system ends the process by itself.
            return std::future::pending().await;
        };
        loop {
            signals.next().await;
            if self.0.waiting.load(Ordering::SeqCst) == 0 {
                return;
            }
            self.0.heard.notify_waiters();
        }
    }
}

/// Returns the error of an interrupted command. The next command finds what has been recorded.
pub(crate) fn interrupted() -> Error {
    Error::new(
        Exit::Interrupted,
        "interrupted",
        "the command was interrupted; the next command continues its unfinished work",
    )
}
