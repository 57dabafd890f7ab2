//! The lease on refreshing one credential, which one process holds at a time.
//!
//! Its holder extends it while the refresher runs, and sends nothing after it. The lease of a process that has ended ends at
//! once on its machine, where its lock file is free, and after seconds elsewhere. The fence counts leases: a holder whose
//! lease expired finds another number in the row.

use std::sync::Arc;

use super::System;
use crate::{
    Error,
    exchange::{Deadline, SEND_WITHIN, has_ended},
    lease,
    store::{Changed, RefreshLease},
};

pub(super) type Lease = lease::Lease<RefreshLease>;

/// Returns the time after which an attempt that begins now sends nothing.
pub(super) fn deadline(system: &System, lease: &Lease) -> Deadline {
    Deadline::of_lease(system.ground.clock.passed().saturating_add(SEND_WITHIN), lease.term().clone())
}

/// Takes the lease, also from a process of this machine that has ended. Returns `None` if another process holds it.
pub(super) async fn take(system: &Arc<System>, row: RefreshLease) -> Result<Option<Lease>, Error> {
    if let Some(lease) = Lease::take(&system.ground, row).await? {
        return Ok(Some(lease));
    }
    match is_held(system, row).await? {
        true => Ok(None),
        false => Ok(Lease::take(&system.ground, row).await?),
    }
}

/// Waits until no process holds the lease, or another credential is current.
pub(super) async fn until_free(system: &Arc<System>, row: RefreshLease) -> Result<(), Error> {
    lease::until_free(&system.ground, Changed::Connection(row.id), || is_held(system, row)).await
}

/// Returns `true` if a process holds the lease for the current credential. The lease of a process of this machine that has
/// ended is released first.
async fn is_held(system: &Arc<System>, row: RefreshLease) -> Result<bool, Error> {
    let leased = system.ground.reader().await?.refresh_lease(row.id).await?;
    let Some(leased) = leased.filter(|leased| leased.generation == row.generation && leased.is_held()) else {
        return Ok(false);
    };
    let Some(owner) = leased.owner else { return Ok(true) };
    if !has_ended(&system.exchange, &owner).await {
        return Ok(true);
    }
    let fence = leased.fence;
    let released = system
        .ground
        .store
        .write_relaxed(move |tx| Box::pin(async move { tx.release_refresh(row.id, &owner, fence, None).await }));
    released.await?;
    tracing::debug!(connection = %row.id, "the lease of a process that has ended was released");
    Ok(false)
}
