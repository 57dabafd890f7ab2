//! The record of use: what was done with the connections of an owner, and by which program.

use connection_api::{EraseUses, ErasedUses, Use, UsePage};

use crate::{Client, Error};

/// A filter of uses, and the page of the list.
///
/// ```
/// use connection_client::UsesFilter;
///
/// let filter = UsesFilter::new().grantee("agent:deploy").outcome("denied").limit(10);
/// # drop(filter);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UsesFilter {
    grantee: Option<String>,
    connection: Option<String>,
    token: Option<String>,
    rule: Option<String>,
    outcome: Option<String>,
    from: Option<String>,
    until: Option<String>,
    limit: Option<u32>,
    after: Option<String>,
}

impl UsesFilter {
    /// Selects all uses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects the uses by `agent:NAME`, `agent:ID` or `extension:NAME`.
    #[must_use]
    pub fn grantee(mut self, grantee: impl Into<String>) -> Self {
        self.grantee = Some(grantee.into());
        self
    }

    /// Selects the uses of the connection with this id.
    #[must_use]
    pub fn connection(mut self, id: impl Into<String>) -> Self {
        self.connection = Some(id.into());
        self
    }

    /// Selects the uses with the token with this id.
    #[must_use]
    pub fn token(mut self, id: impl Into<String>) -> Self {
        self.token = Some(id.into());
        self
    }

    /// Selects the uses about which a rule with this name decided.
    #[must_use]
    pub fn rule(mut self, name: impl Into<String>) -> Self {
        self.rule = Some(name.into());
        self
    }

    /// Selects the uses with this outcome; `unknown` selects those without a recorded end.
    #[must_use]
    pub fn outcome(mut self, outcome: impl Into<String>) -> Self {
        self.outcome = Some(outcome.into());
        self
    }

    /// Selects the uses that began at this time (RFC 3339) or later.
    #[must_use]
    pub fn from(mut self, time: impl Into<String>) -> Self {
        self.from = Some(time.into());
        self
    }

    /// Selects the uses that began before this time (RFC 3339).
    #[must_use]
    pub fn until(mut self, time: impl Into<String>) -> Self {
        self.until = Some(time.into());
        self
    }

    /// Sets the number of uses of a page: 1 to 500, and 50 otherwise.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Begins at this position, which is `next` of the [`UsePage`] before.
    #[must_use]
    pub fn after(mut self, position: impl Into<String>) -> Self {
        self.after = Some(position.into());
        self
    }
}

impl Client {
    /// Returns a page of the uses of connections, newest first.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me); with the code `not_found` for an agent that does not exist.
    pub async fn uses(&self, filter: &UsesFilter) -> Result<UsePage, Error> {
        let call = self.get(&["uses"]).query("grantee", filter.grantee.as_ref());
        let call = call.query("connection", filter.connection.as_ref()).query("token", filter.token.as_ref());
        let call = call.query("rule", filter.rule.as_ref()).query("outcome", filter.outcome.as_ref());
        let call = call.query("from", filter.from.as_ref()).query("until", filter.until.as_ref());
        call.query("limit", filter.limit).query("after", filter.after.as_ref()).answer().await
    }

    /// Returns one use.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me); with the code `not_found` if there is no such use, and if its text was erased.
    pub async fn one_use(&self, id: &str) -> Result<Use, Error> {
        self.get(&["uses", id]).answer().await
    }

    /// Erases the texts of entries from before this time (RFC 3339).
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me); with the code `not_allowed` for a token that may not administer.
    pub async fn erase_uses(&self, before: &str) -> Result<ErasedUses, Error> {
        let body = EraseUses { before: before.to_owned() };
        self.post(&["uses", "erase"]).body(&body, before.len()).answer().await
    }
}
