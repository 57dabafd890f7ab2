//! The places at which a request could carry a second identity or a second method.

use connection_contract::Seat;

use crate::{
    profile::Profile,
    text::{fold, lenient_name},
};

/// Headers that hold a credential everywhere. They cannot be exempted.
const ALWAYS: &[&str] = &["authorization", "proxy_authorization", "cookie", "cookie2"];

/// Usual names of headers that hold a credential, as [`lenient_name`] writes them.
const USUAL_HEADERS: &[&str] = &[
    "access_token",
    "api_key",
    "api_token",
    "apikey",
    "auth_token",
    "authentication",
    "circle_token",
    "client_secret",
    "dd_api_key",
    "dd_application_key",
    "deploy_token",
    "fastly_key",
    "job_token",
    "ocp_apim_subscription_key",
    "private_token",
    "session_token",
    "subscription_key",
    "token",
    "x_access_token",
    "x_amz_security_token",
    "x_api_key",
    "x_api_token",
    "x_apikey",
    "x_app_token",
    "x_auth",
    "x_auth_email",
    "x_auth_key",
    "x_auth_token",
    "x_auth_user",
    "x_authorization",
    "x_client_secret",
    "x_consul_token",
    "x_figma_token",
    "x_goog_api_key",
    "x_goog_iam_authorization_token",
    "x_hasura_admin_secret",
    "x_honeycomb_team",
    "x_parse_rest_api_key",
    "x_parse_session_token",
    "x_rapidapi_key",
    "x_redmine_api_key",
    "x_session_token",
    "x_shopify_access_token",
    "x_subject_token",
    "x_token",
    "x_user_token",
    "x_vault_token",
];

/// Usual names of parameters that hold a credential, as [`lenient_name`] writes them.
const USUAL_PARAMETERS: &[&str] = &[
    "access_key",
    "access_token",
    "api_key",
    "api_token",
    "apikey",
    "auth",
    "auth_token",
    "authorization",
    "awsaccesskeyid",
    "client_secret",
    "deploy_token",
    "googleaccessid",
    "id_token",
    "job_token",
    "jsessionid",
    "jwt",
    "oauth_consumer_key",
    "oauth_token",
    "phpsessid",
    "private_token",
    "refresh_token",
    "session_token",
    "sessionid",
    "subscription_key",
    "token",
    "x_amz_credential",
    "x_amz_security_token",
    "x_amz_signature",
    "x_api_key",
    "x_goog_credential",
    "x_goog_signature",
];

/// Headers that replace the method at some servers.
const METHOD_HEADERS: &[&str] = &["x_http_method", "x_http_method_override", "x_method_override"];

/// Headers that replace the path or the origin at some servers. `x_forwarded` stands for all that begin with it.
const PATH_HEADERS: &[&str] = &["x_original_url", "x_rewrite_url", "x_original_uri", "forwarded"];

/// Parameters that replace the method at some servers.
const METHOD_PARAMETERS: &[&str] = &["_method", "_httpmethod"];

/// The beginnings of subprotocols of WebSockets that hold a credential, of OpenAI and of Kubernetes. Browsers send them,
/// which can set no other header of a request for a WebSocket.
const CREDENTIAL_SUBPROTOCOLS: &[&str] = &["openai-insecure-api-key.", "base64url.bearer.authorization.k8s.io."];

/// What a name of a header or parameter means to some servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameUse {
    /// It holds a credential.
    Credential,
    /// It replaces the method.
    MethodOverride,
    /// It replaces the path or the origin.
    PathOverride,
    /// It means nothing that concerns the reading.
    Plain,
}

/// Returns the meaning of a header.
pub(crate) fn header_use(name: &str, profile: &Profile) -> NameUse {
    let name = lenient_name(name);
    let is_seat = |seat: &Seat| matches!(seat, Seat::Header { name: header, .. } if lenient_name(header) == name);
    if ALWAYS.contains(&name.as_str()) || profile.seats.iter().any(is_seat) {
        return NameUse::Credential;
    }
    if METHOD_HEADERS.contains(&name.as_str()) {
        return NameUse::MethodOverride;
    }
    if PATH_HEADERS.contains(&name.as_str()) || name.starts_with("x_forwarded") {
        return NameUse::PathOverride;
    }
    usual_use(&name, USUAL_HEADERS, profile)
}

/// Returns `true` if a list of subprotocols (RFC 6455, section 11.3.4) holds a credential.
pub(crate) fn is_credential_in_subprotocols(list: &str) -> bool {
    let is_credential = |protocol: &str| {
        let protocol = protocol.trim().to_ascii_lowercase();
        CREDENTIAL_SUBPROTOCOLS.iter().any(|beginning| protocol.starts_with(beginning))
    };
    list.split(',').any(is_credential)
}

/// Returns the meaning of a parameter of a query or form, by its lenient name. Some servers read a parameter of the query
/// from a form, too.
pub(crate) fn parameter_use(name: &str, profile: &Profile) -> NameUse {
    let is_seat = |seat: &Seat| matches!(seat, Seat::Query { name: parameter, .. } if lenient_name(parameter) == name);
    if profile.seats.iter().any(is_seat) {
        return NameUse::Credential;
    }
    if METHOD_PARAMETERS.contains(&name) {
        return NameUse::MethodOverride;
    }
    usual_use(name, USUAL_PARAMETERS, profile)
}

/// Returns `true` if a path begins with a seat, which would name another identity.
pub(crate) fn has_path_seat<'s>(segments: impl Iterator<Item = &'s str> + Clone, profile: &Profile) -> bool {
    profile.seats.iter().any(|seat| match seat {
        Seat::PathPrefix { before, after, .. } => begins_with_seat(segments.clone(), before, after),
        _ => false,
    })
}

/// Returns `true` if the path begins with the segments of a seat, and then has a segment with the texts around the
/// secret. A seat without a text in the segment of its secret is not recognized: any path could begin with it.
fn begins_with_seat<'s>(mut segments: impl Iterator<Item = &'s str>, before: &str, after: &str) -> bool {
    let before = before.trim_start_matches('/');
    let (fixed, start) = before.rsplit_once('/').map_or((None, before), |(fixed, start)| (Some(fixed), start));
    let end = after.split('/').next().unwrap_or_default();
    if start.is_empty() && end.is_empty() {
        return false;
    }
    for fixed in fixed.into_iter().flat_map(|fixed| fixed.split('/')) {
        if segments.next().is_none_or(|segment| fold(segment) != fold(fixed)) {
            return false;
        }
    }
    segments.next().is_some_and(|segment| {
        let (text, start, end) = (fold(segment), fold(start), fold(end));
        text.len() > start.len() + end.len() && text.starts_with(start.as_ref()) && text.ends_with(end.as_ref())
    })
}

fn usual_use(name: &str, usual: &[&str], profile: &Profile) -> NameUse {
    let is_exempt = || profile.exempt_names.iter().any(|exempt| lenient_name(exempt) == name);
    if usual.contains(&name) && !is_exempt() { NameUse::Credential } else { NameUse::Plain }
}
