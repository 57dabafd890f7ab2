//! The providers, on this machine: small servers shaped like their public documents.
//!
//! Each has its own address, as the real ones have, and knows the one credential
//! that it was started with. Every other one is refused in the provider's words.

mod calendar;
mod credentials;
mod replies;
mod request;

pub(crate) use credentials::Credentials;

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::readme::provider::replies::Reply;
use crate::readme::provider::request::Request;

type Answer = fn(&Credentials, &Request, u64) -> Reply;

/// The address that a program asks for, and who answers there.
const PROVIDERS: &[(&str, Answer)] = &[
    ("https://api.github.com", replies::github),
    ("https://api.notion.com", replies::notion),
    ("https://api.twilio.com", replies::twilio),
];

/// All providers, running until the process ends.
#[derive(Debug)]
pub(crate) struct Provider {
    credentials: Arc<Credentials>,
    endpoints: Vec<(&'static str, String)>,
}

impl Provider {
    /// Starts them, each at a free port of the loopback.
    pub(crate) fn start() -> io::Result<Self> {
        let credentials = Arc::new(Credentials::generate());
        let mut endpoints = Vec::new();
        for (origin, answer) in PROVIDERS {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            endpoints.push((*origin, format!("http://{}", listener.local_addr()?)));
            let credentials = Arc::clone(&credentials);
            thread::spawn(move || serve(&listener, *answer, &credentials));
        }
        Ok(Self { credentials, endpoints })
    }

    /// A configuration that sends the program here.
    pub(crate) fn configuration(&self) -> String {
        let mapped = self.endpoints.iter().map(|(origin, local)| format!("\"{origin}\" = \"{local}\"\n"));
        format!("[http.endpoints]\n{}", mapped.collect::<String>())
    }

    /// The environment that has the credentials.
    pub(crate) fn credentials(&self) -> [(&'static str, String); 4] {
        self.credentials.environment()
    }
}

fn serve(listener: &TcpListener, answer: Answer, credentials: &Arc<Credentials>) {
    for stream in listener.incoming().flatten() {
        let credentials = Arc::clone(credentials);
        // A peer that goes away in the middle is its own business.
        thread::spawn(move || converse(stream, answer, &credentials).ok());
    }
}

fn converse(mut stream: TcpStream, answer: Answer, credentials: &Credentials) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = request::read(&mut stream)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    stream.write_all(answer(credentials, &request, now).encode().as_bytes())?;
    stream.flush()
}

#[cfg(test)]
mod tests;
