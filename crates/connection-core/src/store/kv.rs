//! Queries of `connection_kv`.

use super::{
    Reader, StoreError, Tx,
    engine::{execute, optional},
    rows::{KvRow, KvValue},
};

impl Reader {
    #[cfg_attr(not(test), expect(dead_code, reason = "for plugins that keep values"))]
    pub(crate) async fn kv(&mut self, owner: &str, namespace: &str, key: &str) -> Result<Option<KvRow>, StoreError> {
        const SQL: &str = "SELECT value, sealed FROM connection_kv WHERE owner = $1 AND namespace = $2 AND key = $3";
        optional!(self, KvRow, SQL, owner, namespace, key)
    }
}

impl Tx {
    #[cfg_attr(not(test), expect(dead_code, reason = "for plugins that keep values"))]
    pub(crate) async fn put_kv(
        &mut self,
        owner: &str,
        namespace: &str,
        key: &str,
        value: &KvValue,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_kv (owner, namespace, key, value, sealed) \
                           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner, namespace, key) DO UPDATE \
                           SET value = excluded.value, sealed = excluded.sealed";
        let (public, sealed) = match value {
            KvValue::Public(text) => (Some(text), None),
            KvValue::Sealed(sealed) => (None, Some(sealed)),
        };
        execute!(self, SQL, owner, namespace, key, public, sealed).map(drop)
    }

    /// `false` when there was none.
    #[cfg_attr(not(test), expect(dead_code, reason = "for plugins that keep values"))]
    pub(crate) async fn delete_kv(&mut self, owner: &str, namespace: &str, key: &str) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_kv WHERE owner = $1 AND namespace = $2 AND key = $3";
        Ok(execute!(self, SQL, owner, namespace, key)? == 1)
    }
}
