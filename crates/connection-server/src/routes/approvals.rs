//! Requests of agents about which a person is asked.

use axum::{http::StatusCode, response::Response};
use connection_api::{Approval, NewApproval, NewRefusal, Page, ShownApproval};
use connection_core::{ApprovalId, Door};

use crate::{
    approvals::{self, Answering},
    body::{Json, json},
    caller::{Caller, ToApprove},
    openapi::refusals::{Conflict, NotFound},
    path::Path,
    problem::Problem,
};

fn approval_id(text: &str) -> Result<ApprovalId, Problem> {
    let detail = "no approval has this id";
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "unknown_approval", detail);
    text.parse().map_err(|_| unknown().remedy("list the approvals to see their ids"))
}

/// Returns the requests of agents about which a person is asked: those that wait in the order in which a person judges
/// them, what cannot be undone first, then by agent and rule. All others follow, the newest first.
#[utoipa::path(
    get,
    path = "/approvals",
    params(
        ("state" = Option<String>, Query, description = "`open` for what waits or is being sent, or a state."),
        ("agent" = Option<String>, Query, description = "The name of an agent."),
        (
            "limit" = Option<u32>, Query, minimum = 1, maximum = 500,
            description = "The maximum number of approvals that are over, 50 by default.",
        ),
    ),
    responses((status = 200, body = Page<Approval>), NotFound)
)]
pub(super) async fn list(caller: Caller<ToApprove>) -> Result<Response, Problem> {
    let query = &caller.query;
    let no_state = |remedy| Problem::invalid("there is no such state").field("state").remedy(remedy);
    let (state, is_open) = approvals::states(query.given("state")).map_err(no_state)?;
    let limit = query.limit()? as usize;
    let items = approvals::list(&caller.registry, state, is_open, query.given("agent"), Some(limit)).await?;
    Ok(json(StatusCode::OK, &Page { items, next: None }))
}

/// Returns one of them with the whole request and everything by which a person judges it.
#[utoipa::path(
    get,
    path = "/approvals/{id}",
    params(("id" = String, Path)),
    responses((status = 200, body = ShownApproval), NotFound)
)]
pub(super) async fn show(caller: Caller<ToApprove>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &approvals::show(&caller.registry, approval_id(&id)?).await?))
}

/// Approves a request that was looked at. It is decided again, sent once, and its answer is kept for the agent. The answer
/// of this route is given when the provider has answered, or after ten seconds.
#[utoipa::path(
    post,
    path = "/approvals/{id}/approve",
    params(("id" = String, Path)),
    request_body = NewApproval,
    responses((status = 200, body = Approval), NotFound, Conflict)
)]
pub(super) async fn approve(
    caller: Caller<ToApprove>,
    Path(id): Path<String>,
    Json(new): Json<NewApproval>,
) -> Result<Response, Problem> {
    let of = |given: Option<u32>, most: u32| given.is_none_or(|given| (1..=most).contains(&given));
    if !of(new.minutes, 60) {
        return Err(Problem::invalid("a grant is widened for 1 to 60 minutes").field("minutes"));
    }
    if !of(new.requests, 100) {
        return Err(Problem::invalid("1 to 100 further requests may pass").field("requests"));
    }
    let answering = answering(&caller);
    let approved = approvals::approve(&caller.registry, approval_id(&id)?, &new, answering).await?;
    Ok(json(StatusCode::OK, &approved))
}

/// Refuses a request. The agent is told the reason.
#[utoipa::path(
    post,
    path = "/approvals/{id}/refuse",
    params(("id" = String, Path)),
    request_body = NewRefusal,
    responses((status = 200, body = Approval), NotFound, Conflict)
)]
pub(super) async fn refuse(
    caller: Caller<ToApprove>,
    Path(id): Path<String>,
    Json(new): Json<NewRefusal>,
) -> Result<Response, Problem> {
    let reason = new.reason.unwrap_or_default();
    let refused = approvals::refuse(&caller.registry, approval_id(&id)?, &reason, answering(&caller)).await?;
    Ok(json(StatusCode::OK, &refused))
}

fn answering(caller: &Caller<ToApprove>) -> Answering {
    let by = format!("token {} ({})", caller.token.name, caller.token.id);
    Answering::new(by, Door::Api, Some(caller.token.id))
}
