//! Finds out whether a refresh can renew a credential, before the credential is stored. The plugin code runs contained.

use std::time::Duration;

use connection_contract::Secret;

use crate::{
    contain::{self, Contained},
    ground::Ground,
    kinds::KindEntry,
    plan::Renewal,
};

/// The longest time for the answer, which takes microseconds.
const MAX_DURATION: Duration = Duration::from_secs(10);

/// Returns what a refresh can do for a credential. If the plugin cannot say, a refresh is tried.
pub(crate) async fn renewal(ground: &Ground, kind: &KindEntry, credential: &Secret) -> Renewal {
    if !kind.renews() {
        return Renewal::Never;
    }
    let definition = kind.definition.clone();
    let credential = credential.duplicate();
    let task = async move { contain::call(move || definition.renews(&credential)) };
    match ground.runtimes.run(&*ground.clock, MAX_DURATION, task).await {
        Contained::Ended(Some(Ok(false))) => Renewal::Nothing,
        _ => Renewal::Renews,
    }
}
