//! Queries of `connection_access_token_request`.

use super::{
    Reader, StoreError, Tx,
    columns::row,
    engine::{execute, later, optional},
};

row! {
    /// A request that was begun under a key.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct TokenRequestRow {
        pub(crate) request: Vec<u8>,
        /// The id of what it has made.
        pub(crate) made: Option<String>,
    }
}

impl Reader {
    pub(crate) async fn token_request(&mut self, key: &[u8; 32]) -> Result<Option<TokenRequestRow>, StoreError> {
        const SQL: &str = "SELECT request, made FROM connection_access_token_request WHERE key = $1";
        optional!(self, TokenRequestRow, SQL, &key[..])
    }
}

impl Tx {
    /// Inserts a request. Returns `false` if there is one under this key.
    pub(crate) async fn insert_token_request(
        &mut self,
        key: &[u8; 32],
        request: &[u8; 32],
        now: i64,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO connection_access_token_request (key, request, made, created_at) \
                           VALUES ($1, $2, NULL, $3) ON CONFLICT (key) DO NOTHING";
        Ok(execute!(self, SQL, &key[..], &request[..], now)? == 1)
    }

    pub(crate) async fn set_token_request_made(&mut self, key: &[u8; 32], made: &str) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection_access_token_request SET made = $2 WHERE key = $1";
        later!(self, SQL, &key[..], made)
    }

    /// Deletes a request that has made nothing.
    pub(crate) async fn delete_token_request(&mut self, key: &[u8; 32]) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM connection_access_token_request WHERE key = $1 AND made IS NULL";
        later!(self, SQL, &key[..])
    }

    /// Deletes the requests that were begun by then.
    pub(crate) async fn purge_token_requests(&mut self, by: i64) -> Result<(), StoreError> {
        later!(self, "DELETE FROM connection_access_token_request WHERE created_at <= $1", by)
    }
}
