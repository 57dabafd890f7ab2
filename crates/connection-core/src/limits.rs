//! Bounds on the data of a plugin that is stored, listed and shown. A plugin that exceeds them is at fault.
//!
//! Text that people see is bounded by its type. A credential that a provider has rotated is kept even if everything
//! else is wrong, because the credential before it may be dead.

use connection_contract::{
    ConnectionError, Descriptor, DisplayText, Established, Guide, Input, NotLive, Reason, Refreshed, Secret,
    SetupFailure, Value, VerifyResult, reason,
};

use crate::definition::Probed;

/// Time, in seconds, for which a replaced credential is kept for a rollback.
pub(crate) const PREVIOUS_KEPT: i64 = 7 * 24 * 60 * 60;

/// Maximum number of open setups of one owner, unless the host sets another.
///
/// A person has a few. A program that keeps beginning setups must not fill the store.
pub(crate) const MOST_SETUPS: u32 = 100;

/// The maximum length of a text for people, in characters. An account id of this length is rejected, because it may
/// have been truncated, and two truncated ids could collide.
pub(crate) const LONGEST_ID: usize = 500;
const LONGEST_CODE: usize = 128;
const LONGEST_CREDENTIAL: usize = 1024 * 1024;
/// The core wraps a plugin's JSON in its own. The whole must not be deeper than any reader accepts.
const DEEPEST_JSON: usize = 32;
const LONGEST_TEXT: usize = 16 * 1024;
const MOST_CHOICES: usize = 1000;
const MOST_CONFIG: usize = 64;
const MOST_PARTS: usize = 64;
const MOST_SCOPES: usize = 1000;

/// Returns an error if a descriptor exceeds a bound.
pub(crate) fn descriptor(descriptor: &Descriptor) -> Result<(), &'static str> {
    let Descriptor { origins, fields, secret_names, guide, needs, ways, .. } = descriptor;
    if [origins.len(), secret_names.len(), guide.len(), needs.len(), ways.len()].iter().any(|count| *count > MOST_PARTS)
    {
        return Err("it has more than 64 addresses, secrets, parts of a guide, needs or ways");
    }
    let texts = fields
        .iter()
        .flat_map(|field| field.default.iter().chain(&field.pattern).chain(&field.kept).chain(&field.plain_http));
    let links = guide.iter().filter_map(|part| if let Guide::Link(_, url) = part { Some(url) } else { None });
    if texts.chain(origins).chain(links).any(|text| text.len() > LONGEST_TEXT) {
        return Err("a text of it is longer than 16 KiB");
    }
    let choices =
        fields.iter().filter_map(|field| if let Input::Choice(all) = &field.input { Some(all) } else { None });
    if choices.into_iter().any(|choices| choices.len() > MOST_CHOICES) {
        return Err("a choice of it has more than 1,000 choices");
    }
    Ok(())
}

/// Returns an error if the result of a setup exceeds a bound. `bounded` checks what was measured.
pub(crate) fn established(made: &Established<Secret>) -> Result<(), &'static str> {
    credential(&made.credential)?;
    if made.config.len() > MOST_CONFIG {
        return Err("the plugin keeps more than 64 configuration values");
    }
    if made.config.iter().any(|(name, value)| name.len().max(value.len()) > LONGEST_TEXT) {
        return Err("the plugin keeps a configuration value of more than 16 KiB");
    }
    scopes(made.granted_scopes.as_deref())
}

/// Returns the result of a probe, with a plugin fault in its place if the result exceeds a bound.
pub(crate) fn probed(probed: Result<Probed, ConnectionError>) -> Result<Probed, ConnectionError> {
    match probed {
        Ok(Probed { found, secret_names }) => {
            let is_rotated = found.credential.is_some();
            let found = bounded(found);
            // The names are those of the fresh credential, which may have been refused.
            let secret_names = secret_names.filter(|_| found.credential.is_some() == is_rotated);
            Ok(Probed { found, secret_names })
        }
        Err(ConnectionError::NotLive(not_live)) => Ok(Probed { found: bounded(not_live.into()), secret_names: None }),
        Err(ConnectionError::Bug(text)) => {
            Err(ConnectionError::Bug(DisplayText::from(text).as_str().to_owned().into()))
        }
        Err(error) => Err(error),
    }
}

/// Returns the failure, or a plugin fault if its code is not a valid code.
pub(crate) fn failure(failure: SetupFailure) -> SetupFailure {
    match is_code(&failure.code) {
        true => failure,
        false => SetupFailure::new(reason::PLUGIN_FAULT, "the plugin failed, and its code is no code").remedy(REPORT),
    }
}

pub(crate) const REPORT: &str = "report this to the plugin's author";

/// Returns the result of a verification, with a plugin fault in its place if it exceeds a bound. A rotated credential
/// is kept in either case, unless it is too long.
pub(crate) fn bounded(mut found: VerifyResult<Secret>) -> VerifyResult<Secret> {
    let rotated = found.credential.as_ref().map_or(Ok(()), credential);
    let scopes = scopes(found.granted_scopes.as_deref());
    let code = match &found.reason {
        Some(reason) if !is_code(&reason.code) => Err("the plugin's reason has a code that is none"),
        _ => Ok(()),
    };
    let Err(problem) = rotated.and(scopes).and(code) else { return found };
    let kept = found.credential.take().filter(|_| rotated.is_ok());
    let at_fault = NotLive::failing(Reason::new(reason::PLUGIN_FAULT, problem).remedy(REPORT));
    found = at_fault.into();
    found.credential = kept;
    found
}

/// Returns an error if the refreshed credential is too long. Scopes that exceed a bound are dropped and the credential
/// is kept, because the one before it may be dead.
pub(crate) fn refreshed(mut refreshed: Refreshed<Secret>) -> Result<Refreshed<Secret>, &'static str> {
    credential(&refreshed.credential)?;
    if let Err(problem) = scopes(refreshed.granted_scopes.as_deref()) {
        tracing::warn!(problem, "what a refresh says of scopes is left out");
        refreshed.granted_scopes = None;
    }
    Ok(refreshed)
}

/// Returns the state, or a plugin fault if the code of its reason is not a valid code.
pub(crate) fn not_live(not_live: NotLive) -> NotLive {
    match is_code(&not_live.reason.code) {
        true => not_live,
        false => {
            let problem = "the plugin's reason has a code that is none";
            NotLive::failing(Reason::new(reason::PLUGIN_FAULT, problem).remedy(REPORT))
        }
    }
}

/// Returns `true` if the value has at most `longest` bytes as JSON and can be read again. A plugin may have built it by
/// hand.
pub(crate) fn is_json(value: &Value, longest: usize) -> bool {
    // The depth is checked first, because writing a value recurses for each level.
    if !is_shallow(value, DEEPEST_JSON) {
        return false;
    }
    let text = value.to_string();
    text.len() <= longest && Value::parse(text.as_bytes()).is_ok()
}

fn is_shallow(value: &Value, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return false };
    match value {
        Value::List(items) => items.iter().all(|item| is_shallow(item, levels)),
        Value::Map(fields) => fields.iter().all(|(_, field)| is_shallow(field, levels)),
        _ => true,
    }
}

fn credential(credential: &Secret) -> Result<(), &'static str> {
    match credential.expose().len() {
        ..=LONGEST_CREDENTIAL => Ok(()),
        _ => Err("the plugin keeps a credential of more than 1 MiB"),
    }
}

fn scopes(scopes: Option<&[String]>) -> Result<(), &'static str> {
    let scopes = scopes.unwrap_or_default();
    if scopes.len() > MOST_SCOPES {
        return Err("the plugin names more than 1,000 scopes");
    }
    match scopes.iter().all(|scope| scope.len() <= LONGEST_TEXT) {
        true => Ok(()),
        false => Err("the plugin names a scope of more than 16 KiB"),
    }
}

/// Returns `true` if the text can be a code, which programs match on and terminals show.
fn is_code(code: &str) -> bool {
    (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic())
}
