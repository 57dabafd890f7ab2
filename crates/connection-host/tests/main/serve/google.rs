//! Google's token endpoint and mailbox on loopback. The server keeps a ledger of token requests, and can hold its
//! answers.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use connection_contract::encode;

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
}

impl Google {
    /// Starts the server, and configures the machine to use it.
    pub(crate) fn of(machine: &Machine, life: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let google = Self { origin, state: Arc::default() };
        google.lock().life = life;
        let serving = google.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                // A client that hangs up does not affect the others.
                thread::spawn(move || serving.serve(stream).unwrap_or_default());
            }
        });
        let lines: String = Self::ORIGINS.iter().map(|from| format!("\"{from}\" = \"{}\"\n", google.origin)).collect();
        machine.write("config.toml", format!("[http.endpoints]\n{lines}").as_bytes());
        google
    }

    pub(super) const ORIGINS: [&str; 2] = ["https://oauth2.googleapis.com", "https://gmail.googleapis.com"];

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

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        let mut first = String::new();
        let mut length = 0;
        while reader.read_line(&mut line)? > 2 {
            if first.is_empty() {
                first.clone_from(&line);
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let answer = match first.starts_with("POST /token") {
            true => self.token(&String::from_utf8(body).unwrap()),
            false => r#"{"emailAddress":"ada@example.com"}"#.to_owned(),
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
        let length = answer.len();
        reader.into_inner().write_all(format!("{head}content-length: {length}\r\n\r\n{answer}").as_bytes())
    }

    fn token(&self, form: &str) -> String {
        let pairs = encode::from_form(form);
        let grant =
            pairs.into_iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value).unwrap_or_default();
        let mut state = self.lock();
        state.grants.push(grant.clone());
        let number = state.grants.len();
        let (state, waited) = self.state.1.wait_timeout_while(state, PATIENCE, |state| state.held).unwrap();
        assert!(!waited.timed_out(), "nobody lets it answer");
        let life = if grant == "authorization_code" { state.life } else { 3600 };
        let refresh = if grant == "authorization_code" { r#""refresh_token":"refresh-1","# } else { "" };
        format!(
            r#"{{"access_token":"access-{number}",{refresh}"expires_in":{life},"scope":"{SCOPE}","token_type":"Bearer"}}"#
        )
    }
}
