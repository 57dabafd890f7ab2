//! The addresses that a declaration names, and the terms to which a person agrees by connecting.

use connection_contract::{AuthType, ConnectionDefinition as _, ExtensionDeclaration, Reason, RequirementOAuth, host};

use super::unusable;
use crate::kind::{FileKind, fixed_host};

/// Returns the addresses that a declaration names: its endpoints, and those that are the defaults of the public
/// preferences of its connection.
///
/// # Errors
///
/// An endpoint is not an `https` address, or contains a variable.
pub(super) fn of(declaration: &ExtensionDeclaration) -> Result<Vec<String>, Reason> {
    let mut addresses = Vec::new();
    for (name, url) in endpoints(declaration) {
        let is_safe = url.starts_with("https://") && is_address(url) && !url.contains("${");
        if !is_safe {
            return Err(unusable(
                format!("the {name} that '{}' declares is not an https address", declaration.name),
                format!("correct {name} in the manifest"),
            ));
        }
        let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
        if host.is_none_or(|host| fixed_host(host).is_err()) {
            return Err(unusable(
                format!("the {name} that '{}' declares is not an address of the Internet", declaration.name),
                format!("name a host that everyone reaches as {name} in the manifest"),
            ));
        }
        push(&mut addresses, url);
    }
    let public = &declaration.requirement.public_preference_names;
    for preference in declaration.preferences.iter().filter(|preference| public.contains(&preference.name)) {
        let default = preference.default.as_ref().and_then(|value| value.as_str()).map(str::trim);
        if let Some(url) = default.filter(|text| is_address(text)) {
            push(&mut addresses, url);
        }
    }
    Ok(addresses)
}

/// Adds the addresses to which the declared requests are sent.
pub(super) fn extend(addresses: &mut Vec<String>, api: Option<&FileKind>) {
    for origin in api.map(|api| api.descriptor().origins).unwrap_or_default() {
        // The origin of an endpoint is that of an address that is listed already.
        if !addresses.iter().any(|known| host::origin(known) == host::origin(&origin)) {
            push(addresses, &origin);
        }
    }
}

/// Returns `true` for an address of a server. It contains nothing that a person does not see.
fn is_address(text: &str) -> bool {
    host::origin(text).is_some() && text.chars().all(|c| c.is_ascii_graphic())
}

/// Returns the declared endpoints with their names in a manifest.
fn endpoints(declaration: &ExtensionDeclaration) -> Vec<(&'static str, &str)> {
    let Some(oauth) = &declaration.requirement.auth.oauth else { return Vec::new() };
    let RequirementOAuth { authorization_url, token_url, registration_url, .. } = oauth;
    let mut endpoints = vec![("authorizationUrl", authorization_url.as_ref()), ("tokenUrl", token_url.as_ref())];
    endpoints.extend(registration_url.as_deref().map(|url| ("registrationUrl", url)));
    endpoints
}

fn push(addresses: &mut Vec<String>, address: &str) {
    if !addresses.iter().any(|known| known == address) {
        addresses.push(address.to_owned());
    }
}

/// Returns the facts to which a person agrees, one for each line. A change of a text for people, or of a scope, changes
/// nothing here.
pub(super) fn terms(declaration: &ExtensionDeclaration, addresses: &[String], requests: &[String]) -> String {
    let auth = &declaration.requirement.auth;
    let form = match auth.auth {
        AuthType::ApiKey => "apiKey",
        AuthType::None => "none",
        AuthType::OAuth => "oauth",
        _ => "personalAccessToken",
    };
    let endpoints = endpoints(declaration);
    let others = addresses.iter().filter(|address| !endpoints.iter().any(|(_, endpoint)| endpoint == address));
    let mut facts = vec![format!("extension {}", declaration.name), format!("auth {form}")];
    facts.extend(auth.secret_names.iter().map(|name| format!("secret {name}")));
    facts.extend(auth.setup_fields.iter().map(|name| format!("field {name}")));
    facts.extend(endpoints.iter().map(|(name, url)| format!("{name} {url}")));
    facts.extend(others.map(|address| format!("address {address}")));
    facts.extend(requests.iter().cloned());
    facts.join("\n")
}
