//! By which a callback is known to come from the browser that began (RFC 9700, section 4.7).
//!
//! One cookie per setup, so that several go on at once; its value is random and good for nothing else. On a host with TLS
//! its name is one that no other host can set (`__Host-`). On loopback a cookie is seen by every port of the machine: there
//! it tells browsers apart, and not programs.

use std::collections::VecDeque;

use axum::http::{HeaderMap, HeaderValue, header};
use connection_contract::{Kind, Secret};
use connection_core::SessionId;

use crate::PublicUrl;

const SECURE: &str = "__Host-connection-setup-";
const PLAIN: &str = "connection-setup-";
/// A setup that is answered lives on; one that ended has no use for its cookie.
const LIFE: u32 = 24 * 60 * 60;
/// A browser has that many setups under way at most.
const MOST: usize = 64;

fn prefix(url: &PublicUrl) -> &'static str {
    if url.is_secure() { SECURE } else { PLAIN }
}

fn attributes(url: &PublicUrl) -> &'static str {
    if url.is_secure() { "Path=/; Secure; HttpOnly; SameSite=Lax" } else { "Path=/; HttpOnly; SameSite=Lax" }
}

/// What gives a browser its proof.
pub(crate) fn set(url: &PublicUrl, session: SessionId, proof: &Secret) -> Option<HeaderValue> {
    let (prefix, attributes) = (prefix(url), attributes(url));
    let text = format!("{prefix}{session}={}; Max-Age={LIFE}; {attributes}", proof.expose_str()?);
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What takes it back.
pub(crate) fn clear(url: &PublicUrl, session: SessionId) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{}{session}=; Max-Age=0; {}", prefix(url), attributes(url))).ok()
}

/// What gives the proof to a browser that is led to the provider. It is sent with what belongs to callbacks of this kind
/// alone, where the name of the cookie allows that.
pub(crate) fn set_led(url: &PublicUrl, kind: &Kind, session: SessionId, proof: &Secret) -> Option<HeaderValue> {
    if url.is_secure() {
        return set(url, session, proof);
    }
    let text = format!("{PLAIN}{session}={}; Max-Age={LIFE}; {}", proof.expose_str()?, below(url, kind));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What takes that back; `None` where [`clear`] does.
pub(crate) fn clear_led(url: &PublicUrl, kind: &Kind, session: SessionId) -> Option<HeaderValue> {
    let text = format!("{PLAIN}{session}=; Max-Age=0; {}", below(url, kind));
    HeaderValue::from_str(&text).ok().filter(|_| !url.is_secure())
}

fn below(url: &PublicUrl, kind: &Kind) -> String {
    format!("Path={}/callback/{kind}; HttpOnly; SameSite=Lax", url.prefix())
}

/// The proofs that a browser shows, of the newest setups: it sends the oldest cookie first (RFC 6265, section 5.4).
pub(crate) fn proofs(url: &PublicUrl, headers: &HeaderMap) -> Vec<Secret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let ours = pairs.filter(|(name, value)| name.starts_with(prefix(url)) && !value.is_empty());
    let mut newest: VecDeque<&str> = VecDeque::with_capacity(MOST);
    for (_, value) in ours {
        if newest.len() == MOST {
            newest.pop_front();
        }
        newest.push_back(value);
    }
    newest.into_iter().map(Secret::from).collect()
}
