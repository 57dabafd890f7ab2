//! Signatures over whole requests, which are added last.

mod sigv4;

use connection_contract::{Context, CredentialError, HttpRequest, Secret};

use self::sigv4::Sigv4Signer;
use super::FileCredential;
use crate::kind::{
    model::KindModel,
    template::{Env, RenderError, Template},
};

/// A scheme by which a kind signs its requests instead of attaching a secret.
pub(super) trait Signer {
    /// Signs a request that is otherwise complete, and replaces an earlier signature.
    ///
    /// # Errors
    ///
    /// The request or the credential cannot be signed.
    fn sign(&self, request: &mut HttpRequest, ctx: &Context<'_>) -> Result<(), CredentialError>;
}

/// Returns the signer of a kind, if its calls are signed.
///
/// # Errors
///
/// A value that the signature needs is missing.
pub(super) fn of(
    model: &KindModel,
    credential: &FileCredential,
    env: &Env<'_>,
) -> Result<Option<impl Signer>, CredentialError> {
    let Some(table) = &model.sigv4 else { return Ok(None) };
    let secret = |name: &str| credential.values.secrets.get(name).filter(|secret| !secret.is_empty());
    let missing = |name: &'static str| CredentialError::MissingField(name.into());
    // The id of a key may be shown, so a file may declare it either way.
    let shown = credential.values.config.get(KEY_ID).map(|id| Secret::from(id.as_str()));
    let id = shown.or_else(|| secret(KEY_ID).map(Secret::duplicate)).ok_or_else(|| missing(KEY_ID))?;
    let filled = |template: &Template| match template.is_empty() {
        true => Ok(None),
        false => template.text(env).map(Some).map_err(|error| match error {
            RenderError::Missing(name) | RenderError::Unsafe(name) => CredentialError::MissingField(name.into()),
        }),
    };
    Ok(Some(Sigv4Signer {
        id,
        key: secret(SECRET_KEY).map(Secret::duplicate).ok_or_else(|| missing(SECRET_KEY))?,
        token: secret(SESSION_TOKEN).map(Secret::duplicate),
        service: filled(&table.service)?,
        region: filled(&table.region)?.unwrap_or_default(),
    }))
}

/// The name of the field that holds the id of the key.
pub(crate) const KEY_ID: &str = "accessKeyId";
/// The name of the field that holds the key.
pub(crate) const SECRET_KEY: &str = "secretAccessKey";
/// The name of the field that holds the token of temporary keys, which a file may leave out.
pub(crate) const SESSION_TOKEN: &str = "sessionToken";
