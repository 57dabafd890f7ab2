//! Limits on the data that a plugin returns, and the checks that enforce them.
//!
//! Everything that a host stores, lists or shows for a plugin has a limit, and a plugin that exceeds one is at fault.
//! Text for people needs no check here, because [`DisplayText`] is cut when it is created. A check describes the
//! problem in one sentence, which never repeats data of the plugin.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

pub use connection_contract::host::is_scope;
use connection_contract::{
    Descriptor, DisplayText, GrantedDirectory, Guide, Input, NotLive, Origin, Reach, Reason, Refreshed, Secret,
    SetupFailure, SetupResult, Value, VerifyResult, reason,
};

/// The number of characters at which an account id is too long.
///
/// [`DisplayText`] is cut to 500 characters, so an id of this length may have been cut, and two accounts could then
/// have the same id.
const TOO_LONG_ID: usize = 500;
const MAX_CODE_LENGTH: usize = 128;
const MAX_CREDENTIAL_LENGTH: usize = 1024 * 1024;
/// The maximum depth of JSON from a plugin. It is embedded in other JSON, which must not be too deep for common
/// parsers.
const MAX_JSON_DEPTH: usize = 32;
/// The maximum length of a single text in bytes: a link, a scope, a configuration value.
pub(crate) const MAX_TEXT_LENGTH: usize = 16 * 1024;
/// The maximum number of fields in one descriptor. No person fills in a form with more.
const MAX_DECLARED_FIELDS: usize = 64;
const MAX_CHOICES: usize = 1000;
const MAX_CONFIG: usize = 64;
const MAX_PARTS: usize = 64;
const MAX_SCOPES: usize = 1000;

/// The remedy for a fault that only the plugin's author can fix.
pub const REPORT: &str = "report this to the plugin's author";

/// Checks the size of a descriptor.
///
/// # Errors
///
/// The limit that the descriptor exceeds.
pub fn descriptor(descriptor: &Descriptor) -> Result<(), &'static str> {
    let Descriptor { origins, fields, secret_names, guide, needs, ways, .. } = descriptor;
    if fields.len() > MAX_DECLARED_FIELDS {
        return Err("it has more than 64 fields");
    }
    if [origins.len(), secret_names.len(), guide.len(), needs.len(), ways.len()].iter().any(|count| *count > MAX_PARTS)
    {
        return Err("it has more than 64 addresses, secrets, parts of a guide, needs or ways");
    }
    let texts = fields
        .iter()
        .flat_map(|field| field.default.iter().chain(&field.pattern).chain(&field.kept).chain(&field.plain_http));
    let links = guide.iter().filter_map(|part| if let Guide::Link(_, url) = part { Some(url) } else { None });
    if texts.chain(origins).chain(links).any(|text| text.len() > MAX_TEXT_LENGTH) {
        return Err("one of its texts is longer than 16 KiB");
    }
    let choices =
        fields.iter().filter_map(|field| if let Input::Choice(all) = &field.input { Some(all) } else { None });
    if choices.into_iter().any(|choices| choices.len() > MAX_CHOICES) {
        return Err("one of its fields has more than 1,000 choices");
    }
    Ok(())
}

/// Checks the sizes in the result of a setup. `bytes` is its serialized credential.
///
/// [`verification`] checks the verification that the setup may have done itself.
///
/// # Errors
///
/// The limit that the plugin exceeds.
pub fn setup_result<C>(made: &SetupResult<C>, bytes: &Secret) -> Result<(), &'static str> {
    credential(bytes)?;
    if made.config.len() > MAX_CONFIG {
        return Err("the plugin keeps more than 64 configuration values");
    }
    if made.config.iter().any(|(name, value)| name.len().max(value.len()) > MAX_TEXT_LENGTH) {
        return Err("the plugin keeps a configuration value of more than 16 KiB");
    }
    scopes(made.granted_scopes.as_deref())
}

/// Checks the id that a plugin gives an account.
///
/// # Errors
///
/// The id is empty, or so long that it may have been cut.
pub fn account_id(id: &DisplayText) -> Result<(), &'static str> {
    if id.as_str().chars().count() >= TOO_LONG_ID {
        return Err("the plugin returned an account id of 500 characters or more");
    }
    if id.as_str().is_empty() {
        return Err("the plugin did not say which account this is");
    }
    Ok(())
}

/// The origins and directories that the connection of one setup may reach.
#[derive(Debug)]
#[non_exhaustive]
pub struct Bounds<'a, D> {
    /// The origins of the addresses that the descriptor declares, in order.
    pub declared: &'a [&'a Origin],
    /// Returns `true` for an origin that the descriptor declares, by name or by a wildcard.
    pub declares: D,
    /// The origins that a person named in an answer.
    pub named: &'a [Origin],
    /// The directories that a person granted in an answer.
    pub granted: &'a [GrantedDirectory],
}

impl<'a, D: Fn(&Origin) -> bool> Bounds<'a, D> {
    /// Creates the bounds of one setup.
    pub fn new(declared: &'a [&'a Origin], declares: D, named: &'a [Origin], granted: &'a [GrantedDirectory]) -> Self {
        Self { declared, declares, named, granted }
    }
}

/// Returns the origins that a connection may reach, each with `true` if a person named it and the descriptor does not
/// declare it.
///
/// # Errors
///
/// The plugin asks for an origin that the descriptor does not declare and the person did not name, or for a directory
/// that the person did not grant.
pub fn reach<D: Fn(&Origin) -> bool>(
    reach: &Reach,
    bounds: &Bounds<'_, D>,
) -> Result<Vec<(Origin, bool)>, &'static str> {
    let mut wanted: Vec<&Origin> = Vec::new();
    match &reach.base_url {
        Some(base) => wanted.push(base.origin()),
        None => wanted.extend(bounds.declared),
    }
    wanted.extend(&reach.origins);
    let mut origins: Vec<(Origin, bool)> = Vec::new();
    for origin in wanted {
        let is_declared = (bounds.declares)(origin);
        if !is_declared && !bounds.named.contains(origin) {
            return Err("the plugin requests an address that it does not declare and the user did not enter");
        }
        if !origins.iter().any(|(known, _)| known == origin) {
            origins.push((origin.clone(), !is_declared));
        }
    }
    if reach.roots.iter().any(|root| !bounds.granted.contains(root)) {
        return Err("the plugin requests a directory that the user did not enter");
    }
    Ok(origins)
}

/// Returns the failure, or a fault of the plugin if the failure's code is not valid.
pub fn failure(failure: SetupFailure) -> SetupFailure {
    match is_code(&failure.code) {
        true => failure,
        false => SetupFailure::new(reason::PLUGIN_FAULT, "the plugin failed with a malformed code").remedy(REPORT),
    }
}

/// Checks the result of a verification. `rotated` is the serialized credential if the provider rotated it meanwhile.
///
/// # Errors
///
/// The limit that the plugin exceeds.
pub fn verification<C>(found: &VerifyResult<C>, rotated: Option<&Secret>) -> Result<(), &'static str> {
    rotated.map_or(Ok(()), credential)?;
    scopes(found.granted_scopes.as_deref())?;
    found.reason.as_ref().map_or(Ok(()), code)
}

/// Returns the result of a verification, or a fault of the plugin if the result exceeds a limit.
///
/// A rotated credential that is within its own limit is kept even then, because the previous credential may no longer
/// work.
pub fn bounded(mut result: VerifyResult<Secret>) -> VerifyResult<Secret> {
    let Err(problem) = verification(&result, result.credential.as_ref()) else { return result };
    let kept = result.credential.take().filter(|rotated| credential(rotated).is_ok());
    result = fault(problem).into();
    result.credential = kept;
    result
}

/// Returns the result of a refresh, and the problem for which a part of it was left out.
///
/// # Errors
///
/// The credential itself exceeds its limit.
pub fn refreshed(mut refreshed: Refreshed<Secret>) -> Result<(Refreshed<Secret>, Option<&'static str>), &'static str> {
    credential(&refreshed.credential)?;
    // The credential is kept without its scopes, because the previous credential may no longer work.
    let problem = scopes(refreshed.granted_scopes.as_deref()).err();
    if problem.is_some() {
        refreshed.granted_scopes = None;
    }
    Ok((refreshed, problem))
}

/// Returns `not_live`, or a fault of the plugin if the code of its reason is not valid.
pub fn not_live(not_live: NotLive) -> NotLive {
    match code(&not_live.reason) {
        Ok(()) => not_live,
        Err(problem) => fault(problem),
    }
}

/// Returns `true` if `value` can be written and read again, is not nested too deeply, and is at most `longest` bytes
/// long.
///
/// The check is needed because a plugin can build a value that no parser accepts.
pub fn is_json(value: &Value, longest: usize) -> bool {
    // The depth is checked first, because writing a value is recursive.
    if !is_shallow(value, MAX_JSON_DEPTH) {
        return false;
    }
    let text = value.to_string();
    text.len() <= longest && Value::parse(text.as_bytes()).is_ok()
}

fn fault(problem: &'static str) -> NotLive {
    NotLive::failing(Reason::new(reason::PLUGIN_FAULT, problem).remedy(REPORT))
}

fn is_shallow(value: &Value, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return false };
    match value {
        Value::List(items) => items.iter().all(|item| is_shallow(item, levels)),
        Value::Map(fields) => fields.iter().all(|(_, field)| is_shallow(field, levels)),
        _ => true,
    }
}

/// Checks the size of a serialized credential.
///
/// # Errors
///
/// The limit that the plugin exceeds.
pub fn credential(credential: &Secret) -> Result<(), &'static str> {
    match credential.expose().len() {
        ..=MAX_CREDENTIAL_LENGTH => Ok(()),
        _ => Err("the plugin's credential is larger than 1 MiB"),
    }
}

/// Checks the code of a reason.
///
/// # Errors
///
/// The code is empty, longer than 128 bytes, or has a character that is not visible ASCII.
pub fn code(reason: &Reason) -> Result<(), &'static str> {
    match is_code(&reason.code) {
        true => Ok(()),
        false => Err("the plugin's reason has a malformed code"),
    }
}

/// Checks the scopes that a provider granted.
///
/// # Errors
///
/// The limit that the plugin exceeds.
pub fn scopes(scopes: Option<&[String]>) -> Result<(), &'static str> {
    let scopes = scopes.unwrap_or_default();
    if scopes.len() > MAX_SCOPES {
        return Err("the plugin names more than 1,000 scopes");
    }
    match scopes.iter().all(|scope| scope.len() <= MAX_TEXT_LENGTH) {
        true => Ok(()),
        false => Err("the plugin names a scope of more than 16 KiB"),
    }
}

/// Returns `true` for a valid code. Programs match on codes and terminals show them, so a code is short and printable.
fn is_code(code: &str) -> bool {
    (1..=MAX_CODE_LENGTH).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic())
}
