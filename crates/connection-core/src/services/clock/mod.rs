//! The time: the one place that reads the system's clock, and the port by which everything else gets it.
//!
//! Every deadline of the core waits on this clock, so that a test moves time instead of waiting for it.

use std::{
    fmt::Debug,
    sync::LazyLock,
    time::{Duration, Instant},
};

use connection_contract::{BoxFuture, Timestamp};

mod asleep;
mod boot;
mod manual;
mod moment;
#[cfg(test)]
mod tests;

pub(crate) use asleep::{asleep, until};
pub use boot::Boot;
pub use manual::ManualClock;
pub(crate) use moment::Moment;

/// The time, and waiting for it.
///
/// `now` follows the wall clock, which can be set; `sleep` measures what passes, and a clock that is set does not
/// shorten or lengthen it.
pub trait Clock: connection_contract::Clock + Debug {
    /// Resolves when that much time has passed since the call.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;

    /// What has passed since some moment that stays the same: for measuring how old something is. Unless a clock says
    /// otherwise, the system's.
    fn passed(&self) -> Duration {
        #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    /// The boot of the machine, with the time since it, for measuring over several processes: nobody can set that time.
    /// `None` where the system does not tell. Unless a clock says otherwise, the system's.
    fn boot(&self) -> Option<Boot> {
        Boot::of_system()
    }
}

/// The time of the system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The system's clock.
    pub fn new() -> Self {
        Self
    }
}

impl connection_contract::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
        let now = std::time::SystemTime::now();
        // A clock before 1970 is a clock that was never set.
        let seconds = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

impl Clock for SystemClock {
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
