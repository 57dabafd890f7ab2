//! A point in time, for measuring how old something is.

use std::time::Duration;

use super::Clock;

/// A point in time, taken before a question is sent, so that the answer is never older than it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    passed: Duration,
    seconds: i64,
}

impl Moment {
    /// Returns this moment, by a clock.
    pub fn of(clock: &dyn Clock) -> Self {
        Self { passed: clock.passed(), seconds: clock.now().seconds() }
    }

    /// Returns the moment at which another clock, such as a database's, showed `seconds`, when `passed` was
    /// measured here.
    pub const fn told(seconds: i64, passed: Duration) -> Self {
        Self { passed, seconds }
    }

    /// Returns the current moment by the same wall clock, computed from the time that has passed since.
    pub fn reckoned(self, clock: &dyn Clock) -> Self {
        let passed = clock.passed();
        let since = i64::try_from(passed.saturating_sub(self.passed).as_secs()).unwrap_or(i64::MAX);
        Self { passed, seconds: self.seconds.saturating_add(since) }
    }

    /// Returns the later of two times that were reported one after the other.
    pub const fn not_before(self, seconds: i64) -> Self {
        if self.seconds < seconds { Self { seconds, ..self } } else { self }
    }

    /// Returns `true` if the moment is more recent than `bound`, which must be below a second. The wall clock is
    /// compared, too, because not every system measures the time for which a machine sleeps.
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
