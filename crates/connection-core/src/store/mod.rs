//! Rows in a database: everything that outlives the process.
//!
//! All writes go through [`Store::write`], which answers after the commit. A crash leaves the state before a job or
//! after it. Reads use a separate connection. All engines share one set of query texts: `$1` and the types in them
//! mean the same on every engine.

mod access_token_requests;
mod access_tokens;
mod accounts;
mod address;
mod agents;
mod approvals;
#[cfg(feature = "sqlite")]
mod backup;
mod budgets;
mod candidates;
mod choices;
mod clock;
mod columns;
mod conflict_retries;
mod counts;
mod credentials;
mod displaced;
mod due;
mod engine;
mod error;
mod events;
mod exchange_key;
mod exchanges;
mod extensions;
mod freezes;
mod in_use;
mod job;
pub(crate) mod json;
mod keysets;
mod kind_terms;
mod kv;
mod lacking_scopes;
mod leases;
mod lists;
mod livenesses;
mod location;
mod lock;
mod migrate;
mod moves;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
pub(crate) mod moving;
mod names;
mod old_rows;
mod outbox;
mod part;
mod places;
#[cfg(feature = "postgres")]
mod postgres;
mod preferences;
mod previous;
mod profiles;
mod promotions;
mod provider_grants;
mod provider_words;
mod recoveries;
mod refreshes;
mod refused_uses;
mod renames;
mod restores;
mod rights;
mod row_events;
pub(crate) mod rows;
mod sealed;
mod sealed_cell;
mod sealed_value;
mod setups;
mod signals;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tags;
#[cfg(test)]
mod tests;
mod usage;
mod uses;
mod webhooks;
mod withdrawals;

use std::{
    fmt,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

use connection_contract::BoxFuture;
use secrecy::SecretString;
use tokio::sync::oneshot;

use job::Durability;
use location::{Location, Source};
use part::Admission;
#[cfg(feature = "postgres")]
use postgres::Postgres;
use signals::Signals;
#[cfg(feature = "sqlite")]
use sqlite::{Limits, Sqlite};

pub(crate) use access_token_requests::{CarriedRequest, TokenRequestRow, carried, carrying};
pub(crate) use accounts::{BesideRow, OfKindRow};
pub use address::StoreAddress;
pub(crate) use address::called;
#[cfg(feature = "sqlite")]
pub(crate) use backup::{ReplacedStore, Replacement, StagedCopy, back_up};
pub(crate) use budgets::{BudgetRow, Counted};
pub(crate) use candidates::KINDS_AT_ONCE;
pub(crate) use conflict_retries::ConflictRetries;
pub(crate) use counts::{LivenessCountRow, WaitingRow};
pub(crate) use due::{Busy, DueRow};
pub(crate) use engine::{Reader, Tx};
pub(crate) use error::AFTER_THE_HOLDER;
pub use error::StoreError;
pub(crate) use events::{RowDifference, StandingRow, broken_link};
pub(crate) use exchange_key::{ExchangeKey, ExchangeScope};
pub(crate) use exchanges::Reopened;
pub(crate) use in_use::InUseRow;
pub(crate) use leases::{ApprovalLease, Extendable, Leased, OutboxLease, RefreshLease, SetupLease, WebhookLease};
pub(crate) use lists::{ListFilter, any_of, own_kinds_of};
pub(crate) use livenesses::Unchanged;
pub use location::StoreSource;
pub(crate) use location::state_beside;
pub(crate) use lock::{Lock, ShortWaits};
pub use names::connection_names;
pub(crate) use old_rows::OldRows;
pub(crate) use part::{PartRow, Program};
pub(crate) use places::{EndingRow, MAX_COUNT};
pub(crate) use provider_grants::ProviderGrantRow;
pub(crate) use recoveries::Recovery;
#[cfg(feature = "sqlite")]
pub(crate) use restores::AttemptRow;
#[cfg(test)]
pub(crate) use row_events::OWNERS;
pub(crate) use row_events::broken_row_link;
pub(crate) use sealed::{
    APPROVAL_ANSWER, APPROVAL_REQUEST, CREDENTIAL, EXCHANGE_ANSWER, LIVENESS_WORDS, REFRESH_WORDS, SEALED,
    SETUP_EFFECT, SETUP_HEADER, SETUP_INPUT, SETUP_STEP, STORED_VALUE, SealedColumn, SealedRow, WEBHOOK,
    WEBHOOK_ADDRESS,
};
pub(crate) use sealed_cell::{SealedCell, SealedKey};
pub(crate) use sealed_value::Sealed;
pub(crate) use signals::{Changed, Changes, ObservedVersion, Version};
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::is_name_of_database;
pub(crate) use usage::ReportedWindow;
pub(crate) use uses::{ERASED_AT_ONCE, UsesBy, UsesRange};

/// An open database whose tables this program can use. Clones share it.
#[derive(Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    program: &'static Program,
    /// The name of the database for people: a path, or a server and the database on it.
    place: Arc<str>,
    signals: Arc<Signals>,
}

enum Engine {
    #[cfg(feature = "sqlite")]
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Box<Postgres>),
}

/// Runs an expression with the engine in use.
macro_rules! with_engine {
    ($engine:expr, $name:ident => $run:expr) => {
        match $engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite($name) => $run,
            #[cfg(feature = "postgres")]
            Engine::Postgres($name) => $run,
        }
    };
}

impl Store {
    /// Opens a database and migrates its tables to this program's version.
    ///
    /// Call it inside a tokio runtime: the writers run there.
    ///
    /// # Errors
    ///
    /// [`StoreError::ProgramTooOld`] for a database that only newer programs may write, [`StoreError::Unreleased`] for one
    /// of an unreleased build, [`StoreError::Moved`] for one that was moved, [`StoreError::ReadOnly`], and any other
    /// reason why the database cannot be used.
    pub(crate) async fn open(StoreSource { source, direct, program }: StoreSource) -> Result<Self, StoreError> {
        #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only a server has a pooler"))]
        let direct = direct.map(|address| Location::parse(&address)?.direct()).transpose()?;
        let engine = match source {
            Source::Address(address) => match Location::parse(&address)? {
                #[cfg(feature = "sqlite")]
                Location::Sqlite(path) => Engine::Sqlite(sqlite::open(path, Limits::USUAL, program).await?),
                #[cfg(feature = "postgres")]
                Location::Postgres(options) => {
                    Engine::Postgres(Box::new(postgres::open(*options, direct, program).await?))
                }
            },
            #[cfg(feature = "sqlite")]
            Source::Sqlite(pool) => Engine::Sqlite(sqlite::open_lent(pool, Limits::USUAL, program).await?),
            #[cfg(feature = "postgres")]
            Source::Postgres(pool, host) => {
                Engine::Postgres(Box::new(postgres::open_host_pool(pool, direct, host, program).await?))
            }
        };
        let store = Self::of(engine, program);
        let usable = async {
            store.refuse_moved().await?;
            store.record_first_timeline().await
        };
        if let Err(error) = usable.await {
            store.close().await;
            return Err(error);
        }
        Ok(store)
    }

    /// Opens a SQLite file with other limits of a batch.
    #[cfg(test)]
    async fn open_file(path: PathBuf, limits: Limits) -> Result<Self, StoreError> {
        let engine = Engine::Sqlite(sqlite::open(path, limits, Program::CURRENT).await?);
        Ok(Self::of(engine, Program::CURRENT))
    }

    fn of(engine: Engine, program: &'static Program) -> Self {
        let place = with_engine!(&engine, engine => engine.place());
        Self { shared: Arc::new(Shared { engine, program, place, signals: Arc::default() }) }
    }

    /// Returns the version of the program that opened the database.
    pub(crate) fn program(&self) -> &'static Program {
        self.shared.program
    }

    /// Changes rows. The job runs after the jobs that were queued before it, and is committed as a whole or not at all.
    ///
    /// The job is queued by this call, not by the first poll. Dropping the future does not cancel it.
    ///
    /// # Errors
    ///
    /// The job's own error, after which nothing of it is kept; [`StoreError::Closed`]; and errors of the commit.
    pub(crate) fn write<T, F>(&self, job: F) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.enqueue(Durability::Synced, Admission::Checked, job)
    }

    /// Changes rows as [`write`](Self::write) does, without waiting for the disk. A power failure may lose the
    /// change.
    ///
    /// # Errors
    ///
    /// The errors of [`write`](Self::write).
    pub(crate) fn write_relaxed<T, F>(&self, job: F) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.enqueue(Durability::Relaxed, Admission::Checked, job)
    }

    /// Ends a request that is out, or notes the first opening of a copy, as [`write`](Self::write) does, also after this
    /// program has become too old to write anything else. `docs/spec/store.md` lists the statements of these jobs.
    ///
    /// # Errors
    ///
    /// The errors of [`write`](Self::write), except [`StoreError::ProgramTooOld`].
    pub(crate) fn write_end<T, F>(&self, job: F) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.enqueue(Durability::Synced, Admission::Always, job)
    }

    /// Changes rows as [`write_end`](Self::write_end) does, without waiting for the disk.
    ///
    /// # Errors
    ///
    /// The errors of [`write_end`](Self::write_end).
    pub(crate) fn write_end_relaxed<T, F>(
        &self,
        job: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.enqueue(Durability::Relaxed, Admission::Always, job)
    }

    /// Changes rows as [`write_relaxed`](Self::write_relaxed) does, and calls `answer` with the result. If the store is
    /// closed before the job runs, both are dropped.
    pub(crate) fn write_relaxed_then<T, F, A>(&self, job: F, answer: A)
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
        A: FnOnce(Result<T, StoreError>) + Send + 'static,
    {
        self.enqueue_then(Durability::Relaxed, Admission::Checked, job, answer);
    }

    /// Returns a connection that reads committed rows.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] after [`close`](Self::close), and [`StoreError::Busy`] if none is free for a long
    /// time.
    pub(crate) async fn reader(&self) -> Result<Reader, StoreError> {
        with_engine!(&self.shared.engine, engine => engine.reader().await)
    }

    /// Returns the error of writes while nothing can be written: there is no space left, or the server takes no writes.
    /// After such a failure, a value is written and deleted again to find out whether that is still so.
    pub(crate) async fn unwritable(&self) -> Option<StoreError> {
        if !self.shared.signals.is_unwritable() {
            return None;
        }
        let probe = self.write(|tx| {
            Box::pin(async move {
                let (owner, namespace, key) = ("local", "connections", "space");
                tx.put_kv(owner, namespace, key, &rows::KvValue::Public("x".to_owned())).await?;
                tx.delete_kv(owner, namespace, key).await
            })
        });
        probe.await.err().filter(StoreError::is_unwritable)
    }

    /// Returns `true` if the database can be read, and its files are at their place.
    pub(crate) async fn health(&self) -> bool {
        if self.check_files().is_err() {
            return false;
        }
        match self.reader().await {
            Ok(mut reader) => reader.keyset().await.is_ok(),
            Err(_) => false,
        }
    }

    /// Returns `true` after a write was refused because this program is too old.
    pub(crate) fn is_too_old(&self) -> bool {
        self.shared.signals.is_too_old()
    }

    /// Returns `true` if a connection to a server is held a minute after the deadline of what it waits for. An outage
    /// of the server is no reason for it.
    pub(crate) fn is_stuck(&self) -> bool {
        match &self.shared.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.is_stuck(),
        }
    }

    /// Returns `true` if all migrations of this program were applied, by checksum.
    ///
    /// # Errors
    ///
    /// The errors of a query.
    pub(crate) async fn is_migrated(&self) -> Result<bool, StoreError> {
        let migrator = match &self.shared.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => sqlite::migrator(self.program()),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => postgres::migrator(self.program()),
        };
        Ok(migrate::are_all(&self.reader().await?.applied_migrations().await?, &migrator))
    }

    /// Returns the error with the reason why the database cannot be reached. A pool that waits for a connection does
    /// not report the reason, so this connects once more. Any other error is returned unchanged.
    pub(crate) async fn explained(&self, error: StoreError) -> StoreError {
        match &self.shared.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) if matches!(error, StoreError::Unavailable { .. }) => {
                postgres.reached().await.err().unwrap_or(error)
            }
            _ => error,
        }
    }

    /// Accepts no more jobs, and returns when the queued ones are done and the database is closed. A pool of the
    /// host stays open.
    pub(crate) async fn close(&self) {
        with_engine!(&self.shared.engine, engine => engine.close().await);
        // Wakes the waiters, which will see no further changes.
        self.shared.signals.publish(Changed::Something);
    }

    pub(crate) fn is_closed(&self) -> bool {
        with_engine!(&self.shared.engine, engine => engine.is_closed())
    }

    /// Returns the name of the database for people.
    pub(crate) fn place(&self) -> &str {
        &self.shared.place
    }

    /// Returns the file of a SQLite database, also that of a pool of the host.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self.shared.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => Some(PathBuf::from(self.place())),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => None,
        }
    }

    fn enqueue<T, F>(
        &self,
        durability: Durability,
        admission: Admission,
        job: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // The caller may have dropped its future. The job is committed all the same.
        self.enqueue_then(durability, admission, job, move |result| drop(answer.send(result)));
        async move { answered.await.unwrap_or(Err(StoreError::Closed)) }
    }

    fn enqueue_then<T, F, A>(&self, durability: Durability, admission: Admission, job: F, answer: A)
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
        A: FnOnce(Result<T, StoreError>) + Send + 'static,
    {
        let job = job::queued(durability, admission, job, self.shared.signals.clone(), answer);
        with_engine!(&self.shared.engine, engine => engine.enqueue(job));
    }
}

/// Creates or migrates the tables of a database to this program's version.
///
/// Use it for a deployment in which the program itself has no right to do so. Opening a registry does the same.
///
/// # Cancellation
///
/// If the future is dropped, the tables are unchanged or fully migrated.
///
/// # Errors
///
/// [`StoreError`], as when a registry is opened.
pub fn migrate(address: impl Into<SecretString>) -> BoxFuture<'static, Result<(), StoreError>> {
    migrate_address(address.into())
}

fn migrate_address(address: SecretString) -> BoxFuture<'static, Result<(), StoreError>> {
    Box::pin(async move {
        match Location::parse(&address)? {
            #[cfg(feature = "sqlite")]
            Location::Sqlite(path) => {
                sqlite::open(path, Limits::USUAL, Program::CURRENT).await?.close().await;
                Ok(())
            }
            #[cfg(feature = "postgres")]
            Location::Postgres(options) => postgres::migrate_at(&options).await,
        }
    })
}

/// Returns `true` if a restore was interrupted while it replaced this database file, which is therefore not in its place.
///
/// # Examples
///
/// ```
/// let directory = tempfile::tempdir().unwrap();
/// assert!(!connection_core::is_restore_interrupted(&directory.path().join("connections.db")));
/// ```
pub fn is_restore_interrupted(database: &Path) -> bool {
    #[cfg(feature = "sqlite")]
    return sqlite::Prepared::interrupted(database).is_ok_and(|prepared| prepared.is_some());
    #[cfg(not(feature = "sqlite"))]
    {
        // A database on a server is not restored by this program.
        let _ = database;
        false
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("place", &self.shared.place).finish_non_exhaustive()
    }
}
