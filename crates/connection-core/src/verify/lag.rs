//! Providers whose servers learn of a new token one after another: some of them refuse it for a moment.
//!
//! A refusal of a token that is only seconds old is therefore no answer yet. The provider is asked once more after a pause,
//! and a connection that becomes failing by it all the same is looked at again soon.

use std::time::Duration;

use connection_contract::Liveness;

use super::look::Looked;
use crate::{Clock, services::clock::asleep};

/// Time that a provider gets to tell all its servers of a token.
const PAUSE: Duration = Duration::from_secs(2);
/// Time until the scheduler looks again. By then the token is old enough to be renewed for another refusal.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Lets the pause pass.
pub(crate) async fn pause(clock: &dyn Clock) {
    let began = clock.passed();
    asleep(clock, || PAUSE.saturating_sub(clock.passed().saturating_sub(began))).await;
}

/// Plans another look at a connection that was not failing and becomes it by the refusal of a fresh token. There is one
/// such look and no series, so a provider that refuses whatever it makes is not asked without end.
pub(super) fn look_again(looked: &mut Looked, before: Liveness) {
    if looked.is_refused_while_fresh() && before != Liveness::Failing {
        let found = &mut looked.probed.found;
        let asked = found.recheck_after.map_or(LOOK_AGAIN, |after| after.min(LOOK_AGAIN));
        found.recheck_after = Some(asked);
    }
}
