//! For hosts and testkits only: makes what a plugin is given.
//!
//! Rust has no visibility "the host alone", so these are public and apart: not in the prelude, and a plugin of ours that
//! names this module is refused by the checks of the workspace. It is no security border: the egress guard checks every
//! address anyway.

use alloc::{format, string::String, vec::Vec};

use crate::{
    Answer, Answers, BaseUrl, CallbackHandle, CallbackRequest, HttpRequest, NotLive, Origin, Root, Secret,
    SetupFailure, Text, encode,
};

pub use crate::signatures::Signatures;

/// The origin of an `http` or `https` URL; `None` for anything odd (user info, no host, another scheme).
pub fn origin(url: &str) -> Option<Origin> {
    Origin::of(url)
}
/// A base from the descriptor or from an answer; `None` for anything but plain `http(s)` without query or dot segments.
pub fn base_url(url: &str) -> Option<BaseUrl> {
    BaseUrl::checked(url)
}
/// Whether an origin is one label below the domain of a wildcard: `https://*.acme.example`.
pub fn matches(wildcard: &str, origin: &Origin) -> bool {
    origin.matches(wildcard)
}
/// A directory that was canonicalised.
pub fn root(path: impl Into<String>) -> Root {
    Root(path.into())
}
/// Answers that were checked.
pub fn answers(answers: impl IntoIterator<Item = (Text, Answer)>) -> Answers {
    Answers(answers.into_iter().collect())
}
/// A callback: the registered address, and the value by which it finds its session.
pub fn callback_handle(redirect_uri: impl Into<String>, state: impl Into<String>) -> CallbackHandle {
    CallbackHandle { redirect_uri: redirect_uri.into(), state: state.into() }
}
/// What came, after `state` was checked and taken out.
pub fn callback_request(parameters: Vec<(String, Secret)>) -> CallbackRequest {
    CallbackRequest { parameters }
}
/// The bad network behind a failure, when that is all there is to it: the setup waits and asks again.
pub fn offline(failure: &SetupFailure) -> Option<&NotLive> {
    failure.offline.as_deref()
}
/// A request below a base whose path and query are as they go over the wire; `None` for what cannot: a path without `/`
/// at its start, dot segments, fragments, and characters that need encoding (RFC 3986, section 3.3).
pub fn request(method: impl Into<Text>, base: &BaseUrl, path_and_query: &str) -> Option<HttpRequest> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&b);
    let whole = |text: &str| encode::from_percent(text).is_some();
    let dots = |part: &str| encode::from_percent(part).is_none_or(|part| matches!(&*part, "." | ".."));
    let fits = path.starts_with('/')
        && path.bytes().all(legal)
        && !path.split('/').any(dots)
        && query.bytes().all(|b| legal(b) || b == b'?')
        && whole(query);
    fits.then(|| HttpRequest::raw(method.into(), format!("{base}{path_and_query}")))
}
/// The same request again, with its secrets: for a host that sends it once more with a newer credential.
pub fn duplicate(request: &HttpRequest) -> HttpRequest {
    request.duplicate()
}
