//! The intervals at which a host fetches usage.

use std::time::Duration;

use connection_egress::Backoff;

/// The longest pause that a provider can request.
const MAX_PAUSE: Duration = Duration::from_secs(86_400);
/// The longest interval after failures, unless the host's longest interval is greater.
const MAX_BACK_OFF: Duration = Duration::from_secs(3600);

/// The bounds for intervals between fetches: never shorter than `shortest`, never longer than `longest`, and
/// `default` for kinds that recommend nothing.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use connection_agent::UsageBounds;
///
/// let bounds = UsageBounds::new().shortest(Duration::from_secs(600)).jitter_percent(20);
/// assert_eq!(bounds.longest, Duration::from_secs(3600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageBounds {
    /// The minimum time between two fetches.
    pub shortest: Duration,
    /// The maximum time between two fetches, while they succeed.
    pub longest: Duration,
    /// The interval for kinds that recommend nothing.
    pub default: Duration,
    /// The maximum share of an interval that is added at random, in percent, so that accounts are not all fetched
    /// at the same time. Values over 100 count as 100.
    pub jitter_percent: u8,
}

impl Default for UsageBounds {
    /// Returns a minimum of one minute, a maximum of one hour, five minutes as the default, and ten percent of jitter.
    fn default() -> Self {
        let shortest = Duration::from_secs(60);
        let longest = Duration::from_secs(3600);
        Self { shortest, longest, default: Duration::from_secs(300), jitter_percent: 10 }
    }
}

impl UsageBounds {
    /// Creates bounds with the default values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the minimum time between two fetches. Less than a second counts as a second.
    #[must_use]
    pub fn shortest(mut self, interval: Duration) -> Self {
        self.shortest = interval;
        self
    }

    /// Sets the maximum time between two fetches.
    #[must_use]
    pub fn longest(mut self, interval: Duration) -> Self {
        self.longest = interval;
        self
    }

    /// Sets the interval for kinds that recommend nothing.
    #[must_use]
    pub fn default_interval(mut self, interval: Duration) -> Self {
        self.default = interval;
        self
    }

    /// Sets the maximum share of an interval that is added at random, in percent.
    #[must_use]
    pub fn jitter_percent(mut self, percent: u8) -> Self {
        self.jitter_percent = percent;
        self
    }

    /// Returns the interval for a kind with this recommendation.
    pub(super) fn interval(&self, recommended: Option<Duration>) -> Duration {
        let shortest = self.shortest.max(Duration::from_secs(1));
        recommended.unwrap_or(self.default).clamp(shortest, self.longest.max(shortest))
    }

    /// Returns the time until the next attempt after this number of failures in a row. `pause` is what the provider
    /// requested with the last failure.
    pub(super) fn back_off(&self, interval: Duration, failures: u32, pause: Option<Duration>) -> Duration {
        match pause {
            Some(pause) => pause.clamp(interval.min(MAX_PAUSE), MAX_PAUSE),
            None => {
                let longest = MAX_BACK_OFF.max(self.longest).max(interval);
                // Without a failure, the pause is the interval itself.
                Backoff::new(interval, longest).after(failures.saturating_add(1))
            }
        }
    }

    /// Adds a random share to a time; `drawn` is the random number.
    pub(super) fn spread(&self, time: Duration, drawn: u8) -> Duration {
        let hundredths = u32::from(self.jitter_percent.min(100)) * u32::from(drawn) / 255;
        time.saturating_add(time.saturating_mul(hundredths) / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_recommended_interval_is_bounded_and_the_host_decides_without_one() {
        let bounds = UsageBounds::new();
        let clamped = |seconds| bounds.interval(Some(seconds * SECOND)).as_secs();
        assert_eq!((clamped(1), clamped(90), clamped(100_000)), (60, 90, 3600));
        assert_eq!(bounds.interval(None), 300 * SECOND);
        // If the bounds contradict each other, the shortest interval wins.
        assert_eq!(bounds.longest(SECOND).interval(None), 60 * SECOND);
        assert_eq!(bounds.shortest(Duration::ZERO).interval(Some(Duration::ZERO)), SECOND);
    }

    #[test]
    fn failures_back_off_to_an_end_and_a_pause_that_is_asked_for_is_given() {
        let bounds = UsageBounds::new();
        let back_off = |failures| bounds.back_off(60 * SECOND, failures, None).as_secs();
        assert_eq!([1, 2, 3, 40].map(back_off), [120, 240, 480, 3600]);
        let pause = |seconds| bounds.back_off(60 * SECOND, 9, Some(seconds * SECOND)).as_secs();
        assert_eq!([1, 600, 1_000_000].map(pause), [60, 600, 86_400]);
    }

    #[test]
    fn jitter_only_adds_and_no_more_than_it_may() {
        let bounds = UsageBounds::new();
        assert_eq!(bounds.spread(100 * SECOND, 0), 100 * SECOND);
        assert_eq!(bounds.spread(100 * SECOND, 255), 110 * SECOND);
        assert_eq!(bounds.jitter_percent(0).spread(100 * SECOND, 255), 100 * SECOND);
    }
}
