//! Detects commits to a file with `PRAGMA data_version`, on a connection that does nothing else.
//!
//! The number changes when another connection, of this process or any other, has committed. It is valid for that
//! connection only (<https://www.sqlite.org/pragma.html#pragma_data_version>).

use std::{sync::Arc, time::Duration};

use connection_egress::Moment;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{runtime::Handle, sync::Mutex};

use super::{
    super::signals::{ObservedVersion, Version},
    open_files::OpenFiles,
};
use crate::Clock;

/// Reads the version of a file. The first call opens the connection.
pub(super) struct Versions {
    options: Arc<SqliteConnectOptions>,
    files: Arc<OpenFiles>,
    state: Arc<Mutex<State>>,
    runtime: Handle,
}

#[derive(Default)]
struct State {
    connection: Option<SqliteConnection>,
    /// The number of connections that were opened.
    opened: u64,
    /// The last version that was read, with a time from before the read.
    last: Option<ObservedVersion>,
    closed: bool,
}

impl Versions {
    /// Creates the reader of versions, which runs on the runtime of the caller.
    pub(super) fn new(options: Arc<SqliteConnectOptions>, files: Arc<OpenFiles>) -> Self {
        Self { options, files, state: Arc::default(), runtime: Handle::current() }
    }

    /// Returns the version, read less than `age` ago; `None` if it cannot be read. A call during another one waits for
    /// the answer of that one.
    pub(super) async fn version(&self, clock: &dyn Clock, age: Duration) -> Option<ObservedVersion> {
        let now = Moment::of(clock);
        if let Some(looked) = self.state.try_lock().ok().and_then(|state| state.known(age, now)) {
            return Some(looked);
        }
        // Runs on a separate task: a caller that is neither polled nor dropped would keep all others waiting.
        let look = look(self.state.clone(), self.options.clone(), self.files.clone(), age, now);
        self.runtime.spawn(look).await.ok().flatten()
    }

    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        state.closed = true;
        state.last = None;
        if let Some(connection) = state.connection.take() {
            // Closing the connection loses nothing, so an error is ignored.
            connection.close().await.unwrap_or_default();
        }
    }
}

impl State {
    fn known(&self, age: Duration, now: Moment) -> Option<ObservedVersion> {
        self.last.filter(|looked| looked.at.is_within(age, now))
    }
}

async fn look(
    state: Arc<Mutex<State>>,
    options: Arc<SqliteConnectOptions>,
    files: Arc<OpenFiles>,
    age: Duration,
    now: Moment,
) -> Option<ObservedVersion> {
    let mut state = state.lock().await;
    if let Some(looked) = state.known(age, now) {
        return Some(looked);
    }
    if state.closed {
        return None;
    }
    state.last = None;
    // The version of a file that is no longer at its place says nothing.
    files.check().ok()?;
    // The connection is taken out while it is used, so that it is closed if it fails.
    let mut connection = match state.connection.take() {
        Some(connection) => connection,
        None => {
            state.opened += 1;
            files.connect(&options).await.ok()?
        }
    };
    let read = sqlx::query_as::<_, (i64,)>("PRAGMA data_version").fetch_one(&mut connection).await;
    let (number,) = read.ok()?;
    state.connection = Some(connection);
    let version = Version { connection: state.opened, number };
    state.last = Some(ObservedVersion { version, at: now });
    state.last
}
