//! The contexts through which a plugin reaches its host.
//!
//! [`Context`] holds what is always available. Setup, refresh, verify and teardown each add something to it.
//! [`VerifyContext`] and [`TeardownContext`] deref to [`Context`]; [`SetupContext`] and [`RefreshContext`] deref to
//! [`SpendContext`], which derefs to [`Context`]. A helper that takes `&Context<'_>` therefore works with all of them.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, future::pending, ops::Deref, time::Duration};

use crate::{
    AddressPurpose, Answers, BaseUrl, CallbackHandle, CallbackRequest, CallbackUnavailable, Crypto, DisplayText,
    FileCache, FileService, GrantedDirectory, HttpError, HttpRequest, HttpResponse, HttpService, InboundHttpService,
    KvService, LogEvent, LogLevel, LoginWindowService, Notice, Prompt, Redirect, Services, SetupService, Spend, Text,
    Timestamp, ToolService, UndeclaredAddress, Wait, WaitOutcome,
};

/// The services that a plugin can use in every operation.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    services: Services<'a>,
}

impl<'a> Context<'a> {
    /// Creates the context that a host passes to the plugin.
    pub fn new(services: Services<'a>) -> Self {
        Self { services }
    }

    /// Returns the HTTP client of the host.
    pub fn http(&self) -> &'a dyn HttpService {
        self.services.http
    }

    /// Sends a request as it is. Short for `http().send(request)`.
    ///
    /// # Errors
    ///
    /// The errors of [`HttpService::send`].
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.services.http.send(request).await
    }

    /// Returns the base URL for an address that the descriptor declares with the same text.
    ///
    /// # Errors
    ///
    /// The plugin has a bug: the descriptor does not declare this address. The log names it (`undeclared_address`).
    pub fn base_url(&self, declared: &str) -> Result<&'a BaseUrl, UndeclaredAddress> {
        let found = self.services.addresses.iter().find(|(text, _)| text == declared).map(|(_, base)| base);
        if found.is_none() {
            let address = declared.split(['?', '#']).next().unwrap_or_default().to_string();
            let event = LogEvent::new("undeclared_address").level(LogLevel::Warn);
            self.log(event.with("address", DisplayText::from(address)));
        }
        found.ok_or(UndeclaredAddress)
    }

    /// Returns the base URL for an address that is known only at run time: one with a part that the user or the
    /// provider names, or an endpoint that was discovered. The descriptor must declare its origin, possibly by a
    /// wildcard, or a setup must have [discovered](SetupContext::discovered) it for what runs now.
    ///
    /// # Errors
    ///
    /// The origin is neither declared nor discovered, so the address must not be trusted.
    pub fn address(&self, url: &str) -> Result<BaseUrl, UndeclaredAddress> {
        let base = BaseUrl::checked(url).ok_or(UndeclaredAddress)?;
        let declared = self.services.addresses.iter().any(|(_, declared)| declared.origin() == base.origin())
            || self.services.wildcards.iter().any(|wildcard| base.origin().matches(wildcard))
            || self.services.discovered.is_some_and(|discovered| discovered.has(base.origin()));
        declared.then_some(base).ok_or(UndeclaredAddress)
    }

    /// Returns random numbers, hashes and MACs.
    pub fn crypto(&self) -> &'a dyn Crypto {
        self.services.crypto
    }

    /// Returns `N` random bytes. A replay returns the same bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.services.crypto.random(&mut bytes);
        bytes
    }

    /// Returns the current time. In a setup, time stands still between two effects.
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    /// Writes an event to the host's log.
    pub fn log(&self, event: LogEvent) {
        self.services.log.log(event);
    }

    /// Returns the file service, if the host has one.
    pub fn files(&self) -> Option<&'a dyn FileService> {
        self.services.files
    }

    /// Returns the kind's own key-value store, if the host has one.
    pub fn kv(&self) -> Option<&'a dyn KvService> {
        self.services.kv
    }

    /// Returns the cache of results computed from files, if the host has a file service.
    pub fn file_cache(&self) -> Option<&'a dyn FileCache> {
        self.services.file_cache
    }

    /// Returns the service that opens login windows, if the host can show them.
    pub fn login_window(&self) -> Option<&'a dyn LoginWindowService> {
        self.services.login_window
    }

    /// Returns the service that looks for local tools, if the host has one.
    pub fn tools(&self) -> Option<&'a dyn ToolService> {
        self.services.tools
    }

    /// Returns the directory of the profile, for a kind that has profiles and [needs files](crate::Need::Files). The
    /// plugin may read everything below it. The directory may not exist.
    pub fn directory(&self) -> Option<&'a GrantedDirectory> {
        self.services.directory
    }
}

/// A connection as its plugin sees it.
///
/// It never contains the credential, which the plugin receives as a separate argument.
#[derive(Clone, Debug)]
pub struct Connection {
    id: Text,
    owner: Text,
    profile: Option<Text>,
    config: Vec<(Text, String)>,
    base_url: Option<BaseUrl>,
    roots: Vec<GrantedDirectory>,
}

impl Connection {
    /// Creates a connection without configuration. Only hosts call this.
    pub fn new(id: impl Into<Text>, owner: impl Into<Text>) -> Self {
        Self {
            id: id.into(),
            owner: owner.into(),
            profile: None,
            config: Vec::new(),
            base_url: None,
            roots: Vec::new(),
        }
    }

    /// Sets the profile. Only hosts call this.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<Text>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Sets the public configuration. Only hosts call this.
    #[must_use]
    pub fn with_config(mut self, config: impl IntoIterator<Item = (Text, String)>) -> Self {
        self.config = config.into_iter().collect();
        self
    }

    /// Sets the base URL of relative paths. Only hosts call this.
    #[must_use]
    pub fn with_base_url(mut self, base_url: Option<BaseUrl>) -> Self {
        self.base_url = base_url;
        self
    }

    /// Sets the directories that the user granted. Only hosts call this.
    #[must_use]
    pub fn with_roots(mut self, roots: impl IntoIterator<Item = GrantedDirectory>) -> Self {
        self.roots = roots.into_iter().collect();
        self
    }

    /// Returns the id of the connection as text.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the owner of the connection.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns the profile of the connection, if it has one.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Returns the public configuration value with this name.
    pub fn config(&self, name: &str) -> Option<&str> {
        self.config.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Returns the base URL of relative paths. It is part of the reach that was sealed with the credential.
    ///
    /// # Errors
    ///
    /// The plugin has a bug: neither the descriptor nor setup supplied an address.
    pub fn base_url(&self) -> Result<&BaseUrl, UndeclaredAddress> {
        self.base_url.as_ref().ok_or(UndeclaredAddress)
    }

    /// Returns the directories that the user granted. They are sealed with the credential.
    pub fn roots(&self) -> &[GrantedDirectory] {
        &self.roots
    }
}

/// A [`Context`] that can also send requests that spend something. Setup and refresh share it.
#[derive(Clone, Copy, Debug)]
pub struct SpendContext<'a> {
    context: Context<'a>,
}

impl<'a> SpendContext<'a> {
    /// Creates the context that a host passes to the plugin.
    pub fn new(services: Services<'a>) -> Self {
        Self { context: Context::new(services) }
    }

    /// Sends a request that spends something, such as a code or a refresh token. The same thing is never spent twice,
    /// even after a crash.
    ///
    /// # Repetition
    ///
    /// The answer is recorded before it is returned. Every later run receives the same answer, until the result that
    /// the plugin made of it is stored. In a setup, each call is a separate exchange, so that a plugin can poll with
    /// one device code.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the request continues and its answer is recorded.
    ///
    /// # Errors
    ///
    /// The errors of [`HttpService::send`] if nothing was spent. [`HttpError::Uncertain`] if it may have been spent and
    /// the answer is lost, which includes a 408 and every 5xx. Only the host's own rule sends it again after that.
    pub async fn send_once(&self, spend: Spend<'_>, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match self.context.services.spend {
            Some(service) => service.send_once(spend, request).await,
            None => self.context.send(request).await,
        }
    }
}

/// The context of a call of `refresh`: the services of the host, and the connection.
#[derive(Clone, Copy, Debug)]
pub struct RefreshContext<'a> {
    context: SpendContext<'a>,
    connection: &'a Connection,
}

impl<'a> RefreshContext<'a> {
    /// Creates the context that a host passes to the plugin.
    pub fn new(services: Services<'a>, connection: &'a Connection) -> Self {
        Self { context: SpendContext::new(services), connection }
    }

    /// Returns the connection whose credential is refreshed.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }
}

/// The context of a call of `verify`: the services of the host, and the connection.
#[derive(Clone, Copy, Debug)]
pub struct VerifyContext<'a> {
    context: Context<'a>,
    connection: &'a Connection,
}

impl<'a> VerifyContext<'a> {
    /// Creates the context that a host passes to the plugin.
    pub fn new(services: Services<'a>, connection: &'a Connection) -> Self {
        Self { context: Context::new(services), connection }
    }

    /// Returns the connection that is verified.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }
}

/// The context of a call of `teardown`: the services of the host, and the connection.
#[derive(Clone, Copy, Debug)]
pub struct TeardownContext<'a> {
    context: Context<'a>,
    connection: &'a Connection,
}

impl<'a> TeardownContext<'a> {
    /// Creates the context that a host passes to the plugin.
    pub fn new(services: Services<'a>, connection: &'a Connection) -> Self {
        Self { context: Context::new(services), connection }
    }

    /// Returns the connection that is removed.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }
}

/// The context of `setup`.
///
/// No method reports a fault of the session: when a session ends or is at fault, the plugin's future is dropped
/// instead.
#[derive(Clone, Copy)]
pub struct SetupContext<'a> {
    context: SpendContext<'a>,
    setup: &'a dyn SetupService,
    further_scopes: &'a [String],
}

impl<'a> SetupContext<'a> {
    /// Creates the context that a host passes to the plugin.
    pub fn new(services: Services<'a>, setup: &'a dyn SetupService) -> Self {
        Self { context: SpendContext::new(services), setup, further_scopes: &[] }
    }

    /// Sets the scopes that this setup asks for in addition to those that every setup asks for. Only hosts call this.
    #[must_use]
    pub fn with_further_scopes(mut self, scopes: &'a [String]) -> Self {
        self.further_scopes = scopes;
        self
    }

    /// Returns the scopes that this setup asks for in addition to those that every setup asks for. Each of them is one of
    /// the descriptor's [`optional_scopes`](crate::Descriptor::optional_scopes).
    pub fn further_scopes(&self) -> &'a [String] {
        self.further_scopes
    }

    /// Shows what the wait contains, and waits until the first of its inputs arrives.
    ///
    /// # Repetition
    ///
    /// The plugin's future is dropped here and runs again from its start when an input arrives. In that run and in
    /// every later one, this call resolves with that input.
    ///
    /// # Cancellation
    ///
    /// A wait that has begun must be awaited to its end. Racing it against another future is a bug, because a replay
    /// could not reproduce the order. Add every input that may end it to the wait instead.
    pub async fn wait(&self, wait: Wait<'_>) -> WaitOutcome {
        self.setup.wait(wait).await
    }

    /// Asks the user and returns the answers. Short for a [`wait`](Self::wait) with one input.
    pub async fn prompt(&self, prompt: Prompt) -> Answers {
        match self.wait(Wait::new().answer(prompt)).await {
            WaitOutcome::Answered(answers) => answers,
            // A wait ends only with an input that it allows.
            _ => pending().await,
        }
    }

    /// Sends the browser to an address and waits for the callback. Short for a [`wait`](Self::wait) with one input.
    pub async fn redirect(&self, redirect: Redirect, handle: &CallbackHandle) -> CallbackRequest {
        match self.wait(Wait::new().open(redirect.link).callback(handle)).await {
            WaitOutcome::Callback(request) => request,
            _ => pending().await,
        }
    }

    /// Returns the base URL of the origin of an address that the provider named, if the host allows requests to it.
    ///
    /// The address must be `https`, or on this machine if a person has entered such an address in this setup. A request
    /// to a private network is refused unless the host of the address is one that the person entered. The host seals the
    /// origin with its purpose, so that later operations reach it for that purpose alone.
    ///
    /// # Repetition
    ///
    /// The result is recorded, and every later run receives the same one.
    ///
    /// # Errors
    ///
    /// The address must not be used, or the descriptor does not say that the kind
    /// [discovers](crate::Descriptor::discovers) addresses.
    pub async fn discovered(&self, url: &str, purpose: AddressPurpose) -> Result<BaseUrl, UndeclaredAddress> {
        self.setup.discovered(url, purpose).await.ok_or(UndeclaredAddress)
    }

    /// Waits for this long. Short for a [`wait`](Self::wait) with one input.
    pub async fn sleep(&self, duration: Duration) {
        self.wait(Wait::new().elapsed(duration)).await;
    }

    /// Shows a notice from now on and returns at once. This is not an effect, so it is not recorded.
    pub fn show(&self, notice: Notice) {
        self.setup.show(notice);
    }

    /// Returns the callback service, if the host supports callbacks.
    pub fn inbound_http(&self) -> Option<&'a dyn InboundHttpService> {
        self.setup.inbound_http()
    }

    /// Allocates a callback.
    ///
    /// # Errors
    ///
    /// [`CallbackUnavailable`] if the host does not support callbacks or has no address to give now. `?` turns it into
    /// a failure that says what the host lacks.
    pub async fn callback(&self) -> Result<CallbackHandle, CallbackUnavailable> {
        let inbound = self.inbound_http().ok_or(CallbackUnavailable::NoInboundHttp)?;
        inbound.allocate_callback().await.ok_or(CallbackUnavailable::NoAddress)
    }

    /// Allocates a callback at an address that ends with this part, such as the digest of an issuer. A callback that comes
    /// to the address of another part is refused.
    ///
    /// # Errors
    ///
    /// The errors of [`callback`](Self::callback). The part has a character other than `a` to `z` and digits, or is not 1
    /// to 64 characters long.
    pub async fn callback_at(&self, part: &str) -> Result<CallbackHandle, CallbackUnavailable> {
        let inbound = self.inbound_http().ok_or(CallbackUnavailable::NoInboundHttp)?;
        inbound.allocate_callback_at(part).await.ok_or(CallbackUnavailable::NoAddress)
    }

    /// Allocates a callback that a device or the provider calls, rather than a browser on this machine.
    ///
    /// # Errors
    ///
    /// The errors of [`callback`](Self::callback), and [`CallbackUnavailable::LoopbackOnly`] if only this machine can
    /// reach the address.
    pub async fn callback_from_other_device(&self) -> Result<CallbackHandle, CallbackUnavailable> {
        Some(self.callback().await?).filter(CallbackHandle::reaches_others).ok_or(CallbackUnavailable::LoopbackOnly)
    }
}

impl<'a> Deref for SpendContext<'a> {
    type Target = Context<'a>;
    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

impl<'a> Deref for RefreshContext<'a> {
    type Target = SpendContext<'a>;
    fn deref(&self) -> &SpendContext<'a> {
        &self.context
    }
}

impl<'a> Deref for VerifyContext<'a> {
    type Target = Context<'a>;
    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

impl<'a> Deref for TeardownContext<'a> {
    type Target = Context<'a>;
    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

impl<'a> Deref for SetupContext<'a> {
    type Target = SpendContext<'a>;
    fn deref(&self) -> &SpendContext<'a> {
        &self.context
    }
}

impl fmt::Debug for SetupContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupContext")
    }
}
