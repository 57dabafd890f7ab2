//! The client of one server, and its settings.

use std::{fmt, sync::Arc, time::Duration};

use connection_egress::tls_config;
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Error, address::BaseAddress};

/// The longest time for a connection to the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time for a request. The server asks providers for some of them, with time limits of its own.
const TIMEOUT: Duration = Duration::from_secs(120);
/// A stream without a sign of life for this time is dead. The server sends one each 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

/// The client of one server.
///
/// A clone is another handle of the same client. Nothing is requested before the first method is called.
///
/// ```
/// use connection_client::Client;
///
/// let client = Client::new("http://127.0.0.1:8745", "cn_of-a-token".into())?;
/// assert_eq!(client.base_url(), "http://127.0.0.1:8745");
/// assert!(!format!("{client:?}").contains("cn_of-a-token"));
/// # Ok::<_, connection_client::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) base: BaseAddress,
    pub(crate) owner: Option<String>,
    pub(crate) token: SecretString,
    pub(crate) timeout: Duration,
    pub(crate) requests: reqwest::Client,
    /// The same for streams, which have no end and so no time limit as a whole.
    pub(crate) streams: reqwest::Client,
}

/// The settings of a [`Client`], before it is made.
///
/// ```
/// use std::time::Duration;
///
/// use connection_client::Client;
///
/// let client = Client::builder("https://connections.example", "cn_...".into())
///     .owner("customer-17")
///     .timeout(Duration::from_secs(30))
///     .build();
/// # drop(client);
/// ```
pub struct ClientBuilder {
    base_url: String,
    token: SecretString,
    owner: Option<String>,
    timeout: Duration,
    certificates: Vec<Vec<u8>>,
}

impl Client {
    /// Creates the client of the server at this address, with the token of the program.
    ///
    /// # Errors
    ///
    /// Those of [`ClientBuilder::build`].
    pub fn new(base_url: impl Into<String>, token: SecretString) -> Result<Self, Error> {
        Self::builder(base_url, token).build()
    }

    /// Returns the settings of a client, which may be changed before it is made.
    pub fn builder(base_url: impl Into<String>, token: SecretString) -> ClientBuilder {
        ClientBuilder { base_url: base_url.into(), token, owner: None, timeout: TIMEOUT, certificates: Vec::new() }
    }

    /// Returns the address of the server, without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.shared.base.as_str()
    }
}

impl ClientBuilder {
    /// Acts for this owner. Only a token for every owner may name another one than its own.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets the longest time for a request, which is two minutes otherwise. It does not limit [`Client::live`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Trusts these certificates, too, given as PEM.
    #[must_use]
    pub fn root_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// Creates the client. Nothing is requested.
    ///
    /// # Errors
    ///
    /// [`Error::Address`], [`Error::Unencrypted`], [`Error::Token`] and [`Error::Certificates`].
    pub fn build(self) -> Result<Client, Error> {
        let base = BaseAddress::parse(&self.base_url)?;
        let token = self.token.expose_secret();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Token);
        }
        let tls = tls_config(&self.certificates).map_err(|error| Error::Certificates(error.to_string()))?;
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(Policy::none())
                .referer(false)
                .no_proxy()
                .retry(reqwest::retry::never())
                .user_agent(concat!("connection-client/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIMEOUT)
        };
        let failed = |error: reqwest::Error| Error::Certificates(error.without_url().to_string());
        let shared = Shared {
            base,
            owner: self.owner,
            token: self.token,
            timeout: self.timeout,
            requests: builder().build().map_err(failed)?,
            streams: builder().read_timeout(SILENCE).build().map_err(failed)?,
        };
        Ok(Client { shared: Arc::new(shared) })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { base, owner, .. } = &*self.shared;
        f.debug_struct("Client").field("base_url", &base.as_str()).field("owner", owner).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address was not checked yet, and may hold a password.
        f.debug_struct("ClientBuilder").field("owner", &self.owner).finish_non_exhaustive()
    }
}
