//! An answer as it comes, cut off at a limit: what is over it is not read.

use std::{fmt, sync::Arc, time::Duration};

use connection_contract::{HttpError, Timestamp};

use crate::{client::within, clock::Clock, failure};

/// An answer whose body is still to come. Dropped, the rest of it is not read.
#[non_exhaustive]
pub struct Streaming {
    /// The status.
    pub status: u16,
    /// The headers, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The time at which the headers were there.
    pub received_at: Timestamp,
    response: reqwest::Response,
    remaining: u64,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Streaming {
    /// An answer of at most `limit` bytes; one that is announced as longer is refused at once.
    pub(super) fn new(
        response: reqwest::Response,
        limit: u64,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HttpError> {
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(HttpError::TooLarge);
        }
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
        Ok(Self {
            status: response.status().as_u16(),
            headers: headers.collect(),
            received_at: clock.now(),
            remaining: limit,
            response,
            timeout,
            clock,
        })
    }
    /// What the answer says of its own length.
    pub fn expected(&self) -> Option<u64> {
        self.response.content_length()
    }
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`HttpError::TooLarge`] over the limit, [`HttpError::Timeout`] when no piece comes in time, and what breaks the
    /// connection. Nothing comes after an error.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, HttpError> {
        let read = async { self.response.chunk().await.map_err(|error| failure::of(&error)) };
        let Some(chunk) = within(&*self.clock, self.timeout, read).await? else { return Ok(None) };
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.remaining = self.remaining.checked_sub(length).ok_or(HttpError::TooLarge)?;
        Ok(Some(chunk.into()))
    }
}

impl fmt::Debug for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Streaming({})", self.status)
    }
}
