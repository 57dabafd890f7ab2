//! The request for a code, with which a client leads a browser here. The browser is led on to the page.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{
    SignIn,
    client::{NoClient, is_document, registered},
    parameters::{Parameters, Twice},
    redirect::RedirectAddress,
    request::CodeRequest,
};
use crate::{
    guard::{door_address_in, other_door},
    problem::Problem,
};

/// The maximum length of the texts of a client in bytes.
const MAX_STATE: usize = 4096;
/// The length of a challenge: 256 bits in base64url.
const CHALLENGE: usize = 43;

/// The reason why no page is shown.
enum Refused {
    /// The address of the client is not known to be one, so the browser stays here.
    Here(StatusCode, String),
    /// The client is told.
    ToClient(String),
    Problem(Problem),
}

pub(super) async fn authorize(State(sign_in): State<SignIn>, request: Request) -> Response {
    let Some(issuer) = door_address_in(&sign_in.options, &request) else {
        return other_door(&sign_in.options).into_response();
    };
    match asked(&sign_in, &issuer, request.uri().query().unwrap_or_default()).await {
        Ok(page) => led_to(&page),
        Err(Refused::ToClient(address)) => led_to(&address),
        Err(Refused::Here(status, text)) => (status, text).into_response(),
        Err(Refused::Problem(problem)) => problem.into_response(),
    }
}

fn led_to(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Returns the address of the page that asks a person about the request.
async fn asked(sign_in: &SignIn, issuer: &str, query: &str) -> Result<String, Refused> {
    let parameters = Parameters::read(query);
    let here = |text: &str| {
        let text = format!(
            "This program cannot sign in: {text}.\n\nClose this window, and start the sign-in again from the program.\n"
        );
        Refused::Here(StatusCode::BAD_REQUEST, text)
    };
    let one = |name: &str| parameters.one(name).map_err(|Twice| here("its request states something twice"));
    let client = one("client_id")?.ok_or_else(|| here("its request names no client"))?;
    let redirect = one("redirect_uri")?.and_then(RedirectAddress::parse);
    let redirect = redirect.ok_or_else(|| here("the address to which the browser would return is not accepted"))?;
    // The document of a client is fetched when a person looks at the page, and not before.
    let is_known = !is_document(client);
    if is_known {
        let known = registered(&sign_in.registry, client).await.map_err(|no| match no {
            NoClient::Core(error) => Refused::Problem(error.into()),
            _ => here("this server does not know it, and it must register again"),
        })?;
        if !known.has(&redirect) {
            return Err(here("the address to which the browser would return is not one that it registered"));
        }
    }
    let state = one("state")?;
    // Anybody can register an address elsewhere, to which nobody is led before a person has decided.
    let refused = |code: &str, text: &str| {
        if !is_known || !redirect.is_local() {
            return here(text);
        }
        let answer = [("error", code), ("error_description", text), ("iss", issuer)];
        Refused::ToClient(redirect.with(answer.into_iter().chain(state.map(|state| ("state", state)))))
    };
    if one("response_type")? != Some("code") {
        return Err(refused("unsupported_response_type", "the response type is not 'code'"));
    }
    let is_s256 = one("code_challenge_method")? == Some("S256");
    let Some(challenge) = one("code_challenge")?.filter(|text| is_s256 && is_challenge(text)) else {
        return Err(refused("invalid_request", "the request has no challenge with the method S256 (RFC 7636)"));
    };
    if one("resource")?.is_some_and(|resource| !sign_in.is_resource(resource)) {
        return Err(refused("invalid_target", "the resource is not the door for models of this server"));
    }
    if state.is_some_and(|state| state.len() > MAX_STATE) {
        return Err(refused("invalid_request", "the state is too long"));
    }
    let request = CodeRequest {
        issuer: issuer.to_owned(),
        client: client.to_owned(),
        redirect: redirect.as_str().to_owned(),
        state: state.map(str::to_owned),
        challenge: challenge.to_owned(),
        ends: CodeRequest::end(sign_in.registry.clock().now()),
        described: None,
    };
    let sealed = request.seal(&sign_in.registry).await.map_err(|error| Refused::Problem(error.into()))?;
    Ok(format!("{}/consent#request={sealed}", sign_in.options.address()))
}

fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
