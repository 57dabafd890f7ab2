//! Addresses that a connection may reach. Plugins receive addresses and never parse one.
//!
//! Only the host creates an [`Origin`], a [`BaseUrl`] or a [`GrantedDirectory`], from the descriptor or from a checked
//! answer.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, net::IpAddr};

use crate::{Exposed, encode};

/// Scheme, host and port of an address that may receive a credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// See [`host::origin`](crate::host::origin) for the description.
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

    /// Returns the origin as text: `https://api.github.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// See [`host::matches`](crate::host::matches) for the description.
    pub(crate) fn matches(&self, wildcard: &str) -> bool {
        let Some((scheme, domain)) = wildcard.split_once("://*.") else { return false };
        let own = self.0.split_once("://").filter(|(own, _)| *own == scheme);
        let label = own.and_then(|(_, host)| host.strip_suffix(domain)).and_then(|rest| rest.strip_suffix('.'));
        label.is_some_and(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    }

    /// See [`host::is_loopback`](crate::host::is_loopback) for the description.
    pub(crate) fn is_loopback(&self) -> bool {
        let place = self.0.split_once("://").map_or("", |(_, place)| place);
        let address: Option<IpAddr> = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address.parse().ok(),
            None => place.split(':').next().and_then(|address| address.parse().ok()),
        };
        if let Some(address) = address {
            return address.to_canonical().is_loopback();
        }
        let name = place.split(':').next().unwrap_or_default().trim_end_matches('.');
        name == "localhost" || name.ends_with(".localhost")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An origin and a path prefix, to which the paths of requests are relative. Only the host creates one, from the
/// descriptor or from a checked answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: Origin,
    path: String,
}

impl BaseUrl {
    /// See [`host::base_url`](crate::host::base_url) for the description.
    pub(crate) fn checked(url: &str) -> Option<Self> {
        let exact = Self::exact(url)?;
        Some(Self { path: exact.path.trim_end_matches('/').to_string(), ..exact })
    }

    /// See [`host::exact_base_url`](crate::host::exact_base_url) for the description.
    pub(crate) fn exact(url: &str) -> Option<Self> {
        let origin = Origin::of(url)?;
        let (_, rest) = url.split_once("://")?;
        // The rest after the authority must be a path or nothing. A query or a fragment is rejected.
        let path = rest.find(['/', '?', '#', '\\']).and_then(|at| rest.get(at..)).unwrap_or_default();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'.' | b'_' | b'~');
        let fits = path.bytes().all(plain) && !path.split('/').any(|part| matches!(part, "." | ".."));
        let path = if path == "/" { "" } else { path };
        fits.then(|| Self { origin, path: path.to_string() })
    }

    /// Returns the origin, which is the base URL without its path.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the base URL with a path after its own, at the same origin. Returns `None` if the path has a query, a
    /// fragment or a dot segment, or characters that need encoding.
    pub fn below(&self, path: &str) -> Option<Self> {
        let mut url = self.without_slash();
        if !path.is_empty() && !path.starts_with('/') {
            url.push('/');
        }
        url.push_str(path);
        Self::checked(&url).filter(|below| below.origin == self.origin)
    }

    /// Returns the address of a path and a query that are encoded already.
    pub(crate) fn followed_by(&self, path_and_query: &str) -> String {
        [&self.without_slash(), path_and_query].concat()
    }

    fn without_slash(&self) -> String {
        [self.origin.as_str(), self.path.trim_end_matches('/')].concat()
    }

    /// Returns exactly this address, with the slash that an address without a path has.
    pub(crate) fn itself(&self) -> String {
        if self.path.is_empty() { self.join("") } else { self.to_string() }
    }

    /// Joins a path that is not encoded yet. A part that is `.` or `..` is written as `%2E`. Parsers of URLs read that
    /// as dots anyway, so the host refuses to send it, and no path leaves its base.
    pub(crate) fn join(&self, path: &str) -> String {
        let mut url = self.without_slash();
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

/// An address for the user's browser. `Debug` shows only the origin, because the query contains `state`.
#[derive(Clone, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// Creates a link to a path below a base.
    pub fn to(base: &BaseUrl, path: &str) -> Self {
        Self(base.join(path))
    }

    /// Creates a link from an address in a provider's answer, such as the `verification_uri` of a device flow. Returns
    /// `None` unless the address is `https` or a loopback address.
    pub fn from_provider(url: &str) -> Option<Self> {
        let origin = Origin::of(url).filter(|_| url.bytes().all(|b| b.is_ascii_graphic()))?;
        let fits = url.starts_with("https://") || url.starts_with("http://") && origin.is_loopback();
        fits.then(|| Self(url.to_string()))
    }

    /// Adds a query parameter, percent-encoded, after the others.
    #[must_use]
    pub fn query(mut self, name: &str, value: &(impl Exposed + ?Sized)) -> Self {
        push_query(&mut self.0, name, value.exposed());
        self
    }

    /// Returns the address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", Origin::of(&self.0).map_or_else(|| "?".to_string(), |o| o.to_string()))
    }
}

/// The purpose of an address that the provider names itself. A host seals the address with it.
///
/// ```
/// use connection_contract::AddressPurpose;
///
/// // A refresh reaches the address of the tokens, and nothing else that was discovered.
/// assert_eq!(AddressPurpose::Token.as_str(), "token");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AddressPurpose {
    /// The page that the browser opens. No request goes there after the setup.
    Authorization,
    /// A document that is read without a credential, such as metadata, keys or an icon. It is not sealed.
    Document,
    /// The endpoint where an application registers itself. It is not sealed.
    Registration,
    /// The requests of a use and of a verification.
    Resource,
    /// The request that revokes the credential.
    Revocation,
    /// The requests that obtain and refresh the credential.
    Token,
    /// The request for the account, in a setup and in a verification.
    UserInfo,
}

impl AddressPurpose {
    /// All purposes.
    pub const ALL: [Self; 7] = [
        Self::Authorization,
        Self::Document,
        Self::Registration,
        Self::Resource,
        Self::Revocation,
        Self::Token,
        Self::UserInfo,
    ];

    /// Returns the purpose as one word, which never changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Document => "document",
            Self::Registration => "registration",
            Self::Resource => "resource",
            Self::Revocation => "revocation",
            Self::Token => "token",
            Self::UserInfo => "userinfo",
        }
    }
}

/// A directory that the user granted. Plugins pass it to the file service together with a relative path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedDirectory(pub(crate) String);

impl GrantedDirectory {
    /// Returns the path of the directory as text, for the host's file service and for people.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The addresses and directories that a credential may be used with. The reach is sealed with the credential.
///
/// The host rejects an address that neither the descriptor declares nor the user named in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reach {
    /// Base URL of relative paths. Without one, the base is the descriptor's first address, and every declared origin
    /// is in reach.
    pub base_url: Option<BaseUrl>,
    /// Further origins. If `base_url` is set, only these and the origin of `base_url` are in reach.
    pub origins: Vec<Origin>,
    /// Granted directories, whose files the connection can read.
    pub roots: Vec<GrantedDirectory>,
}

impl Reach {
    /// Creates the reach that the descriptor declares.
    pub fn declared() -> Self {
        Self::default()
    }

    /// Creates a reach with another base URL, from a checked answer.
    pub fn base(base_url: BaseUrl) -> Self {
        Self { base_url: Some(base_url), ..Self::default() }
    }

    /// Adds an origin that is in reach.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origins.push(origin);
        self
    }

    /// Adds a directory that the user has granted.
    #[must_use]
    pub fn root(mut self, root: GrantedDirectory) -> Self {
        self.roots.push(root);
        self
    }
}
