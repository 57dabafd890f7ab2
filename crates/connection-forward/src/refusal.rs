//! The refusals of the door, as problem documents (RFC 9457).

use std::borrow::Cow;

use hyper::{
    Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, PROXY_AUTHENTICATE},
};
use reqwest::Body;
use serde_json::json;

use crate::host_port::HostPort;

/// A request or a `CONNECT` that the door refuses, or that failed.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    remedy: &'static str,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>, remedy: &'static str) -> Self {
        Self { status, code, detail: detail.into(), remedy, header: None }
    }

    /// Returns the refusal of another method than `CONNECT`.
    pub(crate) fn not_connect() -> Self {
        let detail = "the forward door opens https addresses alone, with the method CONNECT";
        let remedy = "use an https address";
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, "not_connect", detail, remedy);
        Self { header: Some((ALLOW, "CONNECT")), ..refusal }
    }

    /// Returns the refusal of `CONNECT` with a target that cannot be read.
    pub(crate) fn bad_target() -> Self {
        let detail = "the target of CONNECT is not a host and a port";
        Self::new(StatusCode::BAD_REQUEST, "not_connect", detail, "send CONNECT HOST:PORT")
    }

    /// Returns the refusal of `CONNECT` without the credential of the run.
    pub(crate) fn credential() -> Self {
        let detail = "the credential of the run is missing or wrong";
        let remedy = "use the proxy that HTTPS_PROXY of this run names, with its user and password";
        let refusal = Self::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "proxy_credential", detail, remedy);
        Self { header: Some((PROXY_AUTHENTICATE, "Basic realm=\"connections\"")), ..refusal }
    }

    /// Returns the refusal of a host that belongs to no granted connection, in a run that opens no other one.
    pub(crate) fn not_granted(target: &HostPort) -> Self {
        let detail = format!("{target} belongs to no connection that is granted to this agent");
        let remedy = "grant the agent a connection to this host, or start the run without --only-granted";
        Self::new(StatusCode::FORBIDDEN, "not_granted", detail, remedy)
    }

    /// Returns the refusal of an origin at which it is not known which connection is meant.
    pub(crate) fn ambiguous_origin(target: &HostPort) -> Self {
        let detail = format!("several connections of this agent are at {target}");
        let remedy = "start the run with --connection to say which one is used";
        Self::new(StatusCode::FORBIDDEN, "ambiguous_origin", detail, remedy)
    }

    /// Returns the refusal of a host whose address is not public.
    pub(crate) fn private_address(target: &HostPort) -> Self {
        let detail = format!("{target} is not at a public address");
        let remedy = "start the run with --tunnel HOST:PORT if the program may reach it";
        Self::new(StatusCode::FORBIDDEN, "private_address", detail, remedy)
    }

    /// Returns the refusal of a tunnel to the doors themselves.
    pub(crate) fn own_address(target: &HostPort) -> Self {
        let detail = format!("{target} is the address of Connections itself");
        let remedy = "use the https address of the provider";
        Self::new(StatusCode::FORBIDDEN, "own_address", detail, remedy)
    }

    /// Returns the failure of a tunnel whose other end cannot be reached.
    pub(crate) fn unreachable(target: &HostPort) -> Self {
        let detail = format!("{target} cannot be reached");
        Self::new(StatusCode::BAD_GATEWAY, "unreachable", detail, "check the name and the network, then try again")
    }

    /// Returns the refusal of a request for another host than that of `CONNECT`.
    pub(crate) fn host_mismatch(target: &HostPort) -> Self {
        let detail = format!("the request does not name {target}, for which this connection was opened");
        let remedy = "send exactly one header Host, with this host, or open another connection";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "host_mismatch", detail, remedy)
    }

    /// Returns the refusal of a path or a query that could not be passed on byte for byte.
    pub(crate) fn ambiguous_path() -> Self {
        let detail = "the path or the query can be read in more than one way";
        let remedy = "send a path that begins with '/' and has no '.' or '..' as a part, and percent-encode quotation \
                      marks, brackets, spaces and backslashes";
        Self::new(StatusCode::BAD_REQUEST, "ambiguous_path", detail, remedy)
    }

    /// Returns the failure of a request that did not reach the reverse door.
    pub(crate) fn door_unreachable() -> Self {
        let detail = "the server of Connections cannot be reached, and the request was not sent";
        let remedy = "check that 'connections serve' runs, then send the request again";
        Self::new(StatusCode::BAD_GATEWAY, "door_unreachable", detail, remedy)
    }

    /// Returns the failure of a request to which the reverse door gave no answer of HTTP.
    pub(crate) fn no_answer() -> Self {
        let detail = "the server of Connections gave no answer, and the request may have taken effect";
        let remedy = "check whether it took effect before you send it again";
        Self::new(StatusCode::BAD_GATEWAY, "door_unreachable", detail, remedy)
    }

    /// Returns the stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the answer with the problem document.
    pub(crate) fn into_response(self) -> Response<Body> {
        let document = json!({
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "remedy": self.remedy,
            "message": format!("{}; {}", self.detail, self.remedy),
        });
        let mut response = Response::new(Body::from(document.to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
