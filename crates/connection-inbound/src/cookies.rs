//! The cookies by which a callback is known to come from the browser that opened the start address of the setup (RFC 9700,
//! section 4.7).
//!
//! Each setup has its own cookie, so that several can run at once; its value is random and has no other use. On a host
//! with TLS its name is one that no other host can set (`__Host-`). On loopback every port of the machine sees the
//! cookie: there it distinguishes browsers, but not programs.

use std::collections::VecDeque;

use axum::http::{HeaderMap, HeaderValue, header};
use connection_contract::{Kind, Secret};
use connection_core::SessionId;

use crate::PublicUrl;

const SECURE: &str = "__Host-connection-setup-";
const PLAIN: &str = "connection-setup-";
/// The lifetime of a cookie in seconds. A setup that has ended no longer needs its cookie.
const LIFETIME_SECONDS: u32 = 24 * 60 * 60;
/// The maximum number of proofs that are read from one request.
const MAX_PROOFS: usize = 64;

fn prefix(url: &PublicUrl) -> &'static str {
    if url.is_secure() { SECURE } else { PLAIN }
}

/// Returns the attributes of a cookie. If its name allows it, the browser sends it only to the callbacks of this kind.
fn attributes(url: &PublicUrl, kind: &Kind) -> String {
    match url.is_secure() {
        true => "Path=/; Secure; HttpOnly; SameSite=Lax".to_owned(),
        false => format!("Path={}/callback/{}; HttpOnly; SameSite=Lax", url.prefix(), kind.path_segment()),
    }
}

/// Returns the cookie that gives the proof to a browser that opens the start address.
pub(crate) fn set(url: &PublicUrl, kind: &Kind, session: SessionId, proof: &Secret) -> Option<HeaderValue> {
    let prefix = prefix(url);
    let attributes = attributes(url, kind);
    let text = format!("{prefix}{session}={}; Max-Age={LIFETIME_SECONDS}; {attributes}", proof.expose_str()?);
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Returns the cookie that removes the proof. A browser removes a cookie only if the path is the one with which the
/// cookie was set.
pub(crate) fn clear(url: &PublicUrl, kind: &Kind, session: SessionId) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{}{session}=; Max-Age=0; {}", prefix(url), attributes(url, kind))).ok()
}

/// Returns the proofs in a request, those of the newest setups: a browser sends the oldest cookie first (RFC 6265,
/// section 5.4).
pub(crate) fn proofs(url: &PublicUrl, headers: &HeaderMap) -> Vec<Secret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let ours = pairs.filter(|(name, value)| name.starts_with(prefix(url)) && !value.is_empty());
    let mut newest: VecDeque<&str> = VecDeque::with_capacity(MAX_PROOFS);
    for (_, value) in ours {
        if newest.len() == MAX_PROOFS {
            newest.pop_front();
        }
        newest.push_back(value);
    }
    newest.into_iter().map(Secret::from).collect()
}
