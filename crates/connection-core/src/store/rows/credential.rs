//! A credential of a connection, in one of its generations.

use uuid::Uuid;

use super::{Marked, words};
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
    #[sqlx(flatten)]
    pub(crate) plan: PlanRow,
}

/// When a credential is renewed, and how that went.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct PlanRow {
    /// When the plugin wants it renewed, if that is not shortly before it ends.
    pub(crate) renew_at: Option<i64>,
    /// When renewing stops working.
    pub(crate) authorized_until: Option<i64>,
    /// When a refresh made it; `None` when a setup or an import did.
    pub(crate) refreshed_at: Option<i64>,
    /// When to renew it next.
    pub(crate) refresh_at: Option<i64>,
    /// In a row, up to now.
    pub(crate) refresh_failures: i64,
    /// JSON: why the last try failed.
    pub(crate) refresh_reason: Option<String>,
    /// When it was told that it ends soon; that holds for what is renewed of it, too.
    pub(crate) announced_at: Option<i64>,
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
    #[sqlx(flatten)]
    pub(crate) marked: Marked,
}
