//! Queries of the previous credential of a connection.
//!
//! It is kept for a while, with the account and the configuration that the connection had with it.

use super::{
    Lock, Reader, StoreError, Tx,
    engine::{all, execute, later, optional},
    row_events::newest,
    rows::{AccountRow, CredentialRow, PreviousMark, PreviousRow},
    signals::Changed,
};
use crate::ids::ConnectionId;

impl Reader {
    pub(crate) async fn previous_credential(&mut self, id: ConnectionId) -> Result<Option<PreviousRow>, StoreError> {
        const SQL: &str = concat!(
            "SELECT c.connection_id, c.generation, c.state, c.sealed, c.key_id, c.secret_names, c.granted_scopes, \
             c.valid_until, c.created_at, c.renew_at, c.authorized_until, c.refreshed_at, c.refresh_at, \
             c.refresh_failures, c.refresh_reason, c.announced_at, c.replaced_at, c.account_id, c.account_label, \
             c.config, c.mark, ",
            newest!("a.owner", "c.mark"),
            " AS newest FROM connection_credential AS c JOIN connection_account AS a ON a.id = c.connection_id \
             WHERE c.connection_id = $1 AND c.state = 'previous'"
        );
        optional!(self, PreviousRow, SQL, id.as_uuid())
    }

    /// Returns what the marks of the previous credentials of an owner cover.
    pub(crate) async fn every_previous_mark(&mut self, owner: &str) -> Result<Vec<PreviousMark>, StoreError> {
        const SQL: &str = concat!(
            "SELECT a.owner, c.connection_id, c.generation, c.account_id, c.config, c.mark, ",
            newest!("a.owner", "c.mark"),
            " AS newest FROM connection_account AS a JOIN connection_credential AS c ON c.connection_id = a.id \
             WHERE a.owner = $1 AND c.state = 'previous'"
        );
        all!(self, PreviousMark, SQL, owner)
    }

    /// Returns the generation of the previous credential, even if its row cannot be read.
    pub(crate) async fn previous_generation(&mut self, id: ConnectionId) -> Result<Option<i64>, StoreError> {
        const SQL: &str =
            "SELECT generation FROM connection_credential WHERE connection_id = $1 AND state = 'previous'";
        Ok(optional!(self, (i64,), SQL, id.as_uuid())?.map(|(generation,)| generation))
    }
}

impl Tx {
    /// Replaces the current credential, which becomes the previous one. An earlier previous one is deleted. Returns
    /// [`StoreError::ChangedMeanwhile`] if the account is no longer the given row.
    pub(crate) async fn replace_credential(
        &mut self,
        account: &AccountRow,
        fresh: &CredentialRow,
        now: i64,
        mark: &[u8],
    ) -> Result<(), StoreError> {
        const OTHERS: &str = "DELETE FROM connection_credential WHERE connection_id = $1 AND state <> 'current'";
        const RETIRE: &str = "UPDATE connection_credential SET state = 'previous', replaced_at = $2, \
                              account_id = $3, account_label = $4, config = $5, mark = $6 \
                              WHERE connection_id = $1 AND state = 'current'";
        let AccountRow { id, account_id, account_label, config, generation, .. } = account;
        self.changed(Changed::Connection(*id));
        later!(self, OTHERS, id.as_uuid())?;
        later!(self, RETIRE, id.as_uuid(), now, account_id, account_label, config, mark)?;
        self.insert_credential(fresh).await?;
        match self.promote_generation(*id, *generation, fresh.generation, now).await? {
            true => Ok(()),
            false => Err(StoreError::ChangedMeanwhile { what: "credential of a connection" }),
        }
    }

    /// Replaces the previous credential with generation `before` by the one that the provider rotated. Returns
    /// `false` if that credential no longer exists.
    pub(crate) async fn rotate_previous(
        &mut self,
        before: i64,
        fresh: &CredentialRow,
        mark: &[u8],
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_credential SET generation = $3, sealed = $4, key_id = $5, \
                           sealed_refresh_words = NULL, \
                           valid_until = COALESCE($6, valid_until), mark = $7 \
                           WHERE connection_id = $1 AND state = 'previous' AND generation = $2";
        let CredentialRow { connection_id: id, generation, sealed, key_id, valid_until, .. } = fresh;
        // The removal of a connection reads the generation under the same lock.
        self.lock(Lock::Connection(*id)).await?;
        Ok(execute!(self, SQL, id.as_uuid(), before, *generation, sealed, key_id, *valid_until, mark)? == 1)
    }
}
