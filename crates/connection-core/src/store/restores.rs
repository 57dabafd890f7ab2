//! Queries of a restore: how two copies of a store differ, and the mark of a restored credential.

use super::{
    Reader, StoreError, Tx,
    columns::row,
    engine::{all, execute, optional},
    rows::RestoredUse,
    signals::Changed,
};
use crate::ids::ConnectionId;

row! {
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a file is compared with its backup"))]
    /// An exchange of a connection, as far as it shows an attempt to spend a token.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct AttemptRow {
        pub(crate) key: Vec<u8>,
        pub(crate) state: String,
        pub(crate) sent_at: i64,
        pub(crate) replays: i64,
    }
}

impl Reader {
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a file is compared with its backup"))]
    /// Returns the exchanges of a connection, in the order of their keys.
    pub(crate) async fn attempts(&mut self, id: ConnectionId) -> Result<Vec<AttemptRow>, StoreError> {
        const SQL: &str = "SELECT key, state, sent_at, replays FROM connection_exchange WHERE connection_id = $1";
        let mut attempts = all!(self, AttemptRow, SQL, id.as_uuid())?;
        attempts.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(attempts)
    }

    /// Returns the mark of the current credential; `None` unless it was restored and nobody has decided since.
    pub(crate) async fn restored(&mut self, id: ConnectionId) -> Result<Option<RestoredUse>, StoreError> {
        const SQL: &str = "SELECT restored FROM connection_credential WHERE connection_id = $1 AND state = 'current' \
                           AND restored IS NOT NULL";
        let found = optional!(self, (RestoredUse,), SQL, id.as_uuid())?;
        Ok(found.map(|(restored,)| restored))
    }
}

impl Tx {
    /// Marks the current credential as restored, with `reason` (JSON). No time makes it due for a refresh.
    pub(crate) async fn mark_restored(
        &mut self,
        id: ConnectionId,
        restored: RestoredUse,
        reason: &str,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_credential SET restored = $2, refresh_reason = $3, refresh_at = NULL, \
                           sealed_refresh_words = NULL, \
                           refresh_failures = CASE WHEN refresh_failures = 0 THEN 1 ELSE refresh_failures END \
                           WHERE connection_id = $1 AND state = 'current'";
        self.changed(Changed::Connection(id));
        execute!(self, SQL, id.as_uuid(), restored.as_str(), reason).map(drop)
    }
}
