//! Verification: one probe at a time per connection, on a task of its own.
//!
//! Who asks while a probe is under way waits for that one. A removal ends it, and what a superseded probe found is written
//! nowhere.

mod commit;
mod flights;
mod probe;

use std::sync::Arc;

use connection_contract::{ConnectionError, NotLive, Reason, reason};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, StoreError, connection::Payload, registry::Shared,
    seal::Place,
};

pub(crate) use flights::Flights;
pub(crate) use probe::{HostServices, Subject, probe};

type Result<T> = std::result::Result<T, Error>;

/// Verifies, or waits for the probe that is under way.
pub(crate) async fn verify(registry: &ConnectionRegistry, id: ConnectionId) -> Result<ConnectionInfo> {
    let shared = &registry.shared;
    let registry = registry.clone();
    shared.flights.join(&shared.runtimes, id, async move { fly(&registry, id).await }).await
}

async fn fly(registry: &ConnectionRegistry, id: ConnectionId) -> Result<ConnectionInfo> {
    let shared = &registry.shared;
    let before = match registry.info(id).await {
        Err(Error::NotFound(id)) => {
            // Also when another process removed it, or somebody subscribed after the removal.
            shared.subscriptions.end(id);
            return Err(Error::NotFound(id));
        }
        before => before?,
    };
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
    let row = match reader.current_credential(info.id).await {
        // A row that somebody broke is as good as one that does not open.
        Err(StoreError::Corrupt { .. }) => None,
        row => row?,
    };
    let Some(row) = row else {
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
