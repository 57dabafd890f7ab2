//! The mark of the previous credential, which also covers the account and the configuration that a rollback restores.

use crate::{
    ConnectionId,
    guard::{RowError, Subject},
    keys::Sealer,
    store::{StoreError, Tx, rows::PreviousRow},
};

const TABLE: &str = "connection_credential";

/// The columns of the row that the mark covers. The sealed column is bound to its generation by itself.
#[derive(Clone, Copy)]
pub(crate) struct Previous<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) owner: &'a str,
    pub(crate) generation: i64,
    pub(crate) account_id: &'a str,
    pub(crate) config: &'a str,
}

impl<'a> Previous<'a> {
    pub(crate) fn of(row: &'a PreviousRow, owner: &'a str) -> Self {
        let PreviousRow { credential, account_id, config, .. } = row;
        Self { id: credential.connection_id, owner, generation: credential.generation, account_id, config }
    }

    /// Returns the mark. The transaction holds the owner's lock.
    pub(crate) async fn mark(&self, tx: &mut Tx, sealer: &Sealer, now: i64) -> Result<Vec<u8>, StoreError> {
        let generation = self.generation.to_be_bytes();
        let fields = [&generation[..], self.account_id.as_bytes(), self.config.as_bytes()];
        let key = [&self.id.as_bytes()[..], b"previous"];
        Subject { table: TABLE, owner: self.owner, key: &key }.written(tx, sealer, now, &fields).await
    }

    /// Checks that the row is as this program last wrote it.
    pub(crate) fn check(&self, sealer: &Sealer, row: &PreviousRow) -> Result<(), RowError> {
        let generation = self.generation.to_be_bytes();
        let fields = [&generation[..], self.account_id.as_bytes(), self.config.as_bytes()];
        let key = [&self.id.as_bytes()[..], b"previous"];
        let what = || format!("the previous credential of connection {}", self.id).into();
        Subject { table: TABLE, owner: self.owner, key: &key }.check(sealer, &row.marked, &fields, what)
    }
}
