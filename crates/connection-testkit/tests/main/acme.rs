//! A plugin that is correct except for one quirk.

use std::{
    future::poll_fn,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use connection_contract::{host, prelude::*};
use connection_testkit::{Expected, FakeHost, Input, Reply};

use crate::quirk::Quirk;

pub(crate) const API: &str = "https://api.acme.example";
pub(crate) const KEY: &str = "canary-key-5e0d91c2b7";

/// The prefix of a key in the newer form of the credential.
const NEW_FORM: &[u8] = b"2:";

#[derive(Debug)]
pub(crate) struct Acme {
    quirk: Quirk,
    count: AtomicUsize,
}

pub(crate) struct Key {
    pub(crate) secret: Secret,
    shows: bool,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.shows { write!(f, "Key({:?})", self.secret.expose_str()) } else { write!(f, "Key(..)") }
    }
}

impl Acme {
    pub(crate) fn with(quirk: Quirk) -> Self {
        Self { quirk, count: AtomicUsize::new(0) }
    }

    fn is(&self, quirk: Quirk) -> bool {
        self.quirk == quirk
    }

    /// Returns the number of earlier calls.
    fn before(&self) -> usize {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn key(&self, secret: Secret) -> Key {
        Key { secret, shows: self.is(Quirk::SecretInDebug) }
    }

    async fn me(&self, key: &Key, ctx: &Context<'_>) -> Result<Identity, NotLive> {
        let base = ctx.base_url(if self.is(Quirk::UsesUndeclaredAddress) { "https://evil.example" } else { API })?;
        let mut request = HttpRequest::get(base, "/me");
        if self.is(Quirk::SecretInUrl) {
            request = request.query("key", &key.secret);
        }
        if self.is(Quirk::SecretInLog) {
            ctx.log(LogEvent::new("asked").with("key", DisplayText::from(exposed(key))));
        }
        let result = ctx.send_as(self, key, request).await;
        let status = result.as_ref().map_or(0, HttpResponse::status);
        let lost = || NotLive::failing(Reason::new(reason::UNAUTHORIZED, "no"));
        match self.quirk {
            Quirk::CallsALimitALostAuthorization if status == 429 => return Err(lost()),
            Quirk::ForgetsThePause if status == 429 => return Err(NotLive::rate_limited(None)),
            Quirk::CallsALostAuthorizationABadNetwork if status == 401 => return Err(NotLive::rate_limited(None)),
            Quirk::SecretInFailure if status != 200 => {
                return Err(NotLive::offline(Reason::new("acme_lost", format!("{} is lost", exposed(key)))));
            }
            _ => {}
        }
        let me = match classify(result)?.json() {
            Err(_) if self.is(Quirk::CallsNonsenseALostAuthorization) => return Err(lost()),
            me => me?,
        };
        let other = self.is(Quirk::ReachesAnotherAccount) && self.before() > 0;
        let id = if other { "43".to_owned() } else { me.str_at("id")?.to_owned() };
        let name = if self.is(Quirk::ReadsAFieldThatIsNotThere) { "nickname" } else { "name" };
        Ok(Identity::new(id, me.str_at(name)?.to_owned()))
    }

    /// Shows the quirks that a setup has before its first prompt.
    async fn misbehave(&self, ctx: &SetupContext<'_>) {
        let again = self.before() > 0;
        let send = || ctx.send(HttpRequest::get(ctx.base_url(API).expect("declared"), "/other"));
        match self.quirk {
            Quirk::AbandonsAnEffect => {
                let mut effect = pin!(send());
                poll_fn(|context| {
                    assert!(effect.as_mut().poll(context).is_pending());
                    Poll::Ready(())
                })
                .await;
            }
            Quirk::JoinsTwoEffects => {
                let mut one = pin!(send());
                let mut two = pin!(send());
                poll_fn(|context| {
                    let ready = one.as_mut().poll(context).is_ready() | two.as_mut().poll(context).is_ready();
                    if ready { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
            Quirk::AsksAnotherFieldInAReplay => {
                drop(ctx.prompt(Prompt::new("?").field(if again { "apiKey" } else { "more" })).await);
            }
            Quirk::SendsSomethingElseInAReplay => {
                let base = ctx.base_url(API).expect("declared");
                drop(ctx.send(HttpRequest::get(base, if again { "/b" } else { "/a" })).await);
            }
            Quirk::AsksUndeclaredField => drop(ctx.prompt(Prompt::new("?").field("secretly")).await),
            Quirk::AsksTooMuchAtOnce => {
                drop(ctx.prompt((0..33).fold(Prompt::new("?"), |prompt, _| prompt.field("more"))).await);
            }
            Quirk::AsksWithoutEnd => loop {
                drop(ctx.prompt(Prompt::new("?").field("more")).await);
            },
            Quirk::HasEffectsWithoutEnd => {
                while let Some(kv) = ctx.kv() {
                    drop(kv.get("name").await);
                }
            }
            Quirk::ShowsAnotherTextInAReplay => ctx.show(Notice::new(format!("Look {}", self.before()))),
            Quirk::ShowsWithoutEnd => (0..99).for_each(|_| ctx.show(Notice::new("?"))),
            Quirk::WaitsForItself => std::future::pending().await,
            Quirk::WaitsForNothing => drop(ctx.wait(Wait::new().notice(Notice::new("?"))).await),
            _ => {}
        }
    }
}

fn exposed(key: &Key) -> String {
    key.secret.expose_str().unwrap_or_default().to_owned()
}

impl ConnectionDefinition for Acme {
    type Credential = Key;

    fn descriptor(&self) -> Descriptor {
        let name =
            if self.is(Quirk::DescribesAnotherThing) { format!("Acme {}", self.before()) } else { "Acme".into() };
        let mut descriptor = Descriptor::new(Kind::from_static("acme"), name, AuthType::ApiKey)
            .origin(API)
            .field(Field::secret("apiKey", "API key"))
            .field(Field::text("more", "More").optional());
        if self.is(Quirk::DescribesAFieldTwice) {
            descriptor = descriptor.field(Field::secret("apiKey", "API key"));
        }
        if self.is(Quirk::DescribesAnHttpLink) {
            descriptor = descriptor.guide_link("Help", "http://acme.example");
        }
        if self.is(Quirk::DescribesNoSuchSecret) { descriptor } else { descriptor.secret_name("apiKey") }
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Key>, SetupFailure> {
        self.misbehave(ctx).await;
        if self.is(Quirk::EndsAtOnce) {
            return Err(SetupFailure::new("acme_closed", "Acme takes no new connections"));
        }
        let changes = self.is(Quirk::AsksWithAnotherTextInAReplay);
        let title = if changes { format!("Connect Acme, try {}", self.before()) } else { "Connect Acme".to_owned() };
        let key = self.key(ctx.prompt(Prompt::new(title).field("apiKey")).await.secret("apiKey")?);
        if self.is(Quirk::SecretInNotice) {
            ctx.show(Notice::new(format!("Trying {}", exposed(&key))));
            ctx.sleep(Duration::from_secs(1)).await;
        }
        if self.is(Quirk::EndsEarlierInAReplay) && self.count.load(Ordering::Relaxed) > 2 {
            return Err(SetupFailure::new("early", "no more"));
        }
        if self.is(Quirk::CannotBeDroppedInSetup) && self.count.swap(99, Ordering::Relaxed) >= 99 {
            return Err(SetupFailure::new("acme_busy", "still under way"));
        }
        let identity = self.me(&key, ctx).await;
        if self.is(Quirk::CannotBeDroppedInSetup) {
            self.count.store(0, Ordering::Relaxed);
        }
        let identity = match identity {
            Err(_) if self.is(Quirk::EndsASetupForABadNetwork) => {
                return Err(SetupFailure::new("acme_lost", "no network"));
            }
            identity => identity?,
        };
        let mut made = SetupResult::new(key, identity);
        if self.is(Quirk::DependsOnItsOwnState) {
            made = made.label(format!("run {}", self.before()));
        }
        let reach = match self.quirk {
            Quirk::LeavesItsAddresses => Reach::base(host::base_url("https://evil.example").expect("plain")),
            Quirk::GrantsItselfADirectory => Reach::declared().root(host::granted_directory("/etc")),
            _ => Reach::declared(),
        };
        Ok(made.reach(reach))
    }

    fn serialize_credential(&self, key: &Key) -> Result<Secret, CredentialError> {
        let bytes = key.secret.expose();
        if self.is(Quirk::ForgetsTheOldForm) || self.is(Quirk::StoresAnotherForm) {
            return Ok(Secret::new([NEW_FORM, bytes].concat()));
        }
        let end = if self.is(Quirk::DropsPartOfTheCredential) { bytes.len().saturating_sub(1) } else { bytes.len() };
        Ok(Secret::new(&bytes[..end]))
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Key, CredentialError> {
        let panics = self.is(Quirk::PanicsOnForeignBytes) && bytes.len() < 4;
        assert!(!panics, "too short");
        if bytes.is_empty() && !self.is(Quirk::TakesNoBytes) {
            return Err(CredentialError::Malformed);
        }
        let bytes = match bytes.strip_prefix(NEW_FORM) {
            None if self.is(Quirk::ForgetsTheOldForm) => return Err(CredentialError::Malformed),
            new => new.unwrap_or(bytes),
        };
        Ok(self.key(Secret::new(bytes)))
    }

    async fn verify(&self, key: &Key, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Key>, ConnectionError> {
        if self.is(Quirk::VerifiesOnce) && self.count.load(Ordering::Relaxed) > 0 {
            return Err(NotLive::failing(Reason::new(reason::EXPIRED, "once is enough")).into());
        }
        if self.is(Quirk::CannotBeDropped) && self.count.swap(99, Ordering::Relaxed) == 99 {
            return Err(NotLive::failing(Reason::new("acme_busy", "still under way")).into());
        }
        let found = self.me(key, ctx).await;
        if self.is(Quirk::VerifiesOnce) {
            self.before();
        }
        if self.is(Quirk::CannotBeDropped) {
            self.count.store(0, Ordering::Relaxed);
        }
        match found {
            Err(lost) if self.is(Quirk::MakesABadNetworkAnError) && lost.liveness == Liveness::Offline => {
                Err(ConnectionError::Service(ServiceError::Unavailable))
            }
            found => Ok(VerifyResult::live().identity(found?)),
        }
    }

    async fn teardown(&self, key: &Key, ctx: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        let request = HttpRequest::delete(ctx.connection().base_url()?, "/key");
        match ctx.send_as(self, key, request).await {
            Ok(response) if response.status() == 404 && !self.is(Quirk::CannotGiveBackTwice) => Ok(Teardown::Revoked),
            result => Ok(classify(result).map(|_| Teardown::Revoked)?),
        }
    }

    fn credential_page(&self, key: Option<&Key>, _: &Connection) -> Option<Text> {
        let key = key.filter(|_| self.is(Quirk::SecretInPage)).map(exposed).unwrap_or_default();
        Some(format!("https://acme.example/keys/{key}").into())
    }

    fn revoker(&self) -> Option<&dyn Revoker<Key>> {
        self.is(Quirk::RevokesWithoutARequest).then_some(self)
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Key>> {
        (!self.is(Quirk::HasNoAuthorizer)).then_some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Key>> {
        Some(self)
    }
}

impl Revoker<Key> for Acme {
    fn revoke<'a>(
        &'a self,
        _: &'a Key,
        _: &'a TeardownContext<'_>,
    ) -> BoxFuture<'a, Result<Teardown, ConnectionError>> {
        Box::pin(async { Ok(Teardown::Revoked) })
    }
}

impl Authorizer<Key> for Acme {
    fn authorize(&self, key: &Key, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(&key.secret);
        if self.is(Quirk::SecretInPublicHeader) {
            request.set_header("x-key", encode::base64(format!("acme:{}", exposed(key)).as_bytes()));
        }
        if self.is(Quirk::AddsHeaders) {
            request.headers.push(("x-more".into(), "1".into()));
        }
        if self.is(Quirk::ChangesTheBody) {
            request.body = Secret::from("another body");
        }
        Ok(())
    }

    fn seats(&self) -> Vec<Seat> {
        match self.quirk {
            Quirk::StatesAnotherScheme => vec![Seat::header("authorization")],
            Quirk::StatesASeatThatIsEmpty => vec![Seat::bearer(), Seat::query("key")],
            Quirk::StatesNoSeat => Vec::new(),
            Quirk::StatesOtherSeatsEachTime if self.before() > 0 => Vec::new(),
            _ => vec![Seat::bearer()],
        }
    }
}

impl NamedSecrets<Key> for Acme {
    fn secret(&self, key: &Key, name: &str) -> Option<Secret> {
        (name == "apiKey" || self.is(Quirk::HandsOutAnyName)).then(|| key.secret.duplicate())
    }
}

pub(crate) fn host(quirk: Quirk) -> FakeHost<Acme> {
    FakeHost::new(Acme::with(quirk))
}

pub(crate) fn key() -> Input {
    Input::answers(&[("apiKey", KEY)])
}

pub(crate) fn get_me() -> Expected {
    Expected::get("https://api.acme.example/me")
        .header("authorization", &format!("Bearer {KEY}"))
        .answer(Reply::json(200, r#"{"id": "42", "name": "Ada"}"#))
}
