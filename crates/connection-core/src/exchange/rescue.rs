//! Answers that could not be recorded: each in a sealed file, until it can be.
//!
//! ```text
//! "CNXR" 4 | version 1 | whose 1 (1 connection, 2 session) | id 16 | the sealed answer
//! ```
//!
//! It is sealed for its row, so that it opens for that exchange alone. One that does not open is left, and said; what it
//! answers is not sent again, since there was an answer. While the directory cannot be read nothing is sent either, and
//! nothing is decided.

use std::{io, sync::Arc};

use connection_contract::Kind;
use uuid::Uuid;

use super::{ExchangeKey, Scope, StateDirectory, answer};
use crate::{
    Error, StoreError,
    ids::{ConnectionId, SessionId},
    platform::Unreadable,
    registry::Shared,
    seal::Sealed,
    store::Lock,
};

const MAGIC: [u8; 5] = *b"CNXR\x01";

/// What a look at a node's files gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rescue {
    Nothing,
    /// The row holds it now.
    Ingested,
    /// There was an answer, and nobody can read it.
    Damaged,
}

/// Keeps an answer in a file. Best effort: it is in memory, too.
pub(super) async fn write(shared: &Arc<Shared>, key: ExchangeKey, scope: Scope, sealed: &Sealed) {
    let (tag, id) = match scope {
        Scope::Connection(id) => (1, *id.as_bytes()),
        Scope::Session(id) => (2, *id.as_bytes()),
    };
    let bytes = [&MAGIC[..], &[tag], &id, sealed.as_bytes()].concat();
    match blocking(shared, move |state| state.write_rescue(key, &bytes)).await {
        None | Some(Ok(())) => {}
        Some(Err(error)) => tracing::warn!(%error, "an answer that cannot be recorded cannot be kept in a file either"),
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
            Ok(Rescue::Ingested) => tracing::info!("an answer that could not be recorded is recorded now"),
            Ok(_) => {}
            Err(error) => tracing::warn!(code = error.code(), "an answer in a file cannot be recorded now"),
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
    let Some((scope, sealed)) = parse(&bytes) else {
        return Ok(damaged(shared, key, "it is not one that this program writes"));
    };
    let Some((owner, kind)) = whose(shared, scope).await? else {
        // What it belongs to is gone.
        remove(shared, key).await;
        return Ok(Rescue::Nothing);
    };
    let place = answer::place(&key, &owner, kind.as_str());
    let failed = |source| Error::Sealed { what: format!("the answer to {key:?}"), source: Arc::new(source) };
    let plain = match shared.sealer.open(&place, &sealed).await {
        Err(error) if error.may_pass() => return Err(failed(error)),
        Err(error) => return Ok(damaged(shared, key, &error.to_string())),
        Ok(plain) => plain,
    };
    // With the keys of today.
    let fresh = shared.sealer.seal(&place, plain.expose()).await.map_err(failed)?;
    let written = shared.store.write(move |tx| {
        Box::pin(async move {
            match scope {
                Scope::Connection(id) => tx.lock(Lock::Connection(id)).await?,
                Scope::Session(id) => tx.lock(Lock::Setup(id)).await?,
            }
            match tx.exchange(key).await? {
                Some(row) if row.sealed.is_some() => Ok(Some(false)),
                Some(_) => tx.answer_exchange(key, &fresh).await.map(Some),
                None if asks => tx.insert_answer(key, scope, &fresh).await.map(Some),
                None => Ok(None),
            }
        })
    });
    match written.await? {
        // It is of an exchange that is not noted any more, unless somebody asks for it again.
        None => Ok(Rescue::Nothing),
        Some(ingested) => {
            remove(shared, key).await;
            Ok(if ingested || asks { Rescue::Ingested } else { Rescue::Nothing })
        }
    }
}

fn file(shared: &Shared, key: ExchangeKey) -> String {
    shared.state.as_ref().map(|state| state.rescue(key).display().to_string()).unwrap_or_default()
}

fn unavailable(shared: &Shared, key: ExchangeKey, error: &io::Error) -> StoreError {
    StoreError::Unavailable { place: file(shared, key), detail: error.to_string() }
}

fn damaged(shared: &Shared, key: ExchangeKey, why: &str) -> Rescue {
    tracing::warn!(file = file(shared, key), why, "a file with an answer does not open, and is left");
    Rescue::Damaged
}

fn parse(bytes: &[u8]) -> Option<(Scope, Sealed)> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let ([tag], rest) = rest.split_first_chunk()?;
    let (id, sealed) = rest.split_first_chunk()?;
    let id = Uuid::from_bytes(*id);
    let scope = match tag {
        1 => Scope::Connection(ConnectionId::from(id)),
        2 => Scope::Session(SessionId::from(id)),
        _ => return None,
    };
    Some((scope, Sealed::of_file(sealed)))
}

async fn whose(shared: &Shared, scope: Scope) -> Result<Option<(String, Kind)>, Error> {
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
