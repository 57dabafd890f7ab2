//! Listens for changes by other processes with `LISTEN`, on a separate connection, while somebody waits for them and a
//! short time longer.
//!
//! The connection is silent while nothing changes, so the server is asked whether it still answers.
//!
//! Without such a connection (the server has none left, or a pooler is in between), no signal arrives, and waiters read
//! at their own intervals.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::{
    runtime::Handle,
    task::JoinHandle,
    time::{error::Elapsed, timeout},
};

use super::super::signals::{Changed, Signals};

/// The channel of the triggers, which are in `migrations/postgres`.
const CHANNEL: &str = "connection_changed";
/// The time for which the connection is kept after the last waiter has left, because another one often follows.
const LINGER: Duration = Duration::from_secs(10);
/// The time between two attempts to connect. It does not grow: until the connection is there, waiters learn of changes
/// only when they poll.
const PAUSE: Duration = Duration::from_secs(2);
/// The maximum time in which the connection is made.
const MAX_CONNECT: Duration = Duration::from_secs(10);
/// The time without a signal after which the server is asked whether it still answers.
const SILENCE: Duration = Duration::from_secs(30);
/// The maximum time in which it answers then.
const MAX_ANSWER: Duration = Duration::from_secs(5);

/// The task that receives notifications from PostgreSQL while there are waiters.
#[derive(Clone)]
pub(super) struct NotificationListener {
    options: PgConnectOptions,
    task: Arc<Mutex<ListenTask>>,
}

#[derive(Default)]
struct ListenTask {
    task: Option<JoinHandle<()>>,
    closed: bool,
}

impl NotificationListener {
    /// Creates a listener on the server itself: a pooler gives its connections to other clients after each
    /// transaction.
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, task: Arc::default() }
    }

    /// Starts to listen, unless it listens already. The caller must have subscribed to the signals before.
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
            // The task was aborted, or has ended by itself.
            task.await.unwrap_or_default();
        }
    }

    async fn run(self, signals: Arc<Signals>) {
        loop {
            tokio::select! {
                () = unneeded(&signals) => {}
                Err(error) = hear(&self.options, &signals) => {
                    tracing::debug!(%error, "notifications of changes by other processes are not received");
                }
            }
            // Checked under the lock, so that the next waiter starts another task.
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

/// Waits until there was no waiter at the beginning and at the end of the time for which the connection is kept.
async fn unneeded(signals: &Signals) {
    loop {
        signals.deserted().await;
        tokio::time::sleep(LINGER).await;
        if signals.is_deserted() {
            return;
        }
    }
}

/// Receives signals until an error occurs, or the server does not answer.
async fn hear(options: &PgConnectOptions, signals: &Signals) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
    let pool = pool.connect_lazy_with(options.clone());
    let connected = timeout(MAX_CONNECT, async {
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    });
    let mut listener = connected.await.map_err(unanswered)??;
    // No signal arrived for a commit before `LISTEN`, so waiters must read once.
    signals.publish(Changed::Something);
    loop {
        // A message of which only a part has arrived is kept by the driver.
        let Ok(received) = timeout(SILENCE, listener.try_recv()).await else {
            let asked = sqlx::raw_sql("SELECT 1").execute(&mut listener);
            timeout(MAX_ANSWER, asked).await.map_err(unanswered)??;
            continue;
        };
        match received? {
            Some(signal) => signals.publish(Changed::parse(signal.payload())),
            // The connection was lost and made again, so signals may have been missed.
            None => signals.publish(Changed::Something),
        }
    }
}

/// Returns the error of a connection on which the server did not answer.
fn unanswered(_: Elapsed) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time"))
}
