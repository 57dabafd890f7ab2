//! A connection as people know it.

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::words;
use crate::ids::ConnectionId;

words! {
    /// Whether a connection is in use.
    AccountState in "connection_account.state" {
        /// It is.
        Active = "active",
        /// Its removal has begun.
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
    /// What the provider calls the account, for ever.
    pub(crate) account_id: String,
    /// What people call the account, for now.
    pub(crate) account_label: String,
    pub(crate) is_default: bool,
    /// JSON.
    pub(crate) config: String,
    pub(crate) revision: i64,
    /// The current credential; 0 for none.
    pub(crate) generation: i64,
    /// The next number that was never drawn.
    pub(crate) next_generation: i64,
    #[sqlx(try_from = "String")]
    pub(crate) state: AccountState,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// What the row of a connection decides beside the credential: who uses it, and for what.
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

/// A connection with what is shown of it in a list: no secret, sealed or not.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ListedRow {
    #[sqlx(flatten)]
    pub(crate) account: AccountRow,
    /// `None` when it was never measured.
    pub(crate) liveness: Option<String>,
    /// JSON.
    pub(crate) reason: Option<String>,
    pub(crate) checked_at: Option<i64>,
    pub(crate) next_check_at: Option<i64>,
    /// JSON.
    pub(crate) granted_scopes: Option<String>,
    pub(crate) valid_until: Option<i64>,
    pub(crate) authorized_until: Option<i64>,
    /// JSON: why its credential could not be renewed, if it could not.
    pub(crate) refresh_reason: Option<String>,
    /// When it became usable, in microseconds: its place in the order of lists.
    pub(crate) usable_at: i64,
}

/// A row as a list finds it: one that was edited past what this program writes breaks nobody else's.
#[derive(Clone, Debug)]
pub(crate) struct FoundRow {
    /// `None` when not even that can be read.
    pub(crate) id: Option<ConnectionId>,
    /// Its place in the order of lists; `None` when that cannot be read.
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
