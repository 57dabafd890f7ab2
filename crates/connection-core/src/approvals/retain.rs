//! How long approvals are kept.

use std::sync::Arc;

use crate::{
    ApprovalState, ConnectionId, Error, LapseReason,
    approval::{self, KEPT},
    approval_state::state_at,
    ground::Ground,
    store::{
        Lock, StoreError, Tx,
        rows::{ApprovalRow, StoredState},
    },
};

/// The time for which an approval is kept after its last change, in seconds.
const KEPT_ROW: i64 = 30 * 86_400;
/// The number of approvals that are looked at in one round.
const AT_ONCE: i64 = 500;

/// Erases answers after a day, and deletes approvals after thirty days.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn retain(ground: &Arc<Ground>) -> Result<(), Error> {
    let now = ground.clock.now().seconds();
    let before = now.saturating_sub(KEPT);
    ground.store.write(move |tx| Box::pin(async move { tx.erase_approval_answers(before).await })).await?;
    let old = ground.reader().await?.old_approvals(now.saturating_sub(KEPT_ROW), AT_ONCE).await?;
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
    Ok(())
}

/// Records that requests lapsed whose time has passed.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn lapse_ended(ground: &Arc<Ground>) -> Result<(), Error> {
    let now = ground.clock.now().seconds();
    let lapsed = ground.reader().await?.lapsing_approvals(now, AT_ONCE).await?;
    for row in lapsed {
        let on = ground.clone();
        ground.store.write(move |tx| Box::pin(async move { lapse(tx, &on, row).await })).await?;
    }
    Ok(())
}

async fn lapse(tx: &mut Tx, ground: &Ground, row: ApprovalRow) -> Result<(), StoreError> {
    tx.lock(Lock::Owner(&row.owner)).await?;
    tx.lock(Lock::Connection(row.connection_id)).await?;
    let Some(row) = tx.approval(&row.owner, row.id).await? else { return Ok(()) };
    let has_lapsed = state_at(&row, ground.clock.now().seconds()) == ApprovalState::Lapsed;
    if has_lapsed && row.state != StoredState::Lapsed && approval::check(&ground.sealer, &row).is_ok() {
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
