//! An isolated identity of a local tool.

use uuid::Uuid;

use super::Marked;
use crate::ids::ProfileId;

/// A row of `connection_profile`, without its owner and kind, which the query gives.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ProfileRow {
    #[sqlx(try_from = "Uuid")]
    pub(crate) id: ProfileId,
    /// Unique per owner and kind.
    pub(crate) label: String,
    /// Absolute and normalized; unique per owner and kind.
    pub(crate) directory: String,
    pub(crate) is_default: bool,
    pub(crate) is_implicit: bool,
    pub(crate) created_at: i64,
    #[sqlx(flatten)]
    pub(crate) marked: Marked,
}

/// A row of `connection_profile_slot`, without its owner and kind.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SlotRow {
    pub(crate) slot: String,
    #[sqlx(try_from = "Uuid")]
    pub(crate) profile_id: ProfileId,
    #[sqlx(flatten)]
    pub(crate) marked: Marked,
}
