//! Queries of `connection_approval` and `connection_widening`: requests about which a person is asked, and what lets
//! requests pass for a while.

use uuid::Uuid;

use super::{
    Reader, Sealed, StoreError, Tx,
    clock::by_clock,
    engine::{Engine, all, execute, later, optional},
    row_events::{READ_AT_ONCE, newest},
    rows::{AgentGrantKey, ApprovalRow, SealedOfApproval, WideningRow},
    signals::Changed,
};
use crate::{
    approval_state::ApprovalState,
    ids::{AgentId, ApprovalId, ConnectionId},
};

macro_rules! approvals {
    ($now:literal, $rest:literal) => {
        concat!(
            "SELECT p.id, p.owner, p.agent_id, p.connection_id, p.kind, p.state, p.same, p.facts, p.created_at, \
             p.ends_at, p.changed_at, p.fetched_at, p.lease_until - ",
            $now,
            " AS seconds_left, p.mark, ",
            newest!("p.owner", "p.mark"),
            " AS newest FROM connection_approval AS p WHERE ",
            $rest
        )
    };
}

macro_rules! widenings {
    ($rest:literal) => {
        concat!(
            "SELECT w.owner, w.agent_id, w.connection_id, w.matched, w.revision, w.facts, w.created_at, w.ends_at, \
             w.requests, w.taken, w.mark, ",
            newest!("w.owner", "w.mark"),
            " AS newest FROM connection_widening AS w WHERE ",
            $rest
        )
    };
}

pub(super) const WIDENINGS_WITHIN: &str = widenings!(
    "w.owner = $1 AND w.agent_id IN (SELECT b.id FROM connection_agent AS b WHERE b.owner = $1 \
     AND b.removed_at IS NULL AND b.name >= $2 AND b.name <= $3)"
);

impl Reader {
    /// Returns an approval of an owner.
    pub(crate) async fn approval(&mut self, owner: &str, id: ApprovalId) -> Result<Option<ApprovalRow>, StoreError> {
        let sql = by_clock!(self, approvals, "p.id = $1 AND p.owner = $2");
        optional!(self, ApprovalRow, sql, id.as_uuid(), owner)
    }

    /// Returns the request and the answer of an approval, sealed.
    pub(crate) async fn sealed_of_approval(&mut self, id: ApprovalId) -> Result<SealedOfApproval, StoreError> {
        const SQL: &str = "SELECT sealed_request, sealed_answer FROM connection_approval WHERE id = $1";
        Ok(optional!(self, (Option<Sealed>, Option<Sealed>), SQL, id.as_uuid())?.unwrap_or_default())
    }

    /// Returns approvals of an owner in one state, from before the id `before`, the newest first.
    pub(crate) async fn approvals(
        &mut self,
        owner: &str,
        state: ApprovalState,
        before: Uuid,
        limit: i64,
    ) -> Result<Vec<ApprovalRow>, StoreError> {
        let sql = by_clock!(self, approvals, "p.owner = $1 AND p.state = $2 AND p.id < $3 ORDER BY p.id DESC LIMIT $4");
        all!(self, ApprovalRow, sql, owner, state.as_str(), before, limit)
    }

    /// Returns some approvals of an owner after one of them, by state and id.
    pub(crate) async fn every_approval(
        &mut self,
        owner: &str,
        after: Option<&ApprovalRow>,
    ) -> Result<Vec<ApprovalRow>, StoreError> {
        let sql =
            by_clock!(self, approvals, "p.owner = $1 AND (p.state, p.id) > ($2, $3) ORDER BY p.state, p.id LIMIT $4");
        let (state, id) = after.map_or(("", Uuid::nil()), |row| (row.state.as_str(), row.id.as_uuid()));
        all!(self, ApprovalRow, sql, owner, state, id, READ_AT_ONCE)
    }

    /// Returns the newest approvals of an agent whose requests are equal.
    pub(crate) async fn equal_approvals(
        &mut self,
        agent: AgentId,
        same: &[u8],
        limit: i64,
    ) -> Result<Vec<ApprovalRow>, StoreError> {
        let sql = by_clock!(self, approvals, "p.agent_id = $1 AND p.same = $2 ORDER BY p.id DESC LIMIT $3");
        all!(self, ApprovalRow, sql, agent.as_uuid(), same, limit)
    }

    /// Returns approvals of an agent in one state, the newest first.
    pub(crate) async fn approvals_of_agent(
        &mut self,
        agent: AgentId,
        state: ApprovalState,
        limit: i64,
    ) -> Result<Vec<ApprovalRow>, StoreError> {
        let sql = by_clock!(self, approvals, "p.agent_id = $1 AND p.state = $2 ORDER BY p.id DESC LIMIT $3");
        all!(self, ApprovalRow, sql, agent.as_uuid(), state.as_str(), limit)
    }

    /// Returns approvals of a connection in one state, the newest first.
    pub(crate) async fn approvals_of_connection(
        &mut self,
        connection: ConnectionId,
        state: ApprovalState,
        limit: i64,
    ) -> Result<Vec<ApprovalRow>, StoreError> {
        let sql = by_clock!(self, approvals, "p.connection_id = $1 AND p.state = $2 ORDER BY p.id DESC LIMIT $3");
        all!(self, ApprovalRow, sql, connection.as_uuid(), state.as_str(), limit)
    }

    /// Returns approvals of all owners whose last change is before a time, the oldest first.
    pub(crate) async fn old_approvals(&mut self, before: i64, limit: i64) -> Result<Vec<ApprovalRow>, StoreError> {
        let sql = by_clock!(self, approvals, "p.changed_at < $1 ORDER BY p.changed_at, p.id LIMIT $2");
        all!(self, ApprovalRow, sql, before, limit)
    }

    /// Returns approvals of all owners that wait, or were approved and not sent, and whose time has passed.
    pub(crate) async fn lapsing_approvals(&mut self, now: i64, limit: i64) -> Result<Vec<ApprovalRow>, StoreError> {
        let sql = by_clock!(
            self,
            approvals,
            "p.state IN ('waiting', 'approved') AND p.ends_at <= $1 ORDER BY p.ends_at, p.id LIMIT $2"
        );
        all!(self, ApprovalRow, sql, now, limit)
    }

    /// Returns a widening.
    pub(crate) async fn widening(
        &mut self,
        grant: AgentGrantKey<'_>,
        matched: &[u8],
    ) -> Result<Option<WideningRow>, StoreError> {
        const SQL: &str = widenings!("w.owner = $1 AND w.agent_id = $2 AND w.connection_id = $3 AND w.matched = $4");
        let AgentGrantKey { owner, agent, connection } = grant;
        optional!(self, WideningRow, SQL, owner, agent.as_uuid(), connection.as_uuid(), matched)
    }

    /// Returns what widens one grant.
    pub(crate) async fn widenings_of(&mut self, grant: AgentGrantKey<'_>) -> Result<Vec<WideningRow>, StoreError> {
        const SQL: &str = widenings!("w.owner = $1 AND w.agent_id = $2 AND w.connection_id = $3 ORDER BY w.matched");
        let AgentGrantKey { owner, agent, connection } = grant;
        all!(self, WideningRow, SQL, owner, agent.as_uuid(), connection.as_uuid())
    }

    /// Returns what widens the grants of the agents whose names are from `first` to `last`.
    pub(crate) async fn widenings_within(
        &mut self,
        owner: &str,
        first: &str,
        last: &str,
    ) -> Result<Vec<WideningRow>, StoreError> {
        all!(self, WideningRow, WIDENINGS_WITHIN, owner, first, last)
    }

    /// Returns all widenings of an owner.
    pub(crate) async fn widenings(&mut self, owner: &str) -> Result<Vec<WideningRow>, StoreError> {
        const SQL: &str = widenings!("w.owner = $1 ORDER BY w.agent_id, w.connection_id, w.matched");
        all!(self, WideningRow, SQL, owner)
    }
}

impl Tx {
    /// Inserts an approval with its sealed request.
    pub(crate) async fn insert_approval(
        &mut self,
        row: &ApprovalRow,
        request: &Sealed,
        mark: &[u8],
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_approval (id, owner, agent_id, connection_id, kind, state, same, \
                           facts, created_at, ends_at, changed_at, sealed_request, mark) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        self.changed(Changed::Connection(row.connection_id));
        later!(
            self,
            SQL,
            row.id.as_uuid(),
            &row.owner,
            row.agent_id.as_uuid(),
            row.connection_id.as_uuid(),
            &row.kind,
            row.state.as_str(),
            &row.same,
            &row.facts,
            row.created_at,
            row.ends_at,
            row.changed_at,
            request,
            mark
        )
    }

    /// Writes what changes of an approval, and ends the lease of its execution.
    pub(crate) async fn put_approval(&mut self, row: &ApprovalRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_approval SET state = $2, facts = $3, changed_at = $4, fetched_at = $5, \
                           lease_owner = NULL, lease_until = NULL, mark = $6 WHERE id = $1";
        self.changed(Changed::Connection(row.connection_id));
        let (id, state) = (row.id.as_uuid(), row.state.as_str());
        later!(self, SQL, id, state, &row.facts, row.changed_at, row.fetched_at, mark)
    }

    /// Stores the sealed answer of an approval.
    pub(crate) async fn put_approval_answer(&mut self, id: ApprovalId, answer: &Sealed) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_approval SET sealed_answer = $2 WHERE id = $1";
        later!(self, SQL, id.as_uuid(), answer)
    }

    /// Erases the sealed request of an approval that can no longer be sent.
    pub(crate) async fn erase_approval_request(&mut self, id: ApprovalId) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_approval SET sealed_request = NULL WHERE id = $1";
        later!(self, SQL, id.as_uuid())
    }

    /// Deletes an approval.
    pub(crate) async fn delete_approval(&mut self, id: ApprovalId) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_approval WHERE id = $1";
        later!(self, SQL, id.as_uuid())
    }

    /// Stores a widening, replacing an existing one.
    pub(crate) async fn put_widening(&mut self, row: &WideningRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_widening (owner, agent_id, connection_id, matched, revision, facts, \
                           created_at, ends_at, requests, taken, mark) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10) \
                           ON CONFLICT (owner, agent_id, connection_id, matched) DO UPDATE \
                           SET revision = excluded.revision, facts = excluded.facts, \
                           created_at = excluded.created_at, ends_at = excluded.ends_at, \
                           requests = excluded.requests, taken = 0, mark = excluded.mark";
        let (agent, connection) = (row.agent_id.as_uuid(), row.connection_id.as_uuid());
        let (created, ends) = (row.created_at, row.ends_at);
        let (owner, matched, facts) = (&row.owner, &row.matched, &row.facts);
        later!(self, SQL, owner, agent, connection, matched, row.revision, facts, created, ends, row.requests, mark)
    }

    /// Takes one request from a widening, and returns whether there was one.
    pub(crate) async fn take_widening(&mut self, row: &WideningRow) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_widening SET taken = taken + 1 WHERE owner = $1 AND agent_id = $2 \
                           AND connection_id = $3 AND matched = $4 AND mark = $5 AND taken < requests";
        let (agent, connection) = (row.agent_id.as_uuid(), row.connection_id.as_uuid());
        Ok(execute!(self, SQL, &row.owner, agent, connection, &row.matched, &row.marked.mark)? == 1)
    }

    /// Deletes a widening.
    pub(crate) async fn delete_widening(&mut self, row: &WideningRow) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_widening WHERE owner = $1 AND agent_id = $2 \
                           AND connection_id = $3 AND matched = $4";
        let (agent, connection) = (row.agent_id.as_uuid(), row.connection_id.as_uuid());
        later!(self, SQL, &row.owner, agent, connection, &row.matched)
    }
}
