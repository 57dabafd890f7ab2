//! The registration of clients (RFC 7591). It stores nothing: the id of a client is what the client stated, sealed.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{
    SignIn,
    client::{self, Client, ClientStatement, MAX_ID},
    token::refused,
};
use crate::{
    body::json as answer,
    guard::{names_one_of, other_door},
    problem::Problem,
};

/// The maximum size of a registration in bytes.
const MAX_SIZE: usize = 16 << 10;
/// The time limit for a whole body.
const MAX_DURATION: Duration = Duration::from_secs(10);

pub(super) async fn register(State(sign_in): State<SignIn>, request: Request) -> Response {
    match read(&sign_in, request, MAX_SIZE).await {
        Ok(body) => registered(&sign_in, &body).await,
        Err(refused) => refused,
    }
}

/// Reads the body of a request of a program that names this host. No page needs a token of an agent.
pub(super) async fn read(sign_in: &SignIn, request: Request, limit: usize) -> Result<Bytes, Response> {
    if !names_one_of(sign_in.options.door_origins(), &request) {
        return Err(other_door(&sign_in.options).into_response());
    }
    if request.headers().contains_key(header::ORIGIN) {
        return Err(refused(StatusCode::FORBIDDEN, "invalid_request", "a page sent this request, and no program"));
    }
    let clock = sign_in.registry.clock();
    tokio::select! {
        biased;
        bytes = axum::body::to_bytes(request.into_body(), limit) => {
            bytes.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "the body is too long"))
        }
        () = clock.sleep(MAX_DURATION) => {
            Err(refused(StatusCode::REQUEST_TIMEOUT, "invalid_request", "the body did not arrive in 10 s"))
        }
    }
}

async fn registered(sign_in: &SignIn, body: &Bytes) -> Response {
    let invalid = |code, text: &str| refused(StatusCode::BAD_REQUEST, code, text);
    let Ok(stated) = serde_json::from_slice::<ClientStatement>(body) else {
        return invalid("invalid_client_metadata", "the registration is no JSON object with 'redirect_uris'");
    };
    let client = match Client::read(&stated) {
        Ok(client) => client,
        Err(problem) => return invalid("invalid_redirect_uri", problem),
    };
    // What is not accepted is left out, as is a way to prove itself, of which there is none here.
    let statement = client.statement();
    let id = match client::register(&sign_in.registry, &statement).await {
        Ok(id) => id,
        Err(error) => return Problem::from(error).into_response(),
    };
    if id.len() > MAX_ID {
        return invalid("invalid_client_metadata", "the registration is too long");
    }
    let shown = json!({
        "client_id": id,
        "client_id_issued_at": sign_in.registry.clock().now().seconds(),
        "client_name": client.name(),
        "redirect_uris": statement.redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    answer(StatusCode::CREATED, &shown)
}
