//! Delivers events to the host: those of one connection one after the other, each until it is acknowledged.
//!
//! A caller that takes an event claims it for some time. Meanwhile no other caller gets it, or a later event of the
//! same connection. An event that is not acknowledged in that time, because a process died or could not handle it,
//! is delivered again.

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

use super::ReceivedEvent;
use crate::{
    ConnectionId, Error,
    ground::{Ground, OwnedScope, Scope},
    lease::Lease,
    store::{Changed, Changes, Lock, WebhookLease},
};

/// The default duration of a claim.
const DEFAULT_CLAIM: Duration = Duration::from_secs(60);
/// The longest duration of a claim, in seconds: a century. A claim always ends.
const LONGEST_CLAIM: i64 = 100 * 365 * 86_400;

/// A builder of [`Deliveries`]: `registry.webhooks().deliveries().kind(kind).await`.
#[derive(Debug)]
#[must_use = "events are taken when this is awaited"]
pub struct BeginDeliveries {
    scope: OwnedScope<Ground>,
    connection: Option<ConnectionId>,
    kind: Option<Kind>,
    claim: Duration,
}

impl BeginDeliveries {
    pub(super) fn new(scope: Scope<'_, Ground>) -> Self {
        Self { scope: scope.owned(), connection: None, kind: None, claim: DEFAULT_CLAIM }
    }

    /// Limits the events to those of one connection.
    pub fn connection(mut self, id: ConnectionId) -> Self {
        self.connection = Some(id);
        self
    }

    /// Limits the events to those of one kind.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets the duration of a claim: one minute by default, and at least a second. A caller that needs longer for
    /// an event may get it twice.
    pub fn claim(mut self, time: Duration) -> Self {
        self.claim = time.max(Duration::from_secs(1));
        self
    }

    async fn begin(self) -> Result<Deliveries, Error> {
        let Self { scope: OwnedScope { system: ground, owner }, connection, kind, claim } = self;
        let claim = i64::try_from(claim.as_secs()).unwrap_or(i64::MAX).saturating_add(1).min(LONGEST_CLAIM);
        // The subscription begins before the first read, so that no event is missed in between.
        let changes = ground.store.changes(&*ground.clock).await;
        let taker = Taker { ground, owner, connection, kind, claim, changes };
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

/// A stream of events, each delivered at least once.
///
/// The events of one connection come in the order in which they were stored, and each only after the previous one
/// was acknowledged. An error of the store ends the stream. [`Error::Sealed`] does not: it is returned once for an
/// event that cannot be opened, which is then set aside so that later events can follow.
pub struct Deliveries(State);

enum State {
    Idle(Box<Taker>),
    /// The future runs to its end before the next one begins, so an event that it has taken is not lost.
    Taking(BoxFuture<'static, (Box<Taker>, Result<ReceivedEvent, Error>)>),
    Ended,
}

impl Deliveries {
    /// Returns the next event, or `None` after an error that ended the stream.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the next call returns the same event.
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
    ground: Arc<Ground>,
    owner: Arc<str>,
    connection: Option<ConnectionId>,
    kind: Option<Kind>,
    /// The duration of the lease of an event, in seconds: one more than the claim, because the database's clock counts
    /// whole seconds.
    claim: i64,
    changes: Changes,
}

impl Taker {
    /// Waits until it is the turn of an event, and claims it.
    async fn take(&mut self) -> Result<ReceivedEvent, Error> {
        loop {
            let kind = self.kind.as_ref().map(Kind::as_str);
            let turn = self.ground.reader().await?.webhook_turn(&self.owner, self.connection, kind).await?;
            let Some(row) = turn else {
                self.wait().await?;
                continue;
            };
            let (lease, connection) = (WebhookLease { id: row.id, seconds: self.claim }, row.connection_id);
            // If a power failure loses the claim, the event is only delivered earlier.
            if Lease::take(&self.ground, lease).await?.is_none() {
                // Another caller was first.
                continue;
            }
            let opened = ReceivedEvent::of(&self.ground, row).await;
            if let Err(Error::Sealed { what, source }) = &opened
                && !source.may_pass()
            {
                tracing::warn!(%what, error = %source, "an event cannot be opened and is set aside");
                self.set_aside(lease, connection).await?;
            }
            // Another caller may have claimed the event since. It is delivered at least once.
            return opened;
        }
    }

    async fn set_aside(&self, lease: WebhookLease, connection: ConnectionId) -> Result<(), Error> {
        let owner = self.ground.process.clone();
        let set = self.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Connection(connection)).await?;
                Ok(tx.holds_lease(&lease, &owner).await? && tx.set_webhook_aside(lease.id, connection).await?)
            })
        });
        // If it was not set aside, another caller has acknowledged it or will find the same error.
        Ok(set.await.map(drop)?)
    }

    async fn wait(&mut self) -> Result<(), Error> {
        let wanted = self.connection;
        let concerns = |changed| match changed {
            Changed::Webhook(id) => wanted.is_none_or(|wanted| wanted == id),
            _ => false,
        };
        Ok(self.changes.changed(&*self.ground.clock, Changes::FOR_SIGNALS, concerns).await?)
    }
}
