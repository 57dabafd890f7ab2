//! Queries of `connection_access_token`.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    engine::{all, later, optional},
    row_events::{READ_AT_ONCE, newest},
    rows::AccessTokenRow,
    signals::Changed,
};
use crate::ids::{AccessTokenId, SessionId};

/// The columns of an [`AccessTokenRow`].
macro_rules! token_columns {
    () => {
        concat!(
            "t.id, t.owner, t.purpose, t.token_hash, t.name, t.role, t.extension, t.link, t.setup_id, t.created_at, \
             t.expires_at, t.idle, t.last_used_at, t.revoked_at, t.agent_id, t.audience, t.client, t.mark, ",
            newest!("t.owner", "t.mark"),
            " AS newest"
        )
    };
}

macro_rules! tokens {
    ($rest:literal) => {
        concat!("SELECT ", token_columns!(), " FROM connection_access_token AS t WHERE ", $rest)
    };
}

pub(super) use {token_columns, tokens};

impl Reader {
    /// Returns a token or a code, also one that has ended.
    pub(crate) async fn access_token(&mut self, id: AccessTokenId) -> Result<Option<AccessTokenRow>, StoreError> {
        const SQL: &str = tokens!("t.id = $1");
        optional!(self, AccessTokenRow, SQL, id.as_uuid())
    }

    /// Returns the token or the code with this hash, also one that has ended.
    pub(crate) async fn access_token_by_hash(&mut self, hash: &[u8]) -> Result<Option<AccessTokenRow>, StoreError> {
        const SQL: &str = tokens!("t.token_hash = $1");
        optional!(self, AccessTokenRow, SQL, hash)
    }

    /// Returns some tokens and codes of an owner after one of them, in the order of their ids.
    pub(crate) async fn every_access_token(
        &mut self,
        owner: &str,
        after: Option<&AccessTokenRow>,
    ) -> Result<Vec<AccessTokenRow>, StoreError> {
        const SQL: &str = tokens!("t.owner = $1 AND ($2 IS NULL OR t.id > $2) ORDER BY t.id LIMIT $3");
        all!(self, AccessTokenRow, SQL, owner, after.map(|row| row.id.as_uuid()), READ_AT_ONCE)
    }

    /// Returns tokens and codes with ids after `after`, of one owner or of all, in the order of their ids. The empty
    /// owner has those that act for all owners.
    pub(crate) async fn access_tokens(
        &mut self,
        owner: Option<&str>,
        after: Option<AccessTokenId>,
        limit: i64,
    ) -> Result<Vec<AccessTokenRow>, StoreError> {
        const ALL: &str = tokens!("t.id > $1 ORDER BY t.id LIMIT $2");
        const OF_OWNER: &str = tokens!("t.owner = $1 AND t.id > $2 ORDER BY t.id LIMIT $3");
        let after = after.map_or(Uuid::nil(), AccessTokenId::as_uuid);
        match owner {
            None => all!(self, AccessTokenRow, ALL, after, limit),
            Some(owner) => all!(self, AccessTokenRow, OF_OWNER, owner, after, limit),
        }
    }
}

impl Tx {
    pub(crate) async fn insert_access_token(&mut self, row: &AccessTokenRow, mark: &[u8]) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_access_token (id, owner, purpose, token_hash, name, role, \
                           extension, link, setup_id, created_at, expires_at, idle, last_used_at, revoked_at, \
                           agent_id, audience, client, mark) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
        later!(
            self,
            SQL,
            row.id.as_uuid(),
            &row.owner,
            row.purpose.as_str(),
            &row.token_hash,
            &row.name,
            &row.role,
            &row.extension,
            &row.link,
            row.setup_id,
            row.created_at,
            row.expires_at,
            row.idle,
            row.last_used_at,
            row.revoked_at,
            row.agent_id,
            &row.audience,
            &row.client,
            mark,
        )
    }

    /// Ends a token or a code.
    pub(crate) async fn revoke_access_token(
        &mut self,
        id: AccessTokenId,
        at: i64,
        mark: &[u8],
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_access_token SET revoked_at = $2, mark = $3 WHERE id = $1";
        self.changed(Changed::Agents);
        later!(self, SQL, id.as_uuid(), at, mark)
    }

    /// Sets the end of a code.
    pub(crate) async fn set_access_token_end(
        &mut self,
        id: AccessTokenId,
        at: i64,
        mark: &[u8],
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_access_token SET expires_at = $2, mark = $3 WHERE id = $1";
        later!(self, SQL, id.as_uuid(), at, mark)
    }

    /// Lets the visitor of a setup link continue this setup.
    pub(crate) async fn set_access_token_setup(
        &mut self,
        id: AccessTokenId,
        setup: SessionId,
        mark: &[u8],
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_access_token SET setup_id = $2, mark = $3 WHERE id = $1";
        later!(self, SQL, id.as_uuid(), setup.as_uuid(), mark)
    }

    /// Records a use, unless a later one is recorded.
    pub(crate) async fn use_access_token(&mut self, id: AccessTokenId, at: i64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_access_token SET last_used_at = $2 \
                           WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
        later!(self, SQL, id.as_uuid(), at)
    }

    pub(crate) async fn delete_access_token(&mut self, id: AccessTokenId) -> Result<(), StoreError> {
        self.changed(Changed::Agents);
        later!(self, "DELETE FROM connection_access_token WHERE id = $1", id.as_uuid())
    }
}
