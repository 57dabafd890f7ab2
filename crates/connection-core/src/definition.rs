//! The erased definition: every credential is bytes and every future is boxed.
//!
//! The core never decodes a credential itself. It calls `parse_credential` once per verify, use and teardown, and
//! once when a setup or an import stores a credential. It calls `serialize_credential` once per outcome and rotation. The names of a credential's secrets are therefore read in the
//! same call that verifies it.

use std::{ops::Deref, sync::Arc, time::Duration};

use connection_contract::{
    Answers, BoxFuture, Connection, ConnectionDefinition, ConnectionError, Context, CredentialError, Delivery,
    Descriptor, HostServices, HttpRequest, Identity, NamedSecrets, NotAuthentic, NotLive, ProfileSpec, Reason,
    RefreshContext, RefreshSemantics, Refreshed, SandboxSpec, Seat, Secret, SessionTokens, SetupContext, SetupFailure,
    SetupResult, SigningKey, Teardown, TeardownContext, Text, Timestamp, UsageContext, UsageMetric, UsageSnapshot,
    VerifyContext, VerifyResult, WebhookEvent, reason,
};

use crate::{asked::Asked, contain};

/// The capabilities of a kind, read from the facets of its definition: the one list of what the code of a kind can do.
///
/// [`KindSupport`](crate::KindSupport) says which of its needs a host meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The kind attaches its credential to requests.
    pub send: bool,
    /// The kind hands out named secrets.
    pub secrets: bool,
    /// The kind refreshes its credential. The semantics say what happens to the spent credential when an answer is
    /// lost.
    pub refresh: Option<RefreshSemantics>,
    /// The kind revokes a credential that a person entered, if the person asks for it.
    pub revoke: bool,
    /// The kind receives the webhooks of its provider.
    pub webhooks: bool,
    /// The kind reports how much of an account is used.
    pub usage: bool,
    /// The kind's tool can be run with isolated identities.
    pub profiles: bool,
    /// The kind's tool runs in a container.
    pub sandbox: bool,
}

/// The part of a credential that a teardown revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// The grants or tokens that setup created at the provider.
    Created,
    /// Also the credential that a person entered.
    Entered,
}

/// The result of reading a delivery of a webhook.
pub(crate) enum DeliveryResult {
    /// An authentic event of the provider.
    Event(WebhookEvent),
    /// A signing key that the provider announces, without a proof.
    Announced(Secret),
    /// The delivery is not authentic.
    Refused(NotAuthentic),
}

/// The result of a probe, with the names of the secrets that the credential holds after it.
pub(crate) struct Probed {
    pub(crate) found: VerifyResult<Secret>,
    /// The declared names under which the credential holds a secret. If the provider rotated the credential, they are
    /// those of the fresh one. `None` if the plugin could not say.
    pub(crate) secret_names: Option<Vec<String>>,
    /// All secrets of the credential, and of the fresh one if the provider rotated it.
    pub(crate) secrets: Vec<Secret>,
    /// The origin that the plugin asked last.
    pub(crate) asked: Asked,
}

impl From<NotLive> for Probed {
    fn from(not_live: NotLive) -> Self {
        Self { found: not_live.into(), secret_names: None, secrets: Vec::new(), asked: Asked::default() }
    }
}

/// A [`ConnectionDefinition`] without its credential type. Its methods are those of the definition and of its facets.
pub(crate) trait ErasedDefinition: Send + Sync {
    fn descriptor(&self) -> Descriptor;
    fn capabilities(&self) -> Capabilities;
    fn setup<'a>(&'a self, ctx: &'a SetupContext<'a>) -> BoxFuture<'a, Result<SetupResult<Secret>, SetupFailure>>;
    /// Verifies the credential and returns which of the declared secret names it has.
    fn verify<'a>(
        &'a self,
        bytes: &'a Secret,
        declared: &'a [String],
        ctx: &'a VerifyContext<'a>,
    ) -> BoxFuture<'a, Result<Probed, ConnectionError>>;
    /// Returns `true` if the definition has a refresher that can renew this credential.
    fn renews(&self, bytes: &Secret) -> Result<bool, CredentialError>;
    /// Returns `None` if the definition has no refresher.
    fn refresh<'a>(
        &'a self,
        bytes: &'a Secret,
        ctx: &'a RefreshContext<'a>,
    ) -> BoxFuture<'a, Result<Option<Refreshed<Secret>>, ConnectionError>>;
    /// Returns the credential that a re-authorization stores, with what it inherits from the former one; `None` if it
    /// inherits nothing.
    fn inherit(
        &self,
        former: &Secret,
        fresh: &Secret,
        now: Timestamp,
    ) -> Result<Option<Refreshed<Secret>>, CredentialError>;
    /// Tears the credential down, and returns the outcome with the address at which a person deletes the credential.
    /// Without a revoker, [`Revocation::Entered`] is the same as [`Revocation::Created`].
    fn teardown<'a>(
        &'a self,
        bytes: &'a Secret,
        revocation: Revocation,
        ctx: &'a TeardownContext<'a>,
    ) -> BoxFuture<'a, (Result<Teardown, ConnectionError>, Option<Text>)>;
    /// Returns the address at which a person deletes the credential.
    fn credential_page(&self, bytes: Option<&Secret>, connection: &Connection) -> Option<Text>;
    /// Returns `true` if the authorizer reads the bodies of requests.
    fn reads_body(&self) -> bool;
    /// Returns `true` if the authorizer may be called in the thread of the caller.
    fn is_immediate(&self) -> bool;
    /// Returns the places of a request where the authorizer puts the secrets of a credential.
    fn seats(&self) -> Vec<Seat>;
    /// Attaches the credential to the request. Returns `false` if the definition has no authorizer.
    fn authorize(&self, bytes: &Secret, request: &mut HttpRequest, ctx: &Context<'_>) -> Result<bool, CredentialError>;
    /// Returns the secrets with these names, in their order; `None` for each that the credential does not have.
    fn secrets_named(&self, bytes: &Secret, names: &[String]) -> Result<Vec<Option<Secret>>, CredentialError>;

    /// Returns all secrets of a credential: those with these names, and those without one.
    fn all_secrets(&self, bytes: &Secret, names: &[String]) -> Result<Vec<Secret>, CredentialError>;
    /// Returns where the key that signs webhooks comes from; `None` without the facet.
    fn signing_key(&self) -> Option<SigningKey>;
    /// Reads a delivery. If `waits` is `true`, a delivery that is not authentic may announce a key. Returns `None`
    /// without the facet.
    fn receive(
        &self,
        bytes: &Secret,
        keys: &[Secret],
        delivery: &Delivery,
        waits: bool,
        ctx: &Context<'_>,
    ) -> Result<Option<DeliveryResult>, CredentialError>;
    /// Returns a delivery to an address of this host, signed with `key`; `None` without the facet.
    fn sign_webhook(
        &self,
        bytes: &Secret,
        key: Option<&Secret>,
        url: &str,
        ctx: &Context<'_>,
    ) -> Result<Option<Result<Delivery, NotAuthentic>>, CredentialError>;
    /// Returns `true` if the definition makes a credential of answers without a request.
    fn can_import(&self) -> bool;
    /// Returns the connection of these answers; `None` without the facet.
    fn import(
        &self,
        identity: Identity,
        answers: Answers,
        ctx: &Context<'_>,
    ) -> Option<Result<SetupResult<Secret>, SetupFailure>>;
    fn activate(&self, host: HostServices) -> BoxFuture<'_, Result<(), ConnectionError>>;
    fn profiles(&self) -> Option<ProfileSpec>;
    fn sandbox(&self) -> Option<SandboxSpec>;
    /// Returns `None` without the facet.
    fn fetch_usage<'a>(
        &'a self,
        bytes: &'a Secret,
        ctx: &'a UsageContext<'a>,
    ) -> BoxFuture<'a, Result<Option<UsageSnapshot>, ConnectionError>>;
    fn usage_auth_mode(&self, bytes: &Secret) -> Result<Option<Text>, CredentialError>;
    fn usage_poll_interval(&self) -> Option<Duration>;
    fn session_metrics(&self, session: &SessionTokens) -> Vec<UsageMetric>;
}

/// A shared definition.
///
/// The `Drop` of a definition is plugin code, too. A panic in it is contained, whichever clone is dropped last.
#[derive(Clone)]
pub(crate) struct Definition(Option<Arc<dyn ErasedDefinition>>);

impl Definition {
    pub(crate) fn new(definition: impl ConnectionDefinition) -> Self {
        Self(Some(Arc::new(definition)))
    }
}

impl Deref for Definition {
    type Target = dyn ErasedDefinition;

    fn deref(&self) -> &Self::Target {
        // The definition is taken out only when this value is dropped.
        self.0.as_deref().expect("the definition is there as long as this value")
    }
}

impl Drop for Definition {
    fn drop(&mut self) {
        let definition = self.0.take();
        _ = contain::call(|| drop(definition));
    }
}

impl<D: ConnectionDefinition> ErasedDefinition for D {
    fn descriptor(&self) -> Descriptor {
        ConnectionDefinition::descriptor(self)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            send: self.authorizer().is_some(),
            secrets: self.secrets().is_some(),
            refresh: self.refresher().map(|refresher| refresher.semantics()),
            revoke: self.revoker().is_some(),
            webhooks: self.webhooks().is_some(),
            usage: self.usage().is_some(),
            profiles: ConnectionDefinition::profiles(self).is_some(),
            sandbox: ConnectionDefinition::sandbox(self).is_some(),
        }
    }

    fn setup<'a>(&'a self, ctx: &'a SetupContext<'a>) -> BoxFuture<'a, Result<SetupResult<Secret>, SetupFailure>> {
        Box::pin(async move {
            let made = ConnectionDefinition::setup(self, ctx).await?;
            made.try_map(|credential| self.serialize_credential(&credential)).map_err(|_| unwritable())
        })
    }

    fn verify<'a>(
        &'a self,
        bytes: &'a Secret,
        declared: &'a [String],
        ctx: &'a VerifyContext<'a>,
    ) -> BoxFuture<'a, Result<Probed, ConnectionError>> {
        Box::pin(async move {
            let credential = self.parse_credential(bytes.expose())?;
            let found = match ConnectionDefinition::verify(self, &credential, ctx).await {
                // `?` on `NotLive` in a plugin is data, not a fault.
                Err(ConnectionError::NotLive(not_live)) => not_live.into(),
                other => other?,
            };
            let current = found.credential.as_ref().unwrap_or(&credential);
            // The verification counts even if the plugin panics here.
            let secret_names = contain::call(|| present_names(self.secrets(), current, declared));
            let both = found.credential.iter().chain([&credential]);
            let secrets = both.filter_map(|held| contain::call(|| all_secrets(self.secrets(), held, declared)));
            let secrets = secrets.flatten().collect();
            // The stored credential is still readable, so this is not a credential error. It may be dead at the
            // provider, though.
            let unwritable = Reason::new(reason::PLUGIN_FAULT, "the plugin could not write the fresh credential");
            found
                .try_map(|fresh| self.serialize_credential(&fresh))
                .map(|found| Probed { found, secret_names, secrets, asked: Asked::default() })
                .map_err(|_| NotLive::failing(unwritable.remedy("report this to the plugin's author")).into())
        })
    }

    fn renews(&self, bytes: &Secret) -> Result<bool, CredentialError> {
        let Some(refresher) = self.refresher() else { return Ok(false) };
        Ok(refresher.renews(&self.parse_credential(bytes.expose())?))
    }

    fn refresh<'a>(
        &'a self,
        bytes: &'a Secret,
        ctx: &'a RefreshContext<'a>,
    ) -> BoxFuture<'a, Result<Option<Refreshed<Secret>>, ConnectionError>> {
        Box::pin(async move {
            let Some(refresher) = self.refresher() else { return Ok(None) };
            let credential = self.parse_credential(bytes.expose())?;
            let refreshed = refresher.refresh(&credential, ctx).await?;
            let unwritable = Reason::new(reason::PLUGIN_FAULT, "the plugin could not write the fresh credential");
            refreshed
                .try_map(|fresh| self.serialize_credential(&fresh))
                .map(Some)
                .map_err(|_| NotLive::failing(unwritable.remedy("report this to the plugin's author")).into())
        })
    }

    fn inherit(
        &self,
        former: &Secret,
        fresh: &Secret,
        now: Timestamp,
    ) -> Result<Option<Refreshed<Secret>>, CredentialError> {
        let Some(refresher) = self.refresher() else { return Ok(None) };
        let former = self.parse_credential(former.expose())?;
        let fresh = self.parse_credential(fresh.expose())?;
        let kept = refresher.inherit(&former, fresh, now);
        kept.map(|kept| kept.try_map(|fresh| self.serialize_credential(&fresh))).transpose()
    }

    fn teardown<'a>(
        &'a self,
        bytes: &'a Secret,
        revocation: Revocation,
        ctx: &'a TeardownContext<'a>,
    ) -> BoxFuture<'a, (Result<Teardown, ConnectionError>, Option<Text>)> {
        Box::pin(async move {
            let parsed = self.parse_credential(bytes.expose());
            let credential = parsed.as_ref().ok();
            // The teardown runs even if the plugin panics here.
            let page = contain::call(|| ConnectionDefinition::credential_page(self, credential, ctx.connection()));
            let ended = async {
                let credential = parsed?;
                match self.revoker().filter(|_| revocation == Revocation::Entered) {
                    Some(revoker) => revoker.revoke(&credential, ctx).await,
                    None => ConnectionDefinition::teardown(self, &credential, ctx).await,
                }
            };
            (ended.await, page.flatten())
        })
    }

    fn credential_page(&self, bytes: Option<&Secret>, connection: &Connection) -> Option<Text> {
        let credential = bytes.and_then(|bytes| self.parse_credential(bytes.expose()).ok());
        ConnectionDefinition::credential_page(self, credential.as_ref(), connection)
    }

    fn reads_body(&self) -> bool {
        self.authorizer().is_some_and(|authorizer| authorizer.reads_body())
    }

    fn is_immediate(&self) -> bool {
        self.authorizer().is_some_and(|authorizer| authorizer.is_immediate() && !authorizer.reads_body())
    }

    fn seats(&self) -> Vec<Seat> {
        self.authorizer().map_or_else(Vec::new, |authorizer| authorizer.seats())
    }

    fn authorize(&self, bytes: &Secret, request: &mut HttpRequest, ctx: &Context<'_>) -> Result<bool, CredentialError> {
        let Some(authorizer) = self.authorizer() else { return Ok(false) };
        authorizer.authorize(&self.parse_credential(bytes.expose())?, request, ctx).map(|()| true)
    }

    fn secrets_named(&self, bytes: &Secret, names: &[String]) -> Result<Vec<Option<Secret>>, CredentialError> {
        let Some(secrets) = self.secrets() else { return Ok(names.iter().map(|_| None).collect()) };
        let credential = self.parse_credential(bytes.expose())?;
        Ok(names.iter().map(|name| secrets.secret(&credential, name)).collect())
    }

    fn all_secrets(&self, bytes: &Secret, names: &[String]) -> Result<Vec<Secret>, CredentialError> {
        let credential = self.parse_credential(bytes.expose())?;
        // The credential can be read even if the plugin panics here.
        Ok(contain::call(|| all_secrets(self.secrets(), &credential, names)).unwrap_or_default())
    }

    fn signing_key(&self) -> Option<SigningKey> {
        self.webhooks().map(|webhooks| webhooks.signing_key())
    }

    fn receive(
        &self,
        bytes: &Secret,
        keys: &[Secret],
        delivery: &Delivery,
        waits: bool,
        ctx: &Context<'_>,
    ) -> Result<Option<DeliveryResult>, CredentialError> {
        let Some(webhooks) = self.webhooks() else { return Ok(None) };
        let refused = match webhooks.receive(&self.parse_credential(bytes.expose())?, keys, delivery, ctx) {
            Ok(event) => return Ok(Some(DeliveryResult::Event(event))),
            Err(refused) => refused,
        };
        let announced = if waits { webhooks.handshake(delivery) } else { None };
        Ok(Some(announced.map_or(DeliveryResult::Refused(refused), DeliveryResult::Announced)))
    }

    fn sign_webhook(
        &self,
        bytes: &Secret,
        key: Option<&Secret>,
        url: &str,
        ctx: &Context<'_>,
    ) -> Result<Option<Result<Delivery, NotAuthentic>>, CredentialError> {
        let Some(webhooks) = self.webhooks() else { return Ok(None) };
        Ok(Some(webhooks.sign(&self.parse_credential(bytes.expose())?, key, url, ctx)))
    }

    fn can_import(&self) -> bool {
        self.importer().is_some()
    }

    fn import(
        &self,
        identity: Identity,
        answers: Answers,
        ctx: &Context<'_>,
    ) -> Option<Result<SetupResult<Secret>, SetupFailure>> {
        let imported = self.importer()?.import(identity, answers, ctx);
        Some(imported.and_then(|made| {
            made.try_map(|credential| self.serialize_credential(&credential)).map_err(|_| unwritable())
        }))
    }

    fn activate(&self, host: HostServices) -> BoxFuture<'_, Result<(), ConnectionError>> {
        Box::pin(ConnectionDefinition::activate(self, host))
    }

    fn profiles(&self) -> Option<ProfileSpec> {
        ConnectionDefinition::profiles(self)
    }

    fn sandbox(&self) -> Option<SandboxSpec> {
        ConnectionDefinition::sandbox(self)
    }

    fn fetch_usage<'a>(
        &'a self,
        bytes: &'a Secret,
        ctx: &'a UsageContext<'a>,
    ) -> BoxFuture<'a, Result<Option<UsageSnapshot>, ConnectionError>> {
        Box::pin(async move {
            let Some(usage) = self.usage() else { return Ok(None) };
            let credential = self.parse_credential(bytes.expose())?;
            usage.fetch(&credential, ctx).await.map(Some)
        })
    }

    fn usage_auth_mode(&self, bytes: &Secret) -> Result<Option<Text>, CredentialError> {
        let Some(usage) = self.usage() else { return Ok(None) };
        Ok(usage.auth_mode(&self.parse_credential(bytes.expose())?))
    }

    fn usage_poll_interval(&self) -> Option<Duration> {
        self.usage().and_then(|usage| usage.poll_interval())
    }

    fn session_metrics(&self, session: &SessionTokens) -> Vec<UsageMetric> {
        self.usage().map(|usage| usage.format_session_metrics(session)).unwrap_or_default()
    }
}

fn unwritable() -> SetupFailure {
    SetupFailure::new("credential_unwritable", "the plugin could not write the credential")
}

/// Returns the names under which the credential holds a secret that is not blank.
fn present_names<C>(secrets: Option<&dyn NamedSecrets<C>>, credential: &C, names: &[String]) -> Vec<String> {
    let Some(secrets) = secrets else { return Vec::new() };
    let has = |name: &&String| secrets.secret(credential, name).is_some_and(|secret| !is_blank(&secret));
    names.iter().filter(has).cloned().collect()
}

fn all_secrets<C>(secrets: Option<&dyn NamedSecrets<C>>, credential: &C, names: &[String]) -> Vec<Secret> {
    let Some(secrets) = secrets else { return Vec::new() };
    let named = names.iter().filter_map(|name| secrets.secret(credential, name));
    named.chain(secrets.unnamed(credential)).collect()
}

/// Returns `true` for a secret that is empty or only spaces. A person who enters that has given nothing.
pub(crate) fn is_blank(secret: &Secret) -> bool {
    secret.expose_str().is_some_and(|text| text.trim().is_empty())
}
