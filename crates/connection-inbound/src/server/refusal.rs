//! The refusals of the server itself, as problem documents (RFC 9457) with the members of all refusals of the API.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

/// Returns a refusal. No text has a character that JSON escapes.
pub(super) fn refusal(status: StatusCode, code: &str, detail: &str, remedy: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Refused");
    let number = status.as_u16();
    let body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{number},"detail":"{detail}","code":"{code}","remedy":"{remedy}","field":null,"problems":[],"made":null}}"#
    );
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}
