//! An isolated identity of a local tool.

use super::{StoredMark, row};
use crate::ids::ProfileId;

row! {
    /// A row of `connection_profile`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ProfileRow {
        pub(crate) id: ProfileId,
        pub(crate) owner: String,
        pub(crate) kind: String,
        /// Unique per owner and kind.
        pub(crate) label: String,
        /// Absolute and normalized; unique per owner and kind.
        pub(crate) directory: String,
        pub(crate) is_default: bool,
        pub(crate) is_implicit: bool,
        pub(crate) created_at: i64,
        pub(crate) marked: StoredMark,
    }
}

row! {
    /// A row of `connection_profile_slot`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct SlotRow {
        pub(crate) owner: String,
        pub(crate) kind: String,
        pub(crate) slot: String,
        pub(crate) profile_id: ProfileId,
        pub(crate) marked: StoredMark,
    }
}
