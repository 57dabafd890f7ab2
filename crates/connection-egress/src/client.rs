//! The HTTP client.
//!
//! It sends requests that the policy allows, over inner clients that differ in the addresses that they connect to.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use connection_contract::{BoxFuture, HttpError, HttpRequest, HttpResponse, HttpService, Origin, Secret, host};
use reqwest::{Method, Proxy, Url, header::CONTENT_LENGTH, redirect::Policy};
use secrecy::ExposeSecret;
use tracing::{Instrument, debug, debug_span};

use crate::{
    Egress, HttpPolicy, HttpPolicyError, LastAnswer, SendOnceOutcome, Streaming,
    answering::Answering,
    clock::{Clock, within, within_or_arrived},
    coding,
    egress::Target,
    failure,
    observer::Observed,
    once::{BodyDecision, SendUntil, TrackedBody},
    outages::Outages,
    outgoing::Outgoing,
    redirect::{self, Next},
    resolver::{Addresses, CheckedResolver, Lookup, SystemLookup},
    reuse::{self, NotesConnections},
    secret_buffer::SecretBuffer,
    tls::tls_config,
};

/// The inner clients, which differ in the addresses that they connect to. They are separate, so that an open connection of
/// one serves no other.
struct Clients {
    /// Connects only to public addresses.
    public: reqwest::Client,
    /// Connects to origins that a user named.
    private: reqwest::Client,
    /// Connects to origins that the host named or mapped.
    any: reqwest::Client,
    proxied: Option<reqwest::Client>,
}

/// The connection on which a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// One that is open, or a new one.
    Any,
    /// A new one, which serves no other request.
    Fresh,
}

/// The HTTP client of a host. Clones share their connections.
#[derive(Clone)]
pub struct HttpClient(Arc<Shared>);

/// The time after which a connection without a request is closed. Common servers close one after 5 seconds or more
/// (Node.js, Apache), and a request that is sent just then gets no answer.
const MAX_IDLE: Duration = Duration::from_secs(4);

struct Shared {
    policy: HttpPolicy,
    clock: Arc<dyn Clock>,
    /// The clients that keep connections for later requests.
    kept: Clients,
    /// The clients that make a connection for each request.
    fresh: Clients,
    outages: Outages,
    answering: Answering,
}

impl HttpClient {
    /// Creates a client that follows the policy.
    ///
    /// # Errors
    ///
    /// [`HttpPolicyError`], if the policy cannot be followed.
    pub fn new(policy: HttpPolicy, clock: Arc<dyn Clock>) -> Result<Self, HttpPolicyError> {
        Self::with_lookup(policy, clock, Arc::new(SystemLookup))
    }

    /// Creates a client as `new` does, with this name service.
    pub(super) fn with_lookup(
        policy: HttpPolicy,
        clock: Arc<dyn Clock>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, HttpPolicyError> {
        let tls = tls_config(&policy.root_certificates)?;
        if !policy.user_agent.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
            return Err(HttpPolicyError::UserAgent);
        }
        policy.check_progress_timeouts()?;
        let builder = |addresses, line: Line| {
            crate::head::tolerant(reqwest::Client::builder())
                .pool_max_idle_per_host(if line == Line::Any { usize::MAX } else { 0 })
                .pool_idle_timeout(MAX_IDLE)
                .connector_layer(NotesConnections)
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(CheckedResolver { lookup: Arc::clone(&lookup), addresses })
                .redirect(Policy::none())
                .referer(false)
                .no_proxy()
                .retry(reqwest::retry::never())
                .http1_only()
                .user_agent(policy.user_agent.clone())
                .connect_timeout(policy.connect_timeout)
        };
        let client = |error: reqwest::Error| HttpPolicyError::Client(error.without_url().into());
        let clients = |line: Line| -> Result<Clients, HttpPolicyError> {
            let proxied = policy.proxy.as_ref().map(|proxy| {
                // The text may hold a password, so the error of the library is dropped.
                let url = Url::parse(proxy.expose_secret()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
                let proxy = Proxy::all(url.ok_or(HttpPolicyError::Proxy)?).map_err(|_| HttpPolicyError::Proxy)?;
                // Only the name of the proxy is resolved here, and the host chose it.
                builder(Addresses::Any, line).proxy(proxy).build().map_err(client)
            });
            Ok(Clients {
                public: builder(Addresses::Public, line).build().map_err(client)?,
                private: builder(Addresses::Private, line).build().map_err(client)?,
                any: builder(Addresses::Any, line).build().map_err(client)?,
                proxied: proxied.transpose()?,
            })
        };
        Ok(Self(Arc::new(Shared {
            kept: clients(Line::Any)?,
            fresh: clients(Line::Fresh)?,
            outages: Outages::default(),
            answering: Answering::default(),
            policy,
            clock,
        })))
    }

    /// Sends a request and reads the whole answer, within the time and size of the policy.
    ///
    /// The request asks for an answer without a content coding unless it says otherwise, and a coding that is known is
    /// decoded. A `GET` or `HEAD` without a body is sent once more, on a new connection, if it was sent on a connection that
    /// was open before and that ended without an answer.
    ///
    /// # Errors
    ///
    /// [`HttpError::Denied`] if the request may not be sent; then nothing was sent. Other errors mean that no whole
    /// answer arrived.
    pub async fn send(&self, egress: &Egress, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.send_within(egress, request, self.body_limit()).await
    }

    /// Sends a request as [`send`](Self::send) does. The body of its answer may have `limit` bytes.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send).
    pub async fn send_within(
        &self,
        egress: &Egress,
        request: HttpRequest,
        limit: u64,
    ) -> Result<HttpResponse, HttpError> {
        let Shared { policy, clock, .. } = &*self.0;
        let target = egress.target(policy, request.url())?;
        let origin = target.requested.clone();
        let observed = self.observed(&request);
        let egress = &Egress { repeats_reads: true, ..egress.clone() };
        egress.heard.sends(&request);
        let whole = async {
            let mut outgoing = Outgoing::new(request)?;
            coding::ask_for_identity(&mut outgoing.headers);
            self.read(self.begin(egress, target, outgoing, limit).await?, limit).await
        };
        let answer = within(&**clock, policy.deadline(), whole).await;
        self.note(
            egress,
            &origin,
            answer.as_ref().map(HttpResponse::status).map_err(|error| *error),
            policy.deadline(),
        );
        if let Ok(answer) = &answer {
            egress.heard.reads(answer);
        }
        if let Some(observed) = observed {
            observed.answered(answer.as_ref());
        }
        answer
    }

    /// Records the answer to a request that was sent in an earlier run, so that a reason can name it.
    pub fn recall(&self, heard: &LastAnswer, request: &HttpRequest, answer: Result<&HttpResponse, HttpError>) {
        heard.sends(request);
        if let Some(origin) = self.origin_of(request) {
            heard.recalls(&origin, answer, self.0.policy.deadline());
        }
    }

    /// Returns the origin that a request names, as reasons and rows name it.
    pub fn origin_of(&self, request: &HttpRequest) -> Option<Origin> {
        host::origin(request.url()).map(|origin| self.0.policy.named(&origin).clone())
    }

    /// Returns the request for the listener of the host, if there is one.
    pub(super) fn observed(&self, request: &HttpRequest) -> Option<Observed> {
        let observer = self.0.policy.observer.clone()?;
        Some(Observed { observer, request: host::duplicate(request) })
    }

    /// Records the result of a request. A request to an origin of the host itself is not an outage of a provider.
    pub(super) fn note(&self, egress: &Egress, origin: &Origin, answer: Result<u16, HttpError>, timeout: Duration) {
        let named = self.0.policy.named(origin);
        egress.heard.note(named, answer, self.0.policy.way_to(named, timeout));
        if !egress.host.contains(origin) {
            self.0.outages.note(named, answer, self.0.policy.way_to(named, timeout), self.0.clock.passed());
            self.0.answering.note(named, answer, self.0.clock.passed());
        }
    }

    /// Sets the listener that is called with an origin that answers with a status below 500 other than 408 and 429, at
    /// most once a minute for an origin. It is called while a request ends, so it returns at once. Returns `false` if
    /// there is a listener already, which then stays.
    pub fn on_answer(&self, listener: impl Fn(&Origin) + Send + Sync + 'static) -> bool {
        self.0.answering.listen(Box::new(listener))
    }

    /// Calls that listener once more with each origin that last answered at least a minute ago and has not failed since.
    pub fn report_answers_again(&self) {
        self.0.answering.report_again(self.0.clock.passed());
    }

    /// Sends a request at most once, on a new connection, and reports reliably whether nothing was sent. The answer is
    /// decoded as by [`send`](Self::send), unless the decoded body would be too large: then it stays as it came.
    ///
    /// The limits of size and time are those of the policy, but the request takes at most `longest`. When the clock's
    /// [`passed`](Clock::passed) has reached `until` at the moment at which the first byte would leave, nothing is sent,
    /// even if the process was suspended meanwhile.
    pub async fn send_once(
        &self,
        egress: &Egress,
        request: HttpRequest,
        until: Option<SendUntil>,
        longest: Option<Duration>,
    ) -> SendOnceOutcome {
        let Shared { policy, clock, .. } = &*self.0;
        let taken = BodyDecision::until(Arc::clone(clock), until);
        let timeout = policy.spending_deadline(longest);
        let sent = async {
            let target = egress.target(policy, request.url());
            match target.and_then(|target| Ok((target, Outgoing::new(host::duplicate(&request))?))) {
                Ok((target, outgoing)) => self.send_marked(&egress.heard, &target, outgoing, &taken, timeout).await,
                Err(error) => (Err(error), false),
            }
        };
        self.send_once_by(egress, &request, longest, sent).await
    }

    /// Records a request that `sent` sends at most once, here or in another process. `sent` returns the answer, and `true`
    /// if the request may have been sent.
    pub async fn send_once_by(
        &self,
        egress: &Egress,
        request: &HttpRequest,
        longest: Option<Duration>,
        sent: impl Future<Output = (Result<HttpResponse, HttpError>, bool)>,
    ) -> SendOnceOutcome {
        let policy = &self.0.policy;
        let origin = egress.target(policy, request.url()).map(|target| target.requested);
        let observed = self.observed(request).filter(|_| origin.is_ok());
        egress.heard.sends(request);
        let (whole, may_have_been_sent) = sent.await;
        if let Ok(origin) = origin {
            let answer = whole.as_ref().map(HttpResponse::status).map_err(|error| *error);
            self.note(egress, &origin, answer, policy.spending_deadline(longest));
            if let Ok(answer) = &whole {
                egress.heard.reads(answer);
            }
        }
        if let Some(observed) = observed {
            observed.answered(whole.as_ref());
        }
        if let Err(error) = &whole {
            debug!(%error, "the request was not answered");
        }
        SendOnceOutcome::of(whole, || may_have_been_sent)
    }

    /// Sends a request as `send` does, but without following redirects. `taken` records when the client takes the body, even
    /// if the body is empty. Returns the answer, and `true` if the request may have been sent.
    pub(super) async fn send_marked(
        &self,
        heard: &LastAnswer,
        target: &Target,
        mut outgoing: Outgoing,
        taken: &BodyDecision,
        timeout: Duration,
    ) -> (Result<HttpResponse, HttpError>, bool) {
        let Shared { policy, clock, .. } = &*self.0;
        coding::ask_for_identity(&mut outgoing.headers);
        let span = debug_span!("http", method = %outgoing.method, origin = %target.requested, at = %target.origin);
        let limit = self.body_limit();
        let whole = async {
            let Outgoing { method, headers, body, .. } = &outgoing;
            // A server may close a connection that was idle just when the request arrives, and the secret would be spent or
            // not.
            let client = self.client(target, Line::Fresh);
            let request = client.request(method.clone(), target.url.clone()).headers(headers.clone());
            let body = reqwest::Body::wrap(TrackedBody::new(body.expose().to_vec(), taken.clone()));
            let response = request.body(body).send().await.map_err(|error| failure::of(&error))?;
            heard.begins(response.status().as_u16());
            debug!(status = response.status().as_u16(), "answered");
            let mut answer = Streaming::new(response, limit, policy.spending_deadline(None), Arc::clone(clock))?;
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let body = whole_body(&mut answer, limit).await?;
            let body = coding::decoded_or_kept(&mut answer.headers, body, limit);
            Ok::<_, HttpError>(HttpResponse::new(answer.status, answer.headers, body, answer.received_at))
        };
        let whole = within_or_arrived(&**clock, timeout, whole.instrument(span), || !taken.give_up()).await;
        let may_have_been_sent = whole.is_ok() || !taken.give_up();
        (whole, may_have_been_sent)
    }

    async fn read(&self, mut answer: Streaming, limit: u64) -> Result<HttpResponse, HttpError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let body = whole_body(&mut answer, limit).await?;
        let body = coding::decoded(&mut answer.headers, body, limit)?;
        Ok(HttpResponse::new(answer.status, answer.headers, body, answer.received_at))
    }

    /// Returns `true` if an origin is at a private address, by its text, that only the owner of the process may reach.
    pub fn is_of_process_alone(&self, origin: &Origin) -> bool {
        self.0.policy.is_of_process_alone(origin)
    }

    /// Returns the policy that this client follows.
    pub fn policy(&self) -> &HttpPolicy {
        &self.0.policy
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    fn body_limit(&self) -> u64 {
        u64::try_from(self.0.policy.body_limit).unwrap_or(u64::MAX)
    }

    /// Sends a request and returns the answer as soon as its headers have arrived. Its body may have `limit` bytes.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`send`](Self::send).
    pub async fn start(&self, egress: &Egress, request: HttpRequest, limit: u64) -> Result<Streaming, HttpError> {
        let policy = &self.0.policy;
        let target = egress.target(policy, request.url())?;
        let origin = target.requested.clone();
        let observed = self.observed(&request);
        let answer = match Outgoing::new(request) {
            Ok(outgoing) => self.begin(egress, target, outgoing, limit).await,
            Err(error) => Err(error),
        };
        self.note(
            egress,
            &origin,
            answer.as_ref().map(|answer| answer.status).map_err(|error| *error),
            policy.deadline(),
        );
        if let Some(observed) = observed {
            observed.began(answer.as_ref().map(|answer| answer.status).map_err(|error| *error));
        }
        answer
    }

    async fn begin(
        &self,
        egress: &Egress,
        target: Target,
        outgoing: Outgoing,
        limit: u64,
    ) -> Result<Streaming, HttpError> {
        let Shared { policy, clock, .. } = &*self.0;
        // The span shows only the origin, because paths and queries of some providers hold secrets.
        let span = debug_span!("http", method = %outgoing.method, origin = %target.requested, at = %target.origin);
        let answer = async {
            let answer = within(&**clock, policy.deadline(), self.follow(egress, target, outgoing)).await;
            match &answer {
                Ok(response) => {
                    egress.heard.begins(response.status().as_u16());
                    debug!(status = response.status().as_u16(), "answered");
                }
                Err(error) => debug!(%error, "the request was not answered"),
            }
            Streaming::new(answer?, limit, policy.deadline(), Arc::clone(clock))
        };
        answer.instrument(span).await
    }

    async fn follow(
        &self,
        egress: &Egress,
        mut target: Target,
        mut outgoing: Outgoing,
    ) -> Result<reqwest::Response, HttpError> {
        let mut status = 0;
        for _ in 0..=redirect::MAX_COUNT {
            let is_repeatable = egress.repeats_reads && outgoing.is_plain_read();
            let response = self.exchanged(is_repeatable, |line| self.exchange(&target, &outgoing, line)).await?;
            status = response.status().as_u16();
            // A redirect that is refused is an answer, which a reason names.
            let next = redirect::next(response.status(), response.headers(), &target, &outgoing)
                .inspect_err(|_| egress.heard.begins(status));
            match next? {
                Next::Answer => return Ok(response),
                Next::Same(there) => target = there,
                Next::Get(there) => (target, outgoing) = (there, outgoing.into_get()),
            }
        }
        Err(HttpError::Redirects(status))
    }

    /// Sends a request, and once more on a new connection if it may be repeated and the connection that it was sent on was
    /// open before and ended without an answer.
    pub(super) async fn exchanged<F: Future<Output = Result<reqwest::Response, reqwest::Error>>>(
        &self,
        is_repeatable: bool,
        send: impl Fn(Line) -> F,
    ) -> Result<reqwest::Response, HttpError> {
        let (answered, made) = reuse::sent(send(Line::Any)).await;
        match answered {
            Err(error) if is_repeatable && made.was_outlived(&error) => {
                debug!("the connection had been closed; the request is sent again on a new one");
                send(Line::Fresh).await.map_err(|error| failure::of(&error))
            }
            answered => answered.map_err(|error| failure::of(&error)),
        }
    }

    async fn exchange(
        &self,
        target: &Target,
        outgoing: &Outgoing,
        line: Line,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let Outgoing { method, headers, body, .. } = outgoing;
        let mut request =
            self.client(target, line).request(method.clone(), target.url.clone()).headers(headers.clone());
        if !body.is_empty() {
            request = request.body(body.expose().to_vec());
        } else if matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
            // Some servers reject these methods without a length (RFC 9110, section 8.6), and the inner client sends
            // none for an empty body.
            request = request.header(CONTENT_LENGTH, 0);
        }
        request.send().await
    }

    /// Returns the inner client for a target.
    pub(super) fn client(&self, target: &Target, line: Line) -> &reqwest::Client {
        let Clients { public, private, any, proxied } = if line == Line::Any { &self.0.kept } else { &self.0.fresh };
        match (proxied, target.addresses) {
            (Some(proxied), _) if !target.is_loopback() => proxied,
            (_, Addresses::Any) => any,
            (_, Addresses::Private) => private,
            (_, Addresses::Public) => public,
        }
    }
}

async fn whole_body(answer: &mut Streaming, limit: usize) -> Result<Secret, HttpError> {
    let mut body = SecretBuffer::new(limit, answer.expected());
    while let Some(chunk) = answer.chunk().await? {
        body.push(&chunk).map_err(|_| HttpError::TooLarge)?;
    }
    Ok(body.into_secret())
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpClient").field(&self.0.policy).finish()
    }
}

/// An HTTP client together with the origins that its requests may go to.
#[derive(Clone, Copy, Debug)]
pub struct EgressHttp<'a> {
    client: &'a HttpClient,
    egress: &'a Egress,
}

impl<'a> EgressHttp<'a> {
    /// Combines a client with the origins of `egress`.
    pub fn new(client: &'a HttpClient, egress: &'a Egress) -> Self {
        Self { client, egress }
    }
}

impl HttpService for EgressHttp<'_> {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let answered = self.client.send(self.egress, request).await;
            // The end of an answer may have woken a request that waits for its connection. That one runs first, because no
            // other thread could run it if the plugin, which goes on now, never yielded.
            tokio::task::yield_now().await;
            answered
        })
    }
}
