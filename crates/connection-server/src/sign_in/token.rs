//! The exchange of a code or of a refresh token for tokens (RFC 6749, sections 4.1.3 and 6).

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use connection_contract::encode;
use connection_core::{AccessTokenFault, ClientCredential, ClientProof, ClientTokens, ConnectionRegistry, Error};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{
    SignIn,
    parameters::{Parameters, Twice},
    register,
};
use crate::{body::json as answer, problem::Problem};

/// The maximum size of a request in bytes. The id of a client can be long.
const MAX_SIZE: usize = 64 << 10;

/// Returns the digests that bind a code, which both the consent and the exchange compute.
pub(super) fn proof(registry: &ConnectionRegistry, client: &str, redirect: &str, challenge: &str) -> ClientProof {
    ClientProof {
        client: of_client(registry, client),
        code: registry.receiver().sha256(&parts(&[redirect, challenge])),
    }
}

fn of_client(registry: &ConnectionRegistry, client: &str) -> [u8; 32] {
    registry.receiver().sha256(client.as_bytes())
}

/// Returns texts with their lengths, so that no two lists have the same bytes.
fn parts(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| format!("{} {text} ", text.len()).into_bytes()).collect()
}

pub(super) async fn token(State(sign_in): State<SignIn>, request: Request) -> Response {
    let invalid = |code, text| refused(StatusCode::BAD_REQUEST, code, text);
    let essence = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = essence.and_then(|value| value.split(';').next()).map(str::trim).unwrap_or_default();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return invalid("invalid_request", "the request is no form");
    }
    let body = match register::read(&sign_in, request, MAX_SIZE).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let parameters = Parameters::read(&String::from_utf8_lossy(&body));
    let credential = match read(&sign_in, &parameters) {
        Ok(credential) => credential,
        Err((code, text)) => return invalid(code, text),
    };
    match sign_in.registry.client_tokens(credential).await {
        Ok(Some(tokens)) => issued(&sign_in, &tokens),
        Ok(None) => invalid(
            "invalid_grant",
            "the code or the refresh token is unknown, was used, has ended or is not of this client",
        ),
        Err(Error::AccessToken(AccessTokenFault::TooManyRenewals)) => {
            let text = "the client has got too many tokens in the last minute";
            let mut response = refused(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", text);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            response
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Reads what is presented.
fn read(sign_in: &SignIn, parameters: &Parameters) -> Result<ClientCredential, (&'static str, &'static str)> {
    let twice = ("invalid_request", "the request states something twice");
    let one = |name: &str| parameters.one(name).map_err(|Twice| twice);
    let given = |name: &str, problem| one(name)?.ok_or(("invalid_request", problem));
    let client = given("client_id", "the request names no client")?;
    if one("resource")?.is_some_and(|resource| !sign_in.is_resource(resource)) {
        return Err(("invalid_target", "the resource is not the door for models of this server"));
    }
    let registry = &sign_in.registry;
    match one("grant_type")? {
        Some("authorization_code") => {
            let code = given("code", "the request has no code")?;
            let verifier = given("code_verifier", "the request has no verifier (RFC 7636)")?;
            let redirect = given("redirect_uri", "the request has no redirect address")?;
            let challenge = encode::base64url(&registry.receiver().sha256(verifier.as_bytes()));
            let proof = proof(registry, client, redirect, &challenge);
            Ok(ClientCredential::Code { code: code.into(), proof })
        }
        Some("refresh_token") => {
            let token = given("refresh_token", "the request has no refresh token")?;
            Ok(ClientCredential::Refresh { token: token.into(), client: of_client(registry, client) })
        }
        _ => Err(("unsupported_grant_type", "the grant type is neither 'authorization_code' nor 'refresh_token'")),
    }
}

fn issued(sign_in: &SignIn, tokens: &ClientTokens) -> Response {
    let left = tokens.access.token.expires_at.seconds() - sign_in.registry.clock().now().seconds();
    let shown = json!({
        "access_token": tokens.access.text.expose_secret(),
        "token_type": "Bearer",
        "expires_in": left,
        "refresh_token": tokens.refresh.expose_secret(),
    });
    answer(StatusCode::OK, &shown)
}

/// Returns an error of OAuth (RFC 6749, section 5.2).
pub(super) fn refused(status: StatusCode, code: &str, description: &str) -> Response {
    answer(status, &json!({ "error": code, "error_description": description }))
}
