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

use connection_contract::NotLive;

use crate::{ConnectionId, ConnectionRegistry, Error, StoreError};

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
) -> Result<Renewed, Error> {
    let shared = &registry.shared;
    for _ in 0..ROUNDS {
        let task = fly(registry.clone(), id, seen, why);
        match shared.refreshes.join(&shared.runtimes, id, task).await? {
            Renewed::Elsewhere if why != Why::Due => {}
            // It was of a credential before that one.
            Renewed::To(generation) if generation == seen => {}
            renewed => return Ok(renewed),
        }
    }
    Err(StoreError::Conflict { what: "generation of a connection".into() }.into())
}

/// As [`renew`], behind the caller's back.
pub(crate) fn start(registry: &ConnectionRegistry, id: ConnectionId, seen: i64) {
    let shared = &registry.shared;
    shared.refreshes.start(&shared.runtimes, id, fly(registry.clone(), id, seen, Why::Due));
}

fn not_renewed(kind: &connection_contract::Kind, why: NotLive) -> Error {
    Error::NotRenewed { kind: kind.clone(), why: Box::new(why) }
}
