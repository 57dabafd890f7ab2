//! The connections that read a file.
//!
//! A file that the store opened itself has a few connections of its own. sqlx's pool uses the connection first that was
//! unused for the longest time, and pings a connection when it is returned, which costs as much as a read. Here, the
//! connection that was returned last is used first, so that reads that follow each other use one thread of the driver,
//! which is often still awake. A connection to a file does not die, so it is not pinged.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{Connection as _, SqliteConnection, SqlitePool, sqlite::SqliteConnectOptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    super::{StoreError, engine::Connection},
    open_files::OpenFiles,
};

/// The number of reads that run at the same time.
const READERS: u32 = 4;
/// The time for which a read waits for others to end, as in sqlx's pool.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The source of connections that read.
pub(super) enum Readers {
    Own(OwnReaders),
    /// The pool of the host, which closes it.
    Host(SqlitePool),
}

/// Connections that are opened when they are needed, and kept.
pub(super) struct OwnReaders {
    options: Arc<SqliteConnectOptions>,
    idle: Arc<Idle>,
    /// A permit for each connection that may be in use.
    permits: Arc<Semaphore>,
}

/// The open connections that are not in use. The connection that was returned last is at the end.
#[derive(Default)]
struct Idle(Mutex<Vec<SqliteConnection>>);

/// A connection that is returned when it is dropped.
pub(in super::super) struct LentReader {
    /// `None` only while it is being dropped.
    connection: Option<SqliteConnection>,
    idle: Arc<Idle>,
    /// Dropped after the connection was returned.
    _permit: OwnedSemaphorePermit,
}

impl Readers {
    /// Creates a source of connections of the store's own, of which the first one is open.
    pub(super) fn new(options: SqliteConnectOptions, first: SqliteConnection) -> Self {
        let permits = Arc::new(Semaphore::new(READERS as usize));
        let idle = Idle::default();
        idle.lock().push(first);
        Self::Own(OwnReaders { options: Arc::new(options), idle: Arc::new(idle), permits })
    }

    pub(super) fn options(&self) -> Arc<SqliteConnectOptions> {
        match self {
            Self::Own(own) => own.options.clone(),
            Self::Host(pool) => pool.connect_options(),
        }
    }

    pub(super) async fn lend(&self, files: &OpenFiles) -> Result<Connection, StoreError> {
        match self {
            Self::Own(own) => own.lend(files).await.map(Connection::SqliteLent),
            Self::Host(pool) => {
                pool.acquire().await.map(Connection::SqlitePooled).map_err(|error| files.failed(&error))
            }
        }
    }

    /// Waits until the store's own connections were returned, and closes them.
    pub(super) async fn close(&self) {
        let Self::Own(own) = self else { return };
        // The error means that another call has closed them.
        let Ok(_all) = own.permits.acquire_many(READERS).await else { return };
        own.permits.close();
        let idle = std::mem::take(&mut *own.idle.lock());
        for connection in idle {
            // Closing a connection that only reads loses nothing, so an error is ignored.
            connection.close().await.unwrap_or_default();
        }
    }
}

impl OwnReaders {
    async fn lend(&self, files: &OpenFiles) -> Result<LentReader, StoreError> {
        let permit = self.permit(1).await.map_err(|error| files.failed(&error))?;
        let idle = self.idle.lock().pop();
        let opened = match idle {
            Some(connection) => Ok(connection),
            None => files.connect(&self.options).await,
        };
        match opened {
            // No further connection is opened. The open ones serve the reads one after the other.
            Err(error @ StoreError::Displaced { .. }) => {
                drop(permit);
                let all = self.permit(READERS).await.map_err(|error| files.failed(&error))?;
                let idle = self.idle.lock().pop();
                Ok(self.lent(idle.ok_or(error)?, all))
            }
            opened => Ok(self.lent(opened?, permit)),
        }
    }

    async fn permit(&self, count: u32) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        let permit = tokio::time::timeout(MAX_WAIT, self.permits.clone().acquire_many_owned(count)).await;
        permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)
    }

    fn lent(&self, connection: SqliteConnection, permit: OwnedSemaphorePermit) -> LentReader {
        LentReader { connection: Some(connection), idle: self.idle.clone(), _permit: permit }
    }
}

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for LentReader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("it is taken only when it is dropped")
    }
}

impl DerefMut for LentReader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is taken only when it is dropped")
    }
}

impl Drop for LentReader {
    fn drop(&mut self) {
        self.idle.lock().extend(self.connection.take());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use sqlx::ConnectOptions as _;

    use super::*;

    /// Returns the result of a future that does not wait.
    fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    async fn readers(directory: &tempfile::TempDir) -> (OwnReaders, OpenFiles) {
        let path = directory.path().join("a.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let first = options.connect().await.unwrap();
        let files = OpenFiles::before_opening(&path, "a.db".into());
        match Readers::new(options, first) {
            Readers::Own(own) => (own, files),
            Readers::Host(_) => panic!("there is no pool of a host"),
        }
    }

    /// Sets a number that is kept by the connection and not by the file.
    async fn mark(reader: &mut LentReader, number: i64) {
        sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA cache_size = {number}"))).execute(&mut **reader).await.unwrap();
    }

    async fn marked(reader: &mut LentReader) -> i64 {
        sqlx::query_scalar("PRAGMA cache_size").fetch_one(&mut **reader).await.unwrap()
    }

    #[tokio::test]
    async fn the_connection_that_was_returned_last_is_lent_first() {
        let directory = tempfile::tempdir().unwrap();
        let (readers, files) = readers(&directory).await;
        let (mut first, mut second) = (readers.lend(&files).await.unwrap(), readers.lend(&files).await.unwrap());
        mark(&mut first, 101).await;
        mark(&mut second, 102).await;
        drop(second);
        drop(first);
        for _ in 0..3 {
            assert_eq!(marked(&mut readers.lend(&files).await.unwrap()).await, 101);
        }
        assert_eq!(readers.idle.lock().len(), 2, "no further one was opened");
    }

    #[tokio::test]
    async fn a_read_beyond_the_number_of_connections_waits_and_so_does_closing() {
        let directory = tempfile::tempdir().unwrap();
        let (own, files) = readers(&directory).await;
        let all = Readers::Own(own);
        let mut borrowed = Vec::new();
        for _ in 0..READERS {
            borrowed.push(all.lend(&files).await.unwrap());
        }
        assert!(now_or_never(all.lend(&files)).is_none());
        borrowed.pop();
        borrowed.push(now_or_never(all.lend(&files)).unwrap().unwrap());
        assert!(now_or_never(all.close()).is_none());
        borrowed.clear();
        all.close().await;
        assert!(matches!(all.lend(&files).await, Err(StoreError::Closed)));
    }
}
