//! The trait that a plugin implements.

use core::future::Future;

use crate::{
    Authorizer, Connection, ConnectionError, CredentialError, Descriptor, HostServices, Importer, NamedSecrets,
    ProfileSpec, Refresher, Revoker, SandboxSpec, Secret, SetupContext, SetupFailure, SetupResult, Teardown,
    TeardownContext, Text, UsageSource, VerifyContext, VerifyResult, Webhooks,
};

/// A kind of connection.
///
/// Write `setup`, `verify` and `teardown` as plain `async fn`.
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
///     async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
///         let key = ctx.prompt(Prompt::new("Connect Acme").field("apiKey")).await.secret("apiKey")?;
///         let identity = self.account(&key, ctx).await?;
///         Ok(SetupResult::new(key, identity))
///     }
///     fn serialize_credential(&self, key: &Secret) -> Result<Secret, CredentialError> {
///         Ok(key.duplicate())
///     }
///     fn parse_credential(&self, bytes: &[u8]) -> Result<Secret, CredentialError> {
///         if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Secret::new(bytes)) }
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
///     fn seats(&self) -> Vec<Seat> {
///         vec![Seat::bearer()]
///     }
/// }
/// ```
pub trait ConnectionDefinition: Send + Sync + 'static {
    /// The credential that `setup` returns and the other methods use. The host sees only its serialized form.
    type Credential: Send + Sync + 'static;

    /// Describes this kind.
    ///
    /// # When it is called
    ///
    /// Once, at registration. Registration fails if this method panics or describes something impossible.
    ///
    /// # Repetition
    ///
    /// Must return the same value each time: it may depend on nothing but `self`.
    fn descriptor(&self) -> Descriptor;

    /// Sets up a connection.
    ///
    /// # When it is called
    ///
    /// When a setup session begins, and again after each of its waits.
    ///
    /// # Repetition
    ///
    /// Every wait drops this future. The next input runs it again from the start: each effect returns its recorded
    /// result, until the run reaches the first effect that has none. Everything that the future reads must therefore
    /// come from `ctx`, one effect at a time, in an order that follows from earlier results. An effect that ran and was
    /// not recorded before a crash runs again.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any await. It must not hold anything that only the code after that await would
    /// release.
    ///
    /// # Errors
    ///
    /// A [`SetupFailure`] is shown to the user, and nothing is stored. A failure made from an offline
    /// [`NotLive`](crate::NotLive) does not end the setup: the host keeps the answers and asks the provider again
    /// later.
    fn setup(
        &self,
        ctx: &SetupContext<'_>,
    ) -> impl Future<Output = Result<SetupResult<Self::Credential>, SetupFailure>> + Send;

    /// Serializes the credential. The format is up to the plugin: the host seals the bytes and never interprets them.
    ///
    /// # When it is called
    ///
    /// Once when a setup ends, and once for each new credential after that.
    ///
    /// # Errors
    ///
    /// The setup or the replacement of the credential fails, and nothing is stored.
    fn serialize_credential(&self, credential: &Self::Credential) -> Result<Secret, CredentialError>;

    /// Parses bytes that [`serialize_credential`](Self::serialize_credential) of this or an earlier version of the
    /// plugin returned.
    ///
    /// # When it is called
    ///
    /// Once for each verification, use and teardown, with the bytes as they were written.
    ///
    /// # Errors
    ///
    /// The connection becomes `failing` with `credential_unreadable`, and the bytes are kept. In a teardown, the row is
    /// deleted anyway.
    fn parse_credential(&self, bytes: &[u8]) -> Result<Self::Credential, CredentialError>;

    /// Asks the provider whether the credential works, and to which account it belongs. It must not change anything
    /// there.
    ///
    /// # When it is called
    ///
    /// After setup, and whenever the host wants to know. One process never runs two verifications of a connection at
    /// once.
    ///
    /// # Repetition
    ///
    /// May run at any time and any number of times.
    ///
    /// # Cancellation
    ///
    /// The future is dropped at its deadline, or when the connection is removed. Nothing is written then.
    ///
    /// # Errors
    ///
    /// A connection that does not work is data: `?` on a [`NotLive`](crate::NotLive) is the same as returning it as a
    /// result. Any other error says nothing about the connection: its liveness stays as it was, and the caller receives
    /// the error.
    fn verify(
        &self,
        credential: &Self::Credential,
        ctx: &VerifyContext<'_>,
    ) -> impl Future<Output = Result<VerifyResult<Self::Credential>, ConnectionError>> + Send;

    /// Revokes or deletes what setup created at the provider, and says what was seen to happen. The default
    /// implementation sends nothing, and says that the credential was not revoked.
    ///
    /// A credential that a person entered is left as it is: the [`revoker`](Self::revoker) revokes it on request.
    ///
    /// # When it is called
    ///
    /// When the connection is removed, before its row is deleted; and for a credential that is not stored after all.
    ///
    /// # Repetition
    ///
    /// A crash between teardown and removal runs it again, so a second call must have the same effect as one call.
    ///
    /// # Cancellation
    ///
    /// The future is dropped at its deadline.
    ///
    /// # Errors
    ///
    /// The error is logged and recorded, and the row is deleted anyway.
    fn teardown(
        &self,
        credential: &Self::Credential,
        ctx: &TeardownContext<'_>,
    ) -> impl Future<Output = Result<Teardown, ConnectionError>> + Send {
        let _ = (credential, ctx);
        async { Ok(Teardown::not_revoked("the credential works at the provider until it expires or is deleted there")) }
    }

    /// Returns the `https` address of the page on which a person deletes the credential at the provider. The default
    /// implementation knows none.
    ///
    /// It may depend on the public configuration, such as the address of a server, and on the form of the credential.
    /// It must not contain a secret.
    ///
    /// # When it is called
    ///
    /// When a credential was not revoked, and whenever one is stored, so that a host still knows the address after the
    /// plugin is gone. The credential is `None` if it cannot be read.
    fn credential_page(&self, credential: Option<&Self::Credential>, connection: &Connection) -> Option<Text> {
        let _ = (credential, connection);
        None
    }

    /// Receives the services that the host has for this kind. The default implementation drops them.
    ///
    /// # When it is called
    ///
    /// Once for each registration, on the runtime of the plugins. The host does not wait for it: the kind can be used
    /// in the meantime.
    ///
    /// # Repetition
    ///
    /// A second call with the services of the same host must have the same effect as one call.
    ///
    /// # Cancellation
    ///
    /// The future is dropped at its deadline, or when the kind is unregistered.
    ///
    /// # Errors
    ///
    /// The error is logged, and the kind stays registered.
    fn activate(&self, host: HostServices) -> impl Future<Output = Result<(), ConnectionError>> + Send {
        drop(host);
        async { Ok(()) }
    }

    /// Returns the facet that attaches the credential to requests. Without it, the connection cannot `send`.
    fn authorizer(&self) -> Option<&dyn Authorizer<Self::Credential>> {
        None
    }

    /// Returns the facet that hands out named secrets. Without it, the credential leaves the host only in requests.
    fn secrets(&self) -> Option<&dyn NamedSecrets<Self::Credential>> {
        None
    }

    /// Returns the facet that refreshes the credential. Without it, the credential is used until it stops working.
    fn refresher(&self) -> Option<&dyn Refresher<Self::Credential>> {
        None
    }

    /// Returns the facet that revokes a credential that a person entered. Without it, the person deletes such a
    /// credential at the provider.
    fn revoker(&self) -> Option<&dyn Revoker<Self::Credential>> {
        None
    }

    /// Returns the facet that makes a credential of answers without a request. Without it, an import needs the bytes that
    /// the plugin stores.
    fn importer(&self) -> Option<&dyn Importer<Self::Credential>> {
        None
    }

    /// Returns the facet that receives webhooks. Without it, connections of this kind have no webhook address.
    fn webhooks(&self) -> Option<&dyn Webhooks<Self::Credential>> {
        None
    }

    /// Returns the facet that reports how much of an account is used. Without it, nothing is polled.
    fn usage(&self) -> Option<&dyn UsageSource<Self::Credential>> {
        None
    }

    /// Returns how the tool is started with a profile. Without it, the tool has a single identity.
    fn profiles(&self) -> Option<ProfileSpec> {
        None
    }

    /// Returns how the tool runs in a container. Without it, the tool does not run in one.
    fn sandbox(&self) -> Option<SandboxSpec> {
        None
    }
}
