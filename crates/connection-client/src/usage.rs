//! The usage of accounts: how much of each quota is used.

use connection_api::{Page, Usage, UsageRequest};

use crate::{Client, Error};

impl Client {
    /// Returns a page of the usage of the accounts whose kind reports it, as the server knows it. `after` is `next` of the
    /// page before.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn usages(&self, after: Option<&str>) -> Result<Page<Usage>, Error> {
        self.get(&["usage"]).query("after", after).answer().await
    }

    /// Fetches the usage of a connection's account now, or reports what a running session says. A provider that does not
    /// answer is no error: [`Usage::error`] has the reason.
    ///
    /// # Errors
    ///
    /// As [`usages`](Self::usages); with the code `not_found` if there is no such connection.
    pub async fn fetch_usage(&self, id: &str, request: &UsageRequest) -> Result<Usage, Error> {
        // A document has at most 64 KiB.
        self.post(&["connections", id, "usage"]).body(request, 64 << 10).answer().await
    }
}
