//! The events that could not be delivered to the operator.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{Empty, EventDelivery, Page};
use connection_core::EventId;

use crate::{
    Api,
    body::{Json, json},
    caller::{Caller, ToManage},
    convert,
    openapi::{
        parameters::{After, Limit},
        refusals::NotFound,
    },
    path::Path,
    problem::Problem,
};

/// Returns the owner whose events the caller sees. A token without an owner sees those of all owners, unless the request
/// names one.
fn owner(caller: &Caller<ToManage>) -> Option<&str> {
    caller.token.owner.as_deref().or_else(|| caller.query.get("owner"))
}

/// Returns the events that were not delivered to the operator, newest first, for at most 30 days.
#[utoipa::path(
    get,
    path = "/deliveries",
    params(Limit, After),
    responses((status = 200, body = Page<EventDelivery>))
)]
pub(super) async fn list(State(api): State<Api>, caller: Caller<ToManage>) -> Result<Response, Problem> {
    let limit = caller.query.limit()?;
    let found = api.registry.outgoing_events().undelivered(owner(&caller), caller.query.after(), limit).await?;
    let items = found.items.iter().map(convert::event_delivery).collect();
    Ok(json(StatusCode::OK, &Page { items, next: found.next.map(|next| next.to_string()) }))
}

/// Sends an event again that was not delivered, now and with all its attempts.
#[utoipa::path(
    post,
    path = "/deliveries/{id}/retry",
    params(("id" = String, Path)),
    request_body = Empty,
    responses((status = 200, body = EventDelivery), NotFound)
)]
pub(super) async fn retry(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    Json(Empty {}): Json<Empty>,
) -> Result<Response, Problem> {
    let unknown = || {
        let problem = "there is no such event that was not delivered";
        Problem::new(StatusCode::NOT_FOUND, "delivery_not_found", problem)
    };
    let id: EventId = id.parse().map_err(|_| unknown())?;
    let event = api.registry.outgoing_events().retry(id, owner(&caller)).await?.ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &convert::event_delivery(&event)))
}
