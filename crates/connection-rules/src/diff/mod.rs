//! The difference of two rule sets, as a request that one of them permits and the other does not.

mod body;
mod difference;
mod domain;
mod member;
mod search;
mod witness;

pub use difference::{Diff, Difference};

use crate::rules::Rules;

impl Rules {
    /// Returns a request that `other` permits and these rules treat more strictly.
    ///
    /// Allowing is wider than asking, and asking is wider than denying. Budgets, ends and the release of secrets are not
    /// compared.
    ///
    /// A request that is returned was decided by both rule sets. The absence of a difference is exact, too: rules
    /// compare texts with a finite number of texts and patterns, so the search needs to try only one request of each
    /// class that no rule tells apart. The result is [`Diff::Unknown`] if there are too many combinations of classes, if
    /// rules tell apart more than 128 values of one segment or parameter, or if a condition names a parameter that no
    /// request has, such as `_method`.
    ///
    /// ```
    /// use connection_rules::Rules;
    ///
    /// let rules = |path: &str| {
    ///     let rule = serde_json::json!({ "name": "read", "methods": ["GET"], "path": path, "effect": "allow" });
    ///     Rules::from_value(&serde_json::json!({ "rule": [rule] })).unwrap()
    /// };
    /// let difference = rules("/repos/acme/site").diff(&rules("/repos/acme/{repo}")).found().unwrap();
    /// assert_eq!(difference.request().head().method(), "GET");
    /// assert!(rules("/repos/acme/site").narrows(&rules("/repos/acme/{repo}")));
    /// ```
    pub fn diff(&self, other: &Self) -> Diff {
        search::search(self, other)
    }

    /// Returns `true` if these rules permit no request that `other` does not permit, and release no secret unless
    /// `other` does.
    ///
    /// If the search was given up, the result is `false`. A rule that is changed from `allow` to `ask` also matches
    /// other spellings of its path, so it asks about requests that were denied before.
    pub fn narrows(&self, other: &Self) -> bool {
        (other.release || !self.release) && matches!(other.diff(self), Diff::None)
    }
}
