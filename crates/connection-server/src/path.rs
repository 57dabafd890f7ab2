//! The parts of the path of a request.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;

use crate::{Api, problem::Problem};

/// The parameters of a route, from the path of the request.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let read = axum::extract::Path::from_request_parts(parts, api).await;
        // Every parameter is a text, so the only fault is a text that is not UTF-8.
        read.map(|axum::extract::Path(read)| Self(read)).map_err(|_| Problem::invalid("the path is not valid UTF-8"))
    }
}
