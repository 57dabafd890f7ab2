//! The query of a request.

use std::collections::BTreeSet;

use axum::http::Uri;
use connection_contract::encode;
use connection_core::Cursor;

use crate::problem::Problem;

/// The number of elements of a page if the request names none, and the maximum.
const USUAL_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// The names and values in the query.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of an address. A name that occurs twice is refused, because it is unclear which value is meant.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Problem> {
        let pairs = uri.query().map(encode::from_form).unwrap_or_default();
        let mut names = BTreeSet::new();
        match pairs.iter().find(|(name, _)| !names.insert(name)) {
            None => Ok(Self(pairs)),
            Some((name, _)) => Err(Problem::invalid("a parameter occurs twice").field(name)),
        }
    }

    /// Returns the value of a name, which may be empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the value of a name that has one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// Returns a parsed value. An empty one is parsed like any other.
    pub(crate) fn parsed<T>(&self, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let invalid = || Problem::invalid(format!("the parameter '{name}' is not valid")).field(name);
        self.given(name).map(|value| parse(value).ok_or_else(invalid)).transpose()
    }

    /// Returns the number of an element. Numbers fit into 63 bits, as those of the store.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        self.parsed(name, |text| text.parse::<i64>().ok().and_then(|number| number.try_into().ok()))
    }

    /// Returns the position at which a page begins. The list reads it.
    pub(crate) fn after(&self) -> Option<Cursor> {
        self.given("after").map(Cursor::from)
    }

    /// Returns the number of elements of a page, if the request names one. Otherwise, the list is whole.
    pub(crate) fn limit_or_all(&self) -> Result<Option<u32>, Problem> {
        self.given("limit").map(|_| self.limit()).transpose()
    }

    /// Returns the number of elements of a page.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        let Some(text) = self.given("limit") else { return Ok(USUAL_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let expected = format!("it is a number from 1 to {MAX_LIMIT}");
        limit.ok_or_else(|| Problem::invalid("the parameter 'limit' is not valid").field("limit").remedy(expected))
    }
}
