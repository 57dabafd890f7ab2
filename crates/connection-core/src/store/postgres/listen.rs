//! Hears of changes by other processes: `LISTEN`, on a connection of its own, as long as somebody waits.
//!
//! Where it cannot be had (no connection left, a pooler in between), nothing is heard, and who waits looks by itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::{runtime::Handle, task::JoinHandle};

use super::super::changes::{Changed, Signals};

/// What the triggers send to; `migrations/postgres` holds them.
const CHANNEL: &str = "connection_changed";
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_secs(2);

/// The task that listens.
#[derive(Clone)]
pub(super) struct Ear {
    options: PgConnectOptions,
    task: Arc<Mutex<Hearing>>,
}

#[derive(Default)]
struct Hearing {
    task: Option<JoinHandle<()>>,
    closed: bool,
}

impl Ear {
    /// At the server itself: a pooler gives its connections to others after each transaction.
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, task: Arc::default() }
    }

    /// Begins to listen, unless it does. Whoever calls waits for signals already.
    pub(super) fn listen(&self, runtime: &Handle, signals: &Arc<Signals>) {
        let mut hearing = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if hearing.task.is_none() && !hearing.closed {
            hearing.task = Some(runtime.spawn(self.clone().run(signals.clone())));
        }
    }

    pub(super) async fn close(&self) {
        let task = {
            let mut hearing = self.task.lock().unwrap_or_else(PoisonError::into_inner);
            hearing.closed = true;
            hearing.task.take()
        };
        if let Some(task) = task {
            task.abort();
            // Aborted, or ended by itself.
            task.await.unwrap_or_default();
        }
    }

    async fn run(self, signals: Arc<Signals>) {
        loop {
            tokio::select! {
                () = signals.deserted() => {}
                Err(error) = hear(&self.options, &signals) => {
                    tracing::debug!(%error, "changes by other processes are not heard of");
                }
            }
            // Under the lock, so that whoever waits from now on begins another.
            {
                let mut hearing = self.task.lock().unwrap_or_else(PoisonError::into_inner);
                if signals.is_deserted() {
                    hearing.task = None;
                    return;
                }
            }
            tokio::select! {
                () = signals.deserted() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

/// Until it fails.
async fn hear(options: &PgConnectOptions, signals: &Signals) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
    let mut listener = PgListener::connect_with(&pool.connect_lazy_with(options.clone())).await?;
    listener.listen(CHANNEL).await?;
    // What was committed before is heard of by nobody.
    signals.publish(Changed::Something);
    loop {
        match listener.try_recv().await? {
            Some(signal) => signals.publish(Changed::parse(signal.payload())),
            // The connection was lost, and is there again.
            None => signals.publish(Changed::Something),
        }
    }
}
