//! The result of the browser's visit, from a callback or pasted (RFC 6749, section 4.1.2).
//!
//! The host has checked the `state` of a callback. Pasted text may be anything: none of it is used before its `state`
//! matches, and of an address only the query is read.

use connection_contract::{Context, Secret, encode};

use super::authorize::Attempt;
use crate::{
    OAuth2Error,
    config::{Grant, OAuth2Config},
    token::response,
};

/// The result of the browser's visit: a code, and the parameters that the configuration stores.
#[derive(Debug)]
pub(crate) struct CallbackResult {
    pub(crate) code: Secret,
    pub(crate) captured: Vec<(String, String)>,
}

/// Reads the parameters; `iss_advertised` is `true` if the provider announced that it always sends `iss`.
pub(crate) fn read(
    config: &OAuth2Config,
    iss_advertised: bool,
    parameters: &[(String, Secret)],
) -> Result<CallbackResult, OAuth2Error> {
    for (at, (name, _)) in parameters.iter().enumerate() {
        if parameters.iter().take(at).any(|(other, _)| other == name) {
            let known = ["code", "error", "iss", "state"].into_iter().find(|known| known == name);
            return Err(OAuth2Error::Ambiguous { name: known.unwrap_or("a parameter") });
        }
    }
    let text = |wanted: &str| {
        let found = parameters.iter().find(|(name, _)| name == wanted);
        found.and_then(|(_, value)| value.expose_str()).filter(|value| !value.is_empty())
    };
    // Check the issuer of an error too: it may come from a provider that was not asked (RFC 9207, section 2.4).
    match (text("iss"), &config.issuer) {
        (Some(iss), Some(issuer)) if iss != issuer => return Err(OAuth2Error::IssuerMismatch),
        (None, Some(_)) if iss_advertised || config.iss_required => return Err(OAuth2Error::IssuerMismatch),
        _ => {}
    }
    if let Some(code) = text("error") {
        return Err(match response::refusal(&config.response, code) {
            // There is no grant yet that could have ended, and waiting would not help.
            OAuth2Error::AccessDenied => OAuth2Error::AccessDenied,
            _ => OAuth2Error::Refused { code: crate::error::displayable_code(code) },
        });
    }
    let code = text(&config.code_parameter).map(Secret::from).ok_or(OAuth2Error::NoCode)?;
    let capture = |name: &String| Some((name.clone(), text(name)?.to_owned()));
    Ok(CallbackResult { code, captured: config.callback_capture.iter().filter_map(capture).collect() })
}

/// Reads pasted text: the address that the browser ended on, its query, or a code alone.
///
/// Only the PKCE verifier ties a code alone to this attempt, so it is refused without PKCE. It is also refused if the
/// parameter names the tenant that consented, and is not a code.
pub(crate) fn pasted(
    config: &OAuth2Config,
    iss_advertised: bool,
    attempt: &Attempt,
    pasted: &Secret,
    ctx: &Context<'_>,
) -> Result<CallbackResult, OAuth2Error> {
    let text = pasted.expose_str().unwrap_or_default().trim();
    // A code may contain `=` itself, as base64 does at its end.
    // Each issuer has an address of its own, so that no other issuer's answer is taken (RFC 9700, section 4.4).
    if config.callback_part.is_some() && text.split('?').next() != Some(attempt.redirect_uri.as_str()) {
        return Err(OAuth2Error::StateMismatch);
    }
    let names = |query: &str| {
        encode::from_form(query).iter().any(|(name, _)| *name == config.code_parameter || name == "state")
    };
    let query = text.split_once('?').map(|(_, query)| query).or(names(text).then_some(text));
    let Some(query) = query else {
        if text.is_empty() || text.contains(char::is_whitespace) || text.contains("://") {
            return Err(OAuth2Error::NoCode);
        }
        if !config.pkce || config.grant == Grant::ConsentThenClientCredentials {
            return Err(OAuth2Error::StateMismatch);
        }
        return Ok(CallbackResult { code: Secret::from(text), captured: Vec::new() });
    };
    let query = query.split('#').next().unwrap_or_default();
    let mut found = None;
    let mut parameters = Vec::new();
    for (name, value) in encode::from_form(query) {
        if name != "state" {
            parameters.push((name, Secret::from(value)));
        } else if found.replace(value).is_some() {
            return Err(OAuth2Error::Ambiguous { name: "state" });
        }
    }
    let found = found.ok_or(OAuth2Error::StateMismatch)?;
    if !ctx.crypto().equal(found.as_bytes(), attempt.state.as_bytes()) {
        return Err(OAuth2Error::StateMismatch);
    }
    read(config, iss_advertised, &parameters)
}
