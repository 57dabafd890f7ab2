//! The usage of accounts: how much of each quota is used now, and how much was used before.

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{Page, Usage, UsageHistory, UsageRequest, UsageSeries};
use connection_contract::Timestamp;
use connection_core::{ConnectionId, ConnectionInfo, ConnectionRegistry, Error, Filter, Page as CorePage, UsagePoint};

use crate::{
    Api,
    body::{Json, json},
    caller::{Caller, ToRead, ToUse},
    convert,
    openapi::{
        parameters::{After, Limit},
        refusals::{NotFound, NotSupported},
    },
    path::Path,
    problem::Problem,
    view::{self, UsageSource},
};

/// The number of connections that are read at once.
const PAGE: u16 = 500;
/// The longest history, in days.
const MAX_DAYS: i64 = 90;
const USUAL_DAYS: i64 = 7;
/// The maximum number of points of a series. A longer history has the highest number of each part of it.
const MAX_POINTS: i64 = 300;
const DAY: i64 = 24 * 3600;

/// Returns the connections whose kind reports usage.
async fn reporting(registry: &ConnectionRegistry) -> Result<Vec<ConnectionInfo>, Error> {
    let mut found = Vec::new();
    for kind in registry.kinds().in_use().await?.into_iter().filter(|kind| kind.capabilities.usage) {
        let mut filter = Filter::new().kind(kind.descriptor.kind).limit(PAGE);
        loop {
            let page = registry.list_connections(filter.clone()).await?;
            found.extend(page.items);
            match page.next {
                Some(next) => filter = filter.after(next),
                None => break,
            }
        }
    }
    Ok(found)
}

/// Returns the usage of the accounts whose kind reports it, as any process has fetched it or a session has reported it, by
/// the id of the connection.
#[utoipa::path(
    get,
    path = "/usage",
    params(Limit, After),
    responses((status = 200, body = Page<Usage>))
)]
pub(super) async fn list(State(api): State<Api>, caller: Caller<ToRead>) -> Result<Response, Problem> {
    let limit = caller.query.limit()?;
    let infos = reporting(&caller.registry).await?;
    let page = CorePage::within(infos, caller.query.after().as_ref(), Some(limit), |info| info.id);
    let page = page.map_err(Error::from)?;
    let monitor = api.usage.owner(caller.registry.owner_name())?;
    let mut items = Vec::new();
    for info in &page.items {
        items.push(view::usage(&monitor, info, UsageSource::Known).await?);
    }
    Ok(json(StatusCode::OK, &Page { items, next: page.next.map(|next| next.to_string()) }))
}

/// Fetches the usage of an account now, or takes the report of a running session of the kind's tool. If the provider does
/// not answer, `error` has the reason, and the last good snapshot is in the answer. The answer to a report has its metrics
/// before the others that are known; its time windows are kept until they end.
#[utoipa::path(
    post,
    path = "/connections/{id}/usage",
    params(("id" = String, Path)),
    request_body = UsageRequest,
    responses((status = 200, body = Usage), NotFound, NotSupported)
)]
pub(super) async fn fetch(
    State(api): State<Api>,
    caller: Caller<ToUse>,
    Path(id): Path<String>,
    Json(UsageRequest { session }): Json<UsageRequest>,
) -> Result<Response, Problem> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::no_connection())?;
    let unreadable = || Problem::invalid("the document of a session cannot be read");
    let source = match session {
        Some(session) => UsageSource::Session(convert::session_tokens(session).ok_or_else(unreadable)?),
        None => UsageSource::Fetch,
    };
    let connection = caller.registry.connection(id).await?;
    let monitor = api.usage.owner(caller.registry.owner_name())?;
    Ok(json(StatusCode::OK, &view::usage(&monitor, connection.info(), source).await?))
}

/// Returns the usage of an account over the last days, 7 unless `days` says otherwise: of each metric at most 300 numbers.
#[utoipa::path(
    get,
    path = "/connections/{id}/usage",
    params(("id" = String, Path), ("days" = Option<u32>, Query, minimum = 1, maximum = 90)),
    responses((status = 200, body = UsageHistory), NotFound)
)]
pub(super) async fn history(
    State(api): State<Api>,
    caller: Caller<ToRead>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::no_connection())?;
    let is_fit = |days: &i64| (1..=MAX_DAYS).contains(days);
    let days = caller.query.parsed("days", |text| text.parse().ok().filter(is_fit))?.unwrap_or(USUAL_DAYS);
    let connection = caller.registry.connection(id).await?;
    let since = api.registry.clock().now().seconds() - days * DAY;
    let points = connection.usage_history(Timestamp::from_seconds(since)).await?;
    Ok(json(StatusCode::OK, &UsageHistory { series: series(points, days * DAY / MAX_POINTS) }))
}

/// Returns the points by metric. Of the points in each `part` seconds, the highest is kept, so that no peak is lost.
fn series(points: Vec<UsagePoint>, part: i64) -> Vec<UsageSeries> {
    let mut series: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
    for UsagePoint { metric, at, value, .. } in points {
        let points = series.entry(metric).or_default();
        let at = at.seconds();
        match points.last_mut() {
            Some((last, highest)) if last.div_euclid(part) == at.div_euclid(part) => {
                if value >= *highest {
                    (*last, *highest) = (at, value);
                }
            }
            _ => points.push((at, value)),
        }
    }
    series.into_iter().map(|(metric, points)| UsageSeries { metric, points }).collect()
}
