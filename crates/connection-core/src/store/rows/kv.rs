//! A small value of a plugin.

use super::row;
use crate::store::Sealed;

row! {
    /// A row of `connection_kv`, without its key.
    #[derive(Clone, Debug)]
    pub(crate) struct KvRow {
        pub(crate) value: Option<String>,
        pub(crate) sealed: Option<Sealed>,
    }
}

/// The value of a key, which is either public or secret.
#[derive(Clone, Debug)]
pub(crate) enum KvValue {
    /// A public value, as plain text.
    Public(String),
    /// A secret value, sealed.
    Sealed(Sealed),
}
