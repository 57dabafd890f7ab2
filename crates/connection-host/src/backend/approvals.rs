//! Requests of agents about which a person is asked.

use async_trait::async_trait;
use connection_api::{Approval, NewApproval, ShownApproval};
use connection_core::{ApprovalId, Door};
use connection_server::approvals::{self, Answering};
use connection_server::convert;

use super::{Local, Remote};
use crate::{Error, Exit};

/// The operations on approvals.
#[async_trait(?Send)]
pub(crate) trait Approvals {
    /// Returns approvals: those that wait in the order in which a person judges them, then all others, the newest first.
    /// `state` is `open` or a state.
    async fn approvals(
        &self,
        state: Option<&str>,
        agent: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<Approval>, Error>;

    async fn approval(&self, id: &str) -> Result<ShownApproval, Error>;

    /// Approves a request and returns what became of it.
    async fn approve(&self, id: &str, new: &NewApproval) -> Result<Approval, Error>;

    async fn refuse(&self, id: &str, reason: Option<&str>) -> Result<Approval, Error>;
}

/// The name of the command in the answers of a person.
const COMMAND: &str = "command";

fn answering() -> Answering {
    Answering::new(COMMAND, Door::Command, None)
}

fn approval_id(text: &str) -> Result<ApprovalId, Error> {
    let unknown = || Error::new(Exit::NotFound, "unknown_approval", "no approval has this id");
    text.parse().map_err(|_| unknown().remedy("list the approvals to see their ids"))
}

#[async_trait(?Send)]
impl Approvals for Local {
    async fn approvals(
        &self,
        state: Option<&str>,
        agent: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<Approval>, Error> {
        let no_state = |remedy| Error::usage("there is no such state").remedy(remedy);
        let (state, is_open) = approvals::states(state).map_err(no_state)?;
        Ok(approvals::list(&self.registry, state, is_open, agent, limit).await?)
    }

    async fn approval(&self, id: &str) -> Result<ShownApproval, Error> {
        Ok(approvals::show(&self.registry, approval_id(id)?).await?)
    }

    async fn approve(&self, id: &str, new: &NewApproval) -> Result<Approval, Error> {
        let id = approval_id(id)?;
        let mut approved = approvals::approve(&self.registry, id, new, answering()).await?;
        // This process sends the request, so it stays until there is an answer.
        while approved.state == connection_api::ApprovalState::Executing {
            let settled = self.registry.approvals().settled(id, std::time::Duration::from_secs(5)).await?;
            approved = convert::approval(&settled);
        }
        Ok(approved)
    }

    async fn refuse(&self, id: &str, reason: Option<&str>) -> Result<Approval, Error> {
        let reason = reason.unwrap_or_default();
        Ok(approvals::refuse(&self.registry, approval_id(id)?, reason, answering()).await?)
    }
}

#[async_trait(?Send)]
impl Approvals for Remote {
    async fn approvals(
        &self,
        state: Option<&str>,
        agent: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<Approval>, Error> {
        Ok(self.client.approvals(state, agent, limit).await?)
    }

    async fn approval(&self, id: &str) -> Result<ShownApproval, Error> {
        Ok(self.client.approval(id).await?)
    }

    async fn approve(&self, id: &str, new: &NewApproval) -> Result<Approval, Error> {
        Ok(self.client.approve(id, new).await?)
    }

    async fn refuse(&self, id: &str, reason: Option<&str>) -> Result<Approval, Error> {
        Ok(self.client.refuse(id, reason).await?)
    }
}
