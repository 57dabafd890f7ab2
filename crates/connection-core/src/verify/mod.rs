//! Verification of connections: one probe at a time per connection, on a task of its own.
//!
//! A caller that requests a verification during a probe receives the result of that probe. A removal ends the probe,
//! and the result of a superseded probe is not stored.

mod commit;
mod flights;
pub(crate) mod lag;
mod measure;
mod probe;
mod probe_permits;
#[cfg(test)]
mod tests;

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, StoreError,
    credential::{Opened, open},
    refresh::{self, RefreshResult, Trigger},
};

pub(crate) use flights::Flights;
pub(crate) use probe::{ProbeTrigger, probe};
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

/// The maximum number of times that the information is read again because a newer credential was stored.
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
