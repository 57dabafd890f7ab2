//! The host names by which a server on this machine may be addressed.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The values of `Host` that a server accepts.
#[derive(Debug)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// Returns the loopback addresses with this port.
    pub(crate) fn of_loopback(port: u16) -> Self {
        let hosts = ["127.0.0.1", "[::1]"];
        let with_port = hosts.iter().map(|host| format!("{host}:{port}"));
        let without = hosts.iter().filter(|_| port == 80).map(|host| (*host).to_owned());
        Self(with_port.chain(without).collect())
    }

    pub(crate) fn and(mut self, name: &str) -> Self {
        self.0.push(name.to_owned());
        self
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
        Some(host) if is_one && is_plain && names.0.iter().any(|name| name.as_bytes() == host) => {
            next.run(request).await
        }
        _ => StatusCode::MISDIRECTED_REQUEST.into_response(),
    })
}
