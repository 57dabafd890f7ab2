//! The stored credential: answers, values of responses, and tokens.

use connection_contract::{
    ConnectionDefinition, ConnectionError, CredentialError, Record, RefreshContext, Refreshed, Secret, Timestamp,
};
use connection_oauth2::{OAuth2, OAuth2Credential};

use crate::kind::template::Values;

/// The credential of a kind that a file describes or an extension declares. `Debug` shows no secret.
///
/// ```
/// # use connection_contract::ConnectionDefinition;
/// # use connection_manifest::{FileCredential, FileKind};
/// fn stored(kind: &FileKind, bytes: &[u8]) -> Option<FileCredential> {
///     kind.parse_credential(bytes).ok()
/// }
/// ```
#[derive(Debug)]
pub struct FileCredential {
    /// Values that decide where the secrets go are sealed with them.
    pub(crate) values: Values,
    pub(crate) token: Option<Token>,
    pub(crate) oauth2: Option<OAuth2Credential>,
}

/// A token that an exchange gave.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) access: Secret,
    pub(crate) until: Option<Timestamp>,
}

/// The first field of every credential, which decides the fields that follow.
const VERSION: &str = "1";

impl FileCredential {
    /// Returns all secrets of the credential.
    pub(crate) fn secrets(&self, oauth2: Option<&OAuth2>) -> Vec<Secret> {
        let tokens = oauth2.and_then(OAuth2::secrets).zip(self.oauth2.as_ref());
        let tokens = tokens.map(|(secrets, tokens)| secrets.unnamed(tokens)).unwrap_or_default();
        let values = self.values.secrets.values().chain(self.token.as_ref().map(|token| &token.access));
        values.map(Secret::duplicate).chain(tokens).collect()
    }

    fn with_oauth2(&self, tokens: OAuth2Credential) -> Self {
        Self { values: self.values.duplicate(), token: None, oauth2: Some(tokens) }
    }

    /// Refreshes the tokens of an OAuth flow.
    pub(crate) async fn refresh_tokens(
        &self,
        oauth2: &OAuth2,
        ctx: &RefreshContext<'_>,
    ) -> Result<Refreshed<Self>, ConnectionError> {
        let (Some(refresher), Some(tokens)) = (oauth2.refresher(), &self.oauth2) else {
            return Err(CredentialError::Malformed.into());
        };
        refresher.refresh(tokens, ctx).await?.try_map(|fresh| Ok(self.with_oauth2(fresh)))
    }

    /// Returns the credential with the refresh tokens that it takes over from the former one.
    pub(crate) fn inherit_tokens(self, former: &Self, oauth2: &OAuth2, now: Timestamp) -> Option<Refreshed<Self>> {
        let values = self.values;
        let inherited = oauth2.refresher()?.inherit(former.oauth2.as_ref()?, self.oauth2?, now)?;
        inherited.try_map(|tokens| Ok::<_, CredentialError>(Self { values, token: None, oauth2: Some(tokens) })).ok()
    }

    pub(super) fn with_token(&self, token: Token) -> Self {
        Self { values: self.values.duplicate(), token: Some(token), oauth2: None }
    }

    pub(crate) fn encode(&self, oauth2: Option<&OAuth2>) -> Result<Secret, CredentialError> {
        let mut record = Record::new().with("version", VERSION);
        for (name, value) in &self.values.config {
            record = record.with("config", name.as_str()).with("is", value.as_str());
        }
        for (name, secret) in &self.values.secrets {
            record = record.with("secret", name.as_str()).with("is", secret.duplicate());
        }
        if let Some(token) = &self.token {
            record = record.with("access", token.access.duplicate());
            if let Some(until) = token.until {
                record = record.with("until", until.to_rfc3339());
            }
        }
        if let (Some(oauth2), Some(tokens)) = (oauth2, &self.oauth2) {
            record = record.with("oauth2", oauth2.serialize_credential(tokens)?);
        }
        Ok(record.encode())
    }

    pub(crate) fn decode(bytes: &[u8], oauth2: Option<&OAuth2>) -> Result<Self, CredentialError> {
        let record = Record::decode(bytes)?;
        if record.text("version")? != VERSION {
            return Err(CredentialError::Malformed);
        }
        let mut read = Self { values: Values::default(), token: None, oauth2: None };
        let mut config = None;
        let mut secret = None;
        for (name, field) in record.fields() {
            let text = || field.expose_str().map(str::to_owned).ok_or(CredentialError::Malformed);
            match name {
                "version" => {}
                "config" => config = Some(text()?),
                "secret" => secret = Some(text()?),
                "is" => match (config.take(), secret.take()) {
                    (Some(name), None) => drop(read.values.config.insert(name, text()?)),
                    (None, Some(name)) => drop(read.values.secrets.insert(name, field.duplicate())),
                    _ => return Err(CredentialError::Malformed),
                },
                "access" => read.token = Some(Token { access: field.duplicate(), until: None }),
                "until" => {
                    let until = Timestamp::parse_rfc3339(&text()?).ok_or(CredentialError::Malformed)?;
                    read.token.as_mut().ok_or(CredentialError::Malformed)?.until = Some(until);
                }
                "oauth2" => {
                    let oauth2 = oauth2.ok_or(CredentialError::Malformed)?;
                    read.oauth2 = Some(oauth2.parse_credential(field.expose())?);
                }
                // A later version may have more fields.
                _ => return Err(CredentialError::Malformed),
            }
        }
        if oauth2.is_some() && read.oauth2.is_none() {
            return Err(CredentialError::MissingField("oauth2".into()));
        }
        Ok(read)
    }
}
