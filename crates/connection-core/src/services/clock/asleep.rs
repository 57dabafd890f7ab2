//! Sleeping until something that is measured is over, however time passes while the sleep is begun.

use std::time::Duration;

use connection_contract::Timestamp;

use super::Clock;

/// What a clock measures between two looks at it.
const BETWEEN: Duration = Duration::from_millis(1);

/// Resolves when a clock that nobody sets has come to that time.
pub(crate) async fn until(clock: &dyn Clock, time: Timestamp) {
    let left = || time.seconds().saturating_sub(clock.now().seconds());
    asleep(clock, || Duration::from_secs(u64::try_from(left()).unwrap_or(0))).await;
}

/// Resolves when what is `left` has passed. It is measured again once the sleep has begun: what passed before that is no
/// part of the sleep, and would be slept once more.
pub(crate) async fn asleep(clock: &dyn Clock, left: impl Fn() -> Duration) {
    loop {
        let before = left();
        let sleep = clock.sleep(before);
        if before.saturating_sub(left()) <= BETWEEN {
            return sleep.await;
        }
    }
}
