//! The list of connections.

use axum::{extract::State, http::StatusCode, response::Response};
use connection_api::{ConnectionPage, ListState};
use connection_contract::Kind;

use crate::{
    Api,
    body::json,
    caller::{Caller, ToRead},
    openapi::parameters::{After, Limit},
    problem::Problem,
    view::{ListQuery, connection_list},
};

/// Returns a page of connections: those that need attention first, then by the provider and by the label.
#[utoipa::path(
    get,
    path = "/connections",
    params(
        ("search" = Option<String>, Query, description = "Words that the label, the account, the kind or a tag such as `plan=pro` contains."),
        ("kind" = Option<String>, Query),
        ("provider" = Option<String>, Query),
        ("state" = inline(Option<ListState>), Query),
        ("extension" = Option<String>, Query, description = "The extension to which a connection is granted."),
        ("tag" = Option<String>, Query, description = "A tag that a connection has, as in `plan=pro`."),
        Limit,
        After,
    ),
    responses((status = 200, body = ConnectionPage))
)]
pub(super) async fn list(State(api): State<Api>, caller: Caller<ToRead>) -> Result<Response, Problem> {
    let query = &caller.query;
    let tag = |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let wanted = ListQuery {
        search: query.get("search").map(str::to_owned),
        kind: query.parsed("kind", Kind::parse)?,
        provider: query.parsed("provider", Kind::parse)?,
        state: query.parsed("state", ListState::parse)?,
        extension: query.get("extension").map(str::to_owned),
        tag: query.parsed("tag", tag)?,
        after: query.after(),
        limit: u16::try_from(query.limit()?).unwrap_or(u16::MAX),
    };
    let page = connection_list(&caller.registry, &wanted, api.registry.clock().now()).await?;
    Ok(json(StatusCode::OK, &page))
}
