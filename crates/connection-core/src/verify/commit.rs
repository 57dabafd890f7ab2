//! Commits the result of a probe: the liveness, a rotated credential and the events, in one transaction.
//!
//! A row that says `live` holds the credential that was measured. A result for another generation, or for a connection
//! that was removed, is not stored, even if the provider rotated the credential: the first stored result wins. The same
//! holds for a result that another process overtook, unless the provider rotated the credential.

use std::{sync::Arc, time::Duration};

use connection_contract::{BoxFuture, Liveness, Secret, Timestamp, VerifyResult, reason};
use serde_json::Value;

use super::{
    ProbeTrigger, System,
    identity::{self, Account, Move},
    measure::Measurement,
};
use crate::{
    ChangedPart, ConnectionId, ConnectionInfo, Error, IdGenerator, LivenessChange,
    asked::Asked,
    credential::{self, Read, ShownConnection, named_secrets, provider_grant, replace},
    definition::Probed,
    event,
    grant::Affected,
    ground::{Ground, Scope},
    keys::Sealer,
    kinds::KindEntry,
    liveness::{self, column},
    plan::{self, Renewal, ReportedTimes},
    store::{
        Changed, LIVENESS_WORDS, Lock, Sealed, StoreError, Tx, Unchanged, json,
        rows::{CredentialRow, ListedRow, LivenessRow},
    },
};

/// The facts in a row whose changes events record.
#[derive(PartialEq)]
struct Facts {
    liveness: Liveness,
    code: Option<String>,
    account_label: String,
    scopes: Option<String>,
    valid_until: Option<i64>,
}

impl Facts {
    fn of(row: &ListedRow) -> Self {
        Self {
            liveness: row.liveness.as_deref().map_or(Liveness::Unknown, column::to_liveness),
            code: row
                .reason
                .as_deref()
                .and_then(json::to_reason)
                .map(|reason| reason.code.into_owned())
                .filter(|code| is_told(code)),
            account_label: row.account.account_label.clone(),
            scopes: row.granted_scopes.clone(),
            valid_until: row.valid_until,
        }
    }

    /// Returns the facts after a probe. A fact that the probe did not report stays.
    fn with(&self, found: &VerifyResult<Secret>) -> Self {
        let renamed = found.identity.as_ref().filter(|_| found.liveness == Liveness::Live);
        Self {
            liveness: found.liveness,
            code: found.reason.as_ref().map(|reason| reason.code.to_string()).filter(|code| is_told(code)),
            account_label: renamed.map_or(&*self.account_label, |identity| identity.label.as_str()).to_owned(),
            scopes: found.granted_scopes.as_ref().map(json::texts).or_else(|| self.scopes.clone()),
            valid_until: found.valid_until.map(Timestamp::seconds).or(self.valid_until),
        }
    }

    /// Returns the names and bodies of the events that lead from `before` to these facts.
    fn events(&self, before: &Self, rotated: Option<i64>) -> Vec<(&'static str, Value)> {
        let mut events = Vec::new();
        if self.liveness != before.liveness || self.code != before.code {
            let before = column::liveness(before.liveness);
            let liveness = column::liveness(self.liveness);
            let body = serde_json::json!({ "before": before, "liveness": liveness, "reason": self.code });
            events.push((event::LIVENESS_CHANGED, body));
        }
        if let Some(generation) = rotated {
            events.push((event::CREDENTIAL_ROTATED, serde_json::json!({ "generation": generation })));
        }
        let scopes = &self.scopes;
        let valid_until = self.valid_until;
        let renamed = (self.account_label != before.account_label).then_some(&self.account_label);
        if *scopes != before.scopes || valid_until != before.valid_until || renamed.is_some() {
            let body = serde_json::json!({
                "account": renamed,
                "scopes": scopes.as_deref().and_then(json::to_texts),
                "validUntil": valid_until.map(|seconds| Timestamp::from_seconds(seconds).to_rfc3339()),
            });
            events.push((event::FACTS_CHANGED, body));
        }
        events
    }
}

/// Returns `true` if an event records a reason with this code. The new name of an account has an event of its own.
fn is_told(code: &str) -> bool {
    code != reason::ACCOUNT_RENAMED
}

/// The values that the transaction needs. They are computed before it, so that the transaction does not wait for a
/// plugin.
struct Change {
    id: ConnectionId,
    owner: String,
    found: VerifyResult<Secret>,
    asked: Asked,
    /// The generation of the credential that was probed.
    generation: i64,
    /// The time at which the probe began.
    began: i64,
    /// What refreshes the credential, or the one to which the provider rotated it.
    renewal: Renewal,
    /// The time of a use that was refused before the probe began.
    refused_at: Option<i64>,
    /// The names of the secrets that the credential holds, as JSON; `None` if the plugin could not list them.
    secret_names: Option<String>,
    /// The row of the rotated credential, sealed for the next generation.
    rotated: Option<CredentialRow>,
    /// The provider's own words about the reason, sealed for the generation of the result.
    words: Option<Sealed>,
    /// The change of the id of the account.
    moved: Option<Move>,
    now: i64,
    next: Next,
    sealer: Sealer,
    ids: Arc<dyn IdGenerator>,
}

pub(super) async fn commit(
    scope: Scope<'_, System>,
    kind: &KindEntry,
    mut looked: Measurement,
    known: Known,
    asker: ProbeTrigger,
) -> Result<ConnectionInfo, Error> {
    let system = scope.system;
    let moved = compare_account(system, &mut looked).await?;
    let failures = known.failures(looked.probed.found.liveness, asker);
    let next = Next { failures, pause: looked.pause_after(kind.has_password(), failures) };
    let Measurement { before: shown, began, probed: Probed { found, secret_names, asked, .. }, .. } = looked;
    let ShownConnection { info: before, read, .. } = shown;
    let id = before.id;
    let generation = read.generation();
    let rotated = match &found.credential {
        Some(fresh) => Some(seal_next(&system.ground, &before, kind, fresh, secret_names.clone()).await?),
        None => None,
    };
    keep_grant(system, id, kind, &found).await?;
    let measured = rotated.as_ref().map_or(generation, |fresh| fresh.generation);
    let cell = LIVENESS_WORDS.at(id.as_uuid(), measured, &before.owner, before.kind.as_str());
    let words = system.ground.seal_words(&cell, found.reason.as_ref()).await;
    let began = began.seconds();
    let now = system.ground.clock.now();
    let secret_names = secret_names.as_ref().map(json::texts);
    let refused_at = read.listed.refused_at;
    if rotated.is_none() && moved.is_none() && refused_at.is_none() && read.is_unchanged(secret_names.as_deref()) {
        let seen = Facts::of(&read.listed);
        let confirmed = Confirmed { began, now: now.seconds(), next, words: words.as_ref() };
        if seen.with(&found) == seen
            && let Some(info) = confirm(system, &read, kind, &found, &asked, confirmed).await?
        {
            return Ok(info);
        }
    }
    let liveness = found.liveness;
    let reason = found.reason.clone();
    let at = now.seconds();
    let renewal = match &found.credential {
        Some(fresh) => credential::renewal(&system.ground, kind, fresh).await,
        None if kind.renews() => Renewal::Renews,
        None => Renewal::Never,
    };
    let change = Change {
        id,
        owner: before.owner.clone(),
        found,
        moved,
        asked,
        generation,
        began,
        renewal,
        refused_at,
        secret_names,
        rotated,
        words,
        now: at,
        next,
        sealer: system.ground.sealer.clone(),
        ids: system.ground.ids.clone(),
    };
    // Extensions are notified only of a rotated credential.
    let order = match change.rotated {
        Some(_) => Some(system.ground.extension_changes.order().await),
        None => None,
    };
    let written = system.ground.store.write(move |tx| write(tx, change)).await?;
    // A change of the reason's text alone has no event that would invalidate the cached row.
    system.credential.hot.forget(Changed::Connection(id));
    if let (Some(CommitOutcome { affected: Some(affected), .. }), Some(order)) = (&written, &order) {
        affected.clone().notify(order);
    }
    drop(order);
    if let Some(was) = written.map(|written| written.was).filter(|was| *was != liveness) {
        super::tell(system, &before, &LivenessChange { connection: id, before: was, liveness, reason, at: now });
    }
    system.ground.info_by_id(scope.owner, id).await
}

/// Compares the account that was reached with the stored one, and says in the result what that means. Returns the change
/// of its id, if it has changed.
async fn compare_account(system: &System, looked: &mut Measurement) -> Result<Option<Move>, Error> {
    let account = identity::compare(system, &looked.before.info, &looked.probed.found).await?;
    let Probed { found, asked, .. } = &mut looked.probed;
    let moved = match account {
        Account::Same => None,
        Account::Moved(moved) => Some(moved),
        Account::Another => {
            identity::another(found, asked);
            None
        }
    };
    if found.liveness == Liveness::Live && found.reason.is_none() {
        found.reason = moved.as_ref().map_or_else(|| liveness::kept_note(&looked.before.read.listed), Move::note);
    }
    Ok(moved)
}

/// The result that was known before a verification began, and the number of its repetitions.
#[derive(Clone, Copy)]
pub(super) struct Known {
    liveness: Liveness,
    failures: i64,
}

impl Known {
    pub(super) fn of(row: &ListedRow) -> Self {
        let liveness = row.liveness.as_deref().map_or(Liveness::Unknown, column::to_liveness);
        Self { liveness, failures: row.failures.unwrap_or_default() }
    }

    /// Returns the number of results in a row that are not live, with this one. Refusals and outages are counted apart,
    /// because the pause after them grows with their number, and only those that the scheduler found at its planned time,
    /// because a person or a program may ask any number of times. A refused connection that a refresh alone has made live
    /// keeps its number.
    fn failures(self, found: Liveness, asker: ProbeTrigger) -> i64 {
        let is_again = self.liveness == found || self.liveness == Liveness::Live && found == Liveness::Failing;
        match (found, is_again) {
            (Liveness::Live, _) => 0,
            (_, false) => 1,
            (_, true) if asker == ProbeTrigger::Schedule => self.failures.saturating_add(1),
            (_, true) => self.failures.max(1),
        }
    }
}

/// What follows from a result.
#[derive(Clone, Copy)]
struct Next {
    /// The number of results in a row that are not live.
    failures: i64,
    /// The pause until the next verification, unless the plugin or the provider gave one.
    pause: Option<Duration>,
}

/// Stores the grant at the provider that a probe of the connection's account found, if it is not stored yet.
async fn keep_grant(
    system: &System,
    id: ConnectionId,
    kind: &KindEntry,
    found: &VerifyResult<Secret>,
) -> Result<(), Error> {
    let Some(grant) = provider_grant::row(&system.ground.sealer, kind, found.grant.as_ref()) else { return Ok(()) };
    if system.ground.reader().await?.provider_grant(id).await?.as_ref() == Some(&grant) {
        return Ok(());
    }
    let written = system.ground.store.write(move |tx| Box::pin(async move { tx.set_provider_grant(id, &grant).await }));
    Ok(written.await?)
}

/// The times of a probe, what follows from its result, and the provider's own words about it.
struct Confirmed<'a> {
    began: i64,
    now: i64,
    next: Next,
    words: Option<&'a Sealed>,
}

/// Stores the time of a probe that found what was read before it. Returns `None` if the connection changed meanwhile;
/// then nothing was stored.
///
/// A power failure may undo the write. That costs one probe.
async fn confirm(
    system: &System,
    read: &Read,
    kind: &KindEntry,
    found: &VerifyResult<Secret>,
    asked: &Asked,
    confirmed: Confirmed<'_>,
) -> Result<Option<ConnectionInfo>, Error> {
    let Confirmed { began, now, next: Next { failures, pause }, words } = confirmed;
    let Some(secret_names) = read.secret_names().map(ToOwned::to_owned) else { return Ok(None) };
    let measured = liveness::row(read.listed.account.id, read.generation(), found, asked, now, failures, pause);
    let LivenessRow { connection_id: id, generation, reason, .. } = measured;
    let LivenessRow { next_check_at, paused_until, probe_origin, probe_from, .. } = measured;
    let row = read.listed.clone();
    let text = reason.clone();
    let words = words.cloned();
    let confirmed = system.ground.store.write_relaxed(move |tx| {
        Box::pin(async move {
            let secret_names = &*secret_names;
            let unchanged = Unchanged {
                row: &row,
                secret_names,
                reason: text.as_deref(),
                began,
                now,
                failures,
                next_check_at,
                paused_until,
                probe_origin: probe_origin.as_deref(),
                probe_from,
            };
            let is_confirmed = tx.confirm_liveness(&unchanged).await?;
            if let Some(words) = words.filter(|_| is_confirmed) {
                tx.set_liveness_words(id, generation, &words).await?;
            }
            Ok(is_confirmed)
        })
    });
    if !confirmed.await? {
        return Ok(None);
    }
    system.credential.hot.forget(Changed::Connection(read.listed.account.id));
    let row = ListedRow { reason, checked_at: Some(now), next_check_at, paused_until, ..read.listed.clone() };
    Ok(system.ground.info(row, Some(kind)))
}

/// Draws a generation and seals the fresh credential for it, with the reach of the former one.
async fn seal_next(
    ground: &Arc<Ground>,
    before: &ConnectionInfo,
    kind: &KindEntry,
    fresh: &Secret,
    probed: Option<Vec<String>>,
) -> Result<CredentialRow, Error> {
    let id = before.id;
    let opened = credential::open(ground, before).await?;
    let mut payload = opened.payload.map_err(|unopened| unopened.error())?;
    payload.credential = fresh.duplicate();
    // The definition is that of the probe. It may have been unregistered meanwhile.
    let former = named_secrets::current(ground, id);
    let secret_names = named_secrets::after_probe(ground, kind, &payload.credential, probed, former).await;
    replace::seal_next(ground, id, &before.owner, &before.kind, &payload, secret_names).await
}

/// The facts that are known only after the result was stored.
struct CommitOutcome {
    /// The liveness before the probe.
    was: Liveness,
    /// The extensions that may use the rotated credential.
    affected: Option<Affected>,
}

/// Replaces the credential of the row by the one to which the provider rotated it, with these facts.
async fn put_rotated(
    tx: &mut Tx,
    row: &ListedRow,
    facts: &Facts,
    fresh: CredentialRow,
    renewal: Renewal,
    now: i64,
) -> Result<(), StoreError> {
    let id = row.account.id;
    let generation = row.account.generation;
    let granted_scopes = facts.scopes.clone();
    let valid_until = facts.valid_until;
    let former = if renewal == Renewal::Nothing { row.valid_until } else { None };
    let authorized_until = plan::kept_authorized_until(row.authorized_until, former);
    let plan = plan::of(id, renewal, now, ReportedTimes { valid_until, renew_at: None, authorized_until });
    let mut fresh = CredentialRow { granted_scopes, valid_until, plan, ..fresh };
    // The replaced credential no longer works, and neither may the one before it, so a rollback is not possible.
    let announced_at = tx.delete_credential_and_previous(id, generation).await?;
    let end = if renewal == Renewal::Never { valid_until } else { fresh.plan.authorized_until };
    fresh.plan.announced_at = announced_at.filter(|at| plan::is_announced(*at, end));
    tx.insert_credential(&fresh).await?;
    match tx.promote_generation(id, generation, fresh.generation, now).await? {
        true => Ok(()),
        false => Err(StoreError::ChangedMeanwhile { what: "credential of a connection" }),
    }
}

/// Stores the facts of a credential that stays, and what follows from another end.
async fn put_facts(tx: &mut Tx, row: &ListedRow, facts: &Facts, renewal: Renewal) -> Result<(), StoreError> {
    let id = row.account.id;
    let generation = row.account.generation;
    let valid_until = facts.valid_until;
    tx.set_credential_facts(id, generation, facts.scopes.as_deref(), valid_until).await?;
    if valid_until == row.valid_until {
        return Ok(());
    }
    let end = match renewal {
        Renewal::Never => valid_until,
        Renewal::Nothing | Renewal::Renews => plan::replan(tx, id, generation, row.valid_until).await?,
    };
    plan::announce_again(tx, id, generation, end).await
}

/// Stores the result. Returns `None` if nothing was stored, because the connection was removed, another credential is
/// current, or another process measured the connection during the probe.
fn write(tx: &mut Tx, change: Change) -> BoxFuture<'_, Result<Option<CommitOutcome>, StoreError>> {
    Box::pin(async move {
        let Change {
            id, mut found, moved, asked, generation, began, renewal, refused_at, secret_names, rotated, ..
        } = change;
        let Change { words, now, next: Next { failures, pause }, sealer, ids, owner, .. } = change;
        if moved.is_some() {
            tx.lock(Lock::Owner(&owner)).await?;
        }
        tx.lock(Lock::Connection(id)).await?;
        let Some(row) = tx.listed(id).await?.filter(|row| row.account.generation == generation) else {
            if rotated.is_some() {
                // It is unknown here which of the two the provider accepts; see docs/design/refresh.md.
                tracing::warn!(connection = %id, "a credential that a probe rotated is dropped, because another one \
                                                  was stored first");
            }
            return Ok(None);
        };
        // Another process measured after this probe began. A time in the future was written by a wrong clock and is
        // ignored.
        let overtaken = row.checked_at.is_some_and(|at| at > began && at <= now);
        if overtaken && rotated.is_none() {
            return Ok(None);
        }
        // The facts are compared in the transaction, because another process may have measured meanwhile.
        let seen = Facts::of(&row);
        let mut facts = seen.with(&found);
        let next = rotated.as_ref().map(|row| row.generation);
        if moved.is_some() {
            // The new name is stored with the new id, or not at all.
            facts.account_label.clone_from(&seen.account_label);
        }
        // The row is compared with its record before anything else changes it.
        let moved = match moved {
            Some(to) if to.store(tx, &sealer, &row, now).await? => Some(to.event(&row)),
            Some(_) => {
                found.reason = None;
                None
            }
            None => None,
        };
        match rotated {
            Some(fresh) => put_rotated(tx, &row, &facts, fresh, renewal, now).await?,
            None => {
                put_facts(tx, &row, &facts, renewal).await?;
                if let Some(names) = &secret_names {
                    tx.set_secret_names(id, generation, names).await?;
                }
            }
        }
        if facts.account_label != seen.account_label {
            tx.set_account_identity_label(id, &facts.account_label, now).await?;
        }
        let liveness = liveness::row(id, next.unwrap_or(generation), &found, &asked, now, failures, pause);
        tx.upsert_liveness(&liveness).await?;
        if let Some(words) = words {
            tx.set_liveness_words(id, liveness.generation, &words).await?;
        }
        if let Some(at) = refused_at {
            tx.settle_refused_use(id, at).await?;
        }
        if let Some(body) = moved {
            event::append(tx, &sealer, &event::at(now, &*ids, &row.account.owner, id, event::ACCOUNT_RENAMED, body))
                .await?;
        }
        for (kind, body) in facts.events(&seen, next) {
            event::append(tx, &sealer, &event::at(now, &*ids, &row.account.owner, id, kind, body)).await?;
        }
        let affected = match next {
            Some(_) => Some(Affected::of(tx, &row.account.owner, id, &[ChangedPart::Credential]).await?),
            None => None,
        };
        Ok(Some(CommitOutcome { was: seen.liveness, affected }))
    })
}
