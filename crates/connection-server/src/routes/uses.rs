//! The record of use: pages of it, one use, and the erasure of texts.

use axum::{http::StatusCode, response::Response};
use connection_api::{EraseUses, ErasedUses, Use, UsePage};
use connection_contract::Timestamp;
use connection_core::{ConnectionId, UseFilter, UseId, UseOutcome};

use crate::{
    body::{Json, json},
    caller::{Caller, ToAdminister, ToRead},
    convert,
    openapi::{
        parameters::{After, Limit},
        refusals::NotFound,
    },
    path::Path,
    problem::Problem,
    view,
};

/// The word for uses without a recorded end.
const UNKNOWN: &str = "unknown";

/// Returns uses of connections, newest first: requests that were sent, refused or asked about, and secrets that were
/// handed out.
///
/// A filter that leaves out most uses may make a page short although it is followed by another one.
#[utoipa::path(
    get,
    path = "/uses",
    params(
        After,
        Limit,
        ("grantee" = Option<String>, Query, description = "`agent:NAME`, `agent:ID` or `extension:NAME`."),
        ("connection" = Option<String>, Query, description = "The id of a connection, which may have been removed."),
        ("token" = Option<String>, Query, description = "The id of the token of the program that asked."),
        ("rule" = Option<String>, Query, description = "The name of the rule that decided."),
        ("outcome" = Option<String>, Query, description = "An outcome, or `unknown` for uses without a recorded end."),
        ("from" = Option<String>, Query, description = "A time (RFC 3339): uses that began then or later."),
        ("until" = Option<String>, Query, description = "A time (RFC 3339): uses that began before."),
    ),
    responses((status = 200, body = UsePage), NotFound)
)]
pub(super) async fn list(caller: Caller<ToRead>) -> Result<Response, Problem> {
    let query = &caller.query;
    let before = query.after();
    let limit = query.limit()?;
    let mut filter = UseFilter::new();
    if let Some(text) = query.given("grantee") {
        let grantee = view::grantee(&caller.registry, text).await?;
        let remedy = "name `agent:NAME`, `agent:ID` or `extension:NAME`";
        let invalid = || Problem::invalid("the parameter 'grantee' is not valid").field("grantee").remedy(remedy);
        filter = filter.grantee(&grantee.ok_or_else(invalid)?);
    }
    if let Some(connection) = query.parsed("connection", |text| text.parse::<ConnectionId>().ok())? {
        filter = filter.connection(connection);
    }
    if let Some(token) = query.parsed("token", |text| text.parse().ok())? {
        filter = filter.token(token);
    }
    if let Some(rule) = query.get("rule") {
        filter = filter.rule(rule);
    }
    let outcome = |text: &str| match text {
        UNKNOWN => Some(None),
        text => UseOutcome::parse(text).map(Some),
    };
    if let Some(outcome) = query.parsed("outcome", outcome)? {
        filter = filter.outcome(outcome);
    }
    if let Some(from) = query.parsed("from", Timestamp::parse_rfc3339)? {
        filter = filter.from(from);
    }
    if let Some(until) = query.parsed("until", Timestamp::parse_rfc3339)? {
        filter = filter.until(until);
    }
    Ok(json(StatusCode::OK, &view::uses(&caller.registry, filter, before, limit).await?))
}

/// Returns one use.
#[utoipa::path(
    get,
    path = "/uses/{id}",
    params(("id" = String, Path)),
    responses((status = 200, body = Use), NotFound)
)]
pub(super) async fn show(caller: Caller<ToRead>, Path(id): Path<String>) -> Result<Response, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such use, or its text was erased");
    let id: UseId = id.parse().map_err(|_| unknown())?;
    let found = caller.registry.uses().get(id).await?.ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &convert::of_use(&found)))
}

/// Erases the texts of the owner's entries from before a time. Their numbers and commitments stay.
#[utoipa::path(
    post,
    path = "/uses/erase",
    request_body = EraseUses,
    responses((status = 200, body = ErasedUses))
)]
pub(super) async fn erase(caller: Caller<ToAdminister>, Json(body): Json<EraseUses>) -> Result<Response, Problem> {
    let before = Timestamp::parse_rfc3339(&body.before);
    let before = before.ok_or_else(|| Problem::invalid("'before' is not a time in RFC 3339").field("before"))?;
    let erased = caller.registry.uses().erase(before).await?;
    Ok(json(StatusCode::OK, &ErasedUses { erased }))
}
