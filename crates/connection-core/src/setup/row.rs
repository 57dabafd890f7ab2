//! The row of a session and its sealed columns, as every part of a setup reads them.
//!
//! Nothing here runs a session.

use std::{collections::VecDeque, sync::Arc};

use connection_contract::{SetupFailure, Timestamp};
use connection_replay::Entry;

use super::{
    System,
    codec::{Header, Waiting},
    slot::Slot,
};
use crate::{
    Error,
    store::{
        ConflictRetries, Lock, SETUP_EFFECT, SETUP_HEADER, SETUP_STEP, Sealed,
        rows::{SetupRow, SetupState},
    },
};

/// Seconds for which a session stays open after its last input, or after the deadline of its current wait.
pub(super) const SESSION_LIFE: u64 = 15 * 60;

/// A session as it was stored.
pub(super) struct Loaded {
    pub(super) header: Header,
    pub(super) entries: VecDeque<Entry>,
    pub(super) bytes: usize,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
}

pub(super) fn is_open(state: SetupState) -> bool {
    matches!(state, SetupState::Running | SetupState::Waiting)
}

pub(super) fn step_no(step_seq: i64) -> u64 {
    u64::try_from(step_seq).unwrap_or(0)
}

pub(super) fn expired() -> SetupFailure {
    SetupFailure::new("setup_expired", "nobody continued this setup in time").remedy("begin again")
}

/// Returns the wait that the row of a waiting session holds.
pub(super) async fn stored_wait(system: &System, slot: &Slot, row: &SetupRow) -> Result<Option<Waiting>, Error> {
    let Some(sealed) = &row.sealed_step else { return Ok(None) };
    let bytes = system.ground.open(&slot.cell(&SETUP_STEP, row.step_seq), sealed).await?;
    Ok(Waiting::decode(bytes.expose()))
}

/// Returns the failure of a session whose stored data can never be opened.
pub(super) fn unreadable(what: &str) -> SetupFailure {
    SetupFailure::new("setup_unreadable", format!("the stored {what} of this setup cannot be opened"))
        .remedy("begin again")
}

/// Opens the header and the journal of a session. The inner `Err` is a failure that ends the session.
pub(super) async fn load(
    system: &System,
    slot: &Slot,
    row: &SetupRow,
    effects: Vec<(i64, Sealed)>,
) -> Result<Result<Loaded, SetupFailure>, Error> {
    let unreadable = |what: &str| {
        tracing::warn!(session = %slot.id, "the {what} of a setup cannot be opened");
        unreadable(what)
    };
    let header = match &row.sealed_header {
        Some(sealed) => system.ground.open_or_lost(&slot.cell(&SETUP_HEADER, 0), sealed).await?,
        None => None,
    };
    let header = header.and_then(|bytes| Header::decode(bytes.expose()));
    let header = header.filter(|header| header.connection.is_none_or(|id| id == row.connection_id));
    let Some(header) = header else { return Ok(Err(unreadable("header"))) };
    let mut entries = VecDeque::new();
    let mut bytes = 0;
    for (expected, (seq, sealed)) in (0..).zip(effects) {
        let opened = system.ground.open_or_lost(&slot.cell(&SETUP_EFFECT, seq), &sealed).await?;
        let opened = opened.filter(|_| seq == expected);
        let Some(entry) = opened.as_ref().and_then(|bytes| Entry::decode(bytes.expose())) else {
            return Ok(Err(unreadable("journal")));
        };
        bytes += opened.map_or(0, |bytes| bytes.expose().len());
        entries.push_back(entry);
    }
    Ok(Ok(Loaded {
        header,
        entries,
        bytes,
        created: Timestamp::from_seconds(row.created_at),
        expires: Timestamp::from_seconds(row.expires_at),
    }))
}

/// Returns the row of an open session with its header, or `None` for a session that has ended or whose header does not
/// open.
pub(super) async fn open_header(system: &System, slot: &Slot) -> Result<Option<(SetupRow, Header)>, Error> {
    let Some(row) = system.ground.reader().await?.setup(slot.id).await? else { return Ok(None) };
    Ok(header_of(system, slot, &row).await?.map(|header| (row, header)))
}

/// Returns the header that a row holds, or `None` for a session that has ended or whose header does not open.
pub(super) async fn header_of(system: &System, slot: &Slot, row: &SetupRow) -> Result<Option<Header>, Error> {
    let Some(sealed) = row.sealed_header.as_ref().filter(|_| is_open(row.state)) else { return Ok(None) };
    let bytes = system.ground.open_or_lost(&slot.cell(&SETUP_HEADER, 0), sealed).await?;
    Ok(bytes.and_then(|bytes| Header::decode(bytes.expose())))
}

/// Changes the header of an open session. Returns `false` if `change` returns `false`, or if the session has ended.
pub(super) async fn change_header(
    system: &Arc<System>,
    slot: &Slot,
    change: impl Fn(&mut Header) -> bool,
) -> Result<bool, Error> {
    let mut retries = ConflictRetries::of("header of a setup session");
    loop {
        retries.begin_attempt()?;
        let Some((row, mut header)) = open_header(system, slot).await? else { return Ok(false) };
        if !change(&mut header) {
            return Ok(false);
        }
        let cell = slot.cell(&SETUP_HEADER, 0);
        let sealed = system.ground.seal(&cell, header.encode().expose()).await?;
        let id = slot.id;
        let before = row.sealed_header;
        let written = system.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Setup(id)).await?;
                // The header was changed in the meantime. The change is applied to the new one.
                if tx.setup(id).await?.is_none_or(|row| row.sealed_header != before) {
                    return Ok(false);
                }
                tx.replace_setup_header(id, &sealed).await
            })
        });
        if written.await? {
            return Ok(true);
        }
    }
}
