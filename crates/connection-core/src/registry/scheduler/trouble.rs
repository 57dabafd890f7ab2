//! Logs once that a part of the scheduler fails, and once that it works again.

use std::{collections::BTreeMap, time::Duration};

use connection_egress::OPERATIONS;

/// The failures at the moment, by the part of the work.
#[derive(Debug, Default)]
pub(super) struct Trouble(BTreeMap<&'static str, Failing>);

#[derive(Debug)]
struct Failing {
    message: String,
    /// The time of the first failure, as the clock's `passed`.
    since: Duration,
}

impl Trouble {
    /// Logs a failure, unless the same part failed in the same way the last time.
    pub(super) fn failed(&mut self, what: &'static str, message: String, every: Duration, now: Duration) {
        let since = self.0.get(what).map_or(now, |failing| failing.since);
        let before = self.0.insert(what, Failing { message: message.clone(), since });
        if before.is_none_or(|before| before.message != message) {
            tracing::warn!(target: OPERATIONS, "{message}; trying again every {} s", every.as_secs());
        }
    }

    /// Logs that a part works again, if it failed the last time. `what_works` is the message.
    pub(super) fn worked(&mut self, what: &'static str, what_works: impl FnOnce() -> String, now: Duration) {
        if let Some(failing) = self.0.remove(what) {
            let seconds = now.saturating_sub(failing.since).as_secs();
            tracing::info!(target: OPERATIONS, "{} after {seconds} s", what_works());
        }
    }
}

#[cfg(test)]
#[cfg(feature = "workspace-tests")]
mod tests {
    use super::*;
    use connection_faults::log::TestLog;

    const SECOND: Duration = Duration::from_secs(1);
    const INTERVAL: Duration = Duration::from_secs(15);

    #[test]
    fn a_loss_and_a_recovery_are_logged_once_and_another_cause_again() {
        let log = TestLog::of_this_thread();
        let mut trouble = Trouble::default();
        let refused = || "cannot reach PostgreSQL at 127.0.0.1:5432: connection refused".to_owned();
        for round in 1..5 {
            trouble.failed("store", refused(), INTERVAL, round * SECOND);
        }
        trouble.failed(
            "store",
            "cannot reach PostgreSQL at 127.0.0.1:5432: timed out".to_owned(),
            INTERVAL,
            5 * SECOND,
        );
        for round in 6..9 {
            trouble.worked("store", || "PostgreSQL at 127.0.0.1:5432 can be reached again".to_owned(), round * SECOND);
        }
        trouble.failed("store", refused(), INTERVAL, 9 * SECOND);
        let expected = [
            "WARN connections::operations message=cannot reach PostgreSQL at 127.0.0.1:5432: connection refused; trying again every 15 s",
            "WARN connections::operations message=cannot reach PostgreSQL at 127.0.0.1:5432: timed out; trying again every 15 s",
            "INFO connections::operations message=PostgreSQL at 127.0.0.1:5432 can be reached again after 5 s",
            "WARN connections::operations message=cannot reach PostgreSQL at 127.0.0.1:5432: connection refused; trying again every 15 s",
        ];
        assert_eq!(log.text().lines().collect::<Vec<_>>(), expected);
    }
}
