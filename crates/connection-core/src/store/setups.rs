//! Queries of `connection_setup` and of the tables that belong to a session.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    columns::{Found, row},
    engine::{all, execute, later, optional},
    rows::{EndpointRow, SetupRow, SetupState},
    signals::Changed,
};
use crate::{
    ids::{ConnectionId, SessionId},
    store::Sealed,
};

macro_rules! setups {
    ($rest:literal) => {
        setups!("", $rest)
    };
    ($before:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $before,
            "id, owner, kind, connection_id, state, step_seq, sealed_header, sealed_step, expires_at, created_at \
             FROM connection_setup ",
            $rest
        )
    };
}

// The owner is compared together with the id. If it were a separate condition, PostgreSQL would walk the sessions of all
// owners.
pub(super) const LISTED: &str = setups!(
    "id AS place, ",
    "WHERE (owner, id) > ($1, $3) AND owner <= $1 AND state IN ('running', 'waiting') AND expires_at > $2 \
     ORDER BY owner, id LIMIT $4"
);

row! {
    /// A session with one effect of its journal.
    struct SetupAndEffect {
        setup: SetupRow,
        /// `None` for an empty journal.
        seq: Option<i64>,
        sealed: Option<Sealed>,
    }
}

impl Reader {
    pub(crate) async fn setup(&mut self, id: SessionId) -> Result<Option<SetupRow>, StoreError> {
        optional!(self, SetupRow, setups!("WHERE id = $1"), id.as_uuid())
    }

    /// Returns a session and its journal, in order, from the same moment.
    pub(crate) async fn setup_and_effects(
        &mut self,
        id: SessionId,
    ) -> Result<Option<(SetupRow, Vec<(i64, Sealed)>)>, StoreError> {
        // The few effects are sorted here, because PostgreSQL would sort the joined rows.
        const SQL: &str = "SELECT s.id, s.owner, s.kind, s.connection_id, s.state, s.step_seq, s.sealed_header, \
                           s.sealed_step, s.expires_at, s.created_at, e.seq, e.sealed \
                           FROM connection_setup AS s \
                           LEFT JOIN connection_setup_effect AS e ON e.session_id = s.id WHERE s.id = $1";
        let mut setup = None;
        let mut effects = Vec::new();
        for row in all!(self, SetupAndEffect, SQL, id.as_uuid())? {
            setup.get_or_insert(row.setup);
            effects.extend(row.seq.zip(row.sealed));
        }
        effects.sort_unstable_by_key(|(seq, _)| *seq);
        Ok(setup.map(|setup| (setup, effects)))
    }

    /// Returns the first sessions of an owner after an id that have neither ended nor expired, oldest first. A session
    /// that cannot be read is `None`.
    pub(crate) async fn list_setups(
        &mut self,
        owner: &str,
        now: i64,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<(SessionId, Option<SetupRow>)>, StoreError> {
        let found = all!(self, (Found<Uuid>, Found<SetupRow>), LISTED, owner, now, after, limit)?;
        Ok(found.into_iter().filter_map(|(Found(id), Found(row))| Some((id?.into(), row))).collect())
    }

    /// Returns the open sessions of an owner: the id, the state, the number of the step that is shown, and the beginning
    /// of the sealed step. Each sealing of a step begins with another nonce, so that the beginning shows a change.
    pub(crate) async fn shown_setups(
        &mut self,
        owner: &str,
    ) -> Result<Vec<(Uuid, String, i64, Option<Vec<u8>>)>, StoreError> {
        const SQL: &str = "SELECT id, state, step_seq, substr(sealed_step, 1, 64) FROM connection_setup \
                           WHERE owner = $1 AND state IN ('running', 'waiting')";
        all!(self, (Uuid, String, i64, Option<Vec<u8>>), SQL, owner)
    }

    /// Returns the number of an owner's sessions that have neither ended nor expired.
    pub(crate) async fn count_setups(&mut self, owner: &str, now: i64) -> Result<i64, StoreError> {
        const SQL: &str = "SELECT count(*) FROM connection_setup WHERE owner = $1 AND state IN ('running', 'waiting') \
                           AND expires_at > $2";
        Ok(optional!(self, (i64,), SQL, owner, now)?.map_or(0, |(count,)| count))
    }

    /// Returns the waiting sessions of all owners, oldest first. Sessions that cannot be read are left out.
    pub(crate) async fn waiting_setups(&mut self, now: i64) -> Result<Vec<SetupRow>, StoreError> {
        const SQL: &str =
            setups!("WHERE state IN ('running', 'waiting') AND state = 'waiting' AND expires_at > $1 ORDER BY id");
        let found = all!(self, Found<SetupRow>, SQL, now)?;
        Ok(found.into_iter().filter_map(|Found(row)| row).collect())
    }

    /// Returns the open sessions that change this connection.
    pub(crate) async fn open_setups_of(&mut self, connection: ConnectionId) -> Result<Vec<SetupRow>, StoreError> {
        const SQL: &str = setups!("WHERE connection_id = $1 AND state IN ('running', 'waiting') ORDER BY id");
        let found = all!(self, Found<SetupRow>, SQL, connection.as_uuid())?;
        Ok(found.into_iter().filter_map(|Found(row)| row).collect())
    }

    /// Returns the journal, in order.
    pub(crate) async fn effects(&mut self, session: SessionId) -> Result<Vec<(i64, Sealed)>, StoreError> {
        const SQL: &str = "SELECT seq, sealed FROM connection_setup_effect WHERE session_id = $1 ORDER BY seq";
        all!(self, (i64, Sealed), SQL, session.as_uuid())
    }

    /// Returns `true` if an effect with this number is recorded.
    pub(crate) async fn has_effect(&mut self, session: SessionId, seq: i64) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT seq FROM connection_setup_effect WHERE session_id = $1 AND seq = $2";
        let found = optional!(self, (i64,), SQL, session.as_uuid(), seq)?;
        Ok(found.is_some())
    }

    /// Returns the inputs that have arrived and were not taken yet, oldest first.
    pub(crate) async fn inputs(&mut self, session: SessionId) -> Result<Vec<(Uuid, Sealed)>, StoreError> {
        const SQL: &str = "SELECT id, sealed FROM connection_setup_input WHERE session_id = $1 ORDER BY id";
        all!(self, (Uuid, Sealed), SQL, session.as_uuid())
    }

    pub(crate) async fn endpoint(&mut self, token_hash: &[u8; 32]) -> Result<Option<EndpointRow>, StoreError> {
        const SQL: &str = "SELECT token_hash, owner, session_id, used_at, expires_at FROM connection_endpoint \
                           WHERE token_hash = $1";
        optional!(self, EndpointRow, SQL, &token_hash[..])
    }

    /// Returns `true` if an open session of any owner has a callback address.
    pub(crate) async fn has_callbacks(&mut self, now: i64) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT s.step_seq FROM connection_endpoint e \
                           JOIN connection_setup s ON s.id = e.session_id \
                           WHERE s.state IN ('running', 'waiting') AND s.expires_at > $1 LIMIT 1";
        let found = optional!(self, (i64,), SQL, now)?;
        Ok(found.is_some())
    }
}

impl Tx {
    pub(crate) async fn insert_setup(&mut self, row: &SetupRow) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_setup (id, owner, kind, connection_id, state, step_seq, \
                           sealed_header, sealed_step, expires_at, created_at) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        self.changed(Changed::Setup(row.id));
        later!(
            self,
            SQL,
            row.id.as_uuid(),
            &row.owner,
            &row.kind,
            row.connection_id.as_uuid(),
            row.state.as_str(),
            row.step_seq,
            &row.sealed_header,
            &row.sealed_step,
            row.expires_at,
            row.created_at
        )
    }

    /// Stores the new state of a session. `None` keeps a sealed column as it is. A session that waits needs no
    /// lease. Returns `false` if the session does not exist or has ended.
    pub(crate) async fn set_setup(
        &mut self,
        id: SessionId,
        state: SetupState,
        step_seq: i64,
        sealed_header: Option<&Sealed>,
        sealed_step: Option<&Sealed>,
        expires_at: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_setup SET state = $2, step_seq = $3, \
                           sealed_header = COALESCE($4, sealed_header), sealed_step = COALESCE($5, sealed_step), \
                           expires_at = $6, lease_owner = CASE WHEN $2 = 'running' THEN lease_owner END, \
                           lease_until = CASE WHEN $2 = 'running' THEN lease_until END \
                           WHERE id = $1 AND state IN ('running', 'waiting')";
        self.changed(Changed::Setup(id));
        let changed =
            execute!(self, SQL, id.as_uuid(), state.as_str(), step_seq, sealed_header, sealed_step, expires_at)?;
        Ok(changed == 1)
    }

    /// Stores the step at which a session waits, and ends its lease. Returns `false` if the session has ended, or if the
    /// effect with the number `seq`, which would end the wait, is recorded already.
    pub(crate) async fn show_step(
        &mut self,
        id: SessionId,
        step_seq: i64,
        seq: Option<i64>,
        sealed_step: &Sealed,
        expires_at: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_setup SET state = 'waiting', step_seq = $2, sealed_step = $3, \
                           expires_at = $4, lease_owner = NULL, lease_until = NULL \
                           WHERE id = $1 AND state IN ('running', 'waiting') \
                           AND NOT EXISTS (SELECT 1 FROM connection_setup_effect AS e \
                           WHERE e.session_id = $1 AND e.seq = $5)";
        self.changed(Changed::Setup(id));
        Ok(execute!(self, SQL, id.as_uuid(), step_seq, sealed_step, expires_at, seq)? == 1)
    }

    /// Replaces the header of an open session. Returns `false` if the session has ended.
    pub(crate) async fn replace_setup_header(&mut self, id: SessionId, header: &Sealed) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_setup SET sealed_header = $2 \
                           WHERE id = $1 AND state IN ('running', 'waiting')";
        Ok(execute!(self, SQL, id.as_uuid(), header)? == 1)
    }

    /// Ends the wait at this step, because an input for it has arrived. The session expires at `alive` at the
    /// earliest. Returns `false` if the session is not waiting at that step.
    pub(crate) async fn end_wait(&mut self, id: SessionId, step_seq: i64, alive: i64) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_setup SET state = 'running', \
                           expires_at = CASE WHEN expires_at < $3 THEN $3 ELSE expires_at END \
                           WHERE id = $1 AND state = 'waiting' AND step_seq = $2";
        self.changed(Changed::Setup(id));
        Ok(execute!(self, SQL, id.as_uuid(), step_seq, alive)? == 1)
    }

    /// Releases the leases of all sessions that `owner` runs.
    pub(crate) async fn release_setups(&mut self, owner: &str) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_setup SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1";
        later!(self, SQL, owner)
    }

    /// Ends a session and deletes its header. The trigger `connection_setup_end` deletes its journal, its inputs and its
    /// exchanges in the same statement. Returns `false` if the session had ended before.
    pub(crate) async fn end_setup(
        &mut self,
        id: SessionId,
        state: SetupState,
        step_seq: i64,
        sealed_step: Option<&Sealed>,
        expires_at: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_setup SET state = $2, step_seq = $3, sealed_header = NULL, \
                           sealed_step = $4, expires_at = $5, lease_owner = NULL, lease_until = NULL \
                           WHERE id = $1 AND state IN ('running', 'waiting')";
        self.changed(Changed::Setup(id));
        Ok(execute!(self, SQL, id.as_uuid(), state.as_str(), step_seq, sealed_step, expires_at)? == 1)
    }

    /// Records an effect. Returns `false` if another run has recorded one with this number, or if the session has
    /// ended.
    pub(crate) async fn insert_effect(
        &mut self,
        session: SessionId,
        seq: i64,
        sealed: &Sealed,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_setup_effect (session_id, seq, sealed) SELECT s.id, $2, $3 \
                           FROM connection_setup AS s WHERE s.id = $1 AND s.state IN ('running', 'waiting') \
                           ON CONFLICT (session_id, seq) DO NOTHING";
        Ok(execute!(self, SQL, session.as_uuid(), seq, sealed)? == 1)
    }

    pub(crate) async fn delete_effect(&mut self, session: SessionId, seq: i64) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_setup_effect WHERE session_id = $1 AND seq = $2";
        Ok(execute!(self, SQL, session.as_uuid(), seq)? == 1)
    }

    /// Stores an input for the session.
    pub(crate) async fn insert_input(
        &mut self,
        session: SessionId,
        id: Uuid,
        sealed: &Sealed,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_setup_input (session_id, id, sealed) VALUES ($1, $2, $3)";
        self.changed(Changed::Setup(session));
        later!(self, SQL, session.as_uuid(), id, sealed)
    }

    /// Deletes an input that a run takes. Returns `false` if another run has taken it.
    pub(crate) async fn delete_input(&mut self, session: SessionId, id: Uuid) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_setup_input WHERE session_id = $1 AND id = $2";
        Ok(execute!(self, SQL, session.as_uuid(), id)? == 1)
    }

    /// Inserts a callback address. Returns `false` if it exists already, as after a crash.
    pub(crate) async fn insert_endpoint(
        &mut self,
        token_hash: &[u8; 32],
        owner: &str,
        session: SessionId,
        expires_at: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_endpoint (token_hash, owner, session_id, expires_at) \
                           VALUES ($1, $2, $3, $4) ON CONFLICT (token_hash) DO NOTHING";
        Ok(execute!(self, SQL, &token_hash[..], owner, session.as_uuid(), expires_at)? == 1)
    }

    /// Extends the life of a session's addresses to that of the session.
    pub(crate) async fn extend_endpoints(&mut self, session: SessionId, expires_at: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_endpoint SET expires_at = $2 WHERE session_id = $1 AND used_at IS NULL";
        later!(self, SQL, session.as_uuid(), expires_at)
    }

    /// Uses an address up. Returns `true` only once, and only if the address has not expired.
    pub(crate) async fn use_endpoint(&mut self, token_hash: &[u8; 32], now: i64) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_endpoint SET used_at = $2 \
                           WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
        Ok(execute!(self, SQL, &token_hash[..], now)? == 1)
    }
}
