//! The grant and the token with which an agent began a use, which ends with them.

use connection_contract::DisplayText;

use super::{Stopped, known::ReadStamp};
use crate::{
    ConnectionId,
    store::rows::{RowSign, StoredMark},
};

/// The grant and the token with which an agent began a use.
#[derive(Clone, Debug)]
pub(crate) struct Permitted {
    agent: DisplayText,
    owner: String,
    connection: ConnectionId,
    grant: Dependency,
    /// `None` for an agent that a host authenticated by itself.
    token: Option<Dependency>,
    /// The last withdrawal that the read of these rows followed, if it is known.
    withdrawal: Option<i64>,
}

/// A row on which a use depends.
#[derive(Clone, Copy, Debug)]
struct Dependency {
    sign: RowSign,
    /// The time from which the row permits nothing.
    expires_at: Option<i64>,
}

impl Dependency {
    fn new(marked: &StoredMark, expires_at: Option<i64>) -> Option<Self> {
        Some(Self { sign: marked.sign()?, expires_at })
    }

    fn has_ended(&self, now: i64, changed: &[RowSign]) -> bool {
        self.expires_at.is_some_and(|at| at <= now) || changed.contains(&self.sign)
    }
}

impl Permitted {
    /// Creates the permission by a grant, from its row, which was checked; `None` for a row that has no mark.
    pub(crate) fn by_grant(
        agent: &str,
        owner: &str,
        connection: ConnectionId,
        grant: &StoredMark,
        expires_at: i64,
    ) -> Option<Self> {
        let grant = Dependency::new(grant, Some(expires_at))?;
        let agent = agent.to_owned().into();
        Some(Self { agent, owner: owner.to_owned(), connection, grant, token: None, withdrawal: None })
    }

    /// Returns the permission for a caller with a token, from the token's row, which was checked.
    pub(crate) fn with_token(self, token: &StoredMark, expires_at: Option<i64>) -> Self {
        Self { token: Dependency::new(token, expires_at), ..self }
    }

    /// Returns the permission in rows whose read began with this stamp.
    pub(crate) fn read_at(self, stamp: ReadStamp) -> Self {
        Self { withdrawal: stamp.withdrawal(), ..self }
    }

    pub(super) fn withdrawal(&self) -> Option<i64> {
        self.withdrawal
    }

    /// Returns the rows on which the use depends, with their owner, and the connection with which the grant is deleted.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, RowSign, Option<ConnectionId>)> {
        let grant = Some((self.grant.sign, Some(self.connection)));
        let rows = [grant, self.token.as_ref().map(|token| (token.sign, None))].into_iter().flatten();
        rows.map(|(sign, connection)| (self.owner.as_str(), sign, connection))
    }

    /// Returns the reason why the use ends. `changed` are rows that were written or deleted since the use began.
    pub(super) fn ended_by(&self, now: i64, changed: &[RowSign]) -> Option<Stopped> {
        if self.token.as_ref().is_some_and(|token| token.has_ended(now, changed)) {
            return Some(Stopped::TokenEnded { agent: self.agent.clone() });
        }
        let ended = || Stopped::GrantEnded { agent: self.agent.clone(), connection: self.connection };
        self.grant.has_ended(now, changed).then(ended)
    }
}
