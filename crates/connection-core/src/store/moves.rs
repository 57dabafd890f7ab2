//! Queries of `connection_move`, whose only row says where a store went, or from where it came.
//!
//! At no moment may two stores open of which one is a copy of the other. The marks are therefore written in this order,
//! and each is on the disk before the next one:
//!
//! 1. `moving` in the source, which then does not open;
//! 2. `arriving` in the copy, in the transaction that makes it, so that no process sees the copy without its mark;
//! 3. `moved` in the source;
//! 4. `arrived` in the copy, which then opens, and becomes `opened` before anything else is done with it.
//!
//! A copy is completed only while the source names it, and the source names the last attempt alone. A move is undone in
//! the other direction: `withdrawn` in the copy, unless it was opened, and then no row in the source.
//!
//! These writes run without the check of `connection_part` (see [`Admission`](super::part::Admission)): nobody can have
//! opened the two stores, so `oldest` is what the move or the opening has compared before. Every program that compares it
//! knows this table.

use super::{
    Reader, Store, StoreError, Tx,
    columns::row,
    engine::{all, execute, optional},
    rows::{MoveRow, MoveState},
};
#[cfg(all(feature = "postgres", feature = "sqlite"))]
use crate::ids::{ConnectionId, SessionId};

/// Selects the row.
pub(super) const MOVE: &str = "SELECT state, move_id, other FROM connection_move WHERE only_row = 1";
/// Writes the row.
pub(super) const PUT_MOVE: &str = "INSERT INTO connection_move (only_row, state, move_id, other) VALUES (1, $1, $2, $3) \
                                   ON CONFLICT (only_row) DO UPDATE SET state = excluded.state, \
                                   move_id = excluded.move_id, other = excluded.other";

row! {
    #[cfg_attr(not(all(feature = "postgres", feature = "sqlite")), allow(dead_code, reason = "a move needs both engines"))]
    /// A request that uses something up and that nobody has concluded: of a connection or of a setup.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct OpenExchange {
        pub(crate) connection_id: Option<uuid::Uuid>,
        pub(crate) session_id: Option<uuid::Uuid>,
    }
}

#[cfg(all(feature = "postgres", feature = "sqlite"))]
impl OpenExchange {
    /// Returns the connection whose token is used up, if it is one of a connection.
    pub(crate) fn connection(self) -> Option<ConnectionId> {
        self.connection_id.map(ConnectionId::from)
    }

    /// Returns the setup whose code is used up, if it is one of a setup.
    pub(crate) fn session(self) -> Option<SessionId> {
        self.session_id.map(SessionId::from)
    }
}

impl Reader {
    /// Returns the row of the move; `None` for a store that was never moved.
    pub(crate) async fn moved(&mut self) -> Result<Option<MoveRow>, StoreError> {
        optional!(self, MoveRow, MOVE)
    }

    #[cfg_attr(
        not(all(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a move needs both engines")
    )]
    /// Returns requests that use something up and that nobody has concluded.
    pub(crate) async fn unconcluded_exchanges(&mut self, limit: i64) -> Result<Vec<OpenExchange>, StoreError> {
        const SQL: &str = "SELECT connection_id, session_id FROM connection_exchange \
                           WHERE state = 'intent' AND concluded_at IS NULL LIMIT $1";
        all!(self, OpenExchange, SQL, limit)
    }
}

impl Reader {
    #[cfg_attr(
        not(all(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a move needs both engines")
    )]
    /// Returns the numbers of rows that name addresses of a host.
    pub(crate) async fn addressed(&mut self) -> Result<Option<AddressedRow>, StoreError> {
        const SQL: &str = "SELECT (SELECT COUNT(*) FROM connection_webhook_address WHERE token_hash IS NOT NULL) \
                           AS webhooks, (SELECT COUNT(*) FROM connection_setup WHERE state IN ('running', 'waiting')) \
                           AS setups";
        optional!(self, AddressedRow, SQL)
    }
}

impl Tx {
    #[cfg_attr(
        not(all(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a move needs both engines")
    )]
    /// Writes the row of the move.
    pub(crate) async fn put_move(&mut self, row: &MoveRow) -> Result<(), StoreError> {
        execute!(self, PUT_MOVE, row.state.as_str(), row.move_id, &row.other).map(drop)
    }

    #[cfg_attr(
        not(all(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a move needs both engines")
    )]
    /// Deletes the row of the move.
    pub(crate) async fn forget_move(&mut self) -> Result<(), StoreError> {
        execute!(self, "DELETE FROM connection_move WHERE only_row = 1").map(drop)
    }

    /// Notes the first opening of a copy. Returns `false` if it is no longer one that waits for it.
    pub(crate) async fn open_arrived(&mut self) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_move SET state = 'opened' WHERE only_row = 1 AND state = 'arrived'";
        Ok(execute!(self, SQL)? == 1)
    }
}

row! {
    #[cfg_attr(not(all(feature = "postgres", feature = "sqlite")), allow(dead_code, reason = "a move needs both engines"))]
    /// The numbers of rows that name addresses of a host.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct AddressedRow {
        /// Connections to which providers send events.
        pub(crate) webhooks: i64,
        /// Setups that have not ended.
        pub(crate) setups: i64,
    }
}

impl Store {
    /// Refuses a store that was moved, and a copy that is not complete. Notes the first opening of a copy that is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Moved`], [`StoreError::MoveUnfinished`], [`StoreError::Arriving`], and the errors of a query.
    pub(super) async fn refuse_moved(&self) -> Result<(), StoreError> {
        loop {
            let Some(row) = self.reader().await?.moved().await? else { return Ok(()) };
            let place = self.place().to_owned();
            match row.state {
                MoveState::Opened => return Ok(()),
                MoveState::Moving => return Err(StoreError::MoveUnfinished { place, to: row.other }),
                MoveState::Moved => return Err(StoreError::Moved { place, to: row.other }),
                MoveState::Arriving | MoveState::Withdrawn => {
                    return Err(StoreError::Arriving { place, from: row.other });
                }
                // Another process may open the copy at the same time, or the move may be undone, so the row is read
                // again. The check would lock a second table, which an undoing locks in the other order.
                MoveState::Arrived => {
                    self.write_end(|tx| Box::pin(async move { tx.open_arrived().await })).await?;
                }
            }
        }
    }
}
