//! A connection with its current credential, its newest event and its liveness, all from the same moment.

use super::{
    Reader, StoreError,
    columns::row,
    engine::optional,
    events::IN_USE,
    events::StandingRow,
    rows::{AccountFacts, AccountRow, AccountState, CredentialRow, DeclaredMark, FreezeSign, ListedRow},
};
use crate::ids::ConnectionId;

row! {
    /// A [`StandingRow`] with the current credential and everything that a list shows.
    #[derive(Clone, Debug)]
    pub(crate) struct InUseRow {
        pub(crate) credential: CredentialRow,
        shown: ShownRow,
        pub(crate) declared: DeclaredMark,
        pub(crate) freeze: FreezeSign,
        pub(crate) standing: StandingRow,
    }
}

row! {
    /// The columns of a [`ListedRow`] that are neither in the facts of the account nor in the credential.
    #[derive(Clone, Debug)]
    struct ShownRow {
        a_account_label: String,
        a_revision: i64,
        a_next_generation: i64,
        a_state: AccountState,
        a_created_at: i64,
        a_updated_at: i64,
        a_tags: Option<String>,
        a_usable_at: i64,
        liveness: Option<String>,
        reason: Option<String>,
        checked_at: Option<i64>,
        next_check_at: Option<i64>,
        paused_until: Option<i64>,
        refused_at: Option<i64>,
        refused_by: Option<String>,
        failures: Option<i64>,
    }
}

impl InUseRow {
    /// Returns the row as [`Reader::listed`] reads it.
    pub(crate) fn listed(&self) -> ListedRow {
        let AccountFacts { id, owner, kind, profile_id, label, account_id, is_default, config, terms, generation } =
            self.standing.account.clone();
        let ShownRow { a_account_label, a_state, a_tags, liveness, reason, refused_by, .. } = self.shown.clone();
        let account = AccountRow {
            id,
            owner,
            kind,
            profile_id,
            label,
            account_id,
            account_label: a_account_label,
            is_default,
            config,
            terms,
            revision: self.shown.a_revision,
            generation,
            next_generation: self.shown.a_next_generation,
            state: a_state,
            created_at: self.shown.a_created_at,
            updated_at: self.shown.a_updated_at,
        };
        ListedRow {
            account,
            liveness,
            reason,
            checked_at: self.shown.checked_at,
            next_check_at: self.shown.next_check_at,
            paused_until: self.shown.paused_until,
            refused_at: self.shown.refused_at,
            refused_by,
            failures: self.shown.failures,
            tags: a_tags,
            usable_at: self.shown.a_usable_at,
            granted_scopes: self.credential.granted_scopes.clone(),
            valid_until: self.credential.valid_until,
            authorized_until: self.credential.plan.authorized_until,
            refresh_reason: self.credential.plan.refresh_reason.clone(),
        }
    }
}

impl Reader {
    /// Reads a connection and its current credential, as [`current_credential`](Self::current_credential) finds it.
    pub(crate) async fn in_use(&mut self, id: ConnectionId) -> Result<Option<InUseRow>, StoreError> {
        optional!(self, InUseRow, IN_USE, id.as_uuid())
    }
}
