//! Queries of `connection_lacking_scope`.

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute, optional},
};
use crate::ids::ConnectionId;

impl Reader {
    /// Returns the scopes that a connection lacks for an extension, as JSON.
    pub(crate) async fn lacking_scopes(
        &mut self,
        owner: &str,
        extension: &str,
        connection: ConnectionId,
    ) -> Result<Option<String>, StoreError> {
        const SQL: &str = "SELECT scopes FROM connection_lacking_scope \
                           WHERE owner = $1 AND extension = $2 AND connection_id = $3";
        Ok(optional!(self, (String,), SQL, owner, extension, connection.as_uuid())?.map(|(scopes,)| scopes))
    }

    /// Returns the scopes that connections lack for the extensions of an owner: extension, connection, and scopes as
    /// JSON.
    pub(crate) async fn all_lacking_scopes(
        &mut self,
        owner: &str,
    ) -> Result<Vec<(String, ConnectionId, String)>, StoreError> {
        const SQL: &str = "SELECT extension, connection_id, scopes FROM connection_lacking_scope WHERE owner = $1";
        all!(self, (String, ConnectionId, String), SQL, owner)
    }
}

impl Tx {
    /// Stores the scopes (JSON) that a connection lacks for an extension. Does nothing if the connection was removed.
    pub(crate) async fn put_lacking_scopes(
        &mut self,
        owner: &str,
        extension: &str,
        connection: ConnectionId,
        scopes: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_lacking_scope (owner, extension, connection_id, scopes) \
                           SELECT $1, $2, a.id, $4 FROM connection_account AS a WHERE a.id = $3 \
                           ON CONFLICT (owner, extension, connection_id) DO UPDATE SET scopes = excluded.scopes";
        execute!(self, SQL, owner, extension, connection.as_uuid(), scopes).map(drop)
    }

    /// Forgets the scopes that a connection lacked, because another authorization takes its place.
    pub(crate) async fn delete_lacking_scopes(&mut self, connection: ConnectionId) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_lacking_scope WHERE connection_id = $1";
        execute!(self, SQL, connection.as_uuid()).map(drop)
    }
}
