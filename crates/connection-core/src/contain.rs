//! Runs code of a plugin so that its panic, also in `Drop`, its hang and its loop stay inside.
//!
//! Every poll and every drop of a plugin's future happens inside `catch_unwind`, on the plugins' own runtime. A panic's
//! payload may hold anything and is dropped unseen. What spins without ever yielding holds one thread of that runtime,
//! and is told as a timeout to whoever waits.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
    time::Duration,
};

use connection_contract::BoxFuture;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tracing::Instrument;

use crate::Clock;

/// How a plugin's future ended.
pub(crate) enum Contained<T> {
    Ended(T),
    Panicked,
    /// `stopped` said so after a poll.
    Stopped,
    TimedOut,
}

/// Drops inside `catch_unwind`, also when the caller is cancelled.
struct Plugin<'a, T>(Option<BoxFuture<'a, T>>);

impl<T> Plugin<'_, T> {
    fn discard(&mut self) -> bool {
        let future = self.0.take();
        catch_unwind(AssertUnwindSafe(|| drop(future))).is_ok()
    }
}

impl<T> Drop for Plugin<'_, T> {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Polls until the future ends, `stopped` is true after a poll, or the time is over; then `before_drop`, then drops it.
pub(crate) async fn contain<'a, T>(
    clock: &dyn Clock,
    limit: Duration,
    make: impl FnOnce() -> BoxFuture<'a, T>,
    stopped: impl Fn() -> bool,
    before_drop: impl FnOnce(),
) -> Contained<T> {
    let Ok(future) = catch_unwind(AssertUnwindSafe(make)) else { return Contained::Panicked };
    let mut plugin = Plugin(Some(future));
    let polled = poll_fn(|cx| {
        let Some(future) = plugin.0.as_mut() else { return Poll::Ready(Contained::Panicked) };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Err(_) => Poll::Ready(Contained::Panicked),
            Ok(Poll::Ready(value)) => Poll::Ready(Contained::Ended(value)),
            Ok(Poll::Pending) if stopped() => Poll::Ready(Contained::Stopped),
            Ok(Poll::Pending) => Poll::Pending,
        }
    });
    let result = tokio::select! {
        biased;
        result = polled => result,
        () = clock.sleep(limit) => Contained::TimedOut,
    };
    before_drop();
    if plugin.discard() { result } else { Contained::Panicked }
}

/// Calls plain code of a plugin; `None` when it panics.
pub(crate) fn call<T>(plugin: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(plugin)).ok()
}

/// Two runtimes apart from the host's: one on which plugins are polled, where one that spins holds nobody else, and one
/// for the core's own tasks, which tell of it.
#[derive(Debug)]
pub(crate) struct Runtimes {
    plugins: Option<Runtime>,
    tasks: Option<Runtime>,
}

/// Aborts its task when it is dropped: whoever waited is gone.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Runtimes {
    pub(crate) fn new() -> std::io::Result<Self> {
        // Several, so that one plugin that spins does not stop the others.
        let threads = std::thread::available_parallelism().map_or(4, |n| n.get().max(4));
        let build = |name: &str, threads: usize| {
            Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build()
        };
        Ok(Self { plugins: Some(build("connection-plugin", threads)?), tasks: Some(build("connection-task", 1)?) })
    }

    /// Runs a task of the core to its end, whoever waits for it. Dropping the handle only detaches.
    pub(crate) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        // It is taken out only when this value is dropped.
        self.tasks.as_ref().expect("the runtime lives as long as this value").spawn(task)
    }

    /// Polls code of a plugin on the plugins' runtime, at most for `limit`; one that spins is left behind there.
    /// Cancelled, the plugin is dropped at its next await.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        clock: &dyn Clock,
        limit: Duration,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Contained<T> {
        // As above.
        let runtime = self.plugins.as_ref().expect("the runtime lives as long as this value");
        let mut task = AbortOnDrop(runtime.spawn(task.in_current_span()));
        tokio::select! {
            biased;
            result = &mut task.0 => result.map_or(Contained::Panicked, Contained::Ended),
            () = clock.sleep(limit) => Contained::TimedOut,
        }
    }
}

impl Drop for Runtimes {
    /// A host drops its registry anywhere, also inside its own runtime, where waiting would be a panic.
    fn drop(&mut self) {
        for runtime in [self.plugins.take(), self.tasks.take()].into_iter().flatten() {
            runtime.shutdown_background();
        }
    }
}
