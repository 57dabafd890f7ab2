//! The lines that a client writes.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use super::message::RequestId;

/// A line that a client wrote.
pub(crate) enum Line {
    Message(Vec<u8>),
    /// A line that exceeds the limit, with the id of the request in it.
    TooLarge(Option<RequestId>),
}

/// A reader of lines of a limited length.
pub(crate) struct Lines<R> {
    reader: R,
    limit: usize,
    line: Vec<u8>,
    /// The search for the id in a line that exceeds the limit.
    search: Option<IdSearch>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, line: Vec::new(), search: None }
    }

    /// Returns the next line that is not empty, without its end, or `None` at the end of the input.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped: the part of a line that was read stays here.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let bytes = self.reader.fill_buf().await?;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let at_end = bytes.is_empty();
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            match &mut self.search {
                Some(search) => search.push(part),
                None if self.line.len() + part.len() > self.limit => {
                    let mut search = IdSearch::default();
                    search.push(&std::mem::take(&mut self.line));
                    search.push(part);
                    self.search = Some(search);
                }
                None => self.line.extend_from_slice(part),
            }
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_none() && !at_end {
                continue;
            }
            if let Some(search) = self.search.take() {
                return Ok(Some(Line::TooLarge(search.id())));
            }
            let mut line = std::mem::take(&mut self.line);
            line.truncate(line.trim_ascii_end().len());
            if !line.is_empty() {
                return Ok(Some(Line::Message(line)));
            }
            if at_end {
                return Ok(None);
            }
        }
    }
}

/// Returns the id of a request that could not be read, if the line has one.
pub(crate) fn request_id(line: &[u8]) -> Option<RequestId> {
    let mut search = IdSearch::default();
    search.push(line);
    search.id()
}

/// A search for the id of a request in a line of any length, which is read in parts and not kept.
#[derive(Default)]
struct IdSearch {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// `true` after the colon of a member of the outermost object.
    in_value: bool,
    key: Vec<u8>,
    value: Vec<u8>,
    id: Option<Vec<u8>>,
    is_request: bool,
}

/// The maximum number of bytes of a key or value that the search keeps.
const MAX_TOKEN: usize = 256;

impl IdSearch {
    fn push(&mut self, part: &[u8]) {
        for byte in part.iter().copied() {
            if self.in_string {
                self.in_string = byte != b'"' || self.escaped;
                self.escaped = byte == b'\\' && !self.escaped;
                self.keep(byte);
                continue;
            }
            match byte {
                b'"' => {
                    self.in_string = true;
                    self.keep(byte);
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.end_member();
                    self.depth = self.depth.saturating_sub(1);
                }
                b',' => self.end_member(),
                b':' if self.depth == 1 => self.in_value = true,
                _ if byte.is_ascii_whitespace() => {}
                _ => self.keep(byte),
            }
        }
    }

    fn keep(&mut self, byte: u8) {
        let token = if self.in_value { &mut self.value } else { &mut self.key };
        if self.depth == 1 && token.len() < MAX_TOKEN {
            token.push(byte);
        }
    }

    fn end_member(&mut self) {
        if self.depth != 1 {
            return;
        }
        let value = std::mem::take(&mut self.value);
        match std::mem::take(&mut self.key).as_slice() {
            b"\"id\"" => self.id = Some(value),
            b"\"method\"" => self.is_request = true,
            _ => {}
        }
        self.in_value = false;
    }

    /// Returns the id, if the line is a request.
    fn id(self) -> Option<RequestId> {
        let id = self.id.filter(|_| self.is_request)?;
        RequestId::parse(str::from_utf8(&id).ok()?)
    }
}
