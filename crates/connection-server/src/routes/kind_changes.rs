//! Kinds that changed since accounts were connected, and the acceptance of a change.

use axum::{http::StatusCode, response::Response};
use connection_contract::Kind;
use connection_core::{ConnectionRegistry, KindChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::kinds::unknown;
use crate::{
    body::{Json, json, tag},
    caller::{Caller, ToManage, ToRead},
    openapi::refusals::{Changed, Conflict, NotFound},
    path::Path,
    problem::Problem,
    shapes::KindChangeBody,
};

/// The changes of a kind since accounts were connected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KindChanges)]
struct ChangesBody {
    kind: String,
    /// The number of connections that wait for a change to be accepted, or that a change was accepted for.
    connections: u64,
    changes: Vec<KindChangeBody>,
    /// The text to send with an acceptance of these changes.
    seen: String,
}

/// The acceptance of changes that a person has seen.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = AcceptKind)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptBody {
    /// The text that came with the changes that a person has seen.
    seen: String,
}

impl ChangesBody {
    fn of(kind: &Kind, changes: &[KindChange]) -> Self {
        let shown: Vec<_> = changes.iter().map(KindChangeBody::from).collect();
        let connections = changes.iter().map(|change| change.connections).sum();
        // The whole texts count, so that a change in the order of their lines is another one, too.
        let seen = tag(&changes.iter().map(|change| (&change.before, &change.now)).collect::<Vec<_>>());
        Self { kind: kind.to_string(), connections, changes: shown, seen }
    }
}

async fn changed(registry: &ConnectionRegistry, kind: &str) -> Result<(Kind, Vec<KindChange>), Problem> {
    let kind = Kind::parse(kind).ok_or_else(unknown)?;
    if registry.kinds().find(&kind).await?.is_none() {
        return Err(unknown());
    }
    let mut changes = registry.kinds().changed().await?;
    changes.retain(|change| change.kind == kind);
    Ok((kind, changes))
}

/// Returns how a kind changed since accounts were connected. Their connections are not used until the change is accepted.
#[utoipa::path(
    get,
    path = "/kinds/{kind}/accept",
    params(("kind" = String, Path)),
    responses((status = 200, body = ChangesBody), NotFound)
)]
pub(super) async fn show(caller: Caller<ToRead>, Path(kind): Path<String>) -> Result<Response, Problem> {
    let (kind, changes) = changed(&caller.registry, &kind).await?;
    Ok(json(StatusCode::OK, &ChangesBody::of(&kind, &changes)))
}

/// Accepts the changes that a person has seen.
#[utoipa::path(
    post,
    path = "/kinds/{kind}/accept",
    params(("kind" = String, Path)),
    request_body = AcceptBody,
    responses((status = 200, body = ChangesBody), NotFound, Conflict, Changed)
)]
pub(super) async fn accept(
    caller: Caller<ToManage>,
    Path(kind): Path<String>,
    Json(body): Json<AcceptBody>,
) -> Result<Response, Problem> {
    let (kind, changes) = changed(&caller.registry, &kind).await?;
    let shown = ChangesBody::of(&kind, &changes);
    if shown.seen != body.seen {
        let problem = Problem::new(StatusCode::PRECONDITION_FAILED, "revision_changed", "the kind has changed again");
        return Err(problem.remedy("read the changes again, then decide again"));
    }
    let mut connections = 0;
    for change in &changes {
        connections += caller.registry.kinds().accept(change).await?;
    }
    Ok(json(StatusCode::OK, &ChangesBody { connections, ..shown }))
}
