//! Messages whose last attempt failed: how long they are kept, so that they can be sent again by hand.

use uuid::Uuid;

use crate::{Error, ground::Ground};

/// The time for which such a message is kept, in milliseconds, as ids store time.
const KEPT_MILLISECONDS: u128 = 30 * 86_400_000;

/// Returns the first id of the messages that are kept. An older one counts as deleted.
pub(crate) fn oldest_kept(ground: &Ground) -> Uuid {
    // The time of an id is its first 48 bits (RFC 9562, section 5.7).
    let now = ground.ids.next().as_u128() >> 80;
    Uuid::from_u128(now.saturating_sub(KEPT_MILLISECONDS) << 80)
}

/// Deletes at most `limit` messages that are no longer kept, and returns their number.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn end_failed(ground: &Ground, limit: i64) -> Result<u64, Error> {
    let oldest_kept = oldest_kept(ground);
    let job = ground.store.write(move |tx| Box::pin(async move { tx.end_failed_messages(oldest_kept, limit).await }));
    Ok(job.await?)
}
