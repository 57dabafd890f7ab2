//! The files below the directories that a person granted to a connection.

use axum::{http::StatusCode, response::Response};
use connection_api::{File, FileContent, Page};
use connection_contract::{FileStat, FileType, GrantedDirectory};
use connection_core::Files;

use crate::{
    body::json,
    caller::{Caller, ToUse},
    convert,
    openapi::refusals::{Conflict, NotFound, NotSupported},
    path::Path,
    problem::Problem,
    query::Query,
};

/// The maximum size of a file that is read, in bytes.
const MAX_FILE: usize = 16 * 1024 * 1024;

async fn files(caller: &Caller<ToUse>, id: &str) -> Result<Files, Problem> {
    let id = id.parse().map_err(|_| Problem::no_connection())?;
    Ok(caller.registry.connection(id).await?.files().await?)
}

/// Returns the granted directory that a request names; `None` if it names none.
fn root<'f>(files: &'f Files, query: &Query) -> Result<Option<&'f GrantedDirectory>, Problem> {
    let Some(named) = query.get("root") else { return Ok(None) };
    let unknown = || {
        let problem = Problem::new(StatusCode::NOT_FOUND, "file_not_found", "there is no such granted directory");
        problem.remedy("list the files without 'root' to see the granted directories").field("root")
    };
    files.roots().iter().find(|root| root.as_str() == named).map(Some).ok_or_else(unknown)
}

/// Lists a directory: the granted ones, or the one at `path` below the granted directory `root`.
#[utoipa::path(
    get,
    path = "/connections/{id}/files",
    params(("id" = String, Path), ("root" = Option<String>, Query), ("path" = Option<String>, Query)),
    responses((status = 200, body = Page<File>), NotFound, Conflict, NotSupported)
)]
pub(super) async fn list(caller: Caller<ToUse>, Path(id): Path<String>) -> Result<Response, Problem> {
    let files = files(&caller, &id).await?;
    let path = caller.query.get("path").unwrap_or_default();
    let entries = match root(&files, &caller.query)? {
        Some(root) => files.list(root, path).await?,
        None => files.roots().iter().map(|root| FileStat::new(root.as_str(), FileType::Directory)).collect(),
    };
    Ok(json(StatusCode::OK, &Page { items: entries.iter().map(convert::file).collect(), next: None }))
}

/// Returns the content of the file at `path` below the granted directory `root`. A file has at most 16 MiB.
#[utoipa::path(
    get,
    path = "/connections/{id}/files/content",
    params(("id" = String, Path), ("root" = String, Query), ("path" = String, Query)),
    responses((status = 200, body = FileContent), NotFound, Conflict, NotSupported)
)]
pub(super) async fn content(caller: Caller<ToUse>, Path(id): Path<String>) -> Result<Response, Problem> {
    let files = files(&caller, &id).await?;
    let missing = |name: &'static str| Problem::invalid(format!("the parameter '{name}' is missing")).field(name);
    let root = root(&files, &caller.query)?.ok_or_else(|| missing("root"))?;
    let path = caller.query.get("path").ok_or_else(|| missing("path"))?;
    let bytes = files.read(root, path, MAX_FILE).await?;
    Ok(json(StatusCode::OK, &convert::file_content(bytes.expose().to_vec())))
}
