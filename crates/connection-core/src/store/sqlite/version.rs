//! Asks a file whether anybody wrote it: `PRAGMA data_version`, on a connection that does nothing else.
//!
//! The number changes when another connection, of this process or any other, has committed. It is a number of that
//! connection alone (<https://www.sqlite.org/pragma.html#pragma_data_version>).

use std::{sync::Arc, time::Duration};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{runtime::Handle, sync::Mutex};

use super::super::changes::{Looked, Version};
use crate::{Clock, services::clock::Moment};

/// Opened by the first who asks.
pub(super) struct Versions {
    options: Arc<SqliteConnectOptions>,
    state: Arc<Mutex<State>>,
    runtime: Handle,
}

#[derive(Default)]
struct State {
    connection: Option<SqliteConnection>,
    /// How many connections there were.
    opened: u64,
    /// The last answer, with the time before the question.
    last: Option<Looked>,
    closed: bool,
}

impl Versions {
    /// Looks on the runtime of the caller.
    pub(super) fn new(options: Arc<SqliteConnectOptions>) -> Self {
        Self { options, state: Arc::default(), runtime: Handle::current() }
    }

    /// Who asks while another does waits for that one's answer. `None` when it cannot be told.
    pub(super) async fn version(&self, clock: &dyn Clock, age: Duration) -> Option<Looked> {
        let now = Moment::of(clock);
        if let Some(looked) = self.state.try_lock().ok().and_then(|state| state.known(age, now)) {
            return Some(looked);
        }
        // On a task of its own: a caller that is not polled any more, and is not dropped, would keep all others waiting.
        let look = look(self.state.clone(), self.options.clone(), age, now);
        self.runtime.spawn(look).await.ok().flatten()
    }

    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        state.closed = true;
        state.last = None;
        if let Some(connection) = state.connection.take() {
            // It has nothing to lose.
            connection.close().await.unwrap_or_default();
        }
    }
}

impl State {
    fn known(&self, age: Duration, now: Moment) -> Option<Looked> {
        self.last.filter(|looked| looked.at.is_within(age, now))
    }
}

async fn look(
    state: Arc<Mutex<State>>,
    options: Arc<SqliteConnectOptions>,
    age: Duration,
    now: Moment,
) -> Option<Looked> {
    let mut state = state.lock().await;
    if let Some(looked) = state.known(age, now) {
        return Some(looked);
    }
    if state.closed {
        return None;
    }
    state.last = None;
    // Taken out while it is at work, so that one that failed is closed.
    let mut connection = match state.connection.take() {
        Some(connection) => connection,
        None => {
            state.opened += 1;
            options.connect().await.ok()?
        }
    };
    let read = sqlx::query_as::<_, (i64,)>("PRAGMA data_version").fetch_one(&mut connection).await;
    let (number,) = read.ok()?;
    state.connection = Some(connection);
    let version = Version { connection: state.opened, number };
    state.last = Some(Looked { version, at: now });
    state.last
}
