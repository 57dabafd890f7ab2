//! The result of the browser's visit, from a callback or pasted (RFC 6749, section 4.1.2).
//!
//! The host has checked the `state` of a callback. Pasted text may be anything: none of it is used before its `state`
//! matches, and of an address only the query is read.

use connection_contract::{Context, Secret, encode};

use super::authorize::Attempt;
use crate::{
    OAuth2Error, ProviderAnswer,
    config::{Grant, OAuth2Config},
    token::{
        refusal::{self, Meaning},
        response,
    },
};

/// The result of the browser's visit: a code, and the parameters that the configuration stores.
#[derive(Debug)]
pub(crate) struct CallbackResult {
    pub(crate) code: Secret,
    pub(crate) captured: Vec<(String, String)>,
    /// The scopes that were granted, if the configuration says that the parameters name them.
    pub(crate) scopes: Option<Vec<String>>,
}

/// The parameters in which some providers, such as Facebook, state an error in place of `error`.
const ERROR_CODES: [&str; 3] = ["error_code", "errorCode", "errcode"];
/// The parameter that names the scopes that were granted.
const SCOPE: &str = "scope";
/// The characters around a pasted address that are no part of it.
const AROUND: &[char] = &['"', '\'', '`', '<', '>', '(', ')', '[', ']', '{', '}', '\u{ab}', '\u{bb}'];
/// The characters that end a sentence, and no address of a callback unless the code ends it.
const AFTER: &[char] = &['.', ',', ';', '!'];
/// The forms of `&` in the source of a page and in JSON.
const AMPERSANDS: [&str; 4] = ["&amp;", "&#38;", "&#x26;", "\\u0026"];

/// Reads the parameters that the browser brought from `host`; `iss_advertised` is `true` if the provider announced that it
/// always sends `iss`. A parameter that nothing reads may be no text, and come with several values.
pub(crate) fn read(
    config: &OAuth2Config,
    iss_advertised: bool,
    host: &str,
    parameters: &[(String, Secret)],
) -> Result<CallbackResult, OAuth2Error> {
    const STANDARD: [&str; 4] = ["code", "error", "iss", "state"];
    let is_read = |name: &String| {
        STANDARD.contains(&name.as_str())
            || *name == config.code_parameter
            || config.callback_capture.contains(name)
            || config.scopes_in_callback && name == SCOPE
    };
    for (at, (name, value)) in parameters.iter().enumerate().filter(|(_, (name, _))| is_read(name)) {
        if parameters.iter().take(at).any(|(other, former)| other == name && former.expose() != value.expose()) {
            let known = STANDARD.into_iter().find(|known| known == name);
            return Err(OAuth2Error::Ambiguous { name: known.unwrap_or("a parameter") });
        }
    }
    let text = |wanted: &str| {
        let found = parameters.iter().find(|(name, _)| name == wanted);
        found.and_then(|(_, value)| value.expose_str()).filter(|value| !value.is_empty() && !value.contains('\0'))
    };
    // Check the issuer of an error too: it may come from a provider that was not asked (RFC 9207, section 2.4).
    match (text("iss"), &config.issuer) {
        (Some(iss), Some(issuer)) if iss != issuer => return Err(OAuth2Error::IssuerMismatch),
        (None, Some(_)) if iss_advertised || config.iss_required => return Err(OAuth2Error::IssuerMismatch),
        _ => {}
    }
    let code = text(&config.code_parameter);
    // Beside a code, the number of an error is none.
    let number = || ERROR_CODES.into_iter().filter(|_| code.is_none()).find_map(text);
    if let Some(code) = text("error").or_else(number) {
        let answer = ProviderAnswer::in_browser(host.to_owned(), code);
        return Err(match refusal::in_browser(code) {
            _ if code.eq_ignore_ascii_case("consent_required") => OAuth2Error::ConsentRequired(answer),
            Some(Meaning::Administrator) => OAuth2Error::ConsentRequired(answer),
            Some(Meaning::Denied) => OAuth2Error::AccessDenied(answer),
            Some(Meaning::Later) => OAuth2Error::Unavailable(answer),
            // There is no grant yet that could have ended.
            _ => OAuth2Error::Refused(answer),
        });
    }
    // The host has removed `state`, and a provider that allows access adds a code to it.
    let is_bare = parameters.iter().all(|(name, value)| name == "iss" || value.is_empty());
    let none = || if is_bare { OAuth2Error::NotGranted { host: host.to_owned() } } else { OAuth2Error::NoCode };
    let code = code.map(Secret::from).ok_or_else(none)?;
    let capture = |name: &String| Some((name.clone(), text(name)?.to_owned()));
    let scopes = text(SCOPE).filter(|_| config.scopes_in_callback).and_then(|text| response::scopes(&text.into()));
    Ok(CallbackResult { code, captured: config.callback_capture.iter().filter_map(capture).collect(), scopes })
}

/// Reads pasted text: the address that the browser ended on, its query, or a code alone.
///
/// Only the PKCE verifier ties a code alone to this attempt, so it is refused without PKCE. It is also refused if the
/// parameter names the tenant that consented, and is not a code.
pub(crate) fn pasted(
    config: &OAuth2Config,
    iss_advertised: bool,
    host: &str,
    attempt: &Attempt,
    pasted: &Secret,
    ctx: &Context<'_>,
) -> Result<CallbackResult, OAuth2Error> {
    let text = as_copied(pasted.expose_str().unwrap_or_default(), config);
    let text = text.as_str();
    // Each issuer has an address of its own, so that no other issuer's answer is taken (RFC 9700, section 4.4). Some browsers
    // copy an address without its scheme.
    let place = |address: &str| address.rsplit_once("://").map_or(address, |(_, rest)| rest).to_owned();
    if config.callback_part.is_some() && text.split('?').next().map(place) != Some(place(&attempt.redirect_uri)) {
        return Err(OAuth2Error::StateMismatch);
    }
    // A code may contain `=` itself, as base64 does at its end.
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
        return Ok(CallbackResult { code: Secret::from(text), captured: Vec::new(), scopes: None });
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
    read(config, iss_advertised, host, &parameters)
}

/// Returns a pasted text as it was in the address bar: without what programs put around addresses, without the title of a
/// link, with `&` where the source of a page has another form of it, and decoded once if the whole of it is encoded as the
/// value of a parameter is.
pub(super) fn as_copied(pasted: &str, config: &OAuth2Config) -> String {
    let whole = AMPERSANDS.iter().fold(pasted.to_owned(), |text, form| text.replace(form, "&"));
    let is_quote = |c: char| matches!(c, '\u{2018}'..='\u{201f}');
    let is_unseen = |c: char| c.is_whitespace() || c.is_control() || response::is_unseen(c);
    let is_around = |c: char| AROUND.contains(&c) || is_quote(c) || is_unseen(c);
    // A code may end with any of these characters, alone and at the end of an address.
    let last = whole.rsplit(['?', '&']).next().and_then(|pair| pair.split('=').next());
    let is_sentence = whole.contains("state=") && last != Some(config.code_parameter.as_str());
    let text = whole.trim_start_matches(is_around);
    if let Some(address) = decoded(text.trim_end_matches(is_around)) {
        return as_copied(&address, config);
    }
    let text = text.trim_end_matches(|c: char| is_around(c) || is_sentence && AFTER.contains(&c));
    text.rsplit_once("](").map_or(text, |(_, address)| address).to_owned()
}

/// Returns the address or the query in a text that is encoded as a whole, which none of the characters between its parts
/// shows.
fn decoded(text: &str) -> Option<String> {
    let is_encoded = !text.contains(['=', '&', '?']) && text.to_ascii_lowercase().contains("state%3d");
    encode::from_percent(text).filter(|_| is_encoded)
}
