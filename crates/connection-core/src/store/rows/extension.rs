//! What extensions may use, what they are set to, and what they wait for.

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::{AccountState, ListedRow, Marked};
use crate::ids::{ConnectionId, SessionId};

/// A row of `connection_extension`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ExtensionRow {
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) source: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) added_at: i64,
    #[sqlx(flatten)]
    pub(crate) marked: Marked,
}

/// A row of `connection_extension_state`.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ExtensionStateRow {
    /// `None` once it was removed.
    pub(crate) fingerprint: Option<Vec<u8>>,
    /// `None` while it is not added.
    pub(crate) provider: Option<String>,
    /// JSON.
    pub(crate) public: Option<String>,
    pub(crate) public_revision: i64,
    #[sqlx(flatten)]
    pub(crate) marked: Marked,
}

/// What an extension is set to, or what is known of it: one of the two is in a row.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct PublicRow {
    pub(crate) extension: String,
    /// JSON; of what it is set to.
    pub(crate) body: Option<String>,
    /// JSON; of the declaration of one that is added and its provider's own.
    pub(crate) public: Option<String>,
    pub(crate) revision: i64,
    pub(crate) public_revision: i64,
}

/// A row of `connection_extension_grant`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct GrantRow {
    pub(crate) extension: String,
    #[sqlx(try_from = "Uuid")]
    pub(crate) connection_id: ConnectionId,
    /// JSON.
    pub(crate) names: String,
    pub(crate) created_at: i64,
    pub(crate) revoked_at: Option<i64>,
    #[sqlx(flatten)]
    pub(crate) marked: Marked,
}

/// A grant that holds, as it is read beside a connection.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct GrantedRow {
    /// JSON: the names; `None` without a grant.
    #[sqlx(rename = "granted")]
    pub(crate) names: Option<String>,
    #[sqlx(rename = "granted_at")]
    pub(crate) created_at: Option<i64>,
    #[sqlx(rename = "granted_mark")]
    pub(crate) mark: Option<Vec<u8>>,
    #[sqlx(rename = "granted_newest")]
    pub(crate) newest: Option<i64>,
}

impl GrantedRow {
    /// The row of the grant of that extension.
    pub(crate) fn grant(self, extension: &str, connection_id: ConnectionId) -> Option<GrantRow> {
        let Self { names, created_at, mark, newest } = self;
        let (extension, marked) = (extension.to_owned(), Marked { mark, newest });
        Some(GrantRow { extension, connection_id, names: names?, created_at: created_at?, revoked_at: None, marked })
    }
}

/// A row of `connection_extension_choice`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct ChoiceRow {
    pub(crate) extension: String,
    #[sqlx(try_from = "Uuid")]
    pub(crate) connection_id: ConnectionId,
    #[sqlx(flatten)]
    pub(crate) marked: Marked,
}

/// The mark of the choice that the extension has, as it is read beside the connection that was chosen.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ChosenRow {
    /// `None` for a connection that was not chosen.
    #[sqlx(rename = "chosen_mark")]
    mark: Option<Vec<u8>>,
    #[sqlx(rename = "chosen_newest")]
    newest: Option<i64>,
}

impl ChosenRow {
    /// Returns the row of the choice of that extension.
    pub(crate) fn choice(self, extension: &str, connection_id: ConnectionId) -> Option<ChoiceRow> {
        let Self { mark, newest } = self;
        let marked = Marked { mark: Some(mark?), newest };
        Some(ChoiceRow { extension: extension.to_owned(), connection_id, marked })
    }
}

/// A row of `connection_extension_preference`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct PreferenceRow {
    pub(crate) extension: String,
    /// Empty for what all of the extension is set to.
    pub(crate) command: String,
    /// JSON.
    pub(crate) body: String,
    pub(crate) revision: i64,
    pub(crate) public_revision: i64,
    #[sqlx(flatten)]
    pub(crate) marked: Marked,
}

/// A row of `connection_extension_ticket`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TicketRow {
    pub(crate) id: Uuid,
    pub(crate) owner: String,
    pub(crate) extension: String,
    pub(crate) command: String,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) created_at: i64,
}

/// A connection that may be what an extension needs: what is shown of it, and the names of what it holds. No secret,
/// sealed or not.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct CandidateRow {
    #[sqlx(flatten)]
    pub(crate) listed: ListedRow,
    /// JSON: the names of the secrets that its credential holds; `None` without a credential.
    pub(crate) secret_names: Option<String>,
    /// What is granted to the extension that asks.
    #[sqlx(flatten)]
    pub(crate) granted: GrantedRow,
}

/// A candidate as it is found; `None` for a row that was edited past what this program writes.
#[derive(Clone, Debug)]
pub(crate) struct FoundCandidate(pub(crate) Option<CandidateRow>);

impl<'r, R: Row> FromRow<'r, R> for FoundCandidate
where
    CandidateRow: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self(CandidateRow::from_row(row).ok()))
    }
}

/// As a [`CandidateRow`], with nothing but what says which connection is meant and how it stands.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct NearCandidate {
    #[sqlx(try_from = "Uuid")]
    pub(crate) id: ConnectionId,
    pub(crate) kind: String,
    pub(crate) is_default: bool,
    /// JSON.
    pub(crate) config: String,
    /// `None` when it was never measured.
    pub(crate) liveness: Option<String>,
    /// JSON.
    pub(crate) reason: Option<String>,
    /// JSON; `None` without a credential.
    pub(crate) secret_names: Option<String>,
    /// JSON; `None` when the provider did not say them.
    pub(crate) granted_scopes: Option<String>,
    #[sqlx(flatten)]
    pub(crate) granted: GrantedRow,
    #[sqlx(flatten)]
    pub(crate) chosen: ChosenRow,
}

/// What an extension is set to, and what is public of its provider's own.
#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub(crate) struct PublicSettings {
    /// JSON.
    pub(crate) own: Option<String>,
    /// JSON: what the provider's own is set to.
    pub(crate) of_provider: Option<String>,
    /// JSON: of the declaration of the provider's own, where that was added.
    pub(crate) declared: Option<String>,
}

/// A candidate, or what is set.
#[derive(Clone, Debug)]
pub(crate) enum NearRow {
    /// `None` for a row that was edited past what this program writes.
    Candidate(Option<Box<NearCandidate>>),
    Settings(PublicSettings),
}

impl<'r, R: Row> FromRow<'r, R> for NearRow
where
    NearCandidate: FromRow<'r, R>,
    PublicSettings: FromRow<'r, R>,
    &'static str: ColumnIndex<R>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        // Of a connection it is there, and of nothing else.
        let state: Result<Option<String>, _> = row.try_get("state");
        let Some(state) = state.transpose() else { return PublicSettings::from_row(row).map(Self::Settings) };
        let is_known = state.is_ok_and(|state| AccountState::try_from(state).is_ok());
        Ok(Self::Candidate(if is_known { NearCandidate::from_row(row).ok().map(Box::new) } else { None }))
    }
}
