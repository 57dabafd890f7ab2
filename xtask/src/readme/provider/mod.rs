//! Small servers on this machine that act as the providers, written after their public documentation.
//!
//! Each server has its own address, as the real providers have, and accepts only the credential with which it was
//! started. It refuses every other one with the provider's response.

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

/// The origins of the providers, each with the function that responds.
const PROVIDERS: &[(&str, Answer)] = &[
    ("https://api.github.com", replies::github),
    ("https://api.notion.com", replies::notion),
    ("https://api.twilio.com", replies::twilio),
];

/// The servers of all providers, which run until the process ends.
#[derive(Debug)]
pub(crate) struct Provider {
    credentials: Arc<Credentials>,
    endpoints: Vec<(&'static str, String)>,
}

impl Provider {
    /// Starts the servers, each on a free port of the loopback interface.
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

    /// Returns a configuration that maps the providers' origins to these servers.
    pub(crate) fn configuration(&self) -> String {
        let mapped = self.endpoints.iter().map(|(origin, local)| format!("\"{origin}\" = \"{local}\"\n"));
        format!("[http.endpoints]\n{}", mapped.collect::<String>())
    }

    /// Returns the environment variables with the credentials.
    pub(crate) fn credentials(&self) -> [(&'static str, String); 4] {
        self.credentials.environment()
    }
}

fn serve(listener: &TcpListener, answer: Answer, credentials: &Arc<Credentials>) {
    for stream in listener.incoming().flatten() {
        let credentials = Arc::clone(credentials);
        // A client that disconnects early is no failure of the server.
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
