//! All that is frozen at one time, prepared for decisions.

use std::collections::HashSet;

use connection_contract::Kind;

use super::{Freezing, Frozen, Stopped, User};
use crate::{
    AgentId, ConnectionId, ConnectionInfo, RowFault,
    keys::Sealer,
    store::rows::{FreezeRow, FreezeSign},
};

/// The use of a connection about which is decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) owner: &'a str,
    /// `None` if the kind is not known yet.
    pub(crate) kind: Option<&'a Kind>,
    pub(crate) agent: Option<AgentId>,
}

impl<'a> Used<'a> {
    pub(crate) fn of(info: &'a ConnectionInfo, user: User) -> Self {
        Self { connection: info.id, owner: &info.owner, kind: Some(&info.kind), agent: user.agent() }
    }
}

/// All that is frozen at one time.
#[derive(Debug)]
pub(crate) struct FrozenSet {
    /// The sign of the row from which it was made.
    pub(super) sign: FreezeSign,
    /// The reason for which everything is frozen.
    all: Option<Stopped>,
    agents: HashSet<AgentId>,
    connections: HashSet<ConnectionId>,
    kinds: HashSet<Kind>,
    owners: HashSet<String>,
}

impl FrozenSet {
    /// Reads the row. A row that is missing, or that another hand wrote, freezes everything.
    pub(super) fn of(sealer: &Sealer, row: Option<&FreezeRow>) -> Self {
        let mut set = Self {
            sign: FreezeSign::of(row),
            all: None,
            agents: HashSet::new(),
            connections: HashSet::new(),
            kinds: HashSet::new(),
            owners: HashSet::new(),
        };
        let freezing = Freezing::read(sealer, row);
        if let Some(fault) = freezing.fault {
            tracing::warn!(?fault, "everything is frozen, because the row that names what is frozen is refused");
            set.all = Some(Stopped::Frozen { what: Frozen::All, fault: Some(fault) });
        }
        for name in &freezing.frozen {
            match name.parse() {
                Ok(Frozen::Agent(id)) => drop(set.agents.insert(id)),
                Ok(Frozen::Connection(id)) => drop(set.connections.insert(id)),
                Ok(Frozen::Kind(kind)) => drop(set.kinds.insert(kind)),
                Ok(Frozen::Owner(owner)) => drop(set.owners.insert(owner)),
                // A later version of this program may have frozen something that this one does not know.
                Ok(Frozen::All) | Err(()) => drop(set.all.get_or_insert(Stopped::by(Frozen::All))),
            }
        }
        set
    }

    /// Returns the fault of the row, if everything is frozen because of it.
    pub(crate) fn fault(&self) -> Option<RowFault> {
        match &self.all {
            Some(Stopped::Frozen { fault, .. }) => *fault,
            _ => None,
        }
    }

    /// Returns the reason why a use is stopped.
    pub(crate) fn stops(&self, used: Used<'_>) -> Option<Stopped> {
        if self.all.is_some() {
            return self.all.clone();
        }
        if self.connections.contains(&used.connection) {
            return Some(Stopped::by(Frozen::Connection(used.connection)));
        }
        if let Some(agent) = used.agent.filter(|agent| self.agents.contains(agent)) {
            return Some(Stopped::by(Frozen::Agent(agent)));
        }
        if self.owners.contains(used.owner) {
            return Some(Stopped::by(Frozen::Owner(used.owner.to_owned())));
        }
        let kind = used.kind.filter(|kind| self.kinds.contains(kind));
        kind.map(|kind| Stopped::by(Frozen::Kind(kind.clone())))
    }
}
