//! Commits the result of a probe: the liveness, a rotated credential and the events, in one transaction.
//!
//! A row that says `live` holds the credential that was measured. A result for another generation, or for a connection
//! that was removed, is not stored, even if the provider rotated the credential: the first stored result wins. The same
//! holds for a result that another process overtook, unless the provider rotated the credential.

use std::sync::Arc;

use connection_contract::{BoxFuture, Liveness, NotLive, Reason, Secret, Timestamp, VerifyResult, reason};
use serde_json::Value;

use super::{System, measure::Measurement};
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
    limits,
    liveness::{self, column},
    plan::{self, ReportedTimes},
    store::{
        Changed, Lock, StoreError, Tx, Unchanged, json,
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
            code: row.reason.as_deref().and_then(json::to_reason).map(|reason| reason.code.into_owned()),
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
            code: found.reason.as_ref().map(|reason| reason.code.to_string()),
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

/// The values that the transaction needs. They are computed before it, so that the transaction does not wait for a
/// plugin.
struct Change {
    id: ConnectionId,
    found: VerifyResult<Secret>,
    asked: Asked,
    /// The generation of the credential that was probed.
    generation: i64,
    /// The time at which the probe began.
    began: i64,
    /// `true` if the kind refreshes the credential.
    renews: bool,
    /// The time of a use that was refused before the probe began.
    refused_at: Option<i64>,
    /// The names of the secrets that the credential holds, as JSON; `None` if the plugin could not list them.
    secret_names: Option<String>,
    /// The row of the rotated credential, sealed for the next generation.
    rotated: Option<CredentialRow>,
    now: i64,
    sealer: Sealer,
    ids: Arc<dyn IdGenerator>,
}

pub(super) async fn commit(
    scope: Scope<'_, System>,
    kind: &KindEntry,
    looked: Measurement,
) -> Result<ConnectionInfo, Error> {
    let Measurement {
        before: ShownConnection { info: before, read, .. },
        began,
        probed: Probed { mut found, secret_names, asked },
        ..
    } = looked;
    let system = scope.system;
    let id = before.id;
    let generation = read.generation();
    if found.identity.as_ref().is_some_and(|identity| identity.account_id != before.identity.account_id) {
        let moved = Reason::new(
            reason::ACCOUNT_CHANGED,
            "the credential belongs to another account than the one that was connected",
        );
        let not_live =
            NotLive::failing(moved.remedy("authorize this connection again, as the account that it was made for"));
        // A credential that the provider rotated is kept nevertheless, because the old one may no longer work.
        let rotated = found.credential.take();
        found = not_live.into();
        found.credential = rotated;
    }
    let rotated = match &found.credential {
        Some(fresh) => Some(seal_next(&system.ground, &before, kind, fresh, secret_names.clone()).await?),
        None => None,
    };
    keep_grant(system, id, kind, &found).await?;
    let began = began.seconds();
    let now = system.ground.clock.now();
    let secret_names = secret_names.as_ref().map(json::texts);
    let refused_at = read.listed.refused_at;
    if rotated.is_none() && refused_at.is_none() && read.is_unchanged(secret_names.as_deref(), now.seconds()) {
        let seen = Facts::of(&read.listed);
        if seen.with(&found) == seen
            && let Some(info) = confirm(system, &read, kind, &found, &asked, began, now.seconds()).await?
        {
            return Ok(info);
        }
    }
    let liveness = found.liveness;
    let reason = found.reason.clone();
    let at = now.seconds();
    let change = Change {
        id,
        found,
        asked,
        generation,
        began,
        renews: kind.renews(),
        refused_at,
        secret_names,
        rotated,
        now: at,
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
        tracing::info!(connection = %id, kind = %before.kind, liveness = column::liveness(liveness), "liveness changed");
        system.ground.subscriptions.publish(&LivenessChange { connection: id, before: was, liveness, reason, at: now });
    }
    system.ground.info_by_id(scope.owner, id).await
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
    began: i64,
    now: i64,
) -> Result<Option<ConnectionInfo>, Error> {
    let Some(secret_names) = read.secret_names().map(ToOwned::to_owned) else { return Ok(None) };
    let measured = liveness::row(read.listed.account.id, read.generation(), found, asked, now, 0);
    let LivenessRow { reason, next_check_at, paused_until, probe_origin, probe_from, .. } = measured;
    let row = read.listed.clone();
    let text = reason.clone();
    let confirmed = system.ground.store.write_relaxed(move |tx| {
        Box::pin(async move {
            let secret_names = &*secret_names;
            let unchanged = Unchanged {
                row: &row,
                secret_names,
                reason: text.as_deref(),
                began,
                now,
                next_check_at,
                paused_until,
                probe_origin: probe_origin.as_deref(),
                probe_from,
            };
            tx.confirm_liveness(&unchanged).await
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
    let mut payload = opened.payload.map_err(|unopened| unopened.error(id))?;
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

/// Stores the result. Returns `None` if nothing was stored, because the connection was removed, another credential is
/// current, or another process measured the connection during the probe.
fn write(tx: &mut Tx, change: Change) -> BoxFuture<'_, Result<Option<CommitOutcome>, StoreError>> {
    Box::pin(async move {
        let Change { id, found, asked, generation, began, renews, refused_at, secret_names, rotated, now, sealer, ids } =
            change;
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
        let facts = seen.with(&found);
        let next = rotated.as_ref().map(|row| row.generation);
        match rotated {
            Some(fresh) => {
                let granted_scopes = facts.scopes.clone();
                let valid_until = facts.valid_until;
                let given = ReportedTimes { valid_until, renew_at: None, authorized_until: row.authorized_until };
                let plan = plan::of(id, renews, now, given);
                let fresh = CredentialRow { granted_scopes, valid_until, plan, ..fresh };
                // The replaced credential no longer works, and neither may the one before it, so a rollback is not
                // possible.
                tx.delete_credential_and_previous(id, generation).await?;
                tx.insert_credential(&fresh).await?;
                if !tx.promote_generation(id, generation, fresh.generation, now).await? {
                    return Err(StoreError::Conflict { what: "generation of a connection".into() });
                }
            }
            None => {
                tx.set_credential_facts(id, generation, facts.scopes.as_deref(), facts.valid_until).await?;
                if renews && facts.valid_until != seen.valid_until {
                    plan::replan(tx, id, generation).await?;
                }
                if let Some(names) = &secret_names {
                    tx.set_secret_names(id, generation, names).await?;
                }
                tx.forget_previous(id, now.saturating_sub(limits::PREVIOUS_KEPT)).await?;
            }
        }
        if facts.account_label != seen.account_label {
            tx.set_account_identity_label(id, &facts.account_label, now).await?;
        }
        let failures = match found.liveness {
            Liveness::Live => 0,
            _ => tx.liveness(id).await?.map_or(1, |before| before.failures.saturating_add(1)),
        };
        let liveness = liveness::row(id, next.unwrap_or(generation), &found, &asked, now, failures);
        tx.upsert_liveness(&liveness).await?;
        if let Some(at) = refused_at {
            tx.settle_refused_use(id, at).await?;
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
