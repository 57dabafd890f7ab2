//! The clock, which is the only place that reads the system's time.
//!
//! Other code gets the time through the trait [`Clock`]. Every deadline of the core waits on this clock, so that a test
//! can move the time instead of waiting.

use std::{
    fmt::Debug,
    sync::LazyLock,
    time::{Duration, Instant},
};

use connection_contract::{BoxFuture, HttpError, Timestamp};

mod asleep;
mod backoff;
mod boot;
mod manual;
mod moment;
#[cfg(test)]
mod tests;

pub use asleep::{sleep_passed, until};
pub use backoff::Backoff;
pub use boot::Boot;
pub use manual::ManualClock;
pub use moment::Moment;

/// The time in which the system's clock lets other tasks catch up.
const CATCH_UP: Duration = Duration::from_millis(50);
/// The number of times that other clocks give way to other tasks, each of which looks for input once.
const TURNS: usize = 256;

/// A clock, which tells the time and waits.
///
/// `now` follows the wall clock, which can be set. `sleep` measures elapsed time, which setting the wall clock does
/// not change.
pub trait Clock: connection_contract::Clock + Debug {
    /// Waits until this much time has passed since the call.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;

    /// Lets the other tasks of the runtime read what has arrived before this call, such as an answer that arrived while the
    /// process was stopped. It ends after a moment. By default, it gives way to the other tasks many times.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any time.
    fn catch_up(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        })
    }

    /// Returns the time since a fixed moment, for measuring ages. By default, this is the system's monotonic clock, on
    /// Linux the one that also counts the time for which the machine sleeps.
    fn passed(&self) -> Duration {
        #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        boot::passed_with_sleep().unwrap_or_else(|| START.elapsed())
    }

    /// Returns the boot of the machine and the time since it, for measurements across several processes.
    ///
    /// That time cannot be set. Returns `None` if the system does not report it. By default, this is the boot of the
    /// system.
    fn boot(&self) -> Option<Boot> {
        Boot::of_system()
    }
}

/// The clock that reads the time of the system and waits with timers of the runtime.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// Creates a clock that reads the time of the system.
    pub fn new() -> Self {
        Self
    }
}

impl connection_contract::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
        let now = std::time::SystemTime::now();
        // A clock that shows a time before 1970 was never set.
        let seconds = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

impl Clock for SystemClock {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn catch_up(&self) -> BoxFuture<'_, ()> {
        self.sleep(CATCH_UP)
    }
}

/// Returns the result of `work`, or [`HttpError::Timeout`] if it does not end in time.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    timeout: Duration,
    work: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, HttpError> {
    within_or_arrived(clock, timeout, work, || false).await
}

/// Returns the result of `work` as [`within`] does. If `awaits_answer` returns `true` at the end of the time, an answer
/// that arrived while this process was stopped is still read.
pub(crate) async fn within_or_arrived<T>(
    clock: &dyn Clock,
    timeout: Duration,
    work: impl Future<Output = Result<T, HttpError>>,
    awaits_answer: impl FnOnce() -> bool,
) -> Result<T, HttpError> {
    let sleep = clock.sleep(timeout);
    let end = async {
        sleep.await;
        if awaits_answer() {
            clock.catch_up().await;
        }
    };
    tokio::select! {
        biased;
        result = work => result,
        () = end => Err(HttpError::Timeout),
    }
}
