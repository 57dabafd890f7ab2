//! The routes of `serve`: the page, the API, callbacks, webhooks and the checks of monitors.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{self, Request},
    http::{Method, StatusCode, header, uri::PathAndQuery},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use connection_core::ConnectionRegistry;
use connection_inbound::{PublicUrl, callback_routes, webhook_routes};
use connection_server::{
    ApiOptions, HostOrigin, Metrics, Readiness, api_router, door_router, monitor_router, page_router,
};

use super::health::{Health, HealthBody};
use crate::Error;

/// The path of the health check.
const HEALTH: &str = "/healthz";
/// The path of the check whether a restart of the process is needed.
const LIVE: &str = "/livez";
/// The path of the readiness check.
const READY: &str = "/readyz";
/// The paths for monitors, which are answered however many other requests are.
pub(super) const FOR_MONITORS: [&str; 4] = [HEALTH, LIVE, READY, "/metrics"];
/// The path at which a host that checks its callbacks recognizes itself.
const PROOF: &str = "/callback/-/proof";
/// The version that the API and the metrics show.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The state that the routes read, and that changes when the server stops.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) health: Health,
    pub(super) options: ApiOptions,
    pub(super) readiness: Readiness,
    /// The address at which the server listens.
    pub(super) listening: SocketAddr,
}

/// The name under which a browser of this machine sees the page and the callbacks, so that both have the same cookies.
#[derive(Clone, Debug)]
struct OneName {
    /// The origin to which other names of this machine lead; `None` if a proxy passes requests on to this server.
    origin: Option<Arc<str>>,
}

impl OneName {
    fn of(url: &PublicUrl, listening: SocketAddr) -> Self {
        let origin = url.origin();
        let is_own = !url.reaches_others() && origin.ends_with(&format!(":{}", listening.port()));
        Self { origin: is_own.then(|| origin.into()) }
    }
}

/// Redirects a browser that names this machine otherwise. Only names of this machine come here: a server that only
/// this machine reaches refuses all others.
async fn under_one_name(extract::State(name): extract::State<OneName>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = |origin: &str| origin.split_once("://").map(|(_, authority)| authority.to_owned());
    // A host that checks itself names the address that it checks.
    let is_asked = matches!(*request.method(), Method::GET | Method::HEAD) && !request.uri().path().ends_with(PROOF);
    match name.origin {
        Some(origin) if is_asked && authority(&origin).as_deref() != host => {
            let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
            Redirect::temporary(&format!("{origin}{path}")).into_response()
        }
        _ => next.run(request).await,
    }
}

/// The routes of `serve`.
pub(super) struct Routes {
    /// All routes, at the address of the server.
    pub(super) all: Router,
    /// The doors alone, at the socket.
    pub(super) doors: Router,
}

pub(super) fn routes(registry: &ConnectionRegistry, url: &PublicUrl, state: State) -> Routes {
    let State { health, options, readiness, listening } = state;
    // All its clones share the places of requests.
    let doors: Router = door_router(registry.clone(), options.clone());
    let one_name = middleware::from_fn_with_state(OneName::of(url, listening), under_one_name);
    let metrics = Metrics::new(registry, VERSION);
    let own = || {
        Router::new()
            .route(HEALTH, get(healthz))
            .route(LIVE, get(livez))
            .with_state(health.clone())
            .merge(monitor_router(registry.clone(), options.clone(), metrics.clone(), readiness.clone()))
            .merge(api_router(registry.clone(), options.clone()))
            .merge(doors.clone())
            .merge(callback_routes(registry.clone(), url.clone()).layer(one_name.clone()))
            .merge(webhook_routes(registry.clone(), url.clone()))
    };
    let nothing = async || StatusCode::NOT_FOUND;
    let routes = mounted(url, own).merge(page_router(url.prefix()).layer(one_name.clone()));
    let observed = |routes: Router| metrics.observe(routes, url.prefix());
    let all = match url.prefix() {
        "" => observed(routes.fallback(nothing)),
        // A prefix may be the path of a screen, such as `/connections`, which is the same document.
        prefix => {
            let rest = Router::new().nest(prefix, page_router(prefix)).fallback(nothing);
            observed(routes).fallback_service(observed(rest))
        }
    };
    let all = match &options.doors {
        Some(origin) => all.layer(middleware::from_fn_with_state(Arc::new(origin.clone()), doors_alone)),
        None => all,
    };
    Routes { all, doors: metrics.observe(doors.fallback(nothing), "") }
}

/// Refuses what is not for the doors under the name that only they have. The page and the API have another origin, so
/// that an answer of a provider, if a browser shows it, is none of theirs.
async fn doors_alone(
    extract::State(origin): extract::State<Arc<HostOrigin>>,
    request: Request,
    next: Next,
) -> Response {
    let host = request.headers().get(header::HOST).map(|host| host.as_bytes());
    let is_theirs = host == Some(origin.authority().as_bytes());
    let path = request.uri().path();
    let of_doors = ["/use/", "/mcp/", "/.well-known/"];
    if is_theirs && path != "/mcp" && !of_doors.iter().any(|of| path.starts_with(of)) {
        return (StatusCode::MISDIRECTED_REQUEST, "only the doors for agents are at this address\n").into_response();
    }
    next.run(request).await
}

/// Returns the addresses at which browsers and programs reach the API: the public one, and the one on this machine, with
/// the scheme in which the server itself speaks.
pub(super) fn api_options(listening: SocketAddr, url: &PublicUrl, scheme: &str) -> Result<ApiOptions, Error> {
    let of_url = |text: &str| origin(text, "inbound.public_url");
    let mut options = ApiOptions::new(of_url(&url.origin())?);
    if listening.ip().is_loopback() || listening.ip().is_unspecified() {
        let port = listening.port();
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            options = options.also_at(of_url(&format!("{scheme}://{host}:{port}"))?);
        }
    }
    Ok(options.public_url(url.as_str()).version(VERSION))
}

/// Parses an origin, which comes from the configuration key of this name.
pub(super) fn origin(text: &str, key: &str) -> Result<HostOrigin, Error> {
    text.parse::<HostOrigin>().map_err(|error| Error::configuration(format!("'{key}': {error}")))
}

/// Mounts the routes at the root and below the path of the public URL, since a proxy may remove the path or pass it on.
pub(in crate::commands) fn mounted(url: &PublicUrl, own: impl Fn() -> Router) -> Router {
    match url.prefix() {
        "" => own(),
        prefix => own().nest(prefix, own()),
    }
}

async fn healthz(extract::State(health): extract::State<Health>) -> Response {
    checked(health.look().await)
}

async fn livez(extract::State(health): extract::State<Health>) -> Response {
    checked(health.look_at_process())
}

/// Returns the answer to a monitor.
fn checked(found: Result<(), &'static str>) -> Response {
    let status = if found.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Serializing two members of plain types cannot fail.
    let body = serde_json::to_string(&HealthBody::from(found)).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
