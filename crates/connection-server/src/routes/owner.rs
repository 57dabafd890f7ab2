//! The owner for whom a caller acts, and the name by which people know the owner.

use axum::{http::StatusCode, response::Response};
use connection_api::{Owner, OwnerName};
use connection_contract::DisplayText;
use connection_core::ConnectionRegistry;

use crate::{
    body::{Json, json},
    caller::{Caller, ToAdminister, ToRead},
    problem::Problem,
};

async fn shown(registry: &ConnectionRegistry) -> Result<Response, Problem> {
    let name = registry.display_name().await?.map(|name| name.to_string());
    Ok(json(StatusCode::OK, &Owner { owner: registry.owner_name().to_owned(), name }))
}

/// Returns the owner, and the name by which people know it.
#[utoipa::path(get, path = "/owner", responses((status = 200, body = Owner)))]
pub(super) async fn show(caller: Caller<ToRead>) -> Result<Response, Problem> {
    shown(&caller.registry).await
}

/// Sets the name by which people know the owner. Somebody who could choose it could pretend to be somebody else, so this
/// needs the role `admin`.
#[utoipa::path(put, path = "/owner", request_body = OwnerName, responses((status = 200, body = Owner)))]
pub(super) async fn set_name(caller: Caller<ToAdminister>, Json(body): Json<OwnerName>) -> Result<Response, Problem> {
    let name = body.name.map(DisplayText::from);
    if name.as_ref().is_some_and(|name| name.as_str().trim().is_empty()) {
        return Err(Problem::invalid("the name has no visible character").field("name"));
    }
    caller.registry.set_display_name(name).await?;
    shown(&caller.registry).await
}
