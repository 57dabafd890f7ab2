//! Refreshes credentials before they end: one refresh at a time per connection, over all processes.
//!
//! Within a process, a caller joins the refresh in progress. Between processes, a lease on the row decides, judged by
//! the database's clock. While the old credential works, no caller waits. Each refresh runs on a task of its own, and a
//! holder of the lease, alive or dead, delays others no longer than the lease. A caller names the generation that it
//! used, so that a credential that was refreshed since then is not refreshed again. See `docs/design/refresh.md`.

mod attempt;
mod commit;
mod failure;
mod kept;
mod lease;
mod nothing;
mod outcome;
mod refusal;
mod run;
mod system;
mod target;
#[cfg(test)]
mod tests;
mod unreadable;

use std::sync::Arc;

use connection_contract::NotLive;

use crate::{
    ConnectionId, Error,
    credential::{ReadConnection, Stored},
    ground::{OwnedScope, Scope},
    store::ConflictRetries,
};

pub(crate) use outcome::Counts;
pub use outcome::{RefreshOutcome, RefreshOutcomes, RefreshedConnection};
use run::run;
pub(crate) use system::System;

/// The reason to refresh a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The credential is due and may still work, so the caller need not wait for another process.
    Due,
    /// The provider refused the credential.
    Refused,
    /// A caller asked for a refresh, which ignores pauses and earlier refusals. A token that was restored from a backup is
    /// not sent.
    Requested,
    /// Like [`Requested`](Self::Requested), but also for a restored token.
    Forced,
}

/// The state after a refresh that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshResult {
    /// The credential of this generation is current, whichever process made it.
    Current { generation: i64, outcome: RefreshOutcome },
    /// Another process is refreshing the credential, which still works.
    ByOtherProcess,
    /// The credential is not to be refreshed now. Nothing was done.
    NotDue,
    /// The credential works until its end and has nothing to renew. Nobody was asked.
    NothingToRenew,
}

/// The result of a refresh for all its waiters.
#[derive(Clone)]
pub(crate) struct FlightResult {
    pub(crate) renewed: RefreshResult,
    /// The connection as it was read after the refresh, if it has another credential and could be read.
    pub(crate) row: Option<Arc<ReadConnection>>,
}

/// Refreshes the credential of this generation, or waits for the refresh in progress.
///
/// # Errors
///
/// [`Error::NotRenewed`] if the refresh failed and the old credential is still current, and the store's errors.
pub(crate) async fn refresh(
    scope: Scope<'_, System>,
    id: ConnectionId,
    seen: i64,
    why: Trigger,
) -> Result<FlightResult, Error> {
    join(scope, id, Some(seen), why).await
}

/// Refreshes as [`refresh`] does, but the credential that is current when the refresh begins.
pub(crate) async fn refresh_current(
    scope: Scope<'_, System>,
    id: ConnectionId,
    why: Trigger,
) -> Result<FlightResult, Error> {
    join(scope, id, None, why).await
}

async fn join(
    scope: Scope<'_, System>,
    id: ConnectionId,
    seen: Option<i64>,
    why: Trigger,
) -> Result<FlightResult, Error> {
    let system = scope.system;
    let mut retries = ConflictRetries::of("credential of a connection");
    loop {
        retries.begin_attempt()?;
        let landed =
            system.refreshes.join(&system.ground.runtimes, id, || finish_flight(scope.owned(), id, seen, why)).await?;
        match landed.renewed {
            RefreshResult::ByOtherProcess if why != Trigger::Due => {}
            // The refresh in progress replaced an older credential.
            RefreshResult::Current { generation, .. } if seen == Some(generation) => {}
            _ => return Ok(landed),
        }
    }
}

/// Begins a refresh in the background, without waiting for it.
pub(crate) fn start(scope: Scope<'_, System>, id: ConnectionId, seen: i64) {
    let system = scope.system;
    system.refreshes.start(&system.ground.runtimes, id, || finish_flight(scope.owned(), id, Some(seen), Trigger::Due));
}

/// Refreshes, and reads the row once for all waiters.
async fn finish_flight(
    scope: OwnedScope<System>,
    id: ConnectionId,
    seen: Option<i64>,
    why: Trigger,
) -> Result<FlightResult, Error> {
    let renewed = run(scope.as_scope(), id, seen, why).await?;
    let row = match renewed {
        // If the row cannot be read here, each waiter reads it.
        RefreshResult::Current { .. } => {
            let system = &scope.system;
            system.credential.hot.reread(&Stored::with_id(&system.ground, &scope.owner, id)).await.ok()
        }
        RefreshResult::ByOtherProcess | RefreshResult::NotDue | RefreshResult::NothingToRenew => None,
    };
    Ok(FlightResult { renewed, row })
}

fn not_renewed(kind: &connection_contract::Kind, why: NotLive) -> Error {
    Error::NotRenewed { kind: kind.clone(), why: Box::new(why) }
}
