//! Refusals: problem details (RFC 9457) with our stable codes and remedies.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use connection_api::{FieldProblem, Problem as ProblemShape};
use connection_contract::{ServiceError, Timestamp};
use connection_core::{
    AccessTokenFault, AdvanceError, AgentError, ApprovalError, Error, ExtensionError, FieldProblem as Fault,
    ProfileError, RuleError,
};

/// The reason why a request is refused.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// The number of seconds after which the request may be sent again, for the header `Retry-After`.
    retry_after: Option<u64>,
    body: Box<ProblemShape>,
    code: &'static str,
}

impl Problem {
    /// Returns the stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let body = ProblemShape {
            r#type: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Refused").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            remedy: None,
            provider_text: None,
            field: None,
            problems: Vec::new(),
            made: None,
        };
        Self { status, retry_after: None, body: Box::new(body), code }
    }

    /// Returns `true` for a refusal, after which nothing has changed.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status.is_client_error()
    }

    /// Returns what the document says.
    pub(crate) fn shape(&self) -> &ProblemShape {
        &self.body
    }

    /// Sets the status, for a route at which an error has another one.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self.body.status = status.as_u16();
        self.body.title = status.canonical_reason().unwrap_or("Refused").to_owned();
        self
    }

    /// Returns the problem of a request that is not sent. If a budget is spent, it says when the next window begins.
    pub(crate) fn not_sent(error: Error, now: Timestamp) -> Self {
        let until = match &error {
            Error::Rules(RuleError::BudgetSpent { until, .. }) => Some(until.seconds()),
            _ => None,
        };
        let problem = Self::from(error);
        match until {
            Some(until) => problem.retry_after(u64::try_from(until - now.seconds()).unwrap_or_default().max(1)),
            None => problem,
        }
    }

    /// Sets the number of seconds after which the request may be sent again.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.body.remedy = Some(remedy.into());
        self
    }

    /// Returns the problem of a request whose change is stored, and cannot be shown.
    pub(crate) fn of_stored(error: impl Into<Self>) -> Self {
        let mut problem: Self = error.into();
        problem.retry_after = None;
        problem.body.detail = format!("the change was stored, and cannot be shown: {}", problem.body.detail);
        problem.remedy("read it later; do not repeat the change")
    }

    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.body.field = Some(field.into());
        self
    }

    /// Names what a repeated request had made.
    pub(crate) fn made(mut self, id: String) -> Self {
        self.body.made = Some(id);
        self
    }

    /// Returns the refusal of a body that says something else than expected.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail)
    }

    pub(crate) fn no_connection() -> Self {
        let problem = Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such connection");
        problem.remedy("list the connections to see which there are")
    }

    pub(crate) fn no_setup() -> Self {
        Self::new(StatusCode::NOT_FOUND, "setup_not_found", "there is no such setup").remedy("begin a new setup")
    }

    /// Returns the refusal of a token that sends too many requests.
    pub(crate) fn too_many_requests(seconds: u64) -> Self {
        let detail = "this access token sends too many requests";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        let problem = problem.remedy(format!("send the request again in {seconds} s"));
        Self { retry_after: Some(seconds), ..problem }
    }

    /// Returns the refusal of a token that has the maximum number of live streams open.
    pub(crate) fn too_many_streams(most: usize) -> Self {
        /// The time in seconds after which a stream whose client is gone has ended.
        const LATER: u64 = 15;
        let detail = format!("this access token has {most} streams of live events open");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        let problem = problem.remedy(format!("close one of them, or try again in {LATER} s"));
        Self { retry_after: Some(LATER), ..problem }
    }

    /// Returns the refusal of a token whose requests that wait for a change are as many as may.
    pub(crate) fn too_many_waits(most: usize) -> Self {
        /// The time in seconds after which one of them may have ended.
        const LATER: u64 = 5;
        let detail = format!("{most} requests of this access token wait for a change");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        let problem = problem.remedy(format!("close one of them, or try again in {LATER} s"));
        Self { retry_after: Some(LATER), ..problem }
    }

    /// Returns the refusal of a process with as many requests that wait for a change as may.
    pub(crate) fn waits_taken() -> Self {
        let detail = "as many requests wait for a change as may in this server";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_waits", detail);
        Self { retry_after: Some(5), ..problem.remedy("try again in 5 s") }
    }

    /// Returns the refusal of an owner or a provider whose requests that wait for a provider are as many as may.
    pub(crate) fn too_many_sends(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        Self { retry_after: Some(1), ..problem.remedy("try again in 1 s, and send fewer requests at once") }
    }

    /// Returns the refusal of a process with as many requests that wait for a provider as may.
    pub(crate) fn sends_taken() -> Self {
        let detail = "as many requests wait for providers as may in this server";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_sends", detail);
        Self { retry_after: Some(1), ..problem.remedy("try again in 1 s") }
    }

    /// Returns the refusal of an agent whose requests at doors are as many as may.
    pub(crate) fn too_many_of_agent(most: usize) -> Self {
        let detail = format!("{most} requests of this agent are being passed on");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
            .remedy("try again in 1 s, and send fewer requests at once")
            .retry_after(1)
    }

    /// Returns the refusal of a process whose doors pass on as many requests as they may.
    pub(crate) fn doors_taken() -> Self {
        let detail = "as many requests of agents are being passed on as may in this server";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_uses", detail).remedy("try again in 1 s").retry_after(1)
    }

    /// Returns the refusal of a process whose streams of live events are all taken.
    pub(crate) fn streams_taken() -> Self {
        let detail = "this server has as many streams of live events open as it may have";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", detail);
        // A stream lasts as long as its client wants, so there is no time after which one is free.
        problem.remedy("try again after another client has left")
    }

    pub(crate) fn not_allowed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not_allowed", detail)
    }

    /// Returns the refusal of a token that is not for the owner that the request names.
    pub(crate) fn other_owner() -> Self {
        let problem = Self::not_allowed("the token is for another owner");
        problem.remedy("use a token of that owner, or one for every owner")
    }
}

/// Returns the status that says who must act.
fn status(error: &Error) -> StatusCode {
    match error {
        Error::AccessToken(AccessTokenFault::TooMany { .. }) | Error::TooManySetups { .. } => StatusCode::CONFLICT,
        Error::AccessToken(AccessTokenFault::InvalidName)
        | Error::InvalidCursor(_)
        | Error::InvalidLabel
        | Error::InvalidOwner(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Agent(AgentError::InvalidExpiry | AgentError::InvalidName) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Extension(ExtensionError::InvalidPreference { .. } | ExtensionError::Undeclared { .. }) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Error::Rules(RuleError::Ambiguous { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Rules(RuleError::BudgetSpent { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Error::Rules(RuleError::TooManyApprovals { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Error::Extension(ExtensionError::NotGranted { .. })
        | Error::Agent(AgentError::NotGranted { .. })
        | Error::AccessToken(_)
        | Error::Denied { .. }
        | Error::Rules(_)
        | Error::Frozen { .. }
        | Error::Files(ServiceError::Denied)
        | Error::Row(_) => StatusCode::FORBIDDEN,
        Error::Files(ServiceError::NotFound)
        | Error::NotFound(_)
        | Error::UnknownKind(_)
        | Error::NoConnection(_)
        | Error::SessionNotFound(_)
        | Error::Agent(AgentError::Unknown(_))
        | Error::Approval(ApprovalError::Unknown(_))
        | Error::Extension(ExtensionError::Unknown(_) | ExtensionError::UnknownTicket { .. })
        | Error::Profile(ProfileError::NotFound { .. }) => StatusCode::NOT_FOUND,
        Error::Profile(ProfileError::Directory { .. } | ProfileError::DirectoryName { .. } | ProfileError::Slot(_))
        | Error::InvalidRequest(_)
        | Error::InvalidImport(_)
        | Error::InvalidTags(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Error::AccountConnected { .. }
        | Error::Agent(_)
        | Error::Approval(_)
        | Error::KindChanged { .. }
        | Error::LabelTaken { .. }
        | Error::NoPrevious { .. }
        | Error::NotRenewed { .. }
        | Error::RollbackRefused { .. }
        | Error::TermsOutdated { .. }
        | Error::WebhookDisabled { .. }
        | Error::WebhookKey { .. }
        | Error::Ambiguous { .. }
        | Error::Files(_)
        | Error::Extension(_)
        | Error::Profile(_) => StatusCode::CONFLICT,
        Error::RequestTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::NotSupported { .. } => StatusCode::NOT_IMPLEMENTED,
        Error::Http { .. } | Error::Undecodable { .. } => StatusCode::BAD_GATEWAY,
        Error::Closed | Error::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = status(&error);
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(%error, code = error.code(), "a request failed");
        }
        let detail = match &error {
            Error::Files(why) => format!("{error}: {why}"),
            _ => error.to_string(),
        };
        let mut problem = Self::new(status, error.code(), detail);
        problem.body.remedy = error.remedy();
        if let Error::NotRenewed { why, .. } = &error {
            problem.body.provider_text = why.reason.provider_text.as_ref().map(|words| words.as_str().to_owned());
        }
        // All lists have the same name for the position at which they begin.
        problem.body.field = matches!(error, Error::InvalidCursor(_)).then(|| "after".to_owned());
        problem
    }
}

impl From<AdvanceError> for Problem {
    fn from(error: AdvanceError) -> Self {
        let (code, detail, remedy) = (error.code(), error.to_string(), error.remedy());
        let (status, problems) = match error {
            AdvanceError::Error(error) => return error.into(),
            AdvanceError::Ended => (StatusCode::GONE, Vec::new()),
            AdvanceError::Invalid(problems) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
            _ => (StatusCode::CONFLICT, Vec::new()),
        };
        let mut problem = Self::new(status, code, detail);
        problem.body.remedy = remedy;
        problem.body.field = problems.first().map(|problem| problem.field.to_string());
        let body = |found: &Fault| FieldProblem { field: found.field.to_string(), message: found.problem.to_string() };
        problem.body.problems = problems.iter().map(body).collect();
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct with string keys is always JSON.
        let bytes = serde_json::to_vec(&self.body).unwrap_or_default();
        let mut response = (self.status, Body::from(bytes)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use connection_contract::Kind;

    use super::*;

    #[test]
    fn what_a_caller_can_resolve_is_no_failure_of_the_server() {
        let kind = Kind::from_static("acme");
        let key = Error::WebhookKey { kind, label: "work".to_owned(), why: "four keys are valid".into() };
        assert_eq!(status(&key), StatusCode::CONFLICT);
        assert_eq!(status(&Error::Files(ServiceError::TooLarge)), StatusCode::CONFLICT);
        assert_eq!(status(&Error::Files(ServiceError::NotFound)), StatusCode::NOT_FOUND);
    }
}
