//! Refreshes credentials before they end: one refresh at a time per connection, over all processes.
//!
//! Within a process, a caller joins the refresh in progress. Between processes, a lease on the row decides, judged by
//! the database's clock. While the old credential works, no caller waits. Each refresh runs on a task of its own, and a
//! holder of the lease, alive or dead, delays others no longer than the lease. A caller names the generation that it
//! used, so that a credential that was refreshed since then is not refreshed again. See `docs/design/refresh.md`.

mod attempt;
mod commit;
mod failure;
mod flight;
mod lease;
mod outcome;
pub(crate) mod plan;
mod scheduler;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use connection_contract::NotLive;

use crate::{
    ConnectionId, ConnectionRegistry, Error, StoreError,
    connection::{Known, Stored},
};

use flight::{ROUNDS, fly};
pub(crate) use outcome::Counts;
pub use outcome::{RefreshOutcome, RefreshOutcomes};

/// The reason to refresh a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The credential is due and may still work, so the caller need not wait for another process.
    Due,
    /// The provider refused the credential.
    Refused,
    /// A caller asked for a refresh, which ignores pauses. A credential that the provider refused permanently is not
    /// sent again.
    Asked,
    /// Like [`Asked`](Self::Asked), but also after a permanent refusal.
    Forced,
}

/// The result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    /// The credential of this generation is current, whichever process made it.
    To(i64),
    /// Another process is refreshing the credential, which still works.
    Elsewhere,
    /// The credential is not to be refreshed now. Nothing was done.
    NotNow,
}

/// The result of a refresh for all its waiters.
#[derive(Clone)]
pub(crate) struct Landed {
    pub(crate) renewed: Renewed,
    /// The connection as it was read after the refresh, if it has another credential and could be read.
    pub(crate) row: Option<Arc<Known>>,
}

/// Refreshes the credential of this generation, or waits for the refresh in progress.
///
/// # Errors
///
/// [`Error::NotRenewed`] if the refresh failed and the old credential is still current, and the store's errors.
pub(crate) async fn renew(
    registry: &ConnectionRegistry,
    id: ConnectionId,
    seen: i64,
    why: Why,
) -> Result<Landed, Error> {
    join(registry, id, Some(seen), why).await
}

/// Refreshes as [`renew`] does, but the credential that is current when the refresh begins.
pub(crate) async fn renew_current(registry: &ConnectionRegistry, id: ConnectionId, why: Why) -> Result<Landed, Error> {
    join(registry, id, None, why).await
}

async fn join(registry: &ConnectionRegistry, id: ConnectionId, seen: Option<i64>, why: Why) -> Result<Landed, Error> {
    let shared = &registry.shared;
    for _ in 0..ROUNDS {
        let landed = shared.refreshes.join(&shared.runtimes, id, || land(registry.clone(), id, seen, why)).await?;
        match landed.renewed {
            Renewed::Elsewhere if why != Why::Due => {}
            // The refresh in progress replaced an older credential.
            Renewed::To(generation) if seen == Some(generation) => {}
            _ => return Ok(landed),
        }
    }
    Err(StoreError::Conflict { what: "generation of a connection".into() }.into())
}

/// Begins a refresh in the background, without waiting for it.
pub(crate) fn start(registry: &ConnectionRegistry, id: ConnectionId, seen: i64) {
    let shared = &registry.shared;
    shared.refreshes.start(&shared.runtimes, id, || land(registry.clone(), id, Some(seen), Why::Due));
}

/// Refreshes, and reads the row once for all waiters.
async fn land(registry: ConnectionRegistry, id: ConnectionId, seen: Option<i64>, why: Why) -> Result<Landed, Error> {
    let renewed = fly(&registry, id, seen, why).await?;
    let row = match renewed {
        // If the row cannot be read here, each waiter reads it.
        Renewed::To(_) => {
            let (shared, owner) = (&registry.shared, &registry.owner);
            shared.hot.reread(&Stored::with_id(shared, owner, id)).await.ok()
        }
        Renewed::Elsewhere | Renewed::NotNow => None,
    };
    Ok(Landed { renewed, row })
}

fn not_renewed(kind: &connection_contract::Kind, why: NotLive) -> Error {
    Error::NotRenewed { kind: kind.clone(), why: Box::new(why) }
}
