//! Queries of `connection_provider_grant`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    columns::row,
    engine::{all, later, optional},
};
use crate::ids::ConnectionId;

row! {
    /// The grant of a connection, as two MACs.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ProviderGrantRow {
        pub(crate) application: Vec<u8>,
        pub(crate) account: Vec<u8>,
    }
}

impl Reader {
    /// Returns the grant of a connection, if it is known.
    pub(crate) async fn provider_grant(&mut self, id: ConnectionId) -> Result<Option<ProviderGrantRow>, StoreError> {
        const SQL: &str = "SELECT application, account FROM connection_provider_grant WHERE connection_id = $1";
        optional!(self, ProviderGrantRow, SQL, id.as_uuid())
    }

    /// Returns `true` if another connection, of any owner, has this grant.
    pub(crate) async fn is_grant_shared(
        &mut self,
        id: ConnectionId,
        grant: &ProviderGrantRow,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT connection_id FROM connection_provider_grant \
                           WHERE account = $2 AND application = $3 AND connection_id <> $1 LIMIT 1";
        let found = optional!(self, (Uuid,), SQL, id.as_uuid(), &grant.account, &grant.application)?;
        Ok(found.is_some())
    }

    /// Returns the other connections, of any owner, that have this grant, each with the generation of its credential.
    pub(crate) async fn connections_with_grant(
        &mut self,
        id: ConnectionId,
        grant: &ProviderGrantRow,
    ) -> Result<Vec<(ConnectionId, i64)>, StoreError> {
        const SQL: &str = "SELECT a.id, a.generation FROM connection_provider_grant AS g \
                           JOIN connection_account AS a ON a.id = g.connection_id \
                           WHERE g.account = $2 AND g.application = $3 AND g.connection_id <> $1";
        all!(self, (ConnectionId, i64), SQL, id.as_uuid(), &grant.account, &grant.application)
    }

    /// Returns the kinds of the owner's other connections.
    pub(crate) async fn kinds_beside(&mut self, owner: &str, id: ConnectionId) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "SELECT DISTINCT kind FROM connection_account WHERE owner = $1 AND id <> $2";
        Ok(all!(self, (String,), SQL, owner, id.as_uuid())?.into_iter().map(|(kind,)| kind).collect())
    }

    /// Returns the kinds of the owner's other connections whose grant is not known.
    pub(crate) async fn kinds_without_grant(
        &mut self,
        owner: &str,
        id: ConnectionId,
    ) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "SELECT DISTINCT a.kind FROM connection_account AS a \
                           LEFT JOIN connection_provider_grant AS g ON g.connection_id = a.id \
                           WHERE a.owner = $1 AND a.id <> $2 AND g.connection_id IS NULL";
        Ok(all!(self, (String,), SQL, owner, id.as_uuid())?.into_iter().map(|(kind,)| kind).collect())
    }
}

impl Tx {
    /// Stores the grant of a connection in place of an earlier one. A connection that is gone has none.
    pub(crate) async fn set_provider_grant(
        &mut self,
        id: ConnectionId,
        grant: &ProviderGrantRow,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_provider_grant (connection_id, application, account) \
                           SELECT a.id, $2, $3 FROM connection_account AS a WHERE a.id = $1 \
                           ON CONFLICT (connection_id) DO UPDATE SET application = excluded.application, \
                           account = excluded.account";
        later!(self, SQL, id.as_uuid(), &grant.application, &grant.account)
    }

    /// Deletes the grant of a connection whose account is another one now.
    pub(crate) async fn delete_provider_grant(&mut self, id: ConnectionId) -> Result<(), StoreError> {
        later!(self, "DELETE FROM connection_provider_grant WHERE connection_id = $1", id.as_uuid())
    }
}
