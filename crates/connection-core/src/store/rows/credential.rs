//! A credential of a connection, in one of its generations.

use super::{StoredMark, row, stored_words};
use crate::{ids::ConnectionId, store::Sealed};

stored_words! {
    /// The role of a credential; a connection has at most one in each state.
    CredentialState in "connection_credential.state" {
        /// The credential is stored and not yet verified.
        Candidate = "candidate",
        /// The credential is in use.
        Current = "current",
        /// The credential was replaced by another one, and is kept for a while.
        Previous = "previous",
    }
}

stored_words! {
    /// What is known about the use of a restored refresh token since the backup was made.
    RestoredUse in "connection_credential.restored" {
        /// Nothing shows whether the token was used.
        Unknown = "unknown",
        /// The token was used.
        Used = "used",
    }
}

row! {
    /// A row of `connection_credential`.
    #[derive(Clone, Debug)]
    pub(crate) struct CredentialRow {
        pub(crate) connection_id: ConnectionId,
        /// The generation, which was drawn from the account's `next_generation` and is never drawn again.
        pub(crate) generation: i64,
        pub(crate) state: CredentialState,
        pub(crate) sealed: Sealed,
        /// The id of the keyset entry that sealed it, for rotation.
        pub(crate) key_id: Vec<u8>,
        /// The names of the secrets that can be taken from it, as JSON.
        pub(crate) secret_names: String,
        /// The granted scopes, as JSON; `None` if the provider does not report them.
        pub(crate) granted_scopes: Option<String>,
        pub(crate) valid_until: Option<i64>,
        pub(crate) created_at: i64,
        pub(crate) plan: PlanRow,
    }
}

row! {
    /// The plan for the refreshes of a credential, and the result of the last one.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct PlanRow {
        /// The time at which the plugin wants a refresh; `None` for shortly before the credential ends.
        pub(crate) renew_at: Option<i64>,
        /// The time after which a refresh no longer works.
        pub(crate) authorized_until: Option<i64>,
        /// The time of the refresh that created it; `None` if a setup or an import did.
        pub(crate) refreshed_at: Option<i64>,
        /// The time of the next refresh.
        pub(crate) refresh_at: Option<i64>,
        /// The number of failures in a row.
        pub(crate) refresh_failures: i64,
        /// The reason why the last refresh failed, as JSON.
        pub(crate) refresh_reason: Option<String>,
        /// The time at which the end of this credential was announced. It also applies to the credentials that replace
        /// this one by a refresh.
        pub(crate) announced_at: Option<i64>,
    }
}

row! {
    /// The previous credential, with the account and the configuration that the connection had with it.
    #[derive(Clone, Debug)]
    pub(crate) struct PreviousRow {
        pub(crate) credential: CredentialRow,
        /// The time at which another credential replaced it.
        pub(crate) replaced_at: i64,
        pub(crate) account_id: String,
        pub(crate) account_label: String,
        /// The public configuration, as JSON.
        pub(crate) config: String,
        pub(crate) marked: StoredMark,
    }
}

impl PreviousRow {
    /// Returns the columns that the mark covers.
    pub(crate) fn mark_of(&self, owner: &str) -> PreviousMark {
        PreviousMark {
            owner: owner.to_owned(),
            connection_id: self.credential.connection_id,
            generation: self.credential.generation,
            account_id: self.account_id.clone(),
            config: self.config.clone(),
            marked: self.marked.clone(),
        }
    }
}

row! {
    /// The columns of a previous credential that its mark covers. The sealed one is bound to its generation by itself.
    #[derive(Clone, Debug)]
    pub(crate) struct PreviousMark {
        pub(crate) owner: String,
        pub(crate) connection_id: ConnectionId,
        pub(crate) generation: i64,
        pub(crate) account_id: String,
        pub(crate) config: String,
        pub(crate) marked: StoredMark,
    }
}
