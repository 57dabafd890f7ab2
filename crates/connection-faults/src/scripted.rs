//! A plugin whose code a test passes as closures.

use std::{
    fmt, mem,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use connection_contract::{ProfileSpec, SandboxSpec, prelude::*};

type Setup = Result<SetupResult<Secret>, SetupFailure>;
type Verify = Result<VerifyResult<Secret>, ConnectionError>;

type SetupCode<S> = Box<dyn for<'a> Fn(&'a Scripted<S>, &'a SetupContext<'a>) -> BoxFuture<'a, Setup> + Send + Sync>;
type VerifyCode<S> =
    Box<dyn for<'a> Fn(&'a Scripted<S>, &'a Secret, &'a VerifyContext<'a>) -> BoxFuture<'a, Verify> + Send + Sync>;
type Ended = Result<Teardown, ConnectionError>;
type TeardownCode<S> =
    Box<dyn for<'a> Fn(&'a Scripted<S>, &'a Secret, &'a TeardownContext<'a>) -> BoxFuture<'a, Ended> + Send + Sync>;
type PageCode<S> = Box<dyn Fn(&Scripted<S>, Option<&Secret>, &Connection) -> Option<Text> + Send + Sync>;
type AuthorizeCode<S> =
    Box<dyn Fn(&Scripted<S>, &Secret, &mut HttpRequest) -> Result<(), CredentialError> + Send + Sync>;
type Renewed = Result<Refreshed<Secret>, ConnectionError>;
type RefreshCode<S> =
    Box<dyn for<'a> Fn(&'a Scripted<S>, &'a Secret, &'a RefreshContext<'a>) -> BoxFuture<'a, Renewed> + Send + Sync>;
type SecretCode<S> = Box<dyn Fn(&Scripted<S>, &Secret, &str) -> Option<Secret> + Send + Sync>;

/// A plugin that is made of a descriptor and of closures, with a credential of plain bytes.
///
/// Without a closure, a verification finds the account live and a teardown revokes nothing. The plugin has the facets
/// that it was given.
///
/// The state `S` is shared by its closures and by the test: `scripted.field` is a field of the state. A clone is the
/// same plugin with the same state. The methods that configure the plugin panic after it was cloned.
pub struct Scripted<S = ()>(Arc<Parts<S>>);

struct Parts<S> {
    state: S,
    seen: Mutex<Vec<String>>,
    descriptor: Descriptor,
    setup: Option<SetupCode<S>>,
    verify: Option<VerifyCode<S>>,
    teardown: Option<TeardownCode<S>>,
    revoke: Option<TeardownCode<S>>,
    page: Option<PageCode<S>>,
    authorize: Option<AuthorizeCode<S>>,
    reads_body: bool,
    is_immediate: bool,
    seats: Vec<Seat>,
    secret: Option<SecretCode<S>>,
    refresh: Option<RefreshCode<S>>,
    semantics: RefreshSemantics,
    profiles: Option<ProfileSpec>,
    sandbox: Option<SandboxSpec>,
    usage: Option<Box<dyn UsageSource<Secret>>>,
    webhooks: Option<Box<dyn Webhooks<Secret>>>,
}

/// Returns an account whose id is also its label.
pub fn identity(id: impl Into<String>) -> Identity {
    let id = id.into();
    Identity::new(id.clone(), id)
}

/// Returns the result of a setup that measured the account as live, so that the host does not verify it.
pub fn live(credential: impl Into<Secret>, identity: Identity) -> SetupResult<Secret> {
    SetupResult::new(credential.into(), identity).measured(VerifyResult::live())
}

impl Scripted {
    /// Creates a plugin without state.
    pub fn new(descriptor: Descriptor) -> Self {
        Self::with((), descriptor)
    }
}

impl<S: Send + Sync + 'static> Scripted<S> {
    /// Creates a plugin with a state.
    pub fn with(state: S, descriptor: Descriptor) -> Self {
        Self(Arc::new(Parts {
            state,
            seen: Mutex::default(),
            descriptor,
            setup: None,
            verify: None,
            teardown: None,
            revoke: None,
            page: None,
            authorize: None,
            reads_body: false,
            is_immediate: false,
            seats: Vec::new(),
            secret: None,
            refresh: None,
            semantics: RefreshSemantics::Stable,
            profiles: None,
            sandbox: None,
            usage: None,
            webhooks: None,
        }))
    }

    /// Sets the code of a setup. Without it, a setup asks for the first field of the descriptor, whose answer is the
    /// credential and the account. If there is no field, the account is `1` with the label `ada`.
    pub fn setup(
        mut self,
        code: impl for<'a> Fn(&'a Self, &'a SetupContext<'a>) -> BoxFuture<'a, Setup> + Send + Sync + 'static,
    ) -> Self {
        self.parts().setup = Some(Box::new(code));
        self
    }

    /// Sets the code of a verification.
    pub fn verify(
        mut self,
        code: impl for<'a> Fn(&'a Self, &'a Secret, &'a VerifyContext<'a>) -> BoxFuture<'a, Verify> + Send + Sync + 'static,
    ) -> Self {
        self.parts().verify = Some(Box::new(code));
        self
    }

    /// Sets the code of a teardown.
    pub fn teardown(
        mut self,
        code: impl for<'a> Fn(&'a Self, &'a Secret, &'a TeardownContext<'a>) -> BoxFuture<'a, Ended> + Send + Sync + 'static,
    ) -> Self {
        self.parts().teardown = Some(Box::new(code));
        self
    }

    /// Sets the code that revokes a credential that a person entered.
    pub fn revokes(
        mut self,
        code: impl for<'a> Fn(&'a Self, &'a Secret, &'a TeardownContext<'a>) -> BoxFuture<'a, Ended> + Send + Sync + 'static,
    ) -> Self {
        self.parts().revoke = Some(Box::new(code));
        self
    }

    /// Sets the code that names the page on which a person deletes the credential.
    pub fn page(
        mut self,
        code: impl Fn(&Self, Option<&Secret>, &Connection) -> Option<Text> + Send + Sync + 'static,
    ) -> Self {
        self.parts().page = Some(Box::new(code));
        self
    }

    /// Attaches the credential to requests as a bearer token.
    pub fn bearer(self) -> Self {
        self.seat(Seat::bearer()).authorizes(|_, key, request| {
            request.set_bearer(key);
            Ok(())
        })
    }

    /// Sets the code that attaches the credential to a request.
    pub fn authorizes(
        mut self,
        code: impl Fn(&Self, &Secret, &mut HttpRequest) -> Result<(), CredentialError> + Send + Sync + 'static,
    ) -> Self {
        self.parts().authorize = Some(Box::new(code));
        self
    }

    /// Adds a place of a request where the code puts the credential.
    pub fn seat(mut self, seat: Seat) -> Self {
        self.parts().seats.push(seat);
        self
    }

    /// Says that the code that attaches the credential reads the body of a request.
    pub fn reading_bodies(mut self) -> Self {
        self.parts().reads_body = true;
        self
    }

    /// Says that the code that attaches the credential may be called in the thread of the caller.
    pub fn immediate(mut self) -> Self {
        self.parts().is_immediate = true;
        self
    }

    /// Sets the code that hands out the secret of a name.
    pub fn hands_out(mut self, code: impl Fn(&Self, &Secret, &str) -> Option<Secret> + Send + Sync + 'static) -> Self {
        self.parts().secret = Some(Box::new(code));
        self
    }

    /// Sets the code that refreshes the credential, which keeps working.
    pub fn refreshes(
        mut self,
        code: impl for<'a> Fn(&'a Self, &'a Secret, &'a RefreshContext<'a>) -> BoxFuture<'a, Renewed>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.parts().refresh = Some(Box::new(code));
        self
    }

    /// Sets what a refresh does to the refresh token. Without it, the token keeps working.
    pub fn refresh_semantics(mut self, semantics: RefreshSemantics) -> Self {
        self.parts().semantics = semantics;
        self
    }

    /// Sets how its tool is started with a profile.
    pub fn profiles(mut self, spec: impl Into<Option<ProfileSpec>>) -> Self {
        self.parts().profiles = spec.into();
        self
    }

    /// Sets how its tool runs in a container.
    pub fn sandbox(mut self, spec: impl Into<Option<SandboxSpec>>) -> Self {
        self.parts().sandbox = spec.into();
        self
    }

    /// Sets the source of the usage of its accounts.
    pub fn usage(mut self, source: impl UsageSource<Secret> + 'static) -> Self {
        self.parts().usage = Some(Box::new(source));
        self
    }

    /// Sets the webhooks of its provider.
    pub fn webhooks(mut self, webhooks: impl Webhooks<Secret> + 'static) -> Self {
        self.parts().webhooks = Some(Box::new(webhooks));
        self
    }

    /// Records an observation of the plugin's code.
    pub fn saw(&self, what: impl Into<String>) {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    /// Returns the observations since the last call, in order.
    pub fn seen(&self) -> Vec<String> {
        mem::take(&mut *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn parts(&mut self) -> &mut Parts<S> {
        Arc::get_mut(&mut self.0).expect("it is configured before it is cloned")
    }
}

impl<S> Deref for Scripted<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0.state
    }
}

impl<S> Clone for Scripted<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> fmt::Debug for Scripted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scripted").field(&self.0.descriptor.kind).finish()
    }
}

impl<S: Send + Sync + 'static> ConnectionDefinition for Scripted<S> {
    type Credential = Secret;

    fn descriptor(&self) -> Descriptor {
        self.0.descriptor.clone()
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Setup {
        if let Some(code) = &self.0.setup {
            return code(self, ctx).await;
        }
        let Some(field) = self.0.descriptor.fields.first() else {
            return Ok(live("key", Identity::new("1", "ada")));
        };
        let answers = ctx.prompt(Prompt::new("Connect").field(field.name.clone())).await;
        let answer = match answers.iter().next() {
            Some((_, Answer::Secret(secret))) => secret.expose_str().unwrap_or_default(),
            _ => answers.text(&field.name)?,
        };
        Ok(live(answer, identity(answer)))
    }

    fn serialize_credential(&self, credential: &Secret) -> Result<Secret, CredentialError> {
        Ok(credential.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
        if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
    }

    async fn verify(&self, credential: &Secret, ctx: &VerifyContext<'_>) -> Verify {
        match &self.0.verify {
            Some(code) => code(self, credential, ctx).await,
            None => Ok(VerifyResult::live()),
        }
    }

    async fn teardown(&self, credential: &Secret, ctx: &TeardownContext<'_>) -> Ended {
        match &self.0.teardown {
            Some(code) => code(self, credential, ctx).await,
            None => Ok(Teardown::not_revoked("the credential works at the provider")),
        }
    }

    fn credential_page(&self, credential: Option<&Secret>, connection: &Connection) -> Option<Text> {
        self.0.page.as_ref().and_then(|code| code(self, credential, connection))
    }

    fn revoker(&self) -> Option<&dyn Revoker<Secret>> {
        self.0.revoke.is_some().then_some(self)
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
        self.0.authorize.is_some().then_some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Secret>> {
        self.0.secret.is_some().then_some(self)
    }

    fn refresher(&self) -> Option<&dyn Refresher<Secret>> {
        self.0.refresh.is_some().then_some(self)
    }

    fn profiles(&self) -> Option<ProfileSpec> {
        self.0.profiles.clone()
    }

    fn sandbox(&self) -> Option<SandboxSpec> {
        self.0.sandbox.clone()
    }

    fn usage(&self) -> Option<&dyn UsageSource<Secret>> {
        self.0.usage.as_deref()
    }

    fn webhooks(&self) -> Option<&dyn Webhooks<Secret>> {
        self.0.webhooks.as_deref()
    }
}

impl<S: Send + Sync + 'static> Authorizer<Secret> for Scripted<S> {
    fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        self.0.authorize.as_ref().map_or(Ok(()), |code| code(self, key, request))
    }

    fn reads_body(&self) -> bool {
        self.0.reads_body
    }

    fn is_immediate(&self) -> bool {
        self.0.is_immediate
    }

    fn seats(&self) -> Vec<Seat> {
        self.0.seats.clone()
    }
}

impl<S: Send + Sync + 'static> Revoker<Secret> for Scripted<S> {
    fn revoke<'a>(&'a self, credential: &'a Secret, ctx: &'a TeardownContext<'_>) -> BoxFuture<'a, Ended> {
        match &self.0.revoke {
            Some(code) => code(self, credential, ctx),
            None => Box::pin(self.teardown(credential, ctx)),
        }
    }
}

impl<S: Send + Sync + 'static> NamedSecrets<Secret> for Scripted<S> {
    fn secret(&self, key: &Secret, name: &str) -> Option<Secret> {
        self.0.secret.as_ref().and_then(|code| code(self, key, name))
    }
}

impl<S: Send + Sync + 'static> Refresher<Secret> for Scripted<S> {
    fn semantics(&self) -> RefreshSemantics {
        self.0.semantics
    }

    fn refresh<'a>(&'a self, credential: &'a Secret, ctx: &'a RefreshContext<'_>) -> BoxFuture<'a, Renewed> {
        match &self.0.refresh {
            Some(code) => code(self, credential, ctx),
            None => Box::pin(async move { Ok(Refreshed::new(credential.duplicate())) }),
        }
    }
}
