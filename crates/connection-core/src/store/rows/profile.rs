//! An isolated identity of a local tool.

use super::{Marked, row};
use crate::ids::ProfileId;

row! {
    /// A row of `connection_profile`, without its owner and kind, which the query gives.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ProfileRow {
        pub(crate) id: ProfileId,
        /// Unique per owner and kind.
        pub(crate) label: String,
        /// Absolute and normalized; unique per owner and kind.
        pub(crate) directory: String,
        pub(crate) is_default: bool,
        pub(crate) is_implicit: bool,
        pub(crate) created_at: i64,
        pub(crate) marked: Marked,
    }
}

row! {
    /// A row of `connection_profile_slot`, without its owner and kind.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct SlotRow {
        pub(crate) slot: String,
        pub(crate) profile_id: ProfileId,
        pub(crate) marked: Marked,
    }
}
