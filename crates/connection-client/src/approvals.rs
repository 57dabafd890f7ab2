//! Requests of agents about which a person is asked.

use connection_api::{Approval, NewApproval, NewRefusal, Page, ShownApproval};

use crate::{Client, Error};

impl Client {
    /// Returns the requests of agents about which a person is asked. `state` is `open` for what waits or is being sent, or
    /// a state; `agent` is the name of an agent, and `limit` the maximum number of approvals that are over.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me); with the code `unknown_agent` for an agent that there is not.
    pub async fn approvals(
        &self,
        state: Option<&str>,
        agent: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<Approval>, Error> {
        let call = self.get(&["approvals"]).query("state", state).query("agent", agent).query("limit", limit);
        call.answer().await.map(|page: Page<Approval>| page.items)
    }

    /// Returns one of them with the whole request and everything by which a person judges it.
    ///
    /// # Errors
    ///
    /// As [`me`](Self::me); with the code `unknown_approval` if there is none.
    pub async fn approval(&self, id: &str) -> Result<ShownApproval, Error> {
        self.get(&["approvals", id]).answer().await
    }

    /// Approves a request that was looked at. The approval is returned when the provider has answered, or after ten
    /// seconds.
    ///
    /// # Errors
    ///
    /// As [`approval`](Self::approval); with the code `approval_differs` for another digest, `approval_answered` for a
    /// request that does not wait, and `grant_changed` if the grant can no longer be widened.
    pub async fn approve(&self, id: &str, new: &NewApproval) -> Result<Approval, Error> {
        self.post(&["approvals", id, "approve"]).body(new, 0).answer().await
    }

    /// Refuses a request. The agent is told the reason.
    ///
    /// # Errors
    ///
    /// As [`approve`](Self::approve).
    pub async fn refuse(&self, id: &str, reason: Option<&str>) -> Result<Approval, Error> {
        let new = NewRefusal { reason: reason.map(str::to_owned) };
        self.post(&["approvals", id, "refuse"]).body(&new, 0).answer().await
    }
}
