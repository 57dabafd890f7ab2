//! Uses a connection: the core attaches the credential, so that the caller never holds it.

use std::{fmt, sync::Arc, time::Duration};

use connection_contract::{Context, HttpError, HttpRequest, Origin, Secret, Timestamp, host};

use super::{Connection, hot::HotRow};
use crate::{
    Error, contain,
    contain::Contained,
    error::{CRASHED, TIMED_OUT},
    registry::KindEntry,
    services::{
        http::{Streaming, host as host_name, is_sendable},
        secret_buffer::SecretBuffer,
    },
    verify::{HostServices, lag},
};

/// To attach a credential is a matter of microseconds.
const LONGEST: Duration = Duration::from_secs(10);
/// The provider did not take the credential (RFC 9110, section 15.5.2).
const UNAUTHORIZED: u16 = 401;
/// The longest answer, in bytes; a reader that wants less stops.
const MOST_BYTES: u64 = 1 << 30;

impl Connection {
    /// Sends a request with the credential attached, to an origin in reach. Redirects are followed within the origin.
    ///
    /// A credential that has ended is renewed first, where its kind can. Any status is an answer. On a 401 the credential is
    /// renewed, unless somebody has stored a newer one meanwhile, and the request is sent once more with that. On a 401 to
    /// a credential that a refresh made seconds ago, the request is sent once more after two seconds, since a provider's
    /// servers may learn of a new token one after another. The request is made by [`request`](Self::request), or from
    /// [`base_url`](Self::base_url).
    ///
    /// # Cancellation
    ///
    /// Dropped, the request may or may not have reached the provider.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] for a method or header that cannot be sent, [`Error::Denied`] for an origin out of
    /// reach, [`Error::Sealed`] when the credential does not open, [`Error::Credential`] when it cannot be attached,
    /// [`Error::NotRenewed`], [`Error::NotSupported`], [`Error::UnknownKind`]: nothing was sent. [`Error::Http`] when there is no answer.
    pub async fn send(&self, request: HttpRequest) -> Result<Response, Error> {
        let (kind, row) = self.open_fresh().await?;
        if !kind.capabilities.send {
            return Err(self.cannot("send requests"));
        }
        let origin = host::origin(request.url()).ok_or(Error::InvalidRequest("its address is not an http(s) one"))?;
        if !is_sendable(&request) {
            return Err(Error::InvalidRequest("its method or a header is one that only the client itself may use"));
        }
        let again = host::duplicate(&request);
        let answer = self.send_as(&kind, &row, &origin, request).await?;
        if answer.status() != UNAUTHORIZED {
            return Ok(answer);
        }
        // A provider that refused a request for its credential did nothing with it.
        let (answer, row) = match self.after_refusal(&kind, &row).await {
            Some(newer) => (self.send_as(&kind, &newer, &origin, host::duplicate(&again)).await?, newer),
            None => (answer, row),
        };
        let clock = &*self.shared.clock;
        if answer.status() != UNAUTHORIZED || !row.plan.is_fresh(clock.now().seconds()) {
            return Ok(answer);
        }
        lag::pause(clock).await;
        // The first answer tells more than that the store cannot be read.
        match self.reopen().await {
            Ok(row) => self.send_as(&kind, &row, &origin, again).await,
            Err(_) => Ok(answer),
        }
    }

    /// Attaches one credential and sends.
    async fn send_as(
        &self,
        kind: &Arc<KindEntry>,
        row: &Arc<HotRow>,
        origin: &Origin,
        mut request: HttpRequest,
    ) -> Result<Response, Error> {
        // Before the plugin attaches anything.
        if !row.payload.origins.iter().any(|allowed| allowed.origin == *origin) {
            return Err(Error::Denied { origin: origin.clone() });
        }
        let services = HostServices::new(&self.shared, kind, &self.info.owner, &row.payload);
        let (definition, row) = (kind.definition.clone(), row.clone());
        let egress = row.payload.egress(&self.info.owner);
        let attach = async move {
            contain::call(move || {
                let http = services.http();
                let ctx = Context::new(services.services(&http));
                definition
                    .authorize(&row.payload.credential, &mut request, &ctx)
                    .map(|attached| attached.then_some(request))
            })
        };
        let kind = &self.info.kind;
        let attached = match self.shared.runtimes.run(&*self.shared.clock, LONGEST, attach).await {
            Contained::Ended(Some(attached)) => attached,
            Contained::Ended(None) | Contained::Panicked => {
                return Err(Error::PluginFault { kind: kind.clone(), what: CRASHED });
            }
            Contained::Stopped | Contained::TimedOut => {
                return Err(Error::PluginFault { kind: kind.clone(), what: TIMED_OUT });
            }
        };
        let attached = attached.map_err(|source| Error::Credential { kind: kind.clone(), source })?;
        let request = attached.ok_or_else(|| self.cannot("send requests"))?;
        let host = host_name(origin).to_owned();
        match self.shared.http.start(&egress, request, MOST_BYTES).await {
            Ok(answer) => Ok(Response { answer, host }),
            Err(source) => Err(Error::Http { host, source }),
        }
    }
}

/// What a provider answered. The body comes in pieces; dropped, the rest is not read.
pub struct Response {
    answer: Streaming,
    host: String,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({})", self.answer.status)
    }
}

impl Response {
    /// `200`
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// All headers.
    pub fn headers(&self) -> &[(String, String)] {
        &self.answer.headers
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// When it came.
    pub fn received_at(&self) -> Timestamp {
        self.answer.received_at
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`Error::Http`] when it breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        self.answer.chunk().await.map_err(|source| self.broken_off(source))
    }

    /// The whole body, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk), and [`HttpError::TooLarge`] in it.
    pub async fn bytes(mut self, limit: usize) -> Result<Secret, Error> {
        let mut body = SecretBuffer::new(limit, self.answer.expected());
        while let Some(piece) = self.chunk().await?.map(Secret::new) {
            body.push(piece.expose()).map_err(|_| self.broken_off(HttpError::TooLarge))?;
        }
        Ok(body.into_secret())
    }

    fn broken_off(&self, source: HttpError) -> Error {
        Error::Http { host: self.host.clone(), source }
    }
}
