//! Sleeps for the rest of a measured time. Time that passes before a sleep begins is not waited for again.

use std::time::Duration;

use connection_contract::Timestamp;

use super::Clock;

/// The tolerance for the time between two readings of a clock.
const BETWEEN: Duration = Duration::from_millis(1);

/// Waits until the clock has reached that time. Assumes that the clock is not set meanwhile.
pub async fn until(clock: &dyn Clock, time: Timestamp) {
    let left = || time.seconds().saturating_sub(clock.now().seconds());
    sleep_passed(clock, || Duration::from_secs(u64::try_from(left()).unwrap_or(0))).await;
}

/// Waits until the remaining time `left` has passed. `left` is measured again after the sleep was created, because time
/// that passed in between would be waited for twice.
pub async fn sleep_passed(clock: &dyn Clock, left: impl Fn() -> Duration) {
    loop {
        let before = left();
        let sleep = clock.sleep(before);
        if before.saturating_sub(left()) <= BETWEEN {
            return sleep.await;
        }
    }
}
