//! The routes of `serve`: the page, the API, callbacks, webhooks and the checks of monitors.

use std::net::SocketAddr;

use axum::{
    Router, extract,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use connection_core::ConnectionRegistry;
use connection_inbound::{PublicUrl, callback_routes, webhook_routes};
use connection_server::{ApiOptions, HostOrigin, Metrics, Readiness, api_router, monitor_router, page_router};

use super::health::{Health, HealthBody};
use crate::Error;

/// The path of the health check.
const HEALTH: &str = "/healthz";
/// The path of the readiness check.
const READY: &str = "/readyz";
/// The paths for monitors, which are answered however many other requests are.
pub(super) const FOR_MONITORS: [&str; 3] = [HEALTH, READY, "/metrics"];
/// The version that the API and the metrics show.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The state that the routes read, and that changes when the server stops.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) health: Health,
    pub(super) options: ApiOptions,
    pub(super) readiness: Readiness,
}

pub(super) fn routes(registry: &ConnectionRegistry, url: &PublicUrl, state: State) -> Router {
    let State { health, options, readiness } = state;
    let metrics = Metrics::new(registry, VERSION);
    let own = || {
        Router::new()
            .route(HEALTH, get(healthz))
            .with_state(health.clone())
            .merge(monitor_router(registry.clone(), options.clone(), metrics.clone(), readiness.clone()))
            .merge(api_router(registry.clone(), options.clone()))
            .merge(callback_routes(registry.clone(), url.clone()))
            .merge(webhook_routes(registry.clone(), url.clone()))
    };
    let nothing = async || StatusCode::NOT_FOUND;
    let routes = mounted(url, own).merge(page_router(url.prefix()));
    let observed = |routes: Router| metrics.observe(routes, url.prefix());
    match url.prefix() {
        "" => observed(routes.fallback(nothing)),
        // A prefix may be the path of a screen, such as `/connections`, which is the same document.
        prefix => {
            let rest = Router::new().nest(prefix, page_router(prefix)).fallback(nothing);
            observed(routes).fallback_service(observed(rest))
        }
    }
}

/// Returns the addresses at which browsers and programs reach the API: the public one, and the one on this machine, with
/// the scheme in which the server itself speaks.
pub(super) fn api_options(listening: SocketAddr, url: &PublicUrl, scheme: &str) -> Result<ApiOptions, Error> {
    let origin = |text: &str| {
        text.parse::<HostOrigin>().map_err(|error| Error::configuration(format!("'inbound.public_url': {error}")))
    };
    let mut options = ApiOptions::new(origin(&url.origin())?);
    if listening.ip().is_loopback() || listening.ip().is_unspecified() {
        let port = listening.port();
        for host in ["127.0.0.1", "[::1]"] {
            options = options.also_at(origin(&format!("{scheme}://{host}:{port}"))?);
        }
    }
    Ok(options.public_url(url.as_str()).version(VERSION))
}

/// Mounts the routes at the root and below the path of the public URL, since a proxy may remove the path or pass it on.
pub(in crate::commands) fn mounted(url: &PublicUrl, own: impl Fn() -> Router) -> Router {
    match url.prefix() {
        "" => own(),
        prefix => own().nest(prefix, own()),
    }
}

async fn healthz(extract::State(health): extract::State<Health>) -> Response {
    let found = health.look().await;
    let status = if found.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Serializing two members of plain types cannot fail.
    let body = serde_json::to_string(&HealthBody::from(found)).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
