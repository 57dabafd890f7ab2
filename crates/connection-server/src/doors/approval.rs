//! Requests about which a person is asked: waiting for the answer, and what a client gets of it.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use connection_api::{Answer, ApprovalResult, Encoding, Header};
use connection_contract::encode;
use connection_core::{AgentApproval, AgentCaller, ApprovalId, ApprovalState, Audience, ConnectionRegistry, Door};
use serde_json::{Value, json};

use super::{
    Doors, checked, headers,
    places::Passage,
    refusal::{Outcome, Refusal},
    stored, token,
};
use crate::{body::json as answer_of, problem::Problem};

/// The header that names the approval to which an answer belongs.
pub(super) const APPROVAL: &str = "connections-approval";
/// The path below which an agent reads its approvals.
pub(super) const PATH: &str = "/use/approvals/";
/// The time for which a request waits for a person, if the client states none.
const USUAL_WAIT: Duration = Duration::from_secs(20);
/// The longest time for which a request waits.
const MAX_WAIT: u64 = 60;
/// The time after which a client is told to send its request again, in seconds.
const AGAIN: u64 = 5;

/// What a client prefers (RFC 7240).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preference {
    wait: Duration,
    is_async: bool,
}

impl Preference {
    /// Reads the preferences of a request.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let (mut wait, mut is_async) = (None, false);
        for preference in values.flat_map(|value| value.split(',')) {
            let preference = preference.split(';').next().unwrap_or_default().trim();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "respond-async" => is_async = true,
                "wait" => wait = wait.or_else(|| value.trim().trim_matches('"').parse::<u64>().ok()),
                _ => {}
            }
        }
        let usual = if is_async { Duration::ZERO } else { USUAL_WAIT };
        Self { wait: wait.map_or(usual, |wait| Duration::from_secs(wait.min(MAX_WAIT))), is_async }
    }
}

/// Waits for the answer of a person to a request, and returns what the client gets.
pub(super) async fn answered(
    doors: &Doors,
    registry: &ConnectionRegistry,
    caller: &AgentCaller,
    id: ApprovalId,
    preference: Preference,
    passage: Passage,
) -> Result<Response, Refusal> {
    let place = doors.places.wait(caller.agent().id());
    let wait = if place.is_some() { preference.wait } else { Duration::ZERO };
    let found = registry.for_agent(caller).approval(id, wait).await.map_err(Refusal::of(doors))?;
    drop(place);
    let is_over = !found.state.is_open();
    if found.state == ApprovalState::Answered
        && let Some(answer) = found.answer
    {
        let fetched = Fetched::new(registry, caller, id);
        return stored::response(answer, id, fetched, passage).await;
    }
    if is_over {
        registry.for_agent(caller).fetched(id).await.map_err(Refusal::of(doors))?;
    }
    match is_over || !preference.is_async {
        true => Ok(told(doors, &found)),
        false => {
            let mut accepted = answer_of(StatusCode::ACCEPTED, &result(&found));
            let headers = accepted.headers_mut();
            if let Ok(location) = HeaderValue::from_str(&address(doors, id)) {
                headers.insert(header::LOCATION, location);
            }
            headers.insert(header::RETRY_AFTER, AGAIN.into());
            headers.insert("preference-applied", HeaderValue::from_static("respond-async"));
            Ok(marked(accepted, id))
        }
    }
}

/// Marks the result as fetched, after the client has got it.
#[derive(Debug)]
pub(super) struct Fetched {
    registry: ConnectionRegistry,
    caller: AgentCaller,
    id: ApprovalId,
}

impl Fetched {
    pub(super) fn new(registry: &ConnectionRegistry, caller: &AgentCaller, id: ApprovalId) -> Self {
        Self { registry: registry.clone(), caller: caller.clone(), id }
    }

    pub(super) async fn done(self) {
        if let Err(error) = self.registry.for_agent(&self.caller).fetched(self.id).await {
            tracing::warn!(%error, approval = %self.id, "an answer that was fetched is not marked");
        }
    }
}

/// Returns the path at which the agent reads what became of a request, below the path of the server's address.
fn address(doors: &Doors, id: ApprovalId) -> String {
    format!("{}{PATH}{id}", doors.options.door_prefix())
}

/// Returns the answer to a request that has none of the provider.
fn told(doors: &Doors, found: &AgentApproval) -> Response {
    let shape = result(found);
    let unanswered = found.unanswered().unwrap_or_default();
    let (status, code, detail, remedy) = match found.state {
        ApprovalState::Refused => {
            let remedy = "do not send the request again as it is";
            (StatusCode::FORBIDDEN, "approval_refused", unanswered, remedy)
        }
        ApprovalState::Lapsed => {
            let remedy = "send the request again if it is still needed, which asks anew";
            (StatusCode::FORBIDDEN, "approval_lapsed", unanswered, remedy)
        }
        ApprovalState::Unknown | ApprovalState::Answered => {
            let remedy = "read from the provider what has happened before you send anything again";
            (StatusCode::BAD_GATEWAY, "approval_lost", unanswered, remedy)
        }
        _ => {
            let detail = format!("the rule '{}' asks a person about this request, who has not answered", found.rule);
            let detail = match (found.state, &found.code) {
                (ApprovalState::Waiting, _) => detail,
                (_, Some(code)) => format!("this request is approved and not sent yet: {code}"),
                (ApprovalState::Executing, None) => "this request is approved and its answer is awaited".to_owned(),
                (_, None) => "this request is approved and not sent yet".to_owned(),
            };
            let remedy = "send the same request again later, or read its state at the address in 'approval'";
            (StatusCode::FORBIDDEN, "approval_required", detail, remedy)
        }
    };
    let outcome = match found.state {
        ApprovalState::Refused | ApprovalState::Lapsed => Some(Outcome::Denied),
        ApprovalState::Unknown | ApprovalState::Answered => None,
        _ => Some(Outcome::Asked),
    };
    let mut problem = Problem::new(status, code, detail).remedy(remedy);
    if found.state.is_open() {
        problem = problem.retry_after(AGAIN);
    }
    let mut member = json!(shape);
    member["address"] = address(doors, found.id).into();
    let refusal = Refusal::with_member(problem, outcome, "approval", member);
    let response = match found.message.as_ref().and_then(|id| serde_json::from_str::<Value>(id).ok()) {
        Some(id) => {
            let message = for_message(&refusal.document(), &id);
            let mut response = answer_of(StatusCode::OK, &message);
            refusal.mark(response.headers_mut());
            response
        }
        None => refusal.into_response(),
    };
    marked(response, found.id)
}

/// Returns the error of JSON-RPC that stands for a problem.
fn for_message(problem: &Value, id: &Value) -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": id,
        // The range from -32000 on is for the errors of implementations (JSON-RPC 2.0, section 5.1).
        "error": { "code": -32003, "message": problem["message"], "data": problem },
    })
}

fn marked(mut response: Response, id: ApprovalId) -> Response {
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(APPROVAL, id);
    }
    response
}

/// Converts what became of a request.
fn result(found: &AgentApproval) -> ApprovalResult {
    let reason = match found.state {
        ApprovalState::Lapsed => found.lapse.map(|why| why.to_string()),
        _ => found.refusal.clone(),
    };
    ApprovalResult {
        id: found.id.to_string(),
        state: found.state.as_str().into(),
        rule: found.rule.clone(),
        reason,
        code: found.code.clone(),
        ends_at: found.ends_at.to_rfc3339(),
        answer: found.answer.as_ref().map(|answer| {
            let (body, encoding) = match String::from_utf8(answer.body.clone()) {
                Ok(text) => (text, Encoding::Utf8),
                Err(bytes) => (encode::base64(bytes.as_bytes()), Encoding::Base64),
            };
            // The same headers pass as at the door.
            let headers = headers::of_answer(&answer.headers);
            let header = |(name, value): (&HeaderName, &HeaderValue)| Header {
                name: name.to_string(),
                value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
            };
            let headers = headers.iter().map(header).collect();
            let (missing_scopes, askable_scopes) = (Vec::new(), Vec::new());
            Answer { status: answer.status, headers, body, encoding, missing_scopes, askable_scopes }
        }),
    }
}

/// Answers an agent that asks what became of a request: `GET /use/approvals/{id}`.
pub(super) async fn show(State(doors): State<Doors>, request: Request<Body>) -> Response {
    let shown = Box::pin(shown(&doors, request)).await;
    let mut response = shown.unwrap_or_else(|refusal| refusal.into_response());
    headers::protect(response.headers_mut());
    response
}

async fn shown(doors: &Doors, request: Request<Body>) -> Result<Response, Refusal> {
    checked(doors, &request)?;
    let (parts, _) = request.into_parts();
    let text = token::find(&parts)?;
    let caller = doors.caller(&text, Audience::Doors, Door::Reverse, &parts.extensions, None).await?;
    let _passage = doors.places.pass(caller.agent().id(), &parts.extensions).map_err(Refusal::busy)?;
    let place = doors.places.wait(caller.agent().id());
    let preference = Preference::of(&parts.headers);
    let stated = parts.headers.contains_key("prefer") && place.is_some();
    let wait = if stated { preference.wait } else { Duration::ZERO };
    let id = parts.uri.path().strip_prefix(PATH).and_then(|id| id.parse().ok());
    let id = id.ok_or_else(Refusal::no_approval)?;
    let registry = doors.registry.owner(caller.agent().owner_name()).map_err(Refusal::of(doors))?;
    let found = registry.for_agent(&caller).approval(id, wait).await.map_err(Refusal::of(doors))?;
    if !found.state.is_open() {
        registry.for_agent(&caller).fetched(id).await.map_err(Refusal::of(doors))?;
    }
    let mut response = answer_of(StatusCode::OK, &result(&found));
    if found.state.is_open() {
        response.headers_mut().insert(header::RETRY_AFTER, AGAIN.into());
    }
    Ok(marked(response, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_says_how_long_it_waits() {
        for (value, seconds, is_async) in [
            (None, 20, false),
            (Some("wait=3"), 3, false),
            (Some("wait=600"), 60, false),
            (Some("respond-async"), 0, true),
            (Some("respond-async, wait=10"), 10, true),
            (Some("return=minimal; foo=\"a\", WAIT = 7"), 7, false),
            (Some("wait=soon"), 20, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert("prefer", HeaderValue::from_static(value));
            }
            let preference = Preference { wait: Duration::from_secs(seconds), is_async };
            assert_eq!(Preference::of(&headers), preference, "{value:?}");
        }
    }
}
