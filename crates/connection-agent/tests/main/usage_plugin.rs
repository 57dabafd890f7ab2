//! A plugin that reports the usage of an account at a provider that a test plays.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use connection_contract::{PathBase, PathSpec, prelude::*};
use connection_core::{Connection as Handle, ConnectionRegistry, Outcome};

use crate::{
    acme::API,
    fake::{Deed, Gate},
    test_host::{World, connect},
    test_server::Reply,
};

pub(crate) const METERED: Kind = Kind::from_static("metered");

/// The profile and the directory of a fetch.
type Where = (Option<String>, Option<String>);

/// A clone is the same plugin.
#[derive(Clone)]
pub(crate) struct Metered {
    pub(crate) profiles: bool,
    /// Also asks for an organization.
    pub(crate) chooses: bool,
    pub(crate) interval: Option<Duration>,
    /// The number of refreshes of its credential, if it can be refreshed.
    pub(crate) renewed: Option<Arc<AtomicUsize>>,
    pub(crate) fetched: Arc<AtomicUsize>,
    pub(crate) deed: Arc<Mutex<Deed>>,
    pub(crate) gate: Arc<Gate>,
    /// Returned instead of the provider's answer; its metrics are also those of every session.
    pub(crate) snapshot: Arc<Mutex<Option<UsageSnapshot>>>,
    /// The payment mode of every account.
    pub(crate) mode: Arc<Mutex<Text>>,
    /// The profile and the directory of each fetch, in order.
    pub(crate) seen: Arc<Mutex<Vec<Where>>>,
    /// The account that a verification finds, if it has another name by now.
    pub(crate) renamed: Arc<Mutex<Option<Identity>>>,
}

impl Metered {
    pub(crate) fn new() -> Self {
        let (fetched, deed, snapshot, seen, renamed) = Default::default();
        let gate = Arc::new(Gate::new());
        let mode = Arc::new(Mutex::new("subscription".into()));
        Self {
            profiles: false,
            chooses: false,
            interval: None,
            renewed: None,
            fetched,
            deed,
            gate,
            snapshot,
            mode,
            seen,
            renamed,
        }
    }

    pub(crate) fn with_profiles() -> Self {
        Self { profiles: true, ..Self::new() }
    }

    pub(crate) fn every(seconds: u64) -> Self {
        Self { interval: Some(Duration::from_secs(seconds)), ..Self::new() }
    }

    pub(crate) fn renewing(seconds: u64) -> Self {
        Self { renewed: Some(Arc::default()), ..Self::every(seconds) }
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetched.load(SeqCst)
    }

    pub(crate) async fn connected(&self, registry: &ConnectionRegistry, key: &str) -> Handle {
        match connect(registry, &METERED, &[("key", key)]).await {
            Outcome::Done(done) => registry.connection(done.connection).await.unwrap(),
            other => panic!("not connected: {other:?}"),
        }
    }
}

/// Lets the provider report this usage for each account, in percent.
pub(crate) fn uses(world: &World, hundredths: u32) {
    world.provider(move |_| Reply::ok(&format!(r#"{{"used":{hundredths}}}"#)));
}

impl ConnectionDefinition for Metered {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        let organizations = Input::Choice(vec![("org-1".into(), "One".into()), ("org-2".into(), "Two".into())]);
        Descriptor::new(METERED, "Metered", AuthType::ApiKey)
            .tool(ToolSpec::new("metered"))
            .origin(API)
            .needs(Need::Files)
            .field(Field::secret("key", "Key"))
            .field(Field::new("organization", "Organization", organizations))
            .permission_mode("ask")
            .permission_mode("plan")
            .cache_ttl(Duration::from_secs(300))
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
        let key = ctx.prompt(Prompt::new("Key").field("key")).await.secret("key")?;
        let mut account = key.expose_str().unwrap_or_default().to_owned();
        if account == "refused" {
            return Err(SetupFailure::new("cancelled", "the person closed the window"));
        }
        if self.chooses {
            let chosen = ctx.prompt(Prompt::new("Which?").field("organization")).await;
            account = format!("{account} of {}", chosen.text("organization")?);
        }
        let renamed = self.renamed.lock().unwrap().clone();
        let identity = renamed.unwrap_or_else(|| Identity::new(account.clone(), account));
        Ok(SetupResult::new(key, identity).measured(VerifyResult::live()))
    }

    fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
        Ok(key.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        Ok(Secret::new(bytes))
    }

    async fn verify(&self, _: &Secret, _: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
        let renamed = self.renamed.lock().unwrap().clone();
        Ok(match renamed {
            Some(identity) => VerifyResult::live().identity(identity),
            None => VerifyResult::live(),
        })
    }

    fn usage(&self) -> Option<&dyn UsageSource<Secret>> {
        Some(self)
    }

    fn refresher(&self) -> Option<&dyn Refresher<Secret>> {
        self.renewed.is_some().then_some(self)
    }

    fn profiles(&self) -> Option<ProfileSpec> {
        let implicit = PathSpec::new(PathBase::Home, ".metered")?;
        self.profiles.then(|| ProfileSpec::new("METERED_HOME", implicit))
    }
}

impl Refresher<Secret> for Metered {
    fn semantics(&self) -> RefreshSemantics {
        RefreshSemantics::Stable
    }

    fn refresh<'a>(
        &'a self,
        _: &'a Secret,
        _: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<Secret>, ConnectionError>> {
        let before = self.renewed.iter().map(|renewed| renewed.fetch_add(1, SeqCst)).sum::<usize>();
        Box::pin(async move { Ok(Refreshed::new(Secret::from(format!("renewed-{before}")))) })
    }
}

impl UsageSource<Secret> for Metered {
    fn fetch<'a>(
        &'a self,
        _: &'a Secret,
        ctx: &'a UsageContext<'_>,
    ) -> BoxFuture<'a, Result<UsageSnapshot, ConnectionError>> {
        Box::pin(async move {
            self.fetched.fetch_add(1, SeqCst);
            let directory = ctx.directory().map(|root| root.as_str().to_owned());
            self.seen.lock().unwrap().push((ctx.connection().profile().map(str::to_owned), directory));
            self.gate.pass().await;
            let deed = self.deed.lock().unwrap().clone();
            deed.polled().await?;
            if let Some(snapshot) = self.snapshot.lock().unwrap().clone() {
                return Ok(snapshot);
            }
            let base = ctx.base_url(API).map_err(|_| ConnectionError::Bug("no base".into()))?;
            let answer = classify(ctx.send(HttpRequest::get(base, "/usage")).await)?;
            let json = answer.json().map_err(NotLive::from)?;
            let used = json["used"].as_i64().unwrap_or_default() as f64 / 100.0;
            let week = TimeWindow::new("week", "This week", used).window(Duration::from_secs(604_800));
            Ok(UsageSnapshot::new(ctx.now()).metric(week))
        })
    }

    fn auth_mode(&self, _: &Secret) -> Option<Text> {
        Some(self.mode.lock().unwrap().clone())
    }

    fn poll_interval(&self) -> Option<Duration> {
        self.interval
    }

    fn format_session_metrics(&self, session: &SessionTokens) -> Vec<UsageMetric> {
        match &*self.snapshot.lock().unwrap() {
            Some(snapshot) => snapshot.metrics.clone(),
            None => vec![TokenUtilization::new("context", "Context", session.context_used).into()],
        }
    }
}
