//! Rows in a database: everything that outlives the process.
//!
//! All writes go through [`Store::write`], which answers after the commit; what a crash leaves is the state before a
//! job or after it. Reads take a connection of their own. There is one set of query texts: `$1` and the types in them
//! mean the same on every engine.

mod accounts;
mod credentials;
mod engine;
mod error;
mod events;
mod job;
mod keysets;
mod kv;
mod livenesses;
mod location;
mod open;
pub(crate) mod rows;
mod setups;
mod sqlite;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use connection_contract::BoxFuture;
use sqlx::SqlitePool;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use job::{Durability, Job};
use writer::Limits;

pub(crate) use engine::{Reader, Tx};
pub use error::StoreError;

/// A database that is open and of this program's version. Clones share it.
#[derive(Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    readers: SqlitePool,
    /// What people know the database by: a path.
    place: Arc<str>,
    /// `None` once it is closed.
    queue: Mutex<Option<mpsc::UnboundedSender<Box<dyn Job>>>>,
    writer: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens `sqlite://PATH`, `sqlite:PATH` or a path, and brings its tables to this program's version.
    ///
    /// Call it inside a tokio runtime: the writer lives there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] for a database of a later program, [`StoreError::ReadOnly`], and whatever else keeps a
    /// database from being used.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        open::open(url, Limits::USUAL).await
    }

    /// Changes rows: the job runs after those queued before it, and is committed as a whole or not at all.
    ///
    /// The job is queued by this call, not by the first poll, and dropping the future does not take it back.
    ///
    /// # Errors
    ///
    /// The job's own, after which nothing of it is kept; [`StoreError::Closed`]; and the commit's.
    pub(crate) fn write<T, F>(&self, job: F) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.enqueue(Durability::Synced, job)
    }

    /// As [`write`](Self::write), for what may be lost with the power: the disk is not waited for.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub(crate) fn write_relaxed<T, F>(&self, job: F) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.enqueue(Durability::Relaxed, job)
    }

    /// A connection that reads what is committed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] after [`close`](Self::close), [`StoreError::Busy`] when none is free for long.
    pub(crate) async fn reader(&self) -> Result<Reader, StoreError> {
        let place = &self.shared.place;
        let connection = self.shared.readers.acquire().await.map_err(|error| StoreError::of(&error, place))?;
        Ok(Reader::pooled(connection, place.clone()))
    }

    /// Whether it can be read. Never an error.
    pub(crate) async fn health(&self) -> bool {
        match self.reader().await {
            Ok(mut reader) => reader.keyset().await.is_ok(),
            Err(_) => false,
        }
    }

    /// Takes no more jobs, and returns when those that were queued are done and the files are closed.
    pub(crate) async fn close(&self) {
        drop(self.queue().take());
        // Held while waiting, so that a second caller waits too.
        let mut writer = self.shared.writer.lock().await;
        if let Some(task) = writer.as_mut() {
            // Taken away behind it, so that whoever calls again after a drop here waits, too. A writer that panicked
            // answers nobody any more: there is nothing to wait for.
            task.await.unwrap_or_default();
            *writer = None;
        }
        self.shared.readers.close().await;
    }

    /// What people know it by.
    pub(crate) fn place(&self) -> &str {
        &self.shared.place
    }

    fn enqueue<T, F>(
        &self,
        durability: Durability,
        job: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        if let Some(queue) = self.queue().as_ref() {
            // When the writer is gone, the job is dropped, and with it the sender of the answer.
            drop(queue.send(job::queued(durability, job, answer)));
        }
        async move { answered.await.unwrap_or(Err(StoreError::Closed)) }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Option<mpsc::UnboundedSender<Box<dyn Job>>>> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("place", &self.shared.place).finish_non_exhaustive()
    }
}
