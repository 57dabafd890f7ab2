//! The record of events.

use axum::{extract::Path, http::StatusCode, response::Response};
use connection_core::{ConnectionId, Event, EventId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    body::json,
    caller::{Caller, ToRead},
    problem::Problem,
    query::Query,
    shapes::EventBody,
};

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventPage)]
#[serde(rename_all = "camelCase")]
struct EventPage {
    items: Vec<EventBody>,
    next: Option<String>,
    /// `whole` if no event was changed outside of this program, `broken` if one was; `null` if that was not checked.
    chain: Option<&'static str>,
    /// The number of the first event that was changed outside of this program.
    broken_at: Option<u64>,
}

/// The names of events that a request selects, in `event`, separated by commas.
fn is_selected(query: &Query, event: &Event) -> bool {
    query.get("event").is_none_or(|names| names.split(',').any(|name| event.name == name))
}

/// Returns the events of all connections, oldest first. `connection` and `event` select among the events of a page.
#[utoipa::path(
    get,
    path = "/events",
    params(
        ("after" = Option<String>, Query),
        ("connection" = Option<String>, Query),
        ("event" = Option<String>, Query, description = "Names of events, separated by commas."),
    ),
    responses((status = 200, body = EventPage))
)]
pub(super) async fn list(caller: Caller<ToRead>) -> Result<Response, Problem> {
    let query = &caller.query;
    let after = query.parsed("after", |text| text.parse::<EventId>().ok())?;
    let connection = query.parsed("connection", |text| text.parse::<ConnectionId>().ok())?;
    let page = caller.registry.events().list(after).await?;
    let is_wanted = |event: &&Event| {
        connection.is_none_or(|connection| event.connection == connection) && is_selected(query, event)
    };
    let items = page.events.iter().filter(is_wanted).map(EventBody::from).collect();
    let next = page.next.map(|id| id.to_string());
    Ok(json(StatusCode::OK, &EventPage { items, next, chain: None, broken_at: None }))
}

/// Returns the events of one connection, newest first. All of them are checked for changes.
#[utoipa::path(
    get,
    path = "/connections/{id}/events",
    params(
        ("id" = String, Path),
        ("after" = Option<u64>, Query, description = "The number of an event: those before it follow."),
        ("limit" = Option<u32>, Query),
        ("event" = Option<String>, Query, description = "Names of events, separated by commas."),
    ),
    responses((status = 200, body = EventPage))
)]
pub(super) async fn of_connection(caller: Caller<ToRead>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::no_connection())?;
    let query = &caller.query;
    let after = query.parsed("after", |text| text.parse::<u64>().ok())?;
    let limit = query.limit()? as usize;
    // A change is found only if the record is followed from its beginning.
    let mut recorded = caller.registry.events().history(id, None).await?;
    let mut events = recorded.events;
    let mut broken_at = recorded.broken_at;
    while let Some(next) = recorded.next {
        recorded = caller.registry.events().history(id, Some(next)).await?;
        broken_at = broken_at.or(recorded.broken_at);
        events.append(&mut recorded.events);
    }
    let is_wanted = |event: &&Event| after.is_none_or(|after| event.number < after) && is_selected(query, event);
    let mut wanted = events.iter().rev().filter(is_wanted);
    let page: Vec<&Event> = wanted.by_ref().take(limit).collect();
    let next = page.last().filter(|_| wanted.next().is_some()).map(|event| event.number.to_string());
    let chain = Some(if broken_at.is_some() { "broken" } else { "whole" });
    let items = page.into_iter().map(EventBody::from).collect();
    Ok(json(StatusCode::OK, &EventPage { items, next, chain, broken_at }))
}
