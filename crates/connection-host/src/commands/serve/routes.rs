//! The routes of `serve`: callbacks, webhooks, the health check, and a short description.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use connection_core::ConnectionRegistry;
use connection_inbound::{PublicUrl, callback_routes, webhook_routes};

use super::health::{Health, HealthBody};
use crate::name::hints;

/// The path of the health check, for monitors.
pub(super) const HEALTH: &str = "/healthz";
/// The text for a person who opens the address.
const WHAT: &str = "This is `connections serve`, which takes callbacks and webhooks and keeps credentials fresh; \
                    use `connections add`, `connections list` and `connections doctor --callback` in a terminal.\n";

pub(super) fn routes(registry: &ConnectionRegistry, url: &PublicUrl, health: Health) -> Router {
    let own = || {
        Router::new()
            .route("/", get(async || hints(WHAT)))
            .route(HEALTH, get(healthz))
            .with_state(health.clone())
            .merge(callback_routes(registry.clone(), url.clone()))
            .merge(webhook_routes(registry.clone(), url.clone()))
    };
    mounted(url, own).fallback(async || StatusCode::NOT_FOUND)
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
