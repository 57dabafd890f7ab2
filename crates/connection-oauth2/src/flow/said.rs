//! The words of a provider that the browser brings back: `error_description` (RFC 6749, section 4.1.2.1), or the names of
//! some providers for it.
//!
//! They are read only for an error that the provider itself reported: by then, the `state` and the issuer were compared.

use connection_contract::{ProviderText, Secret, SetupFailure, encode};

use super::returned;
use crate::config::OAuth2Config;

/// The ends of the codes of failures that a callback reports itself.
const REPORTED: [&str; 4] = ["_access_denied", "_consent_required", "_refused", "_unavailable"];

/// The parameters that have the words. Facebook has the second one.
const WORDS: [&str; 3] = ["error_description", "error_message", "errmsg"];

/// Adds the words in the parameters of a callback to a failure that the callback reports.
pub(super) fn in_callback(failure: SetupFailure, parameters: &[(String, Secret)]) -> SetupFailure {
    let found = WORDS.into_iter().find_map(|wanted| parameters.iter().find(|(name, _)| name == wanted));
    // Some servers write their words in another encoding than UTF-8.
    let words = found.map(|(_, value)| String::from_utf8_lossy(value.expose()));
    with_words(failure, words.as_deref())
}

/// Adds the words in a pasted address to a failure that the address reports.
pub(super) fn in_pasted(failure: SetupFailure, pasted: &Secret, config: &OAuth2Config) -> SetupFailure {
    let text = returned::as_copied(pasted.expose_str().unwrap_or_default(), config);
    let query = text.split_once('?').map_or(text.as_str(), |(_, query)| query).split('#').next().unwrap_or_default();
    let parameters = encode::from_form(query);
    let words = WORDS.into_iter().find_map(|wanted| parameters.iter().find(|(name, _)| name == wanted));
    with_words(failure, words.map(|(_, value)| value.as_str()))
}

fn with_words(failure: SetupFailure, words: Option<&str>) -> SetupFailure {
    let is_reported = REPORTED.iter().any(|end| failure.code.ends_with(end));
    failure.provider_text(words.filter(|_| is_reported).and_then(ProviderText::new))
}
