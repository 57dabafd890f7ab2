//! The metadata by which a client finds this server: of the door (RFC 9728) and of the server (RFC 8414).

use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{DOOR, SignIn};
use crate::{
    body,
    guard::{door_address_in, other_door},
};

/// Returns the challenge of the door at this address for a request without an accepted token (RFC 6750, RFC 9728).
/// `is_given` says whether the request had a token.
pub(crate) fn challenge(address: &str, is_given: bool) -> Option<HeaderValue> {
    let error = if is_given { "error=\"invalid_token\", " } else { "" };
    let metadata = format!("{address}/.well-known/oauth-protected-resource{DOOR}");
    HeaderValue::from_str(&format!("Bearer {error}resource_metadata=\"{metadata}\"")).ok()
}

/// The path after the name of the document, if there is one.
type Suffix = Option<Path<String>>;

/// Returns the metadata of the door. The path is that of the door, or the whole path of its public address.
pub(super) async fn of_door(State(sign_in): State<SignIn>, path: Suffix, request: Request) -> Response {
    shown(&sign_in, &[DOOR], path, &request, |issuer| {
        json!({
            "resource": format!("{issuer}{DOOR}"),
            "authorization_servers": [issuer],
            "bearer_methods_supported": ["header"],
            "resource_name": "Connections",
        })
    })
}

/// Returns the metadata of the server.
pub(super) async fn of_server(State(sign_in): State<SignIn>, path: Suffix, request: Request) -> Response {
    shown(&sign_in, &[DOOR, ""], path, &request, |issuer| {
        let at = |path: &str| format!("{issuer}{DOOR}{path}");
        json!({
            "issuer": issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "registration_endpoint": at("/register"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": true,
        })
    })
}

fn shown(
    sign_in: &SignIn,
    ends: &[&str],
    path: Suffix,
    request: &Request,
    document: impl FnOnce(&str) -> serde_json::Value,
) -> Response {
    let options = &sign_in.options;
    let Some(issuer) = door_address_in(options, request) else { return other_door(options).into_response() };
    let prefix = options.door_prefix();
    let is_ours = path.is_none_or(|Path(path)| {
        ends.iter().any(|end| path == end.trim_start_matches('/') || format!("/{path}") == format!("{prefix}{end}"))
    });
    match is_ours {
        true => body::json(StatusCode::OK, &document(&issuer)),
        false => StatusCode::NOT_FOUND.into_response(),
    }
}
