//! Runs plugin code so that its panics, including those in `Drop`, its hangs and its endless loops are contained.
//!
//! Every poll and every drop of a plugin's future happens inside `catch_unwind`, on the plugins' own runtime. The
//! payload of a panic may hold anything and may panic again when it is dropped, so it is dropped unseen. A plugin that
//! never yields occupies its thread, and its waiters receive a timeout.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
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

/// The end of a plugin's future.
pub(crate) enum Contained<T> {
    Ended(T),
    Panicked,
    /// `stopped` returned `true` after a poll.
    Stopped,
    TimedOut,
}

/// A plugin's future, which is dropped inside `catch_unwind` even if the caller is cancelled.
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

/// Polls the future until it ends, `stopped` returns `true` after a poll, or the time is over. Then calls `before_drop`
/// and drops the future.
pub(crate) async fn contain<'a, T>(
    clock: &dyn Clock,
    limit: Duration,
    make: impl FnOnce() -> BoxFuture<'a, T>,
    stopped: impl Fn() -> bool,
    before_drop: impl FnOnce(),
) -> Contained<T> {
    contain_until(clock.sleep(limit), make, stopped, before_drop).await
}

/// Runs a future as [`contain`] does, until `over` resolves.
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

/// Calls synchronous plugin code. Returns `None` if it panics.
pub(crate) fn call<T>(plugin: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(plugin)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // The payload is the plugin's, too. If its drop panics, the payload of that panic is leaked.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(again);
            }
            None
        }
    }
}

/// The maximum number of threads that poll plugins, apart from those that take over from a plugin. They wait most of the
/// time, and an idle process on a machine with many processors must not keep a thread for each of them.
const MAX_WORKERS: usize = 8;

/// The number of threads of the plugins' runtime that poll a plugin now.
///
/// At least one thread polls none, and serves all others while plugins do not yield. A further poll moves the tasks of
/// its thread to another one, which takes longer than most polls.
#[derive(Debug)]
struct Polls {
    now: AtomicUsize,
    most: usize,
}

/// A poll that is counted until this value is dropped. The poll of a plugin that never yields is counted for ever.
struct Counted<'p>(&'p Polls);

impl Polls {
    fn begin(&self) -> Option<Counted<'_>> {
        let more = |now| (now < self.most).then_some(now + 1);
        self.now.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Counted(self))
    }

    fn run<T>(&self, poll: impl FnOnce() -> T) -> T {
        match self.begin() {
            Some(_counted) => poll(),
            None => block_in_place(poll),
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Two runtimes that are separate from the host's: one polls plugins, where a plugin that never yields blocks nothing
/// else, and one runs the core's own tasks, which report such a plugin.
#[derive(Debug)]
pub(crate) struct Runtimes {
    plugins: Option<Runtime>,
    polls: Arc<Polls>,
    tasks: Option<Runtime>,
}

impl Runtimes {
    pub(crate) fn new() -> std::io::Result<Self> {
        let build = |name: &str, workers: usize| {
            Builder::new_multi_thread().worker_threads(workers).thread_name(name).enable_all().build()
        };
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MAX_WORKERS);
        Ok(Self {
            plugins: Some(build("connection-plugin", workers + 1)?),
            polls: Arc::new(Polls { now: AtomicUsize::new(0), most: workers }),
            tasks: Some(build("connection-task", 1)?),
        })
    }

    /// Runs a task of the core to its end. Dropping the handle only detaches the task.
    pub(crate) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        // The runtime is taken out only when this value is dropped.
        self.tasks.as_ref().expect("the runtime lives as long as this value").spawn(task)
    }

    /// Polls plugin code on the plugins' runtime, for at most `limit`. Code that never yields is left running there. If
    /// the returned future is dropped, the code is dropped at its next await.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        clock: &dyn Clock,
        limit: Duration,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Contained<T> {
        until(clock.sleep(limit), self.launch(task)).await
    }

    /// Begins to poll plugin code on the plugins' runtime. If the returned future is dropped, the code is dropped at
    /// its next await. The returned future keeps no runtime alive.
    pub(crate) fn launch<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        task: F,
    ) -> impl Future<Output = Contained<T>> + Send + use<T, F> {
        // The runtime is taken out only when this value is dropped.
        let runtime = self.plugins.as_ref().expect("the runtime lives as long as this value");
        let (waits, gone) = oneshot::channel::<Infallible>();
        let task = async move {
            tokio::select! {
                biased;
                // The waiter was dropped.
                _ = gone => None,
                result = task => Some(result),
            }
        };
        let mut task = Some(Box::pin(task.in_current_span()));
        let polls = self.polls.clone();
        let mut poll = move |cx: &mut std::task::Context<'_>| {
            let Some(polled) = task.as_mut().map(|task| task.as_mut().poll(cx)) else { return Poll::Ready(None) };
            if polled.is_ready() {
                task = None;
            }
            polled
        };
        let polled = poll_fn(move |cx| polls.run(|| poll(cx)));
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

/// Returns the result of what was [launched](Runtimes::launch), if it ends before `over` resolves. Code that never
/// yields is left running.
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

/// The maximum time for which the threads of the runtimes are waited for. Code that never yields is left running.
const MAX_SHUTDOWN: Duration = Duration::from_secs(1);

impl Drop for Runtimes {
    /// Shuts the runtimes down without waiting here, because a host may drop its registry inside its own runtime, where
    /// waiting would panic. A thread joins theirs: glibc 2.36 reads the memory of a thread that ends while it is
    /// detached, and the process could crash.
    fn drop(&mut self) {
        let runtimes = Arc::new(Mutex::new(vec![self.tasks.take(), self.plugins.take()]));
        let take = |runtimes: &Mutex<Vec<Option<Runtime>>>| {
            std::mem::take(&mut *runtimes.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().flatten()
        };
        let joined = runtimes.clone();
        let join = move || take(&joined).for_each(|runtime| runtime.shutdown_timeout(MAX_SHUTDOWN));
        if std::thread::Builder::new().name("connection-end".to_owned()).spawn(join).is_err() {
            take(&runtimes).for_each(Runtime::shutdown_background);
        }
    }
}
