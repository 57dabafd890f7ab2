//! A provider on loopback that counts the requests for each key.
//!
//! A key is `ACCOUNT/NUMBER`. The provider refuses every seventh request with a key, as if it revoked the key for a
//! moment. Only the number of the request decides, so that a test can compute the answers.

use std::{
    collections::HashMap,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Interval of refusals: every request with a key whose number is a multiple of it is answered with 401.
const REFUSED: usize = 7;

/// A handle to the provider, which runs until the process ends.
#[derive(Clone, Debug)]
pub struct Provider {
    origin: String,
    /// Number of requests by key.
    counts: Arc<Mutex<HashMap<String, usize>>>,
    silent: Arc<AtomicBool>,
}

impl Provider {
    /// Starts a provider on a free port.
    ///
    /// # Errors
    ///
    /// Returns an error if no port can be bound.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let origin = format!("http://{}", listener.local_addr()?);
        let provider = Self { origin, counts: Arc::default(), silent: Arc::default() };
        let serving = provider.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                // A connection that is cut off is no failure of the provider.
                thread::spawn(move || serving.serve(&stream).unwrap_or_default());
            }
        });
        Ok(provider)
    }

    /// Returns the origin of the provider, such as `http://127.0.0.1:1234`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the number of requests with this key. A request that deletes the key is not counted.
    pub fn request_count(&self, key: &str) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied().unwrap_or_default()
    }

    /// Stops answering requests while still reading them, or answers later requests again.
    pub fn fall_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        while let Some(request) = lines.next().transpose()? {
            let mut key = String::new();
            while let Some(header) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
                if let Some((name, value)) = header.split_once(':')
                    && name.eq_ignore_ascii_case("authorization")
                {
                    key = value.trim().trim_start_matches("Bearer ").to_owned();
                }
            }
            let (status, body) = self.answer(&request, &key);
            if self.silent.load(Ordering::SeqCst) {
                continue;
            }
            let length = body.len();
            let mut stream = stream;
            stream.write_all(format!("HTTP/1.1 {status} Told\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes())?;
        }
        Ok(())
    }

    fn answer(&self, request: &str, key: &str) -> (u16, String) {
        let Some((account, _)) = key.split_once('/') else { return (401, String::new()) };
        if request.starts_with("DELETE") {
            return (204, String::new());
        }
        let number = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(key.to_owned()).or_default();
            *count += 1;
            *count
        };
        // The first requests with a key belong to a setup and succeed.
        let status = if number.is_multiple_of(REFUSED) { 401 } else { 200 };
        (status, format!(r#"{{"id":"{account}"}}"#))
    }
}
