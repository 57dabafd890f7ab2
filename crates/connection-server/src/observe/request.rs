//! The observation of one request: its id, its log line and its part of the metrics.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Error, Router,
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::Response,
};
use connection_core::{AccessToken, AccessTokenId};
use http_body::{Frame, SizeHint};
use prometheus_client::metrics::gauge::Gauge;

use super::{
    metrics::{Metrics, RequestKind},
    request_id::{self, CONNECTIONS_REQUEST_ID, X_REQUEST_ID},
};

/// The paths that monitors read all the time. Their requests are logged only at the level `debug`.
const MONITORS: [&str; 4] = ["/healthz", "/livez", "/readyz", "/metrics"];
/// The template of a request that no route matches.
const NO_ROUTE: &str = "none";

/// The caller of a request, which a handler finds out while the request is observed.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestRecord(Arc<Mutex<Caller>>);

#[derive(Clone, Debug, Default)]
struct Caller {
    token: Option<AccessTokenId>,
    owner: Option<String>,
}

impl RequestRecord {
    pub(crate) fn set_token(&self, token: &AccessToken) {
        let mut caller = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *caller = Caller { token: Some(token.id), owner: token.owner.clone() };
    }

    /// Sets the owner for whom the caller acts.
    pub(crate) fn set_owner(&self, owner: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).owner = Some(owner.to_owned());
    }

    fn caller(&self) -> Caller {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Marks an answer of a door. Its `x-request-id` is that of the provider, and ours has a name of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnId;

/// The metrics and the log of requests.
#[derive(Clone, Debug)]
struct Observer {
    metrics: Metrics,
    prefix: Arc<str>,
}

impl Metrics {
    /// Observes every request to these routes, also one that no route matches: counts it, gives it an id, which the
    /// answer has in `x-request-id` (an answer of a door has it in `connections-request-id`), and logs a line
    /// under the target `connection_server::request`.
    ///
    /// `prefix` is the path below which the routes may be mounted, which the templates of routes are shown without.
    pub fn observe<S>(&self, routes: Router<S>, prefix: &str) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let observer = Observer { metrics: self.clone(), prefix: prefix.into() };
        routes.layer(middleware::from_fn_with_state(observer, observe))
    }
}

/// A request until the head of its answer is known, or until its client is gone.
struct Observed {
    metrics: Metrics,
    began: Duration,
    method: &'static str,
    route: String,
    id: String,
    record: RequestRecord,
    status: Option<StatusCode>,
}

async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let Observer { metrics, prefix } = observer;
    let shared = &metrics.0;
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or(NO_ROUTE, |matched| below(matched.as_str(), &prefix)).to_owned();
    let id = request_id::of(request.headers(), &shared.source);
    let header = request_id::header(&id);
    let record = RequestRecord::default();
    request.extensions_mut().insert(record.clone());
    let in_flight = InFlight::of(&shared.in_flight);
    let began = shared.source.clock().passed();
    let method = method_label(request.method());
    let mut observed = Observed { metrics: metrics.clone(), began, method, route, id, record, status: None };
    let mut response = next.run(request).await;
    observed.status = Some(response.status());
    drop(observed);
    let name = match response.extensions().get::<OwnId>() {
        Some(OwnId) => CONNECTIONS_REQUEST_ID,
        None => X_REQUEST_ID,
    };
    response.headers_mut().extend(header.map(|header| (name, header)));
    response.map(|body| Body::new(ObservedBody { body, _in_flight: in_flight }))
}

impl Drop for Observed {
    fn drop(&mut self) {
        let clock = self.metrics.0.source.clock();
        let duration = clock.passed().saturating_sub(self.began);
        let Self { metrics, method, route, id, record, status, .. } = self;
        let class = status_label(*status);
        metrics.count(&RequestKind { route, method, status: class }, duration);
        let Caller { token, owner } = record.caller();
        let token = token.map(|token| token.to_string());
        let (token, owner) = (token.as_deref(), owner.as_deref());
        let status = status.map(|status| status.as_u16());
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "connection_server::request",
                    method, route, status, duration_ms = milliseconds, token, owner, request_id = id,
                    "{}", if status.is_some() { "answered" } else { "the client is gone" }
                )
            };
        }
        match MONITORS.contains(&route.as_str()) {
            true => line!(debug),
            false => line!(info),
        }
    }
}

/// Returns the template without the prefix.
fn below<'a>(route: &'a str, prefix: &str) -> &'a str {
    match route.strip_prefix(prefix) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => route,
    }
}

/// Returns a word for the method; a method that no route has is not a word of its own.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn status_label(status: Option<StatusCode>) -> &'static str {
    match status.map(|status| status.as_u16() / 100) {
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(5) => "5xx",
        Some(_) => "other",
        None => "gone",
    }
}

/// Counts a request as in flight until it is dropped.
struct InFlight(Gauge);

impl InFlight {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The body of an answer, whose request is in flight until it is sent.
struct ObservedBody {
    body: Body,
    _in_flight: InFlight,
}

impl http_body::Body for ObservedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_shown_without_the_path_of_the_public_url() {
        for (route, prefix, expected) in [
            ("/api/v1/me", "", "/api/v1/me"),
            ("/accounts/api/v1/me", "/accounts", "/api/v1/me"),
            ("/api/v1/me", "/accounts", "/api/v1/me"),
            ("/accounts", "/accounts", "/"),
            ("/accounts/", "/accounts", "/"),
            ("/accountsfor", "/accounts", "/accountsfor"),
        ] {
            assert_eq!(below(route, prefix), expected, "{route} {prefix}");
        }
    }
}
