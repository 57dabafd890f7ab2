//! The documents that describe this host as an OAuth application (draft-ietf-oauth-client-id-metadata-document).
//!
//! The id of such an application is the address of its document. Each authorization server has a document of its own, which
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
    let document = json!({
        "client_id": format!("{url}/oauth/client/{part}.json"),
        "client_name": "Connections",
        "client_uri": url.as_str(),
        "redirect_uris": [format!("{}/{part}", url.redirect_uri(&KIND))],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": "none",
    });
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, KEPT)];
    (headers, document.to_string()).into_response()
}

/// Returns `true` for the part of an address of a callback.
fn is_part(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
