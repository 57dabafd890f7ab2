//! What a host says about HTTP: where origins really are, how long an answer may take and how large it may be.
//!
//! Nothing of it comes from the environment: a variable of the shell must not lead credentials through somebody's proxy.

use std::{fmt, net::IpAddr, time::Duration};

use connection_contract::{DisplayText, Origin, host};
use reqwest::Url;
use secrecy::SecretString;

use crate::public_address::{is_loopback_host, is_metadata, is_public, literal};

/// The time for a request, unless the host says otherwise.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The time for a request that spends something, likewise.
const SPENDING_TIMEOUT: Duration = Duration::from_secs(20);

/// How this host does HTTP.
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
    pub(super) proxy: Option<SecretString>,
    timeout: Option<Duration>,
    pub(super) connect_timeout: Duration,
    pub(super) body_limit: usize,
    pub(super) user_agent: String,
    pub(super) root_certificates: Vec<Vec<u8>>,
    pub(super) private_addresses: PrivateAddresses,
}

/// Which owners reach a private address that they named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrivateAddresses {
    /// All of them.
    AllOwners,
    /// None.
    Never,
    /// The owner of the process.
    OwnerOfProcess,
}

/// Why a policy cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpPolicyError {
    /// The TLS library or the client refused what it was given.
    #[error("the HTTP client cannot be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// `https` would become readable on the network.
    #[error(
        "the endpoint of {from} is {to}, which is not encrypted: use https, or http on a loopback address such as \
         http://127.0.0.1:9001"
    )]
    Cleartext {
        /// What is mapped.
        from: Origin,
        /// Where to.
        to: Origin,
    },
    /// Two mappings of one origin.
    #[error("{from} has two endpoints; leave one")]
    Duplicate {
        /// What is mapped twice.
        from: Origin,
    },
    /// Not an origin.
    #[error("'{text}' is no origin: write scheme, host and port alone, as in https://api.example.com")]
    Origin {
        /// What was given, without what may be a password.
        text: DisplayText,
    },
    /// Not the address of a proxy. It may hold a password, so it is not repeated.
    #[error("the proxy's address is not of the form http://proxy.example.com:3128")]
    Proxy,
    /// Not a certificate.
    #[error("a root certificate cannot be read: give PEM, with a block that begins with BEGIN CERTIFICATE")]
    RootCertificate,
    /// Cannot be written into a header.
    #[error("the user agent may hold printable ASCII characters only")]
    UserAgent,
}

impl HttpPolicy {
    /// No mapping and no proxy; 15 seconds for a request, 20 for one that spends something, 10 of them to connect; answers
    /// to plugins of at most 1 MiB.
    pub fn new() -> Self {
        Self {
            endpoints: Vec::new(),
            proxy: None,
            timeout: None,
            connect_timeout: Duration::from_secs(10),
            body_limit: 1024 * 1024,
            user_agent: concat!("connections/", env!("CARGO_PKG_VERSION")).into(),
            root_certificates: Vec::new(),
            private_addresses: PrivateAddresses::OwnerOfProcess,
        }
    }
    /// Keeps every owner from private addresses, loopback among them.
    ///
    /// Without this, the owner of the process reaches a private address that the same owner named exactly as that origin,
    /// as one does on a desktop; any other owner does not, since the network is the host's. The addresses of a link alone,
    /// where clouds keep their metadata, are out of reach in any case. What the host maps by [`endpoint`](Self::endpoint)
    /// may be anywhere.
    #[must_use]
    pub fn no_private_addresses(mut self) -> Self {
        self.private_addresses = PrivateAddresses::Never;
        self
    }
    /// Lets every owner reach private addresses that the same owner named, as the owner of the process does: for a host
    /// whose owners may reach all that the host reaches in its own network.
    #[must_use]
    pub fn private_addresses_for_all_owners(mut self) -> Self {
        self.private_addresses = PrivateAddresses::AllOwners;
        self
    }
    /// What is meant for one origin goes to another one: a test server, an enterprise gateway. This counts as naming
    /// that address, so it may be a private one.
    ///
    /// # Errors
    ///
    /// One of them is no origin, is mapped already, or `https` would become `http` on anything but loopback.
    pub fn endpoint(mut self, from: &str, to: &str) -> Result<Self, HttpPolicyError> {
        let (from, to) = (origin(from)?, origin(to)?);
        let encrypted = |origin: &Origin| origin.as_str().starts_with("https:");
        if encrypted(&from) && !encrypted(&to) && !is_loopback(&to) {
            return Err(HttpPolicyError::Cleartext { from, to });
        }
        if self.mapped(&from).is_some() {
            return Err(HttpPolicyError::Duplicate { from });
        }
        self.endpoints.push((from, to));
        Ok(self)
    }
    /// The mappings in force, for people: from, to.
    pub fn endpoints(&self) -> impl Iterator<Item = (&str, &str)> {
        self.endpoints.iter().map(|(from, to)| (from.as_str(), to.as_str()))
    }
    /// Goes through this proxy; names on loopback are still reached directly. None by default, and never one from the
    /// environment.
    ///
    /// The proxy resolves names, so it has to keep them from leading into its network: what is checked here are
    /// addresses written as numbers.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(SecretString::from(url.into()));
        self
    }
    /// How long a request may take, from its start to the last byte. For an answer that is streamed: to its headers,
    /// and then from piece to piece.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
    /// How much of that may pass before there is a connection.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }
    /// How large an answer to a plugin may be.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }
    /// How we call ourselves; `connections/<version>` by default. A request that sets its own keeps it.
    #[must_use]
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = text.into();
        self
    }
    /// Trusts these certificates beside the system's, as PEM.
    #[must_use]
    pub fn root_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }
    /// Returns how long a request may take.
    pub(super) fn deadline(&self) -> Duration {
        self.timeout.unwrap_or(TIMEOUT)
    }
    /// Returns how long a request may take that spends something, which gets more time, since its answer cannot be had
    /// again; never more than `longest`.
    pub(super) fn spending_deadline(&self, longest: Option<Duration>) -> Duration {
        let timeout = self.timeout.unwrap_or(SPENDING_TIMEOUT);
        longest.map_or(timeout, |longest| timeout.min(longest))
    }
    /// Returns `true` if an owner reaches private addresses.
    pub(super) fn opens_private_addresses(&self, is_owner_of_process: bool) -> bool {
        match self.private_addresses {
            PrivateAddresses::AllOwners => true,
            PrivateAddresses::Never => false,
            PrivateAddresses::OwnerOfProcess => is_owner_of_process,
        }
    }
    /// Returns `true` if an origin is at a private address by what it says, and open to the owner of the process alone.
    pub(super) fn is_of_process_alone(&self, origin: &Origin) -> bool {
        let is_of_process_alone = self.private_addresses == PrivateAddresses::OwnerOfProcess;
        is_of_process_alone && self.mapped(origin).is_none() && is_private(origin)
    }
    /// Where that origin really is, when it is mapped.
    pub fn mapped(&self, origin: &Origin) -> Option<&Origin> {
        self.endpoints.iter().find(|(from, _)| from == origin).map(|(_, to)| to)
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
            .field("proxy", &self.proxy.is_some())
            .field("timeout", &self.deadline())
            .field("connect_timeout", &self.connect_timeout)
            .field("body_limit", &self.body_limit)
            .field("user_agent", &self.user_agent)
            .field("root_certificates", &self.root_certificates.len())
            .field("private_addresses", &self.private_addresses)
            .finish()
    }
}

/// The origin of a URL as the contract and the HTTP client both read it; `None` where they differ.
pub(super) fn agreed_origin(url: &Url, text: &str) -> Option<Origin> {
    host::origin(text).filter(|origin| url.origin().ascii_serialization() == origin.as_str())
}

/// Returns `true` if an origin is at a private address by what it says, without asking a name server.
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

/// Whether an origin is on loopback by what it says, without asking a name server.
pub fn is_loopback(origin: &Origin) -> bool {
    Url::parse(origin.as_str()).is_ok_and(|url| url.host_str().is_some_and(is_loopback_host))
}

fn origin(text: &str) -> Result<Origin, HttpPolicyError> {
    let parsed = Url::parse(text).ok().filter(|url| url.path() == "/" && url.query().is_none());
    parsed.filter(|url| url.fragment().is_none()).and_then(|url| agreed_origin(&url, text)).ok_or_else(|| {
        let without_user = text.rsplit('@').next().unwrap_or_default();
        let without_query = without_user.split(['?', '#']).next().unwrap_or_default();
        HttpPolicyError::Origin { text: without_query.to_owned().into() }
    })
}
