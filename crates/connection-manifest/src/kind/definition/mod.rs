//! The kind that a file describes, as a [`ConnectionDefinition`].
//!
//! | Module | Owns |
//! |---|---|
//! | `prepared` | what is computed once: the descriptor, addresses, patterns |
//! | `oauth2` | the configuration of `connection-oauth2` |
//! | `credential` | the stored credential |
//! | `setup` | the questions, and the connection that results |
//! | `attach` | the credential on a call |
//! | `seats` | the places of a call where the credential stands |
//! | `calls` | requests that a file describes, and the answers to them |
//! | `account` | verification, and which account it is |
//! | `removal` | revocation, and the page on which a person deletes the credential |
//! | `lookups` | requests after connecting |
//! | `exchange`, `login`, `jwt` | tokens that a file obtains or signs itself, and the answers to that |
//! | `signer/` | signatures over whole requests |
//! | `terms` | where the kind sends secrets, as a text to compare and to show |

mod account;
mod attach;
mod calls;
mod credential;
mod exchange;
mod jwt;
mod login;
mod lookups;
mod oauth2;
mod prepared;
mod removal;
mod seats;
mod setup;
mod signer;
mod terms;

use std::{fmt, sync::Arc};

use connection_contract::{
    Answers, Authorizer, BoxFuture, Connection, ConnectionDefinition, ConnectionError, Context, CredentialError,
    Descriptor, HttpRequest, Identity, Importer, NamedSecrets, RefreshContext, RefreshSemantics, Refreshed, Refresher,
    Revoker, Seat, Secret, SetupContext, SetupFailure, SetupResult, Teardown, TeardownContext, Text, Timestamp,
    VerifyContext, VerifyResult,
};

pub use self::credential::FileCredential;
pub(crate) use self::{
    oauth2::{config as oauth2_config, scalar},
    prepared::Prepared,
    signer::{KEY_ID, SECRET_KEY, SESSION_TOKEN},
};
use super::model::Mechanism;

/// The kind that a file describes. It is registered like any other kind; the core does not know that it was a file.
///
/// ```
/// use connection_contract::ConnectionDefinition;
/// use connection_manifest::KindFile;
///
/// let file = KindFile::parse("acme.toml", r#"
/// format = 1
/// id = "acme"
/// name = "Acme"
/// mechanism = "api_key"
/// [[fields]]
/// name = "apiKey"
/// label = "API key"
/// secret = true
/// [request]
/// base = "https://api.acme.com"
/// headers = { Authorization = "Bearer ${secret.apiKey}" }
/// "#)?;
/// assert_eq!(file.definition().descriptor().display_name.as_str(), "Acme");
/// # Ok::<(), connection_manifest::Problems>(())
/// ```
#[derive(Clone)]
pub struct FileKind(pub(crate) Arc<Prepared>);

impl fmt::Debug for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKind({})", self.0.descriptor.kind)
    }
}

impl ConnectionDefinition for FileKind {
    type Credential = FileCredential;

    fn descriptor(&self) -> Descriptor {
        self.0.descriptor.clone()
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<FileCredential>, SetupFailure> {
        setup::setup(self, ctx).await
    }

    fn serialize_credential(&self, credential: &FileCredential) -> Result<Secret, CredentialError> {
        credential.encode(self.0.oauth2.as_ref())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<FileCredential, CredentialError> {
        FileCredential::decode(bytes, self.0.oauth2.as_ref())
    }

    async fn verify(
        &self,
        credential: &FileCredential,
        ctx: &VerifyContext<'_>,
    ) -> Result<VerifyResult<FileCredential>, ConnectionError> {
        let base = ctx.connection().base_url().ok();
        let mut found = account::verify(self, credential, base, ctx).await?;
        if let (Some(oauth2), Some(tokens)) = (&self.0.oauth2, &credential.oauth2) {
            oauth2.check_scopes(tokens)?;
        }
        if account::is_by_subject(self, credential) {
            found.identity = None;
        }
        Ok(found)
    }

    async fn teardown(
        &self,
        credential: &FileCredential,
        ctx: &TeardownContext<'_>,
    ) -> Result<Teardown, ConnectionError> {
        removal::teardown(self, credential, ctx).await
    }

    fn credential_page(&self, credential: Option<&FileCredential>, connection: &Connection) -> Option<Text> {
        removal::page(self, credential, connection)
    }

    fn importer(&self) -> Option<&dyn Importer<FileCredential>> {
        setup::can_import(self).then_some(self)
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<FileCredential>> {
        if self.0.model.request.is_some() { Some(self) } else { None }
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<FileCredential>> {
        if self.0.descriptor.secret_names.is_empty() { None } else { Some(self) }
    }

    fn revoker(&self) -> Option<&dyn Revoker<FileCredential>> {
        let is_entered = self.0.oauth2.is_none() && self.0.model.revoke.is_some();
        if is_entered { Some(self) } else { None }
    }

    fn refresher(&self) -> Option<&dyn Refresher<FileCredential>> {
        let refreshes = match &self.0.oauth2 {
            Some(oauth2) => oauth2.refresher().is_some(),
            None => self.0.model.mechanism == Some(Mechanism::TokenExchange),
        };
        if refreshes { Some(self) } else { None }
    }
}

impl Importer<FileCredential> for FileKind {
    fn import(
        &self,
        identity: Identity,
        answers: Answers,
        ctx: &Context<'_>,
    ) -> Result<SetupResult<FileCredential>, SetupFailure> {
        setup::import(self, identity, answers, ctx)
    }
}

impl Authorizer<FileCredential> for FileKind {
    fn authorize(
        &self,
        credential: &FileCredential,
        request: &mut HttpRequest,
        ctx: &Context<'_>,
    ) -> Result<(), CredentialError> {
        attach::attach(self, credential, request, ctx)
    }

    fn reads_body(&self) -> bool {
        attach::reads_body(self)
    }

    /// A token that is signed for each request takes a private key, which is slow to use.
    fn is_immediate(&self) -> bool {
        self.0.model.mechanism != Some(Mechanism::SignedJwt)
    }

    fn seats(&self) -> Vec<Seat> {
        seats::of(self)
    }
}

impl NamedSecrets<FileCredential> for FileKind {
    fn secret(&self, credential: &FileCredential, name: &str) -> Option<Secret> {
        if let (Some(oauth2), Some(tokens)) = (&self.0.oauth2, &credential.oauth2) {
            return oauth2.secrets()?.secret(tokens, name);
        }
        if name == "accessToken" && self.0.model.mechanism == Some(Mechanism::TokenExchange) {
            return credential.token.as_ref().map(|token| token.access.duplicate());
        }
        let fields = self.0.model.fields.iter().filter(|field| field.secret);
        let field = fields
            .into_iter()
            .find(|field| field.name.as_deref() == Some(name) || field.aliases.iter().any(|alias| alias == name))?;
        credential.values.secrets.get(field.name.as_deref()?).map(Secret::duplicate)
    }

    fn unnamed(&self, credential: &FileCredential) -> Vec<Secret> {
        credential.secrets(self.0.oauth2.as_ref())
    }
}

impl Revoker<FileCredential> for FileKind {
    fn revoke<'a>(
        &'a self,
        credential: &'a FileCredential,
        ctx: &'a TeardownContext<'_>,
    ) -> BoxFuture<'a, Result<Teardown, ConnectionError>> {
        Box::pin(removal::revoke(self, credential, ctx))
    }
}

impl Refresher<FileCredential> for FileKind {
    fn semantics(&self) -> RefreshSemantics {
        let oauth2 = self.0.oauth2.as_ref().and_then(|oauth2| oauth2.refresher());
        // Running an exchange again uses nothing up.
        oauth2.map_or(RefreshSemantics::Stable, Refresher::semantics)
    }

    fn renews(&self, credential: &FileCredential) -> bool {
        let oauth2 = self.0.oauth2.as_ref().and_then(|oauth2| oauth2.refresher());
        oauth2.zip(credential.oauth2.as_ref()).is_none_or(|(oauth2, tokens)| oauth2.renews(tokens))
    }

    fn refresh<'a>(
        &'a self,
        credential: &'a FileCredential,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<FileCredential>, ConnectionError>> {
        Box::pin(async move {
            if let Some(oauth2) = self.0.oauth2.as_ref().filter(|_| credential.oauth2.is_some()) {
                return credential.refresh_tokens(oauth2, ctx).await;
            }
            let (token, _) = exchange::run(self, &credential.values, ctx, exchange::Moment::Refresh).await?;
            let until = token.until;
            Ok(Refreshed::new(credential.with_token(token)).valid_until(until))
        })
    }

    fn inherit(
        &self,
        former: &FileCredential,
        fresh: FileCredential,
        now: Timestamp,
    ) -> Option<Refreshed<FileCredential>> {
        fresh.inherit_tokens(former, self.0.oauth2.as_ref()?, now)
    }
}
