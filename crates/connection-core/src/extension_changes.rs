//! Changes of extensions, and the listeners that are notified of them.
//!
//! A change has two moments:
//!
//! 1. *In the transaction*, the extensions that the change affects are read, and the grants that it ends are taken back;
//!    see `grant::Affected`. Both are committed with the change, or not at all.
//! 2. *After the commit*, the listeners are notified: callbacks of the host first, then streams. The [`ChangeOrder`] that
//!    was taken before the transaction keeps the notifications in the order of the commits.
//!
//! Listeners are in memory, so only changes that this process commits are notified. If the process ends between the two
//! moments, nothing is announced, and a later reader finds the committed state. A listener that reads after a
//! notification sees at least what was committed by then.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::sync::{OwnedMutexGuard, mpsc};

use crate::{ConnectionId, words::words};

/// The number of changes of an extension's settings and connection. A part that never existed counts as zero.
///
/// Equal revisions name the same state. A caller that decides by what it read passes its revisions, and is refused if
/// the state has changed since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Revisions {
    /// Number of writes of the extension's settings.
    pub extension_config: u64,
    /// Number of writes of the command's settings, if a command was named.
    pub command_config: u64,
    /// Number of changes of the public configuration of the connection, by whatever means.
    pub connection_config: u64,
    /// The credential, as a number that grows with each credential that is stored for the connection.
    pub credential: u64,
    /// The connection that the last two numbers belong to.
    pub connection: Option<ConnectionId>,
}

words! {
    /// A part of an extension that changed.
    #[non_exhaustive]
    pub enum ChangedPart {
        /// The settings of the whole extension.
        ExtensionConfig = "extension-config",
        /// The public configuration of its connection.
        ConnectionConfig = "connection-config",
        /// The settings of one command.
        CommandConfig = "command-config",
        /// The credential of its connection, as after a refresh.
        Credential = "credential",
        /// The grant that allows it to use its connection.
        Grant = "grant",
    }
}

/// A committed change. It holds no values, neither secret nor public.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionChange {
    /// The owner for whom the extension was added.
    pub owner: String,
    /// The name under which the extension was added.
    pub extension: String,
    /// The command whose settings changed.
    pub command: Option<String>,
    /// The parts that changed, in the order of [`ChangedPart`].
    pub parts: Vec<ChangedPart>,
    /// The revisions after the change; `None` if it is not a change of settings.
    pub revisions: Option<Revisions>,
}

type Listener = Arc<dyn Fn(&ExtensionChange) + Send + Sync>;

/// The listeners, with the owners whose extensions they listen to.
#[derive(Default)]
struct Listening {
    next: u64,
    listeners: Vec<(u64, String, Listener)>,
    streams: Vec<(String, mpsc::UnboundedSender<ExtensionChange>)>,
}

/// The changes of one registry, and the listeners to them.
#[derive(Default)]
pub(crate) struct Changes {
    listening: Arc<Mutex<Listening>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Changes {
    /// Calls `listener` with each change of the owner's extensions until the returned value is dropped.
    pub(crate) fn listen(
        &self,
        owner: &str,
        listener: impl Fn(&ExtensionChange) + Send + Sync + 'static,
    ) -> ExtensionListener {
        let listening = self.listening.clone();
        let number = {
            let mut listening = lock(&listening);
            listening.next += 1;
            let number = listening.next;
            listening.listeners.push((number, owner.to_owned(), Arc::new(listener)));
            number
        };
        ExtensionListener { number, listening }
    }

    /// Returns a stream of the changes of the owner's extensions.
    pub(crate) fn stream(&self, owner: &str) -> ExtensionChanges {
        // The channel is unbounded. A change requires a commit, so a queue grows by at most one entry per commit.
        let (sender, receiver) = mpsc::unbounded_channel();
        lock(&self.listening).streams.push((owner.to_owned(), sender));
        ExtensionChanges(receiver)
    }

    /// Returns the permission to announce a change that is committed after this call.
    pub(crate) async fn order(&self) -> ChangeOrder {
        let turn = if self.is_heard() { Some(self.turn.clone().lock_owned().await) } else { None };
        ChangeOrder { listening: self.listening.clone(), _turn: turn }
    }

    /// Returns `true` if there is a listener. A listener that begins during a commit may miss its change.
    fn is_heard(&self) -> bool {
        let listening = lock(&self.listening);
        !listening.listeners.is_empty() || listening.streams.iter().any(|(_, sender)| !sender.is_closed())
    }
}

/// The permission to announce a change, taken before its commit and held until it was announced, so that changes are
/// announced in the order of their commits. Its holder waits only for the store. If nobody listens, no order is needed,
/// and no lock is held.
#[must_use = "other changes may be announced in between after it is dropped"]
pub(crate) struct ChangeOrder {
    listening: Arc<Mutex<Listening>>,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl ChangeOrder {
    /// Notifies all listeners of the owner. Called after the commit. A listener that panics does not affect the others.
    pub(crate) fn announce(&self, change: &ExtensionChange) {
        let listeners: Vec<_> = {
            let listening = lock(&self.listening);
            let of_owner = listening.listeners.iter().filter(|(_, owner, _)| *owner == change.owner);
            of_owner.map(|(_, _, listener)| listener.clone()).collect()
        };
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(change))).is_err() {
                tracing::warn!(extension = %change.extension, "a listener to changes of extensions crashed");
            }
        }
        let mut listening = lock(&self.listening);
        listening.streams.retain(|(owner, sender)| match *owner == change.owner {
            true => sender.send(change.clone()).is_ok(),
            false => !sender.is_closed(),
        });
    }
}

fn lock(listening: &Mutex<Listening>) -> MutexGuard<'_, Listening> {
    listening.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A listener that is called until this value is dropped.
#[must_use = "listening ends when this is dropped"]
pub struct ExtensionListener {
    number: u64,
    listening: Arc<Mutex<Listening>>,
}

impl Drop for ExtensionListener {
    fn drop(&mut self) {
        // The values that the listener captured are dropped after the lock is released.
        let dropped: Vec<_> = {
            let mut listening = lock(&self.listening);
            listening.listeners.extract_if(.., |(number, ..)| *number == self.number).collect()
        };
        drop(dropped);
    }
}

impl fmt::Debug for ExtensionListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExtensionListener")
    }
}

/// A stream of changes, in the order of their commits. Dropping it ends the subscription.
pub struct ExtensionChanges(mpsc::UnboundedReceiver<ExtensionChange>);

impl ExtensionChanges {
    /// Returns the next change; `None` after the registry was dropped.
    pub async fn next(&mut self) -> Option<ExtensionChange> {
        self.0.recv().await
    }
}

impl fmt::Debug for ExtensionChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExtensionChanges")
    }
}

impl Stream for ExtensionChanges {
    type Item = ExtensionChange;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ExtensionChange>> {
        self.0.poll_recv(cx)
    }
}
