//! The row that says that a store is moved to another database, or came from one.

use uuid::Uuid;

use super::{row, stored_words};

stored_words! {
    /// The state of a move, as one of its two stores knows it. The source has the first two, and the copy the others.
    MoveState in "connection_move.state" {
        /// The copy is being made. The source does not open.
        Moving = "moving",
        /// The copy is complete, and the source opens never again.
        Moved = "moved",
        /// The source may still be the one that opens, so the copy does not.
        Arriving = "arriving",
        /// The copy can be opened, and was not opened yet.
        Arrived = "arrived",
        /// The copy was opened, so the move is not undone any more.
        Opened = "opened",
        /// The move was undone, and the rows of the copy were deleted.
        Withdrawn = "withdrawn",
    }
}

row! {
    /// The row of `connection_move`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct MoveRow {
        pub(crate) state: MoveState,
        /// The id of the attempt to copy.
        pub(crate) move_id: Uuid,
        /// The other store, without a user or password.
        pub(crate) other: String,
    }
}
