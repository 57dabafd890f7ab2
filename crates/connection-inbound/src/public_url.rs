//! Where a host is reached from outside: configured, and never taken from a request.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use connection_contract::Kind;
use url::{Host, Url};

/// The query of the page for a browser that is not the one of the setup.
pub(crate) const OTHER_BROWSER: &str = "other-browser";

/// The address at which browsers reach this host: `https://example.com`, or `https://example.com/connections` where a
/// proxy passes on what is below a path. Without TLS it is a loopback address, or one of a private network
/// ([`on_private_network`](Self::on_private_network)).
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Without `/` at its end.
    text: String,
    url: Url,
}

/// Why a text is no public URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the public URL {0}")]
pub struct InvalidPublicUrl(&'static str);

impl InvalidPublicUrl {
    /// What to do.
    pub fn remedy(&self) -> &'static str {
        "give the address at which browsers reach this host, such as https://example.com/connections"
    }
}

impl PublicUrl {
    /// The loopback address with this port (RFC 8252, section 7.3): a number, since a name may be led elsewhere.
    pub(crate) fn loopback(port: u16) -> Option<Self> {
        format!("http://{}:{port}", Ipv4Addr::LOCALHOST).parse().ok()
    }

    /// Reads an address without TLS on a private network, such as `http://192.168.1.20:8745` (RFC 1918, RFC 4193): for a device
    /// of that network which speaks no TLS. Whoever is on the network can read and change what passes, so a host takes such
    /// an address only from a person who chose it. It is written as a number, because a name may lead anywhere.
    ///
    /// # Errors
    ///
    /// [`InvalidPublicUrl`] for every other address.
    pub fn on_private_network(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl("is not a URL"))?;
        if url.scheme() != "http" || !is_private_network(&url) {
            return Err(InvalidPublicUrl("is no http address of a private network, written as a number"));
        }
        Self::of(url)
    }

    /// A URL whose scheme and host are allowed.
    fn of(url: Url) -> Result<Self, InvalidPublicUrl> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidPublicUrl("has a user or password in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidPublicUrl("has a query or fragment"));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
        if !url.path().bytes().all(plain) || url.path().contains("//") {
            return Err(InvalidPublicUrl("has a path with more than letters, digits and - . _ ~"));
        }
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), url })
    }

    /// Without `/` at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is registered at the provider of this kind: an address of its own (RFC 9700, section 4.4.2.2).
    pub fn redirect_uri(&self, kind: &Kind) -> String {
        format!("{}/callback/{kind}", self.text)
    }

    /// What the user enters at the provider, for a connection whose address ends in this token. A secret, as the token is.
    pub fn webhook(&self, token: &str) -> String {
        format!("{}/webhooks/{token}", self.text)
    }

    /// The page that tells what came of a callback.
    pub(crate) fn done(&self, kind: &Kind, reference: Option<&str>) -> String {
        let query = reference.map(|reference| format!("?ref={reference}")).unwrap_or_default();
        format!("{}/done{query}", self.redirect_uri(kind))
    }

    /// The page for a browser that brought a callback of a setup that another browser was led to.
    pub(crate) fn other_browser(&self, kind: &Kind) -> String {
        format!("{}/done?{OTHER_BROWSER}", self.redirect_uri(kind))
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Host and port, as a browser's `Host` has them.
    pub(crate) fn authority(&self) -> &str {
        self.url.authority()
    }

    /// Returns `true` if other machines reach it.
    pub fn reaches_others(&self) -> bool {
        !is_loopback(&self.url)
    }

    /// What comes behind the origin; empty, or with `/` at its start and none at its end.
    pub fn prefix(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Returns `true` if it is reached by TLS. One that is not is on this machine or a private network.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl("is not a URL"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(InvalidPublicUrl("is not encrypted: use https, or http on 127.0.0.1 or [::1]")),
            _ => return Err(InvalidPublicUrl("is neither https nor http")),
        }
        Self::of(url)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicUrl({})", self.text)
    }
}

/// Whether a URL leads to this machine by its number. `localhost` is a name, which may be led elsewhere (RFC 8252, section
/// 8.3).
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

/// Returns `true` for a number of a private network.
fn is_private_network(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_private(),
        Some(Host::Ipv6(address)) => address.is_unique_local(),
        _ => false,
    }
}
