//! Request and response bodies.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_path_to_error::Segment;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    Api,
    guard::{MAX_BODY, too_large, too_slow},
    problem::Problem,
};

/// The JSON of a request. The guard has checked its content type.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned + ToSchema> FromRequest<Api> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        read(api, request.into_body(), |_| ()).await.map(|(body, ())| Self(body))
    }
}

/// The time limit for a whole body.
const MAX_DURATION: Duration = Duration::from_secs(10);

/// Reads a body, and what `of` makes of its bytes.
pub(crate) async fn read<T: DeserializeOwned + ToSchema, R>(
    api: &Api,
    body: Body,
    of: impl FnOnce(&[u8]) -> R,
) -> Result<(T, R), Problem> {
    let clock = api.registry.clock();
    let bytes = tokio::select! {
        biased;
        bytes = to_bytes(body, MAX_BODY) => bytes.map_err(|_| too_large())?,
        () = clock.sleep(MAX_DURATION) => return Err(too_slow()),
    };
    if bytes.is_empty() {
        return Err(Problem::invalid("the request has no body").remedy("send a JSON object, such as {}"));
    }
    let parsed = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => parsed(&bytes),
        // The parser of a struct would also take an array of its members.
        _ => Err(Problem::invalid("the body is not a JSON object").remedy("see the OpenAPI document of this API")),
    };
    let made = of(&bytes);
    // The body may hold what a person typed, so it is wiped.
    if let Ok(mut bytes) = bytes.try_into_mut() {
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
    Ok((parsed?, made))
}

/// Parses a body, and names the member that is wrong. The parser's message and the name of a member that the shape does
/// not have are left out, because they repeat the input.
fn parsed<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, Problem> {
    let refused = |error: &serde_json::Error| {
        let place = format!("the body is not what is expected, at line {}, column {}", error.line(), error.column());
        Problem::invalid(place).remedy("see the OpenAPI document of this API")
    };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let body = serde_path_to_error::deserialize(&mut json).map_err(|error| match error.path().iter().next() {
        Some(Segment::Map { key }) if has_member::<T>(key) => refused(error.inner()).field(key.as_str()),
        _ => refused(error.inner()),
    })?;
    json.end().map_err(|error| refused(&error))?;
    Ok(body)
}

/// Returns `true` if a shape has a member with this name.
fn has_member<T: ToSchema>(name: &str) -> bool {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object.properties.contains_key(name),
        _ => false,
    }
}

/// Returns a response with a JSON body. If the body cannot be written as JSON, which only a word that is not in its list
/// can cause, the response is a problem with the status 500.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let bytes = match serde_json::to_vec(body) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            let detail = "the answer could not be written as JSON";
            return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected", detail).into_response();
        }
    };
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], Body::from(bytes)).into_response()
}

/// Returns the tag of the state that a body shows.
pub(crate) fn tag(body: &impl Serialize) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(body).unwrap_or_default().hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// The tag of what could not be read after a change. It is that of no state, so that a change with it is refused until the
/// state was read.
pub(crate) const UNREAD: &str = "\"unread\"";

/// Returns a response with a JSON body and the tag of its state.
pub(crate) fn tagged(body: &impl Serialize) -> Response {
    with_tag(json(StatusCode::OK, body), &tag(body))
}

/// Returns a response with this tag.
pub(crate) fn with_tag(mut response: Response, tag: &str) -> Response {
    response.headers_mut().extend(HeaderValue::from_str(tag).map(|tag| (header::ETAG, tag)));
    response
}

/// Refuses a change of a state that is not the one that the caller has seen.
pub(crate) fn check_match(headers: &HeaderMap, current: &impl Serialize) -> Result<(), Problem> {
    let wanted: Vec<_> = headers.get_all(header::IF_MATCH).iter().filter_map(|tags| tags.to_str().ok()).collect();
    let current = tag(current);
    let is_met = |tags: &str| tags.split(',').any(|tag| matches!(tag.trim(), "*") || tag.trim() == current);
    if wanted.is_empty() || wanted.iter().any(|tags| is_met(tags)) {
        return Ok(());
    }
    let problem = Problem::new(StatusCode::PRECONDITION_FAILED, "revision_changed", "it was changed in the meantime");
    Err(problem.remedy("read it again, then decide again"))
}

#[cfg(test)]
mod tests {
    use connection_api::UseOutcome;

    use super::*;

    #[test]
    fn an_answer_with_a_word_that_is_never_written_is_a_problem() {
        assert_eq!(json(StatusCode::OK, &UseOutcome::Denied).status(), StatusCode::OK);
        let problem = json(StatusCode::OK, &UseOutcome::Unrecognized);
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}
