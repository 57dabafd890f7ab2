//! A credential of a connection, in one of its generations.

use uuid::Uuid;

use super::words;
use crate::{ids::ConnectionId, seal::Sealed};

words! {
    /// What a credential is to its connection; at most one is in each state.
    CredentialState in "connection_credential.state" {
        /// Stored, not yet verified.
        Candidate = "candidate",
        /// In use.
        Current = "current",
        /// Kept for a while after another took its place.
        Previous = "previous",
    }
}

/// A row of `connection_credential`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct CredentialRow {
    #[sqlx(try_from = "Uuid")]
    pub(crate) connection_id: ConnectionId,
    /// Drawn from the account's `next_generation`, never used again.
    pub(crate) generation: i64,
    #[sqlx(try_from = "String")]
    pub(crate) state: CredentialState,
    pub(crate) sealed: Sealed,
    /// The keyset entry that sealed it, for rotation.
    pub(crate) key_id: Vec<u8>,
    /// JSON: what secrets can be taken out by name.
    pub(crate) secret_names: String,
    /// JSON; `None` when the provider does not say.
    pub(crate) granted_scopes: Option<String>,
    pub(crate) valid_until: Option<i64>,
    pub(crate) created_at: i64,
}

/// The credential before the current one, with what the connection was by it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PreviousRow {
    #[sqlx(flatten)]
    pub(crate) credential: CredentialRow,
    /// When another took its place.
    pub(crate) replaced_at: i64,
    pub(crate) account_id: String,
    pub(crate) account_label: String,
    /// JSON.
    pub(crate) config: String,
}
