//! Google's token endpoint and mailbox on loopback. The server keeps a ledger of token requests, and can hold its
//! answers.

use std::sync::{Arc, Condvar, Mutex};

use connection_contract::encode;
use connection_faults::double::{Double, Seen};

use super::{PATIENCE, until};
use crate::program::Machine;

const SCOPE: &str = "https://www.googleapis.com/auth/gmail.readonly";

#[derive(Clone)]
pub(crate) struct Google {
    pub(super) origin: String,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// The grant types of the token requests that arrived.
    grants: Vec<String>,
    /// While `true`, token requests are accepted and not answered.
    held: bool,
    /// The lifetime of a token for a code, in seconds. A refreshed token lives for an hour.
    life: u64,
    /// While `true`, the application is not accepted at a refresh.
    is_refused: bool,
}

impl Google {
    /// Starts the server, and configures the machine to use it.
    pub(crate) fn of(machine: &Machine, life: u64) -> Self {
        let state: Arc<(Mutex<State>, Condvar)> = Arc::new((Mutex::new(State { life, ..State::default() }), Condvar::new()));
        let serving = state.clone();
        let double = Double::start(|_| {
            move |seen: &Seen| {
                let answer = match seen.path.as_str() {
                    "/token" => token(&serving, &seen.body),
                    _ => r#"{"emailAddress":"ada@example.com"}"#.to_owned(),
                };
                (200, "content-type: application/json\r\n".to_owned(), answer)
            }
        });
        let google = Self { origin: double.origin().to_owned(), state };
        let lines: String = Self::ORIGINS.iter().map(|from| format!("\"{from}\" = \"{}\"\n", google.origin)).collect();
        machine.write("config.toml", format!("[http.endpoints]\n{lines}").as_bytes());
        google
    }

    pub(super) const ORIGINS: [&str; 2] = ["https://oauth2.googleapis.com", "https://gmail.googleapis.com"];

    /// Refuses the application at each refresh from now on.
    pub(crate) fn refuse_application(&self) {
        self.lock().is_refused = true;
    }

    /// Answers no token requests from now on.
    pub(super) fn hold(&self) {
        self.lock().held = true;
    }

    /// Answers token requests again, including the unanswered ones.
    pub(super) fn release(&self) {
        self.lock().held = false;
        self.state.1.notify_all();
    }

    /// Returns the grant types of the token requests that arrived.
    pub(crate) fn grants(&self) -> Vec<String> {
        self.lock().grants.clone()
    }

    /// Waits until this number of token requests has arrived.
    #[track_caller]
    pub(super) fn until_asked(&self, times: usize) {
        until("the provider is asked", || self.grants().len() >= times);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.0.lock().unwrap()
    }
}

/// Answers a token request with this form, unless the answers are held.
fn token(of: &(Mutex<State>, Condvar), form: &str) -> String {
    let pairs = encode::from_form(form);
    let grant =
        pairs.into_iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value).unwrap_or_default();
    let mut state = of.0.lock().unwrap();
    state.grants.push(grant.clone());
    let number = state.grants.len();
    let (state, waited) = of.1.wait_timeout_while(state, PATIENCE, |state| state.held).unwrap();
    assert!(!waited.timed_out(), "nobody lets it answer");
    if state.is_refused && grant == "refresh_token" {
        return r#"{"error":"invalid_client"}"#.to_owned();
    }
    let life = if grant == "authorization_code" { state.life } else { 3600 };
    let refresh = if grant == "authorization_code" { r#""refresh_token":"refresh-1","# } else { "" };
    format!(
        r#"{{"access_token":"access-{number}",{refresh}"expires_in":{life},"scope":"{SCOPE}","token_type":"Bearer"}}"#
    )
}
