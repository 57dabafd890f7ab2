//! Tells what was changed of extensions, after the commit: who works for the host first, then who shows it.
//!
//! In this process alone. Whoever reads again gets what was committed at least by then.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::sync::mpsc;

use super::Revisions;
use crate::ConnectionRegistry;

/// What of an extension is another one now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ChangedPart {
    /// What all of it is set to.
    ExtensionConfig,
    /// What is public of its connection.
    ConnectionConfig,
    /// What one command is set to.
    CommandConfig,
    /// The credential of its connection.
    Credential,
    /// What it may use.
    Grant,
}

impl ChangedPart {
    /// `extension-config`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CommandConfig => "command-config",
            Self::ConnectionConfig => "connection-config",
            Self::Credential => "credential",
            Self::ExtensionConfig => "extension-config",
            Self::Grant => "grant",
        }
    }
}

/// A change that is committed. It holds no value, neither secret nor public.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionChange {
    /// Whose extension it is.
    pub owner: String,
    /// Which.
    pub extension: String,
    /// The command whose settings were changed.
    pub command: Option<String>,
    /// What was changed, in the order of [`ChangedPart`].
    pub parts: Vec<ChangedPart>,
    /// As of the change; `None` for one that is not of settings.
    pub revisions: Option<Revisions>,
}

type Listener = Arc<dyn Fn(&ExtensionChange) + Send + Sync>;

/// Who listens, and for whose extensions.
#[derive(Default)]
struct Listening {
    next: u64,
    listeners: Vec<(u64, String, Listener)>,
    streams: Vec<(String, mpsc::UnboundedSender<ExtensionChange>)>,
}

#[derive(Default)]
pub(super) struct Announcements {
    listening: Arc<Mutex<Listening>>,
    /// Held from before a commit until it is told, so that changes are told in the order of their commits.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Announcements {
    pub(super) fn turn(&self) -> Arc<tokio::sync::Mutex<()>> {
        self.turn.clone()
    }

    /// Whether somebody listens. Who begins in the midst of a commit may miss that one.
    pub(super) fn is_heard(&self) -> bool {
        let listening = lock(&self.listening);
        !listening.listeners.is_empty() || listening.streams.iter().any(|(_, sender)| !sender.is_closed())
    }

    /// After the commit. A listener that panics is nobody else's concern.
    pub(super) fn publish(&self, change: &ExtensionChange) {
        let listeners: Vec<_> = {
            let listening = lock(&self.listening);
            let of_owner = listening.listeners.iter().filter(|(_, owner, _)| *owner == change.owner);
            of_owner.map(|(_, _, listener)| listener.clone()).collect()
        };
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(change))).is_err() {
                tracing::warn!(extension = %change.extension, "who listens to changes of extensions crashed");
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

/// Listens until it is dropped.
#[must_use = "dropping it ends the listening"]
pub struct ExtensionListener {
    number: u64,
    listening: Arc<Mutex<Listening>>,
}

impl Drop for ExtensionListener {
    fn drop(&mut self) {
        // What the listener holds is dropped behind the lock.
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

/// Changes from when it was made, in the order of their commits. Dropping it ends it.
pub struct ExtensionChanges(mpsc::UnboundedReceiver<ExtensionChange>);

impl ExtensionChanges {
    /// The next change; `None` when the registry is gone.
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

impl ConnectionRegistry {
    /// Calls `listener` with each change of this owner's extensions that this process commits, before any
    /// [stream](Self::extension_changes) has it. It runs on the core's own thread: it does little, and waits for nothing.
    pub fn on_extension_change(
        &self,
        listener: impl Fn(&ExtensionChange) + Send + Sync + 'static,
    ) -> ExtensionListener {
        let listening = self.shared.extensions.announcements.listening.clone();
        let number = {
            let mut listening = lock(&listening);
            listening.next += 1;
            let number = listening.next;
            listening.listeners.push((number, self.owner.to_string(), Arc::new(listener)));
            number
        };
        ExtensionListener { number, listening }
    }

    /// The changes of this owner's extensions that this process commits, for who shows them: each one when every
    /// [listener](Self::on_extension_change) has had it.
    pub fn extension_changes(&self) -> ExtensionChanges {
        // Unbounded: a change takes a commit, so a queue grows by one entry a commit at most.
        let (sender, receiver) = mpsc::unbounded_channel();
        lock(&self.shared.extensions.announcements.listening).streams.push((self.owner.to_string(), sender));
        ExtensionChanges(receiver)
    }
}
