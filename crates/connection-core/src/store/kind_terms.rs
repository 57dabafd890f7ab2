//! Queries about the terms of kinds: the texts, and the digests that connections keep.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute, later, optional},
    signals::Changed,
};
use crate::{ids::ConnectionId, kinds::Terms};

/// The connections of an owner and a kind.
pub(super) const AGREED: &str = "SELECT id, terms FROM connection_account \
                                 WHERE owner = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4";

impl Reader {
    /// Returns the text with this digest. The caller compares the digest of what it receives.
    pub(crate) async fn kind_terms(&mut self, digest: &[u8]) -> Result<Option<String>, StoreError> {
        const SQL: &str = "SELECT terms FROM connection_kind_terms WHERE digest = $1";
        Ok(optional!(self, (String,), SQL, digest)?.map(|(terms,)| terms))
    }

    /// Returns the texts of terms, at most `limit`.
    pub(crate) async fn all_kind_terms(&mut self, limit: i64) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "SELECT terms FROM connection_kind_terms LIMIT $1";
        Ok(all!(self, (String,), SQL, limit)?.into_iter().map(|(terms,)| terms).collect())
    }

    /// Returns connections of an owner and a kind with ids after `after`, each with the digest that it keeps.
    pub(crate) async fn agreed_terms(
        &mut self,
        owner: &str,
        kind: &str,
        after: Option<ConnectionId>,
        limit: i64,
    ) -> Result<Vec<(ConnectionId, Option<Vec<u8>>)>, StoreError> {
        let after = after.map_or(Uuid::nil(), ConnectionId::as_uuid);
        let found = all!(self, (Uuid, Option<Vec<u8>>), AGREED, owner, kind, after, limit)?;
        Ok(found.into_iter().map(|(id, terms)| (ConnectionId::from(id), terms)).collect())
    }
}

impl Tx {
    /// Keeps the text of terms, if it is not kept yet.
    pub(crate) async fn put_kind_terms(&mut self, terms: &Terms) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_kind_terms (digest, terms) VALUES ($1, $2) \
                           ON CONFLICT (digest) DO NOTHING";
        later!(self, SQL, &terms.digest, &*terms.text)
    }

    /// Sets the terms to which a person agreed for a connection. Returns `false` if the connection does not exist.
    pub(crate) async fn set_account_terms(
        &mut self,
        id: ConnectionId,
        digest: Option<&[u8]>,
        now: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection_account SET terms = $2, revision = revision + 1, updated_at = $3 \
                           WHERE id = $1";
        self.changed(Changed::Connection(id));
        Ok(execute!(self, SQL, id.as_uuid(), digest, now)? == 1)
    }
}
