//! Control-C for commands that end in order: whoever waits for one is told, and one that nobody waits for ends the process
//! at once. Until the first command waits, the system does.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

use super::Signals;
use crate::{Error, Exit};

/// Where commands wait for control-C. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupts(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Somebody waits for the first time.
    begun: Notify,
    heard: Notify,
    waiting: AtomicUsize,
}

/// Somebody who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Interrupts {
    /// Resolves at the next one.
    pub(crate) async fn next(&self) {
        let heard = self.0.heard.notified();
        self.0.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.0.waiting);
        self.0.begun.notify_one();
        heard.await;
    }

    /// Resolves at one that nobody waits for.
    pub(crate) async fn unheard(&self) {
        self.0.begun.notified().await;
        let Ok(mut signals) = Signals::of_a_person() else {
            // The system ends the process, as it does without us.
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

/// How a process ends that was told to, before it came to its end: what is recorded is found by the next one.
pub(crate) fn interrupted() -> Error {
    Error::new(Exit::Interrupted, "interrupted", "it was interrupted; what was under way is found by the next command")
}
