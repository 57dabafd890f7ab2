//! The refusals of a door: problem documents that also have the members that the clients of providers show.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use connection_api::Problem as ProblemShape;
use connection_contract::Timestamp;
use connection_core::{AgentError, Error, RuleError};
use serde_json::{Value, json};

use super::Doors;
use crate::problem::Problem;

const OUTCOME: HeaderName = HeaderName::from_static("connections-outcome");

/// The outcome of a request that was not passed on, as the header `Connections-Outcome` says it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Ambiguous,
    Asked,
    Budget,
    Denied,
    Frozen,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::Asked => "asked",
            Self::Budget => "budget",
            Self::Denied => "denied",
            Self::Frozen => "frozen",
        }
    }
}

/// A refusal of the door itself. Without an outcome, the request was not decided, or the provider did not answer.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: Problem,
    outcome: Option<Outcome>,
    /// A further member of the problem document.
    member: Option<(&'static str, Value)>,
}

impl Refusal {
    pub(super) fn new(problem: Problem, outcome: Outcome) -> Self {
        Self { problem, outcome: Some(outcome), member: None }
    }

    /// Returns a refusal whose document has a further member.
    pub(super) fn with_member(problem: Problem, outcome: Option<Outcome>, name: &'static str, member: Value) -> Self {
        Self { problem, outcome, member: Some((name, member)) }
    }

    fn without_outcome(problem: Problem) -> Self {
        Self { problem, outcome: None, member: None }
    }

    /// Returns the refusal of a request for which there is no place.
    pub(super) fn busy(problem: Problem) -> Self {
        Self::without_outcome(problem)
    }

    /// Returns the refusal for an id that is not one of an approval of the agent.
    pub(super) fn no_approval() -> Self {
        let problem = Problem::new(StatusCode::NOT_FOUND, "unknown_approval", "this agent has no such approval");
        Self::without_outcome(problem.remedy("use the id of the answer to the request"))
    }

    /// Returns the refusal for a connection that is not granted, whether it exists or not.
    pub(super) fn not_granted() -> Self {
        let detail = "no such connection is granted to this agent";
        let problem = Problem::new(StatusCode::NOT_FOUND, "not_granted", detail);
        let remedy = "grant the connection to the agent, and name it by its id or as KIND:LABEL";
        Self::new(problem.remedy(remedy), Outcome::Denied)
    }

    /// Returns the refusal for the name of a connection that can be read in two ways.
    pub(super) fn ambiguous_name() -> Self {
        let detail = "the name of the connection is also a label with '@' in it";
        let problem = Problem::new(StatusCode::BAD_REQUEST, "ambiguous_request", detail);
        let remedy = "name the connection by its id, or write the '@' of the label as %40";
        Self::new(problem.remedy(remedy), Outcome::Ambiguous)
    }

    /// Returns the refusal for an answer that is not one of HTTP.
    pub(super) fn unusable(status: u16) -> Self {
        let detail = format!("the provider answered with the status {status}, which cannot be passed on");
        Self::without_outcome(Problem::new(StatusCode::BAD_GATEWAY, "http", detail))
    }

    /// Returns the function that makes an error of the core a refusal.
    pub(super) fn of(doors: &Doors) -> impl Fn(Error) -> Self {
        let now = doors.registry.clock().now();
        move |error| Self::at(error, now)
    }

    fn at(error: Error, now: Timestamp) -> Self {
        let outcome = match &error {
            Error::Agent(AgentError::NotGranted { .. }) | Error::NotFound(_) => return Self::not_granted(),
            Error::Rules(RuleError::Asks { .. }) => Outcome::Asked,
            Error::Rules(RuleError::BudgetSpent { .. }) => {
                return Self::new(Problem::not_sent(error, now), Outcome::Budget);
            }
            Error::Frozen { .. } => Outcome::Frozen,
            Error::Agent(AgentError::TokenEnded(_) | AgentError::Unknown(_)) => {
                return Self::new(Problem::from(error).with_status(StatusCode::UNAUTHORIZED), Outcome::Denied);
            }
            Error::Agent(_) => {
                return Self::new(Problem::from(error).with_status(StatusCode::FORBIDDEN), Outcome::Denied);
            }
            Error::Rules(RuleError::Ambiguous { .. }) => {
                return Self::new(Problem::from(error).with_status(StatusCode::BAD_REQUEST), Outcome::Ambiguous);
            }
            Error::InvalidRequest(_) => {
                return Self::new(Problem::from(error).with_status(StatusCode::BAD_REQUEST), Outcome::Denied);
            }
            Error::Rules(_) | Error::Denied { .. } | Error::Row(_) => Outcome::Denied,
            Error::Approval(_) => return Self::no_approval(),
            _ => return Self::without_outcome(error.into()),
        };
        Self::new(error.into(), outcome)
    }
}

impl Refusal {
    /// Adds the outcome to the headers of an answer that has another form.
    pub(super) fn mark(&self, headers: &mut HeaderMap) {
        mark(self.outcome, headers);
    }

    /// Returns the problem.
    pub(super) fn shape(&self) -> &ProblemShape {
        self.problem.shape()
    }

    /// Returns the problem document.
    pub(super) fn document(&self) -> Value {
        let shape = self.shape();
        let message = match &shape.remedy {
            Some(remedy) => format!("{}; {remedy}", shape.detail),
            None => shape.detail.clone(),
        };
        let mut body = json!(shape);
        body["error"] = json!({ "message": message, "code": shape.code, "type": "connections" });
        body["message"] = message.into();
        if let Some((name, member)) = &self.member {
            body[name] = member.clone();
        }
        body
    }
}

fn mark(outcome: Option<Outcome>, headers: &mut HeaderMap) {
    if let Some(outcome) = outcome {
        headers.insert(OUTCOME, HeaderValue::from_static(outcome.as_str()));
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = self.document();
        let outcome = self.outcome;
        let mut response = self.problem.into_response();
        *response.body_mut() = Body::from(body.to_string());
        mark(outcome, response.headers_mut());
        response
    }
}
