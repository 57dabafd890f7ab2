//! The signals that ask a command to end. A request that may have used up a token is finished first, because its answer
//! may hold the only token that works.
//!
//! [`Interrupts::run`] does this for every command that opens the local store. A command that waits for control-C is
//! notified of it instead, and `serve` and a program that runs in place of this one receive all signals themselves.
//! Until a command opens the store or waits for control-C, nothing can be in progress, and the system ends the process
//! without a handler.

use std::{
    io,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use connection_core::{Clock, ConnectionRegistry, SystemClock};
use tokio::sync::{Notify, SetOnce};

use super::{Passed, Signals, StopSignal, write_stderr};
use crate::Error;

/// The time that the requests in progress have after a signal: as long as one that uses up a token takes at most.
const MAX_FINISH: Duration = Duration::from_secs(20);
/// The time before a person is told that a request is being finished.
const QUIET: Duration = Duration::from_millis(100);
/// The time that the command has to return after that. Its thread may be blocked, for example because nobody reads its
/// output.
const MAX_RETURN: Duration = Duration::from_secs(2);

/// The handle with which commands receive signals. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupts(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Notified when a command opens a store, waits, or calls [`caught`](Interrupts::caught), for the first time.
    begun: Notify,
    /// Set once the signals are caught, or are known not to be caught.
    caught: SetOnce<()>,
    /// Notified at control-C, for the commands that wait.
    heard: Notify,
    waiting: AtomicUsize,
    /// `true` once the command receives the signals itself.
    is_left: AtomicBool,
    /// The registries whose requests are finished before the process ends.
    guarded: Mutex<Vec<ConnectionRegistry>>,
    /// The signal that stopped the command.
    stopped: SetOnce<StopSignal>,
    /// Set once the requests that were in progress are finished, or are no longer waited for.
    finished: SetOnce<()>,
}

/// A command that waits, until this is dropped.
struct WaitGuard<'a>(&'a AtomicUsize);

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Interrupts {
    /// Runs a command to its end. A signal that the command does not receive itself drops the command, and ends it once
    /// its requests in progress are [finished](Self::watch).
    pub(crate) async fn run<T>(&self, command: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let ended = tokio::select! {
            biased;
            ended = command => Ok(ended),
            signal = self.0.stopped.wait() => Err(*signal),
        };
        let ended = match ended {
            Ok(ended) => {
                // A command that ended with an error has closed no registry: its process would count as present for a
                // while, and what it used would not be recorded.
                let guarded = self.guarded().clone();
                let closed = async {
                    for registry in &guarded {
                        registry.close().await;
                    }
                };
                in_time(&SystemClock::new(), closed).await;
                ended
            }
            Err(signal) => {
                self.0.finished.wait().await;
                Err(interrupted(signal))
            }
        };
        // What a registry holds is dropped where its tasks run.
        self.guarded().clear();
        ended
    }

    /// Catches the signals once a command has begun to need it. At one that the command does not receive itself, waits
    /// until the requests in progress have ended and are stored, until the next signal, or for 20 seconds.
    ///
    /// This runs on a task of its own, and ends the process if the thread of the command does not return.
    pub(crate) async fn watch(self) {
        let state = &*self.0;
        state.begun.notified().await;
        let signals = Signals::new();
        state.caught.set(()).ok();
        // Without a handler, the system ends the process by itself.
        let Ok(mut signals) = signals else { return };
        let signal = loop {
            let signal = signals.next().await;
            if state.is_left.load(Ordering::SeqCst) {
                continue;
            }
            if signal != StopSignal::Interrupt || state.waiting.load(Ordering::SeqCst) == 0 {
                break signal;
            }
            state.heard.notify_waiters();
        };
        state.stopped.set(signal).ok();
        let clock = SystemClock::new();
        tokio::select! {
            biased;
            () = in_time(&clock, self.finish_all(signal)) => {}
            _ = signals.next() => {}
        }
        state.finished.set(()).ok();
        clock.sleep(MAX_RETURN).await;
        std::process::exit(signal.exit().number().into());
    }

    /// Finishes the requests of all registries, and says so if it takes a moment.
    async fn finish_all(&self, signal: StopSignal) {
        let guarded = self.guarded().clone();
        let mut finished = pin!(async {
            for registry in &guarded {
                registry.drain().await;
                registry.close().await;
            }
        });
        let clock = SystemClock::new();
        tokio::select! {
            biased;
            () = &mut finished => {}
            () = clock.sleep(QUIET) => {
                write_stderr(format_args!("Finishing the request in progress; {}.", signal.second()));
                finished.await;
            }
        }
    }

    /// Catches the signals from now on, so that the requests of this registry are finished before the process ends.
    pub(crate) async fn guard(&self, registry: &ConnectionRegistry) {
        self.guarded().push(registry.clone());
        self.caught().await;
    }

    /// Returns the signals to a server, which decides alone about them from now on.
    pub(crate) fn signals(&self) -> io::Result<Signals> {
        let signals = Signals::new()?;
        self.0.is_left.store(true, Ordering::SeqCst);
        Ok(signals)
    }

    /// Returns the signals to pass on to a program that runs in place of this one, and decides alone about them from now
    /// on.
    pub(crate) fn passed(&self) -> io::Result<Passed> {
        let passed = Passed::new()?;
        self.0.is_left.store(true, Ordering::SeqCst);
        Ok(passed)
    }

    /// Resolves once the program catches signals, or once it is known that it cannot.
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

    fn guarded(&self) -> MutexGuard<'_, Vec<ConnectionRegistry>> {
        self.0.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the requests in progress have ended and are stored, for 20 seconds at most, and closes the registry. A
/// command calls this if the program that used it has gone away.
pub(crate) async fn finish(registry: &ConnectionRegistry) {
    let clock = registry.clock();
    let finished = async {
        registry.drain().await;
        registry.close().await;
    };
    in_time(&*clock, finished).await;
}

/// Waits until the requests in progress are finished, for 20 seconds at most.
async fn in_time(clock: &dyn Clock, finished: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = finished => {}
        () = clock.sleep(MAX_FINISH) => {}
    }
}

/// Returns the error of a command that a signal stopped. The next command finds what has been recorded.
pub(crate) fn interrupted(signal: StopSignal) -> Error {
    Error::new(
        signal.exit(),
        "interrupted",
        "the command was interrupted; the next command continues its unfinished work",
    )
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, poll_fn},
        task::Poll,
    };

    use connection_contract::Timestamp;
    use connection_core::ManualClock;

    use super::*;

    #[tokio::test]
    async fn a_request_without_an_answer_is_waited_for_twenty_seconds() {
        let clock = ManualClock::at(Timestamp::from_seconds(0));
        let mut waiting = pin!(in_time(&clock, pending()));
        for (seconds, is_over) in [(0, false), (19, false), (1, true)] {
            clock.advance(Duration::from_secs(seconds));
            let is_ready = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_ready())).await;
            assert_eq!(is_ready, is_over, "after {seconds} seconds more");
        }
    }
}
