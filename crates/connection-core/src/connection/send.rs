//! Sends requests with a connection's credential, which the core attaches, so that the caller never holds it.

use std::{fmt, sync::Arc, time::Duration};

use connection_contract::{BoxFuture, Context, HttpError, HttpRequest, Origin, Secret, Timestamp, host};
use connection_egress::{SecretBuffer, Streaming, host as host_name, is_sendable};

use super::{Connection, missing_scopes::MissingScopes};
use crate::{
    Error,
    contain::{self, Contained},
    credential::{CredentialServices, HotRow, Operation},
    error::{CRASHED, TIMED_OUT},
    kinds::KindEntry,
    verify::lag,
};

/// The longest time for attaching a credential, which takes microseconds.
const MAX_DURATION: Duration = Duration::from_secs(10);
/// The provider did not accept the credential (RFC 9110, section 15.5.2).
const UNAUTHORIZED: u16 = 401;
/// The provider does not permit the request with this credential (RFC 9110, section 15.5.4).
const FORBIDDEN: u16 = 403;
/// The maximum size of an answer, in bytes. A caller that wants less stops reading.
const MAX_BYTES: u64 = 1 << 30;

impl Connection {
    /// Sends a request with the credential attached, to an origin in reach. Redirects are followed within the origin.
    ///
    /// The request is created by [`request`](Self::request), or from [`base_url`](Self::base_url). Every status is an
    /// answer. A credential that has ended is refreshed first, if its kind can refresh it.
    ///
    /// After a 401, the credential is refreshed, unless a newer one has been stored meanwhile, and the request is sent
    /// once more with the new credential. If the answer is a 401 although the credential was refreshed seconds ago, the
    /// request is sent once more after two seconds, because the servers of a provider may learn of a new token one
    /// after another. A 401 that remains makes the connection due for a verification; see
    /// [`verify_refused_use`](Self::verify_refused_use).
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the request may or may not have reached the provider.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] for a method or header that cannot be sent, [`Error::Denied`] for an origin out of
    /// reach, [`Error::Sealed`] if the credential cannot be opened, [`Error::Credential`] if it cannot be attached,
    /// [`Error::NotRenewed`], [`Error::NotSupported`], [`Error::UnknownKind`], [`Error::KindChanged`]: nothing was sent.
    /// [`Error::Http`] if there is no answer.
    pub fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(async move {
            let (kind, row) = self.open_fresh().await?;
            if !kind.capabilities.send {
                return Err(self.cannot("send requests"));
            }
            let origin = host::origin(request.url())
                .ok_or(Error::InvalidRequest("its address is not an http or https address"))?;
            if !is_sendable(&request) {
                return Err(Error::InvalidRequest(
                    "only the HTTP client itself may use its method or one of its headers",
                ));
            }
            let again = host::duplicate(&request);
            let answer = self.send_as(&kind, &row, &origin, request).await?;
            if answer.status() != UNAUTHORIZED {
                return Ok(answer);
            }
            let (answer, row) = self.send_again(&kind, row, &origin, answer, again).await?;
            if answer.status() == UNAUTHORIZED {
                self.note_refused_use(row.generation).await;
            }
            Ok(answer)
        })
    }

    /// Sends a request again that was refused with this answer and this credential, if another credential or a little time
    /// may help. Returns the last answer and its credential.
    async fn send_again(
        &self,
        kind: &Arc<KindEntry>,
        row: Arc<HotRow>,
        origin: &Origin,
        answer: Response,
        again: HttpRequest,
    ) -> Result<(Response, Arc<HotRow>), Error> {
        // A provider that refuses a request because of its credential has not acted on it.
        let (answer, row) = match self.after_refusal(kind, &row).await {
            Some(newer) => (self.send_as(kind, &newer, origin, host::duplicate(&again)).await?, newer),
            None => (answer, row),
        };
        let clock = &*self.system.ground.clock;
        if answer.status() != UNAUTHORIZED || !row.plan.is_fresh(clock.now().seconds()) {
            return Ok((answer, row));
        }
        lag::pause(clock).await;
        // If the store cannot be read, the first answer is the better result.
        match self.reopen(kind).await {
            Ok(row) => Ok((self.send_as(kind, &row, origin, again).await?, row)),
            Err(_) => Ok((answer, row)),
        }
    }

    /// Attaches one credential and sends the request.
    async fn send_as(
        &self,
        kind: &Arc<KindEntry>,
        row: &Arc<HotRow>,
        origin: &Origin,
        mut request: HttpRequest,
    ) -> Result<Response, Error> {
        // The origin is checked before the plugin attaches anything.
        if !row.payload.reached(Operation::Use).any(|allowed| allowed.origin == *origin) {
            return Err(Error::Denied { origin: origin.clone() });
        }
        let services = CredentialServices::new(&self.system.ground, kind, &self.info.owner, &row.payload, Operation::Use);
        let definition = kind.definition.clone();
        let row = row.clone();
        let egress = row.payload.egress(&self.info.owner, Operation::Use);
        let attach = async move {
            contain::call(move || {
                let http = services.http();
                let ctx = Context::new(services.services(&http));
                definition
                    .authorize(&row.payload.credential, &mut request, &ctx)
                    .map(|attached| attached.then_some(request))
            })
        };
        let descriptor = &kind.descriptor;
        let kind = &self.info.kind;
        let attached = match self.system.ground.runtimes.run(&*self.system.ground.clock, MAX_DURATION, attach).await {
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
        match self.system.ground.http.start(&egress, request, MAX_BYTES).await {
            Ok(answer) => {
                let scopes = match answer.status {
                    FORBIDDEN => MissingScopes::of(&answer.headers, descriptor),
                    _ => MissingScopes::default(),
                };
                Ok(Response { answer, host, scopes })
            }
            Err(source) => Err(Error::Http { host, source }),
        }
    }
}

/// The answer of a provider. The body arrives in pieces; if the response is dropped, the rest is not read.
pub struct Response {
    answer: Streaming,
    host: String,
    scopes: MissingScopes,
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
