//! A provider on loopback, which exchanges codes and counts its requests.

use std::sync::{Arc, Condvar, Mutex};

use connection_faults::double::{Double, Seen};

type Answer = Box<dyn Fn(&str) -> (u16, String) + Send>;

/// A provider that runs as long as the test's process.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) origin: String,
    double: Double,
    /// The answer to a body.
    answer: Arc<Mutex<Answer>>,
    pub(crate) held: Arc<(Mutex<bool>, Condvar)>,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let documented: Answer = Box::new(|_| (200, r#"{"id":"1","name":"ada"}"#.to_owned()));
        let answer = Arc::new(Mutex::new(documented));
        let held: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let (answers, holds) = (answer.clone(), held.clone());
        let double = Double::start(|_| {
            move |seen: &Seen| {
                let (status, body) = answers.lock().unwrap()(&seen.body);
                drop(holds.1.wait_while(holds.0.lock().unwrap(), |held| *held).unwrap());
                (status, String::new(), body)
            }
        });
        Self { origin: double.origin().to_owned(), double, answer, held }
    }

    /// Sets the answer from now on.
    pub(crate) fn answers(&self, status: u16, body: &str) {
        let body = body.to_owned();
        self.answers_as(move |_| (status, body.clone()));
    }

    /// As [`answers`](Self::answers), depending on the request.
    pub(crate) fn answers_as(&self, answer: impl Fn(&str) -> (u16, String) + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    /// Returns the bodies of the exchanges.
    pub(crate) fn request_bodies(&self) -> Vec<String> {
        self.double.seen().into_iter().map(|seen| seen.body).collect()
    }
}
