//! The tokens of an extension that is removed.

use super::row_marks;
use crate::{
    keys::Sealer,
    store::{StoreError, Tx},
};

/// The number of rows that are read at once.
const PAGE: i64 = 500;

/// Revokes the tokens of an extension, so that none of them acts for a later extension of the same name. The transaction
/// holds the owner's lock.
pub(crate) async fn revoke_of_extension(
    tx: &mut Tx,
    sealer: &Sealer,
    owner: &str,
    extension: &str,
    now: i64,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let rows = tx.access_tokens(Some(owner), after, PAGE).await?;
        after = rows.last().map(|row| row.id).filter(|_| rows.len() as i64 == PAGE);
        for row in rows {
            if row.extension.as_deref() == Some(extension) && row.revoked_at.is_none() {
                row_marks::revoke(tx, sealer, row, now).await?;
            }
        }
        if after.is_none() {
            return Ok(());
        }
    }
}
