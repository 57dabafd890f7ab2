//! A small value of a plugin.

use crate::seal::Sealed;

/// A row of `connection_kv`, without its key.
#[cfg_attr(not(test), expect(dead_code, reason = "for plugins that keep values"))]
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct KvRow {
    pub(crate) value: Option<String>,
    pub(crate) sealed: Option<Sealed>,
}

/// What is stored under a key: one of the two.
#[cfg_attr(not(test), expect(dead_code, reason = "for plugins that keep values"))]
#[derive(Clone, Debug)]
pub(crate) enum KvValue {
    /// In the clear.
    Public(String),
    /// A secret.
    Sealed(Sealed),
}
