//! Signals that rows may have changed: by this process after each commit, by others as far as the engine tells.
//!
//! A signal is a hint. Who waits reads again after a time of its own at the latest, so that one that is lost costs that
//! time and nothing else.

use std::{str::FromStr as _, sync::OnceLock, time::Duration};

use tokio::sync::broadcast;

use super::{Engine, Store, StoreError};
use crate::{
    Clock,
    ids::{ConnectionId, SessionId},
    services::clock::{Moment, asleep},
};

/// Who is further behind is told that something changed.
const BACKLOG: usize = 256;
/// How often a SQLite database is looked at while somebody waits.
const POLL: Duration = Duration::from_millis(100);

/// What may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// A connection: its row, credentials or liveness.
    Connection(ConnectionId),
    /// A setup session, or what arrived for it.
    Setup(SessionId),
    /// The keyset.
    Keys,
    /// The inbox of a connection.
    Webhook(ConnectionId),
    /// Nobody knows what.
    Something,
}

impl Changed {
    /// Reads what a trigger of ours sends; whatever else comes on the channel is worth a look.
    pub(super) fn parse(payload: &str) -> Self {
        let found = match payload.split_once(':') {
            Some(("account", id)) => ConnectionId::from_str(id).ok().map(Self::Connection),
            Some(("setup", id)) => SessionId::from_str(id).ok().map(Self::Setup),
            Some(("webhook", id)) => ConnectionId::from_str(id).ok().map(Self::Webhook),
            None if payload == "keyset" => Some(Self::Keys),
            _ => None,
        };
        found.unwrap_or(Self::Something)
    }
}

/// A number that stays the same for as long as nobody commits anything to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// Numbers are compared on one connection only.
    pub(crate) connection: u64,
    pub(crate) number: i64,
}

/// A version of the store, and the time at which it was read or shortly before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked {
    pub(crate) version: Version,
    pub(crate) at: Moment,
}

type Listener = Box<dyn Fn(Changed) + Send + Sync>;

/// Where signals go.
pub(super) struct Signals {
    waiting: broadcast::Sender<Changed>,
    /// Called at once, before whoever wrote is answered.
    listener: OnceLock<Listener>,
}

impl Default for Signals {
    fn default() -> Self {
        Self { waiting: broadcast::Sender::new(BACKLOG), listener: OnceLock::new() }
    }
}

impl Signals {
    pub(super) fn publish(&self, changed: Changed) {
        if let Some(listener) = self.listener.get() {
            listener(changed);
        }
        // An error means that nobody waits.
        drop(self.waiting.send(changed));
    }

    /// Resolves when nobody waits any more.
    pub(super) async fn deserted(&self) {
        self.waiting.closed().await;
    }

    pub(super) fn is_deserted(&self) -> bool {
        self.waiting.receiver_count() == 0
    }
}

impl Store {
    /// Calls `listener` with each signal, first of all who hear it; once per store.
    pub(crate) fn on_change(&self, listener: impl Fn(Changed) + Send + Sync + 'static) {
        // The first one stays.
        drop(self.shared.signals.listener.set(Box::new(listener)));
    }

    /// Changes from now on.
    pub(crate) async fn changes(&self, clock: &dyn Clock) -> Changes {
        let signals = self.shared.signals.waiting.subscribe();
        if let Engine::Postgres(postgres) = &self.shared.engine {
            postgres.listen(&self.shared.signals);
        }
        let looked = self.version(clock, Duration::ZERO).await;
        Changes { store: self.clone(), signals, version: looked.map(|looked| looked.version) }
    }

    /// Returns the version of the store, read less than `age` ago; `None` for an engine that has none.
    pub(crate) async fn version(&self, clock: &dyn Clock, age: Duration) -> Option<Looked> {
        match &self.shared.engine {
            Engine::Sqlite(sqlite) => sqlite.version(clock, age).await,
            Engine::Postgres(_) => None,
        }
    }
}

/// What one who waits has not heard of yet.
pub(crate) struct Changes {
    store: Store,
    signals: broadcast::Receiver<Changed>,
    version: Option<Version>,
}

impl Changes {
    /// Resolves when something that `concerns` the caller may have changed since the last time, or `at_most` has passed.
    ///
    /// On SQLite other processes' changes are seen within a tenth of a second, and nobody knows of what they are.
    ///
    /// # Cancellation
    ///
    /// Dropped, what has changed is told by the next call.
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
            // Who cannot look is told, or waits to the end.
            let nap = if self.version.is_some() { left.min(POLL) } else { left };
            tokio::select! {
                biased;
                signal = self.signals.recv() => match signal {
                    Ok(Changed::Something) | Err(_) => return self.told(),
                    Ok(changed) if concerns(changed) => return self.told(),
                    Ok(_) => {}
                },
                () = asleep(clock, || nap.saturating_sub(looked.age(Moment::of(clock)))) => {
                    let before = self.version;
                    if before.is_some() {
                        self.version = self.store.version(clock, POLL / 2).await.map(|looked| looked.version);
                    }
                    if self.version != before {
                        return self.told();
                    }
                }
            }
        }
    }

    fn told(&self) -> Result<(), StoreError> {
        if self.store.is_closed() { Err(StoreError::Closed) } else { Ok(()) }
    }
}
