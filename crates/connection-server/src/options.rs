//! The addresses at which browsers and programs reach the API, and the options of a host.

use std::{fmt, str::FromStr};

use connection_agent::UsageMonitor;
use connection_contract::BoxFuture;
use connection_inbound::{PublicUrl, ServerTls};
use tokio::sync::watch;

use crate::appearance::{Accent, Logo, ReturnAddress};

/// The address of a host as a browser names it: a scheme, a host and perhaps a port, such as `http://127.0.0.1:8745`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostOrigin {
    text: String,
    /// The number of bytes of the scheme, including `://`.
    scheme: usize,
}

/// An error for a text that is not a [`HostOrigin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidHostOrigin;

impl fmt::Display for InvalidHostOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the origin is not a scheme, a host and perhaps a port, such as https://example.com")
    }
}

impl std::error::Error for InvalidHostOrigin {}

impl FromStr for HostOrigin {
    type Err = InvalidHostOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidHostOrigin> {
        let scheme = ["http://", "https://"].into_iter().find(|scheme| text.starts_with(scheme));
        let scheme = scheme.ok_or(InvalidHostOrigin)?.len();
        let is_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
        let host = text.get(scheme..).ok_or(InvalidHostOrigin)?;
        match !host.is_empty() && host.bytes().all(is_host) {
            true => Ok(Self { text: text.to_owned(), scheme }),
            false => Err(InvalidHostOrigin),
        }
    }
}

impl HostOrigin {
    pub(crate) fn origin(&self) -> &str {
        &self.text
    }

    /// Returns the host and port, as in the header `Host`.
    pub fn authority(&self) -> &str {
        self.text.get(self.scheme..).unwrap_or_default()
    }
}

/// The streams of live events of a server, the WebSockets at its doors, and the requests that wait for the next state of
/// a setup.
///
/// A stream has no end of its own. A server that stops ends them first, or it would wait for them; it closes the registry
/// after they have [settled](Self::settled), or the end of a WebSocket would not be on record.
///
/// ```
/// use connection_server::{ApiOptions, LiveStreams};
///
/// let streams = LiveStreams::new();
/// let options = ApiOptions::new("http://127.0.0.1:8745".parse()?).live(streams.clone());
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// // When the server is asked to stop:
/// streams.end();
/// // After it has answered the last request, and before it closes the registry:
/// streams.settled().await;
/// # });
/// # drop(options);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct LiveStreams(watch::Sender<bool>);

impl LiveStreams {
    /// Creates a handle for one server. Its streams run until [`end`](Self::end) is called.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the streams, and each one that begins later; the waiting requests are answered with the state as it is.
    pub fn end(&self) {
        self.0.send_replace(true);
    }

    /// Waits until each stream has ended, which none does before [`end`](Self::end).
    pub fn settled(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.closed())
    }

    /// Returns the part of a stream that tells when it must end. The stream is open until this is dropped.
    pub(crate) fn open(&self) -> OpenStream {
        OpenStream { ended: self.0.subscribe(), _streams: self.clone() }
    }

    /// Resolves when the streams end.
    pub(crate) fn ended(&self) -> BoxFuture<'static, ()> {
        let mut open = self.open();
        Box::pin(async move { open.ended().await })
    }
}

/// A stream that is open until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenStream {
    ended: watch::Receiver<bool>,
    /// The sender lives as long as the receiver, so that waiting does not fail.
    _streams: LiveStreams,
}

impl OpenStream {
    /// Resolves when the streams end.
    pub(crate) async fn ended(&mut self) {
        drop(self.ended.wait_for(|ended| *ended).await.map(|ended| *ended));
    }
}

/// The facts about a host that the API needs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiOptions {
    /// The origins at which browsers and programs reach the API. A request that names another host is refused.
    pub origins: Vec<HostOrigin>,
    /// The origin of the doors, if they have one of their own. Requests at doors that name another host are then refused.
    pub doors: Option<HostOrigin>,
    /// The name of the host that a page shows.
    pub name: Option<String>,
    /// The logo of the host that the page of a setup link shows.
    pub logo: Option<Logo>,
    /// The colour of the host, for the page of a setup link.
    pub accent: Option<Accent>,
    /// The addresses to which a setup link may lead its visitor at the end.
    pub return_addresses: Vec<ReturnAddress>,
    /// The public address that is registered at providers, for `GET /system`.
    pub public_url: Option<String>,
    /// The version of the program, for `GET /system`.
    pub version: Option<String>,
    /// The streams of live events.
    pub live: LiveStreams,
    /// The usage that this process has fetched. Unless set, it is what the API itself fetches on request.
    pub usage: Option<UsageMonitor>,
    /// The number of requests that a token may send in a minute, to each process.
    pub requests_per_minute: u32,
    /// The certificate with which the host itself speaks TLS, and the path of its file, for `GET /system` and the doctor.
    pub certificate: Option<(String, ServerTls)>,
}

impl ApiOptions {
    /// The number of requests that a token may send in a minute unless another one is set: a hundred in each second.
    pub const REQUESTS_PER_MINUTE: u32 = 6_000;

    /// Creates options for an API that is reached at this origin.
    pub fn new(origin: HostOrigin) -> Self {
        Self {
            origins: vec![origin],
            doors: None,
            name: None,
            logo: None,
            accent: None,
            return_addresses: Vec::new(),
            public_url: None,
            version: None,
            live: LiveStreams::new(),
            usage: None,
            requests_per_minute: Self::REQUESTS_PER_MINUTE,
            certificate: None,
        }
    }

    /// Adds another origin at which the API is reached.
    #[must_use]
    pub fn also_at(mut self, origin: HostOrigin) -> Self {
        self.origins.push(origin);
        self
    }

    /// Gives the doors an origin of their own, which is none of those of the API: what a provider answers there has
    /// another origin for a browser than the page.
    #[must_use]
    pub fn doors_at(mut self, origin: HostOrigin) -> Self {
        self.doors = Some(origin);
        self
    }

    /// Sets the name of the host that a page shows.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the logo of the host that the page of a setup link shows.
    #[must_use]
    pub fn logo(mut self, logo: Logo) -> Self {
        self.logo = Some(logo);
        self
    }

    /// Sets the colour of the host, for the page of a setup link.
    #[must_use]
    pub fn accent(mut self, accent: Accent) -> Self {
        self.accent = Some(accent);
        self
    }

    /// Adds an address to which a setup link may lead its visitor at the end.
    #[must_use]
    pub fn return_address(mut self, address: ReturnAddress) -> Self {
        self.return_addresses.push(address);
        self
    }

    /// Sets the public address that is registered at providers.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Sets the streams of live events, which the host ends when it stops.
    #[must_use]
    pub fn live(mut self, live: LiveStreams) -> Self {
        self.live = live;
        self
    }

    /// Sets the monitor of the usage of accounts, which the host polls.
    #[must_use]
    pub fn usage(mut self, monitor: UsageMonitor) -> Self {
        self.usage = Some(monitor);
        self
    }

    /// Sets the number of requests that a token may send in a minute, to each process.
    #[must_use]
    pub fn requests_per_minute(mut self, most: u32) -> Self {
        self.requests_per_minute = most;
        self
    }

    /// Sets the certificate with which the host itself speaks TLS, and the path of its file.
    #[must_use]
    pub fn certificate(mut self, file: impl Into<String>, tls: ServerTls) -> Self {
        self.certificate = Some((file.into(), tls));
        self
    }

    /// Returns the public address, if one is set.
    pub(crate) fn url(&self) -> Option<PublicUrl> {
        let url = self.public_url.as_deref()?;
        url.parse().or_else(|_| PublicUrl::on_localhost(url)).ok()
    }

    /// Returns the origins at which the doors are reached.
    pub(crate) fn door_origins(&self) -> &[HostOrigin] {
        self.doors.as_ref().map_or(&self.origins, std::slice::from_ref)
    }

    /// Returns the path below which the doors are, under each of their origins: empty, or without a slash at the end.
    pub(crate) fn door_prefix(&self) -> String {
        let url = self.url().filter(|_| self.doors.is_none());
        url.map(|url| url.prefix().to_owned()).unwrap_or_default()
    }

    /// Returns the address below which the doors are, without a slash at the end.
    pub(crate) fn door_address(&self) -> &str {
        self.doors.as_ref().map_or_else(|| self.address(), HostOrigin::origin)
    }

    /// Returns the address of the page, without a slash at the end.
    pub(crate) fn address(&self) -> &str {
        let origin = self.origins.first().map(HostOrigin::origin).unwrap_or_default();
        self.public_url.as_deref().unwrap_or(origin).trim_end_matches('/')
    }

    /// Sets the version of the program.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }
}
