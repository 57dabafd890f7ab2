//! The rules for the connection that an extension needs: its names, and the parts of each form of authentication.

use alloc::{collections::BTreeSet, format};

use super::{BrokenRule, broken_rule, check_name, check_not_blank, check_unique, extension::is_plain};
use crate::{AuthType, Requirement, RequirementAuth, RequirementOAuth, RequirementRedirect, SecretName, Value};

pub(super) fn check_requirement(requirement: &Requirement) -> Result<(), BrokenRule> {
    let Requirement { id, provider, title, titles, auth, public_preference_names, connect_guide, api } = requirement;
    check_name("/connection/id", id)?;
    // The type of `provider` is stricter than any other rule here.
    if provider.extension().is_some() {
        return Err(broken_rule("/connection/provider", "the name of a provider must not contain '/'; remove it"));
    }
    if core::iter::once(title).chain(titles.iter().map(|(_, title)| title)).all(|t| t.as_str().trim().is_empty()) {
        return Err(broken_rule("/connection/title", "a connection needs a title in at least one language"));
    }
    for (language, _) in titles {
        check_name("/connection/title", language)?;
    }
    check_unique(
        titles.iter().map(|(language, _)| language),
        "a title may be given only once in each language",
        |_| "/connection/title".into(),
    )?;
    check_auth(auth)?;
    let secrets: BTreeSet<&str> = auth.asked_for().iter().map(SecretName::as_str).collect();
    for (at, own) in public_preference_names.iter().enumerate() {
        let field = format!("/connection/publicPreferenceNames/{at}");
        check_name(&field, own)?;
        if secrets.contains(own.as_ref()) {
            return Err(broken_rule(
                field,
                "this is the name of a secret, and a secret is never public; remove it from one of the lists",
            ));
        }
    }
    check_unique(public_preference_names, "a public preference may be named only once; remove one of the two", |at| {
        format!("/connection/publicPreferenceNames/{at}")
    })?;
    if let Some(api) = api {
        check_api(api)?;
    }
    match connect_guide {
        Some(guide) => check_not_blank(
            "/connection/connectGuide",
            guide.as_str(),
            "the guide is blank; write how to connect, or leave the field out",
        ),
        None => Ok(()),
    }
}

/// Checks the shape of the requests. Their contents are those of a kind file.
fn check_api(api: &Value) -> Result<(), BrokenRule> {
    const MEMBERS: [&str; 3] = ["request", "verify", "account"];
    let is_known = |(name, value): &(alloc::string::String, Value)| {
        MEMBERS.contains(&name.as_str()) && matches!(value, Value::Map(_))
    };
    match api {
        Value::Map(members) if members.iter().all(is_known) && is_plain(api) => Ok(()),
        _ => Err(broken_rule(
            "/connection/request",
            "the requests of a declaration are the objects request, verify and account, with at most 32 levels and at \
             most 64 KiB together",
        )),
    }
}

fn check_auth(auth: &RequirementAuth) -> Result<(), BrokenRule> {
    const SECRETS: &str = "/connection/auth/secretNames";
    const FIELDS: &str = "/connection/auth/setupFields";
    let RequirementAuth { auth, secret_names, setup_fields, oauth } = auth;
    let oauth = match (auth, oauth) {
        (AuthType::OAuth, None) => {
            return Err(broken_rule(
                "/connection/auth",
                "oauth needs authorizationUrl, tokenUrl, clientId, scopes and redirect",
            ));
        }
        (AuthType::OAuth, Some(oauth)) => Some(oauth),
        (AuthType::None | AuthType::ApiKey | AuthType::PersonalAccessToken, None) => None,
        (AuthType::None | AuthType::ApiKey | AuthType::PersonalAccessToken, Some(_)) => {
            return Err(broken_rule("/connection/auth", "only oauth has endpoints; change the type or remove them"));
        }
        (AuthType::Basic | AuthType::Custom, _) => {
            return Err(broken_rule(
                "/connection/auth/type",
                "the type of auth must be none, apiKey, personalAccessToken or oauth; choose one of these",
            ));
        }
    };
    if *auth == AuthType::None && !secret_names.is_empty() {
        return Err(broken_rule(
            SECRETS,
            "auth of the type none has no secrets; remove the names or choose another type",
        ));
    }
    if matches!(auth, AuthType::None | AuthType::OAuth) && !setup_fields.is_empty() {
        return Err(broken_rule(
            FIELDS,
            "only apiKey and personalAccessToken ask for secrets; remove the fields or choose another type",
        ));
    }
    let is_asked = |name: &SecretName| setup_fields.is_empty() || setup_fields.contains(name);
    if let Some(at) = secret_names.iter().position(|name| !is_asked(name)) {
        return Err(broken_rule(
            format!("{SECRETS}/{at}"),
            "the setup does not ask for this secret; add it to setupFields or remove it",
        ));
    }
    check_unique(setup_fields, "a field may be named only once; remove one of the two", |at| format!("{FIELDS}/{at}"))?;
    check_unique(secret_names, "a secret may be named only once; remove one of the two", |at| {
        format!("{SECRETS}/{at}")
    })?;
    oauth.map_or(Ok(()), check_oauth)
}

fn check_oauth(oauth: &RequirementOAuth) -> Result<(), BrokenRule> {
    let RequirementOAuth { authorization_url, token_url, registration_url, client_id, scopes, redirect } = oauth;
    check_line("/connection/auth/authorizationUrl", authorization_url)?;
    check_line("/connection/auth/tokenUrl", token_url)?;
    if let Some(url) = registration_url {
        check_line("/connection/auth/registrationUrl", url)?;
    }
    check_line("/connection/auth/clientId", client_id)?;
    for (at, scope) in scopes.iter().enumerate() {
        check_line(&format!("/connection/auth/scopes/{at}"), scope)?;
    }
    match redirect {
        RequirementRedirect::AppScheme { scheme, callback_path } => {
            check_scheme("/connection/auth/redirect/scheme", scheme)?;
            check_line("/connection/auth/redirect/callbackPath", callback_path)
        }
        RequirementRedirect::AppUri { uri_scheme, callback_path } => {
            check_scheme("/connection/auth/redirect/uriScheme", uri_scheme)?;
            check_line("/connection/auth/redirect/callbackPath", callback_path)
        }
        RequirementRedirect::Loopback => Ok(()),
        RequirementRedirect::Other(way) => check_name("/connection/auth/redirect/type", way),
        RequirementRedirect::Web { redirect_url } => check_line("/connection/auth/redirect/redirectUrl", redirect_url),
    }
}

/// Checks a text that becomes part of an address or a request.
fn check_line(field: &str, text: &str) -> Result<(), BrokenRule> {
    check_not_blank(field, text, "this must not be blank; write the value that the provider documents")?;
    if text.chars().any(char::is_control) {
        return Err(broken_rule(field, "this must not contain control characters; remove them"));
    }
    Ok(())
}

/// Checks the scheme of a URI (RFC 3986, section 3.1).
fn check_scheme(field: &str, scheme: &str) -> Result<(), BrokenRule> {
    let first = scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if first && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
        return Ok(());
    }
    Err(broken_rule(
        field,
        "a scheme begins with a letter and has only letters, digits, '+', '-' and '.', without the ':' that follows it",
    ))
}
