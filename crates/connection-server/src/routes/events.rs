//! The record of events.

use axum::{extract::Path, http::StatusCode, response::Response};
use connection_core::{ConnectionId, EventId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::json,
    caller::{Caller, ToRead},
    problem::Problem,
    shapes::EventBody,
};

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventPage)]
struct EventPage {
    items: Vec<EventBody>,
    next: Option<String>,
    /// The first event that was changed outside of this program; `null` if none was, or if that was not checked.
    chain: Option<u64>,
}

/// Returns the events of all connections, oldest first. `connection` and `event` select among the events of a page.
#[utoipa::path(
    get,
    path = "/events",
    params(
        ("after" = Option<String>, Query),
        ("connection" = Option<String>, Query),
        ("event" = Option<String>, Query),
    ),
    responses((status = 200, body = EventPage))
)]
pub(super) async fn list(caller: Caller<ToRead>) -> Result<Response, Problem> {
    let query = &caller.query;
    let after = query.parsed("after", |text| text.parse::<EventId>().ok())?;
    let connection = query.parsed("connection", |text| text.parse::<ConnectionId>().ok())?;
    let page = caller.registry.events().list(after).await?;
    let wanted = page.events.iter().filter(|event| {
        connection.is_none_or(|connection| event.connection == connection)
            && query.get("event").is_none_or(|names| names.split(',').any(|name| event.name == name))
    });
    let items = wanted.map(EventBody::from).collect();
    let next = page.next.map(|id| id.to_string());
    Ok(json(StatusCode::OK, &EventPage { items, next, chain: None }))
}

/// Returns the events of one connection in the order of their numbers, checked for changes.
#[utoipa::path(
    get,
    path = "/connections/{id}/events",
    params(("id" = String, Path), ("after" = Option<u64>, Query)),
    responses((status = 200, body = EventPage))
)]
pub(super) async fn of_connection(caller: Caller<ToRead>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::no_connection())?;
    let after = caller.query.parsed("after", |text| text.parse::<u64>().ok())?;
    let history = caller.registry.events().history(id, after).await?;
    let items = history.events.iter().map(EventBody::from).collect();
    let next = history.next.map(|number| number.to_string());
    Ok(json(StatusCode::OK, &EventPage { items, next, chain: history.broken_at }))
}
