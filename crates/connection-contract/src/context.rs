//! How the world reaches a plugin: one [`Context`], and what only setup, refresh, verify and teardown add to it.
//!
//! [`VerifyContext`] and [`TeardownContext`] deref to [`Context`], [`SetupContext`] and [`RefreshContext`] to
//! [`SpendContext`] and that to [`Context`]: a helper of a plugin that takes `&Context<'_>` serves them all.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, future::pending, ops::Deref, time::Duration};

use crate::{
    Answers, Authorizer, BaseUrl, CallbackHandle, CallbackRequest, Crypto, DisplayText, FileCache, FileService,
    HttpError, HttpRequest, HttpResponse, HttpService, InboundHttpService, KvService, LogEvent, LogLevel,
    LoginWindowService, NoCallback, Notice, Prompt, Redirect, Root, Services, SetupService, Spend, Text, Timestamp,
    ToolService, UndeclaredAddress, Wait, Woken,
};

/// What a plugin can do everywhere.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    services: Services<'a>,
}

impl<'a> Context<'a> {
    /// Made by the host.
    pub fn new(services: Services<'a>) -> Self {
        Self { services }
    }
    /// The HTTP client.
    pub fn http(&self) -> &'a dyn HttpService {
        self.services.http
    }
    /// Sends as it is; short for `http().send(request)`.
    ///
    /// # Errors
    ///
    /// As [`HttpService::send`].
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.services.http.send(request).await
    }
    /// Sends with the credential attached.
    ///
    /// # Errors
    ///
    /// As [`HttpService::send`]; [`HttpError::Credential`] when it could not be attached.
    pub async fn send_as<C>(
        &self,
        authorizer: &dyn Authorizer<C>,
        credential: &C,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, HttpError> {
        authorizer.authorize(credential, &mut request, self).map_err(|_| HttpError::Credential)?;
        self.services.http.send(request).await
    }
    /// The base of an address in the descriptor, by the same text.
    ///
    /// # Errors
    ///
    /// A fault in the plugin: the descriptor does not declare it. The log names the address (`undeclared_address`).
    pub fn base_url(&self, declared: &str) -> Result<&'a BaseUrl, UndeclaredAddress> {
        let found = self.services.addresses.iter().find(|(text, _)| text == declared).map(|(_, base)| base);
        if found.is_none() {
            let address = declared.split(['?', '#']).next().unwrap_or_default().to_string();
            let event = LogEvent::new("undeclared_address").level(LogLevel::Warn);
            self.log(event.with("address", DisplayText::from(address)));
        }
        found.ok_or(UndeclaredAddress)
    }
    /// The base of an address that was learned: one with a part that the user or the provider names, or an endpoint that was
    /// discovered. Its origin must be one that the descriptor declares, also by a wildcard.
    ///
    /// # Errors
    ///
    /// The descriptor does not declare it: what came is not to be believed.
    pub fn address(&self, url: &str) -> Result<BaseUrl, UndeclaredAddress> {
        let base = BaseUrl::checked(url).ok_or(UndeclaredAddress)?;
        let declared = self.services.addresses.iter().any(|(_, declared)| declared.origin() == base.origin())
            || self.services.wildcards.iter().any(|wildcard| base.origin().matches(wildcard));
        declared.then_some(base).ok_or(UndeclaredAddress)
    }
    /// Random numbers, hashes and MACs.
    pub fn crypto(&self) -> &'a dyn Crypto {
        self.services.crypto
    }
    /// So many random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.services.crypto.random(&mut bytes);
        bytes
    }
    /// The time; in a setup it stands still between two effects.
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }
    /// Writes a log event.
    pub fn log(&self, event: LogEvent) {
        self.services.log.log(event);
    }
    /// Files, when the host has a file service.
    pub fn files(&self) -> Option<&'a dyn FileService> {
        self.services.files
    }
    /// The kind's own key-value store, when the host has one.
    pub fn kv(&self) -> Option<&'a dyn KvService> {
        self.services.kv
    }
    /// What was made of files, when the host has a file service.
    pub fn file_cache(&self) -> Option<&'a dyn FileCache> {
        self.services.file_cache
    }
    /// Windows to log in, when the host can show them.
    pub fn login_window(&self) -> Option<&'a dyn LoginWindowService> {
        self.services.login_window
    }
    /// Local tools, when the host looks for them.
    pub fn tools(&self) -> Option<&'a dyn ToolService> {
        self.services.tools
    }
    /// The directory of the profile, for a kind that has profiles and [needs files](crate::Need::Files): what is below it may
    /// be read. It need not be there.
    pub fn directory(&self) -> Option<&'a Root> {
        self.services.directory
    }
}

/// A connection as its plugin sees it. Never its credential, which the plugin is given beside it.
#[derive(Clone, Debug)]
pub struct Connection {
    id: Text,
    owner: Text,
    profile: Option<Text>,
    config: Vec<(Text, String)>,
    base_url: Option<BaseUrl>,
    roots: Vec<Root>,
}

impl Connection {
    /// Made by the host.
    pub fn new(id: impl Into<Text>, owner: impl Into<Text>) -> Self {
        let (profile, base_url, config, roots) = Default::default();
        Self { id: id.into(), owner: owner.into(), profile, config, base_url, roots }
    }
    /// Which isolated identity. Set by the host.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<Text>) -> Self {
        self.profile = Some(profile.into());
        self
    }
    /// Its public configuration. Set by the host.
    #[must_use]
    pub fn with_config(mut self, config: impl IntoIterator<Item = (Text, String)>) -> Self {
        self.config = config.into_iter().collect();
        self
    }
    /// What paths are relative to. Set by the host.
    #[must_use]
    pub fn with_base_url(mut self, base_url: Option<BaseUrl>) -> Self {
        self.base_url = base_url;
        self
    }
    /// The directories that the user granted. Set by the host.
    #[must_use]
    pub fn with_roots(mut self, roots: impl IntoIterator<Item = Root>) -> Self {
        self.roots = roots.into_iter().collect();
        self
    }
    /// Its id as text.
    pub fn id(&self) -> &str {
        &self.id
    }
    /// Whose it is.
    pub fn owner(&self) -> &str {
        &self.owner
    }
    /// Which isolated identity, if any.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }
    /// A public configuration value.
    pub fn config(&self, name: &str) -> Option<&str> {
        self.config.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    /// What paths are relative to: of the reach that was sealed with the credential.
    ///
    /// # Errors
    ///
    /// A fault in the plugin: neither the descriptor nor setup gave an address.
    pub fn base_url(&self) -> Result<&BaseUrl, UndeclaredAddress> {
        self.base_url.as_ref().ok_or(UndeclaredAddress)
    }
    /// The directories that the user granted, sealed with the credential.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }
}

/// [`Context`], and what spends something: shared by setup and by what renews a credential.
#[derive(Clone, Copy, Debug)]
pub struct SpendContext<'a> {
    context: Context<'a>,
}

impl<'a> SpendContext<'a> {
    /// Made by the host.
    pub fn new(services: Services<'a>) -> Self {
        Self { context: Context::new(services) }
    }
    /// Sends what spends something (a code, a refresh token): the same thing never twice, also after a crash.
    ///
    /// # Repetition
    ///
    /// An answer is recorded before it is returned, and comes back in every later run until what the plugin made of it is
    /// stored. In a setup each call is an exchange of its own, so that a device code can be asked for again and again.
    ///
    /// # Cancellation
    ///
    /// Dropped, the request goes on, and its answer is recorded.
    ///
    /// # Errors
    ///
    /// As [`HttpService::send`], when nothing was spent; [`HttpError::Uncertain`] when it may have been spent and the answer
    /// is lost, also for a 408 and for every 5xx. Then nothing is sent again but by the host's own rule.
    pub async fn send_once(&self, spend: Spend<'_>, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match self.context.services.spend {
            Some(service) => service.send_once(spend, request).await,
            None => self.context.send(request).await,
        }
    }
}

/// What `refresh` gets.
#[derive(Clone, Copy, Debug)]
pub struct RefreshContext<'a> {
    context: SpendContext<'a>,
    connection: &'a Connection,
}

impl<'a> RefreshContext<'a> {
    /// Made by the host.
    pub fn new(services: Services<'a>, connection: &'a Connection) -> Self {
        Self { context: SpendContext::new(services), connection }
    }
    /// Which connection.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }
}

/// What `verify` gets.
#[derive(Clone, Copy, Debug)]
pub struct VerifyContext<'a> {
    context: Context<'a>,
    connection: &'a Connection,
}

impl<'a> VerifyContext<'a> {
    /// Made by the host.
    pub fn new(services: Services<'a>, connection: &'a Connection) -> Self {
        Self { context: Context::new(services), connection }
    }
    /// Which connection.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }
}

/// What `teardown` gets.
#[derive(Clone, Copy, Debug)]
pub struct TeardownContext<'a> {
    context: Context<'a>,
    connection: &'a Connection,
}

impl<'a> TeardownContext<'a> {
    /// Made by the host.
    pub fn new(services: Services<'a>, connection: &'a Connection) -> Self {
        Self { context: Context::new(services), connection }
    }
    /// Which connection.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }
}

/// What `setup` gets. Nothing here fails: a session that ends or is at fault drops the plugin's future instead.
#[derive(Clone, Copy)]
pub struct SetupContext<'a> {
    context: SpendContext<'a>,
    setup: &'a dyn SetupService,
}

impl<'a> SetupContext<'a> {
    /// Made by the host.
    pub fn new(services: Services<'a>, setup: &'a dyn SetupService) -> Self {
        Self { context: SpendContext::new(services), setup }
    }
    /// Shows something and waits until the first of the given ways ends it.
    ///
    /// # Repetition
    ///
    /// The plugin's future is dropped here and runs again from its start when something ends the wait; then this call
    /// resolves with what ended it, in every later run, too.
    ///
    /// # Cancellation
    ///
    /// A wait that was begun must be awaited to its end: to race it against something else is a fault, since the order
    /// could not be replayed. Give the wait every way to end instead.
    pub async fn wait(&self, wait: Wait<'_>) -> Woken {
        self.setup.wait(wait).await
    }
    /// Asks. Short for a [`wait`](Self::wait) with one way.
    pub async fn prompt(&self, prompt: Prompt) -> Answers {
        match self.wait(Wait::new().answer(prompt)).await {
            Woken::Answered(answers) => answers,
            // Only a way that was asked for ends a wait.
            _ => pending().await,
        }
    }
    /// Sends the browser away and waits for the callback. Short for a [`wait`](Self::wait) with one way.
    pub async fn redirect(&self, redirect: Redirect, handle: &CallbackHandle) -> CallbackRequest {
        match self.wait(Wait::new().open(redirect.link).callback(handle)).await {
            Woken::Callback(request) => request,
            _ => pending().await,
        }
    }
    /// Waits for a time. Short for a [`wait`](Self::wait) with one way.
    pub async fn sleep(&self, duration: Duration) {
        self.wait(Wait::new().elapsed(duration)).await;
    }
    /// Shows something from now on and goes on at once; no effect, so it is not recorded.
    pub fn show(&self, notice: Notice) {
        self.setup.show(notice);
    }
    /// Callbacks, when the host has inbound HTTP.
    pub fn inbound_http(&self) -> Option<&'a dyn InboundHttpService> {
        self.setup.inbound_http()
    }
    /// A way to be called back: both "no"s of the host in one error.
    ///
    /// # Errors
    ///
    /// [`NoCallback`], which `?` turns into a failure that says what the host lacks.
    pub async fn callback(&self) -> Result<CallbackHandle, NoCallback> {
        let inbound = self.inbound_http().ok_or(NoCallback::NoInboundHttp)?;
        inbound.allocate_callback().await.ok_or(NoCallback::NoneLeft)
    }
    /// As [`callback`](Self::callback), where not a browser of this machine calls but a device or the provider.
    ///
    /// # Errors
    ///
    /// Also [`NoCallback::LoopbackAlone`]: nobody else reaches the address that this host would give.
    pub async fn callback_from_elsewhere(&self) -> Result<CallbackHandle, NoCallback> {
        Some(self.callback().await?).filter(CallbackHandle::reaches_others).ok_or(NoCallback::LoopbackAlone)
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
