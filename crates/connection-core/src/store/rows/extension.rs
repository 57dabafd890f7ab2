//! Extensions: their grants, settings, choices and tickets.

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
    /// `None` after the extension was removed.
    pub(crate) fingerprint: Option<Vec<u8>>,
    /// `None` while the extension is not added.
    pub(crate) provider: Option<String>,
    /// JSON.
    pub(crate) public: Option<String>,
    pub(crate) public_revision: i64,
    #[sqlx(flatten)]
    pub(crate) marked: Marked,
}

/// The settings or the state of an extension. A row has one of the two.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct PublicRow {
    pub(crate) extension: String,
    /// The settings, as JSON.
    pub(crate) body: Option<String>,
    /// The public part of the declaration, as JSON, for an extension that is added and is its provider's own.
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

/// A grant that is not revoked, as it is read beside a connection.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct GrantedRow {
    /// The granted names, as JSON; `None` without a grant.
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
    /// Returns the row of the extension's grant.
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

/// The mark of the extension's choice, as it is read beside the chosen connection.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ChosenRow {
    /// `None` for a connection that was not chosen.
    #[sqlx(rename = "chosen_mark")]
    mark: Option<Vec<u8>>,
    #[sqlx(rename = "chosen_newest")]
    newest: Option<i64>,
}

impl ChosenRow {
    /// Returns the row of the extension's choice.
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
    /// Empty for the settings of the extension itself.
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

/// A connection that can satisfy a requirement: what a list shows of it, and the names of its secrets. No secret,
/// sealed or not.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct CandidateRow {
    #[sqlx(flatten)]
    pub(crate) listed: ListedRow,
    /// The names of the secrets in its credential, as JSON; `None` without a credential.
    pub(crate) secret_names: Option<String>,
    /// The grant for the extension that is being resolved.
    #[sqlx(flatten)]
    pub(crate) granted: GrantedRow,
}

/// A candidate as it is found; `None` for a row that was edited to a value that this program does not write.
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

/// A [`CandidateRow`] reduced to the columns that select the connection and tell its status.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct NearCandidate {
    #[sqlx(try_from = "Uuid")]
    pub(crate) id: ConnectionId,
    pub(crate) kind: String,
    pub(crate) is_default: bool,
    /// JSON.
    pub(crate) config: String,
    /// `None` if the connection was never measured.
    pub(crate) liveness: Option<String>,
    /// JSON.
    pub(crate) reason: Option<String>,
    /// JSON; `None` without a credential.
    pub(crate) secret_names: Option<String>,
    /// JSON; `None` if the provider did not report them.
    pub(crate) granted_scopes: Option<String>,
    #[sqlx(flatten)]
    pub(crate) granted: GrantedRow,
    #[sqlx(flatten)]
    pub(crate) chosen: ChosenRow,
}

/// The settings of an extension, and the public part of its provider's own extension.
#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub(crate) struct PublicSettings {
    /// JSON.
    pub(crate) own: Option<String>,
    /// The settings of the provider's own extension, as JSON.
    pub(crate) of_provider: Option<String>,
    /// The public part of the declaration of the provider's own extension, as JSON, if that extension is added.
    pub(crate) declared: Option<String>,
}

/// A candidate, or the settings.
#[derive(Clone, Debug)]
pub(crate) enum NearRow {
    /// `None` for a row that was edited to a value that this program does not write.
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
        // Only the rows of connections have a state.
        let state: Result<Option<String>, _> = row.try_get("state");
        let Some(state) = state.transpose() else { return PublicSettings::from_row(row).map(Self::Settings) };
        let is_known = state.is_ok_and(|state| AccountState::try_from(state).is_ok());
        Ok(Self::Candidate(if is_known { NearCandidate::from_row(row).ok().map(Box::new) } else { None }))
    }
}
