//! The row of a connection.

use uuid::Uuid;

use super::{row, stored_words};
use crate::{
    ids::ConnectionId,
    store::columns::{Columns, FromColumns},
};

stored_words! {
    /// The state of a connection.
    AccountState in "connection_account.state" {
        /// The connection is in use.
        Active = "active",
        /// The removal of the connection has begun.
        Removing = "removing",
    }
}

row! {
    /// A row of `connection_account`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct AccountRow {
        pub(crate) id: ConnectionId,
        pub(crate) owner: String,
        pub(crate) kind: String,
        pub(crate) profile_id: Option<String>,
        /// Unique per owner and kind.
        pub(crate) label: String,
        /// The provider's id of the account, which never changes.
        pub(crate) account_id: String,
        /// The name of the account for people, which may change.
        pub(crate) account_label: String,
        pub(crate) is_default: bool,
        /// The public configuration, as JSON.
        pub(crate) config: String,
        /// The digest of the kind's terms to which a person agreed; `None` for a kind without terms.
        pub(crate) terms: Option<Vec<u8>>,
        pub(crate) revision: i64,
        /// The generation of the current credential; 0 for none.
        pub(crate) generation: i64,
        /// The next generation that was never drawn.
        pub(crate) next_generation: i64,
        pub(crate) state: AccountState,
        pub(crate) created_at: i64,
        pub(crate) updated_at: i64,
    }
}

row! {
    /// The columns of a connection's row that determine, apart from the credential, who uses it and for what.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct AccountFacts {
        pub(crate) id as a_id: ConnectionId,
        pub(crate) owner as a_owner: String,
        pub(crate) kind as a_kind: String,
        pub(crate) profile_id as a_profile_id: Option<String>,
        pub(crate) label as a_label: String,
        pub(crate) account_id as a_account_id: String,
        pub(crate) is_default as a_is_default: bool,
        pub(crate) config as a_config: String,
        pub(crate) terms as a_terms: Option<Vec<u8>>,
        pub(crate) generation as a_generation: i64,
    }
}

impl AccountFacts {
    pub(crate) fn of(row: &AccountRow) -> Self {
        let AccountRow {
            id, owner, kind, profile_id, label, account_id, is_default, config, terms, generation, ..
        } = row.clone();
        Self { id, owner, kind, profile_id, label, account_id, is_default, config, terms, generation }
    }
}

row! {
    /// A connection with everything that a list shows: no secret, sealed or not.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ListedRow {
        pub(crate) account: AccountRow,
        /// `None` if the connection was never measured.
        pub(crate) liveness: Option<String>,
        /// The reason why the connection is not live, as JSON.
        pub(crate) reason: Option<String>,
        pub(crate) checked_at: Option<i64>,
        pub(crate) next_check_at: Option<i64>,
        /// The end of a pause that the provider asked for at the last verification.
        pub(crate) paused_until: Option<i64>,
        /// The time of a use that the provider refused and that no verification has followed.
        pub(crate) refused_at: Option<i64>,
        /// The answer to that use, with its host and its status; `None` if no answer was the reason.
        pub(crate) refused_by: Option<String>,
        /// The number of verifications in a row with the same result, if the connection is not live.
        pub(crate) failures: Option<i64>,
        /// The granted scopes, as JSON.
        pub(crate) granted_scopes: Option<String>,
        pub(crate) valid_until: Option<i64>,
        pub(crate) authorized_until: Option<i64>,
        /// The reason why the last refresh failed, as JSON; `None` if it did not.
        pub(crate) refresh_reason: Option<String>,
        /// The tags, as JSON; `None` for none.
        pub(crate) tags: Option<String>,
        /// The time at which the connection became usable, in microseconds: its position in the order of lists.
        pub(crate) usable_at: i64,
    }
}

impl ListedRow {
    /// Returns the end of the pause of verifications that lasts at this time. A pause that begins later than now was
    /// stored before the clock was set back, and does not count.
    pub(crate) fn pause(&self, now: i64) -> Option<i64> {
        self.paused_until.filter(|until| *until > now && self.checked_at.is_some_and(|at| at <= now))
    }
}

/// A row as a list finds it. A row that was edited to a value that this program does not write affects no other
/// row.
#[derive(Clone, Debug)]
pub(crate) struct FoundRow {
    /// `None` if not even the id can be read.
    pub(crate) id: Option<ConnectionId>,
    /// The position in the order of lists; `None` if it cannot be read.
    pub(crate) place: Option<(i64, Uuid)>,
    pub(crate) row: Option<ListedRow>,
}

impl FromColumns for FoundRow {
    const WIDTH: usize = ListedRow::WIDTH;

    fn from_columns(columns: &mut Columns<'_>, name: &'static str) -> Result<Self, sqlx::Error> {
        let unread = *columns;
        match ListedRow::from_columns(columns, name) {
            Ok(row) => {
                let id = row.account.id;
                Ok(Self { id: Some(id), place: Some((row.usable_at, id.as_uuid())), row: Some(row) })
            }
            Err(_) => {
                let mut first = unread;
                let mut last = unread.skipped(ListedRow::WIDTH - 1);
                let id = Uuid::from_columns(&mut first, "id").ok();
                let place = i64::from_columns(&mut last, "usable_at").ok().zip(id);
                Ok(Self { id: id.map(ConnectionId::from), place, row: None })
            }
        }
    }

    fn names(name: &'static str, names: &mut Vec<&'static str>) {
        ListedRow::names(name, names);
    }
}
