//! The sealed keys.

use uuid::Uuid;

use crate::seal::Sealed;

/// The row of `connection_keyset`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct KeysetRow {
    pub(crate) store_id: Uuid,
    /// Grows with every change. Changes compare and swap it.
    pub(crate) revision: i64,
    /// Grows when the keys change. A process that holds the keys of another revision reads them again.
    pub(crate) keys_revision: i64,
    pub(crate) slot_a: Option<Sealed>,
    pub(crate) slot_b: Option<Sealed>,
}
