//! The public URL of a host: configured, and never taken from a request.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use connection_contract::Kind;
use url::{Host, Url};

/// The query of the page for a browser other than the setup's.
pub(crate) const OTHER_BROWSER: &str = "other-browser";

/// The address at which browsers reach this host.
///
/// For example `https://example.com`, or `https://example.com/connections` if a proxy passes on everything below a
/// path. An address without TLS is a loopback address, or one of a private network
/// ([`on_private_network`](Self::on_private_network)).
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// The address without a trailing `/`.
    text: String,
    url: Url,
}

/// An error for a text that is not a public URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the public URL {0}")]
pub struct InvalidPublicUrl(&'static str);

impl InvalidPublicUrl {
    /// Returns what a person can do about the error.
    pub fn remedy(&self) -> &'static str {
        "give the address at which browsers reach this host, such as https://example.com/connections"
    }
}

impl PublicUrl {
    /// Returns the loopback address with this port (RFC 8252, section 7.3): a number, since a name may resolve
    /// elsewhere.
    pub(crate) fn loopback(port: u16) -> Option<Self> {
        format!("http://{}:{port}", Ipv4Addr::LOCALHOST).parse().ok()
    }

    /// Parses the address of this machine by its name, such as `http://localhost:8745`, for a page that needs a name.
    ///
    /// Browsers resolve `localhost` to this machine themselves. For other programs, the name may resolve elsewhere (RFC
    /// 8252, section 8.3).
    ///
    /// # Errors
    ///
    /// Returns [`InvalidPublicUrl`] for every other address.
    pub fn on_localhost(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str() != Some("localhost") {
            return Err(InvalidPublicUrl("is not an address of localhost"));
        }
        Self::of(url)
    }

    /// Parses an address without TLS on a private network, such as `http://192.168.1.20:8745` (RFC 1918, RFC 4193).
    ///
    /// It is for devices in that network that do not speak TLS. Anyone on the network can read and change the
    /// traffic, so a host must take such an address only from a person who chose it. The address must be numeric,
    /// because a name may resolve to anything.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidPublicUrl`] for every other address.
    pub fn on_private_network(text: &str) -> Result<Self, InvalidPublicUrl> {
        let url = Url::parse(text).map_err(|_| InvalidPublicUrl("is not a URL"))?;
        if url.scheme() != "http" || !is_private_network(&url) {
            return Err(InvalidPublicUrl("is not an http address of a private network, written as a number"));
        }
        Self::of(url)
    }

    /// Checks the remaining parts of a URL whose scheme and host are allowed.
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

    /// Returns the address without a trailing `/`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the redirect URI to register at the provider of this kind; each kind has its own (RFC 9700, section
    /// 4.4.2.2).
    pub fn redirect_uri(&self, kind: &Kind) -> String {
        format!("{}/callback/{}", self.text, kind.path_segment())
    }

    /// Returns the webhook address with this token, which the user enters at the provider. It is a secret, as the
    /// token is.
    pub fn webhook(&self, token: &str) -> String {
        format!("{}/webhooks/{token}", self.text)
    }

    /// Returns the address of the page with a callback's result.
    pub(crate) fn done(&self, kind: &Kind, reference: Option<&str>) -> String {
        let query = reference.map(|reference| format!("?ref={reference}")).unwrap_or_default();
        format!("{}/done{query}", self.redirect_uri(kind))
    }

    /// Returns the address of the page for a browser that brought the callback of another browser's setup.
    pub(crate) fn other_browser(&self, kind: &Kind) -> String {
        format!("{}/done?{OTHER_BROWSER}", self.redirect_uri(kind))
    }

    /// Returns the scheme, host and port.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Returns the host and port, as in a browser's `Host`.
    pub(crate) fn authority(&self) -> &str {
        self.url.authority()
    }

    /// Returns `true` if other machines can reach the address.
    pub fn reaches_others(&self) -> bool {
        !is_loopback(&self.url) && self.url.host_str() != Some("localhost")
    }

    /// Returns the path of the address: empty, or beginning with `/` and without a trailing one.
    pub fn prefix(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Returns `true` for an address with TLS. One without is on this machine or in a private network.
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

/// Returns `true` if a URL names this machine by its number. `localhost` is a name, which may resolve elsewhere (RFC
/// 8252, section 8.3).
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

/// Returns `true` if a URL names a host of a private network by its number.
fn is_private_network(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_private(),
        Some(Host::Ipv6(address)) => address.is_unique_local(),
        _ => false,
    }
}
