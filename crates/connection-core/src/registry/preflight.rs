//! Verifies many connections, some at a time.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use connection_contract::Kind;
use futures_core::Stream;
use tokio::sync::mpsc;

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error,
    ground::{Lane, UNREADABLE},
    verify::{self, ProbeTrigger},
};

/// Number of connections whose kinds are read in one statement.
const MAX_IDS: usize = 1000;

type Verified = (ConnectionId, Result<ConnectionInfo, Error>);

/// The results of a preflight in the order in which they arrive, one per connection.
///
/// All connections are verified, whether or not the results are read, as long as this value is kept. If it is dropped,
/// no further probe begins.
#[must_use = "a preflight that is dropped begins no more probes"]
pub struct Preflight {
    ids: Vec<ConnectionId>,
    results: mpsc::UnboundedReceiver<Verified>,
}

impl ConnectionRegistry {
    /// Verifies these connections. A connection that fails or does not exist does not affect the results of the others.
    /// A connection that is named twice is verified once.
    ///
    /// The probes run on their own tasks, and each probe that has begun finishes even if the stream is dropped. At most
    /// [`verify_at_once`](crate::Limits::verify_at_once) probes run at once, and at most
    /// [`verify_per_provider`](crate::Limits::verify_per_provider) per provider, over all preflights and the
    /// scheduler of this process. A provider that hangs therefore delays only its own connections. A connection whose
    /// provider asked for a pause is not asked before its end; see [`Connection::verify`](crate::Connection::verify).
    pub fn preflight(&self, ids: impl IntoIterator<Item = ConnectionId>) -> Preflight {
        self.begin_preflight(ids.into_iter().collect(), ProbeTrigger::Host)
    }

    /// Verifies these connections as [`preflight`](Self::preflight) does, also during pauses that their providers asked
    /// for.
    pub fn preflight_now(&self, ids: impl IntoIterator<Item = ConnectionId>) -> Preflight {
        self.begin_preflight(ids.into_iter().collect(), ProbeTrigger::HostNow)
    }

    fn begin_preflight(&self, mut ids: Vec<ConnectionId>, asker: ProbeTrigger) -> Preflight {
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(*id));
        let (sender, results) = mpsc::unbounded_channel();
        let registry = self.clone();
        let all = ids.clone();
        self.systems.ground.runtimes.spawn(async move {
            let mut lanes = BTreeMap::<Lane, Vec<ConnectionId>>::new();
            for some in all.chunks(MAX_IDS) {
                let known = registry.lanes_of(some).await;
                for id in some {
                    match known.as_ref().map(|known| known.get(id)) {
                        Ok(Some(lane)) => lanes.entry(lane.clone()).or_default().push(*id),
                        // The send fails only if nobody listens any longer.
                        Ok(None) => drop(sender.send((*id, Err(Error::NotFound(*id))))),
                        Err(error) => drop(sender.send((*id, Err(error.clone())))),
                    }
                }
            }
            for (lane, ids) in lanes {
                registry.systems.ground.runtimes.spawn(probes(registry.clone(), lane, ids, asker, sender.clone()));
            }
        });
        Preflight { ids, results }
    }

    /// Returns the lanes of those of these connections that this owner has.
    async fn lanes_of(&self, ids: &[ConnectionId]) -> Result<HashMap<ConnectionId, Lane>, Error> {
        let kinds = self.systems.ground.reader().await?.kinds_of(&self.owner, ids).await?;
        let lane = |kind: &str| self.systems.ground.lane(&self.owner, &Kind::parse(kind).unwrap_or(UNREADABLE));
        // A connection with an invalid kind is verified as any other. The result says what is wrong.
        Ok(kinds.into_iter().map(|(id, kind)| (id, lane(&kind))).collect())
    }
}

/// Verifies connections of one provider as permits become free.
async fn probes(
    registry: ConnectionRegistry,
    lane: Lane,
    ids: Vec<ConnectionId>,
    asker: ProbeTrigger,
    sender: mpsc::UnboundedSender<Verified>,
) {
    for id in ids {
        let Some(permit) = registry.systems.verify.probe_permits.take(&lane).await else { return };
        if sender.is_closed() {
            return;
        }
        let verifying = registry.clone();
        let sender = sender.clone();
        registry.systems.ground.runtimes.spawn(async move {
            let scope = verifying.connections().on(&verifying.systems.verify);
            let result = verify::verify(scope, id, asker, Some(permit)).await;
            // The send fails only if nobody listens any longer.
            drop(sender.send((id, result)));
        });
    }
}

impl Preflight {
    /// Returns the next result; `None` after the last.
    pub async fn next(&mut self) -> Option<Verified> {
        self.results.recv().await
    }

    /// Returns the results in the order in which the connections were named.
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

/// The results of a preflight in the order of the connections; see [`Preflight::in_order`].
#[derive(Debug)]
pub struct InOrder {
    order: VecDeque<ConnectionId>,
    early: BTreeMap<ConnectionId, Result<ConnectionInfo, Error>>,
    results: Preflight,
}

impl InOrder {
    /// Returns the next result; `None` after the last.
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
