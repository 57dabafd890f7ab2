//! How old something is.

use std::time::Duration;

use super::Clock;

/// When something was asked: taken before the asking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    passed: Duration,
    seconds: i64,
}

impl Moment {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self { passed: clock.passed(), seconds: clock.now().seconds() }
    }

    /// By another clock than the process's, which said so when that had passed.
    pub(crate) const fn told(seconds: i64, passed: Duration) -> Self {
        Self { passed, seconds }
    }

    /// Now, as far as this and what has passed since can tell.
    pub(crate) fn reckoned(self, clock: &dyn Clock) -> Self {
        let passed = clock.passed();
        let since = i64::try_from(passed.saturating_sub(self.passed).as_secs()).unwrap_or(i64::MAX);
        Self { passed, seconds: self.seconds.saturating_add(since) }
    }

    /// Of two that were told one after the other, the later one.
    pub(crate) const fn not_before(self, seconds: i64) -> Self {
        if self.seconds < seconds { Self { seconds, ..self } } else { self }
    }

    /// Whether it is less than that old, for a bound below a second. The wall clock counts, too: what passes while a
    /// machine sleeps is not measured everywhere.
    pub(crate) fn is_within(self, bound: Duration, now: Self) -> bool {
        self.age(now) < bound && (0..=1).contains(&now.seconds.saturating_sub(self.seconds))
    }

    /// By the wall clock.
    pub(crate) fn seconds(self) -> i64 {
        self.seconds
    }

    /// As far as it was measured.
    pub(crate) fn age(self, now: Self) -> Duration {
        now.passed.saturating_sub(self.passed)
    }
}
