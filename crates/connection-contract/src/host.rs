//! Constructors for values that plugins receive. Only hosts and testkits call them.
//!
//! Rust cannot make an item visible to hosts alone, so these functions are public but separate: the prelude does not
//! contain them, and the checks of this workspace reject a plugin that names this module. The module is not a security
//! boundary. The host's egress policy checks every address anyway.

use alloc::{string::String, vec::Vec};

use crate::{
    Answer, Answers, BaseUrl, CallbackHandle, CallbackRequest, GrantedDirectory, HttpRequest, NotLive, Origin, Prompt,
    ProviderText, Secret, SetupFailure, Text, encode,
};

pub use crate::{answer::pause_of, challenge::is_scope, outcome::email_key, signatures::Signatures};

/// Names of the headers that belong to the HTTP connection, in lower case. They determine where a request ends, where
/// it goes and how the connection is used, so the client of a host sets them, and refuses a request that contains one.
pub const CONNECTION_HEADERS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Returns the origin of an `http` or `https` URL. Returns `None` if the URL has user info, no host or another scheme.
pub fn origin(url: &str) -> Option<Origin> {
    Origin::of(url)
}

/// Returns the base for an address in the descriptor or in an answer. Returns `None` unless the URL is `http` or
/// `https`, without query, fragment and dot segments.
pub fn base_url(url: &str) -> Option<BaseUrl> {
    BaseUrl::checked(url)
}

/// Returns the base for an address as [`base_url`] does, and keeps a slash at its end. [`HttpRequest::at`] sends to exactly
/// this address.
pub fn exact_base_url(url: &str) -> Option<BaseUrl> {
    BaseUrl::exact(url)
}

/// Returns `true` if the host of the origin is exactly one label below the domain of the wildcard, such as
/// `https://*.acme.example`.
pub fn matches(wildcard: &str, origin: &Origin) -> bool {
    origin.matches(wildcard)
}

/// Returns `true` if the origin is on this machine by its text: a loopback address, `localhost`, or a name below it,
/// which never leaves the machine (RFC 6761).
pub fn is_loopback(origin: &Origin) -> bool {
    origin.is_loopback()
}

/// Returns the granted directory for a canonical path.
pub fn granted_directory(path: impl Into<String>) -> GrantedDirectory {
    GrantedDirectory(path.into())
}

/// Returns answers that the host has checked.
pub fn answers(answers: impl IntoIterator<Item = (Text, Answer)>) -> Answers {
    Answers(answers.into_iter().collect())
}

/// Returns a handle with the registered address, and with the `state` by which the callback finds its session.
pub fn callback_handle(redirect_uri: impl Into<String>, state: impl Into<String>) -> CallbackHandle {
    CallbackHandle { redirect_uri: redirect_uri.into(), state: state.into() }
}

/// Returns the parameters of a callback, after `state` was checked and removed.
pub fn callback_request(parameters: Vec<(String, Secret)>) -> CallbackRequest {
    CallbackRequest { parameters }
}

/// Returns the offline state that caused a failure. The host then keeps the setup and asks the provider again later.
pub fn offline(failure: &SetupFailure) -> Option<&NotLive> {
    failure.offline.as_deref()
}

/// Returns what a provider said, as [`ProviderText::new`] does, after `cover` has replaced the secrets in it. It receives the
/// text without the characters that are removed, which could hide a secret, and before the text is cut.
pub fn provider_text(text: &str, cover: impl FnOnce(&mut String)) -> Option<ProviderText> {
    ProviderText::covered(text, cover)
}

/// Returns `true` for a prompt of [`ask_until`](crate::SetupContext::ask_until) whose problem is that of an attempt with the
/// previous answers.
pub fn follows_attempt(prompt: &Prompt) -> bool {
    prompt.follows_attempt
}

/// Returns a request below a base, with a path and a query that are already encoded.
///
/// Returns `None` if the path does not start with `/`, or contains dot segments, a fragment or characters that need
/// encoding (RFC 3986, section 3.3). Brackets in the query are kept, because many programs send them as they are, as in
/// `expand[]=customer` (WHATWG URL, section 1.3).
pub fn request(method: impl Into<Text>, base: &BaseUrl, path_and_query: &str) -> Option<HttpRequest> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&b);
    let is_encoded = |text: &str| text.contains('%');
    let whole = |text: &str| !is_encoded(text) || encode::from_percent(text).is_some();
    let is_dots = |part: &str| matches!(part, "." | "..");
    let dots = |part: &str| match is_encoded(part) {
        true => encode::from_percent(part).is_none_or(|part| is_dots(&part)),
        false => is_dots(part),
    };
    let fits = path.starts_with('/')
        && path.bytes().all(legal)
        && !path.split('/').any(dots)
        && query.bytes().all(|b| legal(b) || b"?[]".contains(&b))
        && whole(query);
    fits.then(|| HttpRequest::raw(method.into(), base.followed_by(path_and_query)))
}

/// Duplicates a request together with its secrets, for a host that sends it again with a newer credential.
pub fn duplicate(request: &HttpRequest) -> HttpRequest {
    request.duplicate()
}
