//! A single run of the plugin's `setup`, from its start, through the journal, to the next wait or the end.

use std::{sync::Arc, time::Duration};

use connection_contract::{Secret, SetupContext, SetupFailure, SetupResult};
use connection_replay::Host as _;

use super::{
    System, current_run,
    effects::{Effects, Inner, services},
};
use crate::{
    contain::{Contained, contain_until, until},
    kinds::KindEntry,
};

/// Maximum time for which a plugin may work between two steps.
pub(crate) const MAX_RUN: Duration = Duration::from_secs(60);
/// Extra time after `MAX_RUN` before the task of a run is abandoned. Only a plugin that never yields needs it.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// The end of the plugin's code.
pub(super) type PluginResult = Contained<Result<SetupResult<Secret>, SetupFailure>>;

/// Runs the plugin, and returns the state of the run with the end of the plugin's code. Returns `None` if the plugin
/// spins.
pub(super) async fn run(
    system: &Arc<System>,
    kind: &Arc<KindEntry>,
    effects: Effects,
) -> Option<(Inner, PluginResult)> {
    let clock = system.ground.clock.clone();
    let definition = kind.definition.clone();
    let effects = Arc::new(effects);
    let run = effects.clone();
    let task = async move {
        let result = {
            let ctx = SetupContext::new(services(&run), &*run).with_further_scopes(run.host().further_scopes());
            let setup = || definition.setup(&ctx);
            let over = current_run::until_time_limit(&*clock, run.host(), MAX_RUN);
            current_run::with_current_run(
                run.clone(),
                contain_until(over, setup, || run.stopped(), || run.host().with_run(|run| run.end())),
            )
            .await
        };
        (run.host().over(), result)
    };
    let launched = system.ground.runtimes.launch(task);
    match until(current_run::until_time_limit(&*system.ground.clock, effects.host(), MAX_RUN + GRACE), launched).await {
        Contained::Ended(ran) => Some(ran),
        _ => None,
    }
}
