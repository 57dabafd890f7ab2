//! A single refresh of one credential.
//!
//! `run` reads the row, takes the lease, runs the plugin's refresher and commits its result. Callers in this process
//! share one flight; other processes wait for the lease and then read the result.

use connection_contract::{NotLive, Reason, reason};
use tracing::Instrument;

use super::{
    RefreshResult, System, Trigger,
    attempt::{Attempt, Outcome},
    commit,
    failure::{self, Failure},
    kept,
    lease::{Lease, take, until_free},
    not_renewed, nothing,
    outcome::{RefreshOutcome, current, report},
    target::Target,
};
use crate::{
    ConnectionId, ConnectionInfo, Error, StoreError,
    credential::{Subject, open_read, read_shown, unreadable},
    ground::{Scope, check_terms},
    plan::{Plan, Stage},
    store::{ConflictRetries, RefreshLease},
};

/// Refreshes the credential of the generation `seen`, or the current one for `None`.
pub(super) async fn run(
    scope: Scope<'_, System>,
    id: ConnectionId,
    mut seen: Option<i64>,
    why: Trigger,
) -> Result<RefreshResult, Error> {
    let system = scope.system;
    let mut failures = None;
    let mut retries = ConflictRetries::of("credential of a connection");
    loop {
        retries.begin_attempt()?;
        let before = read_shown(&system.ground, scope.owner, id).await?;
        let generation = before.generation();
        let plan = before.read.plan();
        let kind = before.kind();
        let info = before.info;
        let seen = *seen.get_or_insert(generation);
        if generation != seen {
            // Another process refreshed the credential, before this call or while this call waited for it.
            let waited = failures.is_some();
            let outcome = if waited { RefreshOutcome::Waited } else { RefreshOutcome::Adopted };
            return Ok(current(&system.refresh_counts, &info, generation, outcome));
        }
        let kind = kind?;
        if !kind.renews() {
            return Err(Error::NotSupported { kind: info.kind, what: "renew their credential" });
        }
        check_terms(&kind, &info)?;
        let Some(plan) = plan else { continue };
        if failures.is_some_and(|before| plan.failures() > before) {
            // The process that held the lease failed. Its failure is the result.
            return Err(failed_meanwhile(system, &info, &plan));
        }
        let now = system.ground.clock.now().seconds();
        match why {
            Trigger::Requested if plan.is_restored() => return Err(failed_before(&info, &plan)),
            Trigger::Requested | Trigger::Forced => {}
            Trigger::Refused if plan.has_nothing_to_renew() && !plan.is_expired(now) => {
                return Ok(RefreshResult::NothingToRenew);
            }
            Trigger::Refused if !plan.may_follow_refusal(now) => return Ok(RefreshResult::NotDue),
            Trigger::Refused => {}
            Trigger::Due => match plan.stage(now) {
                Stage::Fresh => return Ok(RefreshResult::NotDue),
                Stage::Failed => return Err(failed_before(&info, &plan)),
                Stage::Due | Stage::Expired => {}
            },
        }
        let row = RefreshLease { id, generation: seen };
        if let Some(lease) = take(system, row).await? {
            let span = tracing::info_span!("refresh", connection = %id, kind = %info.kind);
            let target = Target { scope, info, kind, generation: seen, plan, why };
            return run_with_lease(target, lease).instrument(span).await;
        }
        if why == Trigger::Due && !plan.is_expired(now) {
            return Ok(RefreshResult::ByOtherProcess);
        }
        failures = Some(plan.failures());
        tokio::select! {
            biased;
            // A registry that is drained would send nothing when the lease is free.
            () = system.exchange.exchanges.until_closed() => return Err(StoreError::Closed.into()),
            free = until_free(system, row) => free?,
        }
    }
}

async fn run_with_lease(target: Target<'_>, mut lease: Lease) -> Result<RefreshResult, Error> {
    let system = target.scope.system;
    let info = target.info.clone();
    let renewed = refresh_leased(target, &mut lease).await;
    if let Err(error) = &renewed
        && !matches!(error, Error::KindChanged { .. } | Error::NotRenewed { .. } | Error::NotFound(_))
    {
        // The answer could not be stored, or the provider could not be asked.
        report(&system.refresh_counts, &info, RefreshOutcome::Failed, Some(error.code()));
    }
    lease.release().await;
    renewed
}

/// Refreshes the credential as the holder of the lease.
async fn refresh_leased(target: Target<'_>, lease: &mut Lease) -> Result<RefreshResult, Error> {
    let Target { scope, info, kind, generation, plan, why } = target;
    let system = scope.system;
    // The row is read again under the lease: the previous holder may have stored a credential or failed.
    let before = read_shown(&system.ground, scope.owner, info.id).await?;
    check_terms(&kind, &before.info)?;
    let opened = open_read(&system.ground, &before.info, &before.read).await?;
    let info = before.info;
    if opened.generation != generation {
        return Ok(current(&system.refresh_counts, &info, opened.generation, RefreshOutcome::Adopted));
    }
    if opened.plan.failures() > plan.failures() {
        return Err(failed_meanwhile(system, &info, &opened.plan));
    }
    let target = Target { scope, info, kind, generation, plan, why };
    let (attempt, payload) = match opened.payload {
        Ok(payload) => {
            let subject = || Subject {
                id: target.info.id,
                owner: target.info.owner.clone(),
                profile: target.info.profile,
                payload: payload.duplicate(),
                config: target.info.config.clone(),
            };
            (kept::attempt(system, &target, subject, lease).await?, Some(payload))
        }
        Err(unopened) => (Attempt::of(Outcome::Fault(unopened.not_live())), None),
    };
    let Attempt { outcome, keys, judged, yes, uncertain, sends_from, is_kept, asked, end, .. } = attempt;
    let semantics = target.kind.capabilities.refresh;
    match (outcome, payload) {
        (Outcome::Renewed(refreshed), Some(payload)) => {
            commit::renewed(&target, lease, payload, *refreshed, keys, asked).await
        }
        (Outcome::Renewed(_), None) => Err(not_renewed(&target.info.kind, unreadable())),
        (Outcome::Stuck(error), _) => {
            // The same happens if another credential was stored before anything was sent.
            let (info, generation) = system.ground.info_and_generation(scope.owner, target.info.id).await?;
            if generation == target.generation {
                return Err(error);
            }
            Ok(current(&system.refresh_counts, &info, generation, RefreshOutcome::Adopted))
        }
        (Outcome::Failed(why), _) if why.reason.code == reason::NOTHING_TO_RENEW && uncertain.is_none() => {
            nothing::settle(&target, lease, judged, asked).await
        }
        (Outcome::Failed(why), _) => {
            let failure = Failure::of(semantics, why, uncertain, judged, yes, end).beside_kept(is_kept, sends_from);
            failure::record(&target, lease, failure, asked).await
        }
        (Outcome::Fault(why), _) => {
            failure::record(&target, lease, Failure::of(semantics, why, uncertain, Vec::new(), None, end), asked).await
        }
    }
}

/// Returns the error of the previous attempt.
fn failed_before(info: &ConnectionInfo, plan: &Plan) -> Error {
    let unknown = || Reason::new(reason::PROVIDER_ERROR, "the credential could not be renewed");
    not_renewed(&info.kind, plan.why().unwrap_or_else(|| NotLive::offline(unknown())))
}

/// Returns the error of an attempt that another process made meanwhile.
fn failed_meanwhile(system: &System, info: &ConnectionInfo, plan: &Plan) -> Error {
    report(&system.refresh_counts, info, RefreshOutcome::Waited, plan.code());
    failed_before(info, plan)
}
