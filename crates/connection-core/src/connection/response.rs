//! The answer of a provider to a request of a host.

use std::fmt;

use connection_contract::{BoxFuture, Challenge, HttpError, Secret, Timestamp};
use connection_egress::{Decoder, Redactor, SecretBuffer, Streaming, UnknownCoding};

use crate::{Error, UseOutcome, frozen::UseGuard, missing_scopes::MissingScopes, uses::OpenRecord};

/// The provider upgraded the connection (RFC 9110, section 15.2.2).
pub(super) const SWITCHING_PROTOCOLS: u16 = 101;

/// The answer of a provider. The body arrives in pieces; if the response is dropped, the rest is not read.
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    received_at: Timestamp,
    /// The length that the answer announces.
    expected: Option<u64>,
    /// The use, which holds the body of the answer until it is cut.
    of: UseGuard,
    /// The entry of the use, which ends with this value.
    record: Option<OpenRecord>,
    pub(super) host: String,
    pub(super) scopes: MissingScopes,
    pub(super) has_newer_credential: bool,
    /// What replaces the credential that the provider repeats.
    redactor: Option<Redactor>,
    /// What decodes the body before it is searched for the credential, if it has a coding.
    decoder: Result<Option<Decoder>, UnknownCoding>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({})", self.status)
    }
}

impl Response {
    /// Creates the response of a use, with the scopes that the provider says are missing.
    pub(super) async fn new(mut answer: Streaming, of: UseGuard, host: String, scopes: MissingScopes) -> Self {
        let response = Self {
            status: answer.status,
            headers: std::mem::take(&mut answer.headers),
            received_at: answer.received_at,
            expected: answer.expected(),
            of,
            record: None,
            host,
            scopes,
            has_newer_credential: false,
            redactor: None,
            decoder: Ok(None),
        };
        response.of.open.answered(answer).await;
        response
    }

    /// Adds the record of the use, which has an answer now.
    pub(super) fn recorded(&mut self, mut record: OpenRecord, is_head: bool) {
        record.answered(self.status);
        // A caller need not ask for what does not come (RFC 9110, section 6.4.1).
        if is_head || matches!(self.status, 204 | 304) || self.expected == Some(0) {
            record.complete();
        }
        record.is_redacted = self.was_redacted();
        self.record = Some(record);
    }

    /// Replaces the credential in the headers, and in the body while it is read. A body that was compressed although
    /// nothing asked for that is decoded, because the credential would not be found in it.
    pub(super) fn redacted(mut self, redactor: Option<Redactor>, is_head: bool) -> Self {
        self.redactor = redactor;
        if let Some(redactor) = &mut self.redactor {
            if !is_head && !matches!(self.status, SWITCHING_PROTOCOLS | 204 | 304) {
                self.decoder = Decoder::of(&mut self.headers);
            }
            self.headers.iter_mut().for_each(|(_, value)| redactor.redact(value));
        }
        self
    }

    /// Returns the response, if its body can be searched for the credential.
    ///
    /// # Errors
    ///
    /// [`Error::Undecodable`].
    pub(super) fn decodable(self) -> Result<Self, Error> {
        match self.decoder {
            Err(UnknownCoding) => Err(Error::Undecodable { host: self.host }),
            Ok(_) => Ok(self),
        }
    }

    /// Returns the status, such as `200`.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns `true` if the provider does not accept the credential: for a 401 (RFC 9110, section 15.5.2), and for a 400 or
    /// 403 whose challenge says `invalid_token` (RFC 6750, section 3.1).
    pub(super) fn refuses_token(&self) -> bool {
        match self.status {
            401 => true,
            400 | 403 => Challenge::of(&self.headers).is_invalid_token,
            _ => false,
        }
    }

    /// Returns `true` if the provider did what was asked: for 2xx, for an upgrade of the connection, and for 304, with which a
    /// caller keeps the answer that it has.
    pub(super) fn is_success(&self) -> bool {
        matches!(self.status, SWITCHING_PROTOCOLS | 200..=299 | 304)
    }

    /// Returns all headers, as names and values.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// Returns the value of the first header with this name, ignoring case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
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

    /// Returns `true` for a refusal after which the credential was refreshed, although the request could not be sent again
    /// because too much of its body had passed: a repetition by the caller uses the newer credential. See
    /// [`Connection::open`](crate::Connection::open).
    pub fn has_newer_credential(&self) -> bool {
        self.has_newer_credential
    }

    /// Returns `true` if the provider repeated the credential and it was replaced, in a header or in what was read of the
    /// body. See [`Connection::redacting`](crate::Connection::redacting).
    pub fn was_redacted(&self) -> bool {
        self.redactor.as_ref().is_some_and(Redactor::has_replaced)
    }

    /// Returns the time at which the answer arrived.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// Returns the next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Http`] if the connection to the provider breaks, [`Error::Frozen`] if something is frozen that concerns
    /// the use, [`AgentError::GrantEnded`](crate::AgentError::GrantEnded) and
    /// [`AgentError::TokenEnded`](crate::AgentError::TokenEnded) for a request of an agent that lasts longer than its
    /// grant or its token, and an error of the store if the use depends on a grant and the store cannot be read for a
    /// second.
    pub fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, Error>> {
        Box::pin(self.next_piece())
    }

    async fn next_piece(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let piece = self.readable().await;
        if !matches!(piece, Ok(Some(_))) {
            // The use has ended, even if its caller keeps the answer.
            self.record = None;
        }
        piece
    }

    async fn readable(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let piece = self.decoded().await?;
            // A connection that was upgraded is not searched.
            let searched = self.redactor.as_mut().filter(|_| self.status != SWITCHING_PROTOCOLS);
            let Some(redactor) = searched else { return Ok(piece) };
            let (ready, is_last) = match piece {
                Some(piece) => (redactor.push(piece), false),
                None => (redactor.finish(), true),
            };
            if let Some(record) = &mut self.record {
                record.is_redacted = redactor.has_replaced();
            }
            if is_last || !ready.is_empty() {
                return Ok(Some(ready).filter(|ready| !ready.is_empty()));
            }
        }
    }

    /// Returns the next piece of the body without its coding.
    async fn decoded(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let Ok(Some(decoder)) = &mut self.decoder else { return self.arriving().await };
            let decoded = match decoder.decoded().transpose() {
                Some(decoded) => decoded,
                None => match self.arriving().await? {
                    Some(piece) => {
                        if let Ok(Some(decoder)) = &mut self.decoder {
                            decoder.feed(piece);
                        }
                        continue;
                    }
                    None => match std::mem::replace(&mut self.decoder, Ok(None)) {
                        Ok(Some(mut decoder)) => decoder.finish(),
                        _ => return Ok(None),
                    },
                },
            };
            match decoded {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Ok(Some(piece)),
                Err(source) => {
                    let error = self.broken_off(source);
                    if let Some(record) = &mut self.record {
                        record.failed(UseOutcome::Broken, error.code());
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn arriving(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let open = &self.of.open;
        let mut answer = open.answer().await;
        let piece = match answer.as_mut() {
            Some(answer) => open.unless_cut(answer.chunk()).await,
            // Whatever cut the use dropped the answer.
            None => open.unless_cut(std::future::pending()).await,
        };
        let (piece, ended) = match piece {
            Ok(piece) => (piece.map_err(|source| self.broken_off(source)), UseOutcome::Broken),
            Err(why) => {
                *answer = None;
                (Err(why.into()), UseOutcome::Cut)
            }
        };
        if let Some(record) = &mut self.record {
            match &piece {
                Ok(Some(piece)) => {
                    record.received += piece.len() as u64;
                    if self.expected == Some(record.received) {
                        record.complete();
                    }
                }
                Ok(None) => record.complete(),
                Err(error) => record.failed(ended, error.code()),
            }
        }
        piece
    }

    /// Returns the whole body, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// The errors of [`chunk`](Self::chunk), with [`HttpError::TooLarge`] for a longer body.
    pub fn bytes(mut self, limit: usize) -> BoxFuture<'static, Result<Secret, Error>> {
        Box::pin(async move {
            let mut body = SecretBuffer::new(limit, self.expected);
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
