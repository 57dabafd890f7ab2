//! Handles a credential that has nothing to renew. Nobody was asked, so nothing that was measured changes.

use super::{
    RefreshResult,
    commit::Context,
    failure::{self, Failure},
    lease::Lease,
    outcome::{RefreshOutcome, current, report},
    target::Target,
};
use crate::{
    ConnectionId, Error,
    asked::Asked,
    exchange::ExchangeKey,
    plan,
    store::{Lock, StoreError, Tx},
};

/// What was found when the plan was to be stored.
enum Found {
    Gone,
    /// Another credential is current, with this generation.
    Superseded(i64),
    Settled,
}

/// Ends a refresh that found nothing to renew. A credential that has ended needs a re-authorization; another one works
/// until its end, at which a refresh finds that it has ended.
///
/// # Errors
///
/// [`Error::NotRenewed`] for a credential that has ended, [`Error::NotFound`], and the store's errors.
pub(super) async fn settle(
    target: &Target<'_>,
    lease: &mut Lease,
    keys: Vec<ExchangeKey>,
    asked: Asked,
) -> Result<RefreshResult, Error> {
    let Target { scope, info, generation, plan, .. } = target;
    let system = scope.system;
    if plan.is_expired(system.ground.clock.now().seconds()) {
        return failure::record(target, lease, Failure::ended(info.valid_until, keys), asked).await;
    }
    let (id, seen) = (info.id, *generation);
    let context = Context::new(target, lease, asked);
    let written =
        system.ground.store.write(move |tx| Box::pin(async move { write(tx, &context, id, seen, &keys).await }));
    let found = written.await?;
    lease.end();
    match found {
        Found::Gone => Err(Error::NotFound(id)),
        Found::Superseded(generation) => Ok(current(&system.refresh_counts, info, generation, RefreshOutcome::Adopted)),
        Found::Settled => {
            report(&system.refresh_counts, info, RefreshOutcome::NothingToRenew, None);
            Ok(RefreshResult::NothingToRenew)
        }
    }
}

async fn write(
    tx: &mut Tx,
    context: &Context,
    id: ConnectionId,
    seen: i64,
    keys: &[ExchangeKey],
) -> Result<Found, StoreError> {
    tx.lock(Lock::Connection(id)).await?;
    let Some(row) = tx.listed(id).await? else { return Ok(Found::Gone) };
    context.release(tx).await?;
    tx.settle_exchanges(keys).await?;
    if row.account.generation != seen {
        return Ok(Found::Superseded(row.account.generation));
    }
    let Some(stored) = tx.current_credential(id).await? else { return Ok(Found::Settled) };
    let was_refused = stored.plan.refresh_failures > 0;
    let plan = plan::without_renewal(stored.plan.clone(), stored.created_at, stored.valid_until);
    if plan != stored.plan {
        tx.set_plan(id, seen, &plan).await?;
    }
    if was_refused {
        // An earlier refresh counted as refused. A probe finds what is so.
        tx.check_by(id, context.now).await?;
    }
    Ok(Found::Settled)
}
