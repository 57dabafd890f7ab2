//! Verification, and the account that was reached.

use connection_contract::{
    BaseUrl, Context, HttpResponse, Identity, Liveness, NotLive, ProviderGrant, Reason, Value, VerifyResult, reason,
};
use connection_oauth2::{OAuth2Credential, account_id, expires_at, project_fault};

use super::{FileCredential, FileKind, calls};
use crate::kind::{
    model::{AccountModel, AccountSource, Ends, Mechanism, Place, Texts},
    template::{Env, Template},
};

/// Verifies a credential. Paths are below `base`.
pub(super) async fn verify(
    kind: &FileKind,
    credential: &FileCredential,
    base: Option<&BaseUrl>,
    ctx: &Context<'_>,
) -> Result<VerifyResult<FileCredential>, NotLive> {
    let model = &kind.0.model;
    let mut found = VerifyResult::live();
    let Some(call) = &model.verify else {
        if model.mechanism != Some(Mechanism::None) {
            found.liveness = Liveness::Unknown;
            found.reason = Some(Reason::new("unverifiable", "this kind has no request that verifies the credential"));
        }
        return Ok(found);
    };
    let result = calls::send(kind, credential, call.into(), base, ctx).await?;
    let of_project = result.as_ref().ok().and_then(|answer| project_fault(&kind.0.descriptor.kind, answer));
    let judged = calls::judged(kind, &call.error_if, &call.ok, result);
    let response = judged.map_err(|found| match of_project {
        Some(mut fault) if found.reason.code == reason::UNAUTHORIZED => {
            if credential.oauth2.is_none() {
                // A key belongs to a project of its own, so that no other connection is concerned.
                fault.reason.code = reason::FORBIDDEN.into();
            }
            fault
        }
        _ => found,
    })?;
    // An account that is read from the answer needs JSON in any case.
    let is_read = model.account.as_ref().is_some_and(|account| account.from == AccountSource::Verify);
    // A page with a success is that of a sign-in in front of the API, or of a website at an address that is not the API's. A
    // word of the type HTML may be the answer of an API.
    if !is_read && response.is_page() && response.is_markup() {
        return Err(NotLive::offline(Reason::new(
            reason::NOT_JSON,
            "the provider answered with a page, which says nothing about the credential",
        )));
    }
    let Some(account) = &model.account else { return Ok(found) };
    let answer = || response.json();
    if account.from == AccountSource::Verify {
        let answer = answer()?;
        let nameless = || {
            let places = account.id.iter().collect::<Vec<_>>().join(", ");
            let message = match at_first(&account.id, &answer).is_some_and(Value::is_damaged) {
                true => {
                    format!(
                        "the account's id in the provider's answer contains bytes that are not valid UTF-8: {places}"
                    )
                }
                false => format!("the provider's answer does not name the account: it has nothing at {places}"),
            };
            NotLive::offline(Reason::new(reason::NOT_JSON, message))
        };
        found.identity = Some(named(kind, account, &answer, credential, ctx).ok_or_else(nameless)?);
    }
    found.grant = grant(kind, credential, &response);
    found.granted_scopes = account.scopes.as_ref().and_then(|place| scopes(place, &response));
    let expires = account.expires.as_ref().and_then(|place| expires_at(&at(place, &response)?, response.received_at()));
    found.valid_until = expires.or(credential.token.as_ref().and_then(|token| token.until));
    Ok(found)
}

/// Returns the grant that a revocation ends, if it is a whole one and the answer names its account. The kinds of a
/// provider write an e-mail address alike, apart from capital letters.
fn grant(kind: &FileKind, credential: &FileCredential, response: &HttpResponse) -> Option<ProviderGrant> {
    let removal = kind.0.model.removal.as_ref().filter(|removal| removal.ends == Ends::Grant)?;
    let application = credential.oauth2.as_ref()?.client_id().to_owned();
    let answer = response.json().ok()?;
    Some(ProviderGrant::new(application, first(&removal.account, &answer)?.to_lowercase()))
}

/// Returns the account that an answer names.
pub(super) fn named(
    kind: &FileKind,
    account: &AccountModel,
    answer: &Value,
    credential: &FileCredential,
    ctx: &Context<'_>,
) -> Option<Identity> {
    let id = first(&account.id, answer)?;
    let env = Env::new(&credential.values, ctx);
    let label = |value: &Value| {
        value.as_label().filter(|label| !label.is_empty()).map(str::to_owned).or_else(|| account_id(value))
    };
    let label = found(&account.label, answer).find_map(label);
    let label = label.or_else(|| filled(&kind.0.label, &env)).unwrap_or_else(|| id.clone());
    let mut identity = Identity::new(id, label);
    identity.is_mutable = account.mutable;
    identity.is_email = account.email;
    Some(identity)
}

/// Returns `true` if the account of a connection is named by the subject of its ID token, which no later answer has.
pub(super) fn is_by_subject(kind: &FileKind, credential: &FileCredential) -> bool {
    let is_asked = kind.0.model.account.as_ref().is_some_and(|account| account.subject);
    is_asked && credential.oauth2.as_ref().is_some_and(OAuth2Credential::is_by_subject)
}

/// Returns the account that the answers of a person name, or the kind itself if a file names none.
pub(super) fn from_fields(kind: &FileKind, credential: &FileCredential, ctx: &Context<'_>) -> Identity {
    let env = Env::new(&credential.values, ctx);
    let descriptor = &kind.0.descriptor;
    let id = filled(&kind.0.id, &env);
    let label = filled(&kind.0.label, &env).or_else(|| id.clone());
    let name = || descriptor.display_name.as_str().to_owned();
    Identity::new(id.unwrap_or_else(|| descriptor.kind.as_str().to_owned()), label.unwrap_or_else(name))
}

fn filled(templates: &[Template], env: &Env<'_>) -> Option<String> {
    let text = templates.iter().find(|template| template.resolves(env))?.text(env).ok()?;
    (!text.is_empty()).then_some(text)
}

/// Returns the first text or number that the pointers lead to, in the one form of an id; `None` also if a text before it is
/// not Unicode.
pub(super) fn first(pointers: &Texts, answer: &Value) -> Option<String> {
    account_id(at_first(pointers, answer)?)
}

fn at_first<'v>(pointers: &Texts, answer: &'v Value) -> Option<&'v Value> {
    found(pointers, answer).find(|value| value.is_damaged() || account_id(value).is_some())
}

/// Returns the values that the pointers lead to, except those in answers of a person.
fn found<'v>(pointers: &Texts, answer: &'v Value) -> impl Iterator<Item = &'v Value> {
    pointers.iter().filter(|pointer| !pointer.contains("${")).filter_map(|pointer| answer.pointer(pointer))
}

pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(digits) => Some(digits.clone()),
        _ => None,
    }
}

fn at(place: &Place, response: &HttpResponse) -> Option<Value> {
    match (&place.header, &place.pointer) {
        (Some(name), _) => response.header(name).map(Value::from),
        (None, Some(pointer)) => response.json().ok()?.pointer(pointer).cloned(),
        (None, None) => None,
    }
}

fn scopes(place: &Place, response: &HttpResponse) -> Option<Vec<String>> {
    let split = |text: &str| -> Vec<String> {
        let parts: Vec<&str> = match place.separator.as_deref().filter(|separator| !separator.is_empty()) {
            Some(separator) => text.split(separator).collect(),
            None => text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')).collect(),
        };
        parts.into_iter().map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
    };
    match at(place, response)? {
        Value::Text(text) => Some(split(&text)),
        Value::List(items) => Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => None,
    }
}
