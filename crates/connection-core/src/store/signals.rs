//! Signals that rows may have changed. This process sends them after each commit, and other processes as far as the
//! engine supports it.
//!
//! A signal is a hint. A waiter reads again after some time anyway, so a lost signal costs only that time.

#[cfg(feature = "postgres")]
use std::str::FromStr as _;
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use connection_egress::{Moment, OPERATIONS, sleep_passed};
use tokio::sync::broadcast;

use super::{Engine, Store, StoreError};
use crate::{
    Clock,
    ids::{ConnectionId, SessionId},
};

/// The maximum number of signals that are kept for a waiter. A waiter that has missed some learns only that something
/// changed.
const BACKLOG: usize = 256;

/// The rows that may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// A connection: its row, credentials or liveness.
    Connection(ConnectionId),
    /// A setup session, or an input that arrived for it.
    Setup(SessionId),
    /// Agents, their grants or tokens. Other processes do not hear of it.
    Agents,
    /// Extensions of some owner: declarations or preferences.
    Extensions,
    /// The row that names what is frozen.
    Freezes,
    /// The row of the keyset, which changes when a key is rotated or moved.
    Keys,
    /// The usage of a connection's account.
    Usage(ConnectionId),
    /// The webhook inbox of a connection.
    Webhook(ConnectionId),
    /// Another process took something back by which uses are decided. The signal stays within the process.
    Withdrawals,
    /// Any row: the signal does not say which.
    Something,
}

impl Changed {
    /// Parses the payload of PostgreSQL's triggers. Any other payload on the channel means that something may have changed.
    #[cfg(feature = "postgres")]
    pub(super) fn parse(payload: &str) -> Self {
        let found = match payload.split_once(':') {
            Some(("account", id)) => ConnectionId::from_str(id).ok().map(Self::Connection),
            Some(("setup", id)) => SessionId::from_str(id).ok().map(Self::Setup),
            Some(("usage", id)) => ConnectionId::from_str(id).ok().map(Self::Usage),
            Some(("webhook", id)) => ConnectionId::from_str(id).ok().map(Self::Webhook),
            None if payload == "extension" => Some(Self::Extensions),
            None if payload == "freeze" => Some(Self::Freezes),
            None if payload == "keyset" => Some(Self::Keys),
            _ => None,
        };
        found.unwrap_or(Self::Something)
    }
}

/// The version of a store. Two equal versions mean that nobody committed in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The connection to the database. Numbers of different connections cannot be compared.
    pub(crate) connection: u64,
    pub(crate) number: i64,
}

/// A version of the store, and the time at which it was read or shortly before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObservedVersion {
    pub(crate) version: Version,
    pub(crate) at: Moment,
}

type Listener = Box<dyn Fn(Changed) + Send + Sync>;

/// The waiters for changes, and the listener of the registry.
pub(super) struct Signals {
    waiting: broadcast::Sender<Changed>,
    /// Called for each signal, before the caller of the write gets its answer.
    listener: OnceLock<Listener>,
    /// `true` if the last write failed because there was no space left, or because the server took no writes.
    is_unwritable: AtomicBool,
    /// `true` after a write was refused because this program is too old.
    is_too_old: AtomicBool,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            waiting: broadcast::Sender::new(BACKLOG),
            listener: OnceLock::new(),
            is_unwritable: AtomicBool::new(false),
            is_too_old: AtomicBool::new(false),
        }
    }
}

impl Signals {
    pub(super) fn publish(&self, changed: Changed) {
        if let Some(listener) = self.listener.get() {
            listener(changed);
        }
        // An error means that there are no waiters.
        drop(self.waiting.send(changed));
    }

    /// Keeps from the result of a write whether anything can be written and whether this program may write, and logs
    /// once that it may not.
    pub(super) fn wrote<T>(&self, result: &Result<T, StoreError>) {
        match result {
            Ok(_) => self.is_unwritable.store(false, Ordering::Relaxed),
            Err(error) if error.is_unwritable() => self.is_unwritable.store(true, Ordering::Relaxed),
            Err(error @ StoreError::ProgramTooOld { .. }) if !self.is_too_old.swap(true, Ordering::Relaxed) => {
                let remedy = error.remedy().unwrap_or_default();
                tracing::error!(target: OPERATIONS, code = error.code(), "{error}; {remedy}");
            }
            Err(_) => {}
        }
    }

    pub(super) fn is_unwritable(&self) -> bool {
        self.is_unwritable.load(Ordering::Relaxed)
    }

    pub(super) fn is_too_old(&self) -> bool {
        self.is_too_old.load(Ordering::Relaxed)
    }

    /// Waits until there are no waiters.
    #[cfg(feature = "postgres")]
    pub(super) async fn deserted(&self) {
        self.waiting.closed().await;
    }

    #[cfg(feature = "postgres")]
    pub(super) fn is_deserted(&self) -> bool {
        self.waiting.receiver_count() == 0
    }
}

impl Store {
    /// Calls `listener` with each signal, before any waiter gets it. Only the first listener of a store counts.
    pub(crate) fn on_change(&self, listener: impl Fn(Changed) + Send + Sync + 'static) {
        // The first listener stays.
        drop(self.shared.signals.listener.set(Box::new(listener)));
    }

    /// Publishes that another process took something back, so that nobody decides by what was read before.
    pub(crate) fn withdrawn(&self) {
        self.shared.signals.publish(Changed::Withdrawals);
    }

    /// Returns a waiter for the changes from now on.
    pub(crate) async fn changes(&self, clock: &dyn Clock) -> Changes {
        let signals = self.shared.signals.waiting.subscribe();
        match &self.shared.engine {
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.listen(&self.shared.signals),
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => {}
        }
        let looked = self.version(clock, Duration::ZERO).await;
        Changes { store: self.clone(), signals, version: looked.map(|looked| looked.version) }
    }

    /// Returns the version of the store, read less than `age` ago; `None` for an engine that has none.
    pub(crate) async fn version(&self, clock: &dyn Clock, age: Duration) -> Option<ObservedVersion> {
        match &self.shared.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => sqlite.version(clock, age).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.version(clock, age).await,
        }
    }
}

/// A waiter for changes of the store by any process.
pub(crate) struct Changes {
    store: Store,
    signals: broadcast::Receiver<Changed>,
    version: Option<Version>,
}

/// The longest times for which a waiter of the core does not read again.
impl Changes {
    /// The interval at which a SQLite database is asked for commits while somebody waits.
    pub(crate) const FOR_COMMITS: Duration = Duration::from_millis(100);
    /// The longest wait for what another process does, such as the end of its lease.
    pub(crate) const FOR_ANOTHER_PROCESS: Duration = Duration::from_millis(500);
    /// The interval at which a process that uses connections looks for withdrawals, if the engine has no version that
    /// can be looked at.
    pub(crate) const FOR_WITHDRAWALS: Duration = Duration::from_millis(250);
    /// The time between two looks of a process that waits until a withdrawal is confirmed.
    pub(crate) const FOR_CONFIRMATIONS: Duration = Duration::from_millis(20);
    /// The longest wait for the last callback that a program has to receive.
    pub(crate) const FOR_CALLBACKS: Duration = Duration::from_secs(1);
    /// The longest wait for a signal, because it may be lost, and not every change sends one.
    pub(crate) const FOR_SIGNALS: Duration = Duration::from_secs(5);

    /// Waits until something that `concerns` the caller may have changed since the last call, or `at_most` has
    /// passed.
    ///
    /// On SQLite, a change by another process is seen within a tenth of a second, but not which row changed.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the next call returns for the same change.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] after the store was closed.
    pub(crate) async fn changed(
        &mut self,
        clock: &dyn Clock,
        at_most: Duration,
        concerns: impl Fn(Changed) -> bool,
    ) -> Result<(), StoreError> {
        let began = Moment::of(clock);
        loop {
            if self.store.is_closed() {
                return Err(StoreError::Closed);
            }
            let looked = Moment::of(clock);
            let left = at_most.saturating_sub(began.age(looked));
            if left.is_zero() {
                return Ok(());
            }
            // Without a version to poll, only a signal or the end of the time wakes the waiter.
            let nap = if self.version.is_some() { left.min(Self::FOR_COMMITS) } else { left };
            tokio::select! {
                biased;
                signal = self.signals.recv() => match signal {
                    Ok(Changed::Something) | Err(_) => return self.unless_closed(),
                    Ok(changed) if concerns(changed) => return self.unless_closed(),
                    Ok(_) => {}
                },
                () = sleep_passed(clock, || nap.saturating_sub(looked.age(Moment::of(clock)))) => {
                    let before = self.version;
                    if before.is_some() {
                        self.version = self.store.version(clock, Self::FOR_COMMITS / 2).await.map(|looked| looked.version);
                    }
                    if self.version != before {
                        return self.unless_closed();
                    }
                }
            }
        }
    }

    fn unless_closed(&self) -> Result<(), StoreError> {
        if self.store.is_closed() { Err(StoreError::Closed) } else { Ok(()) }
    }
}
