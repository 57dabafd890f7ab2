//! Reading the bodies of answers, with a limit for the memory that a message takes.

use std::collections::VecDeque;
use std::time::Duration;

use super::MAX_MESSAGE;
use super::failure::Failure;
use super::sse::{Event, EventParser, EventTooLarge};
use super::upstream::{Body, UpstreamAnswer, UpstreamError};

/// The least time between two connections for the same stream, even if the server asks for less.
const MIN_DELAY: Duration = Duration::from_millis(100);

/// Returns `true` for an answer that is a stream of events.
pub(crate) fn is_stream(answer: &UpstreamAnswer) -> bool {
    let media_type = answer.header("Content-Type").and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// Reads a body to its end.
pub(crate) async fn read_whole(mut body: Box<dyn Body>) -> Result<Vec<u8>, Failure> {
    let mut whole = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        if whole.len() + chunk.len() > MAX_MESSAGE {
            return Err(Failure::too_large());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

/// The place in a stream after the last event that was read.
pub(crate) struct Cursor(EventParser);

impl Cursor {
    /// Returns the place before the first event.
    pub(crate) fn start() -> Self {
        Self(EventParser::new(MAX_MESSAGE))
    }

    /// Returns the id with which a client continues after the last event.
    pub(crate) fn last_event_id(&self) -> Option<&str> {
        let id = self.0.last_event_id()?;
        (!id.is_empty() && id.bytes().all(|byte| matches!(byte, b' '..=b'~'))).then_some(id)
    }

    /// Returns the time to wait before the next connection, if the server sent one.
    pub(crate) fn delay(&self) -> Option<Duration> {
        self.0.retry().map(|retry| Duration::from_millis(retry).max(MIN_DELAY))
    }
}

/// The messages of an answer that is a stream of events.
pub(crate) struct EventStream {
    body: Box<dyn Body>,
    parser: EventParser,
    ready: VecDeque<Result<Event, EventTooLarge>>,
}

/// The next thing that a stream contains.
pub(crate) enum Next {
    /// The connection broke.
    Broken(UpstreamError),
    /// The server closed the connection.
    Closed,
    Message(Vec<u8>),
    TooLarge,
}

impl EventStream {
    /// Returns the messages of a connection that begins at a place in a stream.
    pub(crate) fn new(body: Box<dyn Body>, cursor: &Cursor) -> Self {
        Self { body, parser: cursor.0.continued(), ready: VecDeque::new() }
    }

    /// Returns the next message. Events with another name than `message` are skipped.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            match self.ready.pop_front() {
                Some(Ok(event)) if event.name.as_deref().is_none_or(|name| name == "message") => {
                    return Next::Message(event.data);
                }
                Some(Ok(_)) => continue,
                Some(Err(EventTooLarge)) => return Next::TooLarge,
                None => {}
            }
            match self.body.chunk().await {
                Ok(Some(chunk)) => self.ready.extend(self.parser.push(&chunk)),
                Ok(None) => return Next::Closed,
                Err(error) => return Next::Broken(error),
            }
        }
    }

    /// Closes the connection, and returns the place after the last event.
    pub(crate) fn close(self) -> Cursor {
        Cursor(self.parser)
    }
}
