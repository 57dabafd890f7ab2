//! Verification of connections: one probe at a time per connection, on a task of its own.
//!
//! A caller that asks during a probe receives the result of that probe. A removal ends the probe, and the result of a
//! superseded probe is not stored.

mod commit;
mod flights;
pub(crate) mod lag;
mod measure;
mod probe;
mod probe_permits;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use connection_contract::{NotLive, Reason, reason};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, SealError, StoreError,
    connection::Payload,
    guard::{self, RowError},
    limits,
    refresh::{self, RefreshResult, Trigger, plan::Plan},
    registry::Shared,
    store::{InUseRow, Reader, rows::ListedRow},
};

pub(crate) use flights::Flights;
pub(crate) use probe::{HostServices, ProbeTrigger, Subject, probe};
pub(crate) use probe_permits::{ProbeLimits, ProbePermit as ProbePlace, ProbePermits};

type Result<T> = std::result::Result<T, Error>;

/// Verifies the connection, or waits for the probe in progress.
pub(crate) async fn verify(
    registry: &ConnectionRegistry,
    id: ConnectionId,
    asker: ProbeTrigger,
) -> Result<ConnectionInfo> {
    let shared = &registry.shared;
    let task = || {
        let registry = registry.clone();
        async move { run(&registry, id, asker).await }
    };
    shared.flights.join(&shared.runtimes, id, task).await
}

async fn run(registry: &ConnectionRegistry, id: ConnectionId, asker: ProbeTrigger) -> Result<ConnectionInfo> {
    let shared = &registry.shared;
    let before = match registry.seen(id).await {
        Err(Error::NotFound(id)) => {
            // The stream also ends if another process removed the connection, or if the subscription came after the
            // removal.
            shared.subscriptions.end(id);
            return Err(Error::NotFound(id));
        }
        before => before?,
    };
    let kind = &before.info.kind;
    let kind = shared.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
    let was = before.info.liveness;
    let mut looked = measure::measure(registry, &kind, before, asker).await?;
    if kind.renews() && looked.is_refused() {
        let renewed = refresh::refresh(registry, id, looked.before.generation(), Trigger::Refused).await;
        match renewed.map(|landed| landed.renewed) {
            Ok(RefreshResult::Current(_)) => {
                let before = registry.seen(id).await?;
                looked = measure::measure(registry, &kind, before, asker).await?;
            }
            Ok(RefreshResult::ByOtherProcess | RefreshResult::NotDue) => {}
            // The credential is refused, or the provider could not be asked to refresh it.
            Err(Error::NotRenewed { why, .. }) => looked.probed = (*why).into(),
            Err(error) => return Err(error),
        }
    }
    if looked.is_refused_while_fresh() {
        lag::pause(&*shared.clock).await;
        let before = registry.seen(id).await?;
        looked = measure::measure(registry, &kind, before, asker).await?;
        lag::probe_again(&mut looked, was);
    }
    commit::commit(registry, &kind, looked).await
}

fn unreadable() -> NotLive {
    let reason = Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be read");
    NotLive::failing(reason.remedy("authorize this connection again"))
}

/// The current credential of a connection, opened.
pub(crate) struct Opened {
    pub(crate) generation: i64,
    pub(crate) payload: std::result::Result<Payload, Unopened>,
    pub(crate) plan: Plan,
}

/// The reason why the stored credential is not used.
#[derive(Clone, Debug)]
pub(crate) enum Unopened {
    /// The row of the connection differs from what its newest event says: it was edited or restored.
    Row(RowError),
    /// The sealed data cannot be opened: it was moved, restored or edited, or was sealed with another key.
    Sealed(SealError),
}

impl Unopened {
    pub(crate) fn error(self, id: ConnectionId) -> Error {
        match self {
            Self::Row(error) => error.into(),
            Self::Sealed(source) => Error::Sealed { what: format!("connection {id}"), source: Arc::new(source) },
        }
    }

    /// Returns the reason as a state of the connection.
    pub(crate) fn not_live(&self) -> NotLive {
        match self {
            Self::Row(error) => {
                let reason = Reason::new(error.code(), error.to_string());
                NotLive::failing(reason.remedy(error.remedy()))
            }
            Self::Sealed(_) => unreadable(),
        }
    }
}

/// Maximum number of times that the information is read again for a newer credential.
const ATTEMPTS: usize = 3;

/// Opens the current credential and returns it with the matching information, because account and configuration change
/// with the credential, even between two reads. `info` and `generation` were read before.
pub(crate) async fn open_as_one(
    registry: &ConnectionRegistry,
    mut info: ConnectionInfo,
    mut generation: i64,
) -> Result<(ConnectionInfo, Opened)> {
    for _ in 0..ATTEMPTS {
        let opened = open(&registry.shared, &info).await?;
        if opened.generation == generation {
            return Ok((info, opened));
        }
        (info, generation) = registry.info_and_generation(info.id).await?;
    }
    Err(StoreError::Conflict { what: "generation of a connection".into() }.into())
}

/// A connection as hosts see it, with the rows that were read.
pub(crate) struct ShownConnection {
    pub(crate) info: ConnectionInfo,
    pub(crate) read: Read,
}

impl ShownConnection {
    /// Returns the generation of the current credential.
    pub(crate) fn generation(&self) -> i64 {
        self.read.generation()
    }
}

/// A connection with its current credential, still sealed, read by one statement.
pub(crate) struct Read {
    /// The connection as in a list.
    pub(crate) listed: ListedRow,
    /// `None` if the row of the credential is missing or cannot be read.
    in_use: Option<InUseRow>,
}

impl Read {
    /// Returns the generation of the current credential.
    pub(crate) fn generation(&self) -> i64 {
        self.listed.account.generation
    }

    /// Returns the refresh plan; `None` without a credential row that can be read.
    pub(crate) fn plan(&self) -> Option<Plan> {
        self.in_use.as_ref().map(|row| Plan::of(&row.credential))
    }

    /// Returns the names of the secrets in the credential, as JSON.
    fn secret_names(&self) -> Option<&str> {
        self.in_use.as_ref().map(|row| &*row.credential.secret_names)
    }

    /// Returns `true` if a probe that found these secret names, and otherwise the stored facts, only has to store its
    /// time: there are no names to correct and no previous credential to delete.
    fn is_unchanged(&self, secret_names: Option<&str>, now: i64) -> bool {
        let Some(row) = &self.in_use else { return false };
        let is_kept = |replaced_at: i64| replaced_at > now.saturating_sub(limits::PREVIOUS_KEPT);
        secret_names.is_none_or(|names| names == row.credential.secret_names) && row.previous_since.is_none_or(is_kept)
    }
}

/// Reads a connection and its current credential.
///
/// # Errors
///
/// [`Error::NotFound`], and the store's errors.
pub(crate) async fn read(shared: &Shared, id: ConnectionId) -> Result<Read> {
    let mut reader = shared.reader().await?;
    if let Some(row) = readable(&mut reader, id).await? {
        return Ok(Read { listed: row.listed(), in_use: Some(row) });
    }
    let listed = reader.listed(id).await?.ok_or(Error::NotFound(id))?;
    // Another credential may have been stored before the account was read. Its row is then found by the second read.
    match readable(&mut reader, id).await? {
        Some(row) => Ok(Read { listed: row.listed(), in_use: Some(row) }),
        None => Ok(Read { listed, in_use: None }),
    }
}

/// Reads the current credential and opens it.
pub(crate) async fn open(shared: &Arc<Shared>, info: &ConnectionInfo) -> Result<Opened> {
    open_read(shared, info, &read(shared, info.id).await?).await
}

/// Opens a credential that was read. The sealed data is bound to the owner and the kind of `info` and to the
/// generation, and the row of the connection is compared with the newest event, so an edit of either is detected.
pub(crate) async fn open_read(shared: &Arc<Shared>, info: &ConnectionInfo, read: &Read) -> Result<Opened> {
    let Some(InUseRow { credential: row, standing, .. }) = &read.in_use else {
        let payload = Err(Unopened::Sealed(SealError::Tampered { table: "connection_credential" }));
        return Ok(Opened { generation: read.generation(), payload, plan: Plan::default() });
    };
    let place = Payload::place(&info.id, &info.owner, &info.kind, row.generation);
    let opened = shared.sealer.open(&place, &row.sealed).await;
    // The data was authentic, so if it cannot be decoded, a later version wrote it.
    let payload = opened.and_then(|bytes| Payload::decode(bytes.expose()).ok_or(SealError::UnknownFormat));
    if let Err(error) = &payload {
        tracing::warn!(connection = %info.id, kind = %info.kind, %error, "a credential cannot be opened");
        // If the key may be available again soon, the connection is not marked as failing.
        if error.may_pass() {
            let what = format!("connection {}", info.id);
            return Err(Error::Sealed { what, source: Arc::new(error.clone()) });
        }
    }
    let payload = payload.map_err(Unopened::Sealed).and_then(|payload| {
        guard::refused(&shared.sealer, standing).map_or(Ok(payload), |error| Err(Unopened::Row(error)))
    });
    if let Err(Unopened::Row(error)) = &payload {
        tracing::warn!(
            connection = %info.id, kind = %info.kind, %error,
            "a connection is refused because its row was changed"
        );
    }
    Ok(Opened { generation: row.generation, payload, plan: Plan::of(row) })
}

/// Reads the row of the current credential. A corrupt row counts as missing.
async fn readable(reader: &mut Reader, id: ConnectionId) -> Result<Option<InUseRow>> {
    match reader.in_use(id).await {
        Err(StoreError::Corrupt { .. }) => Ok(None),
        row => Ok(row?),
    }
}
