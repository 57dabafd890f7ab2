//! The services that hosts and testkits implement, and [`Services`], from which contexts are created.
//!
//! A plugin uses these traits only through its context. The traits gain only methods with a body.

mod file_cache;
mod kv;
mod login_window;

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use crate::{
    AddressPurpose, BaseUrl, BoxFuture, DisplayText, GrantedDirectory, HttpError, HttpRequest, HttpResponse,
    InboundHttpService, Notice, Origin, Secret, ServiceError, Text, Timestamp, ToolService, Wait, WaitOutcome,
};

pub use file_cache::{Compute, FileCache};
pub use kv::KvService;
pub use login_window::{LoginOutcome, LoginWindow, LoginWindowService};

/// The host's HTTP client, which applies the egress policy.
pub trait HttpService: Send + Sync {
    /// Sends a request and reads the whole response.
    ///
    /// # Repetition
    ///
    /// Every call sends a request. In a replay of a setup, the recorded response is returned and nothing is sent.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the request may or may not have reached the provider.
    ///
    /// # Errors
    ///
    /// [`HttpError`] if there is no response. Every status is a response. Pass the result to
    /// [`classify`](crate::classify).
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>>;
}

/// The secret that a request spends. The same secret is never sent twice, however the request is written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Spend<'a> {
    /// Type of the secret: `refresh_token`.
    pub label: &'static str,
    /// The secret that the request spends.
    pub secret: &'a Secret,
}

impl<'a> Spend<'a> {
    /// Creates a value for a secret that works once.
    pub fn new(label: &'static str, secret: &'a Secret) -> Self {
        Self { label, secret }
    }
}

/// Sends requests that spend a secret.
pub trait SpendService: Send + Sync {
    /// See [`SpendContext::send_once`](crate::SpendContext::send_once).
    ///
    /// # Errors
    ///
    /// The errors of [`SpendContext::send_once`](crate::SpendContext::send_once).
    fn send_once<'a>(
        &'a self,
        spend: Spend<'a>,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>>;
}

/// The current time as the host sees it. Tests and replays set it.
pub trait Clock: Send + Sync {
    /// Returns the current time in whole seconds. In a setup, time stands still between two effects, so that a replay
    /// sees the same time.
    fn now(&self) -> Timestamp;
}

/// Random numbers, hashes and MACs of the host. The methods are synchronous and do not fail.
pub trait Crypto: Send + Sync {
    /// Fills the buffer with random bytes. A replay fills it with the same bytes.
    fn random(&self, bytes: &mut [u8]);

    /// Returns the SHA-256 digest of the bytes (FIPS 180-4).
    fn sha256(&self, bytes: &[u8]) -> [u8; 32];
    /// Returns the HMAC-SHA-256 of the bytes (RFC 2104).
    fn hmac_sha256(&self, key: &Secret, bytes: &[u8]) -> [u8; 32];
    /// Computes HMAC-SHA-1 (RFC 2104), for providers that sign with nothing better. Returns `None` if the host does not
    /// support it.
    fn hmac_sha1(&self, key: &Secret, bytes: &[u8]) -> Option<[u8; 20]> {
        let _ = (key, bytes);
        None
    }

    /// Compares in constant time. Inputs of different lengths are unequal.
    fn equal(&self, a: &[u8], b: &[u8]) -> bool;

    /// Signs with a private key (PKCS#8 in PEM, RFC 7468). Returns `None` if the key does not fit the algorithm or the
    /// host does not support it.
    ///
    /// Some algorithms return a different signature each time, even in a replay. Two requests that differ only in such
    /// a signature, in base64, base64url or hexadecimal, count as the same request. Nothing else in a setup may depend
    /// on its bytes.
    fn sign(&self, algorithm: SignatureAlgorithm, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
        let _ = (algorithm, key, bytes);
        None
    }
}

/// A signature algorithm, named and defined as in RFC 7518, section 3.1, and RFC 8037.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// EdDSA with the curve Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256. The signature is `R` followed by `S`, 64 bytes.
    Es256,
    /// The signature scheme RSASSA-PSS with SHA-256.
    Ps256,
    /// The signature scheme RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

/// Receives the events that a plugin logs.
pub trait LogService: Send + Sync {
    /// Writes an event. This never fails, and writes nothing while a setup is replayed.
    fn log(&self, event: LogEvent);
}

/// The type of an entry in a granted directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileType {
    /// A directory, or a symbolic link to a directory inside the granted directory.
    Directory,
    /// A regular file, or a symbolic link to one inside the granted directory.
    File,
    /// Anything else, including a symbolic link to a target outside the granted directory.
    Other,
}

/// The name, type, size and age of an entry in a granted directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStat {
    /// Last part of the path. Empty for the granted directory itself.
    pub name: String,
    /// Type of the file: a regular file, a directory or another one.
    pub file_type: FileType,
    /// Size in bytes. 0 for anything but a regular file.
    pub size: u64,
    /// Time of the last change of the content, if the platform knows it.
    pub modified: Option<Timestamp>,
}

impl FileStat {
    /// Creates metadata with a name and a type, a size of 0 and no time.
    pub fn new(name: impl Into<String>, file_type: FileType) -> Self {
        Self { name: name.into(), file_type, size: 0, modified: None }
    }

    /// Sets the size in bytes.
    #[must_use]
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = bytes;
        self
    }

    /// Sets the time of the last change of the content.
    #[must_use]
    pub fn modified(mut self, time: Option<Timestamp>) -> Self {
        self.modified = time;
        self
    }
}

/// Read-only access to files below granted directories.
///
/// Paths are relative to the granted directory, use `/`, and contain no `.` and `..` parts. The empty path is the
/// directory itself. Symbolic links to a target outside the directory are rejected.
pub trait FileService: Send + Sync {
    /// Returns the metadata of the file at this path.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Denied`] outside the granted directories, [`ServiceError::NotFound`] if the file does not exist,
    /// [`ServiceError::Unavailable`] if the host cannot tell.
    fn stat<'a>(&'a self, root: &'a GrantedDirectory, path: &'a str) -> BoxFuture<'a, Result<FileStat, ServiceError>>;

    /// Returns the entries of a directory, sorted by name. There are at most 10,000.
    ///
    /// # Errors
    ///
    /// The errors of [`stat`](Self::stat).
    fn list<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Vec<FileStat>, ServiceError>>;

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// The errors of [`stat`](Self::stat), and [`ServiceError::TooLarge`] for a longer file.
    fn read<'a>(
        &'a self,
        root: &'a GrantedDirectory,
        path: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Secret, ServiceError>>;
}

/// The services that only a setup has. No method reports a fault of the session: when a session ends or is at fault,
/// the plugin's future is dropped instead.
pub trait SetupService: Send + Sync {
    /// Shows what the wait contains, and resolves with the input that ended it. This is the only effect that suspends a
    /// setup.
    fn wait<'a>(&'a self, wait: Wait<'a>) -> BoxFuture<'a, WaitOutcome>;

    /// Shows a notice from now on.
    fn show(&self, notice: Notice);

    /// Returns the callback service, if the host supports callbacks.
    fn inbound_http(&self) -> Option<&dyn InboundHttpService>;

    /// See [`SetupContext::discovered`](crate::SetupContext::discovered). A host without discovery allows no address.
    fn discovered<'a>(&'a self, url: &'a str, purpose: AddressPurpose) -> BoxFuture<'a, Option<BaseUrl>> {
        let _ = (url, purpose);
        Box::pin(async { None })
    }
}

/// The origins that a setup has discovered, as far as what runs now may reach them.
pub trait DiscoveredOrigins: Send + Sync {
    /// Returns `true` if the origin was discovered for what runs now.
    fn has(&self, origin: &Origin) -> bool;
}

impl DiscoveredOrigins for Vec<Origin> {
    fn has(&self, origin: &Origin) -> bool {
        self.contains(origin)
    }
}

/// All services of a [`Context`](crate::Context). A new service is a new setter, and therefore a minor version.
#[derive(Clone, Copy)]
pub struct Services<'a> {
    pub(crate) http: &'a dyn HttpService,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) crypto: &'a dyn Crypto,
    pub(crate) log: &'a dyn LogService,
    pub(crate) addresses: &'a [(Text, BaseUrl)],
    pub(crate) wildcards: &'a [Text],
    pub(crate) discovered: Option<&'a dyn DiscoveredOrigins>,
    pub(crate) spend: Option<&'a dyn SpendService>,
    pub(crate) files: Option<&'a dyn FileService>,
    pub(crate) kv: Option<&'a dyn KvService>,
    pub(crate) file_cache: Option<&'a dyn FileCache>,
    pub(crate) login_window: Option<&'a dyn LoginWindowService>,
    pub(crate) tools: Option<&'a dyn ToolService>,
    pub(crate) directory: Option<&'a GrantedDirectory>,
}

impl<'a> Services<'a> {
    /// Creates the set of services that every host has.
    pub fn new(
        http: &'a dyn HttpService,
        clock: &'a dyn Clock,
        crypto: &'a dyn Crypto,
        log: &'a dyn LogService,
    ) -> Self {
        Self {
            http,
            clock,
            crypto,
            log,
            addresses: &[],
            wildcards: &[],
            discovered: None,
            spend: None,
            files: None,
            kv: None,
            file_cache: None,
            login_window: None,
            tools: None,
            directory: None,
        }
    }

    /// Sets the addresses that the descriptor declares, after the host checked them.
    #[must_use]
    pub fn addresses(mut self, addresses: &'a [(Text, BaseUrl)]) -> Self {
        self.addresses = addresses;
        self
    }

    /// Sets the wildcard addresses that the descriptor declares, after the host checked them.
    #[must_use]
    pub fn wildcards(mut self, wildcards: &'a [Text]) -> Self {
        self.wildcards = wildcards;
        self
    }

    /// Sets the origins that were discovered for what runs now.
    #[must_use]
    pub fn discovered(mut self, origins: &'a dyn DiscoveredOrigins) -> Self {
        self.discovered = Some(origins);
        self
    }

    /// Sets the service for requests that spend a secret. Without it, they are sent like any other request.
    #[must_use]
    pub fn spend(mut self, spend: &'a dyn SpendService) -> Self {
        self.spend = Some(spend);
        self
    }

    /// Sets the service that reads files below granted directories.
    #[must_use]
    pub fn files(mut self, files: &'a dyn FileService) -> Self {
        self.files = Some(files);
        self
    }

    /// Sets the kind's own key-value store.
    #[must_use]
    pub fn kv(mut self, kv: &'a dyn KvService) -> Self {
        self.kv = Some(kv);
        self
    }

    /// Sets the cache of results computed from files.
    #[must_use]
    pub fn file_cache(mut self, cache: &'a dyn FileCache) -> Self {
        self.file_cache = Some(cache);
        self
    }

    /// Sets the service that opens login windows.
    #[must_use]
    pub fn login_window(mut self, window: &'a dyn LoginWindowService) -> Self {
        self.login_window = Some(window);
        self
    }

    /// Sets the service that looks for local tools.
    #[must_use]
    pub fn tools(mut self, tools: &'a dyn ToolService) -> Self {
        self.tools = Some(tools);
        self
    }

    /// Sets the directory of the profile, which is granted.
    #[must_use]
    pub fn directory(mut self, directory: Option<&'a GrantedDirectory>) -> Self {
        self.directory = directory;
        self
    }
}

impl fmt::Debug for Services<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services")
    }
}

/// The severity of a log event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogLevel {
    /// Details for the authors of plugins.
    Debug,
    /// An event that an operator may want to know.
    #[default]
    Info,
    /// A condition that the plugin did not expect.
    Warn,
}

/// A structured log event. Its values cannot be secrets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogEvent {
    /// Name of the event: `rate_limited`.
    pub name: &'static str,
    /// Severity of the event, `Info` by default.
    pub level: LogLevel,
    /// Names and values, in the order in which they were added.
    pub fields: Vec<(Text, DisplayText)>,
}

impl LogEvent {
    /// Creates an event at [`LogLevel::Info`].
    pub fn new(name: &'static str) -> Self {
        Self { name, level: LogLevel::Info, fields: Vec::new() }
    }

    /// Sets the severity of the event.
    #[must_use]
    pub fn level(mut self, level: LogLevel) -> Self {
        self.level = level;
        self
    }

    /// Adds a value with its name, after the others.
    #[must_use]
    pub fn with(mut self, name: impl Into<Text>, value: impl LogValue) -> Self {
        self.fields.push((name.into(), value.into_log()));
        self
    }
}

/// A value that can be logged.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged",
    note = "numbers, static text and `DisplayText` can be; a `Secret` never can"
)]
pub trait LogValue {
    /// Converts the value to text.
    fn into_log(self) -> DisplayText;
}

impl LogValue for &'static str {
    fn into_log(self) -> DisplayText {
        self.into()
    }
}

impl LogValue for DisplayText {
    fn into_log(self) -> DisplayText {
        self
    }
}

impl LogValue for i64 {
    fn into_log(self) -> DisplayText {
        alloc::format!("{self}").into()
    }
}
