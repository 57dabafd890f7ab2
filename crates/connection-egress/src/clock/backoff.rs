//! The pauses between attempts that fail one after another.

use std::time::Duration;

/// Pauses between attempts that fail one after another. Each pause is twice the one before, up to a maximum.
///
/// A backoff has no timer: the caller counts its failures, and waits with its own clock.
///
/// ```
/// use std::time::Duration;
///
/// use connection_egress::Backoff;
///
/// let pauses = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
/// let seconds = (1..=8).map(|failures| pauses.after(failures).as_secs());
/// assert_eq!(seconds.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 60, 60]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
}

impl Backoff {
    /// Creates a backoff with its first pause and its longest one.
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max }
    }

    /// Returns the pause after this many attempts have failed since the last one that succeeded.
    pub fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1);
        self.first.saturating_mul(2_u32.saturating_pow(doublings)).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_pause_is_twice_the_one_before_or_the_longest(first in 1_u64..10_000, max in 1_u64..100_000, failures: u32) {
            let pauses = Backoff::new(Duration::from_millis(first), Duration::from_millis(max));
            prop_assert_eq!(pauses.after(1), Duration::from_millis(first.min(max)));
            let before = pauses.after(failures.max(1));
            let doubled = (before * 2).min(Duration::from_millis(max));
            prop_assert_eq!(pauses.after(failures.max(1).saturating_add(1)), doubled);
        }
    }

    #[test]
    fn any_number_of_failures_has_a_pause() {
        let pauses = Backoff::new(Duration::from_millis(10), Duration::MAX);
        assert_eq!(pauses.after(0), pauses.after(1));
        assert!(pauses.after(u32::MAX) > Duration::from_secs(3600));
    }
}
