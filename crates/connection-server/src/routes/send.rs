//! Requests to providers with the credential of a connection. The caller never sees the credential.
//!
//! The answer is read as a whole, and within a deadline.

use axum::{
    extract::{Extension, State},
    http::StatusCode,
    response::Response,
};
use connection_api::{Answer as AnswerShape, SendRequest};
use connection_contract::{HttpRequest, Secret};
use connection_core::{Door, Response as Answer};
use connection_inbound::RequestPlace;

use super::extensions::ForExtension;
use crate::{
    Api,
    body::{Json, json},
    caller::{Caller, ToUse},
    convert,
    openapi::refusals::{Conflict, NoAnswer, NotFound, NotSupported},
    path::Path,
    problem::Problem,
    sends::Sending,
};

/// The maximum size of a provider's answer, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

fn check(send: &SendRequest) -> Result<(), Problem> {
    if !send.path.starts_with('/') {
        return Err(Problem::invalid("the path must begin with '/'").field("path"));
    }
    let is_token = |name: &str| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.bytes().all(is_known)
    };
    match send.headers.iter().all(|header| is_token(&header.name) && !header.value.chars().any(char::is_control)) {
        true => Ok(()),
        false => Err(Problem::invalid("a header has a name or a value that HTTP does not allow").field("headers")),
    }
}

/// Adds the headers and the body to a request.
fn complete(send: &SendRequest, request: &mut HttpRequest) -> Result<(), Problem> {
    for header in &send.headers {
        request.set_header(header.name.to_ascii_lowercase(), header.value.trim().to_owned());
    }
    if send.body.is_some() {
        let body = send.body_bytes().ok_or_else(|| Problem::invalid("the body is not base64").field("body"))?;
        request.body = Secret::new(body.into_owned());
    }
    Ok(())
}

async fn answered(mut answer: Answer) -> Result<Response, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            let problem = Problem::new(StatusCode::BAD_GATEWAY, "too_large", "the answer of the provider is too large");
            return Err(problem.remedy("ask for less at once, such as a smaller page"));
        }
        bytes.extend(chunk);
    }
    Ok(json(StatusCode::OK, &convert::answer(&answer, bytes)))
}

/// Sends a request with the credential of a connection, and returns the provider's answer, whatever its status is. The
/// whole answer must arrive within 40 seconds.
#[utoipa::path(
    post,
    path = "/connections/{id}/send",
    params(("id" = String, Path)),
    request_body = SendRequest,
    responses((status = 200, body = AnswerShape), NotFound, Conflict, NotSupported, NoAnswer)
)]
pub(super) async fn of_connection(
    State(api): State<Api>,
    caller: Caller<ToUse>,
    place: Option<Extension<RequestPlace>>,
    Path(id): Path<String>,
    Json(body): Json<SendRequest>,
) -> Result<Response, Problem> {
    check(&body)?;
    let id = id.parse().map_err(|_| Problem::no_connection())?;
    let connection = caller.registry.connection(id).await?.through(Door::Api, Some(caller.token.id));
    let mut request = connection.request(&body.method, &body.path).await?;
    complete(&body, &mut request)?;
    let sending = Sending::to_url(&api, caller.registry.owner_name(), request.url(), place.as_deref())?;
    sending.wait_until_deadline(&api, async { answered(connection.redacting().send(request).await?).await }).await
}

/// Sends a request for an extension with the credential of the connection that was granted to it. The whole answer must
/// arrive within 40 seconds.
#[utoipa::path(
    post,
    path = "/extensions/{name}/connections/{requirement}/send",
    params(
        ("name" = String, Path),
        ("requirement" = String, Path, description = "The id of the requirement in the manifest, such as `default`."),
    ),
    request_body = SendRequest,
    responses((status = 200, body = AnswerShape), NotFound, Conflict, NotSupported, NoAnswer)
)]
pub(super) async fn of_extension(
    State(api): State<Api>,
    caller: ForExtension<ToUse>,
    place: Option<Extension<RequestPlace>>,
    Path((_, requirement)): Path<(String, String)>,
    Json(body): Json<SendRequest>,
) -> Result<Response, Problem> {
    check(&body)?;
    let handle = caller.handle().await?.through(Door::Api, Some(caller.caller.token.id));
    if *handle.requirement().id != *requirement {
        let problem = Problem::new(StatusCode::NOT_FOUND, "undeclared", "the extension declares no such requirement");
        return Err(problem.field("requirement"));
    }
    let mut request = handle.request(&body.method, &body.path).await?;
    complete(&body, &mut request)?;
    let owner = caller.caller.registry.owner_name();
    let sending = Sending::to_url(&api, owner, request.url(), place.as_deref())?;
    sending
        .wait_until_deadline(&api, async {
            let sent = handle.send(request).await;
            answered(sent.map_err(|error| Problem::not_sent(error, api.registry.clock().now()))?).await
        })
        .await
}
