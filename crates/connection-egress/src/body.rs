//! A streamed answer, whose body has a maximum length or none. Nothing after the limit is read.

use std::{fmt, io::ErrorKind, sync::Arc, time::Duration};

use connection_contract::{HttpError, Timestamp};
use tokio::io::{AsyncReadExt as _, ReadHalf, WriteHalf};

use crate::{
    clock::{Clock, within_or_arrived},
    failure,
    upload::{Awaited, Interest},
};

/// The maximum size of a piece that is read from an upgraded connection, in bytes.
const PIECE: usize = 16 * 1024;

/// An answer whose body has not been read yet. If it is dropped, the rest is not read.
#[non_exhaustive]
pub struct Streaming {
    /// The HTTP status of the answer.
    pub status: u16,
    /// The headers, in the order in which they arrived.
    pub headers: Vec<(String, String)>,
    /// The time at which the headers had arrived.
    pub received_at: Timestamp,
    source: Source,
    /// The length that the answer announces.
    expected: Option<u64>,
    remaining: u64,
    patience: Patience,
    clock: Arc<dyn Clock>,
}

/// The origin of the pieces.
enum Source {
    Body(reqwest::Response),
    /// The receiving half of a connection that was upgraded.
    Upgraded(ReadHalf<reqwest::Upgraded>),
}

impl Source {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, HttpError> {
        match self {
            Self::Body(response) => {
                let piece = response.chunk().await.map_err(|error| failure::of(&error))?;
                Ok(piece.map(Into::into))
            }
            Self::Upgraded(connection) => {
                let mut piece = vec![0; PIECE];
                let read = match connection.read(&mut piece).await {
                    // Many servers end a connection with TLS without saying so, and a WebSocket has an end of its own.
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
                    read => read.map_err(|_| HttpError::Protocol)?,
                };
                piece.truncate(read);
                Ok(Some(piece).filter(|piece| !piece.is_empty()))
            }
        }
    }
}

/// The time limit of an answer that has begun.
enum Patience {
    /// Each piece arrives within this time.
    Piece(Duration),
    /// The request makes progress.
    Progress(Interest),
}

impl Streaming {
    /// Creates an answer of at most `limit` bytes. An answer that announces a longer body is rejected at once.
    pub(super) fn new(
        response: reqwest::Response,
        limit: u64,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HttpError> {
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(HttpError::TooLarge);
        }
        Ok(Self::of(response, limit, Patience::Piece(timeout), clock))
    }

    /// Creates an answer of any length, whose request ends with it.
    pub(super) fn unlimited(response: reqwest::Response, interest: Interest, clock: Arc<dyn Clock>) -> Self {
        Self::of(response, u64::MAX, Patience::Progress(interest), clock)
    }

    fn of(response: reqwest::Response, limit: u64, patience: Patience, clock: Arc<dyn Clock>) -> Self {
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
        Self {
            status: response.status().as_u16(),
            headers: headers.collect(),
            received_at: clock.now(),
            expected: response.content_length(),
            remaining: limit,
            source: Source::Body(response),
            patience,
            clock,
        }
    }

    /// Takes over the connection of the answer, which is done once. Further pieces are those that the provider sends on it.
    /// Returns the half on which the caller sends.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection has ended.
    pub(super) async fn upgraded(mut self) -> Result<(Self, WriteHalf<reqwest::Upgraded>), HttpError> {
        let Source::Body(response) = self.source else { return Err(HttpError::Protocol) };
        let connection = response.upgrade().await.map_err(|error| failure::of(&error))?;
        let (receiving, sending) = tokio::io::split(connection);
        self.source = Source::Upgraded(receiving);
        self.expected = None;
        Ok((self, sending))
    }

    /// Returns the length that the answer announces, if it does.
    pub fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// Reads the next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`HttpError::TooLarge`] if the body exceeds the limit, [`HttpError::Timeout`] if no piece arrives in time, and
    /// the errors of the connection. After an error, no further pieces arrive.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, HttpError> {
        let read = self.source.next();
        let chunk = match &self.patience {
            Patience::Piece(timeout) => within_or_arrived(&*self.clock, *timeout, read, || true).await?,
            Patience::Progress(interest) => interest.0.within(Awaited::Piece, read).await?,
        };
        let Some(chunk) = chunk else { return Ok(None) };
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.remaining = self.remaining.checked_sub(length).ok_or(HttpError::TooLarge)?;
        Ok(Some(chunk))
    }
}

impl fmt::Debug for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Streaming({})", self.status)
    }
}
