//! The stream on which a server sends requests and notifications of its own, before revision 2026-07-28.

use std::time::Duration;

use super::body::{Cursor, EventStream, Next, is_stream};
use super::failure::Failure;
use super::link::Link;
use super::message::{Message, Messages, in_one_line};

/// Passes on the messages of the server until it says that it offers no such stream.
pub(crate) async fn run(link: &Link) {
    let mut listener = Listener { link, cursor: Cursor::start(), epoch: 0, failures: 0, reported: false };
    while let Some(delay) = listener.attempt().await {
        tokio::time::sleep(delay).await;
    }
}

struct Listener<'a> {
    link: &'a Link,
    /// The place at which the next connection continues the stream.
    cursor: Cursor,
    /// The session of the last connection.
    epoch: u64,
    /// The number of attempts since the last message of the server.
    failures: u32,
    /// `true` if the current failure was reported.
    reported: bool,
}

impl Listener<'_> {
    /// Opens the stream and passes on its messages.
    ///
    /// Returns the time after which to try again, or `None` if there is no such stream.
    async fn attempt(&mut self) -> Option<Duration> {
        let session = self.link.session.view();
        if !session.is_open() {
            return None;
        }
        if self.epoch != session.epoch {
            self.epoch = session.epoch;
            self.cursor = Cursor::start();
        }
        let last_event_id = self.cursor.last_event_id();
        let continues = last_event_id.is_some();
        let answer = match self.link.get(session.headers(), last_event_id).await {
            Ok(answer) => answer,
            Err(error) => return Some(self.failed(&error.to_string())),
        };
        match answer.status {
            200..=299 if is_stream(&answer) => Some(self.pass_all(EventStream::new(answer.body, &self.cursor)).await),
            404 if session.id.is_some() => {
                drop(answer);
                match self.link.renew(session.epoch).await {
                    Ok(()) => Some(Duration::ZERO),
                    Err(Failure { message, .. }) => Some(self.failed(&message)),
                }
            }
            // The stream that the id belongs to is gone.
            400 | 404 | 410 if continues => {
                self.cursor = Cursor::start();
                Some(self.link.pauses.after(self.failures.saturating_add(1)))
            }
            401 | 403 | 429 | 500..=599 => Some(self.failed(&format!("the server answered {}", answer.status))),
            // The server offers no such stream; 405 is the status for that.
            _ => None,
        }
    }

    /// Passes on the messages of one connection, and returns the time after which to open the next one.
    async fn pass_all(&mut self, mut stream: EventStream) -> Duration {
        self.reported = false;
        let mut received = false;
        loop {
            match stream.next().await {
                Next::Message(message) => {
                    received = true;
                    pass(self.link, message).await;
                }
                Next::TooLarge => self.link.reporter.warning("the server sent a message of more than 16 MiB"),
                Next::Broken(_) | Next::Closed => break,
            }
        }
        if received {
            self.failures = 0;
        }
        self.cursor = stream.close();
        self.cursor.delay().unwrap_or_else(|| self.next_delay())
    }

    /// Reports the first of several failures, and returns the time before the next attempt.
    fn failed(&mut self, message: &str) -> Duration {
        if !std::mem::replace(&mut self.reported, true) {
            let reporter = &self.link.reporter;
            reporter.warning(format!("cannot listen for messages of the server, and trying again: {message}"));
        }
        self.next_delay()
    }

    /// Counts a failure, and returns the time before the next attempt.
    fn next_delay(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.link.pauses.after(self.failures)
    }
}

/// Passes a message of the server to the client.
async fn pass(link: &Link, message: Vec<u8>) {
    let Some(text) = in_one_line(message) else {
        return link.reporter.warning("the server sent an event that is not UTF-8");
    };
    match Messages::parse(&text).map(|messages| matches!(messages, Messages::One(Message::Response { .. }))) {
        Ok(true) => link.reporter.warning("the server sent a response that answers no request"),
        Ok(false) => link.emit(text).await,
        Err(_) => link.reporter.warning("the server sent an event that is not a message of MCP"),
    }
}
