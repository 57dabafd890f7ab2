//! The refusals of requests that no route answers.

use axum::{
    Router,
    http::{Method, StatusCode, Uri},
    routing::any,
};

use crate::{Api, BASE, problem::Problem};

/// Adds the refusals of unknown paths below the base, and of methods that a route does not have. The router adds the header
/// `Allow` to the latter.
pub(crate) fn refused(routes: Router<Api>) -> Router<Api> {
    routes
        .route(BASE, any(no_route))
        .route(&format!("{BASE}/"), any(no_route))
        .route(&format!("{BASE}/{{*rest}}"), any(no_route))
        .method_not_allowed_fallback(no_method)
}

async fn no_route() -> Problem {
    let problem = Problem::new(StatusCode::NOT_FOUND, "route_not_found", "the API has no such path");
    problem.remedy(format!("see the paths in the OpenAPI document, {BASE}/openapi.json"))
}

async fn no_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not allow the method {method}", uri.path());
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    problem.remedy("use one of the methods in the header Allow")
}
