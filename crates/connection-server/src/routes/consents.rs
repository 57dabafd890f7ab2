//! The consent of a person to a client that signs in at the door for models.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{ConsentRequest, Decided, NewConsent, ShownConsent};

use crate::{
    Api,
    body::{Json, json},
    caller::{Caller, ToManage},
    openapi::refusals::{Conflict, Gone, NotFound},
    problem::Problem,
    sign_in,
};

/// Returns a request of a client as a person judges it. If the client describes itself in a document, the document is
/// fetched now. Nothing is changed.
#[utoipa::path(
    post,
    path = "/consents/read",
    request_body = ConsentRequest,
    responses((status = 200, body = ShownConsent), Gone)
)]
pub(super) async fn read(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Json(request): Json<ConsentRequest>,
) -> Result<Response, Problem> {
    let shown = sign_in::show(&api.sign_in(), &caller.registry, &request.request).await?;
    Ok(json(StatusCode::OK, &shown))
}

/// Creates an agent for a client, with these grants and no others, and returns the address to which the browser goes with
/// the code of the client.
#[utoipa::path(
    post,
    path = "/consents",
    request_body = NewConsent,
    responses(
        (status = 201, body = Decided),
        NotFound,
        Conflict,
        Gone,
    )
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Json(new): Json<NewConsent>,
) -> Result<Response, Problem> {
    let decided = sign_in::consent(&api.sign_in(), &caller.registry, new).await?;
    Ok(json(StatusCode::CREATED, &decided))
}

/// Returns the address to which the browser goes after a refusal. Nothing is changed.
#[utoipa::path(
    post,
    path = "/consents/refuse",
    request_body = ConsentRequest,
    responses((status = 200, body = Decided), Gone)
)]
pub(super) async fn refuse(
    State(api): State<Api>,
    _: Caller<ToManage>,
    Json(request): Json<ConsentRequest>,
) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &sign_in::refuse(&api.sign_in(), &request.request).await?))
}
