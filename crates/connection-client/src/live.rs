//! Live changes: hints that something changed, after which a program reads again (server-sent events).

use std::fmt;

use bytes::Bytes;
use connection_api::LiveHint;
use reqwest::Response;

use crate::{Client, Error, call::unreachable};

/// The maximum size of a hint, in bytes.
const MAX_HINT: usize = 64 << 10;

/// A hint that something changed.
///
/// ```no_run
/// # use connection_client::{Client, Error};
/// async fn follow(client: &Client) -> Result<(), Error> {
///     let mut changes = client.live().await?;
///     while let Some(change) = changes.next().await? {
///         println!("{} {}", change.of, change.id.unwrap_or_default());
///     }
///     Ok(())
/// }
/// # let _ = follow;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// `connection`, `grant`, `setup`, `extension`, `usage`, or a word of a later version of the server.
    pub of: String,
    /// The id of the connection or setup, or the name of the extension, if the server names it.
    pub id: Option<String>,
}

/// The changes from a moment on.
///
/// A program that lost the stream calls [`Client::live`] again and then reads everything that it shows, because changes
/// in between have no hint.
///
/// ```no_run
/// # use connection_client::{Client, ConnectionFilter, Error};
/// async fn labels(client: &Client, show: fn(Vec<String>)) -> Result<(), Error> {
///     let mut changes = client.live().await?;
///     loop {
///         let page = client.connections(&ConnectionFilter::new()).await?;
///         show(page.items.into_iter().map(|listed| listed.connection.label).collect());
///         if changes.next().await?.is_none() {
///             return Ok(());
///         }
///     }
/// }
/// # let _ = labels;
/// ```
pub struct LiveChanges {
    client: Client,
    response: Response,
    parser: Parser,
}

/// The part of the stream that is not a whole hint yet.
#[derive(Default)]
struct Parser {
    rest: Vec<u8>,
    of: String,
    data: String,
}

impl Client {
    /// Listens to changes, also those that other processes make. Data that a program reads after this returns
    /// cannot change without a hint.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn live(&self) -> Result<LiveChanges, Error> {
        let response = self.get(&["live"]).stream().await?;
        let mut live = LiveChanges { client: self.clone(), response, parser: Parser::default() };
        // The server writes a comment as soon as it listens.
        if let Some(first) = live.chunk().await? {
            live.parser.rest.extend_from_slice(&first);
        }
        Ok(live)
    }
}

impl LiveChanges {
    /// Returns the next change; `None` if the server ended the stream, because it stops.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped; no change is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] if the connection was lost, or had no sign of life for 45 seconds.
    pub async fn next(&mut self) -> Result<Option<Change>, Error> {
        loop {
            if let Some(change) = self.parser.next() {
                return Ok(Some(change));
            }
            if self.parser.rest.len() + self.parser.data.len() > MAX_HINT {
                return Err(Error::TooLarge { url: self.client.base_url().to_owned(), limit: MAX_HINT });
            }
            match self.chunk().await? {
                Some(chunk) => self.parser.rest.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.response.chunk().await.map_err(|error| unreachable(&self.client, &error))
    }
}

impl Parser {
    /// Takes the first whole hint out of what was read.
    fn next(&mut self) -> Option<Change> {
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(of) = line.strip_prefix("event:") {
                self.of = of.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.trim());
            } else if line.is_empty() {
                let of = std::mem::take(&mut self.of);
                let data = std::mem::take(&mut self.data);
                if !data.is_empty() {
                    let id = serde_json::from_str(&data).ok().and_then(|LiveHint { id }| id);
                    return Some(Change { of, id });
                }
            }
        }
        None
    }
}

impl fmt::Debug for LiveChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveChanges").field("client", &self.client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_read_whatever_the_pieces_are_in_which_they_arrive() {
        let text = ": listening\n\nevent: connection\ndata: {\"id\":\"7\"}\n\n: keep-alive\n\nevent: usage\r\ndata: {}\r\n\r\n";
        let change = |of: &str, id: Option<&str>| Change { of: of.to_owned(), id: id.map(str::to_owned) };
        for size in [1, 2, 7, text.len()] {
            let mut parser = Parser::default();
            let mut changes = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                parser.rest.extend_from_slice(piece);
                changes.extend(std::iter::from_fn(|| parser.next()));
            }
            assert_eq!(changes, [change("connection", Some("7")), change("usage", None)], "{size}");
        }
    }
}
