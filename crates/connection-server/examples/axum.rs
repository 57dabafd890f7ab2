//! A server with a public address: it receives callbacks and webhooks, and leads those who are signed in to the page on
//! which they connect their accounts.
//!
//! Run `cargo run --example axum -- https://host.example` behind a proxy that speaks TLS for that address and passes
//! requests on to port 8080 of this machine.

// region: server
use std::{error::Error, path::Path, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Redirect,
    routing::get,
};
use connection_core::{ConnectionRegistry, KeyFile, NewAccessToken, RegistryBuilder, Role};
use connection_inbound::{PublicEndpoint, PublicUrl, callback_routes, webhook_routes};
use connection_server::{ApiOptions, InvalidHostOrigin, PageSettings, api_router, page_router};
use secrecy::ExposeSecret as _;

pub(crate) fn registry(directory: &Path, url: &PublicUrl) -> RegistryBuilder {
    ConnectionRegistry::builder()
        .store(directory.join("connections.db").display().to_string())
        .key(KeyFile::at(directory.join("root.key")))
        .inbound(Arc::new(PublicEndpoint::new(url.clone())))
        .settings(Arc::new(PageSettings::new()))
}

// region: app
pub(crate) fn app(registry: &ConnectionRegistry, url: &PublicUrl) -> Result<Router, InvalidHostOrigin> {
    let options = ApiOptions::new(url.origin().parse()?).public_url(url.as_str());
    let host = Router::new().route("/accounts", get(accounts)).with_state((registry.clone(), url.clone()));
    Ok(host
        .merge(api_router(registry.clone(), options))
        .merge(page_router(url.prefix()))
        .merge(callback_routes(registry.clone(), url.clone()))
        .merge(webhook_routes(registry.clone(), url.clone())))
}
// end: app

/// Leads a user to the page, with a code for a token that acts for this user alone.
///
/// The proxy has signed the user in. It must remove this header from the requests of browsers.
async fn accounts(
    State((registry, url)): State<(ConnectionRegistry, PublicUrl)>,
    headers: HeaderMap,
) -> Result<Redirect, StatusCode> {
    let user = headers.get("x-signed-in-user").and_then(|user| user.to_str().ok()).ok_or(StatusCode::UNAUTHORIZED)?;
    let token = NewAccessToken::new("Page", Role::Manage).owner(user);
    let code = registry.access_tokens().create_code(token).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Redirect::to(&format!("{url}/#code={}", code.expose_secret())))
}
// end: server

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url: PublicUrl = std::env::args().nth(1).ok_or("give the public address")?.parse()?;
    let directory = std::env::temp_dir().join("connections-axum");
    let registry = registry(&directory, &url).open().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    // A router by itself would be copied for each connection.
    axum::serve(listener, app(&registry, &url)?.into_make_service()).await?;
    Ok(())
}
