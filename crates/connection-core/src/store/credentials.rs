//! Queries of `connection_credential`.

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute, later, optional},
    rows::CredentialRow,
    signals::Changed,
};
use crate::ids::ConnectionId;

impl Reader {
    /// Returns the credential that the account names and whose state is `current`. If one of the two was edited,
    /// nothing is found.
    pub(crate) async fn current_credential(&mut self, id: ConnectionId) -> Result<Option<CredentialRow>, StoreError> {
        const SQL: &str = "SELECT c.connection_id, c.generation, c.state, c.sealed, c.key_id, c.secret_names, \
                           c.granted_scopes, c.valid_until, c.created_at, c.renew_at, c.authorized_until, \
                           c.refreshed_at, c.refresh_at, c.refresh_failures, c.refresh_reason, c.announced_at FROM connection_account AS a \
                           JOIN connection_credential AS c ON c.connection_id = a.id \
                           AND c.generation = a.generation AND c.state = 'current' WHERE a.id = $1";
        optional!(self, CredentialRow, SQL, id.as_uuid())
    }
}

impl Tx {
    /// Inserts a credential. Returns [`StoreError::Conflict`] if the connection has a credential in that state already.
    pub(crate) async fn insert_credential(&mut self, row: &CredentialRow) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_credential (connection_id, generation, state, sealed, key_id, \
                           secret_names, granted_scopes, valid_until, created_at, renew_at, authorized_until, \
                           refreshed_at, refresh_at, refresh_failures, refresh_reason, announced_at) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
        self.changed(Changed::Connection(row.connection_id));
        later!(
            self,
            SQL,
            row.connection_id.as_uuid(),
            row.generation,
            row.state.as_str(),
            &row.sealed,
            &row.key_id,
            &row.secret_names,
            &row.granted_scopes,
            row.valid_until,
            row.created_at,
            row.plan.renew_at,
            row.plan.authorized_until,
            row.plan.refreshed_at,
            row.plan.refresh_at,
            row.plan.refresh_failures,
            &row.plan.refresh_reason,
            row.plan.announced_at
        )
    }

    /// Stores the facts that a verification found about a credential. `None` removes a known fact.
    pub(crate) async fn set_credential_facts(
        &mut self,
        id: ConnectionId,
        generation: i64,
        granted_scopes: Option<&str>,
        valid_until: Option<i64>,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_credential SET granted_scopes = $3, valid_until = $4 \
                           WHERE connection_id = $1 AND generation = $2";
        Ok(execute!(self, SQL, id.as_uuid(), generation, granted_scopes, valid_until)? == 1)
    }

    /// Stores the names of the secrets that the plugin reports for a credential. Returns `false` if they are stored
    /// already.
    pub(crate) async fn set_secret_names(
        &mut self,
        id: ConnectionId,
        generation: i64,
        names: &str,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_credential SET secret_names = $3 \
                           WHERE connection_id = $1 AND generation = $2 AND secret_names <> $3";
        let is_other = execute!(self, SQL, id.as_uuid(), generation, names)? == 1;
        if is_other {
            self.changed(Changed::Connection(id));
        }
        Ok(is_other)
    }

    /// Deletes a credential and the previous one. Returns the time at which the end of this credential was
    /// announced, if it was.
    pub(crate) async fn delete_credential_and_previous(
        &mut self,
        id: ConnectionId,
        generation: i64,
    ) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "DELETE FROM connection_credential WHERE connection_id = $1 \
                           AND (generation = $2 OR state = 'previous') RETURNING generation, announced_at";
        self.changed(Changed::Connection(id));
        let deleted = all!(self, (i64, Option<i64>), SQL, id.as_uuid(), generation)?;
        Ok(deleted.into_iter().find_map(|(deleted, at)| at.filter(|_| deleted == generation)))
    }
}
