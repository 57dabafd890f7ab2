//! Moves a database to another key source: the same keys are wrapped with the key of the new source.
//!
//! The keyset is written into the other slot for the new source and read back from the database through the new
//! source; only then is the old slot cleared. After a kill anywhere, at least one of the two sources opens the keyset,
//! and the next change continues from there. Both writes are compare-and-swaps: if two changes run at the same time,
//! one of them gets an error.

use connection_seal::{KeyError, KeyId, KeySource, KeysetError, OpenedKeyset, SealError};

use super::OpenKeyError;
use crate::store::{Store, rows::KeysetRow};

/// The result of a change of the key source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyChange {
    /// Name of the source that opens the database from now on.
    pub source: String,
    /// Id of the key of that source, which wraps the keyset.
    pub wrapped_by: KeyId,
    /// `true` if anything was left to do.
    pub changed: bool,
}

pub(crate) async fn change(store: &Store, from: &dyn KeySource, to: &dyn KeySource) -> Result<KeyChange, OpenKeyError> {
    let mut row = read(store).await?;
    let before = match row.wrapped().open(to).await {
        // The new source opens the keyset already: an earlier change was killed, or the key is the same and needs no
        // other slot.
        Ok(found) => return finish(store, row, found, to).await,
        Err(_) => row.wrapped().open(from).await.map_err(|error| disagreeing(error, from, to))?,
    };
    let free = before.slot.other();
    *row.slot_mut(free) = Some(before.keyset.wrapped_by(to, row.store_id, free).await?.into());
    let written = row.revision.saturating_add(1);
    swap(store, row).await?;
    let row = read(store).await?;
    if row.revision != written {
        return Err(KeyError::Contended.into());
    }
    let after = row.wrapped().open(to).await?;
    if !after.keyset.is(&before.keyset) {
        return Err(SealError::Tampered { table: "connection_keyset" }.into());
    }
    finish(store, row, after, to).await
}

/// Clears the other slot, after this one was read back.
async fn finish(
    store: &Store,
    mut row: KeysetRow,
    found: OpenedKeyset,
    to: &dyn KeySource,
) -> Result<KeyChange, OpenKeyError> {
    let changed = row.slot_mut(found.slot.other()).take().is_some();
    if changed {
        swap(store, row).await?;
    }
    Ok(KeyChange { source: to.name(), wrapped_by: found.wrapped_by, changed })
}

/// Returns the error for a keyset that neither source opens. The error of the source in use is the reason, and the
/// other source is named.
fn disagreeing(error: KeysetError, from: &dyn KeySource, to: &dyn KeySource) -> OpenKeyError {
    match error {
        KeysetError::Seal(SealError::WrongKey { have, need }) => {
            KeyError::Neither { from: from.name(), to: to.name(), have, need }.into()
        }
        error => error.into(),
    }
}

async fn read(store: &Store) -> Result<KeysetRow, OpenKeyError> {
    Ok(store.reader().await?.keyset().await?.ok_or(KeyError::NoKeyset)?)
}

async fn swap(store: &Store, row: KeysetRow) -> Result<(), OpenKeyError> {
    let swapped = store.write(move |tx| Box::pin(async move { tx.update_keyset(&row).await })).await?;
    if swapped { Ok(()) } else { Err(KeyError::Contended.into()) }
}
