//! The routes of `serve`: the page, the API, callbacks, webhooks and the health check.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use connection_core::ConnectionRegistry;
use connection_inbound::{PublicUrl, callback_routes, webhook_routes};
use connection_server::{ApiOptions, HostOrigin, api_router, page_router};

use super::health::{Health, HealthBody};
use crate::Error;

/// The path of the health check, for monitors.
pub(super) const HEALTH: &str = "/healthz";

pub(super) fn routes(registry: &ConnectionRegistry, url: &PublicUrl, health: Health, options: ApiOptions) -> Router {
    let own = || {
        Router::new()
            .route(HEALTH, get(healthz))
            .with_state(health.clone())
            .merge(api_router(registry.clone(), options.clone()))
            .merge(callback_routes(registry.clone(), url.clone()))
            .merge(webhook_routes(registry.clone(), url.clone()))
    };
    let nothing = async || StatusCode::NOT_FOUND;
    let routes = mounted(url, own).merge(page_router(url.prefix()));
    match url.prefix() {
        "" => routes.fallback(nothing),
        // A prefix may be the path of a screen, such as `/connections`, which is the same document.
        prefix => routes.fallback_service(Router::new().nest(prefix, page_router(prefix)).fallback(nothing)),
    }
}

/// Returns the addresses at which browsers and programs reach the API: the public one, and the one on this machine.
pub(super) fn api_options(listening: SocketAddr, url: &PublicUrl) -> Result<ApiOptions, Error> {
    let origin = |text: &str| {
        text.parse::<HostOrigin>().map_err(|error| Error::configuration(format!("'inbound.public_url': {error}")))
    };
    let mut options = ApiOptions::new(origin(&url.origin())?);
    if listening.ip().is_loopback() || listening.ip().is_unspecified() {
        let port = listening.port();
        for host in ["127.0.0.1", "[::1]"] {
            options = options.also_at(origin(&format!("http://{host}:{port}"))?);
        }
    }
    Ok(options.public_url(url.as_str()).version(env!("CARGO_PKG_VERSION")))
}

/// Mounts the routes at the root and below the path of the public URL, since a proxy may remove the path or pass it on.
pub(in crate::commands) fn mounted(url: &PublicUrl, own: impl Fn() -> Router) -> Router {
    match url.prefix() {
        "" => own(),
        prefix => own().nest(prefix, own()),
    }
}

async fn healthz(State(health): State<Health>) -> Response {
    let found = health.look().await;
    let status = if found.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Serializing two members of plain types cannot fail.
    let body = serde_json::to_string(&HealthBody::from(found)).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
