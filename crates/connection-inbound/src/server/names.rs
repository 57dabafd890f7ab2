//! The host names by which a server on this machine may be addressed.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::refusal::refusal;
use crate::PublicUrl;

/// The values of `Host` that a server accepts.
#[derive(Debug)]
pub(crate) struct Names {
    accepted: Vec<String>,
    /// The address that a refusal names.
    address: String,
}

impl Names {
    /// Returns the loopback addresses with this port, for a server that is reached at `url`.
    pub(crate) fn of_loopback(port: u16, url: &PublicUrl) -> Self {
        Self { accepted: Vec::new(), address: url.to_string() }.and_host("127.0.0.1", port).and_host("[::1]", port)
    }

    /// Adds the name that every browser resolves to this machine, and the host of the server's URL.
    pub(crate) fn and_localhost(mut self, port: u16, url: &PublicUrl) -> Self {
        self.accepted.push(url.authority().to_owned());
        self.and_host("localhost", port)
    }

    /// Adds the host of another URL of the server.
    pub(super) fn and_url(mut self, url: &PublicUrl) -> Self {
        self.accepted.push(url.authority().to_owned());
        self
    }

    fn and_host(mut self, host: &str, port: u16) -> Self {
        self.accepted.push(format!("{host}:{port}"));
        if port == 80 {
            self.accepted.push(host.to_owned());
        }
        self
    }

    fn refused(&self) -> Response {
        let remedy = format!("use the address {}", self.address);
        refusal(StatusCode::MISDIRECTED_REQUEST, "other_host", "the request names another host", &remedy)
    }
}

/// Passes on requests that name this server. A page whose name resolves to this machine names another host (DNS
/// rebinding, T09).
pub(crate) async fn named(
    State(names): State<Arc<Names>>,
    request: Request,
    next: Next,
) -> Result<Response, Infallible> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().map(|host| host.as_bytes());
    let is_one = hosts.next().is_none();
    // A request to an origin server names the host only in `Host`.
    let is_plain = request.uri().authority().is_none();
    Ok(match host {
        Some(host) if is_one && is_plain && names.accepted.iter().any(|name| name.as_bytes() == host) => {
            next.run(request).await
        }
        _ => names.refused(),
    })
}
