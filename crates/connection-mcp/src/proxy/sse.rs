//! An incremental parser of server-sent events.

/// One event of a stream.
///
/// ```
/// use connection_mcp::proxy::EventParser;
///
/// let events = EventParser::new(1024).push(b"event: ping\ndata: {}\n\n");
/// let event = events[0].as_ref().unwrap();
/// assert_eq!(event.name.as_deref(), Some("ping"));
/// assert_eq!(event.data, b"{}");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The name in the field `event`. An event without a name is a `message`.
    pub name: Option<String>,
    /// The lines of the fields `data`, joined by line feeds. They may be invalid UTF-8.
    pub data: Vec<u8>,
}

/// The error of an event that is larger than the limit of its parser.
///
/// ```
/// use connection_mcp::proxy::{EventParser, EventTooLarge};
///
/// let events = EventParser::new(16).push(b"data: longer than sixteen bytes\n\ndata: short\n\n");
/// assert_eq!(events[0], Err(EventTooLarge));
/// assert_eq!(events[1].as_ref().unwrap().data, b"short");
/// ```
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to say")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event is larger than the limit")]
pub struct EventTooLarge;

/// A parser of a stream of server-sent events, which arrives in parts of any length.
///
/// It follows the section "Server-sent events" of the HTML standard. Memory is bounded: the parser keeps at most the
/// bytes of one event, up to its limit.
///
/// ```
/// use connection_mcp::proxy::EventParser;
///
/// let mut parser = EventParser::new(1024);
/// assert!(parser.push(b": a comment\nid: 7\nda").is_empty());
/// let events = parser.push(b"ta: one\ndata: two\r\n\r\n");
/// assert_eq!(events[0].as_ref().unwrap().data, b"one\ntwo");
/// assert_eq!(parser.last_event_id(), Some("7"));
/// ```
#[derive(Debug)]
pub struct EventParser {
    limit: usize,
    /// The bytes of the line that has not ended yet.
    line: Vec<u8>,
    /// The data of the event that has not ended yet, with a line feed after each line.
    data: Vec<u8>,
    name: Option<String>,
    /// The id of the event that has not ended yet.
    id: Option<String>,
    last_event_id: Option<String>,
    retry: Option<u64>,
    position: Position,
    /// `true` from the byte that exceeded the limit to the end of the event.
    skipping: bool,
}

/// What the parser has to know about the bytes before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// In the first line, which may begin with a byte order mark.
    FirstLine,
    /// After a carriage return: a line feed belongs to the same end of line.
    AfterReturn,
    /// Anywhere else.
    Within,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl EventParser {
    /// Returns a parser of a stream whose events have at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            data: Vec::new(),
            name: None,
            id: None,
            last_event_id: None,
            retry: None,
            position: Position::FirstLine,
            skipping: false,
        }
    }

    /// Returns a parser of a connection that continues the stream after its last event.
    pub(crate) fn continued(&self) -> Self {
        Self { last_event_id: self.last_event_id.clone(), retry: self.retry, ..Self::new(self.limit) }
    }

    /// Parses the next part of the stream, and returns the events that end in it.
    ///
    /// An event without data is not returned, but its id is remembered. An event that is larger than the limit is
    /// skipped, and an [`EventTooLarge`] is returned in its place.
    pub fn push(&mut self, mut chunk: &[u8]) -> Vec<Result<Event, EventTooLarge>> {
        let mut events = Vec::new();
        while let Some(first) = chunk.first() {
            if self.position == Position::AfterReturn {
                self.position = Position::Within;
                if *first == b'\n' {
                    chunk = chunk.get(1..).unwrap_or_default();
                    continue;
                }
            }
            let Some(end) = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.extend(chunk);
                break;
            };
            let (text, rest) = chunk.split_at(end);
            self.extend(text);
            let first_line = self.position == Position::FirstLine;
            self.position = if rest.first() == Some(&b'\r') { Position::AfterReturn } else { Position::Within };
            chunk = rest.get(1..).unwrap_or_default();
            events.extend(self.end_line(first_line));
        }
        events
    }

    /// Returns the id of the last complete event that had one.
    ///
    /// The id is empty if the server reset it.
    pub fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// Returns the number of milliseconds that the server asks clients to wait before they connect again.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    fn extend(&mut self, text: &[u8]) {
        if self.skipping || self.kept() + text.len() > self.limit {
            self.skipping |= !text.is_empty();
            self.data = Vec::new();
            // One byte tells a line with text from an empty one, which ends the event.
            self.line.truncate(1);
            if self.line.is_empty() {
                self.line.extend(text.first());
            }
        } else {
            self.line.extend_from_slice(text);
        }
    }

    /// Returns the number of bytes of the event that has not ended yet.
    fn kept(&self) -> usize {
        let texts = [&self.name, &self.id].into_iter().flatten().map(String::len);
        self.line.len() + self.data.len() + texts.sum::<usize>()
    }

    fn end_line(&mut self, first_line: bool) -> Option<Result<Event, EventTooLarge>> {
        let mut line = std::mem::take(&mut self.line);
        if first_line && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        if line.is_empty() {
            return self.end_event();
        }
        if !self.skipping {
            let (field, value) = match line.iter().position(|byte| *byte == b':') {
                Some(colon) => {
                    let value = line.get(colon + 1..).unwrap_or_default();
                    (line.get(..colon).unwrap_or_default(), value.strip_prefix(b" ").unwrap_or(value))
                }
                None => (line.as_slice(), &b""[..]),
            };
            self.field(field, value);
        }
        None
    }

    fn field(&mut self, field: &[u8], value: &[u8]) {
        match field {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.name = Some(String::from_utf8_lossy(value).into_owned()),
            b"id" if !value.contains(&0) => self.id = Some(String::from_utf8_lossy(value).into_owned()),
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                self.retry = str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).or(self.retry);
            }
            _ => {}
        }
    }

    fn end_event(&mut self) -> Option<Result<Event, EventTooLarge>> {
        let name = self.name.take().filter(|name| !name.is_empty());
        let mut data = std::mem::take(&mut self.data);
        if let Some(id) = self.id.take() {
            self.last_event_id = Some(id);
        }
        if std::mem::take(&mut self.skipping) {
            return Some(Err(EventTooLarge));
        }
        data.pop();
        (!data.is_empty()).then_some(Ok(Event { name, data }))
    }
}
