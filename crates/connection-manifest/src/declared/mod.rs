//! The kind of an extension's own declaration, for a provider that no other kind covers.
//!
//! The setup says which secrets the extension itself receives, lists the declared addresses, and asks a person to confirm
//! it before it asks for a secret.
//!
//! | Module | Owns |
//! |---|---|
//! | `addresses` | the addresses that a declaration names, and the terms to which a person agrees |
//! | `api` | the requests of the provider's API, if the declaration describes them |
//! | `oauth2` | the configuration of `connection-oauth2` for declared endpoints |
//! | `setup` | the questions, and the connection that results |

mod addresses;
mod api;
mod oauth2;
mod setup;

use std::{fmt, sync::Arc};

use connection_contract::{
    AuthType, Authorizer, BoxFuture, ConnectionDefinition, ConnectionError, Context, CredentialError, Descriptor,
    DisplayText, ExtensionDeclaration, Field, HttpRequest, Input, Kind, Liveness, NamedSecrets, Origin, Reason,
    RefreshContext, RefreshSemantics, Refreshed, Refresher, Seat, Secret, SecretName, SetupContext, SetupFailure,
    SetupResult, Teardown, TeardownContext, Text, Timestamp, VerifyContext, VerifyResult, host,
};
use connection_oauth2::OAuth2;

use crate::kind::{FileCredential, FileKind};

/// The field by which a person confirms the declaration, and that the extension receives its secrets.
const CONFIRMATION: &str = "confirmation";
/// The field for the name that a person gives to the account.
const ACCOUNT: &str = "accountName";
/// Names that a declared secret cannot have, because the setup asks for something else by them.
const RESERVED: [&str; 2] = [CONFIRMATION, ACCOUNT];
/// The code of the reason why a declaration makes no kind.
const UNUSABLE: &str = "declaration_unusable";

/// The kind that an extension's declaration makes of itself.
///
/// It is named `EXTENSION/PROVIDER`, and its connections are for that extension alone: [`Descriptor::extension`] says
/// so, and [`Descriptor::terms`] holds what a person agrees to by connecting. A host offers it only for a provider that
/// no other kind covers.
///
/// - `none` asks nothing.
/// - `apiKey` and `personalAccessToken` ask once for the declared fields, or without any for the declared secrets.
/// - `oauth` uses the declared endpoints, with an application of the person's own that each connection brings, or with
///   one that registers itself. The application that the manifest names belongs to the extension's author and is not
///   used.
///
/// Unless the declaration describes requests, nothing can verify such a connection, so its liveness is `unknown`, with
/// the reason; its account is what the person calls it; and no host sends a request for the extension.
///
/// ```
/// use connection_contract::ConnectionDefinition;
/// use connection_manifest::{DeclaredKind, ExtensionFile};
///
/// let file = ExtensionFile::parse(
///     br#"{ "name": "issues", "connection": { "id": "default", "provider": "acme", "title": "Acme",
///           "auth": { "type": "apiKey", "secretNames": ["apiKey"] } } }"#,
/// )?;
/// let kind = DeclaredKind::of(file.declaration()).unwrap();
/// assert_eq!(kind.descriptor().kind.as_str(), "issues/acme");
/// # Ok::<(), connection_manifest::ManifestError>(())
/// ```
#[derive(Clone)]
pub struct DeclaredKind(Arc<Declared>);

struct Declared {
    descriptor: Descriptor,
    extension: Text,
    /// The warning that a person reads before the first question.
    warning: String,
    origins: Vec<Origin>,
    /// The secrets that the extension itself receives.
    secrets: Vec<SecretName>,
    /// The secrets for which the setup asks.
    asked: Vec<SecretName>,
    /// `None` if `api` has the flow.
    oauth2: Option<OAuth2>,
    /// Sends the declared requests.
    api: Option<FileKind>,
}

impl Declared {
    fn oauth2(&self) -> Option<&OAuth2> {
        self.oauth2.as_ref().or_else(|| self.api.as_ref()?.0.oauth2.as_ref())
    }
}

impl fmt::Debug for DeclaredKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeclaredKind({})", self.0.descriptor.kind)
    }
}

impl DeclaredKind {
    /// Returns the kind that a declaration makes.
    ///
    /// # Errors
    ///
    /// The reason why the declaration makes no kind, with its code `declaration_unusable`, and what to correct.
    pub fn of(declaration: &ExtensionDeclaration) -> Result<Self, Reason> {
        declaration.check().map_err(|error| unusable(error.to_string(), "correct the declaration"))?;
        let requirement = &declaration.requirement;
        let extension = declaration.name.clone();
        let kind = Kind::of_extension(&extension, &requirement.provider).ok_or_else(|| {
            unusable(
                format!("the extension's name '{extension}' cannot be a part of the name of a kind"),
                "name the extension with 1 to 64 of the characters a-z, 0-9 and '-', beginning with a letter",
            )
        })?;
        check_secrets(declaration)?;
        let secrets = requirement.auth.secret_names.clone();
        let asked = match requirement.auth.auth {
            AuthType::OAuth => Vec::new(),
            _ => requirement.auth.asked_for().to_vec(),
        };
        let title = format!("{} for {extension}", requirement.title);
        let mut addresses = addresses::of(declaration)?;
        let api = api::kind(declaration, &title, &asked)?;
        let facts = api.as_ref().map(api::facts).unwrap_or_default();
        addresses::extend(&mut addresses, api.as_ref());
        let listed = listed(&addresses);
        let warning = warning(&extension, &secrets, &asked, &listed)?;
        let oauth2 = match &requirement.auth.oauth {
            Some(oauth) if api.is_none() => Some(oauth2::kind(&kind, &title, oauth)?),
            _ => None,
        };
        let mut descriptor = match (&oauth2, &api) {
            (Some(oauth2), _) => oauth2.descriptor(),
            (None, Some(api)) => api.descriptor(),
            (None, None) => Descriptor::new(kind.clone(), title, requirement.auth.auth),
        };
        descriptor.kind = kind;
        descriptor.auth = requirement.auth.auth;
        descriptor.provider = requirement.provider.clone();
        descriptor.secret_names = secrets.iter().map(|name| Text::from(name.as_str().to_owned())).collect();
        if requirement.auth.auth != AuthType::None {
            let own = match &api {
                None => own_fields(declaration, &secrets, &asked, &listed),
                Some(_) => vec![confirmation(declaration, &secrets, &listed)],
            };
            descriptor.fields.splice(0..0, own);
        }
        let descriptor = requirement.connect_guide.iter().fold(descriptor, |made, guide| made.guide(guide.to_string()));
        let descriptor = facts.iter().fold(descriptor, |made, fact| made.guide(fact.clone()));
        let descriptor =
            descriptor.terms(addresses::terms(declaration, &addresses, &facts)).extension(extension.clone());
        let origins = addresses.iter().filter_map(|address| host::origin(address)).collect();
        Ok(Self(Arc::new(Declared { descriptor, extension, warning, origins, secrets, asked, oauth2, api })))
    }

    /// Returns the origins of the declared addresses. A declaration with an origin that another kind declares is
    /// refused by hosts, so that nobody gives an extension the credential of a known provider.
    pub fn origins(&self) -> &[Origin] {
        &self.0.origins
    }
}

fn unusable(message: impl Into<DisplayText>, remedy: impl Into<DisplayText>) -> Reason {
    Reason::new(UNUSABLE, message).remedy(remedy)
}

/// Checks that this kind can ask for the declared secrets, and that somebody uses them.
fn check_secrets(declaration: &ExtensionDeclaration) -> Result<(), Reason> {
    let (auth, extension) = (&declaration.requirement.auth, &declaration.name);
    let asked = auth.asked_for();
    if let Some(name) = asked.iter().find(|name| RESERVED.contains(&name.as_str())) {
        return Err(unusable(
            format!("'{extension}' declares a secret '{name}', which is the name of another question"),
            "give the secret another name in the manifest",
        ));
    }
    match auth.auth {
        AuthType::OAuth if auth.secret_names.len() > 1 => Err(unusable(
            format!("'{extension}' declares several secrets, and oauth gives only an access token"),
            "declare one secret name in the manifest",
        )),
        AuthType::ApiKey | AuthType::PersonalAccessToken if asked.is_empty() => Err(unusable(
            format!("'{extension}' declares no secret for which a setup could ask"),
            "name it in secretNames in the manifest, or choose a provider that this host has a kind for",
        )),
        AuthType::ApiKey | AuthType::PersonalAccessToken
            if auth.secret_names.is_empty() && declaration.requirement.api.is_none() =>
        {
            Err(unusable(
                format!(
                    "'{extension}' does not receive the secret, and its declaration describes no request that uses it"
                ),
                "name it in secretNames in the manifest, describe the request, or choose a provider that this host has a kind \
             for",
            ))
        }
        _ => Ok(()),
    }
}

/// Returns the sentence that lists the declared addresses.
fn listed(addresses: &[String]) -> String {
    match addresses {
        [] => "It declares no addresses.".to_owned(),
        some => format!("It declares these addresses: {}", some.join(", ")),
    }
}

/// Returns the text that a person confirms: which secrets the extension itself receives, and every declared address.
fn warning(extension: &str, secrets: &[SecretName], asked: &[SecretName], listed: &str) -> Result<String, Reason> {
    let received = match secrets {
        [] => format!("The extension '{extension}' describes this connection, and does not receive the secret."),
        some if some.len() < asked.len() => {
            let names: Vec<_> = some.iter().map(|name| format!("'{name}'")).collect();
            let them = if names.len() == 1 { "it" } else { "them" };
            let names = names.join(" and ");
            format!("The extension '{extension}' itself receives {names}, and can send {them} anywhere.")
        }
        _ => format!("The extension '{extension}' itself receives the secret, and can send it anywhere."),
    };
    let warning = format!("{received} {listed}");
    // A longer text would be cut when it is shown.
    if DisplayText::from(warning.clone()).as_str() == warning {
        return Ok(warning);
    }
    Err(unusable(
        format!("the addresses that '{extension}' declares cannot be shown in full"),
        "declare fewer or shorter addresses in the manifest",
    ))
}

/// Returns the question by which a person confirms the declaration, and that the extension receives its secrets.
fn confirmation(declaration: &ExtensionDeclaration, secrets: &[SecretName], listed: &str) -> Field {
    let extension = &declaration.name;
    let question = match secrets {
        [] => format!("Connect as {extension} describes it?"),
        _ => format!("Give {extension} the secret, which it can send anywhere?"),
    };
    Field::new(CONFIRMATION, question, Input::Bool).help(listed.to_owned())
}

/// Returns the label of the field for a secret.
fn secret_label(declaration: &ExtensionDeclaration, asked: &[SecretName], name: &SecretName) -> String {
    match (asked, declaration.requirement.auth.auth) {
        ([_], AuthType::ApiKey) => "API key".to_owned(),
        ([_], AuthType::PersonalAccessToken) => "Personal access token".to_owned(),
        _ => name.to_string(),
    }
}

/// Returns the fields that this kind asks for itself.
fn own_fields(
    declaration: &ExtensionDeclaration,
    secrets: &[SecretName],
    asked: &[SecretName],
    listed: &str,
) -> Vec<Field> {
    let requirement = &declaration.requirement;
    let mut fields = vec![confirmation(declaration, secrets, listed)];
    fields.extend(asked.iter().map(|name| {
        let field = Field::secret(name.as_str().to_owned(), secret_label(declaration, asked, name));
        requirement.connect_guide.iter().fold(field, |field, guide| field.help(guide.to_string()))
    }));
    let title = Some(requirement.title.as_str().trim()).filter(|title| !title.is_empty());
    let title = title.unwrap_or(requirement.provider.as_str()).to_owned();
    fields.push(Field::text(ACCOUNT, "Name for the account").default(title));
    fields
}

/// Returns the result of a verification: there is nothing to ask.
fn unverified<C>(declared: &Declared) -> VerifyResult<C> {
    let mut found = VerifyResult::live();
    if declared.descriptor.auth != AuthType::None {
        let message = format!("the declaration of '{}' says nothing that could verify the secret", declared.extension);
        found.liveness = Liveness::Unknown;
        found.reason = Some(Reason::new("unverifiable", message));
    }
    found
}

impl ConnectionDefinition for DeclaredKind {
    type Credential = FileCredential;

    fn descriptor(&self) -> Descriptor {
        self.0.descriptor.clone()
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<FileCredential>, SetupFailure> {
        setup::setup(&self.0, ctx).await
    }

    fn serialize_credential(&self, credential: &FileCredential) -> Result<Secret, CredentialError> {
        credential.encode(self.0.oauth2())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<FileCredential, CredentialError> {
        FileCredential::decode(bytes, self.0.oauth2())
    }

    async fn verify(
        &self,
        credential: &FileCredential,
        ctx: &VerifyContext<'_>,
    ) -> Result<VerifyResult<FileCredential>, ConnectionError> {
        match &self.0.api {
            Some(api) => api.verify(credential, ctx).await,
            None => Ok(unverified(&self.0)),
        }
    }

    async fn teardown(&self, _: &FileCredential, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        if self.0.descriptor.auth == AuthType::None {
            return Ok(Teardown::NothingToRevoke);
        }
        // A declaration has no address at which a secret could be revoked.
        Ok(Teardown::not_revoked("the secret works at the provider until it expires or is deleted there"))
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<FileCredential>> {
        let sends = match &self.0.api {
            Some(api) => api.authorizer().is_some(),
            None => self.0.oauth2.is_some(),
        };
        if sends { Some(self) } else { None }
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<FileCredential>> {
        if self.0.secrets.is_empty() { None } else { Some(self) }
    }

    fn refresher(&self) -> Option<&dyn Refresher<FileCredential>> {
        if self.0.oauth2().is_some() { Some(self) } else { None }
    }
}

impl Authorizer<FileCredential> for DeclaredKind {
    fn authorize(
        &self,
        credential: &FileCredential,
        request: &mut HttpRequest,
        ctx: &Context<'_>,
    ) -> Result<(), CredentialError> {
        if let Some(api) = &self.0.api {
            return api.authorize(credential, request, ctx);
        }
        let oauth2 = self.0.oauth2.as_ref().and_then(|oauth2| oauth2.authorizer());
        match (oauth2, &credential.oauth2) {
            (Some(oauth2), Some(tokens)) => oauth2.authorize(tokens, request, ctx),
            _ => Err(CredentialError::Malformed),
        }
    }

    fn reads_body(&self) -> bool {
        self.0.api.as_ref().is_some_and(Authorizer::reads_body)
    }

    fn is_immediate(&self) -> bool {
        self.0.api.as_ref().is_none_or(Authorizer::is_immediate)
    }

    fn seats(&self) -> Vec<Seat> {
        match &self.0.api {
            Some(api) => api.seats(),
            None => {
                self.0.oauth2.as_ref().and_then(|oauth2| oauth2.authorizer()).map_or_else(Vec::new, Authorizer::seats)
            }
        }
    }
}

impl NamedSecrets<FileCredential> for DeclaredKind {
    fn secret(&self, credential: &FileCredential, name: &str) -> Option<Secret> {
        let declared = self.0.secrets.iter().find(|declared| declared.as_str() == name)?;
        match (self.0.oauth2(), &credential.oauth2) {
            (Some(oauth2), Some(tokens)) => oauth2.secrets()?.secret(tokens, "accessToken"),
            _ => credential.values.secrets.get(declared.as_str()).map(Secret::duplicate),
        }
    }

    fn unnamed(&self, credential: &FileCredential) -> Vec<Secret> {
        credential.secrets(self.0.oauth2())
    }
}

impl Refresher<FileCredential> for DeclaredKind {
    fn semantics(&self) -> RefreshSemantics {
        let oauth2 = self.0.oauth2().and_then(|oauth2| oauth2.refresher());
        oauth2.map_or(RefreshSemantics::Strict, Refresher::semantics)
    }

    fn renews(&self, credential: &FileCredential) -> bool {
        let oauth2 = self.0.oauth2().and_then(|oauth2| oauth2.refresher());
        oauth2.zip(credential.oauth2.as_ref()).is_none_or(|(oauth2, tokens)| oauth2.renews(tokens))
    }

    fn refresh<'a>(
        &'a self,
        credential: &'a FileCredential,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<FileCredential>, ConnectionError>> {
        Box::pin(async move {
            let oauth2 = self.0.oauth2().ok_or(CredentialError::Malformed)?;
            credential.refresh_tokens(oauth2, ctx).await
        })
    }

    fn inherit(
        &self,
        former: &FileCredential,
        fresh: FileCredential,
        now: Timestamp,
    ) -> Option<Refreshed<FileCredential>> {
        fresh.inherit_tokens(former, self.0.oauth2()?, now)
    }
}
