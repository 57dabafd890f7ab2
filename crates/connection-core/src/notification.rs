//! Notifies the listeners of a host of what this process does. A notification is sent after the commit.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::Kind;

use crate::{ConnectionId, usage_report::FetchedUsage};

/// A notification of what happened in this process, for any owner. It holds no secrets.
///
/// It says which data to read again. The record of events is in [`Events`](crate::Events).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notification {
    /// A connection belongs to another account now, after a re-authorization or a rollback. What is known of the
    /// former account does not apply to it.
    AccountChanged(ConnectionId),
    /// The registry was closed. Every later use of it is refused.
    Closed,
    /// Connections were created, changed or removed by this process, or possibly by another one.
    ConnectionsChanged,
    /// A kind was registered, replaced or unregistered.
    KindsChanged,
    /// A plugin has verified a credential, for a verification or at the end of a setup.
    Probed(Probed),
    /// The connection with this id was removed by this process.
    Removed(ConnectionId),
    /// A fetch of a connection's usage has ended.
    UsageFetched(FetchedUsage),
    /// A session has reported usage of the account of the connection with this id.
    UsageReported(ConnectionId),
}

/// A verification of a credential by its plugin. A host measures with it how fast providers answer; it names no
/// connection.
///
/// ```
/// use connection_core::{ConnectionRegistry, Notification, NotificationListener};
///
/// fn log_slow_probes(registry: &ConnectionRegistry) -> NotificationListener {
///     registry.events().listen(|notification| {
///         if let Notification::Probed(probed) = notification
///             && probed.duration.as_secs() > 5
///         {
///             println!("{} took {:?}", probed.kind, probed.duration);
///         }
///     })
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probed {
    /// The kind whose plugin verified the credential.
    pub kind: Kind,
    /// The time that the plugin took, with its requests to the provider.
    pub duration: Duration,
}

type Listener = Arc<dyn Fn(&Notification) + Send + Sync>;

/// Calls a listener, whose panics are contained.
fn notify(listener: &Listener, notification: &Notification) {
    if catch_unwind(AssertUnwindSafe(|| listener(notification))).is_err() {
        tracing::warn!("a listener to notifications crashed");
    }
}

/// The listeners of one registry. A clone notifies the same ones.
#[derive(Clone, Default)]
pub(crate) struct Notifications(Arc<Mutex<Listening>>);

#[derive(Default)]
struct Listening {
    drawn: u64,
    listeners: Vec<(u64, Listener)>,
}

impl Notifications {
    /// Calls `listener` with each notification until the returned value is dropped.
    pub(crate) fn listen(&self, listener: impl Fn(&Notification) + Send + Sync + 'static) -> NotificationListener {
        let mut listening = self.lock();
        listening.drawn += 1;
        let number = listening.drawn;
        listening.listeners.push((number, Arc::new(listener)));
        drop(listening);
        NotificationListener { number, notifications: self.clone() }
    }

    /// Notifies all listeners. Called after the commit. A listener that panics does not affect the others.
    pub(crate) fn publish(&self, notification: &Notification) {
        // No listener is called under the lock.
        let listeners: Vec<_> = self.lock().listeners.iter().map(|(_, listener)| listener.clone()).collect();
        for listener in listeners {
            notify(&listener, notification);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Listening> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener that is called until this value is dropped.
#[must_use = "listening ends when this is dropped"]
pub struct NotificationListener {
    number: u64,
    notifications: Notifications,
}

impl NotificationListener {
    /// Calls this listener and no other.
    pub(crate) fn call(&self, notification: &Notification) {
        let listener = {
            let listening = self.notifications.lock();
            listening.listeners.iter().find(|(number, _)| *number == self.number).map(|(_, listener)| listener.clone())
        };
        if let Some(listener) = listener {
            notify(&listener, notification);
        }
    }
}

impl Drop for NotificationListener {
    fn drop(&mut self) {
        // The values that the listener captured are dropped after the lock is released.
        let dropped: Vec<_> =
            self.notifications.lock().listeners.extract_if(.., |(number, _)| *number == self.number).collect();
        drop(dropped);
    }
}

impl fmt::Debug for NotificationListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NotificationListener")
    }
}
