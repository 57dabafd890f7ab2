//! A provider on loopback, which exchanges codes and counts its requests.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

/// A provider that runs as long as the test's process.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) origin: String,
    state: Arc<Mutex<State>>,
    pub(crate) held: Arc<(Mutex<bool>, Condvar)>,
}

type Answer = Box<dyn Fn(&str) -> (u16, String) + Send>;

struct State {
    request_bodies: Vec<String>,
    /// The answer to a body.
    answer: Answer,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let state =
            State { request_bodies: Vec::new(), answer: Box::new(|_| (200, r#"{"id":"1","name":"ada"}"#.to_owned())) };
        let provider = Self { origin, state: Arc::new(Mutex::new(state)), held: Arc::default() };
        let serving = provider.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                // Ignore clients that close the connection.
                thread::spawn(move || serving.serve(&stream.unwrap()).unwrap_or_default());
            }
        });
        provider
    }

    /// Sets the answer from now on.
    pub(crate) fn answers(&self, status: u16, body: &str) {
        let body = body.to_owned();
        self.answers_as(move |_| (status, body.clone()));
    }

    /// As [`answers`](Self::answers), depending on the request.
    pub(crate) fn answers_as(&self, answer: impl Fn(&str) -> (u16, String) + Send + 'static) {
        self.state.lock().unwrap().answer = Box::new(answer);
    }

    /// Returns the bodies of the exchanges.
    pub(crate) fn request_bodies(&self) -> Vec<String> {
        self.state.lock().unwrap().request_bodies.clone()
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        let mut length = 0;
        while reader.read_line(&mut line)? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (status, answer) = {
            let mut state = self.state.lock().unwrap();
            let body = String::from_utf8(body).unwrap();
            let answer = (state.answer)(&body);
            state.request_bodies.push(body);
            answer
        };
        drop(self.held.1.wait_while(self.held.0.lock().unwrap(), |held| *held).unwrap());
        let head = format!("HTTP/1.1 {status} OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", answer.len());
        (&mut &*stream).write_all(format!("{head}{answer}").as_bytes())
    }
}
