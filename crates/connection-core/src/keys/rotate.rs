//! Rotates the keys of a store beside processes that work on it.
//!
//! First a new key becomes the one that seals, in one compare-and-swap; from then on every process opens with both. Then
//! each value is sealed again, by compare-and-swap on the very bytes that were read, so whoever changes a row meanwhile
//! wins. How far it came is what the rows say: killed anywhere, it goes on from there, and two at once do no harm.
//!
//! A retired key goes only when it has been retired for thirty days and seals nothing.

use connection_seal::{KeyError, KeyId, Place, SealError};

use super::{OpenKeyError, Sealer, kv_key, sealer::Home};
use crate::store::{SEALED, Sealed, SealedColumn, SealedKey, SealedRow, StoreError, rows::KeysetRow};

/// How many rows are read at once.
const BATCH: usize = 100;
/// How often the whole is gone through for the sake of rows that others change.
const PASSES: usize = 20;

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRotation {
    /// The key that seals now.
    pub key: KeyId,
    /// Whether this one went on with a rotation that had not come to its end, and made no key.
    pub resumed: bool,
    /// Retired keys that are gone for good.
    pub dropped: Vec<KeyId>,
    /// Values that were sealed again.
    pub resealed: u64,
    /// Times that a value was changed by somebody else at that moment; it was looked at again.
    pub contended: u64,
    /// Values that do not open, and were left as they are.
    pub unreadable: u64,
    /// Values that a retired or unknown key seals still, those that do not open among them.
    pub remaining: u64,
}

/// The keys of a store, and what each seals.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyStatus {
    /// What the key source is called.
    pub source: String,
    /// The key of the source, which wraps the keyset.
    pub wrapped_by: KeyId,
    /// The key that seals.
    pub key: KeyId,
    /// Whether the last rotation came to its end.
    pub rotated: bool,
    /// The keys that open and do not seal, oldest first.
    pub retired: Vec<KeyId>,
    /// Values that are sealed with another key than [`key`](Self::key).
    pub remaining: u64,
    /// The slots that are filled, `a` and `b`, and the key that wraps each; `None` for one that is damaged.
    pub slots: Vec<(&'static str, Option<KeyId>)>,
}

pub(crate) async fn rotate(sealer: &Sealer) -> Result<KeyRotation, OpenKeyError> {
    let home = sealer.home().ok_or(KeyError::NoKeyset)?;
    let mut rotation = begin(sealer, home).await?;
    for _ in 0..PASSES {
        // Another rotation may have made a newer one: then that is what all is sealed with.
        rotation.key = sealer.key_id();
        let before = (rotation.resealed, rotation.contended);
        // Counted anew: a pass looks at all that is left.
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

/// Makes the new key the one that seals, or finds one whose rotation was not ended.
async fn begin(sealer: &Sealer, home: &Home) -> Result<KeyRotation, OpenKeyError> {
    loop {
        let mut row = keyset(home).await?;
        let found = row.wrapped().open(&*home.source).await?;
        let (mut keys, slot) = (found.keyset, found.slot);
        let key = keys.key_id()?;
        if !keys.is_settled() {
            sealer.take(&keys)?;
            return Ok(KeyRotation::of(key, true, Vec::new()));
        }
        if row.slot_a.is_some() && row.slot_b.is_some() {
            // The other slot would keep the old keys, and its source would open it.
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

/// Notes that nothing is left to be sealed again, so that the next rotation makes a key.
async fn settle(home: &Home, key: KeyId) -> Result<(), OpenKeyError> {
    loop {
        let mut row = keyset(home).await?;
        let found = row.wrapped().open(&*home.source).await?;
        let (mut keys, slot) = (found.keyset, found.slot);
        // Another rotation may have come to this end, or gone beyond it.
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

/// Goes through one column once.
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
        after = last.key.clone();
        let mut writes = Vec::with_capacity(page.len());
        for row in page {
            let key = key_of(&row);
            match again(sealer, &place_of(column, &row, &key), &row.sealed).await {
                // Each is a job of its own: one that fails undoes no other, and none waits for another's row.
                Ok(fresh) => writes.push(
                    home.store.write(move |tx| Box::pin(async move { tx.swap_sealed(column, &row, &fresh).await })),
                ),
                Err(error) if error.may_pass() => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(table = column.table, column = column.column, %error, "a value does not open");
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

async fn again(sealer: &Sealer, place: &Place<'_>, sealed: &Sealed) -> Result<Sealed, SealError> {
    let plain = sealer.open(place, sealed).await?;
    sealer.seal(place, plain.expose()).await
}

fn key_of(row: &SealedRow) -> Vec<u8> {
    match &row.key {
        SealedKey::Exchange(key) => key.clone(),
        SealedKey::Numbered(id, _) | SealedKey::Input(id, _) => id.as_bytes().to_vec(),
        SealedKey::Value(_, namespace, key) => kv_key(namespace, key),
    }
}

/// Where it was sealed for: it is sealed for the same place again.
fn place_of<'a>(column: &SealedColumn, row: &'a SealedRow, key: &'a [u8]) -> Place<'a> {
    let sequence = match row.key {
        SealedKey::Numbered(_, number) => number,
        SealedKey::Exchange(_) | SealedKey::Input(..) | SealedKey::Value(..) => 0,
    };
    Place { table: column.table, column: column.column, key, owner: &row.owner, kind: &row.kind, sequence }
}

/// How many values each key has sealed.
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
