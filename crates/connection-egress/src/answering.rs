//! Reports that an origin answers, so that work that waits for it can go on.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use connection_contract::{AnswerClass, HttpError, Origin};

/// The shortest time between two reports of one origin.
const INTERVAL: Duration = Duration::from_secs(60);
/// The number of origins from which those that were reported more than [`INTERVAL`] ago are forgotten.
const MANY: usize = 1_024;

/// Called with an origin that answers.
pub(super) type AnswerListener = Box<dyn Fn(&Origin) + Send + Sync>;

/// The listener to answers, and the clock's `passed` at the last report of each origin.
#[derive(Default)]
pub(super) struct Answering {
    listener: OnceLock<AnswerListener>,
    reported: Mutex<HashMap<String, Duration>>,
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
        if answer.is_ok_and(|status| !AnswerClass::of(status).is_temporary()) && self.is_due(origin, now) {
            listener(origin);
        }
    }

    fn is_due(&self, origin: &Origin, now: Duration) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Duration| now.saturating_sub(*at) < INTERVAL;
        if reported.get(origin.as_str()).is_some_and(recent) {
            return false;
        }
        if reported.len() >= MANY {
            reported.retain(|_, at| recent(at));
        }
        // A caller that names more origins in a minute than are remembered has some of them reported more often.
        if reported.len() >= MANY {
            reported.clear();
        }
        reported.insert(origin.as_str().to_owned(), now);
        true
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
    fn the_memory_of_reports_is_bounded() {
        let answering = Answering::default();
        assert!(answering.listen(Box::new(|_| {})));
        for number in 0..3 * MANY {
            answering.note(&origin(&format!("https://host-{number}.test")), Ok(200), SECOND);
        }
        assert!(answering.reported.lock().unwrap().len() <= MANY);
    }
}
