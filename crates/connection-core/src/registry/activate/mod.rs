//! Activates a kind once per registration, on the plugins' runtime, contained. No caller waits for it.
//!
//! The task holds no registry. If the host drops the registry, the task ends with it. The plugin gets a handle to the
//! services of this machine. In a setup, each call through the handle is an effect of the session; see
//! `setup/current_run.rs`.

mod handle;

use std::{sync::Arc, time::Duration};

use connection_contract::ConnectionError;

use crate::{
    contain::{Contained, contain, until},
    ground::Ground,
    kinds::KindEntry,
};

/// The deadline of an activation, which should need no network.
const MAX_DURATION: Duration = Duration::from_secs(60);
/// A plugin that still runs after this extra time blocks its thread, which cannot be interrupted.
const GRACE: Duration = Duration::from_secs(1);

/// Gives a kind its handle, in the background. A failure is logged.
pub(crate) fn activate(ground: &Arc<Ground>, entry: &Arc<KindEntry>, owner: &Arc<str>) {
    let host = handle::services(ground, entry, owner);
    let definition = entry.definition.clone();
    let kind = entry.kind().clone();
    let clock = ground.clock.clone();
    let time = clock.clone();
    let task = async move { contain(&*time, MAX_DURATION, || definition.activate(host), || false, || {}).await };
    let launched = ground.runtimes.launch(task);
    let watched = ground.runtimes.spawn(async move {
        let ended = match until(clock.sleep(MAX_DURATION + GRACE), launched).await {
            Contained::Ended(ended) => ended,
            Contained::Panicked => Contained::Panicked,
            Contained::Stopped | Contained::TimedOut => Contained::TimedOut,
        };
        // Only a class is logged, because the plugin's error text may hold anything.
        let why = match ended {
            Contained::Ended(Ok(())) => {
                tracing::debug!(%kind, "activated");
                return;
            }
            Contained::Ended(Err(error)) => class(&error),
            Contained::Panicked => "plugin_panicked",
            Contained::Stopped | Contained::TimedOut => "plugin_timeout",
        };
        tracing::warn!(%kind, why, "a kind could not be activated; it stays registered");
    });
    entry.activation.begin(watched.abort_handle());
}

fn class(error: &ConnectionError) -> &'static str {
    match error {
        ConnectionError::Credential(_) => "credential",
        ConnectionError::NotLive(_) => "not_live",
        ConnectionError::Service(_) => "service",
        _ => "plugin_fault",
    }
}
