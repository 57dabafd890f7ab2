//! Kinds that changed since accounts were connected, and the acceptance of a change.

use axum::{http::StatusCode, response::Response};
use connection_api::{AcceptKind, KindChanges};
use connection_contract::Kind;
use connection_core::{ConnectionRegistry, KindChange};

use super::kinds::unknown;
use crate::{
    body::{Json, json},
    caller::{Caller, ToManage, ToRead},
    openapi::refusals::{Changed, Conflict, NotFound},
    path::Path,
    problem::Problem,
    view,
};

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
    responses((status = 200, body = KindChanges), NotFound)
)]
pub(super) async fn show(caller: Caller<ToRead>, Path(kind): Path<String>) -> Result<Response, Problem> {
    let (kind, changes) = changed(&caller.registry, &kind).await?;
    Ok(json(StatusCode::OK, &view::kind_changes(&kind, &changes)))
}

/// Accepts the changes that a person has seen.
#[utoipa::path(
    post,
    path = "/kinds/{kind}/accept",
    params(("kind" = String, Path)),
    request_body = AcceptKind,
    responses((status = 200, body = KindChanges), NotFound, Conflict, Changed)
)]
pub(super) async fn accept(
    caller: Caller<ToManage>,
    Path(kind): Path<String>,
    Json(body): Json<AcceptKind>,
) -> Result<Response, Problem> {
    let (kind, changes) = changed(&caller.registry, &kind).await?;
    let shown = view::kind_changes(&kind, &changes);
    if shown.seen != body.seen {
        let problem = Problem::new(StatusCode::PRECONDITION_FAILED, "revision_changed", "the kind has changed again");
        return Err(problem.remedy("read the changes again, then decide again"));
    }
    let mut connections = 0;
    for change in &changes {
        connections += caller.registry.kinds().accept(change).await?;
    }
    Ok(json(StatusCode::OK, &KindChanges { connections, ..shown }))
}
