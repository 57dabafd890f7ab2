//! The successful end of a setup that connects an account: the new connection, in one transaction.

use std::sync::Arc;

use connection_contract::{DisplayText, Identity, Liveness, SetupFailure};

use super::{
    Done, ForExtension, System,
    candidate::{
        AcceptedCandidate, SESSION, StoreOutcome, already_connected, already_connected_for_visitor, profile_removed,
    },
    row::SESSION_LIFE,
    slot::Slot,
};
use crate::{
    Error, ProfileId, SessionId, Tags,
    credential::{provider_grant, renewal},
    default_connection::is_first,
    event,
    grant::Affected,
    kinds::Terms,
    liveness,
    plan::{self, ReportedTimes},
    store::{
        BesideRow, CREDENTIAL, LIVENESS_WORDS, Lock, ProviderGrantRow, Sealed, StandingRow, StoreError, Tx, json,
        rows::{AccountRow, AccountState, CredentialRow, CredentialState, EventRow, LivenessRow, SetupState},
    },
};

/// The generation of the first credential of a connection.
const FIRST: i64 = 1;

/// The choices for a new connection, as in [`Purpose::Connect`](super::codec::Purpose::Connect).
pub(super) struct ConnectOptions {
    pub(super) label: Option<String>,
    pub(super) again: bool,
    pub(super) alone: bool,
    pub(super) extension: Option<ForExtension>,
    pub(super) tags: Tags,
    pub(super) is_of_visitor: bool,
}

/// Stores a new connection, unless its label or its account is taken, or its profile was removed or is taken.
pub(super) async fn store(
    system: &Arc<System>,
    slot: &Slot,
    step_seq: i64,
    kept: AcceptedCandidate,
    options: ConnectOptions,
) -> Result<StoreOutcome, Error> {
    let id = kept.request.connection;
    let session = slot.id;
    let owner = slot.owner.clone();
    let rows = NewConnection::of(system, slot, &kept).await?;
    let extension = options.extension.clone();
    let order = match &extension {
        Some(_) => Some(system.ground.extension_changes.order().await),
        None => None,
    };
    let on = system.clone();
    let stored = system
        .ground
        .store
        .write(move |tx| Box::pin(async move { rows.insert(tx, &on, session, step_seq, options).await }));
    Ok(match stored.await? {
        Ok(label) => {
            tracing::info!(connection = %id, kind = %slot.kind, session = %session, "connected");
            if let (Some(extension), Some(order)) = (&extension, &order) {
                Affected::none(&owner).granted(&extension.name).notify(order);
            }
            StoreOutcome::Done(Done {
                connection: id,
                label: label.into(),
                identity: identity(&kept).clone(),
                liveness: kept.found.liveness,
                reason: kept.found.reason,
            })
        }
        Err(failure) => StoreOutcome::Refused(failure),
    })
}

/// The rows of a new connection.
struct NewConnection {
    profile: Option<ProfileId>,
    terms: Option<Terms>,
    grant: Option<ProviderGrantRow>,
    identity: Identity,
    account: AccountRow,
    credential: CredentialRow,
    liveness: LivenessRow,
    /// The provider's own words about the reason in that row.
    words: Option<Sealed>,
    event: EventRow,
}

impl NewConnection {
    /// Returns the rows of a verified candidate. The label may still have to be changed.
    async fn of(system: &Arc<System>, slot: &Slot, kept: &AcceptedCandidate) -> Result<Self, Error> {
        let id = kept.request.connection;
        let now = system.ground.clock.now().seconds();
        let failures = i64::from(kept.found.liveness != Liveness::Live);
        let pause = (failures > 0).then(|| plan::after_refused_probe(id, failures, kept.kind.has_password()));
        let liveness = liveness::row(id, FIRST, &kept.found, &kept.asked, now, failures, pause);
        let cell = LIVENESS_WORDS.at(id.as_uuid(), FIRST, &slot.owner, slot.kind.as_str());
        let body = serde_json::json!({ "session": slot.id.to_string(), "liveness": liveness.liveness });
        Ok(Self {
            profile: kept.request.profile,
            terms: kept.kind.terms.clone(),
            grant: provider_grant::row(&system.ground.sealer, &kept.kind, kept.found.grant.as_ref()),
            identity: identity(kept).clone(),
            account: account(slot, kept, now),
            credential: credential(system, slot, kept, now).await?,
            event: system.ground.event(&slot.owner, id, event::CONNECTED, body),
            liveness,
            words: system.ground.seal_words(&cell, kept.found.reason.as_ref()).await,
        })
    }

    /// Inserts the rows and ends the session, at the step with this number. Returns the label, or the reason why the
    /// connection is refused.
    async fn insert(
        self,
        tx: &mut Tx,
        system: &Arc<System>,
        session: SessionId,
        step_seq: i64,
        options: ConnectOptions,
    ) -> Result<Result<String, SetupFailure>, StoreError> {
        let Self { profile, terms, grant, identity, mut account, credential, liveness, words, event } = self;
        let id = account.id;
        tx.lock(Lock::Setup(session)).await?;
        tx.lock(Lock::Owner(&account.owner)).await?;
        tx.lock(Lock::Connection(id)).await?;
        if let Some(label) = &options.label {
            account.label.clone_from(label);
        }
        let mut beside = tx.beside(&account).await?;
        if beside.label_of_account.is_none() && (identity.is_email || identity.former_email.is_some()) {
            let connected = tx.account_of(&account.owner, &account.kind, &identity, None).await?;
            beside.label_of_account = connected.map(|(_, label)| label);
        }
        if let Some(failure) = options.refusal(tx, system, &account, profile, &beside).await? {
            return Ok(Err(failure));
        }
        if beside.is_label_taken {
            account.label = numbered_label(tx, &account).await?;
        }
        let expires = account.created_at.saturating_add_unsigned(SESSION_LIFE);
        if !tx.end_setup(session, SetupState::Done, step_seq, None, expires).await? {
            // The session was cancelled in the meantime, or another process has stored the connection.
            return Err(StoreError::ChangedMeanwhile { what: SESSION });
        }
        account.is_default = is_first(tx, &system.ground, &account).await?;
        if let Some(terms) = &terms {
            tx.put_kind_terms(terms).await?;
        }
        tx.insert_account(&account).await?;
        if !options.tags.is_empty() {
            tx.set_tags(id, &options.tags, account.created_at).await?;
        }
        if let Some(grant) = &grant {
            tx.set_provider_grant(id, grant).await?;
        }
        tx.insert_credential(&credential).await?;
        tx.upsert_liveness(&liveness).await?;
        if let Some(words) = &words {
            tx.set_liveness_words(id, FIRST, words).await?;
        }
        event::append_row_change(tx, &system.ground.sealer, &event, &StandingRow::inserted(&account)).await?;
        if let Some(extension) = &options.extension {
            system.consent.grant(tx, &account.owner, id, extension, session.to_string()).await?;
        }
        Ok(Ok(account.label))
    }
}

impl ConnectOptions {
    /// Returns the reason why the account cannot be connected with these choices, if there is one.
    async fn refusal(
        &self,
        tx: &mut Tx,
        system: &Arc<System>,
        account: &AccountRow,
        profile: Option<ProfileId>,
        beside: &BesideRow,
    ) -> Result<Option<SetupFailure>, StoreError> {
        let AccountRow { owner, kind, profile_id, .. } = account;
        if let Some(profile) = profile
            && tx.profile(owner, kind, profile).await?.is_none()
        {
            return Ok(Some(profile_removed()));
        }
        if let Some(extension) = &self.extension
            && let Some(failure) = system.consent.outdated(tx, owner, extension).await?
        {
            return Ok(Some(failure));
        }
        if !self.again
            && let Some(label) = &beside.label_of_account
        {
            return Ok(Some(match self.is_of_visitor {
                true => already_connected_for_visitor(),
                false => already_connected(kind, label),
            }));
        }
        if self.alone
            && let Some(label) = tx.account_of_profile(owner, kind, profile_id.as_deref()).await?
        {
            return Ok(Some(profile_connected(kind, &label)));
        }
        if let Some(label) = &self.label
            && beside.is_label_taken
        {
            return Ok(Some(label_taken(kind, label)));
        }
        Ok(None)
    }
}

/// Returns the identity that was verified, or else the one that the plugin returned.
fn identity(kept: &AcceptedCandidate) -> &Identity {
    kept.found.identity.as_ref().unwrap_or(&kept.made.identity)
}

/// Returns the sealed credential of a candidate, with its times.
async fn credential(
    system: &Arc<System>,
    slot: &Slot,
    kept: &AcceptedCandidate,
    now: i64,
) -> Result<CredentialRow, Error> {
    let AcceptedCandidate { kind, request, made, found, payload, secret_names, .. } = kept;
    let id = request.connection;
    let cell = CREDENTIAL.at(id.as_uuid(), FIRST, &slot.owner, slot.kind.as_str());
    let sealed = system.ground.seal(&cell, payload.encode().expose()).await?;
    let given = ReportedTimes::of(made, found);
    let renewal = renewal(&system.ground, kind, &payload.credential).await;
    Ok(CredentialRow {
        connection_id: id,
        generation: FIRST,
        state: CredentialState::Current,
        key_id: sealed.key_id(),
        sealed,
        secret_names: secret_names.clone(),
        granted_scopes: found.granted_scopes.as_ref().or(made.granted_scopes.as_ref()).map(json::texts),
        valid_until: given.valid_until,
        created_at: now,
        plan: plan::of(id, renewal, now, given),
    })
}

/// Returns the connection of a candidate, with its preferred label.
fn account(slot: &Slot, kept: &AcceptedCandidate, now: i64) -> AccountRow {
    let identity = identity(kept);
    // A connection for which the plugin gives no label is named after its account.
    let is_named = |label: &&DisplayText| !label.as_str().trim().is_empty();
    let label = kept.made.label.as_ref().filter(is_named).or(Some(&identity.label).filter(is_named));
    AccountRow {
        id: kept.request.connection,
        owner: slot.owner.clone(),
        kind: slot.kind.to_string(),
        profile_id: kept.request.profile.map(|id| id.to_string()),
        label: label.unwrap_or(&identity.account_id).as_str().to_owned(),
        account_id: identity.account_id.as_str().to_owned(),
        account_label: identity.label.as_str().to_owned(),
        is_default: false,
        config: json::config(&kept.made.config),
        terms: kept.kind.terms_digest().map(<[u8]>::to_vec),
        revision: 1,
        generation: FIRST,
        next_generation: FIRST + 1,
        state: AccountState::Active,
        created_at: now,
        updated_at: now,
    }
}

/// Returns the label of the account, which is taken, with a numeric suffix that is free. Unless suffixes in between
/// became free again, it is the first one.
///
/// The number of lookups grows with the logarithm of the suffix, so that many accounts may have one label.
pub(crate) async fn numbered_label(tx: &mut Tx, account: &AccountRow) -> Result<String, StoreError> {
    let AccountRow { owner, kind, label, .. } = account;
    let mut is_taken = async |label: &str| Ok(tx.account_by_label(owner, kind, label).await?.is_some());
    let numbered = |number: u64| format!("{label}-{number}");
    let (mut taken, mut free) = (1, 2);
    while is_taken(&numbered(free)).await? {
        taken = free;
        free *= 2;
    }
    while free - taken > 1 {
        let middle = taken.midpoint(free);
        match is_taken(&numbered(middle)).await? {
            true => taken = middle,
            false => free = middle,
        }
    }
    Ok(numbered(free))
}

fn profile_connected(kind: &str, label: &str) -> SetupFailure {
    SetupFailure::new("account_connected", format!("an account was connected in the meantime, as {kind}:{label}"))
        .remedy(format!("use {kind}:{label}, or authorize it again as another account"))
}

fn label_taken(kind: &str, label: &str) -> SetupFailure {
    SetupFailure::new("label_taken", format!("there is already a connection '{kind}:{label}'"))
        .remedy("choose another label")
}
