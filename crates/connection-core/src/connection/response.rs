//! The answer of a provider to a request of a host.

use std::fmt;

use connection_contract::{BoxFuture, HttpError, Secret, Timestamp};
use connection_egress::{SecretBuffer, Streaming};

use super::missing_scopes::MissingScopes;
use crate::Error;

/// The answer of a provider. The body arrives in pieces; if the response is dropped, the rest is not read.
pub struct Response {
    pub(super) answer: Streaming,
    pub(super) host: String,
    pub(super) scopes: MissingScopes,
    pub(super) has_newer_credential: bool,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({})", self.answer.status)
    }
}

impl Response {
    /// Returns the status, such as `200`.
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// Returns all headers, as names and values.
    pub fn headers(&self) -> &[(String, String)] {
        &self.answer.headers
    }

    /// Returns the value of the first header with this name, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the scopes for lack of which the provider refused the request with 403, if the answer names them
    /// (`insufficient_scope`, RFC 6750, section 3.1). The connection works otherwise.
    pub fn missing_scopes(&self) -> &[String] {
        &self.scopes.missing
    }

    /// Returns those of the missing scopes that a re-authorization may [ask for](crate::Reauthorize::scope).
    pub fn askable_scopes(&self) -> &[String] {
        &self.scopes.askable
    }

    /// Returns `true` for a 401 after which the credential was refreshed, although the request could not be sent again
    /// because too much of its body had passed: a repetition by the caller uses the newer credential. See
    /// [`Connection::open`](crate::Connection::open).
    pub fn has_newer_credential(&self) -> bool {
        self.has_newer_credential
    }

    /// Returns the time at which the answer arrived.
    pub fn received_at(&self) -> Timestamp {
        self.answer.received_at
    }

    /// Returns the next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Http`] if the connection to the provider breaks.
    pub fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, Error>> {
        Box::pin(self.next_piece())
    }

    async fn next_piece(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.answer.chunk().await.map_err(|source| self.broken_off(source))
    }

    /// Returns the whole body, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// The errors of [`chunk`](Self::chunk), with [`HttpError::TooLarge`] for a longer body.
    pub fn bytes(mut self, limit: usize) -> BoxFuture<'static, Result<Secret, Error>> {
        Box::pin(async move {
            let mut body = SecretBuffer::new(limit, self.answer.expected());
            while let Some(piece) = self.next_piece().await?.map(Secret::new) {
                body.push(piece.expose()).map_err(|_| self.broken_off(HttpError::TooLarge))?;
            }
            Ok(body.into_secret())
        })
    }

    fn broken_off(&self, source: HttpError) -> Error {
        Error::Http { host: self.host.clone(), source }
    }
}
