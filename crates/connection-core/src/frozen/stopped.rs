//! The reason why a use does not begin, or was cut.

use connection_contract::DisplayText;

use super::Frozen;
use crate::{ConnectionId, RowFault, StoreError};

/// The reason why a use does not begin, or was cut.
#[derive(Clone, Debug)]
pub(crate) enum Stopped {
    /// Something that concerns the use is frozen.
    Frozen {
        what: Frozen,
        /// The fault of the row that names what is frozen, if everything is frozen because of it.
        fault: Option<RowFault>,
    },
    /// The grant by which an agent uses the connection has ended, was revoked or was replaced by another one.
    GrantEnded { agent: DisplayText, connection: ConnectionId },
    /// The token of the agent has ended or was revoked.
    TokenEnded { agent: DisplayText },
    /// The connection was removed.
    Removed(ConnectionId),
    /// The store cannot be read, so it is not known what is frozen and granted.
    Unknown(StoreError),
}

impl Stopped {
    pub(super) fn by(what: Frozen) -> Self {
        Self::Frozen { what, fault: None }
    }
}
