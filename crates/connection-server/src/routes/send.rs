//! Requests to providers with the credential of a connection. The caller never sees the credential.
//!
//! The answer is read as a whole, and within a deadline.

use std::collections::BTreeMap;

use axum::{
    extract::{Extension, State},
    http::StatusCode,
    response::Response,
};
use connection_contract::{HttpRequest, Secret, encode};
use connection_core::Response as Answer;
use connection_inbound::RequestPlace;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extensions::ForExtension;
use crate::{
    Api,
    body::{Json, json},
    caller::{Caller, ToUse},
    openapi::refusals::{Conflict, NoAnswer, NotFound, NotSupported},
    path::Path,
    problem::Problem,
    sends::Sending,
    shapes::{AnswerBody, words},
};

/// The maximum size of a provider's answer, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A request to a provider.
#[derive(Deserialize, ToSchema)]
#[schema(as = Send)]
#[serde(deny_unknown_fields)]
pub(super) struct SendBody {
    /// The method, in capital letters.
    method: String,
    /// The path and the query below the base address of the connection, beginning with `/`.
    #[schema(pattern = "^/")]
    path: String,
    #[serde(default)]
    headers: Vec<SendHeaderBody>,
    body: Option<String>,
    /// The encoding of `body`: `utf8`, which is usual, or `base64`.
    #[schema(value_type = Option<words::Encoding>)]
    encoding: Option<String>,
}

/// A header of a request to a provider.
#[derive(Deserialize, ToSchema)]
#[schema(as = SendHeader)]
#[serde(deny_unknown_fields, try_from = "BTreeMap<String, String>")]
struct SendHeaderBody {
    name: String,
    value: String,
}

/// The parser of a struct would also take an array of its members.
impl TryFrom<BTreeMap<String, String>> for SendHeaderBody {
    type Error = &'static str;

    fn try_from(mut members: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        match (members.remove("name"), members.remove("value")) {
            (Some(name), Some(value)) if members.is_empty() => Ok(Self { name, value }),
            _ => Err("a header has a name and a value"),
        }
    }
}

impl SendBody {
    fn check(&self) -> Result<(), Problem> {
        if !self.path.starts_with('/') {
            return Err(Problem::invalid("the path must begin with '/'").field("path"));
        }
        let is_token = |name: &str| {
            let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            !name.is_empty() && name.bytes().all(is_known)
        };
        match self.headers.iter().all(|header| is_token(&header.name) && !header.value.chars().any(char::is_control)) {
            true => Ok(()),
            false => Err(Problem::invalid("a header has a name or a value that HTTP does not allow").field("headers")),
        }
    }

    /// Adds the headers and the body to a request.
    fn complete(self, request: &mut HttpRequest) -> Result<(), Problem> {
        for header in self.headers {
            request.set_header(header.name.to_ascii_lowercase(), header.value.trim().to_owned());
        }
        if let Some(body) = self.body {
            request.body = match self.encoding.as_deref() {
                None | Some("utf8") => Secret::new(body.into_bytes()),
                Some("base64") => Secret::new(
                    encode::from_base64(&body)
                        .ok_or_else(|| Problem::invalid("the body is not base64").field("body"))?,
                ),
                Some(_) => return Err(Problem::invalid("the encoding is utf8 or base64").field("encoding")),
            };
        }
        Ok(())
    }
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
    let body = AnswerBody::new(answer.status(), answer.headers(), bytes);
    Ok(json(StatusCode::OK, &body.scopes(answer.missing_scopes(), answer.askable_scopes())))
}

/// Sends a request with the credential of a connection, and returns the provider's answer, whatever its status is. The
/// whole answer must arrive within 40 seconds.
#[utoipa::path(
    post,
    path = "/connections/{id}/send",
    params(("id" = String, Path)),
    request_body = SendBody,
    responses((status = 200, body = AnswerBody), NotFound, Conflict, NotSupported, NoAnswer)
)]
pub(super) async fn of_connection(
    State(api): State<Api>,
    caller: Caller<ToUse>,
    place: Option<Extension<RequestPlace>>,
    Path(id): Path<String>,
    Json(body): Json<SendBody>,
) -> Result<Response, Problem> {
    body.check()?;
    let id = id.parse().map_err(|_| Problem::no_connection())?;
    let connection = caller.registry.connection(id).await?;
    let mut request = connection.request(&body.method, &body.path).await?;
    body.complete(&mut request)?;
    let sending = Sending::to_url(&api, caller.registry.owner_name(), request.url(), place.as_deref())?;
    sending.wait_until_deadline(&api, async { answered(connection.send(request).await?).await }).await
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
    request_body = SendBody,
    responses((status = 200, body = AnswerBody), NotFound, Conflict, NotSupported, NoAnswer)
)]
pub(super) async fn of_extension(
    State(api): State<Api>,
    caller: ForExtension<ToUse>,
    place: Option<Extension<RequestPlace>>,
    Path((_, requirement)): Path<(String, String)>,
    Json(body): Json<SendBody>,
) -> Result<Response, Problem> {
    body.check()?;
    let handle = caller.handle().await?;
    if *handle.requirement().id != *requirement {
        let problem = Problem::new(StatusCode::NOT_FOUND, "undeclared", "the extension declares no such requirement");
        return Err(problem.field("requirement"));
    }
    let mut request = handle.request(&body.method, &body.path).await?;
    body.complete(&mut request)?;
    let owner = caller.caller.registry.owner_name();
    let sending = Sending::to_url(&api, owner, request.url(), place.as_deref())?;
    sending.wait_until_deadline(&api, async { answered(handle.send(request).await?).await }).await
}
