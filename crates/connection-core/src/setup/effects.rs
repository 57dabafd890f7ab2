//! The host of one run of a setup, which gives the replay engine the rows of the session and the services of this
//! process.
//!
//! Invariants: an entry is durable before the plugin sees its result; only the run that holds the lease asks the
//! provider or reads files; random bytes come from a seed and a counter, so that a replay gives the plugin the same
//! ones.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{
    AddressPurpose, Answer, Compute, Descriptor, FileCache as _, FileService as _, FileStat, FoundTool,
    GrantedDirectory, HttpError, HttpRequest, HttpResponse, LogEvent, LogService as _, LoginOutcome, LoginWindow,
    Notice, Origin, Secret, ServiceError, Services, Spend, Timestamp, ToolSpec, encode,
    host::{self, Signatures},
};
use connection_egress::{AllowedOrigin, LastAnswer, NamedBy, host as host_name, is_loopback, may_be_public};
use connection_replay::{Effect, EffectRequest, Host, Part, StoreChange};

use super::{
    SetupStep, System,
    answerer::Answerer,
    codec::Purpose,
    lease::{self, Halt},
    row::Loaded,
    slot::Slot,
};
use crate::{
    ProfileId,
    credential::DiscoveredOrigin,
    exchange::ExchangeKey,
    host_services::LONGEST_WINDOW,
    kinds::KindEntry,
    lease::Lease,
    services::log::TracingLog,
    store::{Lock, SETUP_EFFECT, SetupLease},
};

/// The services of one run of a setup.
pub(crate) type Effects = connection_replay::Effects<SetupHost>;

/// The state of one run in the replay engine.
pub(super) type Run = connection_replay::Run<Halt>;
pub(super) type Stop = connection_replay::Stop<Halt>;

/// The mutable state of one run, which is also its result.
pub(super) struct Inner {
    pub(super) run: Run,
    /// Time at which the session expires, as this run read it.
    pub(super) expires: Timestamp,
    /// The lease that this run holds, if it has taken one.
    pub(super) leased: Option<Lease<SetupLease>>,
    /// Fingerprint of the confirmation of an account by a person who signed in with a browser.
    pub(super) confirmed: Option<String>,
    pub(super) heard: LastAnswer,
    /// The request that the plugin made last, until its answer is known.
    asked: Option<HttpRequest>,
    /// The signatures that this run has made.
    pub(super) signatures: Signatures,
    /// The person who answers the session.
    pub(super) answerer: Answerer,
    /// Additional time that the run may take, because a person was at a window.
    pub(super) excused: Duration,
    draws: u64,
}

impl Inner {
    /// Returns the origins that the provider named.
    pub(super) fn discovered(&self) -> Vec<DiscoveredOrigin> {
        let found = self.run.discovered.iter();
        let allowed = |origin: &Origin| AllowedOrigin { origin: origin.clone(), named: self.naming(origin) };
        found.map(|(purpose, origin)| DiscoveredOrigin { purpose: *purpose, allowed: allowed(origin) }).collect()
    }

    /// Returns the person who counts as having named an origin that the provider named: the one who entered another
    /// address of the same host, or an address of this machine if the origin is on it.
    fn naming(&self, origin: &Origin) -> NamedBy {
        let is_near =
            |typed: &&Origin| without_port(typed) == without_port(origin) || is_loopback(typed) && is_loopback(origin);
        self.run.origins.iter().find(is_near).map_or(NamedBy::Nobody, |typed| self.answerer.naming(typed))
    }
}

/// Returns the host of an origin.
fn without_port(origin: &Origin) -> &str {
    let host = host_name(origin);
    host.rsplit_once(':').filter(|_| !host.ends_with(']')).map_or(host, |(host, _)| host)
}

/// The session, the kind and the services of this process, for one run of a setup.
pub(crate) struct SetupHost {
    pub(super) system: Arc<System>,
    pub(super) kind: Arc<KindEntry>,
    pub(super) slot: Arc<Slot>,
    pub(super) profile: Option<ProfileId>,
    pub(super) seed: Secret,
    /// The scopes that the setup asks for in addition to those that every setup asks for.
    further_scopes: Vec<String>,
    directory: Option<GrantedDirectory>,
    log: TracingLog,
    inner: Mutex<Inner>,
}

impl SetupHost {
    pub(super) fn new(loaded: Loaded, system: Arc<System>, kind: Arc<KindEntry>, slot: Arc<Slot>) -> Self {
        let (profile, directory) = loaded.header.profile.map(|profile| (profile.id, profile.root)).unzip();
        let directory: Option<GrantedDirectory> = directory.flatten();
        let inner = Inner {
            run: Run::new(loaded.entries, loaded.bytes, loaded.created).grant(directory.clone()),
            expires: loaded.expires,
            leased: None,
            confirmed: None,
            heard: LastAnswer::default(),
            asked: None,
            signatures: Signatures::default(),
            answerer: loaded.header.answerer,
            excused: Duration::ZERO,
            draws: 0,
        };
        let log = TracingLog::new(kind.kind().clone());
        let further_scopes = match loaded.header.purpose {
            Purpose::Reauthorize { scopes, .. } => scopes,
            Purpose::Connect { .. } => Vec::new(),
        };
        let seed = loaded.header.seed;
        Self { system, kind, slot, profile, seed, further_scopes, directory, log, inner: Mutex::new(inner) }
    }

    pub(super) fn further_scopes(&self) -> &[String] {
        &self.further_scopes
    }

    /// No code of a plugin runs under the lock, so the state is whole even if the lock is poisoned.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run and returns its state. A plugin, or a task of it, that still runs can do nothing more: its effects
    /// stay pending.
    pub(super) fn over(&self) -> Inner {
        let mut inner = self.lock();
        Inner {
            run: inner.run.over(Halt::Lost),
            expires: inner.expires,
            leased: inner.leased.take(),
            confirmed: inner.confirmed.take(),
            heard: mem::take(&mut inner.heard),
            asked: None,
            signatures: mem::take(&mut inner.signatures),
            answerer: mem::take(&mut inner.answerer),
            excused: inner.excused,
            draws: inner.draws,
        }
    }

    pub(super) fn next_draw(&self) -> u64 {
        let mut inner = self.lock();
        inner.draws += 1;
        inner.draws
    }
}

/// Returns the texts of an answer that a person typed.
fn typed(answer: &Answer) -> Vec<Secret> {
    match answer {
        Answer::Secret(secret) => vec![secret.duplicate()],
        Answer::Text(text) => vec![Secret::from(text.as_str())],
        _ => Vec::new(),
    }
}

/// Returns the services from which the plugin's context is made.
pub(super) fn services(effects: &Effects) -> Services<'_> {
    let host = effects.host();
    let addresses = &host.kind.checked.addresses;
    let wildcards = &host.kind.checked.wildcards;
    let mut services = Services::new(effects, effects, host, effects).addresses(addresses).wildcards(wildcards);
    services =
        services.discovered(effects).files(effects).kv(effects).spend(effects).directory(host.directory.as_ref());
    if host.tools().is_some() {
        services = services.tools(effects);
    }
    if host.windows().is_some() {
        services = services.login_window(effects);
    }
    services.file_cache(effects)
}

impl Host for SetupHost {
    type Halt = Halt;

    fn with_run<T>(&self, work: impl FnOnce(&mut Run) -> T) -> T {
        work(&mut self.lock().run)
    }

    fn descriptor(&self) -> &Descriptor {
        &self.kind.descriptor
    }

    fn now(&self) -> Timestamp {
        self.system.ground.clock.now()
    }

    fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        connection_contract::Crypto::sha256(self, bytes)
    }

    fn settled(&self, bytes: &[u8]) -> Secret {
        self.lock().signatures.with_stand_ins(bytes)
    }

    fn state(&self, number: u64) -> [u8; 32] {
        let state = self.derived("state", number);
        self.lock().heard.covers(vec![Secret::from(encode::base64url(&state))]);
        state
    }

    fn asks(&self, question: &EffectRequest<'_>, _: &str) {
        if let EffectRequest::Send(request) | EffectRequest::SendOnce(request, _) = question {
            self.lock().asked = Some(host::duplicate(request));
        }
    }

    /// What follows an answer of the provider is based on it until the next input of the person.
    fn replays(&self, effect: &Effect) {
        let mut inner = self.lock();
        match effect {
            Effect::Http(answer) => {
                let Some(request) = inner.asked.take() else { return };
                self.system.ground.http.recall(&inner.heard, &request, answer.as_ref().map_err(|error| *error));
            }
            Effect::Answered(answers) => {
                inner.heard.covers(answers.iter().flat_map(|(_, answer)| typed(answer)).collect());
                inner.heard.forget();
            }
            Effect::Callback(parameters) => {
                let told = parameters.iter().filter(|(name, _)| !name.starts_with("error"));
                inner.heard.covers(told.map(|(_, value)| value.duplicate()).collect());
                inner.heard.forget();
            }
            Effect::Elapsed => inner.heard.forget(),
            _ => {}
        }
    }

    async fn lease<T: Send>(&self, live: impl Future<Output = T> + Send) -> Result<T, Halt> {
        let (leased, seq) = {
            let mut inner = self.lock();
            (inner.leased.take(), inner.run.next)
        };
        let (lease, answer) = lease::with_lease(&self.system, &self.slot, leased, seq, live).await?;
        self.lock().leased = Some(lease);
        Ok(answer)
    }

    async fn record(&self, seq: i64, entry: &Secret, beside: StoreChange<'_>) -> Result<(), Halt> {
        let cell = self.slot.cell(&SETUP_EFFECT, seq);
        let sealed = self.system.ground.seal(&cell, entry.expose()).await.map_err(Halt::Suspend)?;
        let endpoint =
            if let StoreChange::Address(state) = beside { Some(self.system.state_hash(state)) } else { None };
        let spent = if let StoreChange::Spent(key) = beside { Some(ExchangeKey::from_bytes(*key)) } else { None };
        let session = self.slot.id;
        let owner = self.slot.owner.clone();
        let expires = self.lock().expires.seconds();
        let written = self.system.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Setup(session)).await?;
                // The entry of a run that comes second does not replace a recorded one, and a session that has ended
                // keeps none.
                if !tx.insert_effect(session, seq, &sealed).await? {
                    return Ok(false);
                }
                if let Some(hash) = endpoint {
                    tx.insert_endpoint(&hash, &owner, session, expires).await?;
                }
                // The recorded answer of the exchange is deleted, because the entry replaces it. If there is no
                // answer, the intent stays.
                if let Some(key) = spent {
                    tx.settle_exchanges(&[key]).await?;
                }
                Ok(true)
            })
        });
        match written.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Halt::Lost),
            Err(error) => Err(Halt::Suspend(error.into())),
        }
    }

    fn show(&self, step: u64, beside: Vec<Notice>) {
        self.slot.show((step, SetupStep::Notice { beside }));
    }

    fn log(&self, event: LogEvent) {
        self.log.log(event);
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.system.ground.http.send(&self.egress(), request).await
    }

    fn spend_key(&self, seq: i64, spend: &Spend<'_>) -> [u8; 32] {
        *ExchangeKey::of_session(&self.system.ground.sealer, self.slot.id, seq, spend).as_bytes()
    }

    async fn send_once(&self, key: [u8; 32], request: HttpRequest) -> Result<Result<HttpResponse, HttpError>, Halt> {
        self.exchange(ExchangeKey::from_bytes(key), request).await
    }

    fn takes_callbacks(&self) -> bool {
        self.system.callback_addresses.is_some()
    }

    async fn redirect_uri(&self, part: Option<&str>) -> Option<String> {
        let uri = self.system.callback_addresses.as_ref()?.redirect_uri(self.kind.kind()).await?;
        Some(part.map_or_else(|| uri.clone(), |part| format!("{uri}/{part}")))
    }

    fn allows_discovered(&self, origin: &Origin, _: AddressPurpose) -> bool {
        may_be_public(origin) || self.lock().naming(origin) != NamedBy::Nobody
    }

    async fn rebind(&self, address: &str) {
        if let Some(addresses) = &self.system.callback_addresses
            && !addresses.rebind(address).await
        {
            tracing::warn!(session = %self.slot.id, kind = %self.slot.kind, "callbacks no longer reach this host");
        }
    }

    async fn stat(&self, root: &GrantedDirectory, path: &str) -> Result<FileStat, ServiceError> {
        self.local_files().stat(root, path).await
    }

    async fn list(&self, root: &GrantedDirectory, path: &str) -> Result<Vec<FileStat>, ServiceError> {
        self.local_files().list(root, path).await
    }

    async fn read(&self, root: &GrantedDirectory, path: &str, limit: usize) -> Result<Secret, ServiceError> {
        self.local_files().read(root, path, limit).await
    }

    async fn cached(
        &self,
        root: &GrantedDirectory,
        path: &str,
        version: u32,
        limit: usize,
        compute: Compute<'_>,
    ) -> Result<Option<String>, ServiceError> {
        self.files_made().cached(root, path, version, limit, compute).await
    }

    async fn prune(&self, root: &GrantedDirectory, live: &[&str]) -> Result<u64, ServiceError> {
        self.files_made().prune(root, live).await
    }

    async fn get(&self, part: &Part, key: &str) -> Result<Option<Secret>, ServiceError> {
        self.values().read(part, key).await
    }

    async fn put(&self, part: &Part, key: &str, value: Option<Secret>) -> Result<(), ServiceError> {
        self.values().write(part, key, value).await
    }

    async fn find(&self, tool: &ToolSpec) -> Result<FoundTool, ServiceError> {
        self.tools().ok_or(ServiceError::Unavailable)?.locate(tool).await
    }

    async fn version(&self, tool: &ToolSpec) -> Result<String, ServiceError> {
        self.tools().ok_or(ServiceError::Unavailable)?.ask(tool).await
    }

    async fn open(&self, window: LoginWindow) -> LoginOutcome {
        let Some(windows) = self.windows() else { return LoginOutcome::Failed("this host cannot show windows".into()) };
        self.extend_time_limit(window.timeout.min(LONGEST_WINDOW));
        windows.show(window).await
    }
}
