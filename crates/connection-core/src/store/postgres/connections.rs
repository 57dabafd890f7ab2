//! The connections to a server: the store's own ones, or those of the host's pool.
//!
//! sqlx's pool pings a connection on a task of its own when it is returned. A caller whose statements follow one
//! another finds no connection in the meantime and opens another one, until the pool is full. Here, a connection that
//! is known to be between two statements is returned at once, and the connection that was returned last is used first.

use std::{
    io,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_egress::Backoff;
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres, pool::PoolConnection,
    postgres::PgConnectOptions,
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout, timeout_at},
};

use super::super::engine::is_dead;

/// The maximum number of own connections. Eight processes with ten each would use up all that a server allows by
/// default.
const CONNECTIONS: u32 = 8;
/// The maximum time to wait for a connection, and for a connection to become usable again.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// The idle time after which a connection is pinged before use. The ping costs as much as a read.
const UNCHECKED: Duration = Duration::from_millis(500);
/// The idle time after which a connection is closed when another one is returned.
const MAX_IDLE: Duration = Duration::from_secs(10 * 60);
/// The age at which a connection is closed instead of being used again, so that changed settings of the server take
/// effect.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);
/// The pauses between attempts to reach a server that is starting.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
/// The maximum number of dead connections that are replaced in a row: more than there are.
pub(super) const MAX_STALE_CONNECTIONS: u32 = 16;

/// The source of connections. A clone is another handle to the same ones.
#[derive(Clone)]
pub(super) struct Connections {
    source: Source,
    /// The runtime on which connections live.
    runtime: Handle,
}

#[derive(Clone)]
enum Source {
    Own(OwnConnections),
    /// The pool of the host, which closes it.
    Host(PgPool),
}

/// Connections that are opened when they are needed, and kept.
#[derive(Clone)]
struct OwnConnections {
    options: Arc<PgConnectOptions>,
    idle: Arc<Idle>,
    /// A permit for each connection that may be in use.
    permits: Arc<Semaphore>,
}

/// The open connections that are not in use. The connection that was returned last is at the end.
#[derive(Default)]
struct Idle(Mutex<Vec<IdleConnection>>);

struct IdleConnection {
    connection: PgConnection,
    opened_at: Instant,
    returned_at: Instant,
}

/// A connection that is returned when it is dropped.
pub(in super::super) struct LentConnection {
    /// `None` only while it is being dropped.
    lent: Option<Lent>,
    /// `true` while a statement is in progress, and after one that failed.
    is_in_statement: bool,
    is_in_transaction: bool,
    runtime: Handle,
}

enum Lent {
    Own(OwnConnection),
    Host(PoolConnection<Postgres>),
}

struct OwnConnection {
    connection: PgConnection,
    opened_at: Instant,
    idle: Arc<Idle>,
    /// Dropped after the connection was returned.
    permit: OwnedSemaphorePermit,
}

impl Connections {
    /// Creates a source of own connections, of which the first ones may be open already.
    pub(super) fn own(options: PgConnectOptions, open: Option<PgConnection>) -> Self {
        let idle = Idle::default();
        let now = Instant::now();
        idle.lock().extend(open.map(|connection| IdleConnection { connection, opened_at: now, returned_at: now }));
        let permits = Arc::new(Semaphore::new(CONNECTIONS as usize));
        let own = OwnConnections { options: Arc::new(options), idle: Arc::new(idle), permits };
        Self { source: Source::Own(own), runtime: Handle::current() }
    }

    pub(super) fn of_host(pool: PgPool, runtime: Handle) -> Self {
        Self { source: Source::Host(pool), runtime }
    }

    pub(super) fn options(&self) -> Arc<PgConnectOptions> {
        match &self.source {
            Source::Own(own) => own.options.clone(),
            Source::Host(pool) => pool.connect_options(),
        }
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) async fn lend(&self) -> Result<LentConnection, sqlx::Error> {
        let lent = match &self.source {
            Source::Own(own) => Lent::Own(own.lend().await?),
            Source::Host(pool) => Lent::Host(pool.acquire().await?),
        };
        let runtime = self.runtime.clone();
        Ok(LentConnection { lent: Some(lent), is_in_statement: false, is_in_transaction: false, runtime })
    }

    /// Lends a connection on which these statements have begun a transaction. A connection may have died since it was
    /// last used; nothing was changed on it yet, so another one is taken.
    pub(super) async fn begin(&self, statements: &'static str) -> Result<LentConnection, sqlx::Error> {
        let mut tries = 0;
        loop {
            let begun = async {
                let mut connection = self.lend().await?;
                connection.begin(statements).await?;
                Ok(connection)
            };
            match begun.await {
                Err(error) if is_dead(&error) && tries < MAX_STALE_CONNECTIONS => tries += 1,
                begun => return begun,
            }
        }
    }

    /// Waits until the own connections were returned, and closes them.
    pub(super) async fn close(&self) {
        let Source::Own(own) = &self.source else { return };
        // The error means that another call has closed them.
        let Ok(_all) = own.permits.acquire_many(CONNECTIONS).await else { return };
        own.permits.close();
        let idle = std::mem::take(&mut *own.idle.lock());
        for kept in idle {
            // The server notices a connection that cannot say goodbye.
            kept.connection.close().await.unwrap_or_default();
        }
    }
}

impl OwnConnections {
    async fn lend(&self) -> Result<OwnConnection, sqlx::Error> {
        let deadline = Instant::now() + MAX_WAIT;
        let permit = timeout_at(deadline, self.permits.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let connected = timeout_at(deadline, async {
            match self.kept().await {
                Some(kept) => Ok((kept.connection, kept.opened_at)),
                None => Ok((self.connect().await?, Instant::now())),
            }
        });
        let (connection, opened_at) = connected.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        Ok(OwnConnection { connection, opened_at, idle: self.idle.clone(), permit })
    }

    /// Takes the connection that was returned last, if one is alive.
    async fn kept(&self) -> Option<IdleConnection> {
        loop {
            // In its own statement, so that the lock is released.
            let kept = self.idle.lock().pop();
            let mut kept = kept?;
            if kept.opened_at.elapsed() > MAX_AGE {
                kept.connection.close().await.unwrap_or_default();
            } else if kept.returned_at.elapsed() < UNCHECKED || kept.connection.ping().await.is_ok() {
                return Some(kept);
            }
        }
    }

    /// Connects, and tries again while the server is starting.
    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut failures = 0;
        loop {
            match self.options.connect().await {
                Err(error) if may_be_starting(&error) => failures += 1,
                connected => return connected,
            }
            sleep(PAUSES.after(failures)).await;
        }
    }
}

/// Returns `true` for the errors of a server that is not there yet or that has no connection left: 57P03 is "cannot
/// connect now" and 53300 "too many connections" (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn may_be_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P03" || code == "53300"),
        _ => false,
    }
}

impl Idle {
    fn lock(&self) -> MutexGuard<'_, Vec<IdleConnection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection. Returns the one that was unused for longest, if it is no longer needed.
    fn add(&self, connection: PgConnection, opened_at: Instant) -> Option<PgConnection> {
        let now = Instant::now();
        let mut idle = self.lock();
        idle.push(IdleConnection { connection, opened_at, returned_at: now });
        let oldest = idle.first().is_some_and(|oldest| now.duration_since(oldest.returned_at) > MAX_IDLE);
        oldest.then(|| idle.remove(0).connection)
    }
}

impl LentConnection {
    /// Marks the beginning of a statement.
    pub(in super::super) fn statement_begins(&mut self) {
        self.is_in_statement = true;
    }

    /// Marks the end of a statement that succeeded.
    pub(in super::super) fn statement_ended(&mut self) {
        self.is_in_statement = false;
    }

    /// Begins a transaction with these statements.
    pub(super) async fn begin(&mut self, statements: &'static str) -> Result<(), sqlx::Error> {
        self.is_in_transaction = true;
        self.run(statements).await
    }

    pub(super) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.run("COMMIT").await?;
        self.is_in_transaction = false;
        Ok(())
    }

    pub(super) async fn rollback(&mut self) -> Result<(), sqlx::Error> {
        self.run("ROLLBACK").await?;
        self.is_in_transaction = false;
        Ok(())
    }

    async fn run(&mut self, statements: &'static str) -> Result<(), sqlx::Error> {
        self.statement_begins();
        sqlx::raw_sql(statements).execute(&mut **self).await?;
        self.statement_ended();
        Ok(())
    }
}

/// Waits for the answer to the statement in progress, and ends the transaction.
async fn recover(connection: &mut PgConnection, is_in_transaction: bool) -> Result<(), sqlx::Error> {
    if is_in_transaction {
        sqlx::raw_sql("ROLLBACK").execute(connection).await.map(drop)
    } else {
        connection.ping().await
    }
}

impl Lent {
    fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Own(own) => &mut own.connection,
            Self::Host(pooled) => pooled,
        }
    }

    /// Returns a connection that is between two statements and outside of a transaction. Called on the runtime of the
    /// connections.
    fn give_back(self) {
        let Self::Own(own) = self else { return };
        let OwnConnection { connection, opened_at, idle, permit } = own;
        if let Some(unneeded) = idle.add(connection, opened_at) {
            Handle::current().spawn(async move { unneeded.close().await.unwrap_or_default() });
        }
        drop(permit);
    }
}

impl Deref for LentConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self.lent.as_ref().expect("it is taken only when it is dropped") {
            Lent::Own(own) => &own.connection,
            Lent::Host(pooled) => pooled,
        }
    }
}

impl DerefMut for LentConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.lent.as_mut().expect("it is taken only when it is dropped").connection()
    }
}

impl Drop for LentConnection {
    fn drop(&mut self) {
        let Some(mut lent) = self.lent.take() else { return };
        let _on = self.runtime.enter();
        if !self.is_in_statement && !self.is_in_transaction {
            return lent.give_back();
        }
        // The caller left in the middle of a statement or a transaction, or a statement failed.
        let is_in_transaction = self.is_in_transaction;
        self.runtime.spawn(async move {
            let recovered = timeout(MAX_WAIT, recover(lent.connection(), is_in_transaction)).await;
            match (recovered, lent) {
                (Ok(Ok(())), lent) => lent.give_back(),
                // A pool must not get the connection back.
                (_, Lent::Host(pooled)) => drop(pooled.detach()),
                (_, Lent::Own(_)) => {}
            }
        });
    }
}
