//! The program and the database of the host.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Api,
    body::json,
    caller::{Caller, ToManage},
    problem::Problem,
};

/// The program and its database.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = System)]
#[serde(rename_all = "camelCase")]
struct SystemBody {
    version: Option<String>,
    /// The name of the database, without a password.
    database: String,
    /// `true` if the database can be read.
    healthy: bool,
    public_url: Option<String>,
    started_at: String,
}

/// Returns the version of the program, its database and its public address.
#[utoipa::path(get, path = "/system", responses((status = 200, body = SystemBody)))]
pub(super) async fn system(State(api): State<Api>, _: Caller<ToManage>) -> Result<Response, Problem> {
    let server = api.registry.server();
    let body = SystemBody {
        version: api.options.version.clone(),
        database: server.store_name(),
        healthy: server.health().await,
        public_url: api.options.public_url.clone(),
        started_at: api.started_at.to_rfc3339(),
    };
    Ok(json(StatusCode::OK, &body))
}
