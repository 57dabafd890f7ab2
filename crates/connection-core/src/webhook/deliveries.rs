//! Hands events over: those of a connection one after the other, each until it is acknowledged.
//!
//! Whoever takes an event has it for a while; nobody else gets it meanwhile, nor a later one of its connection. What was not
//! acknowledged by then, because a process died or the event could not be dealt with, is handed over again.

use std::{
    fmt,
    future::IntoFuture,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use connection_contract::{BoxFuture, Kind};
use futures_core::Stream;
use uuid::Uuid;

use super::ReceivedEvent;
use crate::{
    Connection, ConnectionId, ConnectionRegistry, Error,
    registry::Shared,
    store::{Changed, Changes, Lock},
};

/// For so long who takes an event has it, unless they say otherwise.
const CLAIM: Duration = Duration::from_secs(60);
/// Looks also when nothing is said to have changed: a signal may be lost, and the end of a claim is none.
const LONGEST: Duration = Duration::from_secs(5);

/// Events that are about to be taken: `registry.deliveries().kind(kind).await`.
#[derive(Debug)]
#[must_use = "events are taken when this is awaited"]
pub struct BeginDeliveries {
    registry: ConnectionRegistry,
    connection: Option<ConnectionId>,
    kind: Option<Kind>,
    claim: Duration,
}

impl BeginDeliveries {
    /// Of one connection alone.
    pub fn connection(mut self, id: ConnectionId) -> Self {
        self.connection = Some(id);
        self
    }

    /// Of one kind alone.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// How long an event is another's no more once it was taken; a minute unless given, and at least a second. Who needs
    /// longer for one may get it twice.
    pub fn claim(mut self, time: Duration) -> Self {
        self.claim = time.max(Duration::from_secs(1));
        self
    }

    async fn begin(self) -> Result<Deliveries, Error> {
        let Self { registry, connection, kind, claim } = self;
        let ConnectionRegistry { shared, owner } = registry;
        let claim = i64::try_from(claim.as_secs()).unwrap_or(i64::MAX);
        // Before the first look, so that nothing comes between the two.
        let changes = shared.store.changes(&*shared.clock).await;
        let taker = Taker { shared, owner, connection, kind, claim, changes };
        Ok(Deliveries(State::Idle(Box::new(taker))))
    }
}

impl IntoFuture for BeginDeliveries {
    type Output = Result<Deliveries, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

impl ConnectionRegistry {
    /// What the providers of this owner's connections sent by themselves, as it comes, and first what waits already.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn deliveries(&self) -> BeginDeliveries {
        BeginDeliveries { registry: self.clone(), connection: None, kind: None, claim: CLAIM }
    }
}

impl Connection {
    /// What its provider sent by itself: as [`ConnectionRegistry::deliveries`], of this connection alone.
    pub fn deliveries(&self) -> BeginDeliveries {
        self.registry().deliveries().connection(self.id())
    }
}

/// Events, each at least once: those of one connection in the order in which they were stored, the next one when the one
/// before was acknowledged. An error of the store ends it; [`Error::Sealed`] does not: it is told once of an event that will
/// not open, which is set aside then, so that those behind it go on.
pub struct Deliveries(State);

enum State {
    Idle(Box<Taker>),
    /// Also when nobody polls: what it has taken is not lost.
    Taking(BoxFuture<'static, (Box<Taker>, Result<ReceivedEvent, Error>)>),
    Ended,
}

impl Deliveries {
    /// The next event; `None` after an error that ends it.
    ///
    /// # Cancellation
    ///
    /// Dropped, the next call gives what this one would have.
    pub async fn next(&mut self) -> Option<Result<ReceivedEvent, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deliveries")
    }
}

impl Stream for Deliveries {
    type Item = Result<ReceivedEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::mem::replace(&mut self.0, State::Ended) {
                State::Ended => return Poll::Ready(None),
                State::Idle(mut taker) => {
                    self.0 = State::Taking(Box::pin(async move {
                        let taken = taker.take().await;
                        (taker, taken)
                    }));
                }
                State::Taking(mut taking) => match taking.as_mut().poll(cx) {
                    Poll::Pending => {
                        self.0 = State::Taking(taking);
                        return Poll::Pending;
                    }
                    Poll::Ready((taker, taken)) => {
                        if matches!(taken, Ok(_) | Err(Error::Sealed { .. })) {
                            self.0 = State::Idle(taker);
                        }
                        return Poll::Ready(Some(taken));
                    }
                },
            }
        }
    }
}

struct Taker {
    shared: Arc<Shared>,
    owner: Arc<str>,
    connection: Option<ConnectionId>,
    kind: Option<Kind>,
    /// In seconds.
    claim: i64,
    changes: Changes,
}

impl Taker {
    /// Waits until it is an event's turn, and takes it.
    async fn take(&mut self) -> Result<ReceivedEvent, Error> {
        loop {
            let now = self.shared.clock.now().seconds();
            let kind = self.kind.as_ref().map(Kind::as_str);
            let turn = self.shared.reader().await?.webhook_turn(&self.owner, now, self.connection, kind).await?;
            let Some(row) = turn else {
                self.wait().await?;
                continue;
            };
            // However long, it has an end.
            let (id, until) = (row.id, now.saturating_add(self.claim).min(i64::MAX - 1));
            // Lost with the power, it is handed over earlier, and that is all.
            let claimed = self
                .shared
                .store
                .write_relaxed(move |tx| Box::pin(async move { tx.claim_webhook(id, until, now).await }));
            if !claimed.await? {
                // Somebody else was first.
                continue;
            }
            let connection = row.connection_id;
            let opened = ReceivedEvent::of(&self.shared, row).await;
            if let Err(Error::Sealed { what, source }) = &opened
                && !source.may_pass()
            {
                tracing::warn!(%what, error = %source, "an event does not open, and is set aside");
                self.set_aside(id, connection, until).await?;
            }
            return opened;
        }
    }

    async fn set_aside(&self, id: Uuid, connection: ConnectionId, until: i64) -> Result<(), Error> {
        let set = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Connection(connection)).await?;
                tx.set_webhook_aside(id, connection, until).await
            })
        });
        // Where it was not, somebody has dealt with it, or another one meets it.
        Ok(set.await.map(drop)?)
    }

    async fn wait(&mut self) -> Result<(), Error> {
        let wanted = self.connection;
        let concerns = |changed| match changed {
            Changed::Webhook(id) => wanted.is_none_or(|wanted| wanted == id),
            _ => false,
        };
        Ok(self.changes.changed(&*self.shared.clock, LONGEST, concerns).await?)
    }
}
