//! Answers that could not be recorded: each in a sealed file, until it can be.
//!
//! ```text
//! "CNXR" 4 | version, 2, in 1 | whose 1 (1 connection, 2 session) | id 16 | generation 8 | sealed: sent at 8, the answer
//! "CNXR" 4 | version, 2, in 1 | 3, an entry of a journal           | id 16 | its number 8 | sealed: see `rescued_entry`
//! ```
//!
//! It is sealed for its exchange and for the generation that was spent, and opens for these alone. Where another generation
//! is current by now, it counts for the very attempt that it answers, and else goes: a token that is not used up is spent
//! by each generation anew, and an answer of long ago is none of today. One that does not open is left, and said; what it
//! answers is not sent again, since there was an answer. While the directory cannot be read nothing is sent either, and
//! nothing is decided.

use std::{io, sync::Arc};

use connection_contract::{HttpResponse, Kind, Secret};
use uuid::Uuid;

use super::{Exchange, ExchangeKey, Scope, StateDirectory, answer, rescued_entry};
use crate::{
    Error, StoreError,
    ids::{ConnectionId, SessionId},
    platform::Unreadable,
    registry::Shared,
    seal::Sealed,
};

const MAGIC: [u8; 5] = *b"CNXR\x02";

/// What a look at a node's files gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rescue {
    Nothing,
    /// The row holds it now.
    Ingested,
    /// There was an answer, and nobody can read it.
    Damaged,
}

/// Which attempt an answer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Of the credential that was spent; none for a session.
    pub(super) generation: i64,
    /// As it is noted.
    pub(super) sent_at: i64,
}

/// Keeps an answer in a file: whether it is there. Best effort: it is in memory, too.
pub(super) async fn write(shared: &Arc<Shared>, exchange: &Exchange, origin: Origin, answer: &HttpResponse) -> bool {
    let key = exchange.key;
    let (tag, id) = match exchange.scope {
        Scope::Connection(id) => (1, *id.as_bytes()),
        Scope::Session(id) => (2, *id.as_bytes()),
    };
    let place = answer::place_of_file(&key, &exchange.owner, exchange.kind.as_str(), origin.generation);
    let plain = Secret::new([&origin.sent_at.to_be_bytes()[..], answer::encode(answer).expose()].concat());
    let sealed = match shared.sealer.seal(&place, plain.expose()).await {
        Ok(sealed) => sealed,
        Err(error) => {
            tracing::warn!(%error, "an answer that cannot be recorded cannot be sealed for a file either");
            return false;
        }
    };
    write_file(shared, key, (tag, id, origin.generation), &sealed).await
}

pub(super) async fn write_file(
    shared: &Arc<Shared>,
    key: ExchangeKey,
    (tag, id, number): (u8, [u8; 16], i64),
    sealed: &Sealed,
) -> bool {
    let bytes = [&MAGIC[..], &[tag], &id, &number.to_be_bytes(), sealed.as_bytes()].concat();
    match blocking(shared, move |state| state.write_rescue(key, &bytes)).await {
        None => false,
        Some(Ok(())) => true,
        Some(Err(error)) => {
            tracing::warn!(%error, "what cannot be recorded cannot be kept in a file either");
            false
        }
    }
}

/// Removes the file of an answer that is recorded.
pub(super) async fn remove(shared: &Arc<Shared>, key: ExchangeKey) {
    if let Some(Err(error)) = blocking(shared, move |state| state.remove_rescue(key)).await {
        // The next open finds the answer recorded, and tries again.
        tracing::debug!(%error, "the file of an answer that is recorded stays for now");
    }
}

/// Records what this node keeps in files.
pub(crate) async fn ingest_all(shared: &Arc<Shared>) {
    let keys = match blocking(shared, StateDirectory::rescued).await {
        None => return,
        Some(Ok(keys)) => keys,
        Some(Err(error)) => return tracing::warn!(%error, "the directory of this node cannot be read"),
    };
    for key in keys {
        match ingest(shared, key, false).await {
            Ok(Rescue::Ingested) => tracing::info!("what could not be recorded is recorded now"),
            Ok(_) => {}
            Err(error) => tracing::warn!(code = error.code(), "what is in a file cannot be recorded now"),
        }
    }
}

/// Records the answer to one exchange, if this node keeps it in a file. Where nothing is noted of the exchange, it is
/// noted only for who `asks`.
pub(super) async fn ingest(shared: &Arc<Shared>, key: ExchangeKey, asks: bool) -> Result<Rescue, Error> {
    let bytes = match blocking(shared, move |state| Ok(state.read_rescue(key))).await {
        None | Some(Ok(Ok(None))) => return Ok(Rescue::Nothing),
        Some(Ok(Ok(Some(bytes)))) => bytes,
        Some(Ok(Err(Unreadable::Exposed(exposed)))) => return Ok(damaged(shared, key, &exposed.to_string())),
        // The directory may be there again soon, and the answer with it.
        Some(Ok(Err(Unreadable::Io(error))) | Err(error)) => return Err(unavailable(shared, key, &error).into()),
    };
    let Some((held, generation, sealed)) = parse(&bytes) else {
        return Ok(damaged(shared, key, "it is not one that this program writes"));
    };
    let scope = match held {
        Held::Answer(scope) => scope,
        Held::Entry(session) => return rescued_entry::record(shared, key, (session, generation), sealed).await,
    };
    let Some((owner, kind)) = whose(shared, scope).await? else {
        // What it belongs to is gone.
        remove(shared, key).await;
        return Ok(Rescue::Nothing);
    };
    let place = answer::place_of_file(&key, &owner, kind.as_str(), generation);
    let failed = |source| Error::Sealed { what: format!("the answer to {key:?}"), source: Arc::new(source) };
    let plain = match shared.sealer.open(&place, &sealed).await {
        Err(error) if error.may_pass() => return Err(failed(error)),
        Err(error) => return Ok(damaged(shared, key, &error.to_string())),
        Ok(plain) => plain,
    };
    let Some((sent_at, answer)) = plain.expose().split_first_chunk() else {
        return Ok(damaged(shared, key, "it is not one that this program writes"));
    };
    let sent_at = i64::from_be_bytes(*sent_at);
    // For the row, with the keys of today.
    let place = answer::place(&key, &owner, kind.as_str());
    let (fresh, now) = (shared.sealer.seal(&place, answer).await.map_err(failed)?, shared.clock.now().seconds());
    let written = shared.store.write(move |tx| {
        Box::pin(async move {
            scope.lock(tx).await?;
            let (row, current) = match scope {
                Scope::Connection(id) => (tx.exchange(key).await?, tx.account(id).await?.map(|row| row.generation)),
                Scope::Session(_) => (tx.exchange(key).await?, None),
            };
            let is_its_own = row.as_ref().is_some_and(|row| row.sent.at == sent_at);
            if !is_its_own && current.is_some_and(|current| generation < current) {
                return Ok(Ingested::Outdated);
            }
            let ingested = match row {
                Some(row) if row.sealed.is_some() => false,
                Some(_) => tx.answer_exchange(key, &fresh).await?,
                None if asks => tx.insert_answer(key, scope, &fresh).await?,
                None => return Ok(Ingested::Unasked),
            };
            if let (true, Scope::Connection(id)) = (ingested, scope) {
                tx.hasten_refresh(id, now).await?;
            }
            Ok(Ingested::There(ingested))
        })
    });
    match written.await? {
        // It is of an exchange that is not noted any more, unless somebody asks for it again.
        Ingested::Unasked => Ok(Rescue::Nothing),
        Ingested::Outdated => {
            remove(shared, key).await;
            Ok(Rescue::Nothing)
        }
        Ingested::There(ingested) => {
            remove(shared, key).await;
            Ok(if ingested || asks { Rescue::Ingested } else { Rescue::Nothing })
        }
    }
}

/// What the transaction made of a file.
enum Ingested {
    /// The row holds an answer: this one by now, or one before.
    There(bool),
    /// Its credential was replaced, and nobody waits for it.
    Outdated,
    Unasked,
}

fn file(shared: &Shared, key: ExchangeKey) -> String {
    shared.state.as_ref().map(|state| state.rescue(key).display().to_string()).unwrap_or_default()
}

fn unavailable(shared: &Shared, key: ExchangeKey, error: &io::Error) -> StoreError {
    StoreError::Unavailable { place: file(shared, key), detail: error.to_string() }
}

pub(super) fn damaged(shared: &Shared, key: ExchangeKey, why: &str) -> Rescue {
    tracing::warn!(file = file(shared, key), why, "a file with an answer does not open, and is left");
    Rescue::Damaged
}

/// What a file holds.
enum Held {
    Answer(Scope),
    /// Of this session's journal.
    Entry(SessionId),
}

fn parse(bytes: &[u8]) -> Option<(Held, i64, Sealed)> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let ([tag], rest) = rest.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (generation, sealed) = rest.split_first_chunk()?;
    let id = Uuid::from_bytes(*id);
    let held = match *tag {
        1 => Held::Answer(Scope::Connection(ConnectionId::from(id))),
        2 => Held::Answer(Scope::Session(SessionId::from(id))),
        rescued_entry::TAG => Held::Entry(SessionId::from(id)),
        _ => return None,
    };
    Some((held, i64::from_be_bytes(*generation), Sealed::of_file(sealed)))
}

pub(super) async fn whose(shared: &Shared, scope: Scope) -> Result<Option<(String, Kind)>, Error> {
    let mut reader = shared.reader().await?;
    let whose = match scope {
        Scope::Connection(id) => reader.account(id).await?.map(|row| (row.owner, row.kind)),
        Scope::Session(id) => reader.setup(id).await?.map(|row| (row.owner, row.kind)),
    };
    Ok(whose.and_then(|(owner, kind)| Some((owner, Kind::parse(&kind)?))))
}

/// Whether the process that sent something is gone for sure.
pub(super) async fn is_gone(shared: &Arc<Shared>, node: Option<&str>, process: &str) -> bool {
    if node.is_none() || node != shared.state.as_deref().map(StateDirectory::node) {
        return false;
    }
    let process = process.to_owned();
    match blocking(shared, move |state| state.is_gone(&process)).await {
        Some(Ok(gone)) => gone,
        Some(Err(error)) => {
            tracing::warn!(%error, "whether a process is gone cannot be told");
            false
        }
        None => false,
    }
}

/// On a thread that may wait; `None` where there is no directory.
async fn blocking<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&StateDirectory) -> io::Result<T> + Send + 'static,
) -> Option<io::Result<T>> {
    let state = shared.state.clone()?;
    // It does not crash; a runtime that goes away takes the registry with it.
    let done = tokio::task::spawn_blocking(move || work(&state)).await;
    Some(done.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into())))
}
