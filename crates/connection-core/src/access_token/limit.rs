//! The number of tokens that an owner has.

use super::{AccessTokens, record, row_marks};
use crate::{
    keys::Sealer,
    store::{
        StoreError, Tx,
        rows::{AccessTokenRow, TokenPurpose},
    },
};

/// The number of rows that are read at once.
const PAGE: i64 = 500;
/// The time in seconds for which a token is still listed after its end.
const KEPT: i64 = 7 * 24 * 3600;

/// Returns `true` if the owner may have one more row such as this one. Setup links do not take the place of codes, and
/// the tokens of an agent do not take the place of others.
pub(super) async fn has_room(tx: &mut Tx, new: &AccessTokenRow, now: i64) -> Result<bool, StoreError> {
    let live = live(tx, &new.owner, new.purpose, now).await?;
    let is_alike = |row: &&AccessTokenRow| row.link.is_some() == new.link.is_some() && row.agent_id == new.agent_id;
    let alike = live.iter().filter(is_alike);
    Ok(alike.count() < AccessTokens::MAX_TOKENS)
}

/// Revokes the page's token that was used least recently, if the owner has as many as are allowed. The visitors of setup
/// links do not count, because their tokens end soon and are not the owner's.
pub(super) async fn make_room_for_page(tx: &mut Tx, sealer: &Sealer, owner: &str, now: i64) -> Result<(), StoreError> {
    let mut pages = live(tx, owner, TokenPurpose::Page, now).await?;
    pages.retain(|row| row.link.is_none());
    pages.sort_by_key(|row| row.last_used_at.unwrap_or(row.created_at));
    let surplus = (pages.len() + 1).saturating_sub(AccessTokens::MAX_PAGES);
    for row in pages.into_iter().take(surplus) {
        row_marks::revoke(tx, sealer, row, now).await?;
    }
    Ok(())
}

/// Returns the live rows of an owner with this purpose, and deletes the rows that ended long ago.
async fn live(tx: &mut Tx, owner: &str, purpose: TokenPurpose, now: i64) -> Result<Vec<AccessTokenRow>, StoreError> {
    let mut live = Vec::new();
    let mut after = None;
    loop {
        let rows = tx.access_tokens(Some(owner), after, PAGE).await?;
        after = rows.last().map(|row| row.id).filter(|_| rows.len() as i64 == PAGE);
        for row in rows {
            let end = row.revoked_at.unwrap_or_else(|| record::end(&row));
            if end.saturating_add(KEPT) < now {
                row_marks::forget(tx, &row).await?;
            } else if row.purpose == purpose && record::is_live(&row, now) {
                live.push(row);
            }
        }
        if after.is_none() {
            return Ok(live);
        }
    }
}
