//! The usage that a program has fetched, for all accounts of one opened registry.

use std::{fmt, sync::Arc};

use connection_contract::Kind;
use connection_core::{Clock, ConnectionRegistry, Error, Notification, NotificationListener};
use tokio::sync::watch;

use super::{
    PollUsage, Usage, UsageBounds, UsageChanges,
    snapshots::{Moment, Snapshots},
};

/// Follows the usage of the accounts of one registry: fetches it on request, polls it, and keeps the last result of each
/// account.
///
/// A program makes one monitor when it has opened its registry. A clone is another handle to the same monitor. The
/// store keeps the last good snapshot of each account, so that every process shows it, whichever fetched it.
///
/// # Examples
///
/// ```
/// use connection_agent::{UsageBounds, UsageMonitor};
/// use connection_contract::Kind;
/// use connection_core::{ConnectionRegistry, Error};
///
/// /// Polls all accounts until the registry is closed, and shows those of one kind after each fetch.
/// async fn follow(registry: &ConnectionRegistry, kind: &Kind) -> Result<(), Error> {
///     let monitor = UsageMonitor::new(registry);
///     tokio::spawn(monitor.poll(UsageBounds::new()).into_future());
///     let mut changes = monitor.changes();
///     while changes.changed().await {
///         if let Some(reading) = monitor.usage(kind).snapshot(None).await? {
///             println!("{:?}, {} seconds old", reading.snapshot, reading.age.as_secs());
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct UsageMonitor {
    pub(super) registry: ConnectionRegistry,
    pub(super) kept: Arc<Kept>,
    /// Ends the listening after the last handle is dropped.
    _listener: Arc<NotificationListener>,
}

/// The state that the listener writes and the handles read.
pub(super) struct Kept {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) snapshots: Snapshots,
    /// Counts the possible changes of kinds and connections.
    pub(super) listed: watch::Sender<u64>,
    /// `true` after the registry was closed.
    pub(super) closed: watch::Sender<bool>,
}

impl Kept {
    fn hear(&self, notification: &Notification) {
        match notification {
            Notification::AccountChanged(id) | Notification::Removed(id) => self.snapshots.forget(*id),
            Notification::Closed => drop(self.closed.send_replace(true)),
            Notification::ConnectionsChanged | Notification::KindsChanged => {
                self.listed.send_modify(|count| *count = count.wrapping_add(1));
            }
            Notification::UsageFetched(fetched) => {
                // The store has the same time.
                let now = Moment { wall: fetched.at, passed: self.clock.passed() };
                self.snapshots.keep(fetched.connection, &fetched.account, now, &fetched.result);
            }
            Notification::UsageReported(_) => self.snapshots.reported(),
            _ => {}
        }
    }
}

impl UsageMonitor {
    /// Creates a monitor of the accounts of a registry, which acts for the owner of this handle.
    pub fn new(registry: &ConnectionRegistry) -> Self {
        let kept = Arc::new(Kept {
            clock: registry.clock(),
            snapshots: Snapshots::default(),
            listed: watch::Sender::new(0),
            closed: watch::Sender::new(false),
        });
        let hearing = kept.clone();
        let listener = registry.events().listen(move |notification| hearing.hear(notification));
        Self { registry: registry.clone(), kept, _listener: Arc::new(listener) }
    }

    /// Returns a handle to the same monitor that acts for `owner`.
    ///
    /// # Errors
    ///
    /// The errors of [`ConnectionRegistry::owner`].
    pub fn owner(&self, owner: impl Into<String>) -> Result<Self, Error> {
        Ok(Self { registry: self.registry.owner(owner)?, ..self.clone() })
    }

    /// Returns the usage of the owner's accounts of a kind. A kind that does not report usage is an error of each
    /// method.
    pub fn usage(&self, kind: &Kind) -> Usage {
        Usage::new(self, kind)
    }

    /// Fetches usage of all connections of all owners whose kind reports it, and keeps it for [`Usage::snapshot`].
    ///
    /// The bounds and the kind determine the interval. After failures the interval grows, and a pause that a
    /// provider requests is kept. The returned value is awaited; it ends when the registry is closed.
    ///
    /// Spawn this in one process only, because each process that polls fetches for itself.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any time; the fetches that it has begun continue.
    pub fn poll(&self, bounds: UsageBounds) -> PollUsage {
        PollUsage::new(self, bounds)
    }

    /// Returns a receiver of changes: the fetches and the reports of sessions in this process from now on, for all
    /// owners.
    pub fn changes(&self) -> UsageChanges {
        self.kept.snapshots.changes()
    }
}

impl fmt::Debug for UsageMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsageMonitor").field("owner", &self.registry.owner_name()).finish_non_exhaustive()
    }
}
