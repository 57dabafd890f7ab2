//! The registration of clients (RFC 7591). It stores nothing: the id of a client is what the client stated, sealed.

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{
    SignIn,
    client::{self, Client, ClientStatement},
    other_host,
    token::refused,
};
use crate::{body::json as answer, guard::names_one_of, problem::Problem};

/// The maximum size of a registration in bytes.
const MAX_SIZE: usize = 16 << 10;

pub(super) async fn register(State(sign_in): State<SignIn>, request: Request) -> Response {
    if !names_one_of(sign_in.options.door_origins(), &request) {
        return other_host(&sign_in.options).into_response();
    }
    if request.headers().contains_key(header::ORIGIN) {
        return from_page();
    }
    match axum::body::to_bytes(request.into_body(), MAX_SIZE).await {
        Ok(body) => registered(&sign_in, &body).await,
        Err(_) => refused(StatusCode::BAD_REQUEST, "invalid_client_metadata", "the registration is too long"),
    }
}

/// Refuses a request of a page: no page needs a token of an agent.
pub(super) fn from_page() -> Response {
    let problem = Problem::new(StatusCode::FORBIDDEN, "browser", "a page sent this request");
    problem.remedy("send it from a program").into_response()
}

async fn registered(sign_in: &SignIn, body: &Bytes) -> Response {
    let invalid = |code, text: &str| refused(StatusCode::BAD_REQUEST, code, text);
    let Ok(stated) = serde_json::from_slice::<ClientStatement>(body) else {
        return invalid("invalid_client_metadata", "the registration is no JSON object with 'redirect_uris'");
    };
    // Whatever way to prove itself the client states, it has none here.
    let statement = ClientStatement { client_id: None, token_endpoint_auth_method: None, ..stated };
    let client = match Client::read(&statement) {
        Ok(client) => client,
        Err(problem) => return invalid("invalid_redirect_uri", problem),
    };
    let id = match client::register(&sign_in.registry, &statement).await {
        Ok(id) => id,
        Err(error) => return Problem::from(error).into_response(),
    };
    let shown = json!({
        "client_id": id,
        "client_id_issued_at": sign_in.registry.clock().now().seconds(),
        "client_name": client.name(),
        "redirect_uris": statement.redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let mut response = answer(StatusCode::CREATED, &shown);
    no_store(response.headers_mut());
    response
}

pub(super) fn no_store(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
}
