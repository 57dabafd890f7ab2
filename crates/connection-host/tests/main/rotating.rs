//! A provider that takes each refresh token once and ends the authorization if one of them comes again, and a machine that
//! is connected to it with `examples/renewing.rs`.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use connection_contract::Clock as _;
use connection_core::SystemClock;
use connection_faults::double::{Double, Seen};
use serde_json::{Value, json};

use crate::{program::Machine, real::PATIENCE, refresh, serve::until};

/// The connection of the machine.
pub(crate) const NAME: &str = "renewing:ada";
/// The lifetime of an access token, in seconds.
const LIFETIME: i64 = 2;

/// The provider, which ends with the process of the test.
#[derive(Clone)]
pub(crate) struct Rotating(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of the refresh token that works.
    current: u64,
    /// The number of requests for a token.
    asked: u64,
    /// The number of those that were answered with one.
    rotated: u64,
    /// The number of those with a token that was used before.
    twice: u64,
    /// `true` while requests for a token get no answer.
    is_held: bool,
    /// `true` while requests for a token are answered by a gateway.
    is_down: bool,
    /// The time until a request for a token is answered.
    late: Duration,
}

impl Rotating {
    /// Starts the provider, and connects an account of it on a new machine. The access token has two seconds left.
    pub(crate) fn connected() -> (Self, Machine) {
        let provider = Self(Arc::default());
        let shared = provider.0.clone();
        let double = Double::start(|_| move |seen: &Seen| shared.answer(seen));
        let mut machine = Machine::new();
        let endpoints = json!({ "https://api.renewing.example": double.origin() }).to_string();
        machine.set("CONNECTIONS_HTTP__ENDPOINTS", &endpoints);
        let input = provider.sign_in(&machine);
        refresh::run(&machine, &["add", "renewing", "--input", &input]).exits(0).says("Connected ada (renewing:ada)");
        refresh::run(&machine, &["refresh", NAME]).exits(0);
        (provider, machine)
    }

    /// Returns a file with the tokens of a new authorization, which ends the former one.
    pub(crate) fn sign_in(&self, machine: &Machine) -> String {
        let number = {
            let mut state = self.0.state();
            state.current += 1;
            state.current
        };
        let tokens = json!({ "accessToken": format!("access-{number}"), "refreshToken": format!("refresh-{number}") });
        machine.write("tokens.json", tokens.to_string().as_bytes())
    }

    /// Answers no request for a token until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.0.state().is_held = true;
    }

    /// Answers all requests for a token that were held.
    pub(crate) fn release(&self) {
        self.0.state().is_held = false;
        self.0.changed.notify_all();
    }

    /// Answers requests for a token with 503 from now on.
    pub(crate) fn go_down(&self) {
        self.0.state().is_down = true;
    }

    /// Answers requests for a token this much later from now on.
    pub(crate) fn be_late(&self, late: Duration) {
        self.0.state().late = late;
    }

    /// Returns the number of requests for a token so far.
    pub(crate) fn asked(&self) -> u64 {
        self.0.state().asked
    }

    /// Returns the number of tokens that were issued so far.
    pub(crate) fn rotated(&self) -> u64 {
        self.0.state().rotated
    }

    /// Returns the number of refresh tokens that came a second time.
    pub(crate) fn spent_twice(&self) -> u64 {
        self.0.state().twice
    }

    /// Waits until there were more than this number of requests for a token.
    #[track_caller]
    pub(crate) fn until_asked(&self, before: u64) {
        let waited = self.0.changed.wait_timeout_while(self.0.state(), PATIENCE, |state| state.asked <= before);
        assert!(!waited.unwrap().1.timed_out(), "the provider is asked");
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn answer(&self, seen: &Seen) -> (u16, String, String) {
        let head = "content-type: application/json\r\n".to_owned();
        if seen.path != "/token" {
            return (200, head, called(seen).to_string());
        }
        let mut state = self.state();
        state.asked += 1;
        self.changed.notify_all();
        if state.is_down {
            return (503, head, String::new());
        }
        let sent: Option<u64> = seen.body.strip_prefix("refresh_token=refresh-").and_then(|number| number.parse().ok());
        if state.twice > 0 || sent != Some(state.current) {
            state.twice += 1;
            return (400, head, json!({ "error": "invalid_grant" }).to_string());
        }
        state.current += 1;
        state.rotated += 1;
        let number = state.current;
        let late = state.late;
        drop(self.changed.wait_while(state, |state| state.is_held).unwrap());
        thread::sleep(late);
        let access = format!("access-{number}");
        let refresh = format!("refresh-{number}");
        (200, head, json!({ "access": access, "refresh": refresh, "expires_in": LIFETIME }).to_string())
    }
}

/// Returns the answer to a request with an access token: as an MCP server, if it is a message of one.
fn called(seen: &Seen) -> Value {
    match serde_json::from_str::<Value>(&seen.body) {
        Ok(message) => {
            json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "resultType": "complete", "tools": [] } })
        }
        Err(_) => json!({}),
    }
}

/// Returns a request of an MCP client, as a line.
pub(crate) fn message() -> String {
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": { "_meta": meta } }).to_string()
}

/// Waits until an access token that was issued before has ended.
#[track_caller]
pub(crate) fn until_ended() {
    pass(LIFETIME);
}

/// Waits for a number of seconds, because another process has the clock of the system.
#[track_caller]
pub(crate) fn pass(seconds: i64) {
    let now = || SystemClock::new().now().seconds();
    let begun = now();
    until("time passes", || now() >= begun + seconds);
}
