//! The client of the reverse door.

use std::time::Duration;

use connection_egress::{HttpPolicyError, tls_config};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONNECTION, UPGRADE},
    http::request::Parts,
};
use reqwest::{Body, Client, RequestBuilder, Url, redirect::Policy};

use crate::{
    ForwardError, headers,
    host_port::{HTTPS, Host, HostPort},
    refusal::Refusal,
};

/// The longest time for a connection to the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time for which a connection is kept without a request. The server closes it after five seconds, and a request
/// that meets the end of its connection has no answer.
const KEPT_FOR: Duration = Duration::from_secs(2);
/// The port of an `http` address that states none.
const HTTP: u16 = 80;

/// The reverse door, and the client that sends requests to it.
pub(crate) struct ReverseDoor {
    client: Client,
    base: String,
    at: HostPort,
}

impl ReverseDoor {
    /// Creates the client. Nothing is sent.
    pub(crate) fn new(address: &str, certificates: &[Vec<u8>]) -> Result<Self, ForwardError> {
        let url = Url::parse(address).map_err(|_| ForwardError::Doors)?;
        let port = match url.scheme() {
            "http" => HTTP,
            "https" => HTTPS,
            _ => return Err(ForwardError::Doors),
        };
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !is_plain || url.query().is_some() || url.fragment().is_some() {
            return Err(ForwardError::Doors);
        }
        let host = url.host_str().and_then(Host::parse).ok_or(ForwardError::Doors)?;
        let at = HostPort { host, port: url.port().unwrap_or(port) };
        let tls = tls_config(certificates).map_err(|error| match error {
            HttpPolicyError::RootCertificate => ForwardError::RootCertificates,
            error => ForwardError::Client(error.into()),
        })?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .retry(reqwest::retry::never())
            .http1_only()
            .pool_idle_timeout(KEPT_FOR)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| ForwardError::Client(error.without_url().into()))?;
        Ok(Self { client, base: url.as_str().trim_end_matches('/').to_owned(), at })
    }

    /// Returns the address of the doors, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the host and the port of the doors.
    pub(crate) fn at(&self) -> &HostPort {
        &self.at
    }

    /// Sends a request to this address, and returns the answer when its head has arrived.
    ///
    /// The address is sent byte for byte. One that the library would change is refused.
    pub(crate) async fn send(&self, address: &str, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        let (parts, body) = request.into_parts();
        let sent = self.request(address, &parts)?.body(Body::wrap(body));
        let answer = answered(sent).await?;
        match answer.status().is_informational() {
            true => Err(not_final(&answer)),
            false => Ok(answer.into()),
        }
    }

    /// Sends a request that asks for a WebSocket. The connection of an answer with the status 101 can be taken over.
    pub(crate) async fn send_websocket(
        &self,
        address: &str,
        request: Request<Incoming>,
    ) -> Result<reqwest::Response, Refusal> {
        let (parts, _) = request.into_parts();
        let sent = self.request(address, &parts)?.header(CONNECTION, "upgrade").header(UPGRADE, "websocket");
        let answer = answered(sent).await?;
        match answer.status() == StatusCode::SWITCHING_PROTOCOLS || !answer.status().is_informational() {
            true => Ok(answer),
            false => Err(not_final(&answer)),
        }
    }

    fn request(&self, address: &str, parts: &Parts) -> Result<RequestBuilder, Refusal> {
        let url = Url::parse(address).ok().filter(|url| url.as_str() == address).ok_or_else(Refusal::ambiguous_path)?;
        Ok(self.client.request(parts.method.clone(), url).headers(headers::of_request(&parts.headers)))
    }
}

async fn answered(request: RequestBuilder) -> Result<reqwest::Response, Refusal> {
    request.send().await.map_err(|error| {
        let is_unsent = error.is_connect();
        // The address may hold what the program keeps secret.
        let error = error.without_url();
        tracing::debug!(%error, is_unsent, "a request to the reverse door failed");
        if is_unsent { Refusal::door_unreachable() } else { Refusal::no_answer() }
    })
}

fn not_final(answer: &reqwest::Response) -> Refusal {
    tracing::debug!(status = answer.status().as_u16(), "the reverse door gave no final answer");
    Refusal::no_answer()
}
