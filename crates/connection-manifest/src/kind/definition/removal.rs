//! The end of a connection: the request that revokes its credential, and the page on which a person deletes it.

use connection_contract::{
    AnswerClass, AuthType, BaseUrl, Connection, ConnectionDefinition, ConnectionError, HttpResponse, NotLive, Reason,
    Secret, Teardown, TeardownContext, Text, reason,
};
use connection_oauth2::{OAuth2, OAuth2Credential, confirms_revocation};

use super::{FileCredential, FileKind, calls};
use crate::kind::{
    model::{Mechanism, RevokeModel},
    template::{Scope, Template},
};

/// Revokes what the setup obtained: the tokens of an OAuth flow. A secret that a person entered stays as it is.
pub(super) async fn teardown(
    kind: &FileKind,
    credential: &FileCredential,
    ctx: &TeardownContext<'_>,
) -> Result<Teardown, ConnectionError> {
    let model = &kind.0.model;
    if let (Some(oauth2), Some(tokens)) = (&kind.0.oauth2, &credential.oauth2) {
        return match &model.revoke {
            Some(call) => Ok(tokens_revoked(kind, credential, call, oauth2, tokens, ctx).await?),
            None => oauth2.teardown(tokens, ctx).await,
        };
    }
    if model.mechanism == Some(Mechanism::None) {
        return Ok(Teardown::NothingToRevoke);
    }
    let kept = still_works(kind);
    Ok(match model.revoke {
        Some(_) => Teardown::NotRevoked(Reason::new(reason::REVOCATION_NOT_REQUESTED, kept)),
        None => Teardown::not_revoked(kept),
    })
}

/// Revokes the secret that a person entered.
pub(super) async fn revoke(
    kind: &FileKind,
    credential: &FileCredential,
    ctx: &TeardownContext<'_>,
) -> Result<Teardown, ConnectionError> {
    let Some(call) = &kind.0.model.revoke else { return teardown(kind, credential, ctx).await };
    Ok(sent(kind, credential, call, None, ctx).await?)
}

/// Revokes the tokens of an OAuth flow with the request of the file.
async fn tokens_revoked(
    kind: &FileKind,
    credential: &FileCredential,
    call: &RevokeModel,
    oauth2: &OAuth2,
    tokens: &OAuth2Credential,
    ctx: &TeardownContext<'_>,
) -> Result<Teardown, NotLive> {
    let needs_application = call.has(|variable| variable.scope == Scope::Client && variable.name == "secret");
    let secret = if needs_application { oauth2.application_secret(tokens, ctx).await? } else { None };
    sent(kind, credential, call, secret, ctx).await
}

/// Sends the request that revokes. Only an answer that confirms it counts.
async fn sent(
    kind: &FileKind,
    credential: &FileCredential,
    call: &RevokeModel,
    secret: Option<Secret>,
    ctx: &TeardownContext<'_>,
) -> Result<Teardown, NotLive> {
    let base: Option<&BaseUrl> = ctx.connection().base_url().ok();
    let (_, result) = calls::send_as(kind, credential, call.into(), call.basic.as_ref(), secret, base, ctx).await?;
    let status = result.as_ref().map_or(0, HttpResponse::status);
    // A provider that refuses the credential confirms that it no longer works, unless a refresh token is left.
    let is_whole = call.basic.is_none() && credential.oauth2.is_none();
    // A page with 401 may be that of a proxy.
    let is_refused = result.as_ref().is_ok_and(|answer| answer.class() == AnswerClass::Refusal);
    let unconfirmed = || {
        let message = format!("if it was not revoked, {}", still_works(kind));
        Teardown::NotRevoked(Reason::new(reason::REVOCATION_UNCONFIRMED, message))
    };
    let response = match calls::judged(kind, &[], &call.ok, result) {
        Ok(response) => response,
        // A credential that lacks a scope works.
        Err(found) if status == 401 && is_whole && is_refused && found.reason.code == reason::UNAUTHORIZED => {
            return Ok(Teardown::Revoked);
        }
        // The request may be unknown to this server, as well as the credential.
        Err(_) if matches!(status, 404 | 410) => return Ok(unconfirmed()),
        Err(error) => return Err(error),
    };
    let denies = response.json().is_ok_and(|answer| call.error_if.iter().any(|rule| calls::fires(rule, &answer)));
    Ok(if denies || !confirms_revocation(&response) { unconfirmed() } else { Teardown::Revoked })
}

/// Returns the sentence that says what still works.
fn still_works(kind: &FileKind) -> String {
    let name = &kind.0.descriptor.display_name;
    let what = match kind.0.descriptor.auth {
        AuthType::ApiKey => "the API key works",
        AuthType::Basic => "the password works",
        AuthType::OAuth => "the tokens work",
        AuthType::PersonalAccessToken => "the access token works",
        _ => "the credential works",
    };
    let until = if kind.0.oauth2.is_some() { "they expire or are deleted there" } else { "it is deleted there" };
    format!("{what} at {name} until {until}")
}

/// Returns the page on which a person deletes the credential.
pub(super) fn page(kind: &FileKind, credential: Option<&FileCredential>, connection: &Connection) -> Option<Text> {
    let removal = kind.0.model.removal.as_ref()?;
    let form = removal.forms.iter().find(|form| {
        let secrets = credential.into_iter().flat_map(|credential| credential.values.secrets.values());
        secrets.into_iter().any(|secret| secret.expose().starts_with(form.prefix.as_bytes()))
    });
    let pages = form.map(|form| form.url.as_str()).into_iter().chain(removal.url.iter());
    let is_config = |scope| scope == Scope::Config;
    let filled = |text: &str| {
        Template::parse(text)
            .ok()?
            .page(|variable| connection.config(&variable.name).filter(|_| is_config(variable.scope)))
    };
    pages.into_iter().find_map(filled).map(Text::from)
}
