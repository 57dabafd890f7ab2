//! The end of a session: the result of the plugin is verified once and stored together with the measured liveness, or
//! nothing is stored.
//!
//! One transaction holds the connection, its liveness, its first event and the end of the session, which deletes the
//! journal. After a crash there is either a session that can be resumed or a whole connection.

use std::sync::Arc;

use connection_contract::{
    ConnectionError, DisplayText, Liveness, Reason, Secret, SetupFailure, SetupResult, VerifyResult, reason,
};

use super::{
    Done, Outcome,
    codec::{self, Purpose},
    effects::Inner,
    promote, run,
    slot::Slot,
};
use crate::{
    ConnectionId, Error, ProfileId,
    credential::Subject,
    credential::{Payload, named_secrets},
    definition::Probed,
    event,
    extension::{self, ForExtension},
    grant,
    kinds::KindEntry,
    limits, liveness,
    plan::{self, ReportedTimes},
    registry::Shared,
    registry::is_first,
    store::{
        Lock, StoreError, Tx, json,
        rows::{AccountRow, AccountState, CredentialRow, CredentialState, SetupState},
    },
    verify,
};

/// Names the conflict between two calls that end the same session.
pub(super) const SESSION: &str = "setup session";

/// The request with which the session was begun.
pub(super) struct SetupRequest {
    pub(super) connection: ConnectionId,
    pub(super) purpose: Purpose,
    pub(super) profile: Option<ProfileId>,
}

impl SetupRequest {
    pub(super) fn is_new(&self) -> bool {
        matches!(self.purpose, Purpose::Connect { .. })
    }
}

/// The result of a plugin after its verification.
pub(super) enum Candidate {
    /// The result is stored, if its label and its account are free.
    Accepted(Box<AcceptedCandidate>),
    /// The setup fails, and nothing is kept.
    Refused(SetupFailure),
}

pub(super) struct AcceptedCandidate {
    pub(super) asked: SetupRequest,
    pub(super) made: SetupResult<Secret>,
    pub(super) found: VerifyResult<Secret>,
    pub(super) payload: Payload,
    pub(super) secret_names: String,
}

impl AcceptedCandidate {
    /// Returns the candidate as the subject of a probe.
    pub(super) fn subject(&self, slot: &Slot) -> Subject {
        subject(slot, &self.asked, &self.made, &self.payload)
    }
}

fn subject(slot: &Slot, asked: &SetupRequest, made: &SetupResult<Secret>, payload: &Payload) -> Subject {
    let config = made.config.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let id = asked.connection;
    let owner = slot.owner.clone();
    let profile = asked.profile;
    Subject { id, owner, payload: payload.duplicate(), profile, config }
}

/// The outcome of storing a candidate.
pub(super) enum StoreOutcome {
    Done(Done),
    /// The setup fails, and nothing is kept.
    Refused(SetupFailure),
    /// The session waits until it is resumed.
    Offline(Reason),
}

/// Verifies the result of a plugin, unless the plugin measured it itself. A `failing` result is refused. An `offline`
/// one is kept, so that the user's answers are not lost.
pub(super) async fn candidate(
    shared: &Arc<Shared>,
    slot: &Slot,
    kind: &Arc<KindEntry>,
    asked: SetupRequest,
    inner: &Inner,
    mut made: SetupResult<Secret>,
) -> Candidate {
    if let Err(problem) = limits::setup_result(&made, &made.credential) {
        return refused(reason::PLUGIN_FAULT, problem);
    }
    let credential = made.credential.duplicate();
    let mut payload = match Payload::new(kind, &made.reach, credential, &inner.run.origins, &inner.run.roots) {
        Ok(payload) => payload,
        Err(problem) => return refused(reason::PLUGIN_FAULT, problem),
    };
    if let Err(problem) = limits::account_id(&made.identity.account_id) {
        return refused(reason::PLUGIN_FAULT, problem);
    }
    // A recorded `offline` would be the same in every run, but a re-authorization that waits must ask again. It is
    // verified instead.
    let measured = made.measured.take().filter(|found| asked.is_new() || found.liveness != Liveness::Offline);
    let Probed { found, secret_names } = match measured {
        Some(found) => Probed { found: limits::bounded(found), secret_names: None },
        None => {
            let subject = subject(slot, &asked, &made, &payload);
            match verify::probe(shared, kind, subject, verify::ProbeTrigger::Host).await {
                Ok(probed) => probed,
                Err(ConnectionError::Credential(_)) => {
                    return refused(
                        reason::CREDENTIAL_UNREADABLE,
                        "the plugin cannot read the credential that it made",
                    );
                }
                Err(_) => {
                    return refused(reason::PLUGIN_FAULT, "the plugin could not verify the connection");
                }
            }
        }
    };
    let what = if asked.is_new() { "connection" } else { "credential" };
    if found.identity.as_ref().is_some_and(|identity| identity.account_id != made.identity.account_id) {
        return refused("verify_failed", format!("the new {what} reaches another account than it was made for"));
    }
    if found.liveness == Liveness::Failing {
        let why = found.reason.as_ref().map(|reason| format!(": {}", reason.message)).unwrap_or_default();
        let failure = SetupFailure::new("verify_failed", format!("the new {what} does not work{why}"));
        return Candidate::Refused(match found.reason.and_then(|reason| reason.remedy) {
            Some(remedy) => failure.remedy(remedy),
            None => failure,
        });
    }
    if let Some(fresh) = &found.credential {
        payload.credential = fresh.duplicate();
    }
    let former = named_secrets::current(shared, asked.connection);
    let secret_names = named_secrets::after_probe(shared, kind, &payload.credential, secret_names, former).await;
    Candidate::Accepted(Box::new(AcceptedCandidate { asked, made, found, payload, secret_names }))
}

fn refused(code: &'static str, message: impl Into<DisplayText>) -> Candidate {
    Candidate::Refused(SetupFailure::new(code, message))
}

/// Stores the end of a session, then publishes it.
///
/// Returns the reason if the candidate could not be verified and must be. The session has then not ended.
///
/// # Errors
///
/// Nothing was stored, and the session is unchanged.
pub(super) async fn finish(
    shared: &Arc<Shared>,
    slot: &Arc<Slot>,
    step_seq: i64,
    candidate: Candidate,
) -> Result<Option<Reason>, Error> {
    let step_seq = step_seq.saturating_add(1);
    let outcome = match candidate {
        Candidate::Refused(failure) => end_failed(shared, slot, step_seq, failure).await?,
        Candidate::Accepted(kept) => {
            let stored = match kept.asked.purpose.clone() {
                Purpose::Connect { label, again, alone, extension } => {
                    store(shared, slot, step_seq, *kept, ConnectOptions { label, again, alone, extension }).await
                }
                Purpose::Reauthorize { another_account, extension } => {
                    promote::promote(shared, slot, step_seq, *kept, another_account, extension).await
                }
            };
            match stored {
                Err(Error::Store(error)) if matches!(&*error, StoreError::Conflict { what } if what == SESSION) => None,
                Err(error) => return Err(error),
                Ok(StoreOutcome::Done(done)) => Some(Outcome::Done(done)),
                Ok(StoreOutcome::Refused(failure)) => end_failed(shared, slot, step_seq, failure).await?,
                Ok(StoreOutcome::Offline(reason)) => return Ok(Some(reason)),
            }
        }
    };
    match outcome {
        Some(outcome) => slot.end(run::step_no(step_seq), outcome),
        // Another call or process ended the session; a run reads how.
        None => run::spawn(shared, slot),
    }
    Ok(None)
}

/// The choices for a new connection, as in [`Purpose::Connect`].
struct ConnectOptions {
    label: Option<String>,
    again: bool,
    alone: bool,
    extension: Option<ForExtension>,
}

/// Stores a new connection, unless its label or its account is taken, or its profile was removed or is taken.
async fn store(
    shared: &Arc<Shared>,
    slot: &Slot,
    step_seq: i64,
    kept: AcceptedCandidate,
    ConnectOptions { label: wanted, again, alone, extension }: ConnectOptions,
) -> Result<StoreOutcome, Error> {
    let AcceptedCandidate { asked, made, found, payload, secret_names } = kept;
    let id = asked.connection;
    let now = shared.clock.now().seconds();
    let owner = slot.owner.clone();
    let kind = slot.kind.clone();
    let session = slot.id;
    const FIRST: i64 = 1;
    let place = Payload::place(&id, &owner, &kind, FIRST);
    let sealed = shared.sealer.seal(&place, payload.encode().expose()).await;
    let sealed = sealed.map_err(|error| slot.sealed_error(error))?;
    let given = ReportedTimes::of(&made, &found);
    let renews = shared.kinds.entry(&kind).is_some_and(|entry| entry.renews());
    let credential = CredentialRow {
        connection_id: id,
        generation: FIRST,
        state: CredentialState::Current,
        key_id: sealed.key_id(),
        sealed,
        secret_names,
        granted_scopes: found.granted_scopes.as_ref().or(made.granted_scopes.as_ref()).map(json::texts),
        valid_until: given.valid_until,
        created_at: now,
        plan: plan::of(id, renews, now, given),
    };
    let failures = i64::from(found.liveness != Liveness::Live);
    let liveness = liveness::row(id, FIRST, &found, now, failures);
    let identity = found.identity.unwrap_or(made.identity);
    // A connection for which the plugin gives no label is named after its account.
    let named = |label: &DisplayText| !label.as_str().trim().is_empty();
    let own = made.label.filter(named).or(Some(identity.label.clone()).filter(named));
    let own = own.unwrap_or_else(|| identity.account_id.clone());
    let account = AccountRow {
        id,
        owner: owner.clone(),
        kind: kind.to_string(),
        profile_id: asked.profile.map(|id| id.to_string()),
        label: own.as_str().to_owned(),
        account_id: identity.account_id.as_str().to_owned(),
        account_label: identity.label.as_str().to_owned(),
        is_default: false,
        config: json::config(&made.config),
        revision: 1,
        generation: FIRST,
        next_generation: FIRST + 1,
        state: AccountState::Active,
        created_at: now,
        updated_at: now,
    };
    let body = serde_json::json!({ "session": session.to_string(), "liveness": liveness.liveness });
    let event = shared.event(&owner, id, event::CONNECTED, body);
    let sealer = shared.sealer.clone();
    let expires = now.saturating_add_unsigned(run::SESSION_LIFE);
    let on = shared.clone();
    let consented = extension.clone();
    let whose = owner.clone();
    let turn = match &extension {
        Some(_) => Some(grant::notification_order(shared).await),
        None => None,
    };
    let stored = shared.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(session)).await?;
            tx.lock(Lock::Owner(&owner)).await?;
            tx.lock(Lock::Connection(id)).await?;
            let mut account = account;
            if let Some(profile) = asked.profile
                && tx.profile(&owner, kind.as_str(), profile).await?.is_none()
            {
                return Ok(Err(profile_removed()));
            }
            if let Some(extension) = &consented
                && let Some(failure) = extension::outdated(tx, &on, &owner, extension).await?
            {
                return Ok(Err(failure));
            }
            if !again
                && let Some((_, label)) = tx.account_by_identity(&owner, kind.as_str(), &account.account_id).await?
            {
                return Ok(Err(already_connected(kind.as_str(), &label)));
            }
            if alone
                && let Some(label) = tx.account_of_profile(&owner, kind.as_str(), account.profile_id.as_deref()).await?
            {
                return Ok(Err(profile_connected(kind.as_str(), &label)));
            }
            account.label = match wanted {
                Some(label) if tx.account_by_label(&owner, kind.as_str(), &label).await?.is_some() => {
                    return Ok(Err(label_taken(kind.as_str(), &label)));
                }
                Some(label) => label,
                None => free_label(tx, &account).await?,
            };
            if !tx.end_setup(session, SetupState::Done, step_seq, None, expires).await? {
                // The session was cancelled in the meantime, or another process has stored the connection.
                return Err(StoreError::Conflict { what: SESSION.into() });
            }
            account.is_default = is_first(tx, &on, &account).await?;
            tx.insert_account(&account).await?;
            tx.insert_credential(&credential).await?;
            tx.upsert_liveness(&liveness).await?;
            event::append(tx, &sealer, &event).await?;
            if let Some(extension) = &consented {
                extension::consent(tx, &on, (&owner, id), extension, session.to_string()).await?;
            }
            Ok(Ok(account.label))
        })
    });
    let liveness = found.liveness;
    let reason = found.reason;
    Ok(match stored.await? {
        Ok(label) => {
            tracing::info!(connection = %id, kind = %slot.kind, session = %session, "connected");
            if let (Some(extension), Some(turn)) = (&extension, &turn) {
                extension::notify(shared, &whose, extension, turn);
            }
            StoreOutcome::Done(Done { connection: id, label: label.into(), identity, liveness, reason })
        }
        Err(failure) => StoreOutcome::Refused(failure),
    })
}

/// Returns the label of the account if it is free, or the label with the first numeric suffix that is free.
pub(crate) async fn free_label(tx: &mut Tx, account: &AccountRow) -> Result<String, StoreError> {
    let AccountRow { owner, kind, label, .. } = account;
    let mut free = label.clone();
    for number in 2_u64.. {
        if tx.account_by_label(owner, kind, &free).await?.is_none() {
            break;
        }
        free = format!("{label}-{number}");
    }
    Ok(free)
}

pub(super) fn already_connected(kind: &str, label: &str) -> SetupFailure {
    SetupFailure::new("account_connected", format!("this account is already connected as {kind}:{label}"))
        .remedy(format!("use {kind}:{label}, authorize it again, or remove it first"))
}

fn profile_connected(kind: &str, label: &str) -> SetupFailure {
    SetupFailure::new("account_connected", format!("an account was connected in the meantime, as {kind}:{label}"))
        .remedy(format!("use {kind}:{label}, or authorize it again as another account"))
}

fn label_taken(kind: &str, label: &str) -> SetupFailure {
    SetupFailure::new("label_taken", format!("there is already a connection '{kind}:{label}'"))
        .remedy("choose another label")
}

/// Ends the session as failed. Returns `None` if it had ended already.
async fn end_failed(
    shared: &Shared,
    slot: &Slot,
    step_seq: i64,
    failure: SetupFailure,
) -> Result<Option<Outcome>, Error> {
    let place = slot.place("connection_setup", "sealed_step", step_seq);
    let sealed = shared.sealer.seal(&place, codec::failure(&failure).expose()).await;
    let sealed = sealed.map_err(|error| slot.sealed_error(error))?;
    let id = slot.id;
    let expires = shared.clock.now().after(run::SESSION_LIFE).seconds();
    let ended = shared.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            tx.end_setup(id, SetupState::Failed, step_seq, Some(&sealed), expires).await
        })
    });
    tracing::info!(session = %slot.id, kind = %slot.kind, code = &*failure.code, "setup failed");
    Ok(ended.await?.then_some(Outcome::Failed(failure)))
}

/// Returns `true` if the profile of a session was removed since the session was begun.
pub(super) async fn is_profile_gone(shared: &Shared, slot: &Slot, id: Option<ProfileId>) -> Result<bool, Error> {
    let Some(id) = id else { return Ok(false) };
    Ok(shared.reader().await?.profile(&slot.owner, slot.kind.as_str(), id).await?.is_none())
}

pub(super) fn profile_removed() -> SetupFailure {
    SetupFailure::new("profile_not_found", "the profile was removed in the meantime")
        .remedy("begin again with another one")
}
