//! A small value of a plugin.

use crate::seal::Sealed;

/// A row of `connection_kv`, without its key.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct KvRow {
    pub(crate) value: Option<String>,
    pub(crate) sealed: Option<Sealed>,
}

/// What is stored under a key: one of the two.
#[derive(Clone, Debug)]
pub(crate) enum KvValue {
    /// In the clear.
    Public(String),
    /// A secret.
    Sealed(Sealed),
}
