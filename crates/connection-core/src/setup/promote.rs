//! The successful end of a re-authorization: the new credential replaces the current one, in one transaction.
//!
//! The journal of the session is the candidate: before that transaction, nothing of it is stored anywhere else. After
//! a crash there is either the old credential and a session that can be resumed, or the whole new credential.

use std::sync::Arc;

use connection_contract::{
    DisplayText, Kind, Liveness, Reason, Secret, SetupFailure, SetupResult, VerifyResult, reason,
};

use super::{
    Done, ForExtension, System,
    candidate::{AcceptedCandidate, SESSION, StoreOutcome, already_connected, removed},
    inherit::{self, InheritedCredential, ReplacedCredential},
    row::SESSION_LIFE,
    slot::Slot,
};
use crate::{
    ConnectionId, Error, Notification, SessionId,
    asked::Asked,
    credential::{
        Payload, provider_grant, renewal,
        replace::{self, Replacement},
    },
    event,
    grant::Affected,
    kinds::KindEntry,
    plan::{self, ReportedTimes},
    store::{
        ConflictRetries, LIVENESS_WORDS, Lock, StoreError, Tx, json,
        rows::{AccountRow, CredentialRow, ListedRow, SetupState},
    },
};

/// The decision of the transaction that makes the new credential the current one.
enum PromotionDecision {
    Promoted {
        label: String,
        before: Liveness,
        affected: Affected,
        is_another: bool,
    },
    Refused(SetupFailure),
    /// The current credential may work, and the new one could not be verified.
    Waits,
    /// The current credential is no longer the one from which the new one inherited.
    Outdated,
}

pub(super) async fn promote(
    system: &Arc<System>,
    slot: &Slot,
    step_seq: i64,
    kept: AcceptedCandidate,
    another_account: bool,
    extension: Option<ForExtension>,
) -> Result<StoreOutcome, Error> {
    let AcceptedCandidate { kind, request, made, found, asked, payload, secret_names } = kept;
    let found = Arc::new(found);
    let identity = found.identity.as_ref().unwrap_or(&made.identity);
    let mut retries = ConflictRetries::of("credential of a connection");
    loop {
        retries.begin_attempt()?;
        let heir = inherit::inherit(system, slot, &kind, request.connection, identity, &payload).await?;
        let candidate = Candidate {
            id: request.connection,
            kind: &kind,
            made: &made,
            found: found.clone(),
            asked: &asked,
            payload: heir.as_ref().map_or(&payload, |heir| &heir.payload),
            secret_names: heir.as_ref().map_or(&secret_names, |heir| &heir.secret_names),
            heir: heir.as_ref(),
            another_account,
            extension: extension.clone(),
            is_of_visitor: request.is_of_visitor,
        };
        if let Some(ended) = candidate.promote(system, slot, step_seq).await? {
            return Ok(ended);
        }
    }
}

/// A credential that was verified, and the data that is stored with it.
struct Candidate<'a> {
    id: ConnectionId,
    /// The kind whose code made and verified it.
    kind: &'a KindEntry,
    made: &'a SetupResult<Secret>,
    found: Arc<VerifyResult<Secret>>,
    asked: &'a Asked,
    payload: &'a Payload,
    secret_names: &'a str,
    heir: Option<&'a InheritedCredential>,
    /// `true` if the connection may change to another account.
    another_account: bool,
    /// The extension that is granted the connection.
    extension: Option<ForExtension>,
    /// `true` if the visitor of a setup link answers the session.
    is_of_visitor: bool,
}

impl Candidate<'_> {
    /// Promotes the candidate. Returns `None` if the credential from which it inherited is no longer the current one.
    async fn promote(self, system: &Arc<System>, slot: &Slot, step_seq: i64) -> Result<Option<StoreOutcome>, Error> {
        let id = self.id;
        let session = slot.id;
        let now = system.ground.clock.now().seconds();
        let replacement = match self.replacement(system, slot, now).await {
            Err(Error::NotFound(_)) => return Ok(Some(StoreOutcome::Refused(removed()))),
            replacement => replacement?,
        };
        let (liveness, reason) = (self.found.liveness, self.found.reason.clone());
        let identity = replacement.identity.clone();
        let promotion = Promotion {
            on: system.clone(),
            id,
            owner: slot.owner.clone(),
            kind: slot.kind.clone(),
            session,
            step_seq,
            expires: now.saturating_add_unsigned(SESSION_LIFE),
            former: self.heir.map(|heir| heir.former.clone()),
            another_account: self.another_account,
            extension: self.extension.clone(),
            is_of_visitor: self.is_of_visitor,
            replacement,
        };
        let order = system.ground.extension_changes.order().await;
        let decided = system.ground.store.write(move |tx| Box::pin(async move { promotion.decide(tx).await }));
        Ok(match decided.await? {
            PromotionDecision::Outdated => None,
            PromotionDecision::Refused(failure) => Some(StoreOutcome::Refused(failure)),
            PromotionDecision::Waits => Some(StoreOutcome::Offline(reason.unwrap_or_else(missing_times_reason))),
            PromotionDecision::Promoted { label, before, is_another, affected } => {
                affected.notify(&order);
                if is_another {
                    system.ground.notifications.publish(&Notification::AccountChanged(id));
                }
                replace::publish(&system.ground, id, before, liveness, reason.clone());
                let inherits = self.heir.is_some();
                tracing::info!(connection = %id, kind = %slot.kind, session = %session, inherits, "reauthorized");
                Some(StoreOutcome::Done(Done { connection: id, label: label.into(), identity, liveness, reason }))
            }
        })
    }

    /// Returns the candidate, sealed as the next generation, with its times.
    async fn replacement(&self, system: &Arc<System>, slot: &Slot, now: i64) -> Result<Replacement, Error> {
        let Self { id, kind, made, found, asked, payload, secret_names, heir, .. } = self;
        let renewal = renewal(&system.ground, kind, &payload.credential).await;
        let names = (*secret_names).to_owned();
        let fresh = replace::seal_next(&system.ground, *id, &slot.owner, &slot.kind, payload, names).await?;
        let given = ReportedTimes::of(made, found);
        let given = heir.map_or(given, |heir| ReportedTimes::inherited(&heir.refreshed));
        let credential = CredentialRow {
            plan: plan::of(*id, renewal, fresh.created_at, given),
            granted_scopes: found.granted_scopes.as_ref().or(made.granted_scopes.as_ref()).map(json::texts),
            valid_until: given.valid_until,
            ..fresh
        };
        let identity = found.identity.clone().unwrap_or_else(|| made.identity.clone());
        let cell = LIVENESS_WORDS.at(id.as_uuid(), credential.generation, &slot.owner, slot.kind.as_str());
        let words = system.ground.seal_words(&cell, found.reason.as_ref()).await;
        let found = found.clone();
        let asked = Asked::clone(asked);
        let config = json::config(&made.config);
        let terms = kind.terms.clone();
        let grant = provider_grant::row(&system.ground.sealer, kind, found.grant.as_ref());
        let inherits = heir.is_some();
        Ok(Replacement { credential, found, words, asked, identity, config, terms, grant, now, inherits })
    }
}

/// The transaction that makes a candidate the current credential.
struct Promotion {
    on: Arc<System>,
    id: ConnectionId,
    owner: String,
    kind: Kind,
    session: SessionId,
    step_seq: i64,
    expires: i64,
    /// The credential from which the candidate inherited.
    former: Option<ReplacedCredential>,
    another_account: bool,
    extension: Option<ForExtension>,
    is_of_visitor: bool,
    replacement: Replacement,
}

impl Promotion {
    async fn decide(self, tx: &mut Tx) -> Result<PromotionDecision, StoreError> {
        tx.lock(Lock::Setup(self.session)).await?;
        tx.lock(Lock::Owner(&self.owner)).await?;
        tx.lock(Lock::Connection(self.id)).await?;
        let row = tx.listed(self.id).await?;
        let row = row.filter(|row| row.account.owner == self.owner && row.account.kind == self.kind.as_str());
        let Some(row) = row else { return Ok(PromotionDecision::Refused(removed())) };
        if self.former.as_ref().is_some_and(|former| *former != ReplacedCredential::of(&row)) {
            return Ok(PromotionDecision::Outdated);
        }
        if let Some(failure) = self.refusal(tx, &row.account).await? {
            return Ok(PromotionDecision::Refused(failure));
        }
        let before = replace::measured(&row);
        if self.replacement.found.liveness != Liveness::Live && matches!(before, Liveness::Live | Liveness::Offline) {
            return Ok(PromotionDecision::Waits);
        }
        self.put(tx, row, before).await
    }

    /// Returns the reason why the candidate must not become the credential of this account, if there is one.
    async fn refusal(&self, tx: &mut Tx, account: &AccountRow) -> Result<Option<SetupFailure>, StoreError> {
        if let Some(error) = event::refusal(tx, &self.on.ground.sealer, account).await? {
            return Ok(Some(SetupFailure::new(error.code(), error.to_string()).remedy(error.remedy())));
        }
        if let Some(extension) = &self.extension
            && let Some(failure) = self.on.consent.outdated(tx, &self.owner, extension).await?
        {
            return Ok(Some(failure));
        }
        if self.replacement.is_another(account) && !self.another_account {
            return Ok(Some(match self.is_of_visitor {
                true => account_changed_for_visitor(account, &self.replacement),
                false => account_changed(account, &self.replacement),
            }));
        }
        let holder = self.replacement.account_holder(tx, account).await?;
        Ok(holder.map(|label| already_connected(self.kind.as_str(), &label)))
    }

    /// Ends the session, and stores the candidate as the current credential.
    async fn put(self, tx: &mut Tx, row: ListedRow, before: Liveness) -> Result<PromotionDecision, StoreError> {
        let Self { on, id, owner, session, extension, replacement, .. } = self;
        if !tx.end_setup(session, SetupState::Done, self.step_seq, None, self.expires).await? {
            // The session was cancelled in the meantime, or another process has promoted the credential.
            return Err(StoreError::ChangedMeanwhile { what: SESSION });
        }
        let session = session.to_string();
        let session_detail = ("session".to_owned(), session.clone().into());
        let event = replacement.event(&on.ground, &row, event::REAUTHORIZED, [session_detail]);
        let is_another = replacement.is_another(&row.account);
        let mut affected = replacement.put(tx, &on.ground, &row.account).await?;
        event::append(tx, &on.ground.sealer, &event).await?;
        // The consent comes after a change of account has ended the earlier grants, because it is for the account that
        // the connection has now.
        if let Some(extension) = &extension
            && on.consent.grant(tx, &owner, id, extension, session).await?
        {
            affected = affected.granted(&extension.name);
        }
        Ok(PromotionDecision::Promoted { label: row.account.label, before, is_another, affected })
    }
}

fn account_changed(account: &AccountRow, replacement: &Replacement) -> SetupFailure {
    let AccountRow { kind, label, account_id, account_label, .. } = account;
    let is = replace::named(account_label, account_id);
    let other = &replacement.identity;
    let found = replace::named(other.label.as_str(), other.account_id.as_str());
    let remedy = match other.is_mutable {
        true => format!(
            "authorize it as {account_label}; if the provider gave that account the name {}, allow the connection to become \
             another account",
            other.account_id
        ),
        false => format!("authorize it as {account_label}, or allow it to become another account"),
    };
    SetupFailure::new("account_changed", format!("this is the account {found}, but {kind}:{label} is {is}"))
        .remedy(remedy)
}

/// Returns the failure for the visitor of a setup link, who learns only the name of the account that the link is for.
fn account_changed_for_visitor(account: &AccountRow, replacement: &Replacement) -> SetupFailure {
    let wanted = &account.account_label;
    let found = DisplayText::from(replacement.identity.label.as_str().to_owned());
    let (wanted, found) = match *wanted == found.as_str() {
        // Two accounts may have the same name.
        true => {
            let found = replace::named(found.as_str(), replacement.identity.account_id.as_str());
            (replace::named(wanted, &account.account_id), found)
        }
        false => (wanted.clone().into(), found),
    };
    SetupFailure::new("account_changed", format!("this is the account {found}, but this link is for {wanted}"))
        .remedy(format!("sign in as {wanted}, or ask whoever sent the link"))
}

fn missing_times_reason() -> Reason {
    Reason::new(reason::PROVIDER_ERROR, "the new credential could not be verified")
}
