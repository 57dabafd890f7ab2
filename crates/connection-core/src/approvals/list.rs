//! Lists of approvals.

use std::cmp::Reverse;

use uuid::Uuid;

use super::Approval;
use crate::{AgentId, ApprovalState, ConnectionId, Error, connection::System, ground::Scope, guard};

/// The maximum number of approvals of one state in a list.
const MOST: i64 = 1000;
/// The number of approvals in a list that are over, if nothing else is stated.
const USUAL: usize = 50;

/// Which approvals a list has. Each member that is set leaves approvals out.
///
/// ```
/// use connection_core::{ApprovalFilter, ApprovalState};
///
/// let refused = ApprovalFilter::new().state(ApprovalState::Refused).limit(10);
/// # let _ = refused;
/// ```
#[derive(Clone, Debug, Default)]
pub struct ApprovalFilter {
    state: Option<ApprovalState>,
    is_open: bool,
    agent: Option<AgentId>,
    connection: Option<ConnectionId>,
    limit: Option<usize>,
}

impl ApprovalFilter {
    /// Creates a filter that leaves nothing out.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the approvals in this state.
    #[must_use]
    pub fn state(self, state: ApprovalState) -> Self {
        Self { state: Some(state), ..self }
    }

    /// Keeps the approvals whose requests may still be sent, or are being sent.
    #[must_use]
    pub fn open(self) -> Self {
        Self { is_open: true, ..self }
    }

    /// Keeps the approvals of this agent.
    #[must_use]
    pub fn agent(self, agent: AgentId) -> Self {
        Self { agent: Some(agent), ..self }
    }

    /// Keeps the approvals for this connection.
    #[must_use]
    pub fn connection(self, connection: ConnectionId) -> Self {
        Self { connection: Some(connection), ..self }
    }

    /// Sets the maximum number of approvals that are over: 50 if nothing is stated, and 1,000 at most. Those that are
    /// open are all in the list.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit: Some(limit), ..self }
    }

    fn keeps(&self, approval: &Approval) -> bool {
        self.state.is_none_or(|state| approval.state == state)
            && (!self.is_open || approval.state.is_open())
            && self.agent.is_none_or(|agent| approval.agent == agent)
            && self.connection.is_none_or(|connection| approval.connection == connection)
    }
}

pub(super) async fn list(scope: Scope<'_, System>, filter: &ApprovalFilter) -> Result<Vec<Approval>, Error> {
    let ground = &scope.system.ground;
    let mut reader = ground.reader().await?;
    let mut found = Vec::new();
    let now = ground.clock.now();
    // A row may be in another state than it says, because time has passed.
    let stored: &[ApprovalState] = match filter.state {
        None => &ApprovalState::ALL,
        Some(ApprovalState::Lapsed) => &[ApprovalState::Waiting, ApprovalState::Approved, ApprovalState::Lapsed],
        Some(ApprovalState::Unknown) => &[ApprovalState::Executing, ApprovalState::Unknown],
        Some(ref state) => std::slice::from_ref(state),
    };
    let states = stored.iter().filter(|state| state.is_open() || !filter.is_open);
    for state in states {
        let rows = reader.approvals(scope.owner, *state, Uuid::max(), MOST).await?;
        let rows = rows.iter().filter(|row| guard::check(&ground.sealer, *row).is_ok());
        found.extend(rows.map(|row| Approval::of(row, now)).filter(|approval| filter.keeps(approval)));
    }
    let (mut waiting, mut others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|approval| approval.state == ApprovalState::Waiting);
    waiting.sort_by(|a, b| {
        let key = |of: &Approval| (of.impact, of.agent_name.clone(), of.rule.clone(), of.id);
        key(a).cmp(&key(b))
    });
    others.sort_by_key(|approval| (!approval.state.is_open(), Reverse(approval.id)));
    let open = others.iter().take_while(|approval| approval.state.is_open()).count();
    others.truncate(open.saturating_add(filter.limit.map_or(USUAL, |limit| limit.min(MOST as usize))));
    waiting.extend(others);
    Ok(waiting)
}
