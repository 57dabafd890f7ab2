//! Verifies many connections, some at a time.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::sync::{Semaphore, mpsc};

use crate::{ConnectionId, ConnectionInfo, ConnectionRegistry, Error};

/// Probes under way at once.
const AT_ONCE: usize = 16;

/// One connection's result.
type Verified = (ConnectionId, Result<ConnectionInfo, Error>);

/// The results of a preflight as they come, one per connection. Dropped, it begins no more probes.
pub struct Preflight {
    ids: Vec<ConnectionId>,
    results: mpsc::Receiver<Verified>,
}

impl ConnectionRegistry {
    /// Verifies these connections. One that fails, or that there is not, keeps no other from its result; one that is
    /// named twice is verified once.
    ///
    /// The probes run on their own tasks from now on; what was begun ends also when the stream is dropped.
    pub fn preflight(&self, ids: impl IntoIterator<Item = ConnectionId>) -> Preflight {
        let mut seen = HashSet::new();
        let ids: Vec<_> = ids.into_iter().filter(|id| seen.insert(*id)).collect();
        let (sender, results) = mpsc::channel(AT_ONCE);
        let (registry, queue) = (self.clone(), ids.clone());
        self.shared.runtimes.spawn(async move {
            let slots = Arc::new(Semaphore::new(AT_ONCE));
            for id in queue {
                // The semaphore is never closed.
                let Ok(slot) = slots.clone().acquire_owned().await else { return };
                if sender.is_closed() {
                    return;
                }
                let (registry, sender) = (registry.clone(), sender.clone());
                let runtimes = registry.shared.runtimes.clone();
                runtimes.spawn(async move {
                    let result = match registry.connection(id).await {
                        Ok(connection) => connection.verify().await,
                        Err(error) => Err(error),
                    };
                    // Nobody listens any more.
                    drop(sender.send((id, result)).await);
                    drop(slot);
                });
            }
        });
        Preflight { ids, results }
    }
}

impl Preflight {
    /// The next result; `None` after the last.
    pub async fn next(&mut self) -> Option<Verified> {
        self.results.recv().await
    }

    /// The results in the order in which the connections were named.
    pub fn in_order(self) -> InOrder {
        InOrder { order: self.ids.clone().into(), early: BTreeMap::new(), results: self }
    }
}

impl fmt::Debug for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Preflight({} connections)", self.ids.len())
    }
}

impl Stream for Preflight {
    type Item = Verified;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Verified>> {
        self.results.poll_recv(cx)
    }
}

/// See [`Preflight::in_order`].
#[derive(Debug)]
pub struct InOrder {
    order: VecDeque<ConnectionId>,
    early: BTreeMap<ConnectionId, Result<ConnectionInfo, Error>>,
    results: Preflight,
}

impl InOrder {
    /// The next result; `None` after the last.
    pub async fn next(&mut self) -> Option<Verified> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for InOrder {
    type Item = Verified;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Verified>> {
        loop {
            let Some(next) = self.order.front().copied() else { return Poll::Ready(None) };
            if let Some(result) = self.early.remove(&next) {
                self.order.pop_front();
                return Poll::Ready(Some((next, result)));
            }
            match self.results.results.poll_recv(cx) {
                Poll::Ready(Some((id, result))) => {
                    self.early.insert(id, result);
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
