//! The cookies by which a callback is known to come from the browser of the setup (RFC 9700, section 4.7), and by which
//! the answer to the question at the start address is known to come from the browser that was asked.
//!
//! Each setup has its own cookie, so that several can run at once; its value is random and has no other use. On a host
//! with TLS its name is one that no other host can set (`__Host-`). On loopback every port of the machine sees the
//! cookie: there it distinguishes browsers, but not programs.

use std::collections::VecDeque;

use axum::http::{HeaderMap, HeaderValue, header};
use connection_contract::{Kind, Secret};
use connection_core::{OpenSetup, SessionId};

use crate::PublicUrl;

const SECURE: &str = "__Host-connection-setup-";
const PLAIN: &str = "connection-setup-";
const SECURE_QUESTION: &str = "__Host-connection-question-";
const PLAIN_QUESTION: &str = "connection-question-";
/// The lifetime of a cookie in seconds. A setup that has ended no longer needs its cookie.
const LIFETIME_SECONDS: u32 = 24 * 60 * 60;
/// The time in seconds within which a question is answered.
const QUESTION_SECONDS: u32 = 60 * 60;
/// The maximum number of proofs that are read from one request.
const MAX_PROOFS: usize = 64;

fn prefix(is_secure: bool) -> &'static str {
    if is_secure { SECURE } else { PLAIN }
}

fn question_prefix(is_secure: bool) -> &'static str {
    if is_secure { SECURE_QUESTION } else { PLAIN_QUESTION }
}

/// Returns the attributes of a cookie, but for `SameSite`. If its name allows it, the browser sends it only to the
/// callbacks at this path, which are those of one kind.
fn attributes(is_secure: bool, path: &str) -> String {
    match is_secure {
        true => "Path=/; Secure; HttpOnly".to_owned(),
        false => format!("Path={path}; HttpOnly"),
    }
}

fn callbacks_of(url: &PublicUrl, kind: &Kind) -> String {
    format!("{}/callback/{}", url.prefix(), kind.path_segment())
}

fn with_proof(is_secure: bool, path: &str, session: SessionId, proof: &Secret) -> Option<HeaderValue> {
    let prefix = prefix(is_secure);
    let attributes = attributes(is_secure, path);
    let proof = proof.expose_str()?;
    sensitive(&format!("{prefix}{session}={proof}; Max-Age={LIFETIME_SECONDS}; {attributes}; SameSite=Lax"))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Returns the cookie that gives the proof of a setup to a browser.
pub(crate) fn set(url: &PublicUrl, kind: &Kind, session: SessionId, proof: &Secret) -> Option<HeaderValue> {
    with_proof(url.is_secure(), &callbacks_of(url, kind), session, proof)
}

/// Returns the cookie that binds the answer to a question to the browser that was asked. No request of another site
/// carries it.
pub(crate) fn set_question(url: &PublicUrl, kind: &Kind, session: SessionId, nonce: &Secret) -> Option<HeaderValue> {
    let prefix = question_prefix(url.is_secure());
    let attributes = attributes(url.is_secure(), &callbacks_of(url, kind));
    let nonce = nonce.expose_str()?;
    sensitive(&format!("{prefix}{session}={nonce}; Max-Age={QUESTION_SECONDS}; {attributes}; SameSite=Strict"))
}

/// Returns the cookie with the [proof](OpenSetup::browser_proof) of a setup, for a browser that shows the setup to
/// somebody who may continue it. That browser is led on from the start address without a question.
///
/// Returns `None` if the setup gives out no start address.
pub fn setup_cookie(setup: &OpenSetup) -> Option<HeaderValue> {
    let (address, proof) = (setup.start_address.as_deref()?, setup.browser_proof.as_ref()?);
    // The start address is below the redirect URI, which the host has made from its own URL.
    let callbacks = address.split_once("/go/").map_or(address, |(callbacks, _)| callbacks);
    let path = callbacks.splitn(4, '/').nth(3).unwrap_or_default();
    with_proof(address.starts_with("https:"), &format!("/{path}"), setup.info.id, proof)
}

/// Returns the cookie that removes the proof. A browser removes a cookie only if the path is the one with which the
/// cookie was set.
pub(crate) fn clear(url: &PublicUrl, kind: &Kind, session: SessionId) -> Option<HeaderValue> {
    cleared(prefix(url.is_secure()), url, kind, session)
}

/// Returns the cookie that removes the nonce of a question.
pub(crate) fn clear_question(url: &PublicUrl, kind: &Kind, session: SessionId) -> Option<HeaderValue> {
    cleared(question_prefix(url.is_secure()), url, kind, session)
}

fn cleared(prefix: &str, url: &PublicUrl, kind: &Kind, session: SessionId) -> Option<HeaderValue> {
    let attributes = attributes(url.is_secure(), &callbacks_of(url, kind));
    HeaderValue::from_str(&format!("{prefix}{session}=; Max-Age=0; {attributes}; SameSite=Lax")).ok()
}

/// Returns the proofs in a request, those of the newest setups: a browser sends the oldest cookie first (RFC 6265,
/// section 5.4).
pub(crate) fn proofs(url: &PublicUrl, headers: &HeaderMap) -> Vec<Secret> {
    newest(prefix(url.is_secure()), headers)
}

/// Returns the nonces of the questions that a browser was asked.
pub(crate) fn questions(url: &PublicUrl, headers: &HeaderMap) -> Vec<Secret> {
    newest(question_prefix(url.is_secure()), headers)
}

fn newest(prefix: &str, headers: &HeaderMap) -> Vec<Secret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let ours = pairs.filter(|(name, value)| name.starts_with(prefix) && !value.is_empty());
    let mut newest: VecDeque<&str> = VecDeque::with_capacity(MAX_PROOFS);
    for (_, value) in ours {
        if newest.len() == MAX_PROOFS {
            newest.pop_front();
        }
        newest.push_back(value);
    }
    newest.into_iter().map(Secret::from).collect()
}
