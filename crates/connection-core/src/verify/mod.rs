//! Verification of connections: one probe at a time per connection, on a task of its own.
//!
//! A caller that requests a verification during a probe receives the result of that probe. A removal ends the probe,
//! and the result of a superseded probe is not stored.

mod commit;
pub(crate) mod lag;
mod measure;
mod probe;
mod probe_permits;
pub(crate) mod refused_use;
mod system;

use crate::{
    ConnectionId, ConnectionInfo, Error,
    credential::read_shown,
    ground::Scope,
    refresh::{self, RefreshResult, Trigger},
};

pub(crate) use probe::{ProbeTrigger, probe};
pub(crate) use probe_permits::{ProbeLimits, ProbePermit, ProbePermits};
pub(crate) use system::System;

type Result<T> = std::result::Result<T, Error>;

/// Verifies the connection, or waits for the probe in progress. During a pause that the provider asked for, it is asked only
/// by the scheduler, whose row is due, and by [`ProbeTrigger::HostNow`]; any other caller gets what is stored. The permit is free again as soon as the provider has
/// answered, so that the next probe does not wait until the result is stored.
pub(crate) async fn verify(
    scope: Scope<'_, System>,
    id: ConnectionId,
    asker: ProbeTrigger,
    permit: Option<ProbePermit>,
) -> Result<ConnectionInfo> {
    let system = scope.system;
    let task = || {
        let scope = scope.owned();
        async move { run(scope.as_scope(), id, asker, permit).await }
    };
    system.probes.join(&system.ground.runtimes, id, task).await
}

async fn run(
    scope: Scope<'_, System>,
    id: ConnectionId,
    asker: ProbeTrigger,
    permit: Option<ProbePermit>,
) -> Result<ConnectionInfo> {
    let system = scope.system;
    let before = match read_shown(&system.ground, scope.owner, id).await {
        Err(Error::NotFound(id)) => {
            // The stream also ends if another process removed the connection, or if the subscription came after the
            // removal.
            system.ground.subscriptions.end(id);
            return Err(Error::NotFound(id));
        }
        before => before?,
    };
    if asker == ProbeTrigger::Host && before.info.paused_until.is_some() {
        return Ok(before.info);
    }
    let kind = before.kind()?;
    let was = before.info.liveness;
    let mut looked = measure::measure(scope, &kind, before, asker).await?;
    if kind.renews() && looked.is_refused() {
        let renewed =
            refresh::refresh(scope.on(&system.refresh), id, looked.before.generation(), Trigger::Refused).await;
        match renewed.map(|landed| landed.renewed) {
            Ok(RefreshResult::Current { .. }) => {
                let before = read_shown(&system.ground, scope.owner, id).await?;
                looked = measure::measure(scope, &kind, before, asker).await?;
            }
            Ok(RefreshResult::ByOtherProcess) => {}
            Ok(RefreshResult::NotDue) => {
                let plan = read_shown(&system.ground, scope.owner, id).await?.read.plan();
                looked.wait_for_refresh(plan);
            }
            // The credential is refused, or the provider could not be asked to refresh it.
            Err(Error::NotRenewed { why, .. }) => looked.probed = (*why).into(),
            Err(error) => return Err(error),
        }
    }
    if looked.is_refused_while_fresh() {
        lag::pause(&*system.ground.clock).await;
        let before = read_shown(&system.ground, scope.owner, id).await?;
        looked = measure::measure(scope, &kind, before, asker).await?;
        lag::probe_again(&mut looked, was);
    }
    drop(permit);
    commit::commit(scope, &kind, looked).await
}
