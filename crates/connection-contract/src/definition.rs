//! The trait that a plugin implements.

use alloc::boxed::Box;
use core::{future::Future, pin::Pin};

use crate::{
    Authorizer, ConnectionError, CredentialError, Descriptor, Established, HostServices, NamedSecrets, ProfileSpec,
    Refresher, SandboxSpec, Secret, SetupContext, SetupFailure, TeardownContext, UsageSource, VerifyContext,
    VerifyResult, Webhooks,
};

/// A future behind a pointer, for traits that must be objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One way to reach something. Write `setup`, `verify` and `teardown` as plain `async fn`.
///
/// ```
/// use connection_contract::prelude::*;
///
/// /// The kind `acme`.
/// #[derive(Debug, Default)]
/// pub struct Acme;
///
/// const API: &str = "https://api.acme.example";
///
/// impl Acme {
///     async fn account(&self, key: &Secret, ctx: &Context<'_>) -> Result<Identity, NotLive> {
///         let request = HttpRequest::get(ctx.base_url(API)?, "/v1/me");
///         let me = classify(ctx.send_as(self, key, request).await)?.json()?;
///         Ok(Identity::new(me.str_at("id")?.to_owned(), me.str_at("name")?.to_owned()))
///     }
/// }
///
/// impl ConnectionDefinition for Acme {
///     type Credential = Secret;
///
///     fn descriptor(&self) -> Descriptor {
///         Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey)
///             .origin(API)
///             .field(Field::secret("apiKey", "API key"))
///     }
///     async fn setup(&self, ctx: &SetupContext<'_>) -> Result<Established<Secret>, SetupFailure> {
///         let key = ctx.prompt(Prompt::new("Connect Acme").field("apiKey")).await.secret("apiKey")?;
///         let identity = self.account(&key, ctx).await?;
///         Ok(Established::new(key, identity))
///     }
///     fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
///         Ok(key.duplicate())
///     }
///     fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
///         Ok(Secret::new(bytes))
///     }
///     async fn verify(&self, key: &Secret, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Secret>, ConnectionError> {
///         Ok(VerifyResult::live().identity(self.account(key, ctx).await?))
///     }
///     fn authorizer(&self) -> Option<&dyn Authorizer<Secret>> {
///         Some(self)
///     }
/// }
///
/// impl Authorizer<Secret> for Acme {
///     fn authorize(&self, key: &Secret, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
///         request.set_bearer(key);
///         Ok(())
///     }
/// }
/// ```
pub trait ConnectionDefinition: Send + Sync + 'static {
    /// What setup makes and verify uses. The host sees only its serialized form.
    type Credential: Send + Sync + 'static;

    /// What this kind is.
    ///
    /// # When it is called
    ///
    /// Once, at registration, which fails when it panics or describes something impossible.
    ///
    /// # Repetition
    ///
    /// Must give the same each time: it may depend on nothing but `self`.
    fn descriptor(&self) -> Descriptor;

    /// Makes a connection.
    ///
    /// # When it is called
    ///
    /// When a setup session begins, and again after each of its waits.
    ///
    /// # Repetition
    ///
    /// Every wait drops this future; the next input runs it again from the start, with the recorded result of every
    /// effect, until it meets the first that has none. So all it reads must come from `ctx`, one effect at a time, in an
    /// order that follows from earlier results. An effect that ran and was not recorded before a crash runs again.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any await; hold nothing that only the rest would release.
    ///
    /// # Errors
    ///
    /// [`SetupFailure`] is shown to the user, and nothing is stored. One made from an offline
    /// [`NotLive`](crate::NotLive) does not end the setup: the host keeps the answers and asks again later.
    fn setup(
        &self,
        ctx: &SetupContext<'_>,
    ) -> impl Future<Output = Result<Established<Self::Credential>, SetupFailure>> + Send;

    /// The credential as bytes of any form; the host seals them and never looks inside.
    ///
    /// # When it is called
    ///
    /// Once when setup ends, and once per rotation.
    ///
    /// # Errors
    ///
    /// The setup or rotation fails, and nothing is stored.
    fn serialize_credential(&self, credential: &Self::Credential) -> Result<Secret, CredentialError>;

    /// The credential from bytes that [`serialize_credential`](Self::serialize_credential) of this or an earlier version
    /// of the plugin made.
    ///
    /// # When it is called
    ///
    /// Once per verify, use and teardown, with the bytes as they were written.
    ///
    /// # Errors
    ///
    /// The connection is `failing` with `credential_unreadable`; the bytes stay. In a teardown, the row goes anyway.
    fn parse_credential(&self, bytes: &[u8]) -> Result<Self::Credential, CredentialError>;

    /// Asks the provider whether the credential works, and whose it is. Only probes.
    ///
    /// # When it is called
    ///
    /// After setup, and whenever the host wants to know; never twice at once for one connection in one process.
    ///
    /// # Repetition
    ///
    /// May run at any time and any number of times.
    ///
    /// # Cancellation
    ///
    /// Dropped at its deadline, or when the connection is removed; then nothing is written.
    ///
    /// # Errors
    ///
    /// A connection that does not work is data: `?` on a [`NotLive`](crate::NotLive) is the same as returning it. Any
    /// other error says nothing about the connection; the liveness stays as it was and the caller gets the error.
    fn verify(
        &self,
        credential: &Self::Credential,
        ctx: &VerifyContext<'_>,
    ) -> impl Future<Output = Result<VerifyResult<Self::Credential>, ConnectionError>> + Send;

    /// Gives back what setup took at the provider. By default there is nothing to give back.
    ///
    /// # When it is called
    ///
    /// When the connection is removed, before its row goes.
    ///
    /// # Repetition
    ///
    /// A crash between teardown and removal runs it again: giving back twice must be as good as once.
    ///
    /// # Cancellation
    ///
    /// Dropped at its deadline.
    ///
    /// # Errors
    ///
    /// Logged and recorded; the row goes anyway.
    fn teardown(
        &self,
        credential: &Self::Credential,
        ctx: &TeardownContext<'_>,
    ) -> impl Future<Output = Result<(), ConnectionError>> + Send {
        let _ = (credential, ctx);
        async { Ok(()) }
    }

    /// Takes what the host has for this kind. By default there is nothing to take.
    ///
    /// # When it is called
    ///
    /// Once for each registration, on the plugins' runtime. The host does not wait: the kind is there meanwhile.
    ///
    /// # Repetition
    ///
    /// The same host twice must be as good as once.
    ///
    /// # Cancellation
    ///
    /// Dropped at its deadline, or when the kind is taken away.
    ///
    /// # Errors
    ///
    /// Logged; the kind stays.
    fn activate(&self, host: HostServices) -> impl Future<Output = Result<(), ConnectionError>> + Send {
        drop(host);
        async { Ok(()) }
    }

    /// Attaches the credential to requests. Without it the connection cannot `send`.
    fn authorizer(&self) -> Option<&dyn Authorizer<Self::Credential>> {
        None
    }

    /// Hands out named secrets. Without it the credential leaves the host in requests alone.
    fn secrets(&self) -> Option<&dyn NamedSecrets<Self::Credential>> {
        None
    }

    /// Renews the credential. Without it, it works until it does not.
    fn refresher(&self) -> Option<&dyn Refresher<Self::Credential>> {
        None
    }

    /// Receives what the provider sends by itself. Without it there is no address for that.
    fn webhooks(&self) -> Option<&dyn Webhooks<Self::Credential>> {
        None
    }

    /// Tells how much of an account is used. Without it nothing is polled.
    fn usage(&self) -> Option<&dyn UsageSource<Self::Credential>> {
        None
    }

    /// How the tool is pointed at an isolated identity. Without it there is one identity.
    fn profiles(&self) -> Option<ProfileSpec> {
        None
    }

    /// How the tool is run in a container. Without it, it is not.
    fn sandbox(&self) -> Option<SandboxSpec> {
        None
    }
}
