//! A machine with tools, in front of the fake host, which has none: each context is handed on with a tool service in it.

use std::sync::{Arc, Mutex};

use connection_contract::{Compute, host, prelude::*};
use connection_plugin_agent_cli::{AgentCli, Login};
use connection_testkit::{FakeFiles, FakeHost};

/// The kind on a machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    kind: Arc<AgentCli>,
    tools: Option<Tools>,
    files: FakeFiles,
    directory: Option<&'static str>,
    fetched: Arc<Mutex<Vec<Result<UsageSnapshot, String>>>>,
    fetching: bool,
    cache: Option<Cache>,
}

/// What the machine has.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    found: Result<FoundTool, ServiceError>,
    version: Result<String, ServiceError>,
}

impl Machine {
    /// Without a tool service, and without files.
    pub(crate) fn new(kind: AgentCli) -> Self {
        let (files, directory, fetched) = Default::default();
        Self { kind: Arc::new(kind), tools: None, files, directory, fetched, fetching: false, cache: None }
    }
    /// The tool is there.
    pub(crate) fn installed(self, path: &str, version: &str) -> Self {
        let found = FoundTool::new(Some(path.to_owned().into()), []);
        self.tools(Ok(found), Ok(version.to_owned()))
    }
    /// It is in none of these directories.
    pub(crate) fn not_installed(self, probed: &[&'static str]) -> Self {
        let found = FoundTool::new(None, probed.iter().map(|path| (*path).into()));
        self.tools(Ok(found), Err(ServiceError::NotFound))
    }
    /// The service says this.
    pub(crate) fn tools(
        mut self,
        found: Result<FoundTool, ServiceError>,
        version: Result<String, ServiceError>,
    ) -> Self {
        self.tools = Some(Tools { found, version });
        self
    }
    /// The directory of the profile, with files.
    pub(crate) fn directory(mut self, path: &'static str, files: &[(&'static str, String)]) -> Self {
        let files: Vec<_> = files.iter().map(|(name, content)| (*name, content.as_str())).collect();
        self.files = self.files.root(path, &files);
        self.directory = Some(path);
        self
    }
    /// Files are read through a cache, which keeps what was made of them here.
    pub(crate) fn cached(mut self, cache: &Cache) -> Self {
        self.cache = Some(cache.clone());
        self
    }
    /// Every file of the machine.
    pub(crate) fn files(mut self, files: FakeFiles) -> Self {
        self.files = files;
        self
    }
    /// The host of the machine.
    pub(crate) fn host(self) -> FakeHost<Self> {
        let (files, directory) = (self.files.clone(), self.directory);
        let host = FakeHost::new(self).files(files);
        match directory {
            Some(directory) => host.directory(directory),
            None => host,
        }
    }
    /// Its host, whose verifications fetch the usage instead.
    pub(crate) fn fetching(mut self) -> FakeHost<Self> {
        self.fetching = true;
        self.host()
    }
    /// What was fetched last.
    pub(crate) fn fetched(&self) -> Result<UsageSnapshot, String> {
        self.fetched.lock().expect("no test panics in it").last().cloned().expect("something was fetched")
    }
    fn addresses(&self) -> Vec<(Text, BaseUrl)> {
        let origins = self.kind.descriptor().origins;
        origins.into_iter().map(|text| (text.clone(), host::base_url(&text).expect("an address"))).collect()
    }
    fn services<'a>(&'a self, lent: &'a Lent<'a>, addresses: &'a [(Text, BaseUrl)]) -> Services<'a> {
        let mut services = Services::new(lent.0.http(), lent, lent.0.crypto(), lent)
            .addresses(addresses)
            .directory(lent.0.directory());
        if let Some(files) = lent.0.files() {
            services = services.files(files);
        }
        if self.cache.is_some() {
            services = services.file_cache(lent);
        }
        match &self.tools {
            Some(tools) => services.tools(tools),
            None => services,
        }
    }
}

impl ConnectionDefinition for Machine {
    type Credential = Login;

    fn descriptor(&self) -> Descriptor {
        self.kind.descriptor()
    }
    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<Established<Login>, SetupFailure> {
        let (lent, addresses, waits) = (Lent(ctx, self.cache.clone()), self.addresses(), Waits(ctx));
        self.kind.setup(&SetupContext::new(self.services(&lent, &addresses), &waits)).await
    }
    fn serialize_credential(&self, login: &Login) -> Result<Secret, CredentialError> {
        self.kind.serialize_credential(login)
    }
    fn parse_credential(&self, bytes: &[u8]) -> Result<Login, CredentialError> {
        self.kind.parse_credential(bytes)
    }
    async fn verify(&self, login: &Login, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Login>, ConnectionError> {
        let (lent, addresses) = (Lent(ctx, self.cache.clone()), self.addresses());
        let services = self.services(&lent, &addresses);
        if self.fetching {
            let usage = self.kind.usage().expect("the kind tells its usage");
            let context = UsageContext::new(services, ctx.connection(), ctx.directory());
            let fetched = usage.fetch(login, &context).await.map_err(|error| error.to_string());
            self.fetched.lock().expect("no test panics in it").push(fetched);
            return Ok(VerifyResult::live());
        }
        self.kind.verify(login, &VerifyContext::new(services, ctx.connection())).await
    }
    fn authorizer(&self) -> Option<&dyn Authorizer<Login>> {
        self.kind.authorizer()
    }
    fn secrets(&self) -> Option<&dyn NamedSecrets<Login>> {
        self.kind.secrets()
    }
    fn usage(&self) -> Option<&dyn UsageSource<Login>> {
        self.kind.usage()
    }
}

impl ToolService for Tools {
    fn find<'a>(&'a self, _: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ServiceError>> {
        Box::pin(async { self.found.clone() })
    }
    fn version<'a>(&'a self, _: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>> {
        Box::pin(async { self.version.clone() })
    }
}

/// What was made of files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache(Arc<Mutex<Vec<String>>>);

impl Cache {
    /// All of it, in order.
    pub(crate) fn made(&self) -> Vec<String> {
        self.0.lock().expect("no test panics in it").clone()
    }
}

/// The time, the log and the cache of another context.
struct Lent<'a>(&'a Context<'a>, Option<Cache>);

impl FileCache for Lent<'_> {
    fn cached<'a>(
        &'a self,
        root: &'a Root,
        path: &'a str,
        _: u32,
        limit: usize,
        compute: Compute<'a>,
    ) -> BoxFuture<'a, Result<Option<String>, ServiceError>> {
        Box::pin(async move {
            let made = match self.0.files().expect("files").read(root, path, limit).await {
                Ok(content) => compute(&content)?,
                Err(ServiceError::NotFound) => None,
                Err(error) => return Err(error),
            };
            let cache = self.1.as_ref().expect("a cache");
            cache.0.lock().expect("no test panics in it").extend(made.clone());
            Ok(made)
        })
    }
    fn prune<'a>(&'a self, _: &'a Root, _: &'a [&'a str]) -> BoxFuture<'a, Result<u64, ServiceError>> {
        Box::pin(async { Ok(0) })
    }
}

impl Clock for Lent<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
impl LogService for Lent<'_> {
    fn log(&self, event: LogEvent) {
        self.0.log(event);
    }
}

/// The waits of another setup.
struct Waits<'a>(&'a SetupContext<'a>);

impl SetupService for Waits<'_> {
    fn wait<'a>(&'a self, wait: Wait<'a>) -> BoxFuture<'a, Woken> {
        Box::pin(self.0.wait(wait))
    }
    fn show(&self, notice: Notice) {
        self.0.show(notice);
    }
    fn inbound_http(&self) -> Option<&dyn InboundHttpService> {
        self.0.inbound_http()
    }
}

/// What `codex login` writes: <https://developers.openai.com/codex/auth>.
pub(crate) fn codex_login(email: &str, account: &str) -> String {
    let user = email.split('@').next().unwrap_or_default();
    let claims = format!(
        r#"{{"email": "{email}", "https://api.openai.com/auth": {{"chatgpt_plan_type": "plus", "chatgpt_user_id": "user-{user}"}}}}"#
    );
    let token = format!("{}.{}.c2ln", encode::base64url(br#"{"alg": "RS256"}"#), encode::base64url(claims.as_bytes()));
    format!(
        r#"{{"OPENAI_API_KEY": null, "tokens": {{"id_token": "{token}", "access_token": "canary-access", "refresh_token": "canary-refresh", "account_id": "{account}"}}, "last_refresh": "2026-01-30T00:00:00Z"}}"#
    )
}
