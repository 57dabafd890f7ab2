//! A provider on loopback that keeps a ledger of what it was asked.
//!
//! A key is `ACCOUNT/NUMBER`. Of the questions about a key some are refused, as by a provider that revokes and gives
//! again; which ones depends on their number alone.

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

/// One in so many questions is refused.
const REFUSED: usize = 7;

/// Runs as long as its process.
#[derive(Clone, Debug)]
pub struct Provider {
    origin: String,
    /// How often, by key.
    asked: Arc<Mutex<HashMap<String, usize>>>,
    silent: Arc<AtomicBool>,
}

impl Provider {
    /// Listens on a free port.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let origin = format!("http://{}", listener.local_addr()?);
        let provider = Self { origin, asked: Arc::default(), silent: Arc::default() };
        let serving = provider.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                // One that is cut off is nobody's business here.
                thread::spawn(move || serving.serve(&stream).unwrap_or_default());
            }
        });
        Ok(provider)
    }

    /// Where it is.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How often it was asked about a key.
    pub fn asked(&self, key: &str) -> usize {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied().unwrap_or_default()
    }

    /// Takes questions and answers none, or answers again those that come from now on.
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
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let count = asked.entry(key.to_owned()).or_default();
            *count += 1;
            *count
        };
        // The first ones are those of a setup.
        let status = if number.is_multiple_of(REFUSED) { 401 } else { 200 };
        (status, format!(r#"{{"id":"{account}"}}"#))
    }
}
