//! What hosts and testkits implement, and the one value from which contexts are made.
//!
//! A plugin meets these traits only through its context. They gain only methods with a body.

mod kv;

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::{
    BaseUrl, BoxFuture, DisplayText, FileCache, HttpError, HttpRequest, HttpResponse, InboundHttpService,
    LoginWindowService, Notice, Root, Secret, ServiceError, Text, Timestamp, ToolService, Wait, Woken,
};

pub use kv::KvService;

/// The host's HTTP client, behind its egress policy.
pub trait HttpService: Send + Sync {
    /// Sends and reads the whole answer.
    ///
    /// # Repetition
    ///
    /// Every call is a request. In a setup that is replayed the recorded answer comes back and nothing is sent.
    ///
    /// # Cancellation
    ///
    /// Dropped, the request may or may not have reached the provider.
    ///
    /// # Errors
    ///
    /// Why there is no answer; every status is an answer. Give the result to [`classify`](crate::classify).
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>>;
}

/// What a request spends: the same thing is never sent twice, however the request is written.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Spend<'a> {
    /// What it is: `refresh_token`.
    pub label: &'static str,
    /// The thing itself.
    pub secret: &'a Secret,
}

impl<'a> Spend<'a> {
    /// Something that works once.
    pub fn new(label: &'static str, secret: &'a Secret) -> Self {
        Self { label, secret }
    }
}

/// Requests that spend something.
pub trait SpendService: Send + Sync {
    /// As [`SpendContext::send_once`](crate::SpendContext::send_once).
    ///
    /// # Errors
    ///
    /// As there.
    fn send_once<'a>(
        &'a self,
        spend: Spend<'a>,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>>;
}

/// The time.
pub trait Clock: Send + Sync {
    /// Now, in whole seconds; in a setup it stands still between two effects, so that a replay sees the same.
    fn now(&self) -> Timestamp;
}

/// Random numbers, hashes and MACs of the host. Synchronous: none of them waits, and none fails.
pub trait Crypto: Send + Sync {
    /// Fills with random bytes; in a replay with the same ones.
    fn random(&self, bytes: &mut [u8]);
    /// SHA-256 (FIPS 180-4).
    fn sha256(&self, bytes: &[u8]) -> [u8; 32];
    /// HMAC-SHA-256 (RFC 2104).
    fn hmac_sha256(&self, key: &Secret, bytes: &[u8]) -> [u8; 32];
    /// HMAC-SHA-1 (RFC 2104), for providers that sign with nothing better. `None` when the host does not have it.
    fn hmac_sha1(&self, key: &Secret, bytes: &[u8]) -> Option<[u8; 20]> {
        let _ = (key, bytes);
        None
    }
    /// Compares in constant time; differing lengths are unequal.
    fn equal(&self, a: &[u8], b: &[u8]) -> bool;
    /// Signs with a private key (PKCS#8 in PEM, RFC 7468). `None` when the key is none of that sort, or the host cannot.
    ///
    /// Some algorithms give another signature each time, also in a replay. A request that holds one in base64, base64url
    /// or hex is the same request all the same; nothing else of a setup may depend on its bytes.
    fn sign(&self, algorithm: SignatureAlgorithm, key: &Secret, bytes: &[u8]) -> Option<Vec<u8>> {
        let _ = (algorithm, key, bytes);
        None
    }
}

/// How something is signed, by the names of RFC 7518, section 3.1, and RFC 8037; signatures are as those say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256; the signature is `R` and `S`, 64 bytes.
    Es256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

/// The log.
pub trait LogService: Send + Sync {
    /// Writes an event. Never fails; silent while a setup is replayed.
    fn log(&self, event: LogEvent);
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileType {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// Anything else, a symbolic link that leads out of the root among them.
    Other,
}

/// What is known of a file without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStat {
    /// The last part of its path; empty for the root itself.
    pub name: String,
    /// What it is.
    pub file_type: FileType,
    /// In bytes; 0 for what is no regular file.
    pub size: u64,
    /// When its content last changed, where the platform tells.
    pub modified: Option<Timestamp>,
}

impl FileStat {
    /// A file of that name and type, empty and of unknown age.
    pub fn new(name: impl Into<String>, file_type: FileType) -> Self {
        Self { name: name.into(), file_type, size: 0, modified: None }
    }
    /// Its size in bytes.
    #[must_use]
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = bytes;
        self
    }
    /// When its content last changed.
    #[must_use]
    pub fn modified(mut self, time: Option<Timestamp>) -> Self {
        self.modified = time;
        self
    }
}

/// Files below granted roots, read only.
///
/// Paths are relative to the root, with `/`, without `.` and `..` parts; the empty path is the root. Symbolic links that
/// lead out of the root are refused.
pub trait FileService: Send + Sync {
    /// What is at that path.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Denied`] outside the granted roots, [`ServiceError::NotFound`] when nothing is there,
    /// [`ServiceError::Unavailable`] when the host cannot tell.
    fn stat<'a>(&'a self, root: &'a Root, path: &'a str) -> BoxFuture<'a, Result<FileStat, ServiceError>>;
    /// What is in a directory, by name; at most 10,000 entries.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    fn list<'a>(&'a self, root: &'a Root, path: &'a str) -> BoxFuture<'a, Result<Vec<FileStat>, ServiceError>>;
    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat), and [`ServiceError::TooLarge`] for a longer file.
    fn read<'a>(&'a self, root: &'a Root, path: &'a str, limit: usize) -> BoxFuture<'a, Result<Secret, ServiceError>>;
}

/// What only a setup can do. These do not fail: a session that ends or is at fault drops the plugin's future instead.
pub trait SetupService: Send + Sync {
    /// The one suspending effect: shows what the wait says and resolves with what ended it.
    fn wait<'a>(&'a self, wait: Wait<'a>) -> BoxFuture<'a, Woken>;
    /// Shows from now on.
    fn show(&self, notice: Notice);
    /// Callbacks, when the host has inbound HTTP.
    fn inbound_http(&self) -> Option<&dyn InboundHttpService>;
}

/// All services of a [`Context`](crate::Context); a new one is a new setter, so a minor version.
#[derive(Clone, Copy)]
pub struct Services<'a> {
    pub(crate) http: &'a dyn HttpService,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) crypto: &'a dyn Crypto,
    pub(crate) log: &'a dyn LogService,
    pub(crate) addresses: &'a [(Text, BaseUrl)],
    pub(crate) wildcards: &'a [Text],
    pub(crate) spend: Option<&'a dyn SpendService>,
    pub(crate) files: Option<&'a dyn FileService>,
    pub(crate) kv: Option<&'a dyn KvService>,
    pub(crate) file_cache: Option<&'a dyn FileCache>,
    pub(crate) login_window: Option<&'a dyn LoginWindowService>,
    pub(crate) tools: Option<&'a dyn ToolService>,
    pub(crate) directory: Option<&'a Root>,
}

impl<'a> Services<'a> {
    /// What every host has.
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
            spend: None,
            files: None,
            kv: None,
            file_cache: None,
            login_window: None,
            tools: None,
            directory: None,
        }
    }
    /// The descriptor's addresses, checked.
    #[must_use]
    pub fn addresses(mut self, addresses: &'a [(Text, BaseUrl)]) -> Self {
        self.addresses = addresses;
        self
    }
    /// The descriptor's addresses with a wildcard, checked.
    #[must_use]
    pub fn wildcards(mut self, wildcards: &'a [Text]) -> Self {
        self.wildcards = wildcards;
        self
    }
    /// Requests that spend something; without it they are sent as any other.
    #[must_use]
    pub fn spend(mut self, spend: &'a dyn SpendService) -> Self {
        self.spend = Some(spend);
        self
    }
    /// Files, when the host has a file service.
    #[must_use]
    pub fn files(mut self, files: &'a dyn FileService) -> Self {
        self.files = Some(files);
        self
    }
    /// The kind's own key-value store.
    #[must_use]
    pub fn kv(mut self, kv: &'a dyn KvService) -> Self {
        self.kv = Some(kv);
        self
    }
    /// What was made of files, when the host has a file service.
    #[must_use]
    pub fn file_cache(mut self, cache: &'a dyn FileCache) -> Self {
        self.file_cache = Some(cache);
        self
    }
    /// Windows to log in, when the host can show them.
    #[must_use]
    pub fn login_window(mut self, window: &'a dyn LoginWindowService) -> Self {
        self.login_window = Some(window);
        self
    }
    /// Local tools, when the host looks for them.
    #[must_use]
    pub fn tools(mut self, tools: &'a dyn ToolService) -> Self {
        self.tools = Some(tools);
        self
    }
    /// The directory of the profile, granted.
    #[must_use]
    pub fn directory(mut self, directory: Option<&'a Root>) -> Self {
        self.directory = directory;
        self
    }
}

impl fmt::Debug for Services<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services")
    }
}

/// How much a log event matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogLevel {
    /// For authors.
    Debug,
    /// Something worth knowing happened.
    #[default]
    Info,
    /// Something is not as it should be.
    Warn,
}

/// A structured log event. Its values cannot be secrets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogEvent {
    /// `rate_limited`
    pub name: &'static str,
    /// How much it matters.
    pub level: LogLevel,
    /// In order.
    pub fields: Vec<(Text, DisplayText)>,
}

impl LogEvent {
    /// An event at [`LogLevel::Info`].
    pub fn new(name: &'static str) -> Self {
        Self { name, level: LogLevel::Info, fields: Vec::new() }
    }
    /// How much it matters.
    #[must_use]
    pub fn level(mut self, level: LogLevel) -> Self {
        self.level = level;
        self
    }
    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: impl Into<Text>, value: impl LogValue) -> Self {
        self.fields.push((name.into(), value.into_log()));
        self
    }
}

/// What may be a value in the log.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged",
    note = "numbers, static text and `DisplayText` can be; a `Secret` never can"
)]
pub trait LogValue {
    /// As text.
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
