//! The connections to a server: the store's own ones, or those of the host's pool.
//!
//! sqlx's pool pings a connection on a task of its own when it is returned. A caller whose statements follow one
//! another finds no connection in the meantime and opens another one, until the pool is full. Here, a connection that
//! is known to be between two statements is returned at once, and the connection that was returned last is used first.
//!
//! A server may vanish without a word, so each wait for it has an end. A connection on which nothing came in time is
//! dropped without a further statement.

use std::{
    io,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use connection_egress::Backoff;
use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres, pool::PoolConnection,
    postgres::PgConnectOptions,
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    super::engine::{is_dead, is_of_node},
    idle::{Idle, IdleConnection},
    permits::{Permit, Permits},
};

/// The maximum number of own connections. Eight processes with ten each would use up all that a server allows by
/// default.
const CONNECTIONS: u32 = 8;
/// The maximum time to wait for a connection.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// The maximum time in which the server answers a round trip. The server itself ends a statement and a transaction that
/// waits, as `begin!` says, so that what it holds is free soon after that.
const ROUND_TRIP: Duration = Duration::from_secs(14);
/// The maximum time in which the server answers a ping.
const PING: Duration = Duration::from_secs(2);
/// The idle time after which a connection is pinged before use. The ping costs as much as a read.
const UNCHECKED: Duration = Duration::from_millis(500);
/// The age at which a connection is closed instead of being used again, so that changed settings of the server take
/// effect.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);
/// The pauses between attempts to reach a server that is starting.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
/// The maximum number of dead connections of the host's pool that are replaced in a row: more than there are.
const MAX_STALE_CONNECTIONS: u32 = 16;

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
    permits: Permits,
}

/// The connection that a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One that is open, or else a new one.
    Any,
    /// One that is opened now, because an open one has failed.
    New,
}

/// A connection that is returned when it is dropped.
pub(in super::super) struct LentConnection {
    /// `None` only while it is being dropped.
    lent: Option<Lent>,
    /// The beginning of the statement that is in progress, or that has failed.
    statement_began_at: Option<Instant>,
    is_in_transaction: bool,
    /// `true` after an error of the node, after which the connection is not used again.
    is_lost: bool,
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
    permit: Permit,
}

impl Connections {
    /// Creates a source of own connections, of which the first ones may be open already.
    pub(super) fn own(options: PgConnectOptions, open: Option<PgConnection>, place: Arc<str>) -> Self {
        let idle = Arc::new(Idle::new(open, place));
        let own = OwnConnections { options: Arc::new(options), idle, permits: Permits::new(CONNECTIONS) };
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

    pub(super) async fn lend(&self, wanted: Wanted) -> Result<LentConnection, sqlx::Error> {
        let lent = match &self.source {
            Source::Own(own) => Lent::Own(own.lend(wanted).await?),
            Source::Host(pool) => Lent::Host(pool.acquire().await?),
        };
        let runtime = self.runtime.clone();
        Ok(LentConnection {
            lent: Some(lent),
            statement_began_at: None,
            is_in_transaction: false,
            is_lost: false,
            runtime,
        })
    }

    /// Lends a connection on which these statements have begun a transaction. A connection may have died since it was
    /// last used, or lead to a server that no longer takes writes. Nothing was changed on it yet, so another one is
    /// taken.
    pub(super) async fn begin(&self, statements: &'static str) -> Result<LentConnection, sqlx::Error> {
        let mut tries = 0;
        loop {
            let wanted = if tries == 0 { Wanted::Any } else { Wanted::New };
            let begun = async {
                let mut connection = self.lend(wanted).await?;
                connection.begin(statements).await?;
                Ok(connection)
            };
            match begun.await {
                Err(error) if is_unbegun(&error) && tries < self.max_replaced(&error) => tries += 1,
                begun => return begun,
            }
        }
    }

    /// Returns how many connections may be replaced in a row after this error. Own connections are closed together, so
    /// that the next one is new; the host's pool may have more that are dead.
    pub(super) fn max_replaced(&self, error: &sqlx::Error) -> u32 {
        match self.source {
            Source::Host(_) if is_dead(error) && !is_unanswered(error) => MAX_STALE_CONNECTIONS,
            _ => 1,
        }
    }

    /// Returns `true` if one of the own connections is [stuck](Permits::is_stuck).
    pub(super) fn is_stuck(&self) -> bool {
        matches!(&self.source, Source::Own(own) if own.permits.is_stuck())
    }

    /// Waits until the own connections were returned, and closes them.
    pub(super) async fn close(&self) {
        let Source::Own(own) = &self.source else { return };
        own.permits.close().await;
        for kept in own.idle.take_all() {
            // The server notices a connection that cannot say goodbye.
            drop(timeout(PING, kept.connection.close()).await);
        }
    }
}

impl OwnConnections {
    async fn lend(&self, wanted: Wanted) -> Result<OwnConnection, sqlx::Error> {
        let deadline = Instant::now() + MAX_WAIT;
        let permit = self.permits.acquire(deadline).await?;
        let connected = timeout_at(deadline, async {
            match self.kept(wanted).await {
                Some(kept) => Ok((kept.connection, kept.opened_at)),
                None => self.connect(wanted).await,
            }
        });
        let (connection, opened_at) = connected.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        permit.ends_at(None);
        Ok(OwnConnection { connection, opened_at, idle: self.idle.clone(), permit })
    }

    /// Takes the connection that was returned last, if it is alive. If it is not, the others are closed, too, because a
    /// ping of each would take its time.
    async fn kept(&self, wanted: Wanted) -> Option<IdleConnection> {
        if wanted == Wanted::New {
            // The new connection takes the place of one that may have failed as well.
            drop(self.idle.pop());
            return None;
        }
        loop {
            let mut kept = self.idle.pop()?;
            if kept.opened_at.elapsed() > MAX_AGE {
                // The server notices a connection that cannot say goodbye.
                drop(timeout(PING, kept.connection.close()).await);
            } else if kept.returned_at.elapsed() < UNCHECKED
                || timeout(PING, kept.connection.ping()).await.is_ok_and(|pinged| pinged.is_ok())
            {
                return Some(kept);
            } else {
                drop(self.idle.take_all());
                return None;
            }
        }
    }

    /// Connects, and tries again while the server is starting or has no connection left, or until a wanted one is free.
    async fn connect(&self, wanted: Wanted) -> Result<(PgConnection, Instant), sqlx::Error> {
        let mut failures = 0;
        loop {
            match self.options.connect().await {
                Err(error) if may_be_starting(&error) => failures += 1,
                connected => return connected.map(|connection| (connection, Instant::now())),
            }
            sleep(PAUSES.after(failures)).await;
            if wanted == Wanted::Any
                && let Some(returned) = self.idle.pop()
            {
                return Ok((returned.connection, returned.opened_at));
            }
        }
    }
}

/// Waits for the answer to a round trip, for a limited time.
///
/// # Errors
///
/// That of the round trip, or an error of a dead connection if the server did not answer.
pub(in super::super) async fn answered<T>(
    round_trip: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(ROUND_TRIP, round_trip).await.unwrap_or_else(|_| {
        let message = "the server did not answer in 14 seconds";
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, message)))
    })
}

/// Returns `true` if a round trip had no answer in time.
fn is_unanswered(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// Returns `true` if a transaction could not begin because of the node. To a standby, a transaction that writes is a
/// feature that it does not support (0A000).
fn is_unbegun(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    is_of_node(error) || code.is_some_and(|code| code == "0A000")
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

impl LentConnection {
    /// Marks the beginning of a statement.
    pub(in super::super) fn statement_begins(&mut self) {
        let now = Instant::now();
        self.statement_began_at = Some(now);
        self.ends_at(Some(now + ROUND_TRIP));
    }

    /// Marks the end of a statement that succeeded. The server ends a transaction in which no other one follows.
    pub(in super::super) fn statement_ended(&mut self) {
        self.statement_began_at = None;
        self.ends_at(self.is_in_transaction.then(|| Instant::now() + ROUND_TRIP));
    }

    /// Sets the time at which the permit for the connection must be free again.
    fn ends_at(&self, deadline: Option<Instant>) {
        if let Some(Lent::Own(own)) = &self.lent {
            own.permit.ends_at(deadline);
        }
    }

    /// Marks a statement as failed. After an error of the node, this connection and those that are not in use are
    /// closed.
    pub(in super::super) fn statement_failed(&mut self, error: &sqlx::Error) {
        if is_of_node(error) {
            self.lose(error);
        }
    }

    /// Marks the server as one that takes no writes. This connection and those that are not in use are closed, so that
    /// the next one leads to where the address leads then.
    pub(in super::super) fn leads_to_standby(&mut self) {
        self.is_lost = true;
        if let Some(Lent::Own(own)) = &self.lent {
            drop(own.idle.take_all());
        }
    }

    fn lose(&mut self, error: &sqlx::Error) {
        self.is_lost = true;
        if let Some(Lent::Own(own)) = &self.lent {
            own.idle.close_all(error);
        }
    }

    /// Begins a transaction with these statements.
    pub(super) async fn begin(&mut self, statements: &'static str) -> Result<(), sqlx::Error> {
        self.is_in_transaction = true;
        let begun = self.run(statements).await;
        if let Err(error) = &begun
            && is_unbegun(error)
            && !self.is_lost
        {
            self.lose(error);
        }
        begun
    }

    pub(super) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.run("COMMIT").await?;
        self.transaction_ended();
        Ok(())
    }

    /// Rolls back. A connection that is lost is left alone, because the server rolls back when it notices.
    pub(super) async fn rollback(&mut self) -> Result<(), sqlx::Error> {
        if self.is_lost {
            return Ok(());
        }
        self.run("ROLLBACK").await?;
        self.transaction_ended();
        Ok(())
    }

    fn transaction_ended(&mut self) {
        self.is_in_transaction = false;
        self.ends_at(None);
    }

    async fn run(&mut self, statements: &'static str) -> Result<(), sqlx::Error> {
        self.statement_begins();
        let done = answered(sqlx::raw_sql(statements).execute(&mut **self)).await;
        match &done {
            Ok(_) => self.statement_ended(),
            Err(error) => self.statement_failed(error),
        }
        done.map(drop)
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

    /// Closes a connection without a further word to the server.
    fn discard(self) {
        // A pool must not get the connection back.
        if let Self::Host(pooled) = self {
            drop(pooled.detach());
        }
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
        if self.is_lost {
            return lent.discard();
        }
        if self.statement_began_at.is_none() && !self.is_in_transaction {
            return lent.give_back();
        }
        // The caller left in a statement or a transaction, or a statement failed, which has the rest of its time.
        let soon = Instant::now() + PING;
        let deadline = self.statement_began_at.map_or(soon, |began_at| soon.max(began_at + ROUND_TRIP));
        let is_in_transaction = self.is_in_transaction;
        self.runtime.spawn(async move {
            let recovered = timeout_at(deadline, recover(lent.connection(), is_in_transaction)).await;
            match recovered {
                Ok(Ok(())) => lent.give_back(),
                _ => lent.discard(),
            }
        });
    }
}
