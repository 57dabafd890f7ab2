//! The row of a session and its sealed columns, as every part of a setup reads them.
//!
//! Nothing here runs a session.

use std::{collections::VecDeque, sync::Arc};

use connection_contract::{Secret, SetupFailure, Timestamp};
use connection_replay::Entry;
use connection_seal::Place;

use super::{
    System,
    codec::{Header, Waiting},
    slot::Slot,
};
use crate::{
    Error,
    store::{
        ConflictRetries, Lock, Sealed,
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
    let place = slot.place("connection_setup", "sealed_step", row.step_seq);
    let bytes = system.ground.sealer.open(&place, sealed).await.map_err(|error| slot.sealed_error(error))?;
    Ok(Waiting::decode(bytes.expose()))
}

/// Opens a sealed value of the session. Returns `None` if the value can never be opened; one that may open later is an
/// error, which does not end the session.
pub(super) async fn opened(
    system: &System,
    slot: &Slot,
    place: &Place<'_>,
    sealed: &Sealed,
) -> Result<Option<Secret>, Error> {
    match system.ground.sealer.open(place, sealed).await {
        Err(error) if error.may_pass() => Err(slot.sealed_error(error)),
        opened => Ok(opened.ok()),
    }
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
        Some(sealed) => opened(system, slot, &slot.place("connection_setup", "sealed_header", 0), sealed).await?,
        None => None,
    };
    let header = header.and_then(|bytes| Header::decode(bytes.expose()));
    let header = header.filter(|header| header.connection.is_none_or(|id| id == row.connection_id));
    let Some(header) = header else { return Ok(Err(unreadable("header"))) };
    let mut entries = VecDeque::new();
    let mut bytes = 0;
    for (expected, (seq, sealed)) in (0..).zip(effects) {
        let opened = opened(system, slot, &slot.effect_place(seq), &sealed).await?.filter(|_| seq == expected);
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
    let bytes = opened(system, slot, &slot.place("connection_setup", "sealed_header", 0), sealed).await?;
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
        let place = slot.place("connection_setup", "sealed_header", 0);
        let sealed = system.ground.sealer.seal(&place, header.encode().expose()).await;
        let sealed = sealed.map_err(|error| slot.sealed_error(error))?;
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
