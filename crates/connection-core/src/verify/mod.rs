//! Verification of connections: one probe at a time per connection, on a task of its own.
//!
//! A caller that requests a verification during a probe receives the result of that probe. A removal ends the probe,
//! and the result of a superseded probe is not stored.

mod commit;
mod identity;
pub(crate) mod lag;
mod measure;
mod probe;
mod probe_permits;
pub(crate) mod refused_use;
mod system;

use connection_contract::{Liveness, reason};

use crate::{
    ConnectionId, ConnectionInfo, Error, LivenessChange,
    credential::read_shown,
    ground::Scope,
    liveness::column,
    refresh::{self, RefreshResult, Trigger},
};

use commit::Known;
pub(crate) use probe::{ProbeTrigger, probe};
pub(crate) use probe_permits::{ProbeLimits, ProbePermit, ProbePermits};
pub(crate) use system::System;

type Result<T> = std::result::Result<T, Error>;

/// Verifies the connection, or waits for the probe in progress. During a pause that the provider asked for, it is asked only
/// by the scheduler, whose row is due, and by [`ProbeTrigger::HostNow`]; any other caller gets what is stored. The permit is
/// free again as soon as the provider has answered, so that the next probe does not wait until the result is stored. The
/// scheduler alone gets a result without the provider's own words.
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
    let info = system.probes.join(&system.ground.runtimes, id, task).await?;
    match asker {
        ProbeTrigger::Host | ProbeTrigger::HostNow => system.ground.with_words(info).await,
        ProbeTrigger::Schedule | ProbeTrigger::Use => Ok(info),
    }
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
    // A refresh that precedes the probe stores a result of its own.
    let known = Known::of(&before.read.listed);
    let mut looked = measure::measure(scope, &kind, before, asker).await?;
    if kind.renews() && looked.is_refused() {
        let why = match asker {
            // No pause holds up a person, unless a refresh made the credential a moment ago.
            ProbeTrigger::HostNow if !looked.is_refused_while_fresh() => Trigger::Requested,
            _ => Trigger::Refused,
        };
        let renewed = refresh::refresh(scope.on(&system.refresh), id, looked.before.generation(), why).await;
        match renewed.map(|landed| landed.renewed) {
            Ok(RefreshResult::Current { .. }) => {
                let before = read_shown(&system.ground, scope.owner, id).await?;
                looked = measure::measure(scope, &kind, before, asker).await?;
            }
            // A refused credential that cannot be renewed is probed again later.
            Ok(RefreshResult::ByOtherProcess | RefreshResult::NothingToRenew) => {}
            Ok(RefreshResult::NotDue) => {
                let plan = read_shown(&system.ground, scope.owner, id).await?.read.plan();
                looked.wait_for_refresh(plan);
            }
            // The credential is refused, or the provider could not be asked to refresh it.
            Err(Error::NotRenewed { why, .. }) => looked.set_not_renewed(*why),
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
    commit::commit(scope, &kind, looked, known, asker).await
}

/// Tells a change of the liveness of a connection, whose state before is `before`. If the provider accepts an application that
/// it refused then, its other connections are tried again.
fn tell(system: &System, before: &ConnectionInfo, change: &LivenessChange) {
    let liveness = column::liveness(change.liveness);
    tracing::info!(connection = %before.id, kind = %before.kind, liveness, "liveness changed");
    system.ground.subscriptions.publish(change);
    let was_refused = before.reason.as_ref().is_some_and(|why| reason::is_application_refused(&why.code));
    if was_refused && change.liveness == Liveness::Live {
        system.ground.try_applications_again(Some(before.kind.clone()));
    }
}
