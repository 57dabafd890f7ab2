//! Removes the connections of a kind before the kind is unregistered.

use std::{future::Future, pin::Pin, sync::Arc, task::Poll};

use connection_contract::{BoxFuture, Kind};

use super::{Kinds, Systems};
use crate::{ConnectionId, Error, Filter, Notification, Removal, connection, definition::Revocation};

/// Number of connections that are removed at once. Each waits for its provider.
const PAGE: u16 = 8;

/// The outcome of a removal of a kind's connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KindRemoval {
    /// The removed connections, each with its outcome.
    pub removed: Vec<(ConnectionId, Removal)>,
    /// The number of connections of the kind that other owners have. The kind is unregistered if there are none.
    pub left: u64,
}

impl<'a> Kinds<'a> {
    /// Removes the owner's connections of a kind, each with its teardown, and then unregisters the kind.
    ///
    /// While another owner has connections of the kind, the kind stays registered, because nothing else can tear them
    /// down. Connections that are made meanwhile are removed, too. If the kind is not registered, its connections are
    /// removed, and their credentials are not revoked.
    ///
    /// # Repetition
    ///
    /// After a crash or an error, another call removes the rest.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, removals that have begun continue, and no further one begins.
    ///
    /// # Errors
    ///
    /// The store's errors. Connections that were removed before the error stay removed, and the kind stays registered.
    ///
    /// # Examples
    ///
    /// ```
    /// # use connection_contract::Kind;
    /// # use connection_core::{ConnectionRegistry, Error, Teardown};
    /// # async fn uninstall(registry: ConnectionRegistry) -> Result<(), Error> {
    /// let removal = registry.kinds().remove(&Kind::from_static("acme")).await?;
    /// for (id, removal) in &removal.removed {
    ///     if matches!(removal.teardown, Teardown::NotRevoked | Teardown::Failed) {
    ///         println!("{id}: the credential may still work");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove(self, kind: &'a Kind) -> BoxFuture<'a, Result<KindRemoval, Error>> {
        self.remove_with(kind, Revocation::Created)
    }

    /// Removes the owner's connections of a kind as [`remove`](Self::remove) does, and also revokes credentials that a
    /// person entered, if the kind [can do that](crate::Capabilities::revoke).
    ///
    /// # Errors
    ///
    /// The errors of [`remove`](Self::remove).
    pub fn remove_and_revoke(self, kind: &'a Kind) -> BoxFuture<'a, Result<KindRemoval, Error>> {
        self.remove_with(kind, Revocation::Entered)
    }

    fn remove_with(self, kind: &'a Kind, revocation: Revocation) -> BoxFuture<'a, Result<KindRemoval, Error>> {
        Box::pin(async move {
            let registry = self.registry;
            let mut removed = Vec::new();
            let mut filter = Filter::new().kind(kind.clone()).limit(PAGE);
            loop {
                let page = registry.list_connections(filter.clone()).await?;
                let ids = page.items.iter().map(|info| info.id);
                for (id, removal) in all(ids.map(|id| (id, registry.remove_with(id, revocation))).collect()).await {
                    match removal {
                        Ok(removal) => removed.push((id, removal)),
                        // Another caller removed the connection first.
                        Err(Error::NotFound(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                match page.next {
                    Some(next) => filter = filter.after(next),
                    None => break,
                }
            }
            // A kind that belongs to an extension of this owner is not registered, and no other owner has it.
            if kind.extension().is_some() {
                return Ok(KindRemoval { removed, left: 0 });
            }
            let left = connection::count(&self.registry.systems.ground, None, Some(kind)).await?;
            if left == 0 {
                self.unregister(kind);
            }
            Ok(KindRemoval { removed, left })
        })
    }

    /// Unregisters a kind and returns whether it was registered.
    ///
    /// Its connections remain in the store and are listed, but cannot be verified, used or torn down until the kind is
    /// registered again. If some remain, a warning is logged. [`remove`](Self::remove) removes the
    /// connections first.
    pub fn unregister(self, kind: &Kind) -> bool {
        let was_there = self.registry.systems.ground.kinds.unregister(kind);
        self.registry.systems.kinds_changed();
        self.registry.systems.ground.notifications.publish(&Notification::KindsChanged);
        if was_there {
            let systems = Arc::downgrade(&self.registry.systems);
            let kind = kind.clone();
            self.registry.systems.ground.runtimes.spawn(async move {
                if let Some(systems) = systems.upgrade() {
                    tell_left(&systems, &kind).await;
                }
            });
        }
        was_there
    }
}

/// Logs a warning if connections of an unregistered kind are left. If the store cannot be read, nothing is logged.
async fn tell_left(systems: &Systems, kind: &Kind) {
    let left = connection::count(&systems.ground, None, Some(kind)).await.unwrap_or_default();
    if left > 0 && !systems.ground.kinds.contains(kind) {
        tracing::warn!(%kind, left, "a kind with connections was unregistered; they can no longer be verified, used \
                                     or torn down");
    }
}

/// Waits for all futures at once, and returns their outputs in the order of the futures.
async fn all<F: Future>(futures: Vec<(ConnectionId, F)>) -> Vec<(ConnectionId, F::Output)> {
    let mut running: Vec<_> = futures.into_iter().map(|(id, future)| (id, Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        let mut is_done = true;
        for (_, future, output) in &mut running {
            if output.is_none() {
                match Pin::new(future).poll(cx) {
                    Poll::Ready(ready) => *output = Some(ready),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(id, _, output)| Some((id, output?))).collect()
}
