//! The policy of a host for HTTP: the endpoints of origins, time limits, sizes, the proxy and certificates.
//!
//! Nothing is read from the environment, so that no variable of a shell can lead credentials through a proxy.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use connection_contract::{DisplayText, Origin, host};
use reqwest::Url;
use secrecy::SecretString;

use crate::{
    HttpObserver,
    outages::Way,
    public_address::{is_loopback_host, is_metadata, is_public, literal},
};

/// The default time limit for a request.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The default time limit for a request that spends a token or code.
const SPENDING_TIMEOUT: Duration = Duration::from_secs(20);

/// The default of both time limits of a request that is sent in pieces.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(300);
/// The shortest and the longest of these limits.
const PROGRESS_TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

/// The HTTP settings of a host.
///
/// ```
/// use std::time::Duration;
///
/// use connection_egress::HttpPolicy;
///
/// let policy = HttpPolicy::new()
///     .endpoint("https://api.github.com", "http://127.0.0.1:9001")?
///     .timeout(Duration::from_secs(10));
/// assert_eq!(policy.endpoints().count(), 1);
/// assert!(HttpPolicy::new().endpoint("https://api.github.com", "http://example.com").is_err());
/// # Ok::<(), connection_egress::HttpPolicyError>(())
/// ```
#[derive(Clone)]
pub struct HttpPolicy {
    endpoints: Vec<(Origin, Origin)>,
    /// The endpoint of all origins that have none of their own.
    only_endpoint: Option<Origin>,
    pub(super) observer: Option<Arc<dyn HttpObserver>>,
    pub(super) proxy: Option<SecretString>,
    timeout: Option<Duration>,
    pub(super) connect_timeout: Duration,
    pub(super) first_byte: Duration,
    pub(super) idle: Duration,
    pub(super) body_limit: usize,
    pub(super) user_agent: String,
    pub(super) root_certificates: Vec<Vec<u8>>,
    pub(super) private_addresses: PrivateAddresses,
}

/// The owners who can reach a private address that they named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrivateAddresses {
    AllOwners,
    Never,
    OwnerOfProcess,
}

/// The reason why a policy cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpPolicyError {
    /// The TLS library or the HTTP library rejected the settings.
    #[error("the HTTP client cannot be created")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An `https` origin is mapped to one that is not encrypted.
    #[error(
        "the endpoint of {from} is {to}, which is not encrypted: use https, or http on a loopback address such as \
         http://127.0.0.1:9001"
    )]
    Cleartext {
        /// The origin to which kinds send requests.
        from: Origin,
        /// The unencrypted endpoint that would get the requests in its place.
        to: Origin,
    },
    /// An origin is mapped twice.
    #[error("{from} has two endpoints; remove one of them")]
    Duplicate {
        /// The origin that is mapped twice.
        from: Origin,
    },
    /// The text is not an origin.
    #[error("'{text}' is not an origin: write only the scheme, host and port, as in https://api.example.com")]
    Origin {
        /// The text, without a part that may be a password.
        text: DisplayText,
    },
    /// The port of an origin is no port.
    #[error("'{text}' has a port that does not exist: a port is a number from 1 to 65535")]
    Port {
        /// The text, without a part that may be a password.
        text: DisplayText,
    },
    /// A time limit of requests that are sent in pieces is too short or too long.
    #[error("the time limit {limit} must be from 1 second to 24 hours")]
    ProgressTimeout {
        /// The limit: `first_byte` or `idle`.
        limit: &'static str,
    },
    /// The text is not the address of a proxy. It may hold a password, so the error does not repeat it.
    #[error("the proxy's address is not of the form http://proxy.example.com:3128")]
    Proxy,
    /// A root certificate cannot be read.
    #[error("a root certificate cannot be read: give PEM, with a block that begins with BEGIN CERTIFICATE")]
    RootCertificate,
    /// The endpoint of all origins is not encrypted.
    #[error("{to} is not encrypted: use https, or http on a loopback address such as http://127.0.0.1:9001")]
    Unencrypted {
        /// The origin of the endpoint that is not encrypted.
        to: Origin,
    },
    /// The user agent cannot be written into a header.
    #[error("the user agent may contain only printable ASCII characters")]
    UserAgent,
}

impl HttpPolicy {
    /// Creates the default policy.
    ///
    /// It has no mapping and no proxy. A request takes at most 15 seconds, or 20 if it spends a token or code; at most
    /// 10 of them are for connecting. A request that is sent in pieces takes as long as it makes progress, with at most
    /// 300 seconds between two steps. Answers to plugins have at most 1 MiB.
    pub fn new() -> Self {
        Self {
            endpoints: Vec::new(),
            only_endpoint: None,
            observer: None,
            proxy: None,
            timeout: None,
            connect_timeout: Duration::from_secs(10),
            first_byte: PROGRESS_TIMEOUT,
            idle: PROGRESS_TIMEOUT,
            body_limit: 1024 * 1024,
            user_agent: concat!("connections/", env!("CARGO_PKG_VERSION")).into(),
            root_certificates: Vec::new(),
            private_addresses: PrivateAddresses::OwnerOfProcess,
        }
    }

    /// Keeps every owner from private addresses, including loopback.
    ///
    /// By default, the owner of the process can reach a private address that the same owner named as exactly that
    /// origin, as is usual on a desktop. Other owners cannot, since the network belongs to the host. Link-local
    /// addresses, where clouds keep their metadata, are never reachable in this way. An origin that the host maps with
    /// [`endpoint`](Self::endpoint) may be at any address.
    #[must_use]
    pub fn no_private_addresses(mut self) -> Self {
        self.private_addresses = PrivateAddresses::Never;
        self
    }

    /// Lets every owner reach private addresses that the same owner named, as the owner of the process can. Use this if
    /// all owners may reach everything in the network of the host.
    #[must_use]
    pub fn private_addresses_for_all_owners(mut self) -> Self {
        self.private_addresses = PrivateAddresses::AllOwners;
        self
    }

    /// Sends requests for the origin `from` to the origin `to`, such as a test server or an enterprise gateway.
    ///
    /// The host thereby names that address, so it may be a private one.
    ///
    /// # Errors
    ///
    /// If one of them is not an origin, if `from` is mapped already, or if `https` would become `http` on an address
    /// that is not loopback.
    pub fn endpoint(mut self, from: &str, to: &str) -> Result<Self, HttpPolicyError> {
        let from = origin(from)?;
        let to = origin(to)?;
        let encrypted = |origin: &Origin| origin.as_str().starts_with("https:");
        if encrypted(&from) && !encrypted(&to) && !is_loopback(&to) {
            return Err(HttpPolicyError::Cleartext { from, to });
        }
        if self.endpoints.iter().any(|(known, _)| *known == from) {
            return Err(HttpPolicyError::Duplicate { from });
        }
        self.endpoints.push((from, to));
        Ok(self)
    }

    /// Sends requests for every origin to the origin `to`, such as the test server of an author. Endpoints that were
    /// set for single origins are dropped.
    ///
    /// # Errors
    ///
    /// If it is not an origin, or neither encrypted nor loopback.
    pub fn only_endpoint(mut self, to: &str) -> Result<Self, HttpPolicyError> {
        let to = origin(to)?;
        if !to.as_str().starts_with("https:") && !is_loopback(&to) {
            return Err(HttpPolicyError::Unencrypted { to });
        }
        self.endpoints.clear();
        self.only_endpoint = Some(to);
        Ok(self)
    }

    /// Sets a listener that receives every request with its answer, including the credential.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn HttpObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Returns the mappings as pairs of origin and endpoint, for display.
    pub fn endpoints(&self) -> impl Iterator<Item = (&str, &str)> {
        self.endpoints.iter().map(|(from, to)| (from.as_str(), to.as_str()))
    }

    /// Sends requests through this proxy, except those to loopback.
    ///
    /// By default there is no proxy. None is ever taken from the environment.
    ///
    /// The proxy resolves names, so the proxy has to reject names that lead into its network. This client then checks
    /// only addresses that are written as numbers.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(SecretString::from(url.into()));
        self
    }

    /// Sets how long a request may take, from its start to the last byte. For a streamed answer, this is the time to
    /// its headers, and then between pieces.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how much of that time may pass before the connection is made.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a request that is sent in pieces waits for the head of its answer after its last piece was sent.
    ///
    /// The limit is from 1 second to 24 hours; a client with another one is not created. The time for the whole
    /// request is not limited.
    #[must_use]
    pub fn first_byte(mut self, timeout: Duration) -> Self {
        self.first_byte = timeout;
        self
    }

    /// Sets the longest time between two pieces of such a request or of its answer, also if the answer is an event
    /// stream, whose server should send a comment more often than that.
    ///
    /// The limit is from 1 second to 24 hours; a client with another one is not created. A piece that moves in either
    /// direction begins the time anew, and the time in which the caller does not read the answer does not count.
    #[must_use]
    pub fn idle(mut self, timeout: Duration) -> Self {
        self.idle = timeout;
        self
    }

    /// Sets the maximum size of an answer to a plugin.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets the user agent, which is `connections/<version>` by default. A request that sets its own keeps it.
    #[must_use]
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = text.into();
        self
    }

    /// Trusts these certificates in addition to those of the system. They are given as PEM.
    #[must_use]
    pub fn root_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Returns the time limit of a request.
    pub(super) fn deadline(&self) -> Duration {
        self.timeout.unwrap_or(TIMEOUT)
    }

    /// Returns the longest time between two pieces of a request that is sent in pieces.
    pub fn idle_timeout(&self) -> Duration {
        self.idle
    }

    /// Checks the time limits of requests that are sent in pieces.
    pub(super) fn check_progress_timeouts(&self) -> Result<(), HttpPolicyError> {
        let limits = [("first_byte", self.first_byte), ("idle", self.idle)];
        match limits.into_iter().find(|(_, timeout)| !PROGRESS_TIMEOUTS.contains(timeout)) {
            Some((limit, _)) => Err(HttpPolicyError::ProgressTimeout { limit }),
            None => Ok(()),
        }
    }

    /// Returns the time limit of a request that spends a token or code, which is at most `longest`. By default, such a
    /// request gets more time, since its answer cannot be requested again.
    pub(super) fn spending_deadline(&self, longest: Option<Duration>) -> Duration {
        let timeout = self.timeout.unwrap_or(SPENDING_TIMEOUT);
        longest.map_or(timeout, |longest| timeout.min(longest))
    }

    /// Returns the way to an origin, for a request with this time limit.
    pub(super) fn way_to(&self, origin: &Origin, timeout: Duration) -> Way {
        Way { timeout, is_proxied: self.proxy.is_some() && !is_loopback(origin) }
    }

    /// Returns `true` if an owner can reach private addresses that the owner named.
    pub(super) fn opens_private_addresses(&self, is_owner_of_process: bool) -> bool {
        match self.private_addresses {
            PrivateAddresses::AllOwners => true,
            PrivateAddresses::Never => false,
            PrivateAddresses::OwnerOfProcess => is_owner_of_process,
        }
    }

    /// Returns `true` if an origin is at a private address, by its text, that only the owner of the process can reach.
    pub(super) fn is_of_process_alone(&self, origin: &Origin) -> bool {
        let is_of_process_alone = self.private_addresses == PrivateAddresses::OwnerOfProcess;
        is_of_process_alone && self.mapped(origin).is_none() && is_private(origin)
    }

    /// Returns the origin that messages about an answer name. If all requests go to one server, it is that server.
    pub(super) fn named<'o>(&'o self, origin: &'o Origin) -> &'o Origin {
        self.only_endpoint.as_ref().unwrap_or(origin)
    }

    /// Returns the endpoint of an origin, if it is mapped.
    pub fn mapped(&self, origin: &Origin) -> Option<&Origin> {
        let own = self.endpoints.iter().find(|(from, _)| from == origin).map(|(_, to)| to);
        own.or(self.only_endpoint.as_ref())
    }
}

impl Default for HttpPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpPolicy")
            .field("endpoints", &self.endpoints)
            .field("only_endpoint", &self.only_endpoint)
            .field("observer", &self.observer.is_some())
            .field("proxy", &self.proxy.is_some())
            .field("timeout", &self.deadline())
            .field("connect_timeout", &self.connect_timeout)
            .field("first_byte", &self.first_byte)
            .field("idle", &self.idle)
            .field("body_limit", &self.body_limit)
            .field("user_agent", &self.user_agent)
            .field("root_certificates", &self.root_certificates.len())
            .field("private_addresses", &self.private_addresses)
            .finish()
    }
}

/// Returns the origin of a URL if the contract and the HTTP client agree on it.
pub(super) fn agreed_origin(url: &Url, text: &str) -> Option<Origin> {
    host::origin(text).filter(|origin| url.origin().ascii_serialization() == origin.as_str())
}

/// Returns `true` if an origin is at a private address, by its text, without a look-up of its name.
fn is_private(origin: &Origin) -> bool {
    let is_private = |host: &str| is_loopback_host(host) || literal(host).is_some_and(|address| !is_public(address));
    Url::parse(origin.as_str()).is_ok_and(|url| url.host_str().is_some_and(is_private))
}

/// Returns `true` if an origin is an address of a private network, written as a number (RFC 1918, RFC 4193).
pub fn is_private_network(origin: &Origin) -> bool {
    let url = Url::parse(origin.as_str());
    let address = url.ok().and_then(|url| url.host_str().and_then(literal)).map(|address| address.to_canonical());
    address.is_some_and(|address| match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local() && !is_metadata(address),
    })
}

/// Returns `true` unless an origin is at an address that is not public, by its text, without a look-up of its name.
pub fn may_be_public(origin: &Origin) -> bool {
    !is_private(origin)
}

/// Returns `true` if an origin is on loopback, by its text, without a look-up of its name.
pub fn is_loopback(origin: &Origin) -> bool {
    Url::parse(origin.as_str()).is_ok_and(|url| url.host_str().is_some_and(is_loopback_host))
}

fn origin(text: &str) -> Result<Origin, HttpPolicyError> {
    let parsed = Url::parse(text).ok().filter(|url| url.path() == "/" && url.query().is_none());
    let parsed = parsed.filter(|url| url.fragment().is_none() && url.port() != Some(0));
    parsed.and_then(|url| agreed_origin(&url, text)).ok_or_else(|| {
        let without_user = text.rsplit('@').next().unwrap_or_default();
        let without_query = without_user.split(['?', '#']).next().unwrap_or_default();
        let text = without_query.to_owned().into();
        if has_bad_port(without_query) { HttpPolicyError::Port { text } } else { HttpPolicyError::Origin { text } }
    })
}

/// Returns `true` if a text ends with a number that is too large or too small for a port.
fn has_bad_port(text: &str) -> bool {
    let (_, port) = text.trim_end_matches('/').rsplit_once(':').unwrap_or_default();
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_number && port.parse().map_or(true, |port: u16| port == 0)
}
