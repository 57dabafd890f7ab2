//! The record of events.

use std::collections::BTreeSet;

use axum::{http::StatusCode, response::Response};
use connection_api::{Chain, EventPage, Order};
use connection_core::{ConnectionId, ConnectionRegistry, Error, Event};

use crate::{
    body::json,
    caller::{Caller, ToRead},
    convert,
    openapi::{
        parameters::{After, Limit},
        refusals::NotFound,
    },
    path::Path,
    problem::Problem,
    query::Query,
};

/// The number of events that are read at once, and the number of such reads for a request.
const READ_AT_ONCE: u32 = 1000;
const MAX_PAGES: usize = 10;

/// The names of events that a request selects, in `event`, separated by commas.
fn is_selected(query: &Query, event: &Event) -> bool {
    query.get("event").is_none_or(|names| names.split(',').any(|name| event.name == name))
}

/// Returns the events of all connections, oldest first or newest first. They are checked for changes if the request asks
/// for it.
///
/// `connection` and `event` select among the 10,000 events from the position on, so that a page may have fewer elements
/// than `limit` and be followed by another one.
#[utoipa::path(
    get,
    path = "/events",
    params(
        ("order" = inline(Option<Order>), Query, description = "`oldest` is usual."),
        After,
        Limit,
        ("connection" = Option<String>, Query),
        ("event" = Option<String>, Query, description = "Names of events, separated by commas."),
        ("check" = Option<bool>, Query, description = "`true` checks all events of the owner, which reads all of them."),
    ),
    responses((status = 200, body = EventPage))
)]
pub(super) async fn list(caller: Caller<ToRead>) -> Result<Response, Problem> {
    let query = &caller.query;
    let newest = query.parsed("order", Order::parse)? == Some(Order::Newest);
    let mut position = query.after();
    let limit = query.limit()? as usize;
    let connection = query.parsed("connection", |text| text.parse::<ConnectionId>().ok())?;
    let is_wanted =
        |event: &Event| connection.is_none_or(|connection| event.connection == connection) && is_selected(query, event);
    let is_checked = query.parsed("check", |word| word.parse::<bool>().ok())?.unwrap_or(false);
    let events = caller.registry.events();
    let mut items = Vec::new();
    let mut next = None;
    for _ in 0..MAX_PAGES {
        let page = if newest {
            events.newest(position.clone(), READ_AT_ONCE).await?
        } else {
            events.list(position.clone()).await?
        };
        let is_last = page.next.is_none();
        let mut rest = page.items.into_iter();
        for event in rest.by_ref() {
            position = Some(event.cursor());
            if is_wanted(&event) {
                items.push(convert::event(&event));
            }
            if items.len() == limit {
                break;
            }
        }
        let is_end = is_last && rest.next().is_none();
        next = position.as_ref().filter(|_| !is_end).map(ToString::to_string);
        if is_end || items.len() == limit {
            break;
        }
    }
    let chain = if is_checked { Some(chain(is_whole(&caller.registry).await?)) } else { None };
    Ok(json(StatusCode::OK, &EventPage { items, next, chain, broken_at: None }))
}

fn chain(is_whole: bool) -> Chain {
    if is_whole { Chain::Whole } else { Chain::Broken }
}

/// Returns `true` if no event of the owner's connections was changed outside of this program, also of those that were
/// removed.
async fn is_whole(registry: &ConnectionRegistry) -> Result<bool, Error> {
    let mut connections = BTreeSet::new();
    let mut position = None;
    loop {
        let page = registry.events().list(position).await?;
        connections.extend(page.items.iter().map(|event| event.connection));
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    for connection in connections {
        let mut after = None;
        loop {
            let history = registry.events().history(connection, after).await?;
            if history.broken_at.is_some() {
                return Ok(false);
            }
            after = history.page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(true)
}

/// Returns the events of one connection, newest first. All of them are checked for changes.
#[utoipa::path(
    get,
    path = "/connections/{id}/events",
    params(
        ("id" = String, Path),
        ("after" = Option<u64>, Query, description = "The number of an event: those before it follow."),
        Limit,
        ("event" = Option<String>, Query, description = "Names of events, separated by commas."),
    ),
    responses((status = 200, body = EventPage), NotFound)
)]
pub(super) async fn of_connection(caller: Caller<ToRead>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::no_connection())?;
    let query = &caller.query;
    let after = query.number("after")?;
    let limit = query.limit()? as usize;
    // A change is found only if the record is followed from its beginning.
    let mut recorded = caller.registry.events().history(id, None).await?;
    let mut events = recorded.page.items;
    let mut broken_at = recorded.broken_at;
    while let Some(next) = recorded.page.next {
        recorded = caller.registry.events().history(id, Some(next)).await?;
        broken_at = broken_at.or(recorded.broken_at);
        events.append(&mut recorded.page.items);
    }
    let is_wanted = |event: &&Event| after.is_none_or(|after| event.number < after) && is_selected(query, event);
    let mut wanted = events.iter().rev().filter(is_wanted);
    let page: Vec<&Event> = wanted.by_ref().take(limit).collect();
    let next = page.last().filter(|_| wanted.next().is_some()).map(|event| event.number.to_string());
    let chain = Some(chain(broken_at.is_none()));
    let items = page.into_iter().map(convert::event).collect();
    Ok(json(StatusCode::OK, &EventPage { items, next, chain, broken_at }))
}
