//! The documents that describe this host as an OAuth application (draft-ietf-oauth-client-id-metadata-document).
//!
//! The id of such an application is the address of its document. It authenticates with the key of the store if its address
//! says so, and otherwise not at all. Each authorization server has a document of its own, which
//! names the one redirect address at which answers of that server are taken; nothing is stored for it.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use connection_contract::Kind;
use serde_json::json;

use super::Receiver;

/// The kind whose setups have an address for each issuer.
const KIND: Kind = Kind::from_static("mcp");
/// The end of a part for an authorization server that takes applications only with a signed assertion.
const SIGNED: char = 'k';
/// How long others may keep a document, which never changes.
const KEPT: &str = "public, max-age=86400";

pub(super) async fn client_document(
    State(receiver): State<Receiver>,
    file: Result<Path<String>, PathRejection>,
) -> Response {
    let file = file.map(|Path(file)| file).unwrap_or_default();
    let part = file.strip_suffix(".json").filter(|part| is_part(part));
    let url = &receiver.url;
    let Some(part) = part.filter(|_| url.is_secure() && url.reaches_others()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut document = json!({
        "client_id": format!("{url}/oauth/client/{part}.json"),
        "client_name": "Connections",
        "client_uri": url.as_str(),
        "redirect_uris": [format!("{}/{part}", url.redirect_uri(&KIND))],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": "none",
    });
    if part.ends_with(SIGNED) {
        let key_set = receiver.registry.get().and_then(|registry| registry.client_key_set());
        let Some(key_set) = key_set else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
        document["token_endpoint_auth_method"] = json!("private_key_jwt");
        document["token_endpoint_auth_signing_alg"] = json!("ES256");
        document["jwks"] = key_set;
    }
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, KEPT)];
    (headers, document.to_string()).into_response()
}

/// Returns `true` for the part of an address of a callback.
fn is_part(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
