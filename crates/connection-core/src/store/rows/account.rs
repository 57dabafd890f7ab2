//! The row of a connection.

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::words;
use crate::ids::ConnectionId;

words! {
    /// The state of a connection.
    AccountState in "connection_account.state" {
        /// The connection is in use.
        Active = "active",
        /// The removal of the connection has begun.
        Removing = "removing",
    }
}

/// A row of `connection_account`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct AccountRow {
    #[sqlx(try_from = "Uuid")]
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
    /// JSON.
    pub(crate) config: String,
    pub(crate) revision: i64,
    /// The generation of the current credential; 0 for none.
    pub(crate) generation: i64,
    /// The next generation that was never drawn.
    pub(crate) next_generation: i64,
    #[sqlx(try_from = "String")]
    pub(crate) state: AccountState,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// The columns of a connection's row that determine, apart from the credential, who uses it and for what.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct AccountFacts {
    #[sqlx(rename = "a_id", try_from = "Uuid")]
    pub(crate) id: ConnectionId,
    #[sqlx(rename = "a_owner")]
    pub(crate) owner: String,
    #[sqlx(rename = "a_kind")]
    pub(crate) kind: String,
    #[sqlx(rename = "a_profile_id")]
    pub(crate) profile_id: Option<String>,
    #[sqlx(rename = "a_label")]
    pub(crate) label: String,
    #[sqlx(rename = "a_account_id")]
    pub(crate) account_id: String,
    #[sqlx(rename = "a_is_default")]
    pub(crate) is_default: bool,
    #[sqlx(rename = "a_config")]
    pub(crate) config: String,
    #[sqlx(rename = "a_generation")]
    pub(crate) generation: i64,
}

impl AccountFacts {
    pub(crate) fn of(row: &AccountRow) -> Self {
        let AccountRow { id, owner, kind, profile_id, label, account_id, is_default, config, generation, .. } =
            row.clone();
        Self { id, owner, kind, profile_id, label, account_id, is_default, config, generation }
    }
}

/// A connection with everything that a list shows: no secret, sealed or not.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ListedRow {
    #[sqlx(flatten)]
    pub(crate) account: AccountRow,
    /// `None` if the connection was never measured.
    pub(crate) liveness: Option<String>,
    /// JSON.
    pub(crate) reason: Option<String>,
    pub(crate) checked_at: Option<i64>,
    pub(crate) next_check_at: Option<i64>,
    /// JSON.
    pub(crate) granted_scopes: Option<String>,
    pub(crate) valid_until: Option<i64>,
    pub(crate) authorized_until: Option<i64>,
    /// The reason why the last refresh failed, as JSON; `None` if it did not.
    pub(crate) refresh_reason: Option<String>,
    /// The time at which the connection became usable, in microseconds: its position in the order of lists.
    pub(crate) usable_at: i64,
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

impl<'r, R: Row> FromRow<'r, R> for FoundRow
where
    ListedRow: FromRow<'r, R>,
    &'static str: ColumnIndex<R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let id = row.try_get::<Uuid, _>("id").ok();
        let place = row.try_get::<i64, _>("usable_at").ok().zip(id);
        Ok(Self { id: id.map(ConnectionId::from), place, row: ListedRow::from_row(row).ok() })
    }
}
