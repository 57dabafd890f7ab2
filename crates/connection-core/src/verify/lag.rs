//! Handles providers whose servers learn of a new token one after another, so that some servers refuse it for a moment.
//!
//! The refusal of a token that is only seconds old is therefore not conclusive. The provider is asked once more after a
//! pause, and a connection that becomes failing nevertheless is verified again soon.

use std::time::Duration;

use connection_contract::Liveness;
use connection_egress::sleep_passed;

use super::measure::Measurement;
use crate::Clock;

/// The time that the provider may take to distribute a token to all its servers.
const PAUSE: Duration = Duration::from_secs(2);
/// The time until the scheduler verifies again. By then the token is old enough to be refreshed after another refusal.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Waits until [`PAUSE`] has passed on the clock.
pub(crate) async fn pause(clock: &dyn Clock) {
    let began = clock.passed();
    sleep_passed(clock, || PAUSE.saturating_sub(clock.passed().saturating_sub(began))).await;
}

/// Plans another probe of a connection that becomes failing by the refusal of a fresh token. There is only one such
/// probe, so a provider that refuses every token is not asked again and again.
pub(super) fn probe_again(looked: &mut Measurement, before: Liveness) {
    if looked.is_refused_while_fresh() && before != Liveness::Failing {
        let found = &mut looked.probed.found;
        let delay = found.recheck_after.map_or(LOOK_AGAIN, |after| after.min(LOOK_AGAIN));
        found.recheck_after = Some(delay);
    }
}
