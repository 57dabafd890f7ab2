//! The origins that a request may go to, and the endpoints that the host has mapped them to.
//!
//! Two parsers must agree on the origin of a URL. A private address is reachable only if the host named exactly that
//! origin or, where the host allows it, the user did.

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
    /// The origin that requests may go to.
    pub origin: Origin,
    /// The person who named exactly this origin in an answer, if anybody did. The origin may then be at a private address,
    /// if the host allows that to the person.
    pub named: NamedBy,
}

/// The person who named an origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what is reachable depends on each of them")]
pub enum NamedBy {
    /// Nobody named it. A kind declares it.
    #[default]
    Nobody,
    /// The owner named it.
    Owner,
    /// The visitor of a setup link named it. The network of the host is as closed to a visitor as to an owner who is
    /// not the owner of the process.
    Visitor,
}

/// All origins that requests may go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what is left out is not allowed")]
pub struct Egress {
    /// The origins that were granted.
    pub origins: Vec<AllowedOrigin>,
    /// The wildcards that a kind declares, used while a setup learns which of their hosts the account is on. A sealed
    /// connection names each host.
    pub wildcards: Vec<Text>,
    /// The origins of the host itself, which may be at any address.
    pub host: Vec<Origin>,
    /// The record of the last answer.
    pub heard: LastAnswer,
    /// `true` if requests are made for the owner of the process, who can reach the host's network unless the host
    /// forbids it.
    pub is_of_process: bool,
    /// `true` if `GET` and `HEAD` only read. Such a request without a body is sent once more, on a new connection, if it
    /// was sent on a connection that was open before and that ended without an answer.
    pub repeats_reads: bool,
}

impl Egress {
    /// Returns the target of a URL, or [`HttpError::Denied`] if a request may not go there.
    pub(super) fn target(&self, policy: &HttpPolicy, url: &str) -> Result<Target, HttpError> {
        let parsed = Url::parse(url).map_err(|_| HttpError::Protocol)?;
        let requested = agreed_origin(&parsed, url).ok_or(HttpError::Denied)?;
        if !is_agreed_path(&parsed, url) {
            return Err(HttpError::Denied);
        }
        let mut allowed = self.origins.iter().filter(|allowed| allowed.origin == requested).peekable();
        let ours = self.host.contains(&requested);
        let mapped = policy.mapped(&requested);
        let below = || self.wildcards.iter().any(|wildcard| host::matches(wildcard, &requested));
        if allowed.peek().is_none() && !ours && !below() {
            return Err(HttpError::Denied);
        }
        let addresses = match mapped {
            _ if ours => Addresses::Any,
            Some(_) => Addresses::Any,
            None if allowed.any(|allowed| self.opens(policy, allowed.named)) => Addresses::Private,
            None => Addresses::Public,
        };
        let origin = mapped.unwrap_or(&requested).clone();
        let target = Target { url: moved(&parsed, &origin)?, requested, origin, addresses };
        if target.address().is_some_and(|address| !addresses.allow(address)) {
            return Err(HttpError::Denied);
        }
        Ok(target)
    }

    /// Returns `true` if an origin that this person named may be at a private address.
    fn opens(&self, policy: &HttpPolicy, named: NamedBy) -> bool {
        match named {
            NamedBy::Nobody => false,
            NamedBy::Owner => policy.opens_private_addresses(self.is_of_process),
            NamedBy::Visitor => policy.opens_private_addresses(false),
        }
    }
}

/// The target of one request.
pub(super) struct Target {
    /// The URL with its path and query. These may hold secrets, so the URL is never logged.
    pub(super) url: Url,
    /// The origin that the caller asked for.
    pub(super) requested: Origin,
    /// The origin that the request is sent to, which differs if the host mapped it.
    pub(super) origin: Origin,
    /// The addresses that the origin may have.
    pub(super) addresses: Addresses,
}

impl Target {
    /// Returns the target for another path and query of the same origin.
    pub(super) fn at(&self, url: &Url) -> Result<Self, HttpError> {
        let url = moved(url, &self.origin)?;
        Ok(Self { url, requested: self.requested.clone(), origin: self.origin.clone(), addresses: self.addresses })
    }

    /// Returns `true` if the origin is on loopback, by its text.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.origin)
    }

    /// Returns the address if the host is written as one. Then no name is resolved.
    fn address(&self) -> Option<IpAddr> {
        self.url.host_str().and_then(literal)
    }
}

/// Returns `true` if the parsed path of a URL is the one in its text.
///
/// The parser of the client removes dot segments, also when written as `%2E` (WHATWG URL, section 4.4). Such a path
/// could leave the base that it was joined to.
fn is_agreed_path(url: &Url, text: &str) -> bool {
    let behind_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let path = behind_scheme.split(['?', '#']).next().and_then(|place| place.find('/').and_then(|at| place.get(at..)));
    url.path() == path.unwrap_or("/")
}

/// Returns the path and query of a URL at another origin.
fn moved(url: &Url, origin: &Origin) -> Result<Url, HttpError> {
    let mut there = Url::parse(origin.as_str()).map_err(|_| HttpError::Protocol)?;
    there.set_path(url.path());
    there.set_query(url.query());
    Ok(there)
}
