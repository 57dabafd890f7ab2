//! Rotates the keys of a store while other processes work on it.
//!
//! First, one compare-and-swap makes a new key the one that seals; from then on, every process opens with both. Then
//! each value is sealed again, by compare-and-swap on the exact bytes that were read, so that a concurrent change of a
//! row wins. The rows alone record the progress: after a kill anywhere, the next rotation continues from there, and
//! two rotations at the same time do no harm.
//!
//! A retired key is deleted only after it has been retired for thirty days and seals nothing.

use connection_seal::{KeyError, KeyId, SealError};

use super::{OpenKeyError, Sealer, sealer::Home};
use crate::store::{SEALED, Sealed, SealedColumn, SealedRow, StoreError, rows::KeysetRow};

/// Number of rows that are read at once.
const BATCH: usize = 100;
/// Maximum number of passes over all columns. More than one is needed because other processes change rows.
const PASSES: usize = 20;

/// The result of replacing the key that seals the values of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRotation {
    /// The key that seals now.
    pub key: KeyId,
    /// `true` if this rotation continued an unfinished one, and created no key.
    pub resumed: bool,
    /// Retired keys that were deleted.
    pub dropped: Vec<KeyId>,
    /// Number of values that were sealed again.
    pub resealed: u64,
    /// Number of times that a value was changed by another process before it could be replaced. Such a value was
    /// looked at again.
    pub contended: u64,
    /// Number of values that do not open, and were left as they are.
    pub unreadable: u64,
    /// Number of values that a retired or unknown key still seals, including those that do not open.
    pub remaining: u64,
}

/// The keys of a store, and the number of values that are left to seal again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyStatus {
    /// Name of the key source.
    pub source: String,
    /// The key of the source, which wraps the keyset.
    pub wrapped_by: KeyId,
    /// The id of the key that seals new values.
    pub key: KeyId,
    /// `true` if the last rotation is complete.
    pub rotated: bool,
    /// The keys that open and no longer seal, oldest first.
    pub retired: Vec<KeyId>,
    /// Number of values that are sealed with another key than [`key`](Self::key).
    pub remaining: u64,
    /// The filled slots, `a` and `b`, with the id of the key that wraps each, or `None` for a damaged one.
    pub slots: Vec<(&'static str, Option<KeyId>)>,
}

pub(crate) async fn rotate(sealer: &Sealer) -> Result<KeyRotation, OpenKeyError> {
    let home = sealer.home().ok_or(KeyError::NoKeyset)?;
    let mut rotation = begin(sealer, home).await?;
    for _ in 0..PASSES {
        // Another rotation may have created a newer key, with which all values are then sealed.
        rotation.key = sealer.key_id();
        let before = (rotation.resealed, rotation.contended);
        // The count starts again, because each pass looks at all values that are left.
        rotation.unreadable = 0;
        for column in SEALED {
            pass(sealer, home, column, &mut rotation).await?;
        }
        if (rotation.resealed, rotation.contended) == before && rotation.key == sealer.key_id() {
            settle(home, rotation.key).await?;
            break;
        }
    }
    rotation.remaining = remaining(&counts(home).await?, rotation.key);
    tracing::info!(
        key = %rotation.key,
        resealed = rotation.resealed,
        unreadable = rotation.unreadable,
        remaining = rotation.remaining,
        "keys rotated"
    );
    Ok(rotation)
}

pub(crate) async fn status(sealer: &Sealer) -> Result<KeyStatus, OpenKeyError> {
    let home = sealer.home().ok_or(KeyError::NoKeyset)?;
    let row = keyset(home).await?;
    let wrapped = row.wrapped();
    let found = wrapped.open(&*home.source).await?;
    let key = found.keyset.key_id()?;
    Ok(KeyStatus {
        source: home.source.name(),
        wrapped_by: found.wrapped_by,
        key,
        rotated: found.keyset.is_settled(),
        retired: found.keyset.retired(),
        remaining: remaining(&counts(home).await?, key),
        slots: wrapped.slots(),
    })
}

/// Creates a key that seals from now on, or finds the key of an unfinished rotation.
async fn begin(sealer: &Sealer, home: &Home) -> Result<KeyRotation, OpenKeyError> {
    loop {
        let mut row = keyset(home).await?;
        let found = row.wrapped().open(&*home.source).await?;
        let mut keys = found.keyset;
        let slot = found.slot;
        let key = keys.key_id()?;
        if !keys.is_settled() {
            sealer.take(&keys)?;
            return Ok(KeyRotation::of(key, true, Vec::new()));
        }
        if row.slot_a.is_some() && row.slot_b.is_some() {
            // The other slot would keep the old keys, and its source would still open it.
            return Err(KeyError::Unfinished { source_name: home.source.name() }.into());
        }
        let used = counts(home).await?;
        let dropped = keys.rotate(home.clock.now(), |key| used.iter().any(|(id, _)| id == key.as_bytes()))?;
        let key = keys.key_id()?;
        let wrapped = keys.wrapped_by(&*home.source, row.store_id, slot).await?.into();
        row.keys_revision = keys.revision();
        *row.slot_mut(slot) = Some(wrapped);
        if swap(home, row).await? {
            sealer.take(&keys)?;
            return Ok(KeyRotation::of(key, false, dropped));
        }
    }
}

/// Records that no value is left to be sealed again, so that the next rotation creates a key.
async fn settle(home: &Home, key: KeyId) -> Result<(), OpenKeyError> {
    loop {
        let mut row = keyset(home).await?;
        let found = row.wrapped().open(&*home.source).await?;
        let mut keys = found.keyset;
        let slot = found.slot;
        // Another rotation may have recorded this, or may have created a newer key.
        if !keys.settle(key) {
            return Ok(());
        }
        let wrapped = keys.wrapped_by(&*home.source, row.store_id, slot).await?.into();
        *row.slot_mut(slot) = Some(wrapped);
        if swap(home, row).await? {
            return Ok(());
        }
    }
}

/// Seals the remaining values of one column again.
async fn pass(
    sealer: &Sealer,
    home: &Home,
    column: &'static SealedColumn,
    rotation: &mut KeyRotation,
) -> Result<(), OpenKeyError> {
    let mut after = column.start();
    loop {
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let page = home.store.reader().await?.sealed_page(column, rotation.key.as_bytes(), &after, limit).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.cell.clone();
        let mut writes = Vec::with_capacity(page.len());
        for row in page {
            match again(sealer, &row).await {
                // Each write is a separate job, so that a failure undoes no other write and no job waits for the row
                // of another.
                Ok(fresh) => writes.push(
                    home.store.write(move |tx| Box::pin(async move { tx.swap_sealed(column, &row, &fresh).await })),
                ),
                Err(error) if error.may_pass() => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(cell = %row.cell, %error, "a sealed value cannot be opened");
                    rotation.unreadable += 1;
                }
            }
        }
        for written in writes {
            match written.await? {
                true => rotation.resealed += 1,
                false => rotation.contended += 1,
            }
        }
    }
}

async fn again(sealer: &Sealer, row: &SealedRow) -> Result<Sealed, SealError> {
    let plain = sealer.open(&row.cell, &row.sealed).await?;
    sealer.seal(&row.cell, plain.expose()).await
}

/// Returns the number of values that each key has sealed.
async fn counts(home: &Home) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    let mut counts = Vec::new();
    let mut reader = home.store.reader().await?;
    for column in SEALED {
        counts.extend(reader.sealed_counts(column).await?);
    }
    Ok(counts)
}

fn remaining(counts: &[(Vec<u8>, i64)], key: KeyId) -> u64 {
    let others = counts.iter().filter(|(id, _)| id != key.as_bytes());
    others.map(|(_, count)| u64::try_from(*count).unwrap_or(0)).sum()
}

async fn keyset(home: &Home) -> Result<KeysetRow, OpenKeyError> {
    Ok(home.store.reader().await?.keyset().await?.ok_or(KeyError::NoKeyset)?)
}

async fn swap(home: &Home, row: KeysetRow) -> Result<bool, StoreError> {
    home.store.write(move |tx| Box::pin(async move { tx.update_keyset(&row).await })).await
}

impl KeyRotation {
    fn of(key: KeyId, resumed: bool, dropped: Vec<KeyId>) -> Self {
        Self { key, resumed, dropped, resealed: 0, contended: 0, unreadable: 0, remaining: 0 }
    }
}
