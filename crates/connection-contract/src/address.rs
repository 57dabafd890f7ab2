//! Where a connection may go. Plugins get addresses; they never parse one.
//!
//! An [`Origin`], a [`BaseUrl`] and a [`Root`] are made by the host alone, from the descriptor or from a checked answer.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use crate::{Exposed, encode};

/// Scheme, host and port: where a credential may go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// See [`host::origin`](crate::host::origin).
    pub(crate) fn of(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let authority = rest.split(['/', '?', '#', '\\']).next()?;
        let default = match scheme.as_str() {
            "https" => ":443",
            "http" => ":80",
            _ => return None,
        };
        let odd = |b: u8| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']' | b'_'));
        if authority.is_empty() || authority.starts_with(':') || authority.bytes().any(odd) {
            return None;
        }
        let host = authority.to_ascii_lowercase();
        let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map(|(_, port)| port);
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return None;
        }
        Some(Self(format!("{scheme}://{}", host.strip_suffix(default).unwrap_or(&host))))
    }
    /// `https://api.github.com`
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// See [`host::matches`](crate::host::matches).
    pub(crate) fn matches(&self, wildcard: &str) -> bool {
        let Some((scheme, domain)) = wildcard.split_once("://*.") else { return false };
        let own = self.0.split_once("://").filter(|(own, _)| *own == scheme);
        let label = own.and_then(|(_, host)| host.strip_suffix(domain)).and_then(|rest| rest.strip_suffix('.'));
        label.is_some_and(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    }
    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.split_once("://").map_or("", |(_, host)| host);
        let name = if host.starts_with('[') { host.split_once(']').map_or("", |(name, _)| name) } else { host };
        let name = if host.starts_with('[') { name } else { name.split(':').next().unwrap_or_default() };
        matches!(name, "localhost" | "127.0.0.1" | "[::1")
    }
}
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
/// An origin and a path prefix that requests are relative to. Made by the host, from the descriptor or a checked answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: Origin,
    path: String,
}
impl BaseUrl {
    /// See [`host::base_url`](crate::host::base_url).
    pub(crate) fn checked(url: &str) -> Option<Self> {
        let origin = Origin::of(url)?;
        let (_, rest) = url.split_once("://")?;
        // What stands behind the authority: a path, or nothing; never a query or fragment alone.
        let path = rest.find(['/', '?', '#', '\\']).and_then(|at| rest.get(at..)).unwrap_or_default();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'.' | b'_' | b'~');
        let fits = path.bytes().all(plain) && !path.split('/').any(|part| matches!(part, "." | ".."));
        fits.then(|| Self { origin, path: path.trim_end_matches('/').to_string() })
    }
    /// Where it is.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
    /// Joins a path that is not encoded yet. A part that is `.` or `..` stays one, as `%2E`: parsers of URLs read it as
    /// dots all the same, so the host refuses to send it, and no path leads out of its base.
    pub(crate) fn join(&self, path: &str) -> String {
        let mut url = self.to_string();
        for part in path.trim_start_matches('/').split('/') {
            url.push('/');
            url.push_str(&match part {
                "." | ".." => part.replace('.', "%2E"),
                part => encode::percent_encode(part),
            });
        }
        url
    }
}
impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}
/// Adds a query parameter to a URL.
pub(crate) fn push_query(url: &mut String, name: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(&encode::percent_encode(name));
    url.push('=');
    url.push_str(&encode::percent_encode(value));
}
/// An address for the user's browser. `Debug` shows the origin alone, since `state` is in the query.
#[derive(Clone, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// Below a base.
    pub fn to(base: &BaseUrl, path: &str) -> Self {
        Self(base.join(path))
    }
    /// From a provider's answer (a device flow's `verification_uri`); `None` when it is no `https` address, nor one of this
    /// machine.
    pub fn from_provider(url: &str) -> Option<Self> {
        let origin = Origin::of(url).filter(|_| url.bytes().all(|b| b.is_ascii_graphic()))?;
        let fits = url.starts_with("https://") || url.starts_with("http://") && origin.is_loopback();
        fits.then(|| Self(url.to_string()))
    }
    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: &(impl Exposed + ?Sized)) -> Self {
        push_query(&mut self.0, name, value.exposed());
        self
    }
    /// For the page.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", Origin::of(&self.0).map_or_else(|| "?".to_string(), |o| o.to_string()))
    }
}
/// A directory that the user granted. Opaque: the file service takes it with a relative path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(pub(crate) String);

impl Root {
    /// For the host's file service and for people.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
/// Where a credential may go; sealed with it.
///
/// The host refuses what neither the descriptor declares nor the user named in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reach {
    /// What paths are relative to; when absent, the descriptor's first address, and every declared origin is in reach.
    pub base_url: Option<BaseUrl>,
    /// Further origins; with a base of its own, only these and the base's are in reach.
    pub origins: Vec<Origin>,
    /// Granted directories.
    pub roots: Vec<Root>,
}
impl Reach {
    /// What the descriptor declares.
    pub fn declared() -> Self {
        Self::default()
    }
    /// Another base, from a checked answer.
    pub fn base(base_url: BaseUrl) -> Self {
        Self { base_url: Some(base_url), ..Self::default() }
    }
    /// A further origin.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origins.push(origin);
        self
    }
    /// A granted directory.
    #[must_use]
    pub fn root(mut self, root: Root) -> Self {
        self.roots.push(root);
        self
    }
}
