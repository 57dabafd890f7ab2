//! Runs code of a plugin so that its panic, also in `Drop`, its hang and its loop stay inside.
//!
//! Every poll and every drop of a plugin's future happens inside `catch_unwind`, on the plugins' own runtime. A panic's
//! payload may hold anything, is dropped unseen, and may panic again. What spins without ever yielding holds the thread
//! that it is on, and is told as a timeout to whoever waits.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
    time::Duration,
};

use connection_contract::BoxFuture;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::{JoinHandle, block_in_place},
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
        call(|| drop(future)).is_some()
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
    contain_until(clock.sleep(limit), make, stopped, before_drop).await
}

/// As [`contain`]; the time is over when `over` resolves.
pub(crate) async fn contain_until<'a, T>(
    over: impl Future<Output = ()>,
    make: impl FnOnce() -> BoxFuture<'a, T>,
    stopped: impl Fn() -> bool,
    before_drop: impl FnOnce(),
) -> Contained<T> {
    let Some(future) = call(make) else { return Contained::Panicked };
    let mut plugin = Plugin(Some(future));
    let polled = poll_fn(|cx| {
        let Some(future) = plugin.0.as_mut() else { return Poll::Ready(Contained::Panicked) };
        match call(|| future.as_mut().poll(cx)) {
            None => Poll::Ready(Contained::Panicked),
            Some(Poll::Ready(value)) => Poll::Ready(Contained::Ended(value)),
            Some(Poll::Pending) if stopped() => Poll::Ready(Contained::Stopped),
            Some(Poll::Pending) => Poll::Pending,
        }
    });
    let result = tokio::select! {
        biased;
        result = polled => result,
        () = over => Contained::TimedOut,
    };
    before_drop();
    if plugin.discard() { result } else { Contained::Panicked }
}

/// Calls plain code of a plugin; `None` when it panics.
pub(crate) fn call<T>(plugin: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(plugin)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // The payload is the plugin's, too; what it throws when it is dropped is not even dropped.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(again);
            }
            None
        }
    }
}

/// Two runtimes apart from the host's: one on which plugins are polled, where one that spins holds nobody else,
/// and one for the core's own tasks, which tell of it.
#[derive(Debug)]
pub(crate) struct Runtimes {
    plugins: Option<Runtime>,
    tasks: Option<Runtime>,
}

impl Runtimes {
    pub(crate) fn new() -> std::io::Result<Self> {
        let build = |name: &str, workers: usize| {
            Builder::new_multi_thread().worker_threads(workers).thread_name(name).enable_all().build()
        };
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { plugins: Some(build("connection-plugin", workers)?), tasks: Some(build("connection-task", 1)?) })
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
        until(clock.sleep(limit), self.launch(task)).await
    }

    /// Begins to poll code of a plugin on the plugins' runtime. Dropped, the plugin is dropped at its next await. What is
    /// returned keeps no runtime alive.
    pub(crate) fn launch<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        task: F,
    ) -> impl Future<Output = Contained<T>> + Send + use<T, F> {
        // As above.
        let runtime = self.plugins.as_ref().expect("the runtime lives as long as this value");
        let (waits, gone) = oneshot::channel::<Infallible>();
        let task = async move {
            tokio::select! {
                biased;
                // Whoever waited is gone.
                _ = gone => None,
                result = task => Some(result),
            }
        };
        let mut task = Some(Box::pin(task.in_current_span()));
        // The worker's other tasks go to another thread meanwhile: as many as spin would hold every plugin otherwise.
        let mut poll = move |cx: &mut std::task::Context<'_>| {
            let Some(polled) = task.as_mut().map(|task| task.as_mut().poll(cx)) else { return Poll::Ready(None) };
            if polled.is_ready() {
                task = None;
            }
            polled
        };
        let polled = poll_fn(move |cx| block_in_place(|| poll(cx)));
        let ended = runtime.spawn(polled);
        async move {
            let _waits = waits;
            match ended.await {
                Ok(Some(result)) => Contained::Ended(result),
                _ => Contained::Panicked,
            }
        }
    }
}

/// What was [launched](Runtimes::launch), if it ends before `over` does; what spins is left behind.
pub(crate) async fn until<T>(
    over: impl Future<Output = ()>,
    launched: impl Future<Output = Contained<T>>,
) -> Contained<T> {
    tokio::select! {
        biased;
        ended = launched => ended,
        () = over => Contained::TimedOut,
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
