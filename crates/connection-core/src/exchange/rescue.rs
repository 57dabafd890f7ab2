//! Answers that are not recorded yet. Each is kept, sealed, in the state directory of the node until it is recorded.
//!
//! An answer is in a slot of the process that received it (see `answer_slots`), or in a separate file. In both it has
//! this form:
//!
//! ```text
//! "CNXR" 4 | version, 2, in 1 | whose 1 (1 connection, 2 session) | id 16 | generation 8 | sealed: sent at 8, the answer
//! "CNXR" 4 | version, 2, in 1 | 3, an entry of a journal           | id 16 | its number 8 | sealed: see `rescued_entry`
//! "CNXR" 4 | version, 2, in 1 | 4 or 5 for 1 or 2, by a courier    | id 16 | generation 8 | length 4 | a key, sealed
//!                                                                  | sealed with that key: as 1 or 2
//! ```
//!
//! If nothing was sent or processed, a courier writes its name in place of an answer.
//!
//! It is sealed for its exchange and for the generation that was spent, and can be opened only for these. If another
//! generation is current by now, the answer is used only for the attempt that it answers, and deleted otherwise: each
//! generation spends a token that is not used up once more, and an old answer must not be mistaken for a new one. An
//! answer that cannot be opened stays and is logged. Its request is not sent again, because there was an answer. While
//! the directory cannot be read, nothing is sent and nothing is decided.
//!
//! A process keeps an answer here if its commit takes longer than [`COMMIT_PATIENCE`], and at once if the commit fails.
//! It deletes the answer when the row holds it, before the plugin sees it. An answer whose exchange has no row was
//! therefore left by a process that died, or is about to be deleted by another process.

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use connection_contract::{HttpResponse, Kind, Secret};
use connection_seal::open_once;
use uuid::Uuid;

use super::{
    Exchange, ExchangeKey, ExchangeScope, HeldHere, StateDirectory, answer, rescued_entry,
    state::{COURIER, Source, StoredAnswer},
};
use crate::{
    Clock, Error, StoreError,
    exchange::System,
    ids::{ConnectionId, SessionId},
    store::{Sealed, rows::Sent},
};

const MAGIC: [u8; 5] = *b"CNXR\x02";
/// The time that a commit may take before its answer is also kept in the state directory.
pub(crate) const COMMIT_PATIENCE: Duration = Duration::from_millis(250);

/// Waits for a commit. If it takes longer than [`COMMIT_PATIENCE`], `keep` runs beside it. Returns the results of both;
/// `None` if `keep` did not run.
pub(crate) async fn commit_or_keep<T, K>(
    clock: &dyn Clock,
    commit: impl Future<Output = T>,
    keep: impl Future<Output = K>,
) -> (T, Option<K>) {
    let mut commit = pin!(commit);
    tokio::select! {
        biased;
        committed = &mut commit => return (committed, None),
        () = clock.sleep(COMMIT_PATIENCE) => {}
    }
    let (committed, kept) = tokio::join!(commit, keep);
    (committed, Some(kept))
}

/// The result of searching the state directory for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rescue {
    Nothing,
    /// The row holds the answer now, or is deleted, because nothing was sent.
    Ingested,
    /// An answer exists and cannot be read.
    Damaged,
}

/// The attempt that an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The generation of the spent credential; 0 for a session.
    pub(super) generation: i64,
    /// The time at which the attempt was sent, as recorded.
    pub(super) sent_at: i64,
}

/// Keeps an answer in the state directory. Returns `true` if it is on the disk. The answer is also in memory, so a
/// failure is not final.
pub(super) async fn write(system: &Arc<System>, exchange: &Exchange, origin: Origin, answer: &HttpResponse) -> bool {
    let key = exchange.key;
    let (tag, id) = tag_and_id(exchange.scope);
    let cell = answer::cell_of_file(key, &exchange.owner, &exchange.kind, origin.generation);
    let plain = Secret::new([&origin.sent_at.to_be_bytes()[..], answer::encode(answer).expose()].concat());
    // The store may be the part that hangs, so sealing does not wait for it.
    let sealed = match system.ground.seal_soon(&cell, plain.expose(), COMMIT_PATIENCE).await {
        Ok(sealed) => sealed,
        Err(error) => {
            tracing::warn!(%error, "an answer that is not recorded cannot be sealed for the state directory either");
            return false;
        }
    };
    write_sealed(system, key, tag, id, origin.generation, &sealed).await
}

pub(super) async fn write_sealed(
    system: &Arc<System>,
    key: ExchangeKey,
    tag: u8,
    id: [u8; 16],
    number: i64,
    sealed: &Sealed,
) -> bool {
    let bytes = [&MAGIC[..], &[tag], &id, &number.to_be_bytes(), sealed.as_bytes()].concat();
    match blocking(system, move |state| state.keep(key, &bytes)).await {
        None => false,
        Some(Ok(())) => true,
        Some(Err(error)) => {
            tracing::warn!(%error, "an answer that is not recorded cannot be kept in the state directory either");
            false
        }
    }
}

/// Forgets an answer that this process kept and that was recorded.
pub(super) async fn remove(system: &Arc<System>, key: ExchangeKey) {
    let forgotten = blocking(system, move |state| state.forget_own(key)).await;
    log_forgetting(forgotten);
}

/// Forgets the answer of a source.
pub(super) async fn forget(system: &Arc<System>, source: Source) {
    let forgotten = blocking(system, move |state| state.forget(&source)).await;
    log_forgetting(forgotten);
}

fn log_forgetting(forgotten: Option<io::Result<()>>) {
    if let Some(Err(error)) = forgotten {
        // The next registry that is opened finds the answer recorded, and deletes it.
        tracing::debug!(%error, "the rescue file of a recorded answer cannot be removed now");
    }
}

/// Records the answers that this node keeps. `asks` is that of [`ingest`].
pub(super) async fn ingest_all(system: &Arc<System>, asks: bool) {
    let keys = match blocking(system, StateDirectory::all_stored).await {
        None => return,
        Some(Ok(keys)) => keys,
        Some(Err(error)) => return tracing::warn!(%error, "the state directory cannot be read"),
    };
    for key in keys {
        match ingest(system, key, asks).await {
            Ok(Rescue::Ingested) => {
                tracing::info!("what a former process or its courier left about a request is now recorded");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(code = error.code(), "an answer from a rescue file cannot be recorded now"),
        }
    }
}

/// Records the answer to one exchange, if this node keeps it. If the exchange has no row, one is inserted only if
/// `asks` is `true`, for a caller that needs the answer.
pub(super) async fn ingest(system: &Arc<System>, key: ExchangeKey, asks: bool) -> Result<Rescue, Error> {
    let kept = match blocking(system, move |state| state.stored_for(key)).await {
        None => return Ok(Rescue::Nothing),
        Some(Ok(kept)) => kept,
        // The directory, and the answer with it, may be readable again soon.
        Some(Err(error)) => return Err(unavailable(system, &error).into()),
    };
    let mut found = Rescue::Nothing;
    for (source, kept) in kept {
        let rescue = match kept {
            StoredAnswer::Whole(bytes) => ingest_one(system, key, &source, &bytes, asks).await?,
            StoredAnswer::Damaged(why) => damaged(system, &source, &why),
        };
        found = match (found, rescue) {
            (Rescue::Ingested, _) | (_, Rescue::Ingested) => Rescue::Ingested,
            (Rescue::Damaged, _) | (_, Rescue::Damaged) => Rescue::Damaged,
            (Rescue::Nothing, Rescue::Nothing) => Rescue::Nothing,
        };
    }
    Ok(found)
}

async fn ingest_one(
    system: &Arc<System>,
    key: ExchangeKey,
    source: &Source,
    bytes: &[u8],
    asks: bool,
) -> Result<Rescue, Error> {
    let Some(KeptValue { kind: stored_kind, generation, copy, sealed }) = parse(bytes) else {
        return Ok(damaged(system, source, "it was not written by this program"));
    };
    let scope = match stored_kind {
        StoredKind::Answer(scope) => scope,
        StoredKind::Entry(session) => {
            return rescued_entry::record(system, source, session, generation, sealed).await;
        }
    };
    let Some((owner, kind)) = owner_and_kind(system, scope).await? else {
        // The connection or session was removed.
        forget(system, source.clone()).await;
        return Ok(Rescue::Nothing);
    };
    let cell = answer::cell_of_file(key, &owner, &kind, generation);
    let mut opened = system.ground.open_or_lost(&cell, copy.as_ref().unwrap_or(&sealed)).await?;
    if copy.is_some() {
        opened = opened.and_then(|once| open_once(once.expose(), sealed.as_bytes()));
    }
    let Some(plain) = opened else { return Ok(damaged(system, source, DOES_NOT_OPEN)) };
    let Some((sent_at, answer)) = plain.expose().split_first_chunk() else {
        return Ok(damaged(system, source, "it was not written by this program"));
    };
    let sent_at = i64::from_be_bytes(*sent_at);
    let courier = std::str::from_utf8(answer).ok().filter(|name| copy.is_some() && name.starts_with(COURIER));
    let unsent = courier.map(|name| Sent::first(None, name.to_owned(), sent_at));
    // The answer is sealed for its row with the current keys.
    let fresh = system.ground.seal(&answer::cell(key, &owner, &kind), answer).await?;
    let answered = StoredReply { key, scope, generation, sent_at, fresh, unsent };
    let mut ingested = answered.record(system, false).await?;
    // A process that has the answer in memory deletes it here before the row is deleted. An answer that is still here
    // was left by a process that died.
    if asks && ingested == IngestOutcome::Unasked && still_holds(system, source).await? {
        ingested = answered.record(system, true).await?;
    }
    match ingested {
        // The exchange has no row any longer, unless a caller asks for it again.
        IngestOutcome::Unasked => Ok(Rescue::Nothing),
        IngestOutcome::Outdated => {
            forget(system, source.clone()).await;
            Ok(Rescue::Nothing)
        }
        IngestOutcome::There(ingested) => {
            forget(system, source.clone()).await;
            Ok(if ingested || asks { Rescue::Ingested } else { Rescue::Nothing })
        }
    }
}

async fn still_holds(system: &Arc<System>, source: &Source) -> Result<bool, Error> {
    let source = source.clone();
    match blocking(system, move |state| state.still_holds(&source)).await {
        None => Ok(false),
        Some(Ok(holds)) => Ok(holds),
        Some(Err(error)) => Err(unavailable(system, &error).into()),
    }
}

/// A kept answer that is to be recorded.
#[derive(Clone)]
struct StoredReply {
    key: ExchangeKey,
    scope: ExchangeScope,
    generation: i64,
    sent_at: i64,
    fresh: Sealed,
    /// The first attempt, if its courier has noted that nothing was sent or processed.
    unsent: Option<Sent>,
}

impl StoredReply {
    /// Records the answer for its exchange. If the exchange has no row, one is inserted only if `inserts` is `true`.
    async fn record(&self, system: &Arc<System>, inserts: bool) -> Result<IngestOutcome, Error> {
        let Self { key, scope, generation, sent_at, fresh, unsent } = self.clone();
        let now = system.ground.clock.now().seconds();
        let written = system.ground.store.write(move |tx| {
            Box::pin(async move {
                scope.lock(tx).await?;
                let (row, current) = match scope {
                    ExchangeScope::Connection(id) => {
                        (tx.exchange(key).await?, tx.account(id).await?.map(|row| row.generation))
                    }
                    ExchangeScope::Session(_) => (tx.exchange(key).await?, None),
                };
                let is_its_own = row.as_ref().is_some_and(|row| row.sent.at == sent_at);
                if !is_its_own && current.is_some_and(|current| generation < current) {
                    return Ok(IngestOutcome::Outdated);
                }
                let ingested = match (row, unsent) {
                    (Some(row), _) if row.sealed.is_some() => false,
                    (_, Some(unsent)) => match tx.delete_intent(key, &unsent).await? {
                        true => true,
                        false => return Ok(IngestOutcome::Outdated),
                    },
                    (Some(_), None) => tx.answer_exchange(key, &fresh).await?,
                    (None, None) if inserts => tx.insert_answer(key, scope, &fresh).await?,
                    (None, None) => return Ok(IngestOutcome::Unasked),
                };
                if let (true, ExchangeScope::Connection(id)) = (ingested, scope) {
                    tx.hasten_refresh(id, now).await?;
                }
                Ok(IngestOutcome::There(ingested))
            })
        });
        Ok(written.await?)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IngestOutcome {
    /// The row holds an answer: `true` for this answer, `false` for an earlier one.
    There(bool),
    /// The credential was replaced, and no attempt waits for the answer.
    Outdated,
    Unasked,
}

fn unavailable(system: &System, error: &io::Error) -> StoreError {
    let place = system.state.as_ref().map(|state| state.path().display().to_string()).unwrap_or_default();
    StoreError::Unavailable { place, detail: error.to_string() }
}

/// The reason why a rescue file whose sealed value does not open is damaged.
pub(super) const DOES_NOT_OPEN: &str = "its sealed value was edited, moved or sealed with another key";

pub(super) fn damaged(system: &System, source: &Source, why: &str) -> Rescue {
    let place = system.state.as_ref().map(|state| state.name_of(source)).unwrap_or_default();
    tracing::warn!(place, why, "a rescue file cannot be opened and is left in place");
    Rescue::Damaged
}

/// The kind of a kept value.
pub(super) enum StoredKind {
    Answer(ExchangeScope),
    /// An entry of this session's journal.
    Entry(SessionId),
}

/// A kept value, as a rescue file holds it.
pub(super) struct KeptValue {
    pub(super) kind: StoredKind,
    /// The generation of the credential that was sent, or the number of the journal's entry.
    pub(super) generation: i64,
    /// The one-time key of a courier, which the store's keys open; `None` if they sealed the value itself.
    copy: Option<Sealed>,
    sealed: Sealed,
}

fn tag_and_id(scope: ExchangeScope) -> (u8, [u8; 16]) {
    match scope {
        ExchangeScope::Connection(id) => (1, *id.as_bytes()),
        ExchangeScope::Session(id) => (2, *id.as_bytes()),
    }
}

/// Returns the beginning of what a courier writes, with the sealed copy of its one-time key.
pub(super) fn head_of_courier(scope: ExchangeScope, generation: i64, copy: &Sealed) -> Vec<u8> {
    let (tag, id) = tag_and_id(scope);
    let length = u32::try_from(copy.as_bytes().len()).unwrap_or(u32::MAX).to_be_bytes();
    [&MAGIC[..], &[tag + 3], &id, &generation.to_be_bytes(), &length, copy.as_bytes()].concat()
}

/// Reads a kept value, still sealed; `None` for bytes that this program did not write.
pub(super) fn parse(bytes: &[u8]) -> Option<KeptValue> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let ([tag], rest) = rest.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (generation, sealed) = rest.split_first_chunk()?;
    let id = Uuid::from_bytes(*id);
    let kind = match *tag {
        1 | 4 => StoredKind::Answer(ExchangeScope::Connection(ConnectionId::from(id))),
        2 | 5 => StoredKind::Answer(ExchangeScope::Session(SessionId::from(id))),
        rescued_entry::TAG => StoredKind::Entry(SessionId::from(id)),
        _ => return None,
    };
    let (copy, sealed) = match *tag {
        4 | 5 => {
            let (length, rest) = sealed.split_first_chunk()?;
            let (copy, sealed) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            (Some(Sealed::of_bytes(copy)), sealed)
        }
        _ => (None, sealed),
    };
    Some(KeptValue { kind, generation: i64::from_be_bytes(*generation), copy, sealed: Sealed::of_bytes(sealed) })
}

pub(super) async fn owner_and_kind(system: &System, scope: ExchangeScope) -> Result<Option<(String, Kind)>, Error> {
    let mut reader = system.ground.reader().await?;
    let whose = match scope {
        ExchangeScope::Connection(id) => reader.account(id).await?.map(|row| (row.owner, row.kind)),
        ExchangeScope::Session(id) => reader.setup(id).await?.map(|row| (row.owner, row.kind)),
    };
    Ok(whose.and_then(|(owner, kind)| Some((owner, Kind::parse(&kind)?))))
}

/// Returns `true` if the process that sent the request has certainly ended.
pub(super) async fn is_gone(system: &Arc<System>, node: Option<&str>, process: &str) -> bool {
    if node.is_none() || node != system.state.as_deref().map(StateDirectory::node) {
        return false;
    }
    let process = process.to_owned();
    match blocking(system, move |state| state.is_gone(&process)).await {
        Some(Ok(gone)) => gone,
        Some(Err(error)) => {
            tracing::warn!(%error, "cannot determine whether a process has ended");
            false
        }
        None => false,
    }
}

/// Returns the sender of an attempt if it is a process or courier of this node that has not ended.
pub(super) async fn held_here(system: &Arc<System>, sent: &Sent) -> Option<HeldHere> {
    let own = system.state.as_deref().map(StateDirectory::node);
    sent.node_id.as_deref().filter(|node| Some(*node) == own)?;
    let process = sent.process_id.clone();
    blocking(system, move |state| state.held(&process)).await?.ok()?
}

/// Returns `true` if a process with this name, which no other process has, was one of this node and has certainly ended.
pub(crate) async fn has_ended(system: &Arc<System>, process: &str) -> bool {
    is_gone(system, system.state.as_deref().map(StateDirectory::node), process).await
}

/// Runs `work` on a thread that may block. Returns `None` if there is no state directory.
pub(super) async fn blocking<T: Send + 'static>(
    system: &Arc<System>,
    work: impl FnOnce(&StateDirectory) -> io::Result<T> + Send + 'static,
) -> Option<io::Result<T>> {
    let state = system.state.clone()?;
    // The work does not panic. A runtime that shuts down takes the registry with it.
    let done = tokio::task::spawn_blocking(move || work(&state)).await;
    Some(done.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into())))
}
