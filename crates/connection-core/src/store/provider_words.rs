//! Queries of the provider's own words, which are sealed beside the reasons that they are about.
//!
//! Each statement that stores a reason erases the words of another one, and keeps those of the same one. The words of a
//! new answer are stored by a statement after it.

use connection_contract::Reason;

use super::{
    LIVENESS_WORDS, REFRESH_WORDS, Reader, Sealed, SealedColumn, StoreError, Tx,
    columns::row,
    engine::{later, optional},
    json,
};
use crate::ids::ConnectionId;

row! {
    /// The stored reasons of a connection, with the provider's own words about each.
    #[derive(Clone, Debug)]
    pub(crate) struct ProviderWordsRow {
        /// The reason that was measured, as JSON.
        reason: Option<String>,
        sealed_words: Option<Sealed>,
        /// The generation of the credential that was measured.
        measured: Option<i64>,
        /// The reason why the last refresh failed, as JSON.
        refresh_reason: Option<String>,
        sealed_refresh_words: Option<Sealed>,
        /// The generation of the current credential.
        generation: Option<i64>,
    }
}

impl ProviderWordsRow {
    /// Returns the sealed words about this reason, with their column and generation.
    pub(crate) fn about(self, reason: &Reason) -> Option<(SealedColumn, i64, Sealed)> {
        let is_it = |stored: Option<&str>| {
            let stored = stored.and_then(json::to_reason);
            stored.is_some_and(|stored| stored.code == reason.code && stored.message == reason.message)
        };
        // A measurement that found the reason of a refresh has no newer words than the refresh.
        let of_refresh = self.sealed_refresh_words.filter(|_| is_it(self.refresh_reason.as_deref()));
        let of_refresh = of_refresh.zip(self.generation).map(|(words, at)| (REFRESH_WORDS, at, words));
        let measured = self.sealed_words.filter(|_| is_it(self.reason.as_deref()));
        of_refresh.or_else(|| measured.zip(self.measured).map(|(words, at)| (LIVENESS_WORDS, at, words)))
    }
}

impl Reader {
    /// Returns the stored reasons of a connection, with the provider's own words about each.
    pub(crate) async fn provider_words(&mut self, id: ConnectionId) -> Result<Option<ProviderWordsRow>, StoreError> {
        const SQL: &str = "SELECT l.reason, l.sealed_words, l.generation AS measured, c.refresh_reason, \
                           c.sealed_refresh_words, c.generation FROM connection_account AS a \
                           LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
                           LEFT JOIN connection_credential AS c ON c.connection_id = a.id \
                           AND c.generation = a.generation AND c.state = 'current' WHERE a.id = $1";
        optional!(self, ProviderWordsRow, SQL, id.as_uuid())
    }
}

impl Tx {
    /// Stores the words about the reason that was measured with the credential of this generation.
    pub(crate) async fn set_liveness_words(
        &mut self,
        id: ConnectionId,
        generation: i64,
        words: &Sealed,
    ) -> Result<(), StoreError> {
        const SQL: &str =
            "UPDATE connection_liveness SET sealed_words = $3 WHERE connection_id = $1 AND generation = $2";
        later!(self, SQL, id.as_uuid(), generation, words)
    }

    /// Stores the words about the reason why the credential of this generation was not refreshed.
    pub(crate) async fn set_refresh_words(
        &mut self,
        id: ConnectionId,
        generation: i64,
        words: &Sealed,
    ) -> Result<(), StoreError> {
        const SQL: &str =
            "UPDATE connection_credential SET sealed_refresh_words = $3 WHERE connection_id = $1 AND generation = $2";
        later!(self, SQL, id.as_uuid(), generation, words)
    }
}
