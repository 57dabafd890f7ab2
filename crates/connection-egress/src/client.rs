//! The HTTP client.
//!
//! It sends requests that the policy allows, over inner clients that differ in the addresses that they connect to.

use std::{fmt, sync::Arc, time::Duration};

use connection_contract::{BoxFuture, HttpError, HttpRequest, HttpResponse, HttpService, Origin, host};
use reqwest::{Method, Proxy, Url, header::CONTENT_LENGTH, redirect::Policy};
use secrecy::ExposeSecret;
use tracing::{Instrument, debug, debug_span};

use crate::{
    Egress, HttpPolicy, HttpPolicyError, SendOnceOutcome, Streaming,
    answering::Answering,
    clock::{Clock, within},
    egress::Target,
    failure,
    observer::Observed,
    once::{BodyDecision, TrackedBody},
    outages::Outages,
    outgoing::Outgoing,
    redirect::{self, Next},
    resolver::{Addresses, CheckedResolver, Lookup, SystemLookup},
    secret_buffer::SecretBuffer,
    tls::{self, Trusted},
};

/// The HTTP client of a host. Clones share their connections.
#[derive(Clone)]
pub struct HttpClient(Arc<Shared>);

struct Shared {
    policy: HttpPolicy,
    clock: Arc<dyn Clock>,
    /// Connects only to public addresses. The clients are separate, so that an open connection of one serves no other.
    public: reqwest::Client,
    /// Connects to origins that a user named.
    private: reqwest::Client,
    /// Connects to origins that the host named or mapped.
    any: reqwest::Client,
    proxied: Option<reqwest::Client>,
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
        let tls = tls::config(Arc::new(Trusted::new(&policy.root_certificates)?))?;
        if !policy.user_agent.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
            return Err(HttpPolicyError::UserAgent);
        }
        policy.check_progress_timeouts()?;
        let builder = |addresses| {
            reqwest::Client::builder()
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
        let proxied = policy.proxy.as_ref().map(|proxy| {
            // The text may hold a password, so the error of the library is dropped.
            let url = Url::parse(proxy.expose_secret()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            let proxy = Proxy::all(url.ok_or(HttpPolicyError::Proxy)?).map_err(|_| HttpPolicyError::Proxy)?;
            // Only the name of the proxy is resolved here, and the host chose it.
            builder(Addresses::Any).proxy(proxy).build().map_err(client)
        });
        Ok(Self(Arc::new(Shared {
            public: builder(Addresses::Public).build().map_err(client)?,
            private: builder(Addresses::Private).build().map_err(client)?,
            any: builder(Addresses::Any).build().map_err(client)?,
            proxied: proxied.transpose()?,
            outages: Outages::default(),
            answering: Answering::default(),
            policy,
            clock,
        })))
    }

    /// Sends a request and reads the whole answer, within the time and size of the policy.
    ///
    /// # Errors
    ///
    /// [`HttpError::Denied`] if the request may not be sent; then nothing was sent. Other errors mean that no whole
    /// answer arrived.
    pub async fn send(&self, egress: &Egress, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let Shared { policy, clock, .. } = &*self.0;
        let target = egress.target(policy, request.url())?;
        let origin = target.requested.clone();
        let observed = self.observed(&request);
        let whole = async { self.read(self.begin(egress, target, request, self.body_limit()).await?).await };
        let answer = within(&**clock, policy.deadline(), whole).await;
        self.note(
            egress,
            &origin,
            answer.as_ref().map(HttpResponse::status).map_err(|error| *error),
            policy.deadline(),
        );
        if let Some(observed) = observed {
            observed.answered(answer.as_ref());
        }
        answer
    }

    /// Returns the request for the listener of the host, if there is one.
    pub(super) fn observed(&self, request: &HttpRequest) -> Option<Observed> {
        let observer = self.0.policy.observer.clone()?;
        Some(Observed { observer, request: host::duplicate(request) })
    }

    /// Records the result of a request. A request to an origin of the host itself is not an outage of a provider.
    pub(super) fn note(&self, egress: &Egress, origin: &Origin, answer: Result<u16, HttpError>, timeout: Duration) {
        let named = self.0.policy.named(origin);
        egress.heard.note(named, answer, timeout);
        if !egress.host.contains(origin) {
            self.0.outages.note(named, answer, timeout, self.0.clock.passed());
            self.0.answering.note(named, answer, self.0.clock.passed());
        }
    }

    /// Sets the listener that is called with an origin that answers with a status below 500 other than 408 and 429, at
    /// most once a minute for an origin. It is called while a request ends, so it returns at once. Returns `false` if
    /// there is a listener already, which then stays.
    pub fn on_answer(&self, listener: impl Fn(&Origin) + Send + Sync + 'static) -> bool {
        self.0.answering.listen(Box::new(listener))
    }

    /// Sends a request at most once, and reports reliably whether nothing was sent.
    ///
    /// The limits of size and time are those of the policy, but the request takes at most `longest`. After the clock's
    /// [`passed`](Clock::passed) has reached `until`, nothing is sent, even if the process was suspended meanwhile.
    pub async fn send_once(
        &self,
        egress: &Egress,
        request: HttpRequest,
        until: Option<Duration>,
        longest: Option<Duration>,
    ) -> SendOnceOutcome {
        let Shared { policy, clock, .. } = &*self.0;
        let taken = BodyDecision::until(Arc::clone(clock), until);
        let timeout = policy.spending_deadline(longest);
        let origin = egress.target(policy, request.url()).map(|target| target.requested);
        let observed = self.observed(&request).filter(|_| origin.is_ok());
        let whole = within(&**clock, timeout, self.send_marked(egress, request, &taken)).await;
        if let Ok(origin) = origin {
            let answer = whole.as_ref().map(HttpResponse::status).map_err(|error| *error);
            self.note(egress, &origin, answer, timeout);
        }
        if let Some(observed) = observed {
            observed.answered(whole.as_ref());
        }
        if let Err(error) = &whole {
            debug!(%error, "the request was not answered");
        }
        SendOnceOutcome::of(whole, || !taken.give_up())
    }

    /// Sends a request as `send` does, but without a deadline and without following redirects. `taken` records when the
    /// client takes the body, even if the body is empty.
    pub(super) async fn send_marked(
        &self,
        egress: &Egress,
        request: HttpRequest,
        taken: &BodyDecision,
    ) -> Result<HttpResponse, HttpError> {
        let Shared { policy, clock, .. } = &*self.0;
        let target = egress.target(policy, request.url())?;
        let outgoing = Outgoing::new(request)?;
        let span = debug_span!("http", method = %outgoing.method, origin = %target.requested, at = %target.origin);
        let whole = async {
            let Outgoing { method, headers, body, .. } = &outgoing;
            let request = self.client(&target).request(method.clone(), target.url.clone()).headers(headers.clone());
            let body = reqwest::Body::wrap(TrackedBody::new(body.expose().to_vec(), taken.clone()));
            let response = request.body(body).send().await.map_err(|error| failure::of(&error))?;
            egress.heard.begins(response.status().as_u16());
            debug!(status = response.status().as_u16(), "answered");
            self.read(Streaming::new(response, self.body_limit(), policy.spending_deadline(None), Arc::clone(clock))?)
                .await
        };
        whole.instrument(span).await
    }

    async fn read(&self, mut answer: Streaming) -> Result<HttpResponse, HttpError> {
        let mut body = SecretBuffer::new(self.0.policy.body_limit, answer.expected());
        while let Some(chunk) = answer.chunk().await? {
            body.push(&chunk).map_err(|_| HttpError::TooLarge)?;
        }
        Ok(HttpResponse::new(answer.status, answer.headers, body.into_secret(), answer.received_at))
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
        let answer = self.begin(egress, target, request, limit).await;
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
        request: HttpRequest,
        limit: u64,
    ) -> Result<Streaming, HttpError> {
        let Shared { policy, clock, .. } = &*self.0;
        let outgoing = Outgoing::new(request)?;
        // The span shows only the origin, because paths and queries of some providers hold secrets.
        let span = debug_span!("http", method = %outgoing.method, origin = %target.requested, at = %target.origin);
        let answer = async {
            let answer = within(&**clock, policy.deadline(), self.follow(target, outgoing)).await;
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

    async fn follow(&self, mut target: Target, mut outgoing: Outgoing) -> Result<reqwest::Response, HttpError> {
        for _ in 0..=redirect::MAX_COUNT {
            let response = self.exchange(&target, &outgoing).await?;
            match redirect::next(response.status(), response.headers(), &target, &outgoing)? {
                Next::Answer => return Ok(response),
                Next::Same(there) => target = there,
                Next::Get(there) => (target, outgoing) = (there, outgoing.into_get()),
            }
        }
        Err(HttpError::Protocol)
    }

    async fn exchange(&self, target: &Target, outgoing: &Outgoing) -> Result<reqwest::Response, HttpError> {
        let Outgoing { method, headers, body, .. } = outgoing;
        let mut request = self.client(target).request(method.clone(), target.url.clone()).headers(headers.clone());
        if !body.is_empty() {
            request = request.body(body.expose().to_vec());
        } else if matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
            // Some servers reject these methods without a length (RFC 9110, section 8.6), and the inner client sends
            // none for an empty body.
            request = request.header(CONTENT_LENGTH, 0);
        }
        request.send().await.map_err(|error| failure::of(&error))
    }

    /// Returns the inner client for a target.
    pub(super) fn client(&self, target: &Target) -> &reqwest::Client {
        let Shared { public, private, any, proxied, .. } = &*self.0;
        match (proxied, target.addresses) {
            (Some(proxied), _) if !target.is_loopback() => proxied,
            (_, Addresses::Any) => any,
            (_, Addresses::Private) => private,
            (_, Addresses::Public) => public,
        }
    }
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
