//! A server with a public address: it receives callbacks, and its page runs setups by JSON.
//!
//! Run `cargo run --example axum -- https://host.example` behind a proxy that speaks TLS for that address and passes
//! requests on to port 8080 of this machine.

// region: server
use std::{error::Error, path::Path, sync::Arc};

use axum::{
    Router,
    http::{StatusCode, request::Parts},
};
use connection_core::{ConnectionRegistry, KeyFile, RegistryBuilder};
use connection_inbound::{PublicEndpoint, PublicUrl, callback_routes, setup_routes, webhook_routes};

pub(crate) fn registry(directory: &Path, url: &PublicUrl) -> RegistryBuilder {
    ConnectionRegistry::builder()
        .store(directory.join("connections.db").display().to_string())
        .key(KeyFile::at(directory.join("root.key")))
        .inbound(Arc::new(PublicEndpoint::new(url.clone())))
}

pub(crate) fn app(registry: &ConnectionRegistry, url: &PublicUrl) -> Router {
    callback_routes(registry.clone(), url.clone())
        .merge(webhook_routes(registry.clone(), url.clone()))
        .merge(setup_routes(registry.clone(), url.clone(), owner_of))
}

/// Returns the owner of a request: the user whom the proxy has signed in. The proxy must remove this header from the
/// requests of browsers.
fn owner_of(request: &Parts) -> Result<String, StatusCode> {
    let user = request.headers.get("x-signed-in-user").and_then(|user| user.to_str().ok());
    user.map(str::to_owned).ok_or(StatusCode::UNAUTHORIZED)
}
// end: server

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url: PublicUrl = std::env::args().nth(1).ok_or("give the public address")?.parse()?;
    let directory = std::env::temp_dir().join("connections-axum");
    let registry = registry(&directory, &url).open().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, app(&registry, &url)).await?;
    Ok(())
}
