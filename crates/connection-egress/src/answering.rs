//! Reports that an origin answers, so that work that waits for it can go on.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use connection_contract::{AnswerClass, HttpError, Origin};

/// The shortest time between two reports of one origin.
const INTERVAL: Duration = Duration::from_secs(60);
/// The number of origins from which those that were reported more than [`INTERVAL`] ago are forgotten.
const MANY: usize = 1_024;

/// Called with an origin that answers.
pub(super) type AnswerListener = Box<dyn Fn(&Origin) + Send + Sync>;

/// The listener to answers, and the reports of each origin.
#[derive(Default)]
pub(super) struct Answering {
    listener: OnceLock<AnswerListener>,
    reported: Mutex<HashMap<String, Reports>>,
}

/// The reports of an origin, as the clock's `passed`.
struct Reports {
    origin: Origin,
    /// The time of the last report of an answer. Answers within [`INTERVAL`] after it are not reported.
    at: Duration,
    /// The time from which the last answer is reported once more, which is [`INTERVAL`] after it. `None` if it was, or if
    /// the origin has failed since.
    again_at: Option<Duration>,
}

impl Reports {
    /// Returns `true` if an answer is not reported now.
    fn are_recent(&self, now: Duration) -> bool {
        now.saturating_sub(self.at) < INTERVAL
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering")
    }
}

impl Answering {
    /// Sets the listener. Returns `false` if there is one already.
    pub(super) fn listen(&self, listener: AnswerListener) -> bool {
        self.listener.set(listener).is_ok()
    }

    /// Reports the origin if the answer shows that it works: a status below 500 other than 408 and 429.
    pub(super) fn note(&self, origin: &Origin, answer: Result<u16, HttpError>, now: Duration) {
        let Some(listener) = self.listener.get() else { return };
        if !answer.is_ok_and(|status| !AnswerClass::of(status).is_temporary()) {
            if let Some(reports) = self.reported().get_mut(origin.as_str()) {
                reports.again_at = None;
            }
        } else if self.is_due(origin, now) {
            listener(origin);
        }
    }

    /// Reports the origins once more whose last answer came at least [`INTERVAL`] ago and that have not failed since.
    ///
    /// By then, the requests that had failed before that answer are recorded, also those that were not recorded when the
    /// answer was reported. An answer that was not reported because it came soon after another one is reported here.
    pub(super) fn report_again(&self, now: Duration) {
        let Some(listener) = self.listener.get() else { return };
        let mut due = Vec::new();
        for reports in self.reported().values_mut() {
            if reports.again_at.is_some_and(|at| at <= now) {
                reports.again_at = None;
                due.push(reports.origin.clone());
            }
        }
        for origin in &due {
            listener(origin);
        }
    }

    fn is_due(&self, origin: &Origin, now: Duration) -> bool {
        let mut reported = self.reported();
        let again_at = Some(now.saturating_add(INTERVAL));
        if let Some(reports) = reported.get_mut(origin.as_str())
            && reports.are_recent(now)
        {
            reports.again_at = again_at;
            return false;
        }
        if reported.len() >= MANY {
            reported.retain(|_, reports| reports.are_recent(now) || reports.again_at.is_some_and(|at| at > now));
        }
        // A caller that names more origins in a minute than are remembered has some of them reported more often.
        if reported.len() >= MANY {
            reported.clear();
        }
        reported.insert(origin.as_str().to_owned(), Reports { origin: origin.clone(), at: now, again_at });
        true
    }

    fn reported(&self) -> MutexGuard<'_, HashMap<String, Reports>> {
        self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connection_contract::host;
    use std::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    fn origin(text: &str) -> Origin {
        host::origin(text).unwrap()
    }

    #[test]
    fn an_origin_that_answers_is_reported_once_a_minute_and_one_that_fails_never() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let answering = Answering::default();
        let hub = origin("https://hub.test/a");
        answering.note(&hub, Ok(200), SECOND);
        let listener = heard.clone();
        assert!(answering.listen(Box::new(move |origin| listener.lock().unwrap().push(origin.to_string()))));
        assert!(!answering.listen(Box::new(|_| {})));
        for failed in [Ok(500), Ok(503), Ok(408), Ok(429), Err(HttpError::Timeout), Err(HttpError::TooLarge)] {
            answering.note(&hub, failed, 2 * SECOND);
        }
        assert!(heard.lock().unwrap().is_empty());
        for (status, second) in [(200, 2), (404, 3), (401, 61), (302, 62), (200, 121), (200, 122)] {
            answering.note(&hub, Ok(status), second * SECOND);
            answering.note(&origin("https://node.test"), Ok(status), 2 * SECOND);
        }
        let expected = ["https://hub.test", "https://node.test", "https://hub.test", "https://hub.test"];
        assert_eq!(*heard.lock().unwrap(), expected);
    }

    #[test]
    fn the_last_answer_before_no_failure_is_reported_once_more_a_minute_later() {
        let heard = Arc::new(Mutex::new(0));
        let answering = Answering::default();
        let listener = heard.clone();
        assert!(answering.listen(Box::new(move |_| *listener.lock().unwrap() += 1)));
        let hub = origin("https://hub.test");
        let reports = |second: u32| {
            answering.report_again(second * SECOND);
            *heard.lock().unwrap()
        };
        answering.note(&hub, Ok(200), SECOND);
        assert_eq!((reports(1), reports(60), reports(61), reports(300)), (1, 1, 2, 2));
        // The first of the two is reported at once, and the second one a minute after it.
        answering.note(&hub, Ok(200), 400 * SECOND);
        answering.note(&hub, Ok(200), 430 * SECOND);
        assert_eq!((reports(461), reports(489), reports(490), reports(600)), (3, 3, 4, 4));
        for failed in [Ok(503), Ok(429), Err(HttpError::Timeout)] {
            answering.note(&hub, Ok(200), 700 * SECOND);
            answering.note(&hub, failed, 710 * SECOND);
        }
        assert_eq!(reports(900), 5, "it has failed since");
    }

    #[test]
    fn the_memory_of_reports_is_bounded() {
        let answering = Answering::default();
        assert!(answering.listen(Box::new(|_| {})));
        for number in 0..3 * MANY {
            answering.note(&origin(&format!("https://host-{number}.test")), Ok(200), SECOND);
        }
        assert!(answering.reported.lock().unwrap().len() <= MANY);
    }
}
