//! Entries of the record of use.

use uuid::Uuid;

use super::row;
use crate::ids::{AccessTokenId, ConnectionId};

/// An entry of `connection_use` that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UseEntryRow {
    pub(crate) use_id: Uuid,
    /// `began` or `ended`.
    pub(crate) part: &'static str,
    pub(crate) commitment: [u8; 32],
    pub(crate) mark: [u8; 32],
    pub(crate) salt: [u8; 16],
    pub(crate) entry: String,
    pub(crate) at: i64,
    pub(crate) owner: String,
    pub(crate) grantee: Option<String>,
    pub(crate) token: Option<AccessTokenId>,
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) rule: Option<String>,
    pub(crate) outcome: Option<&'static str>,
}

row! {
    /// An entry as it was read. The columns that can be erased are `None` after that, and all are `None` for an end that
    /// is not recorded.
    #[derive(Clone, Debug)]
    pub(crate) struct ReadEntryRow {
        pub(crate) use_id: Option<Uuid>,
        pub(crate) commitment: Option<Vec<u8>>,
        pub(crate) mark: Option<Vec<u8>>,
        pub(crate) salt: Option<Vec<u8>>,
        pub(crate) entry: Option<String>,
        pub(crate) at: Option<i64>,
    }
}

row! {
    /// A use: its beginning, and its end if that is recorded.
    #[derive(Clone, Debug)]
    pub(crate) struct UseRow {
        pub(crate) began: ReadEntryRow,
        pub(crate) ended: EndedEntryRow,
    }
}

row! {
    /// The columns of a [`ReadEntryRow`] under other names, beside those of the beginning.
    #[derive(Clone, Debug)]
    pub(crate) struct EndedEntryRow {
        use_id as e_use_id: Option<Uuid>,
        commitment as e_commitment: Option<Vec<u8>>,
        mark as e_mark: Option<Vec<u8>>,
        salt as e_salt: Option<Vec<u8>>,
        entry as e_entry: Option<String>,
        at as e_at: Option<i64>,
    }
}

impl EndedEntryRow {
    /// Returns the entry under the names of a beginning.
    pub(crate) fn into_read(self) -> ReadEntryRow {
        let Self { use_id, commitment, mark, salt, entry, at } = self;
        ReadEntryRow { use_id, commitment, mark, salt, entry, at }
    }
}
