//! Ends approvals by their time.

use std::sync::Arc;

use crate::{
    ApprovalState, ConnectionId, Error, LapseReason,
    approval::{self, state_at},
    ground::Ground,
    guard,
    limits::APPROVAL_KEPT,
    store::{Lock, StoreError, Tx, rows::ApprovalRow},
};

/// Deletes at most `limit` approvals that are no longer kept, the oldest first. Returns their number.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn end_old(ground: &Arc<Ground>, limit: i64) -> Result<u64, Error> {
    let now = ground.clock.now().seconds();
    let old = ground.reader().await?.old_approvals(now.saturating_sub(APPROVAL_KEPT), limit).await?;
    let found = old.len() as u64;
    for row in old {
        let on = ground.clone();
        let job = ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&row.owner)).await?;
                approval::delete(tx, &on.sealer, &row, on.clock.now().seconds()).await
            })
        });
        job.await?;
    }
    Ok(found)
}

/// Records that at most `limit` requests lapsed whose time has passed, the oldest first. Returns the number that was
/// found.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn end_lapsed(ground: &Arc<Ground>, limit: i64) -> Result<u64, Error> {
    let now = ground.clock.now().seconds();
    let lapsed = ground.reader().await?.lapsing_approvals(now, limit).await?;
    let found = lapsed.len() as u64;
    for row in lapsed {
        let on = ground.clone();
        ground.store.write(move |tx| Box::pin(async move { lapse(tx, &on, row).await })).await?;
    }
    Ok(found)
}

async fn lapse(tx: &mut Tx, ground: &Ground, row: ApprovalRow) -> Result<(), StoreError> {
    tx.lock(Lock::Owner(&row.owner)).await?;
    tx.lock(Lock::Connection(row.connection_id)).await?;
    let Some(row) = tx.approval(&row.owner, row.id).await? else { return Ok(()) };
    let has_lapsed = state_at(&row, ground.clock.now().seconds()) == ApprovalState::Lapsed;
    if has_lapsed && row.state != ApprovalState::Lapsed && guard::check(&ground.sealer, &row).is_ok() {
        approval::lapse(tx, ground, row, LapseReason::Ended).await?;
    }
    Ok(())
}

/// Ends what waits for a connection that was removed.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn connection_removed(
    ground: &Arc<Ground>,
    owner: &str,
    connection: ConnectionId,
) -> Result<(), Error> {
    let (on, owner) = (ground.clone(), owner.to_owned());
    let job = ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            tx.lock(Lock::Connection(connection)).await?;
            approval::lapse_of_connection(tx, &on, connection).await
        })
    });
    Ok(job.await?)
}
