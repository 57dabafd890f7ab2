//! Verification: one probe at a time per connection, on a task of its own.
//!
//! Who asks while a probe is under way waits for that one. A removal ends it, and what a superseded probe found is written
//! nowhere.

mod commit;
mod probe;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use connection_contract::{ConnectionError, NotLive, Reason, reason};
use tokio::{sync::watch, task::AbortHandle};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, connection::Payload, registry::Shared, seal::Place,
};

pub(crate) use probe::{HostServices, Subject, probe};

type Result<T> = std::result::Result<T, Error>;

/// A probe under way.
struct Flight {
    number: u64,
    result: watch::Receiver<Option<Result<ConnectionInfo>>>,
    task: AbortHandle,
}

/// The probes under way in this process.
#[derive(Default)]
pub(crate) struct Flights(Mutex<Table>);

#[derive(Default)]
struct Table {
    drawn: u64,
    flights: HashMap<ConnectionId, Flight>,
}

impl Flights {
    /// Ends the probe of a connection that goes.
    pub(crate) fn cancel(&self, id: ConnectionId) {
        if let Some(flight) = self.lock().flights.remove(&id) {
            flight.task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn land(&self, id: ConnectionId, number: u64) {
        let mut table = self.lock();
        if table.flights.get(&id).is_some_and(|flight| flight.number == number) {
            table.flights.remove(&id);
        }
    }
}

/// Verifies, or waits for the probe that is under way.
pub(crate) async fn verify(registry: &ConnectionRegistry, id: ConnectionId) -> Result<ConnectionInfo> {
    let mut result = board(registry, id);
    loop {
        if let Some(result) = result.borrow_and_update().as_ref() {
            return result.clone();
        }
        if result.changed().await.is_err() {
            // It was ended because the connection goes.
            return Err(Error::NotFound(id));
        }
    }
}

fn board(registry: &ConnectionRegistry, id: ConnectionId) -> watch::Receiver<Option<Result<ConnectionInfo>>> {
    let shared = &registry.shared;
    let mut table = shared.flights.lock();
    if let Some(flight) = table.flights.get(&id) {
        return flight.result.clone();
    }
    table.drawn += 1;
    let number = table.drawn;
    let (sender, result) = watch::channel(None);
    let registry = registry.clone();
    let task = shared.runtimes.spawn(async move {
        let found = fly(&registry, id).await;
        // First off the table, so that who asks from now on gets a probe of its own.
        registry.shared.flights.land(id, number);
        sender.send_replace(Some(found));
    });
    table.flights.insert(id, Flight { number, result: result.clone(), task: task.abort_handle() });
    result
}

async fn fly(registry: &ConnectionRegistry, id: ConnectionId) -> Result<ConnectionInfo> {
    let shared = &registry.shared;
    let before = registry.info(id).await?;
    let kind = shared.kinds.entry(&before.kind).ok_or_else(|| Error::UnknownKind(before.kind.clone()))?;
    let span = tracing::info_span!("verify", connection = %id, kind = %before.kind);
    let opened = open(shared, &before).await?;
    let generation = opened.generation;
    let found = match opened.payload {
        Some(payload) => {
            let (owner, config) = (before.owner.clone(), before.config.clone());
            let subject = Subject { id, owner, payload, config };
            use tracing::Instrument;
            probe(shared, &kind, subject).instrument(span).await
        }
        None => Ok(unreadable().into()),
    };
    let found = match found {
        Ok(found) => found,
        Err(ConnectionError::Credential(_)) => unreadable().into(),
        Err(ConnectionError::NotLive(not_live)) => not_live.into(),
        Err(source) => return Err(Error::Plugin { kind: before.kind, source }),
    };
    commit::commit(registry, &before, generation, found).await
}

fn unreadable() -> NotLive {
    let reason = Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be read");
    NotLive::failing(reason.remedy("remove this connection and connect again"))
}

/// The current credential of a connection.
pub(crate) struct Opened {
    pub(crate) generation: i64,
    /// `None` when what is stored does not open: moved, put back, edited, or sealed with another key.
    pub(crate) payload: Option<Payload>,
}

/// Opens the current credential. Sealed data goes with its row's owner, kind and generation, so an edit shows here.
pub(crate) async fn open(shared: &Arc<Shared>, info: &ConnectionInfo) -> Result<Opened> {
    let mut reader = shared.reader().await?;
    let Some(row) = reader.current_credential(info.id).await? else {
        let account = reader.account(info.id).await?.ok_or(Error::NotFound(info.id))?;
        return Ok(Opened { generation: account.generation, payload: None });
    };
    let place = Place::credential(&info.id, &info.owner, &info.kind, row.generation);
    let payload = match shared.sealer.open(&place, &row.sealed) {
        Ok(bytes) => Payload::decode(bytes.expose()),
        Err(error) => {
            tracing::warn!(connection = %info.id, kind = %info.kind, %error, "a credential does not open");
            None
        }
    };
    Ok(Opened { generation: row.generation, payload })
}
