//! Refuses requests of other sites and requests that name another host, before anything of them is read.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body::Body as _;

use crate::{
    Api,
    options::{ApiOptions, HostOrigin},
    problem::Problem,
};

/// The maximum size of a body: thirty-two fields of sixteen kilobytes each.
pub(crate) const MAX_BODY: usize = 512 << 10;

/// Headers that prevent caching, framing, content sniffing and referrers, and a policy that allows nothing.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Passes a request on if it names this host, comes from no other site, and has the right content type.
pub(crate) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    protected(match checked(&api.options, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    })
}

/// Returns an answer with the headers that protect it, apart from those that it has already.
pub(crate) fn protected(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn checked(options: &ApiOptions, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    if !names_one_of(&options.origins, request) {
        let address = options.origins.first().map(|origin| origin.origin()).unwrap_or_default();
        let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "other_host", "the request names another host");
        return Err(problem.remedy(format!("use the address {address}")));
    }
    if !is_same_site(options, headers) {
        let message = "a page of another site sent this request";
        return Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", message));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(too_large());
    }
    // A form of another site can send other content types without a preflight request. A removal needs no body.
    let needs_type = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH)
        || *request.method() == Method::DELETE
            && (headers.contains_key(header::CONTENT_TYPE) || !request.body().is_end_stream());
    if needs_type && !is_json(headers) {
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json_type", "the body is not JSON");
        return Err(problem.remedy("send it with the content type application/json"));
    }
    Ok(())
}

pub(crate) fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large")
}

/// Returns the refusal of a body that does not arrive in time.
pub(crate) fn too_slow() -> Problem {
    let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body did not arrive in 10 s");
    problem.remedy("send the request again")
}

/// Returns `true` if the request names one of these origins of the host and no other one. A page whose name resolves to this machine counts as
/// the same site in its browser, but names its own host (DNS rebinding).
pub(crate) fn names_one_of(origins: &[HostOrigin], request: &Request) -> bool {
    let hosts = || request.headers().get_all(header::HOST).iter().map(|host| host.as_bytes());
    // HTTP/2 requests and requests to a proxy name the host in the address.
    let named = request.uri().authority().map(|named| named.as_str().as_bytes());
    let is_named = hosts().count() == 1 || named.is_some() && hosts().count() == 0;
    let is_ours = |host: &[u8]| origins.iter().any(|origin| origin.authority().as_bytes() == host);
    is_named && hosts().chain(named).all(is_ours)
}

/// Returns the address of the doors by which a request names this host, without a slash at the end; `None` if it names
/// another one. A client compares it with the one that it knows.
pub(crate) fn door_address_in(options: &ApiOptions, request: &Request) -> Option<String> {
    let origins = options.door_origins();
    if !names_one_of(origins, request) {
        return None;
    }
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let named = named.or_else(|| request.uri().authority().map(Authority::as_str));
    let ours = origins.iter().find(|ours| Some(ours.authority()) == named)?;
    Some(format!("{}{}", ours.origin(), options.door_prefix()))
}

/// Returns the refusal of a request that names another host than the doors have.
pub(crate) fn other_door(options: &ApiOptions) -> Problem {
    let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "other_host", "the request names another host");
    problem.remedy(format!("use the address {}", options.door_address()))
}

fn is_same_site(options: &ApiOptions, headers: &HeaderMap) -> bool {
    let is_ours =
        |origin: &HeaderValue| options.origins.iter().any(|ours| ours.origin().as_bytes() == origin.as_bytes());
    let sites = headers.get_all("sec-fetch-site");
    headers.get_all(header::ORIGIN).iter().count() <= 1
        && headers.get_all(header::ORIGIN).iter().all(is_ours)
        && sites.iter().all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let first = types.next().and_then(|value| value.to_str().ok());
    let is_json = first.is_some_and(|value| {
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        let charset = parameters.trim();
        essence.trim().eq_ignore_ascii_case("application/json")
            && (charset.is_empty() || charset.eq_ignore_ascii_case("charset=utf-8"))
    });
    is_json && types.next().is_none()
}
