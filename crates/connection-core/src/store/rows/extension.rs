//! Extensions: their grants, settings, choices and tickets.

use uuid::Uuid;

use super::{AccountState, ListedRow, StoredMark, row};
use crate::{
    ids::{ConnectionId, SessionId},
    store::columns::{Columns, FromColumns},
};

row! {
    /// A row of `connection_extension`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ExtensionRow {
        pub(crate) owner: String,
        pub(crate) name: String,
        pub(crate) provider: String,
        pub(crate) source: String,
        pub(crate) fingerprint: Vec<u8>,
        pub(crate) added_at: i64,
        pub(crate) marked: StoredMark,
    }
}

row! {
    /// The mark of the row of `connection_extension` from which the kind of a connection is made, as it is read beside
    /// the connection. It is empty for a kind that serves every owner, and for an extension that is not added.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct DeclaredMark {
        mark as declared_mark: Option<Vec<u8>>,
        newest as declared_newest: Option<i64>,
    }
}

impl DeclaredMark {
    pub(crate) fn marked(&self) -> StoredMark {
        StoredMark { mark: self.mark.clone(), newest: self.newest }
    }
}

row! {
    /// A row of `connection_extension_state`.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct ExtensionStateRow {
        pub(crate) owner: String,
        pub(crate) name: String,
        /// `None` after the extension was removed.
        pub(crate) fingerprint: Option<Vec<u8>>,
        /// `None` while the extension is not added.
        pub(crate) provider: Option<String>,
        /// The public part of the declaration, as JSON.
        pub(crate) public: Option<String>,
        pub(crate) public_revision: i64,
        pub(crate) marked: StoredMark,
    }
}

row! {
    /// The settings or the state of an extension. A row has one of the two.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct PublicRow {
        pub(crate) extension: String,
        /// The values of the preferences, as a JSON object.
        pub(crate) body: Option<String>,
        /// The public part of the declaration, as JSON, for an extension that is added and is its provider's own.
        pub(crate) public: Option<String>,
        pub(crate) revision: i64,
        pub(crate) public_revision: i64,
    }
}

row! {
    /// A row of `connection_extension_grant`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct GrantRow {
        pub(crate) owner: String,
        pub(crate) extension: String,
        pub(crate) connection_id: ConnectionId,
        /// The names of the granted secrets, as JSON.
        pub(crate) names: String,
        /// The rules with the budget, as JSON. `None` permits every request.
        pub(crate) rules: Option<String>,
        pub(crate) created_at: i64,
        pub(crate) revoked_at: Option<i64>,
        pub(crate) marked: StoredMark,
    }
}

row! {
    /// A grant that is not revoked, as it is read beside a connection.
    #[derive(Clone, Debug)]
    pub(crate) struct GrantedRow {
        /// The granted names, as JSON; `None` without a grant.
        pub(crate) names as granted: Option<String>,
        pub(crate) rules as granted_rules: Option<String>,
        pub(crate) created_at as granted_at: Option<i64>,
        pub(crate) mark as granted_mark: Option<Vec<u8>>,
        pub(crate) newest as granted_newest: Option<i64>,
    }
}

impl GrantedRow {
    /// Returns the row of the extension's grant.
    pub(crate) fn grant(self, owner: &str, extension: &str, connection_id: ConnectionId) -> Option<GrantRow> {
        let Self { names, rules, created_at, mark, newest } = self;
        Some(GrantRow {
            owner: owner.to_owned(),
            extension: extension.to_owned(),
            connection_id,
            names: names?,
            rules,
            created_at: created_at?,
            revoked_at: None,
            marked: StoredMark { mark, newest },
        })
    }
}

row! {
    /// A row of `connection_extension_choice`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ChoiceRow {
        pub(crate) owner: String,
        pub(crate) extension: String,
        pub(crate) connection_id: ConnectionId,
        pub(crate) marked: StoredMark,
    }
}

row! {
    /// The mark of the extension's choice, as it is read beside the chosen connection.
    #[derive(Clone, Debug)]
    pub(crate) struct ChosenRow {
        /// `None` for a connection that was not chosen.
        mark as chosen_mark: Option<Vec<u8>>,
        newest as chosen_newest: Option<i64>,
    }
}

impl ChosenRow {
    /// Returns the row of the extension's choice.
    pub(crate) fn choice(self, owner: &str, extension: &str, connection_id: ConnectionId) -> Option<ChoiceRow> {
        let Self { mark, newest } = self;
        let marked = StoredMark { mark: Some(mark?), newest };
        Some(ChoiceRow { owner: owner.to_owned(), extension: extension.to_owned(), connection_id, marked })
    }
}

row! {
    /// A row of `connection_extension_preference`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct PreferenceRow {
        pub(crate) owner: String,
        pub(crate) extension: String,
        /// Empty for the settings of the extension itself.
        pub(crate) command: String,
        /// The values of the preferences, as a JSON object.
        pub(crate) body: String,
        pub(crate) revision: i64,
        pub(crate) public_revision: i64,
        pub(crate) marked: StoredMark,
    }
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

row! {
    /// A connection that can satisfy a requirement: what a list shows of it, and the names of its secrets. No secret,
    /// sealed or not.
    #[derive(Clone, Debug)]
    pub(crate) struct CandidateRow {
        pub(crate) listed: ListedRow,
        /// The names of the secrets in its credential, as JSON; `None` without a credential.
        pub(crate) secret_names: Option<String>,
        /// The scopes that a request of the extension lacked, as JSON.
        pub(crate) lacking_scopes: Option<String>,
        /// The grant for the extension that is being resolved.
        pub(crate) granted: GrantedRow,
    }
}

row! {
    /// A [`CandidateRow`] reduced to the columns that select the connection and tell its status.
    #[derive(Clone, Debug)]
    pub(crate) struct NearCandidate {
        pub(crate) id: ConnectionId,
        pub(crate) kind: String,
        pub(crate) is_default: bool,
        /// The public configuration of the connection, as JSON.
        pub(crate) config: String,
        /// The digest of the kind's terms to which a person agreed.
        pub(crate) terms: Option<Vec<u8>>,
        /// `None` if the connection was never measured.
        pub(crate) liveness: Option<String>,
        /// The reason why the connection is not live, as JSON.
        pub(crate) reason: Option<String>,
        /// The names of the secrets in its credential, as JSON; `None` without a credential.
        pub(crate) secret_names: Option<String>,
        /// The granted scopes, as JSON; `None` if the provider did not report them.
        pub(crate) granted_scopes: Option<String>,
        /// The scopes that a request of the extension lacked, as JSON.
        pub(crate) lacking_scopes: Option<String>,
        pub(crate) declared: DeclaredMark,
        pub(crate) granted: GrantedRow,
        pub(crate) chosen: ChosenRow,
    }
}

row! {
    /// The settings of an extension, and the public part of its provider's own extension.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct PublicSettings {
        /// The settings of the extension itself, as JSON.
        pub(crate) own: Option<String>,
        /// The settings of the provider's own extension, as JSON.
        pub(crate) of_provider: Option<String>,
        /// The public part of the declaration of the provider's own extension, as JSON, if that extension is added.
        pub(crate) declared: Option<String>,
    }
}

/// A candidate, or the settings.
#[derive(Clone, Debug)]
pub(crate) enum NearRow {
    /// `None` for a row that was edited to a value that this program does not write.
    Candidate(Option<Box<NearCandidate>>),
    Settings(PublicSettings),
}

impl FromColumns for NearRow {
    const WIDTH: usize = 1 + PublicSettings::WIDTH + NearCandidate::WIDTH;

    fn from_columns(columns: &mut Columns<'_>, name: &'static str) -> Result<Self, sqlx::Error> {
        // Only rows of connections have this column; a row without it holds the settings.
        let Some(state) = Option::<String>::from_columns(columns, "state").transpose() else {
            return PublicSettings::from_columns(columns, name).map(Self::Settings);
        };
        let is_known = state.is_ok_and(|state| AccountState::parse(&state).is_some());
        let mut columns = columns.skipped(PublicSettings::WIDTH);
        let mut candidate = || NearCandidate::from_columns(&mut columns, name).ok().map(Box::new);
        Ok(Self::Candidate(if is_known { candidate() } else { None }))
    }

    fn names(name: &'static str, names: &mut Vec<&'static str>) {
        names.push("state");
        PublicSettings::names(name, names);
        NearCandidate::names(name, names);
    }
}
