//! The health check of `serve`.

use std::time::Duration;

use connection_core::ConnectionRegistry;
use connection_server::Readiness;
use serde::Serialize;
use tokio::task::AbortHandle;

/// The time limit of a check. A store that takes longer is useless to clients.
const MAX_DURATION: Duration = Duration::from_secs(3);

/// The parts that are checked.
#[derive(Clone, Debug)]
pub(super) struct Health {
    registry: ConnectionRegistry,
    scheduler: AbortHandle,
    readiness: Readiness,
}

/// The shape of the answer, which anyone may read: it has no numbers and no names.
#[derive(Debug, Serialize)]
pub(super) struct HealthBody {
    ok: bool,
    reason: Option<&'static str>,
}

impl Health {
    pub(super) fn new(registry: ConnectionRegistry, scheduler: AbortHandle, readiness: Readiness) -> Self {
        Self { registry, scheduler, readiness }
    }

    /// Checks what only a new process mends: a scheduler that has ended, and a connection to the server of the store that
    /// is held long after its deadline. An outage of the store is no such thing.
    pub(super) fn look_at_process(&self) -> Result<(), &'static str> {
        // A server that was asked to stop has ended its scheduler.
        if self.scheduler.is_finished() && !self.readiness.is_draining() {
            return Err("scheduler");
        }
        if self.registry.store().is_stuck() { Err("stuck") } else { Ok(()) }
    }

    /// Checks the process and the store; `Err` is the reason for a failure.
    pub(super) async fn look(&self) -> Result<(), &'static str> {
        self.look_at_process()?;
        let clock = self.registry.clock();
        let answers = tokio::select! {
            biased;
            answers = self.registry.store().health() => answers,
            () = clock.sleep(MAX_DURATION) => false,
        };
        if answers { Ok(()) } else { Err("store") }
    }
}

impl From<Result<(), &'static str>> for HealthBody {
    fn from(found: Result<(), &'static str>) -> Self {
        Self { ok: found.is_ok(), reason: found.err() }
    }
}

#[cfg(test)]
mod tests {
    //! States that no test can bring a process into.

    use connection_core::KeyFile;
    use tokio::runtime::Handle;

    use super::*;

    #[tokio::test]
    async fn a_scheduler_that_has_ended_and_a_store_that_is_closed_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let builder = ConnectionRegistry::builder()
            .store(directory.path().join("connections.db").display().to_string())
            .key(KeyFile::at(directory.path().join("root.key")));
        let registry = builder.open().await.unwrap();
        let running = Handle::current().spawn(std::future::pending::<()>());
        let ended = Handle::current().spawn(async {});
        let after = ended.abort_handle();
        ended.await.unwrap();
        let readiness = Readiness::new();
        let health = |scheduler: &AbortHandle| Health::new(registry.clone(), scheduler.clone(), readiness.clone());
        assert_eq!(health(&running.abort_handle()).look().await, Ok(()));
        assert_eq!(
            (health(&after).look().await, health(&after).look_at_process()),
            (Err("scheduler"), Err("scheduler"))
        );
        readiness.drain();
        assert_eq!(health(&after).look().await, Ok(()));
        registry.close().await;
        let gone = health(&running.abort_handle());
        assert_eq!(
            (gone.look().await, gone.look_at_process()),
            (Err("store"), Ok(())),
            "a restart does not bring the store back"
        );
        running.abort();
    }
}
