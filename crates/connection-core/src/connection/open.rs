//! Uses a connection's credential for a request that is sent and answered in pieces. All other requests of a host are
//! uses of the same functions.

use std::{future::poll_fn, sync::Arc, time::Duration};

use connection_contract::{
    BoxFuture, Challenge, Context, CredentialError, HttpError, HttpRequest, Origin, Secret, host,
};
use connection_egress::{
    BodyFault, BrokenBody, Egress, NotAnswered, Redactor, SecretBuffer, StreamedBody, Streaming, answered,
    attached_secrets, host as host_name, is_sendable,
};

use super::{
    Connection, RequestBody, Response,
    manner::Manner,
    record::{outcome, sent},
    request_body::{Content, KeptBody},
    response::SWITCHING_PROTOCOLS,
};
use crate::{
    Error,
    contain::{self, Contained},
    credential::{CredentialServices, HotRow, Operation, named_secrets},
    error::{CRASHED, TIMED_OUT},
    frozen::OpenUse,
    kinds::KindEntry,
    missing_scopes::MissingScopes,
    uses::{OpenRecord, What},
    verify::lag,
};

/// The longest time for attaching a credential, which takes microseconds.
const MAX_DURATION: Duration = Duration::from_secs(10);
/// The provider does not permit the request with this credential (RFC 9110, section 15.5.4).
const FORBIDDEN: u16 = 403;
/// The maximum size of an answer that is not opened, in bytes. A caller that wants less stops reading.
const MAX_BYTES: u64 = 1 << 30;
/// The maximum size of a body that is read whole because its kind reads it, in bytes.
const MAX_WHOLE: usize = 16 << 20;

/// The error of a request without an answer.
pub(crate) struct Unanswered {
    pub(crate) error: Error,
    /// `true` if a part of the request may have left, so that the provider may have acted on it.
    pub(crate) is_sent: bool,
}

/// Returns `true` for an error of making the connection, after which no part of the request has left.
fn is_unsent(error: &Error) -> bool {
    let Error::Http { source, .. } = error else { return false };
    source.is_of_tls()
        || matches!(source, HttpError::Connect | HttpError::Credential | HttpError::Denied | HttpError::Dns)
}

/// How a request is sent, and its record.
#[derive(Clone, Copy)]
struct Sending<'a> {
    manner: &'a Manner,
    record: &'a OpenRecord,
}

impl Connection {
    /// Sends a request with the credential attached, in pieces, to an origin in reach. For requests and answers that
    /// are large or take long.
    ///
    /// The request is created by [`request`](Self::request), or from [`base_url`](Self::base_url). Its body is `body`.
    /// The answer is returned as soon as its head has arrived, even if the body of the request has not ended. Every
    /// status is an answer, and so is a redirect.
    ///
    /// Neither the request nor the answer has a limit of size or of time. They end if they make no progress:
    /// [`HttpPolicy::first_byte`](crate::HttpPolicy::first_byte) and [`HttpPolicy::idle`](crate::HttpPolicy::idle) are
    /// the limits, 300 seconds by default.
    ///
    /// A credential that has ended is refreshed first, if its kind can refresh it. If the body has more than 256 KiB or
    /// an unknown length, so is one that ends within a minute and is past half of its life. After a 401, the
    /// credential is refreshed and the request is sent again as [`send`](Self::send) does, if at most 256 KiB of a
    /// streamed body had passed. Otherwise the 401 is the answer, after the refresh, and
    /// [`Response::has_newer_credential`] tells the caller that the request can be tried once more.
    ///
    /// Some kinds read the body to attach the credential, for example those that sign requests. Their bodies are read
    /// whole before they are sent.
    ///
    /// # Cancellation
    ///
    /// If the future or the response is dropped, the request ends at the provider, too; it may or may not have been
    /// acted on.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send). [`Error::RequestTooLarge`] for a body of more than 16 MiB and a kind that
    /// reads it; nothing was sent. [`Error::InvalidRequest`] also if the body breaks off, makes no progress, or has
    /// another length than it said; a part of it may then have been sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{Connection, Error, RequestBody};
    ///
    /// async fn completion(connection: &Connection, prompt: String) -> Result<(), Error> {
    ///     let request = connection.request("POST", "/v1/completions").await?;
    ///     let mut answer = connection.open(request, RequestBody::whole(prompt)).await?;
    ///     while let Some(piece) = answer.chunk().await? {
    ///         println!("{} bytes", piece.len());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn open(&self, mut request: HttpRequest, body: RequestBody) -> BoxFuture<'_, Result<Response, Error>> {
        Box::pin(async move {
            let body = body.into_content();
            let is_empty = matches!(&body, Content::Whole(body) if body.is_empty());
            if !is_empty && !request.body.is_empty() {
                return Err(Error::InvalidRequest("it has two bodies"));
            }
            let streamed = match body {
                Content::Whole(_) if is_empty => None,
                Content::Whole(body) => {
                    request.body = body;
                    None
                }
                Content::Stream(body) => Some(body),
            };
            self.perform(request, Manner::InPieces(streamed), None).await
        })
    }

    /// Asks the provider to upgrade the connection to a WebSocket. If it does, the status of the answer is 101, `body` is
    /// sent on the connection, and the body of the answer has the bytes that the provider sends. Otherwise, `body` is not
    /// read. Nothing is decided after the upgrade, and no credential is replaced.
    ///
    /// # Errors
    ///
    /// The errors of [`open`](Self::open). [`Error::InvalidRequest`] also for a body that is no stream.
    pub(crate) async fn open_websocket(&self, request: HttpRequest, body: RequestBody) -> Result<Response, Error> {
        match body.into_content() {
            Content::Stream(body) => self.perform(request, Manner::WebSocket(body), None).await,
            Content::Whole(_) => Err(Error::InvalidRequest("only a stream can follow a request for a WebSocket")),
        }
    }

    /// Sends a request as [`open`](Self::open) does, with this body. An error says whether the provider may have acted on
    /// the request.
    ///
    /// # Errors
    ///
    /// The errors of [`open`](Self::open).
    pub(crate) async fn open_once(&self, mut request: HttpRequest, body: Secret) -> Result<Response, Unanswered> {
        request.body = body;
        self.perform_telling(request, Manner::Approved, None).await
    }

    /// Sends a request with a working credential, and again if the provider refuses it and another credential or a
    /// little time may help. `begun` is the record of the use if its beginning is written already.
    pub(super) async fn perform(
        &self,
        request: HttpRequest,
        manner: Manner,
        begun: Option<OpenRecord>,
    ) -> Result<Response, Error> {
        self.perform_telling(request, manner, begun).await.map_err(|unanswered| unanswered.error)
    }

    async fn perform_telling(
        &self,
        request: HttpRequest,
        manner: Manner,
        begun: Option<OpenRecord>,
    ) -> Result<Response, Unanswered> {
        let is_head = request.method == "HEAD";
        let mut what = self.what_of(&request);
        let mut record = begun;
        match self.performed(request, manner, &mut record, &mut what).await {
            Ok(mut answer) => {
                if let Some(record) = record {
                    answer.recorded(record, is_head);
                }
                Ok(answer)
            }
            Err(error) => {
                let is_repeated = record.as_ref().is_some_and(OpenRecord::was_repeated);
                let is_begun = record.as_ref().is_some_and(OpenRecord::is_sent);
                let is_sent = is_repeated || is_begun && !is_unsent(&error);
                match record {
                    Some(mut record) => record.failed(outcome(&error, record.is_sent()), error.code()),
                    None => self.record_refusal(self.by(), what, &error),
                }
                Err(Unanswered { error, is_sent })
            }
        }
    }

    /// Sends a request as [`perform`](Self::perform) does. `record` is set, and `what` taken, when the use begins in the
    /// record.
    async fn performed(
        &self,
        mut request: HttpRequest,
        mut manner: Manner,
        record: &mut Option<OpenRecord>,
        what: &mut What,
    ) -> Result<Response, Error> {
        let (mut kind, mut row) = self.open_for_use().await?;
        if !kind.capabilities.send {
            return Err(self.cannot("send requests"));
        }
        let origin =
            host::origin(request.url()).ok_or(Error::InvalidRequest("its address is not an http or https address"))?;
        if !is_sendable(&request) {
            return Err(Error::InvalidRequest("only the HTTP client itself may use its method or one of its headers"));
        }
        if self.redacts() {
            // What the provider repeats is found only in a body without a coding.
            request.set_header("accept-encoding", "identity");
        }
        if kind.reads_body && matches!(manner, Manner::InPieces(_) | Manner::Approved) {
            check_reach(&row, &origin)?;
            check_size(&kind, request.body.expose().len() <= MAX_WHOLE)?;
            if let Some(body) = manner.take_body() {
                request.body = Box::pin(self.read_whole(&kind, body)).await?;
                // Reading may have taken minutes.
                (kind, row) = Box::pin(self.open_for_use()).await?;
            }
        }
        check_reach(&row, &origin)?;
        if manner.is_long(&request) {
            row = Box::pin(self.refreshed_for_long_request(&kind, row)).await;
        }
        let record = match record {
            Some(record) => record,
            None => record.insert(self.begin_record(std::mem::take(what)).await?),
        };
        record.count_sent(sent(&request, &manner));
        self.answered(kind, row, &origin, request, Sending { manner: &manner, record }).await?.decodable()
    }

    /// Sends a request with this credential, and again if the provider refuses it.
    async fn answered(
        &self,
        kind: Arc<KindEntry>,
        mut row: Arc<HotRow>,
        origin: &Origin,
        request: HttpRequest,
        how: Sending<'_>,
    ) -> Result<Response, Error> {
        let again = host::duplicate(&request);
        let mut answer = self.send_as(&kind, &row, origin, request, how).await?;
        if answer.refuses_token() {
            (answer, row) = self.send_again(&kind, row, origin, answer, again, how).await?;
        }
        let is_refused = answer.refuses_token() && !answer.has_newer_credential();
        let is_contradiction =
            answer.is_success() && row.is_contradicted_by_success(self.system.ground.clock.now().seconds());
        if is_refused || is_contradiction {
            let refused_by = is_refused.then(|| answered(origin, answer.status()));
            self.note_refused_use(row.generation, refused_by).await;
        }
        Ok(answer)
    }

    /// Sends a request again that was refused with this answer and this credential, if another credential or a little
    /// time may help. Returns the last answer and its credential.
    async fn send_again(
        &self,
        kind: &Arc<KindEntry>,
        row: Arc<HotRow>,
        origin: &Origin,
        mut answer: Response,
        again: HttpRequest,
        how: Sending<'_>,
    ) -> Result<(Response, Arc<HotRow>), Error> {
        // While the credential is refreshed, no more of a body passes than can be kept.
        let held = Held::new(how.manner.streamed());
        // A provider that refuses a request because of its credential has not acted on it.
        let (answer, row) = match self.after_refusal(kind, &row).await {
            Some(newer) if how.manner.repeats() => {
                drop(answer);
                (self.send_as(kind, &newer, origin, host::duplicate(&again), how).await?, newer)
            }
            Some(_) => {
                answer.has_newer_credential = true;
                return Ok((answer, row));
            }
            None => (answer, row),
        };
        drop(held);
        let clock = &*self.system.ground.clock;
        let is_fresh = row.plan.is_fresh(clock.now().seconds());
        if !answer.refuses_token() || !is_fresh || !how.manner.repeats() {
            return Ok((answer, row));
        }
        let _held = Held::new(how.manner.streamed());
        lag::pause(clock).await;
        // The credential may have ended during the pause. If there is none, the first answer is the better result.
        match Box::pin(self.open_for_use()).await {
            Ok((_, row)) if how.manner.repeats() => {
                drop(answer);
                Ok((self.send_as(kind, &row, origin, again, how).await?, row))
            }
            _ => Ok((answer, row)),
        }
    }

    /// Attaches one credential and sends the request.
    async fn send_as(
        &self,
        kind: &Arc<KindEntry>,
        row: &Arc<HotRow>,
        origin: &Origin,
        request: HttpRequest,
        how: Sending<'_>,
    ) -> Result<Response, Error> {
        // The origin is checked before the plugin attaches anything.
        check_reach(row, origin)?;
        let of = self.begin_use(row).await?;
        let (request, redactor) = of.open.unless_cut(self.attach(kind, row, request)).await??;
        if how.manner.streamed().is_some() && !request.body.is_empty() {
            // The plugin added a body without saying that it reads bodies.
            return Err(self.cannot("send a body in pieces"));
        }
        let host = host_name(origin).to_owned();
        let is_head = request.method == "HEAD";
        how.record.sending();
        // A request that a person approved is sent once.
        let repeats_reads = kind.descriptor.gets_only_read && !matches!(how.manner, Manner::Approved);
        let answered = of.open.unless_cut(self.answer(row, request, how.manner, &of.open, repeats_reads)).await?;
        let answer = answered.map_err(|error| match (of.open.reason(), error) {
            (Some(why), _) => why.into(),
            (None, NotAnswered::Body(fault)) => invalid(fault),
            (None, NotAnswered::Http(source)) => Error::Http { host: host.clone(), source },
        })?;
        let scopes = match answer.status {
            FORBIDDEN => self.missing_scopes(kind, &answer.headers).await,
            _ => MissingScopes::default(),
        };
        Ok(Response::new(answer, of, host, scopes).await.redacted(redactor, is_head))
    }

    /// Returns the scopes that a challenge of the answer names and the connection does not have.
    async fn missing_scopes(&self, kind: &KindEntry, headers: &[(String, String)]) -> MissingScopes {
        let Some(named) = Challenge::of(headers).missing_scopes.filter(|named| !named.is_empty()) else {
            return MissingScopes::default();
        };
        // The connection may have been authorized again since the caller read it.
        let info = Box::pin(self.system.ground.info_by_id(&self.info.owner, self.id())).await;
        let granted = info.as_ref().map_or(&self.info.scopes, |info| &info.scopes);
        MissingScopes::of(named, granted.as_deref().unwrap_or_default(), &kind.descriptor)
    }

    async fn answer(
        &self,
        row: &HotRow,
        mut request: HttpRequest,
        manner: &Manner,
        of: &Arc<OpenUse>,
        repeats_reads: bool,
    ) -> Result<Streaming, NotAnswered> {
        let http = &self.system.ground.http;
        let egress = Egress { repeats_reads, ..row.payload.egress(&self.info.owner, Operation::Use) };
        match manner {
            Manner::AtOnce => Ok(http.start(&egress, request, MAX_BYTES).await?),
            Manner::InPieces(_) | Manner::Approved => {
                let body = match manner.streamed() {
                    Some(body) => Some(body.next_request()),
                    None => StreamedBody::whole(std::mem::take(&mut request.body)),
                };
                http.open(&egress, request, body.map(|body| of.guarded(body))).await
            }
            Manner::WebSocket(body) => {
                let answer = http.upgrade(&egress, request, of.guarded(body.next_request())).await?;
                if answer.status == SWITCHING_PROTOCOLS {
                    body.forget();
                }
                Ok(answer)
            }
        }
    }

    /// Lets the plugin attach one credential to the request. Returns what replaces the credential in the answer, if the
    /// answer is redacted.
    pub(super) async fn attach(
        &self,
        kind: &Arc<KindEntry>,
        row: &Arc<HotRow>,
        mut request: HttpRequest,
    ) -> Result<(HttpRequest, Option<Redactor>), Error> {
        let services =
            CredentialServices::new(&self.system.ground, kind, &self.info.owner, &row.payload, Operation::Use);
        let definition = kind.definition.clone();
        let credential = row.clone();
        let names = if self.redacts() { Some(named_secrets::declared(kind)) } else { None };
        let attach = move || {
            contain::call(move || -> Result<_, CredentialError> {
                let credential = &credential.payload.credential;
                let http = services.http();
                let ctx = Context::new(services.services(&http));
                if !definition.authorize(credential, &mut request, &ctx)? {
                    return Ok(None);
                }
                let secrets = names.map(|names| definition.secrets_named(credential, &names)).transpose()?;
                Ok(Some((request, secrets)))
            })
        };
        let (seats, is_immediate) = (&kind.seats, kind.is_immediate);
        let kind = &self.info.kind;
        let ground = &self.system.ground;
        let ended = match is_immediate {
            true => Contained::Ended(attach()),
            false => ground.runtimes.run(&*ground.clock, MAX_DURATION, async move { attach() }).await,
        };
        let attached = match ended {
            Contained::Ended(Some(attached)) => attached,
            Contained::Ended(None) | Contained::Panicked => {
                return Err(Error::PluginFault { kind: kind.clone(), what: CRASHED });
            }
            Contained::Stopped | Contained::TimedOut => {
                return Err(Error::PluginFault { kind: kind.clone(), what: TIMED_OUT });
            }
        };
        let attached = attached.map_err(|source| Error::Credential { kind: kind.clone(), source })?;
        let (request, secrets) = attached.ok_or_else(|| self.cannot("send requests"))?;
        let secrets =
            secrets.map(|named| named.into_iter().flatten().chain(attached_secrets(&request, seats)).collect());
        Ok((request, secrets.and_then(|secrets| row.last_search.redactor(secrets))))
    }

    /// Reads the whole body of a request for a kind that needs it to attach the credential.
    async fn read_whole(&self, kind: &KindEntry, body: KeptBody) -> Result<Secret, Error> {
        let length = body.length();
        check_size(kind, length.is_none_or(|length| length <= MAX_WHOLE as u64))?;
        let idle = self.system.ground.http.policy().idle_timeout();
        let clock = &*self.system.ground.clock;
        let mut pieces = body.next_request().pieces;
        let mut whole = SecretBuffer::new(MAX_WHOLE, length);
        loop {
            let sleep = clock.sleep(idle);
            let piece = tokio::select! {
                biased;
                piece = poll_fn(|cx| pieces.poll_piece(cx)) => piece,
                () = sleep => return Err(invalid(BodyFault::Quiet)),
            };
            match piece.transpose().map_err(|BrokenBody| invalid(BodyFault::Broken))?.map(Secret::new) {
                Some(piece) => check_size(kind, whole.push(piece.expose()).is_ok())?,
                None => break,
            }
        }
        let is_whole = length.is_none_or(|length| length == whole.expose().len() as u64);
        if is_whole { Ok(whole.into_secret()) } else { Err(invalid(BodyFault::Length)) }
    }
}

/// A body of which nothing passes while this value lives.
struct Held<'a>(Option<&'a KeptBody>);

impl<'a> Held<'a> {
    fn new(body: Option<&'a KeptBody>) -> Self {
        if let Some(body) = body {
            body.hold();
        }
        Self(body)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(body) = self.0 {
            body.release();
        }
    }
}

pub(super) fn check_reach(row: &HotRow, origin: &Origin) -> Result<(), Error> {
    match row.payload.reached(Operation::Use).any(|allowed| allowed.origin == *origin) {
        true => Ok(()),
        false => Err(Error::Denied { origin: origin.clone() }),
    }
}

fn check_size(kind: &KindEntry, fits: bool) -> Result<(), Error> {
    match fits {
        true => Ok(()),
        false => Err(Error::RequestTooLarge { kind: kind.descriptor.kind.clone(), limit: MAX_WHOLE }),
    }
}

/// Returns the error for a body that could not be sent to its end.
pub(crate) fn invalid(fault: BodyFault) -> Error {
    Error::InvalidRequest(match fault {
        BodyFault::Broken => "its body broke off",
        BodyFault::Length => "its body does not have the length that was announced",
        BodyFault::Quiet => "its body made no progress in time",
    })
}
