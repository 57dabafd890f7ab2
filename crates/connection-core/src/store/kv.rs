//! Queries of `connection_kv`.

use super::{
    Reader, StoreError, Tx,
    engine::{all, execute, later, optional},
    rows::{KvRow, KvValue},
};

impl Reader {
    pub(crate) async fn kv(&mut self, owner: &str, namespace: &str, key: &str) -> Result<Option<KvRow>, StoreError> {
        const SQL: &str = "SELECT value, sealed FROM connection_kv WHERE owner = $1 AND namespace = $2 AND key = $3";
        optional!(self, KvRow, SQL, owner, namespace, key)
    }
}

impl Tx {
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
        later!(self, SQL, owner, namespace, key, public, sealed)
    }

    /// Deletes a value. Returns `false` if there was none.
    pub(crate) async fn delete_kv(&mut self, owner: &str, namespace: &str, key: &str) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM connection_kv WHERE owner = $1 AND namespace = $2 AND key = $3";
        Ok(execute!(self, SQL, owner, namespace, key)? == 1)
    }

    /// Deletes all values of a namespace, and returns their number.
    pub(crate) async fn delete_kv_of(&mut self, owner: &str, namespace: &str) -> Result<u64, StoreError> {
        const SQL: &str = "DELETE FROM connection_kv WHERE owner = $1 AND namespace = $2";
        execute!(self, SQL, owner, namespace)
    }

    /// Returns all namespaces in which an owner has values.
    pub(crate) async fn kv_namespaces(&mut self, owner: &str) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "SELECT DISTINCT namespace FROM connection_kv WHERE owner = $1 ORDER BY namespace";
        let rows: Vec<(String,)> = all!(self, (String,), SQL, owner)?;
        Ok(rows.into_iter().map(|(namespace,)| namespace).collect())
    }
}
