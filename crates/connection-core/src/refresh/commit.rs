//! Commits a refreshed credential and what it proves, in one transaction.
//!
//! The generation decides. If it changed meanwhile, the refreshed credential is dropped and the newer one stays. The
//! recorded answers stay, and the next refresh uses those that fit the newer credential. If only the lease changed, the
//! refreshed credential is stored nevertheless: the token that was spent for it is used up, so it may be the only
//! credential that works. The new holder of the lease finds another generation and stops.

use std::sync::Arc;

use connection_contract::{Liveness, Reason, Refreshed, Secret, Timestamp, reason};
use connection_replay::limits::is_scope;

use super::{
    RefreshResult,
    lease::Lease,
    outcome::{RefreshOutcome, current},
    target::Target,
};
use crate::{
    ChangedPart, ConnectionId, Error, IdGenerator,
    asked::Asked,
    connection_info::is_to_choose,
    credential::{Payload, named_secrets, renewal, replace},
    event,
    exchange::ExchangeKey,
    grant::Affected,
    keys::Sealer,
    liveness::{self, column},
    plan::{self, ReportedTimes},
    store::{
        Lock, StoreError, Tx, json,
        rows::{CredentialRow, ListedRow, LivenessRow, PlanRow},
    },
};

/// Maximum number of missing scopes that a connection names.
const MAX_SCOPES: usize = 32;

/// The result of the transaction that stores a refreshed credential.
pub(super) enum CommitOutcome {
    /// Another credential is current, with this generation.
    Superseded(i64),
    /// The connection was removed.
    Gone,
    /// The result was stored. Holds the liveness before and after it.
    Done { before: Liveness, after: Liveness, outcome: RefreshOutcome, affected: Option<Affected> },
}

/// The values that every transaction of a refresh needs.
pub(super) struct Context {
    pub(super) id: ConnectionId,
    pub(super) process: String,
    pub(super) fence: i64,
    pub(super) now: i64,
    /// The origin that the plugin asked last.
    pub(super) asked: Asked,
    pub(super) sealer: Sealer,
    pub(super) ids: Arc<dyn IdGenerator>,
}

impl Context {
    pub(super) fn new(target: &Target<'_>, lease: &Lease, asked: Asked) -> Self {
        let system = target.scope.system;
        Self {
            id: target.info.id,
            process: system.ground.process.clone(),
            fence: lease.fence(),
            now: system.ground.clock.now().seconds(),
            asked,
            sealer: system.ground.sealer.clone(),
            ids: system.ground.ids.clone(),
        }
    }

    /// Releases the lease and stores the origin that was asked. Returns `false` if another process holds the lease.
    pub(super) async fn release(&self, tx: &mut Tx) -> Result<bool, StoreError> {
        tx.release_refresh(self.id, &self.process, self.fence, self.asked.origin.as_deref()).await
    }

    pub(super) async fn append_event(
        &self,
        tx: &mut Tx,
        row: &ListedRow,
        kind: &str,
        body: serde_json::Value,
    ) -> Result<(), StoreError> {
        let event = event::at(self.now, &*self.ids, &row.account.owner, self.id, kind, body);
        event::append(tx, &self.sealer, &event).await
    }

    pub(super) async fn append_liveness_event(
        &self,
        tx: &mut Tx,
        row: &ListedRow,
        after: Liveness,
        reason: Option<&Reason>,
    ) -> Result<(), StoreError> {
        let before = replace::measured(row);
        let code = reason.map(|reason| &*reason.code);
        let chooses = is_to_choose(after, reason);
        let former = row.reason.as_deref().and_then(json::to_reason);
        let chose = is_to_choose(before, former.as_ref());
        if before == after && code_of(row).as_deref() == code && chose == chooses {
            return Ok(());
        }
        let before = column::liveness(before);
        let liveness = column::liveness(after);
        let mut body = serde_json::json!({ "before": before, "liveness": liveness, "reason": code });
        if chooses {
            body[event::TO_CHOOSE] = true.into();
        }
        self.append_event(tx, row, event::LIVENESS_CHANGED, body).await
    }
}

fn code_of(row: &ListedRow) -> Option<String> {
    row.reason.as_deref().and_then(json::to_reason).map(|reason| reason.code.into_owned())
}

/// Stores a refreshed credential.
///
/// # Errors
///
/// The store's errors. Nothing was changed, and the spent answers stay recorded.
pub(super) async fn renewed(
    target: &Target<'_>,
    lease: &mut Lease,
    mut payload: Payload,
    refreshed: Refreshed<Secret>,
    keys: Vec<ExchangeKey>,
    asked: Asked,
) -> Result<RefreshResult, Error> {
    let Target { scope, info, kind, generation, .. } = target;
    let system = scope.system;
    let id = info.id;
    let seen = *generation;
    let Refreshed { credential, valid_until, renew_at, authorized_until, granted_scopes, missing_scopes, .. } =
        refreshed;
    payload.credential = credential;
    let secret_names = named_secrets::names_json(
        &system.ground,
        kind,
        &payload.credential,
        named_secrets::current(&system.ground, id),
    )
    .await;
    let fresh = replace::seal_next(&system.ground, id, &info.owner, &info.kind, &payload, secret_names).await?;
    let next = fresh.generation;
    let given = ReportedTimes {
        valid_until: valid_until.map(Timestamp::seconds),
        renew_at: renew_at.map(Timestamp::seconds),
        // If the answer does not mention it, the end of the authorization is unchanged.
        authorized_until: authorized_until.or(info.authorized_until.filter(|_| info.renews)).map(Timestamp::seconds),
    };
    let lacks = scope_missing(&asked, &missing_scopes);
    let context = Context::new(target, lease, asked);
    let renewal = renewal(&system.ground, kind, &payload.credential).await;
    let plan = plan::of(id, renewal, context.now, given);
    let plan = PlanRow { refreshed_at: Some(context.now), ..plan };
    let fresh = CredentialRow {
        granted_scopes: granted_scopes.as_ref().map(json::texts),
        valid_until: given.valid_until,
        created_at: context.now,
        plan,
        ..fresh
    };
    let written = system
        .ground
        .store
        .write(move |tx| Box::pin(async move { put(tx, &context, seen, fresh, &keys, lacks).await }));
    let order = system.ground.extension_changes.order().await;
    let written = written.await?;
    if !matches!(written, CommitOutcome::Gone) {
        lease.end();
    }
    match written {
        CommitOutcome::Gone => Err(Error::NotFound(id)),
        CommitOutcome::Superseded(generation) => {
            Ok(current(&system.refresh_counts, info, generation, RefreshOutcome::Superseded))
        }
        CommitOutcome::Done { before, after, outcome, affected } => {
            if let Some(affected) = affected {
                affected.notify(&order);
            }
            drop(order);
            if target.plan.code().is_some_and(reason::is_application_refused) {
                system.ground.try_applications_again(Some(info.kind.clone()));
            }
            let current = current(&system.refresh_counts, info, next, outcome);
            // The credential is stored, so that a read that fails does not fail the refresh.
            let reason = match after == before {
                true => None,
                false => system.ground.info_by_id(scope.owner, id).await.ok().and_then(|info| info.reason),
            };
            replace::publish(&system.ground, id, before, after, reason);
            Ok(current)
        }
    }
}

async fn put(
    tx: &mut Tx,
    context: &Context,
    seen: i64,
    mut fresh: CredentialRow,
    keys: &[ExchangeKey],
    lacks: Option<Reason>,
) -> Result<CommitOutcome, StoreError> {
    let id = context.id;
    let now = context.now;
    tx.lock(Lock::Connection(id)).await?;
    let Some(row) = tx.listed(id).await? else { return Ok(CommitOutcome::Gone) };
    let late = !context.release(tx).await?;
    if row.account.generation != seen {
        // A re-authorization deletes the recorded answers. A probe that rotated the credential does not: the rotated
        // credential may hold the token that was spent here, and the next refresh then finds its answer.
        for key in keys {
            if tx.exchange(*key).await?.is_some_and(|row| row.sealed.is_some()) {
                tx.refresh_now(id, now).await?;
                break;
            }
        }
        return Ok(CommitOutcome::Superseded(row.account.generation));
    }
    let outcome = match settle(tx, context, &row, keys).await? {
        true => RefreshOutcome::Replayed,
        false if late => RefreshOutcome::RefreshedLate,
        false => RefreshOutcome::Refreshed,
    };
    let scopes = fresh.granted_scopes.take();
    let is_other = scopes.is_some() && scopes != row.granted_scopes;
    fresh.granted_scopes = scopes.or_else(|| row.granted_scopes.clone());
    // The replaced credential no longer works, or soon will not, so a rollback to it or to the one before it is not
    // possible.
    let announced_at = tx.delete_credential_and_previous(id, seen).await?;
    fresh.plan.announced_at = announced_at.filter(|at| plan::is_announced(*at, fresh.plan.authorized_until));
    tx.insert_credential(&fresh).await?;
    if !tx.promote_generation(id, seen, fresh.generation, now).await? {
        return Err(StoreError::ChangedMeanwhile { what: "credential of a connection" });
    }
    let before = replace::measured(&row);
    // For a live connection, the listed row has everything that is needed.
    let known = if before == Liveness::Live { None } else { tx.liveness(id).await? };
    let proven = proven(id, &row, known, fresh.generation, now);
    let again = plan::after_refused_probe(id, 1, false);
    let measured = match &lacks {
        Some(reason) => LivenessRow {
            liveness: column::liveness(Liveness::Failing).to_owned(),
            reason: Some(json::reason(reason)),
            // A probe may not see what the credential lacks, so it does not follow at once.
            next_check_at: Some(
                proven.paused_until.unwrap_or_default().max(now.saturating_add_unsigned(again.as_secs())),
            ),
            failures: 1,
            ..proven
        },
        None => proven,
    };
    let after = column::to_liveness(&measured.liveness);
    let reason = measured.reason.as_deref().and_then(json::to_reason);
    tx.upsert_liveness(&measured).await?;
    let until = |at: Option<i64>| at.map(|seconds| Timestamp::from_seconds(seconds).to_rfc3339());
    let body = serde_json::json!({
        "generation": fresh.generation, "refreshed": true, "outcome": outcome.as_str(),
        "validUntil": until(fresh.valid_until),
    });
    context.append_event(tx, &row, event::CREDENTIAL_ROTATED, body).await?;
    context.append_liveness_event(tx, &row, after, reason.as_ref()).await?;
    if is_other {
        let scopes = fresh.granted_scopes.as_deref().and_then(json::to_texts);
        let body = serde_json::json!({ "account": null, "scopes": scopes, "validUntil": until(fresh.valid_until) });
        context.append_event(tx, &row, event::FACTS_CHANGED, body).await?;
    }
    let affected = Affected::of(tx, &row.account.owner, id, &[ChangedPart::Credential]).await?;
    Ok(CommitOutcome::Done { before, after, outcome, affected: Some(affected) })
}

/// Settles the exchanges of a credential that is being stored. Returns `true` if a request was sent more than once.
async fn settle(tx: &mut Tx, context: &Context, row: &ListedRow, keys: &[ExchangeKey]) -> Result<bool, StoreError> {
    if row.refresh_reason.is_some() {
        // A request that was forced beside a kept answer may have none.
        for key in keys {
            tx.forget_unanswered(*key).await?;
            tx.forget_unanswered(key.next(&context.sealer)).await?;
        }
    }
    tx.settle_exchanges(keys).await
}

/// Returns the reason of a connection whose new credential lacks required scopes.
fn scope_missing(asked: &Asked, scopes: &[String]) -> Option<Reason> {
    let scopes: Vec<_> = scopes.iter().filter(|scope| is_scope(scope)).take(MAX_SCOPES).map(String::as_str).collect();
    let reason = || {
        let message = format!("the access was renewed without the required scopes {}", scopes.join(" "));
        let remedy = format!("{} and grant these scopes", reason::AUTHORIZE_AGAIN);
        Reason::new(reason::SCOPE_MISSING, asked.said(&message)).remedy(remedy)
    };
    (!scopes.is_empty()).then(reason)
}

/// Returns the liveness that a refreshed credential proves. The provider has just issued the credential for this
/// account, which is what a probe would show. The next probe, which is due at once or at the end of a pause, finds any
/// other problem.
fn proven(id: ConnectionId, row: &ListedRow, known: Option<LivenessRow>, generation: i64, now: i64) -> LivenessRow {
    let live = |next_check_at| LivenessRow {
        connection_id: id,
        liveness: column::liveness(Liveness::Live).to_owned(),
        reason: None,
        generation,
        checked_at: Some(now),
        next_check_at,
        paused_until: None,
        failures: 0,
        probe_origin: None,
        probe_from: None,
    };
    let next = row.next_check_at;
    match (replace::measured(row), known) {
        (Liveness::Live, _) => {
            LivenessRow { reason: liveness::kept_note(row).as_ref().map(json::reason), ..live(next) }
        }
        // The provider asked for a pause of the verifications, and the refresh does not end it.
        (Liveness::Offline, _) => {
            let paused_until = row.pause(now);
            LivenessRow { paused_until, ..live(paused_until.or(Some(now))) }
        }
        (Liveness::Failing, known) if code_of(row).is_some_and(|code| is_cured(&code) || is_of_refresh(row, &code)) => {
            // If the next probe is refused again, the pause after it grows from the former one.
            let is_refused = matches!(code_of(row).as_deref(), Some(reason::EXPIRED | reason::UNAUTHORIZED));
            let refusals = known.filter(|_| is_refused);
            LivenessRow { failures: refusals.map_or(0, |known| known.failures), ..live(Some(now)) }
        }
        // The connection was never measured, or is failing for a reason that a fresh credential does not cure.
        (_, Some(known)) => LivenessRow { generation, next_check_at: Some(now), probe_from: None, ..known },
        (_, None) => LivenessRow {
            liveness: column::liveness(Liveness::Unknown).to_owned(),
            checked_at: None,
            ..live(Some(now))
        },
    }
}

/// Returns `true` if the last refresh failed for this reason, as when the provider did not accept the application.
fn is_of_refresh(row: &ListedRow, code: &str) -> bool {
    row.refresh_reason.as_deref().and_then(json::to_reason).is_some_and(|reason| reason.code == code)
}

/// Returns `true` if a fresh credential removes the reason with this code.
fn is_cured(code: &str) -> bool {
    const CURED_BY_REFRESH: &[&str] = &[
        reason::CREDENTIAL_UNREADABLE,
        reason::EXPIRED,
        reason::NEEDS_REAUTHORIZATION,
        reason::PLUGIN_FAULT,
        reason::PLUGIN_PANICKED,
        reason::PLUGIN_TIMEOUT,
        reason::REFRESH_OUTCOME_UNKNOWN,
        reason::RESTORED,
        reason::UNAUTHORIZED,
    ];
    CURED_BY_REFRESH.contains(&code)
}
