//! Activates a kind once per registration, on the plugins' runtime, contained. No caller waits for it.
//!
//! The task holds no registry. If the host drops the registry, the task ends with it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use connection_contract::ConnectionError;
use tokio::task::AbortHandle;

use super::handle;
use crate::{
    contain::{Contained, contain, until},
    registry::{KindEntry, Shared},
};

/// The deadline of an activation, which should need no network.
const MAX_DURATION: Duration = Duration::from_secs(60);
/// A plugin that still runs after this extra time blocks its thread, which cannot be interrupted.
const GRACE: Duration = Duration::from_secs(1);

/// The state of the activation of a kind.
#[derive(Debug, Default)]
pub(crate) struct Activation(Mutex<Stage>);

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Before,
    Begun(AbortHandle),
    /// The kind is no longer registered.
    Over,
}

impl Activation {
    fn begin(&self, task: AbortHandle) {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *stage {
            // The kind was unregistered before the activation began.
            Stage::Over => task.abort(),
            Stage::Before | Stage::Begun(_) => *stage = Stage::Begun(task),
        }
    }

    /// Aborts a running activation and prevents a later one.
    pub(crate) fn end(&self) {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Stage::Begun(task) = &*stage {
            task.abort();
        }
        *stage = Stage::Over;
    }

    /// Returns `true` if the kind is no longer registered.
    pub(super) fn is_over(&self) -> bool {
        matches!(*self.0.lock().unwrap_or_else(PoisonError::into_inner), Stage::Over)
    }
}

/// Gives a kind its handle, in the background. A failure is logged.
pub(crate) fn activate(shared: &Arc<Shared>, entry: &Arc<KindEntry>, owner: &Arc<str>) {
    let host = handle::services(shared, entry, owner);
    let definition = entry.definition.clone();
    let kind = entry.kind().clone();
    let clock = shared.clock.clone();
    let time = clock.clone();
    let task = async move { contain(&*time, MAX_DURATION, || definition.activate(host), || false, || {}).await };
    let launched = shared.runtimes.launch(task);
    let watched = shared.runtimes.spawn(async move {
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
