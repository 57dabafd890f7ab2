//! Where a request may go: the origins that were granted, and where the host has mapped them to.
//!
//! Two parsers must agree on where a URL leads, and a private address is in reach only where exactly that origin was named,
//! by the host or, where the host allows it, by the user.

use std::net::IpAddr;

use connection_contract::{HttpError, Origin, Text, host};
use reqwest::Url;

use crate::{
    HttpPolicy, LastAnswer,
    policy::{agreed_origin, is_loopback},
    public_address::literal,
    resolver::Addresses,
};

/// An origin that requests may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an origin that was not named is another one")]
pub struct AllowedOrigin {
    /// The origin.
    pub origin: Origin,
    /// Whether the user named exactly this origin in an answer, so that it may be at a private address where the host
    /// allows the owner that.
    pub named: bool,
}

/// All origins that requests may go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what is left out is not allowed")]
pub struct Egress {
    /// The origins that were granted.
    pub origins: Vec<AllowedOrigin>,
    /// Declared wildcards, while a setup learns which of their hosts it is; what is sealed names each host.
    pub wildcards: Vec<Text>,
    /// The host's own: they may be anywhere.
    pub host: Vec<Origin>,
    /// What came of the last request.
    pub heard: LastAnswer,
    /// Whether requests are those of the owner of the process, to whom the host's own network is open unless the host says
    /// otherwise.
    pub is_of_process: bool,
}

impl Egress {
    /// Where a URL leads, when it may lead there.
    pub(super) fn target(&self, policy: &HttpPolicy, url: &str) -> Result<Target, HttpError> {
        let parsed = Url::parse(url).map_err(|_| HttpError::Protocol)?;
        let meant = agreed_origin(&parsed, url).ok_or(HttpError::Denied)?;
        if !is_agreed_path(&parsed, url) {
            return Err(HttpError::Denied);
        }
        let mut allowed = self.origins.iter().filter(|allowed| allowed.origin == meant).peekable();
        let (ours, mapped) = (self.host.contains(&meant), policy.mapped(&meant));
        let below = || self.wildcards.iter().any(|wildcard| host::matches(wildcard, &meant));
        if allowed.peek().is_none() && !ours && !below() {
            return Err(HttpError::Denied);
        }
        let addresses = match mapped {
            _ if ours => Addresses::Any,
            Some(_) => Addresses::Any,
            None if allowed.any(|allowed| allowed.named) && policy.opens_private_addresses(self.is_of_process) => {
                Addresses::Private
            }
            None => Addresses::Public,
        };
        let origin = mapped.unwrap_or(&meant).clone();
        let target = Target { url: moved(&parsed, &origin)?, meant, origin, addresses };
        if target.address().is_some_and(|address| !addresses.allow(address)) {
            return Err(HttpError::Denied);
        }
        Ok(target)
    }
}

/// Where one request goes.
pub(super) struct Target {
    /// With the path and query, which may hold secrets: never logged.
    pub(super) url: Url,
    /// What the request was made for.
    pub(super) meant: Origin,
    /// Where it is.
    pub(super) origin: Origin,
    /// Where it may be.
    pub(super) addresses: Addresses,
}

impl Target {
    /// The same place at another path.
    pub(super) fn at(&self, url: &Url) -> Result<Self, HttpError> {
        let url = moved(url, &self.origin)?;
        Ok(Self { url, meant: self.meant.clone(), origin: self.origin.clone(), addresses: self.addresses })
    }
    /// Whether it is on loopback by what it says.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.origin)
    }
    /// The address, when it is written as a number: no name is resolved then.
    fn address(&self) -> Option<IpAddr> {
        self.url.host_str().and_then(literal)
    }
}

/// Whether a URL's path is the one that is written. The client's parser takes parts of dots away, also as `%2E`
/// (WHATWG URL, section 4.4), and would so leave the base that the path was joined to.
fn is_agreed_path(url: &Url, text: &str) -> bool {
    let behind_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let path = behind_scheme.split(['?', '#']).next().and_then(|place| place.find('/').and_then(|at| place.get(at..)));
    url.path() == path.unwrap_or("/")
}

/// Path and query at an origin.
fn moved(url: &Url, origin: &Origin) -> Result<Url, HttpError> {
    let mut there = Url::parse(origin.as_str()).map_err(|_| HttpError::Protocol)?;
    there.set_path(url.path());
    there.set_query(url.query());
    Ok(there)
}
