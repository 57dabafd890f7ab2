//! Renews credentials before they die: one refresh at a time per connection, over all processes.
//!
//! In a process whoever asks joins the refresh under way; between processes a lease on the row decides, judged by the
//! database's clock. While the old credential works nobody waits. Each refresh runs on a task of its own, and whoever is
//! behind it, alive or dead, holds nobody longer than the lease. A caller brings the generation that it used: what was
//! renewed since is not renewed again. See `docs/design/refresh.md`.

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

/// Why a credential is to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its time has come, and it may still work: whoever asks need not wait for another process.
    Due,
    /// Its provider refused it.
    Refused,
    /// Somebody asked for it, pause or not. What its provider has ended for good is not sent again.
    Asked,
    /// As [`Asked`](Self::Asked), also where its provider has ended it.
    Forced,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    /// The credential of this generation is current, whoever made it.
    To(i64),
    /// Another process is at it, and the old one works meanwhile.
    Elsewhere,
    /// It is not to be renewed now; nothing was done.
    NotNow,
}

/// What a refresh hands to everybody who waited for it.
#[derive(Clone)]
pub(crate) struct Landed {
    pub(crate) renewed: Renewed,
    /// The connection as it was read after the refresh, where there is another credential and it could be read.
    pub(crate) row: Option<Arc<Known>>,
}

/// Renews the credential of this generation, or waits for whoever does.
///
/// # Errors
///
/// [`Error::NotRenewed`] when that failed and the old one is still the current one, and the store's.
pub(crate) async fn renew(
    registry: &ConnectionRegistry,
    id: ConnectionId,
    seen: i64,
    why: Why,
) -> Result<Landed, Error> {
    join(registry, id, Some(seen), why).await
}

/// As [`renew`], of the credential that is current when the refresh begins.
pub(crate) async fn renew_current(registry: &ConnectionRegistry, id: ConnectionId, why: Why) -> Result<Landed, Error> {
    join(registry, id, None, why).await
}

async fn join(registry: &ConnectionRegistry, id: ConnectionId, seen: Option<i64>, why: Why) -> Result<Landed, Error> {
    let shared = &registry.shared;
    for _ in 0..ROUNDS {
        let landed = shared.refreshes.join(&shared.runtimes, id, || land(registry.clone(), id, seen, why)).await?;
        match landed.renewed {
            Renewed::Elsewhere if why != Why::Due => {}
            // It was of a credential before that one.
            Renewed::To(generation) if seen == Some(generation) => {}
            _ => return Ok(landed),
        }
    }
    Err(StoreError::Conflict { what: "generation of a connection".into() }.into())
}

/// As [`renew`], behind the caller's back.
pub(crate) fn start(registry: &ConnectionRegistry, id: ConnectionId, seen: i64) {
    let shared = &registry.shared;
    shared.refreshes.start(&shared.runtimes, id, || land(registry.clone(), id, Some(seen), Why::Due));
}

/// Refreshes, and reads the row once for all who wait.
async fn land(registry: ConnectionRegistry, id: ConnectionId, seen: Option<i64>, why: Why) -> Result<Landed, Error> {
    let renewed = fly(&registry, id, seen, why).await?;
    let row = match renewed {
        // Who waits reads by itself what could not be read here.
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
