//! A plugin that refreshes its credential, and a test host with it and a strict provider.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use connection_contract::prelude::*;
use connection_core::{
    Clock, Connection as Handle, ConnectionRegistry, Error, Limits, Outcome, StoreError, SystemClock,
};

pub(crate) use crate::running::run;
use crate::{
    acme::API,
    fake::{Deed, Gate, count},
    strict_issuer::Strict,
    test_host::{self, START, World},
};

/// The origin of a token endpoint apart from the API.
#[allow(dead_code, reason = "a benchmark has one origin")]
pub(crate) const ISSUER: &str = "https://id.acme.example";

pub(crate) const RENEWING: Kind = Kind::from_static("renewing");
/// The lifetime of an access token, unless a test sets another.
pub(crate) const LIFE: i64 = 3_600;

/// A further request of a refresh after its first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// Another token that works once.
    Spends,
    /// A request that can be repeated.
    Asks,
}

pub(crate) struct Script {
    pub(crate) semantics: Mutex<RefreshSemantics>,
    /// The times of the next setup's credential, relative to now.
    pub(crate) valid_for: Mutex<Option<i64>>,
    pub(crate) renew_in: Mutex<Option<i64>>,
    pub(crate) authorized_for: Mutex<Option<i64>>,
    /// The tokens and the account of the next setup; a refresh token may be blank.
    pub(crate) gives: Mutex<[&'static str; 3]>,
    /// The plugin's behaviour when a re-authorization takes over missing tokens.
    pub(crate) inherit: Mutex<Deed>,
    pub(crate) inherited: AtomicUsize,
    pub(crate) refreshed: AtomicUsize,
    pub(crate) verified: AtomicUsize,
    pub(crate) serialized: AtomicUsize,
    /// Passed before a token is requested.
    pub(crate) before: Gate,
    /// Passed after the answer.
    pub(crate) after: Gate,
    pub(crate) deed: Mutex<Deed>,
    pub(crate) serialize: Mutex<Deed>,
    pub(crate) then: Mutex<Then>,
    /// The terms that the plugin states when it is registered.
    pub(crate) terms: Mutex<Option<&'static str>>,
    /// If set, the next probe finds that the provider created a new access token.
    pub(crate) rotates: AtomicBool,
    /// The address of the token endpoint.
    pub(crate) issuer: Mutex<&'static str>,
    /// If set, the plugin is a newer version, which skips a text before the JSON of an answer.
    pub(crate) skips: AtomicBool,
    /// If set, the plugin takes an answer that states an error for a refusal, whatever its status.
    pub(crate) refuses: AtomicBool,
    /// If set, a removal revokes the tokens with a request that carries the access token.
    pub(crate) revokes: AtomicBool,
    /// If set, the plugin says only at a refresh that a credential has nothing to renew.
    pub(crate) knows_nothing: AtomicBool,
}

/// The kind `renewing`: asks for a name; its credential is `access-N refresh-N`. A clone is the same plugin.
#[derive(Clone)]
pub(crate) struct Renewing(Arc<Script>);

impl std::ops::Deref for Renewing {
    type Target = Script;

    fn deref(&self) -> &Script {
        &self.0
    }
}

pub(crate) struct Tokens {
    access: Secret,
    refresh: Secret,
}

impl Renewing {
    pub(crate) fn new() -> Self {
        Self::of(RefreshSemantics::Strict)
    }

    pub(crate) fn of(semantics: RefreshSemantics) -> Self {
        let count = || AtomicUsize::new(0);
        Self(Arc::new(Script {
            semantics: Mutex::new(semantics),
            valid_for: Mutex::new(Some(LIFE)),
            renew_in: Mutex::default(),
            authorized_for: Mutex::default(),
            gives: Mutex::new(["access-1", "refresh-1", "1"]),
            inherit: Mutex::default(),
            inherited: count(),
            refreshed: count(),
            verified: count(),
            serialized: count(),
            before: Gate::new(),
            after: Gate::new(),
            deed: Mutex::default(),
            serialize: Mutex::default(),
            then: Mutex::new(Then::Nothing),
            terms: Mutex::default(),
            rotates: AtomicBool::new(false),
            issuer: Mutex::new(API),
            skips: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            revokes: AtomicBool::new(false),
            knows_nothing: AtomicBool::new(false),
        }))
    }

    pub(crate) async fn connected(&self, registry: &ConnectionRegistry) -> Handle {
        match test_host::connect(registry, &RENEWING, &[("name", "ada")]).await {
            Outcome::Done(done) => registry.connection(done.connection).await.unwrap(),
            other => panic!("not connected: {other:?}"),
        }
    }
}

impl ConnectionDefinition for Renewing {
    type Credential = Tokens;

    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(RENEWING, "Renewing", AuthType::OAuth)
            .origin(API)
            .field(Field::text("name", "Name"))
            .secret_name("accessToken");
        let issuer = *self.issuer.lock().unwrap();
        let descriptor = if issuer == API { descriptor } else { descriptor.origin(issuer) };
        self.terms.lock().unwrap().into_iter().fold(descriptor, Descriptor::terms)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Tokens>, SetupFailure> {
        let answers = ctx.prompt(Prompt::new("Connect").field("name")).await;
        let name = answers.text("name")?.to_owned();
        let [access, refresh, account] = *self.gives.lock().unwrap();
        let tokens = Tokens { access: Secret::from(access), refresh: Secret::from(refresh) };
        let from_now = |seconds: &Mutex<Option<i64>>| {
            let seconds = *seconds.lock().unwrap();
            seconds.map(|seconds| Timestamp::from_seconds(ctx.now().seconds() + seconds))
        };
        Ok(SetupResult::new(tokens, Identity::new(account, name))
            .valid_until(from_now(&self.valid_for))
            .renew_at(from_now(&self.renew_in))
            .authorized_until(from_now(&self.authorized_for))
            .measured(VerifyResult::live()))
    }

    fn serialize_credential(&self, tokens: &Tokens) -> Result<Secret, CredentialError> {
        self.serialized.fetch_add(1, SeqCst);
        let deed = self.serialize.lock().unwrap().clone();
        deed.call().map_err(|_| CredentialError::Malformed)?;
        let bytes = [tokens.access.expose(), b" ", tokens.refresh.expose()].concat();
        Ok(Secret::new(bytes))
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Tokens, CredentialError> {
        let at = bytes.iter().position(|byte| *byte == b' ').ok_or(CredentialError::Malformed)?;
        Ok(Tokens { access: Secret::new(&bytes[..at]), refresh: Secret::new(&bytes[at + 1..]) })
    }

    async fn verify(&self, tokens: &Tokens, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Tokens>, ConnectionError> {
        self.verified.fetch_add(1, SeqCst);
        let request = HttpRequest::get(ctx.connection().base_url()?, "/me");
        let me = classify(ctx.send_as(self, tokens, request).await)?.json()?;
        let found = VerifyResult::live()
            .valid_until(me["until"].as_i64().map(Timestamp::from_seconds))
            .identity(Identity::new(me.str_at("id")?.to_owned(), me.str_at("name")?.to_owned()));
        if !self.rotates.swap(false, SeqCst) {
            return Ok(found);
        }
        Ok(found.rotated(Tokens { access: Secret::from("access-by-probe"), refresh: tokens.refresh.duplicate() }))
    }

    async fn teardown(&self, tokens: &Tokens, ctx: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        if !self.revokes.load(SeqCst) {
            return Ok(Teardown::not_revoked("the tokens work until they expire"));
        }
        let request = HttpRequest::delete(ctx.connection().base_url()?, "/tokens");
        classify(ctx.send_as(self, tokens, request).await)?;
        Ok(Teardown::Revoked)
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Tokens>> {
        Some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Tokens>> {
        Some(self)
    }

    fn refresher(&self) -> Option<&dyn Refresher<Tokens>> {
        Some(self)
    }
}

impl Authorizer<Tokens> for Renewing {
    fn authorize(&self, tokens: &Tokens, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(&tokens.access);
        Ok(())
    }
}

impl NamedSecrets<Tokens> for Renewing {
    fn secret(&self, tokens: &Tokens, name: &str) -> Option<Secret> {
        (name == "accessToken").then(|| tokens.access.duplicate())
    }
}

impl Refresher<Tokens> for Renewing {
    fn semantics(&self) -> RefreshSemantics {
        *self.semantics.lock().unwrap()
    }

    fn renews(&self, tokens: &Tokens) -> bool {
        self.knows_nothing.load(SeqCst) || !tokens.refresh.is_empty()
    }

    fn refresh<'a>(
        &'a self,
        tokens: &'a Tokens,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<Tokens>, ConnectionError>> {
        Box::pin(async move {
            self.refreshed.fetch_add(1, SeqCst);
            self.before.pass().await;
            let deed = self.deed.lock().unwrap().clone();
            deed.polled().await?;
            if tokens.refresh.is_empty() {
                let nothing = Reason::new(reason::NOTHING_TO_RENEW, "the provider issued no refresh token");
                return Err(NotLive::offline(nothing).into());
            }
            let issuer = *self.issuer.lock().unwrap();
            let request = HttpRequest::post(ctx.base_url(issuer)?, "/token").form("refresh_token", &tokens.refresh);
            let answer = ctx.send_once(Spend::new("refresh_token", &tokens.refresh), request).await;
            self.after.pass().await;
            if let Ok(answer) = &answer
                && answer.status() == 400
            {
                let ended = Reason::new(reason::NEEDS_REAUTHORIZATION, "the provider renews it no more");
                return Err(NotLive::failing(ended.remedy("authorize this connection again")).into());
            }
            let answer = classify(answer)?;
            let made = match answer.body().expose().iter().position(|byte| *byte == b'{') {
                Some(start) if self.skips.load(SeqCst) => Value::parse(&answer.body().expose()[start..])?,
                _ => answer.json()?,
            };
            if self.refuses.load(SeqCst) && made["error"] != Value::Null {
                return Err(NotLive::failing(Reason::new("renewing_refused", "the provider refused")).into());
            }
            let fresh =
                Tokens { access: Secret::from(made.str_at("access")?), refresh: Secret::from(made.str_at("refresh")?) };
            let then = *self.then.lock().unwrap();
            let extra = Secret::from("extra-1");
            match then {
                Then::Nothing => {}
                Then::Spends => {
                    let request = HttpRequest::post(ctx.base_url(API)?, "/extra").form("refresh_token", &extra);
                    classify(ctx.send_once(Spend::new("extra_token", &extra), request).await)?;
                }
                Then::Asks => drop(classify(ctx.send(HttpRequest::get(ctx.base_url(API)?, "/extra")).await)?),
            }
            let from_now =
                |name: &str| made[name].as_i64().map(|seconds| Timestamp::from_seconds(ctx.now().seconds() + seconds));
            let lacks = made["lacks"].as_str().into_iter().flat_map(|scopes| scopes.split(' '));
            Ok(Refreshed::new(fresh)
                .lacks(lacks)
                .valid_until(from_now("life"))
                .renew_at(from_now("renewIn"))
                .authorized_until(from_now("authorizedFor")))
        })
    }

    fn inherit(&self, former: &Tokens, fresh: Tokens, now: Timestamp) -> Option<Refreshed<Tokens>> {
        if !fresh.refresh.is_empty() || former.refresh.is_empty() {
            return None;
        }
        self.inherited.fetch_add(1, SeqCst);
        let deed = self.inherit.lock().unwrap().clone();
        deed.call().ok()?;
        let kept = Tokens { refresh: former.refresh.duplicate(), ..fresh };
        Some(Refreshed::new(kept).valid_until(Some(Timestamp::from_seconds(now.seconds() + LIFE))))
    }
}

/// A test host with this provider and a new connection.
pub(crate) struct Renewals {
    pub(crate) world: World,
    pub(crate) provider: Strict,
    pub(crate) plugin: Renewing,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) connection: Handle,
}

impl Renewals {
    pub(crate) async fn new() -> Self {
        Self::of(Renewing::new()).await
    }

    pub(crate) async fn of(plugin: Renewing) -> Self {
        Self::on(World::new().await, plugin).await
    }

    pub(crate) async fn on(world: World, plugin: Renewing) -> Self {
        let provider = Strict::new();
        let answering = provider.clone();
        world.provider(move |request| answering.answer(request));
        let registry = world.open(plugin.clone()).await;
        let connection = plugin.connected(&registry).await;
        Self { world, provider, plugin, registry, connection }
    }

    /// Creates the same as [`of`](Self::of), on the system's clock, so that processes of this test host really wait for
    /// each other.
    pub(crate) async fn of_processes(plugin: Renewing) -> Self {
        Self::of_processes_on(World::new().await, plugin).await
    }

    pub(crate) async fn of_processes_on(world: World, plugin: Renewing) -> Self {
        let provider = Strict::new();
        let answering = provider.clone();
        world.provider(move |request| answering.answer(request));
        let registry = process(&world, &plugin, SystemClock::new()).await;
        let connection = plugin.connected(&registry).await;
        Self { world, provider, plugin, registry, connection }
    }

    /// Opens another process, with a separate plugin.
    pub(crate) async fn process(&self, plugin: &Renewing) -> Handle {
        let registry = process(&self.world, plugin, SystemClock::new()).await;
        registry.connection(self.connection.id()).await.unwrap()
    }

    /// Lets the credential have ended long ago.
    pub(crate) async fn expire(&self) {
        self.edit("UPDATE connection_credential SET valid_until = 1000, refresh_at = 1000").await;
    }

    /// Makes the credential due for a refresh, while it still works.
    pub(crate) async fn fall_due(&self) {
        self.edit("UPDATE connection_credential SET refresh_at = 1000").await;
    }

    pub(crate) async fn edit(&self, sql: &str) -> u64 {
        crate::sql::run(&self.world.database(), sql).await
    }

    /// Moves recorded requests into the past, because they use the database's clock, which a test cannot set.
    pub(crate) async fn note_passes(&self, seconds: i64) {
        let older = |column: &str| format!("{column} = {column} - {seconds}");
        let columns = ["begun_at", "sent_at", "seen_at", "concluded_at"].map(older).join(", ");
        self.edit(&format!("UPDATE connection_exchange SET {columns}")).await;
    }

    /// Moves the quarantine of this boot into the past, because it uses the system's clock, which a test cannot set.
    pub(crate) async fn boot_passes(&self, seconds: i64) {
        let older = format!("CASE WHEN boot_seconds > {seconds} THEN boot_seconds - {seconds} ELSE 0 END");
        self.edit(&format!("UPDATE connection_exchange_look SET boot_seconds = {older}")).await;
    }

    /// Returns the names of the events, in order.
    pub(crate) async fn events(&self) -> Vec<String> {
        crate::sql::texts(&self.world.database(), "SELECT kind FROM connection_event ORDER BY seq").await
    }

    /// Sets the clock to this many seconds after the connection was created, and wakes sleepers.
    pub(crate) fn at(&self, seconds: i64) {
        let ahead = START + seconds - self.world.now();
        self.world.clock.advance(Duration::from_secs(u64::try_from(ahead).unwrap()));
    }

    pub(crate) async fn send(&self) -> Result<u16, Error> {
        send(&self.connection).await
    }

    pub(crate) async fn token(&self) -> String {
        token(&self.connection).await.unwrap()
    }

    /// Waits until the background refresh has ended.
    pub(crate) async fn until_renewed(&self, times: usize) {
        let renewed = async {
            while self.provider.request_count() < times
                || self.number("generation").await < i64::try_from(times).unwrap() + 1
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), renewed).await.expect("nobody renews it");
    }

    /// Waits until the background attempt has ended, so that it does not see a clock that jumps.
    pub(crate) async fn not_due(&self) {
        let planned = async {
            while self.credential("refresh_at").await.is_some_and(|at| at <= self.world.now()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), planned).await.expect("it stays due");
    }

    /// Returns a number in the row of the account.
    pub(crate) async fn number(&self, column: &str) -> i64 {
        let sql = format!("SELECT {column} FROM connection_account");
        crate::sql::number(&self.world.database(), sql).await.unwrap_or_default()
    }

    /// Returns a number of the current credential.
    pub(crate) async fn credential(&self, column: &str) -> Option<i64> {
        let sql = format!("SELECT {column} FROM connection_credential WHERE state = 'current'");
        crate::sql::number(&self.world.database(), sql).await
    }

    /// Returns a number in the row with the lease.
    pub(crate) async fn lease(&self, column: &str) -> Option<i64> {
        crate::sql::number(&self.world.database(), format!("SELECT {column} FROM connection_liveness")).await
    }
}

/// Opens a process of a test host that caches no rows, so that it sees direct writes of a test.
pub(crate) async fn process(world: &World, plugin: &Renewing, clock: impl Clock + 'static) -> ConnectionRegistry {
    let builder = world.builder().clock(Arc::new(clock)).limits(Limits::new().hot_rows(Duration::ZERO));
    builder.kind(plugin.clone()).open().await.unwrap()
}

/// Returns the access token that a handle provides.
pub(crate) async fn token(connection: &Handle) -> Result<String, Error> {
    let bytes = connection.with_access_token(async |token| token.expose().to_vec()).await?;
    Ok(String::from_utf8(bytes).unwrap())
}

/// Returns the access token, for a caller that asks again when the database took too long, as it may on a busy machine.
pub(crate) async fn patient_token(connection: &Handle) -> String {
    loop {
        match token(connection).await {
            Err(Error::Store(why))
                if matches!(
                    *why,
                    StoreError::Busy { .. } | StoreError::CommitUnknown { .. } | StoreError::Unavailable { .. }
                ) => {}
            token => return token.unwrap(),
        }
    }
}

/// Returns the status of the answer to a request.
pub(crate) async fn send(connection: &Handle) -> Result<u16, Error> {
    let request = connection.request("GET", "/things").await?;
    connection.send(request).await.map(|answer| answer.status())
}

/// Returns how often the plugin was called for a refresh.
pub(crate) fn refreshed(plugin: &Renewing) -> usize {
    count(&plugin.refreshed)
}
