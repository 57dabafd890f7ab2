//! Queries of `connection_freeze`, whose only row names what is frozen.
//!
//! The row belongs to no owner. Its row events are those of the owner with the empty name, which no owner has.

use super::{
    Reader, StoreError, Tx,
    engine::{all, later, optional},
    events::OF_ALL_NEWEST,
    row_events::newest,
    rows::{FreezeRow, StoredEvent},
    signals::Changed,
};
use crate::ids::ConnectionId;

/// The columns of a [`FreezeSign`](super::rows::FreezeSign).
macro_rules! freeze_columns {
    () => {
        concat!("z.frozen AS z_frozen, z.mark AS z_mark, ", newest!("''", "z.mark"), " AS z_newest")
    };
}

/// Joins the row that names what is frozen.
macro_rules! freeze_join {
    () => {
        "LEFT JOIN connection_freeze AS z ON z.id = 1 "
    };
}

pub(super) use {freeze_columns, freeze_join};

impl Reader {
    /// Returns the row that names what is frozen.
    pub(crate) async fn freeze(&mut self) -> Result<Option<FreezeRow>, StoreError> {
        const SQL: &str = concat!(
            "SELECT z.frozen, z.notes, z.mark, ",
            newest!("''", "z.mark"),
            " AS newest FROM connection_freeze AS z WHERE z.id = 1"
        );
        optional!(self, FreezeRow, SQL)
    }

    /// Returns the row that names what is frozen, of which there is one for the owner with the empty name.
    pub(crate) async fn every_freeze(&mut self, owner: &str) -> Result<Vec<FreezeRow>, StoreError> {
        match owner {
            "" => Ok(self.freeze().await?.into_iter().collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// Returns the number of the newest row event about this row of an owner.
    pub(crate) async fn newest_row_event(
        &mut self,
        owner: &str,
        subject: &[u8; 32],
    ) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "SELECT MAX(seq) AS seq FROM connection_row_event WHERE owner = $1 AND subject = $2";
        Ok(optional!(self, (Option<i64>,), SQL, owner, &subject[..])?.and_then(|(seq,)| seq))
    }

    /// Returns events of a connection, newest first: those with a lower number than `before`.
    pub(crate) async fn newest_events_of(
        &mut self,
        connection: ConnectionId,
        before: i64,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        const SQL: &str = "SELECT id, owner, connection_id, seq, at, kind, body, chain, generation, facts \
                           FROM connection_event WHERE connection_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
        all!(self, StoredEvent, SQL, connection.as_uuid(), before, limit)
    }

    /// Returns events of all owners, newest first.
    pub(crate) async fn newest_events_of_all(
        &mut self,
        before: uuid::Uuid,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        all!(self, StoredEvent, OF_ALL_NEWEST, before, limit)
    }
}

impl Tx {
    /// Writes the row that names what is frozen.
    pub(crate) async fn put_freeze(&mut self, row: &FreezeRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_freeze (id, frozen, notes, mark) VALUES (1, $1, $2, $3) \
                           ON CONFLICT (id) DO UPDATE SET frozen = excluded.frozen, notes = excluded.notes, \
                           mark = excluded.mark";
        self.changed(Changed::Freezes);
        later!(self, SQL, &row.frozen, &row.notes, mark)
    }
}
