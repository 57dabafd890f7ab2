//! How often a host lets usage be fetched.

use std::time::Duration;

/// What a provider that asks for a pause may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);
/// What failed is tried again after this at the latest, or after the host's longest interval.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(3600);

/// Between which bounds usage is fetched: never more often than `shortest`, at least as often as `longest`, and every
/// `default` where a kind recommends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageBounds {
    /// At least so long between two fetches.
    pub shortest: Duration,
    /// At most so long, while fetches succeed.
    pub longest: Duration,
    /// For kinds that recommend nothing.
    pub default: Duration,
    /// Up to so many hundredths are added, so that accounts do not come at once; 100 at most.
    pub jitter_percent: u8,
}

impl Default for UsageBounds {
    /// A minute, an hour, five minutes, a tenth.
    fn default() -> Self {
        let (shortest, longest) = (Duration::from_secs(60), Duration::from_secs(3600));
        Self { shortest, longest, default: Duration::from_secs(300), jitter_percent: 10 }
    }
}

impl UsageBounds {
    /// The usual ones.
    pub fn new() -> Self {
        Self::default()
    }

    /// At least so long between two fetches; a second is the least.
    #[must_use]
    pub fn shortest(mut self, interval: Duration) -> Self {
        self.shortest = interval;
        self
    }

    /// At most so long.
    #[must_use]
    pub fn longest(mut self, interval: Duration) -> Self {
        self.longest = interval;
        self
    }

    /// For kinds that recommend nothing.
    #[must_use]
    pub fn default_interval(mut self, interval: Duration) -> Self {
        self.default = interval;
        self
    }

    /// How much is added at most, in hundredths.
    #[must_use]
    pub fn jitter_percent(mut self, percent: u8) -> Self {
        self.jitter_percent = percent;
        self
    }

    /// How often a kind is fetched that recommends this.
    pub(super) fn interval(&self, recommended: Option<Duration>) -> Duration {
        let shortest = self.shortest.max(Duration::from_secs(1));
        recommended.unwrap_or(self.default).clamp(shortest, self.longest.max(shortest))
    }

    /// When it is tried again after so many failures in a row, the last of which asked for a pause or not.
    pub(super) fn back_off(&self, interval: Duration, failures: u32, pause: Option<Duration>) -> Duration {
        match pause {
            Some(pause) => pause.clamp(interval.min(LONGEST_PAUSE), LONGEST_PAUSE),
            None => {
                let doubled = interval.saturating_mul(2_u32.saturating_pow(failures.min(16)));
                doubled.min(LONGEST_BACK_OFF.max(self.longest).max(interval))
            }
        }
    }

    /// A little more than that, by a number that was drawn.
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
    fn what_a_kind_recommends_is_kept_within_the_bounds_and_without_it_the_host_decides() {
        let bounds = UsageBounds::new();
        let clamped = |seconds| bounds.interval(Some(seconds * SECOND)).as_secs();
        assert_eq!((clamped(1), clamped(90), clamped(100_000)), (60, 90, 3600));
        assert_eq!(bounds.interval(None), 300 * SECOND);
        // A host that contradicts itself is not asked more often than it said.
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
