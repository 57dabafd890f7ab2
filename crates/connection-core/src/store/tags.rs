//! Queries of `connection_tag` and `connection_attention`, and of the tags of a connection.

use super::{
    Reader, StoreError, Tx,
    engine::{later, optional},
    signals::Changed,
};
use crate::{Tags, ids::ConnectionId};

impl Reader {
    /// Returns the number of the last event of the connection that was considered, and `true` if the operator was last
    /// told that the connection needs a person. `None` if no event was considered.
    pub(crate) async fn attention(&mut self, id: ConnectionId) -> Result<Option<(i64, bool)>, StoreError> {
        const SQL: &str = "SELECT number, is_needed FROM connection_attention WHERE connection_id = $1";
        optional!(self, (i64, bool), SQL, id.as_uuid())
    }
}

impl Tx {
    /// Sets the tags of a connection that exists, in place of those that it had.
    pub(crate) async fn set_tags(&mut self, id: ConnectionId, tags: &Tags, now: i64) -> Result<(), StoreError> {
        const OF_ACCOUNT: &str = "UPDATE connection_account SET tags = $2, revision = revision + 1, updated_at = $3 \
                                  WHERE id = $1";
        const DELETE: &str = "DELETE FROM connection_tag WHERE connection_id = $1";
        const INSERT: &str = "INSERT INTO connection_tag (connection_id, name, value, owner, usable_at) \
                              SELECT id, CAST($2 AS TEXT), CAST($3 AS TEXT), owner, usable_at \
                              FROM connection_account WHERE id = $1";
        self.changed(Changed::Connection(id));
        later!(self, OF_ACCOUNT, id.as_uuid(), tags.stored(), now)?;
        later!(self, DELETE, id.as_uuid())?;
        for (name, value) in tags.iter() {
            later!(self, INSERT, id.as_uuid(), name, value)?;
        }
        Ok(())
    }

    /// Records whether the operator was told that the connection needs a person, unless the connection was removed.
    pub(crate) async fn set_attention(
        &mut self,
        id: ConnectionId,
        number: i64,
        is_needed: bool,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_attention (connection_id, number, is_needed) \
                           SELECT id, CAST($2 AS BIGINT), $3 FROM connection_account WHERE id = $1 \
                           ON CONFLICT (connection_id) \
                           DO UPDATE SET number = excluded.number, is_needed = excluded.is_needed";
        later!(self, SQL, id.as_uuid(), number, is_needed)
    }
}
