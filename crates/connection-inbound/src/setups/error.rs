//! Refusals of requests: `{"error": {"code", "message", "remedy"}}`, with a status that says who must act.

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use connection_core::{AdvanceError, Error};
use serde::Serialize;

/// The body of every response that is not a setup.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ErrorBody {
    /// The error, with its code and message.
    pub error: ErrorDetail,
}

/// An error and its remedy.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ErrorDetail {
    /// The stable code for programs.
    pub code: &'static str,
    /// One sentence that says what is wrong.
    pub message: String,
    /// A sentence that says how to resolve the error, if that is possible.
    pub remedy: Option<String>,
    /// The problem with each field, if answers were refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemBody>,
}

/// The problem with the answer to one field; it never holds the answer.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ProblemBody {
    /// The name of the field.
    pub field: String,
    /// One sentence that says what is wrong.
    pub message: String,
}

/// An error with its HTTP status.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    detail: Box<ErrorDetail>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let detail = ErrorDetail { code, message: message.into(), remedy: None, problems: Vec::new() };
        Self { status, detail: Box::new(detail) }
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.detail.remedy = Some(remedy.into());
        self
    }

    /// Converts the status with which the host refused the request.
    pub(super) fn of_host(status: StatusCode) -> Self {
        let status = if status.is_client_error() || status.is_server_error() { status } else { StatusCode::FORBIDDEN };
        match status {
            StatusCode::UNAUTHORIZED => Self::new(status, "unauthenticated", "nobody is signed in").remedy("sign in"),
            _ => Self::new(status, "not_allowed", "this is not allowed"),
        }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "setup_not_found", "there is no such setup").remedy("begin a new setup")
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::SessionNotFound(_) => return Self::not_found(),
            Error::NotFound(_) | Error::UnknownKind(_) | Error::NoConnection(_) => StatusCode::NOT_FOUND,
            Error::AccountConnected { .. } | Error::KindChanged { .. } | Error::LabelTaken { .. } => {
                StatusCode::CONFLICT
            }
            Error::InvalidLabel | Error::InvalidOwner(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::NotSupported { .. } => StatusCode::NOT_IMPLEMENTED,
            Error::Closed | Error::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let refusal = Self::new(status, error.code(), error.to_string());
        match error.remedy() {
            Some(remedy) => refusal.remedy(remedy),
            None => refusal,
        }
    }
}

impl From<AdvanceError> for Refusal {
    fn from(error: AdvanceError) -> Self {
        let code = error.code();
        let message = error.to_string();
        let remedy = error.remedy();
        let (status, problems) = match error {
            AdvanceError::Error(error) => return error.into(),
            AdvanceError::Ended => (StatusCode::GONE, Vec::new()),
            AdvanceError::Invalid(problems) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
            _ => (StatusCode::CONFLICT, Vec::new()),
        };
        let mut refusal = Self::new(status, code, message);
        refusal.detail.remedy = remedy;
        let body = |problem: connection_core::FieldProblem| ProblemBody {
            field: problem.field.to_string(),
            message: problem.problem.to_string(),
        };
        refusal.detail.problems = problems.into_iter().map(body).collect();
        refusal
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        json(self.status, &ErrorBody { error: *self.detail })
    }
}

/// Returns a response with a JSON body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Our bodies have string keys, so serializing them cannot fail.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(bytes)).into_response()
}
