//! The query of a request.

use axum::http::Uri;
use connection_contract::encode;

use crate::problem::Problem;

/// The number of elements of a page if the request names none, and the maximum.
const USUAL_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// The names and values in the query.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &Uri) -> Self {
        Self(uri.query().map(encode::from_form).unwrap_or_default())
    }

    /// Returns the value of a name that has one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns a parsed value.
    pub(crate) fn parsed<T>(&self, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let invalid = || Problem::invalid(format!("the parameter '{name}' is not valid")).field(name);
        self.get(name).map(|value| parse(value).ok_or_else(invalid)).transpose()
    }

    /// Returns the number of elements of a page.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        let limit = self.parsed("limit", |text| text.parse::<u32>().ok().filter(|limit| *limit > 0))?;
        Ok(limit.unwrap_or(USUAL_LIMIT).min(MAX_LIMIT))
    }
}
