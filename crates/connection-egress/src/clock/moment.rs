//! A point in time, for measuring how old something is.

use std::time::Duration;

use super::Clock;

/// A point in time. It is taken before a request is sent, so that the answer is never older than it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    passed: Duration,
    seconds: i64,
}

impl Moment {
    /// Returns the current moment of a clock.
    pub fn of(clock: &dyn Clock) -> Self {
        Self { passed: clock.passed(), seconds: clock.now().seconds() }
    }

    /// Returns the moment at which another clock, such as that of a database, showed `seconds` and the local clock
    /// showed `passed`.
    pub const fn from_other_clock(seconds: i64, passed: Duration) -> Self {
        Self { passed, seconds }
    }

    /// Returns the current moment, whose wall clock is that of this moment plus the time that has passed since.
    pub fn estimated(self, clock: &dyn Clock) -> Self {
        let passed = clock.passed();
        let since = i64::try_from(passed.saturating_sub(self.passed).as_secs()).unwrap_or(i64::MAX);
        Self { passed, seconds: self.seconds.saturating_add(since) }
    }

    /// Returns this moment, with its wall clock moved forward to `seconds` if that is later.
    pub const fn not_before(self, seconds: i64) -> Self {
        if self.seconds < seconds { Self { seconds, ..self } } else { self }
    }

    /// Returns `true` if this moment is less than `bound` ago, which must be below a second.
    ///
    /// The wall clock is compared as well, because not every system measures the time for which a machine sleeps.
    pub fn is_within(self, bound: Duration, now: Self) -> bool {
        self.age(now) < bound && (0..=1).contains(&now.seconds.saturating_sub(self.seconds))
    }

    /// Returns the time of the wall clock.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Returns the measured time since this moment.
    pub fn age(self, now: Self) -> Duration {
        now.passed.saturating_sub(self.passed)
    }
}
