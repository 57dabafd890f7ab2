//! The face of events that are sent to the operator.

use std::sync::Arc;

use connection_contract::{BoxFuture, Timestamp};
use uuid::Uuid;

use super::ConnectionRegistry;
use crate::{
    ConnectionId, Cursor, Error, EventId, EventReceiver, Page, outbox, page::one_more, store::rows::OutboxRow,
};

/// Maximum number of events in a page.
const PAGE: u32 = 1000;

/// An event that was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutgoingEvent {
    /// The id of the event, which is also the `webhook-id` of its message.
    pub id: EventId,
    /// The owner of the connection that the event is about.
    pub owner: String,
    /// The connection, which may have been removed.
    pub connection: ConnectionId,
    /// The type: one of [`MESSAGE_TYPES`](crate::MESSAGE_TYPES).
    pub name: String,
    /// The number of attempts that were begun.
    pub attempts: u32,
    /// The time of the next attempt; `None` if all attempts failed. It is in the past while an attempt runs.
    pub next_attempt: Option<Timestamp>,
    /// The reason why the last attempt failed, as a clause; `None` if none has.
    pub failure: Option<String>,
}

/// Events that are sent to an address of the operator, in the format of [Standard Webhooks][format].
///
/// An operator thereby learns that an account was [connected, needs attention or was removed](crate::MESSAGE_TYPES). The
/// events are those of all owners.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use connection_core::{ConnectionRegistry, Error, EventReceiver};
///
/// async fn send(registry: &ConnectionRegistry, receiver: Arc<EventReceiver>) -> Result<(), Error> {
///     let outgoing = registry.outgoing_events();
///     outgoing.run(receiver).await;
///     for event in outgoing.undelivered(None, None, 100).await?.items {
///         println!("{} {}: {}", event.id, event.name, event.failure.unwrap_or_default());
///     }
///     Ok(())
/// }
/// ```
///
/// [format]: https://www.standardwebhooks.com
#[derive(Clone, Copy, Debug)]
pub struct OutgoingEvents<'a> {
    registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns the events that are sent to the operator.
    pub fn outgoing_events(&self) -> OutgoingEvents<'_> {
        OutgoingEvents { registry: self }
    }
}

impl<'a> OutgoingEvents<'a> {
    /// Sends events to the receiver until the registry is closed, or until the receiver answers 410.
    ///
    /// The first call on a store begins with the events from then on. Later calls continue where the last one ended, so
    /// that events are sent that any process recorded meanwhile, for at most 30 days after the last call ended. A host
    /// spawns this future in any number of processes. An event that is not accepted is sent again with growing pauses
    /// for about a day. A request that hangs delays no other one.
    ///
    /// # Repetition
    ///
    /// The receiver may get an event twice, with the same `webhook-id`, and events in another order. `data.number` tells
    /// the order of the events of one connection.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time. Attempts that have begun continue.
    pub fn run(self, receiver: Arc<EventReceiver>) -> BoxFuture<'a, ()> {
        Box::pin(outbox::run(&self.registry.systems.ground, receiver))
    }

    /// Returns a page of the events that were not delivered yet, of one owner or of all owners, newest first. The page has
    /// at most 1,000 events. An event whose last attempt failed stays in the list for 30 days.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the store's errors.
    pub fn undelivered(
        self,
        owner: Option<&'a str>,
        before: Option<Cursor>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page<OutgoingEvent>, Error>> {
        Box::pin(async move {
            let before = before.as_ref().map(Cursor::position).transpose()?.map_or(Uuid::max(), EventId::as_uuid);
            let limit = Some(limit.min(PAGE));
            let mut reader = self.registry.systems.ground.reader().await?;
            let rows = reader.undelivered_outbox(owner, before, one_more(limit)).await?;
            let oldest_kept = outbox::oldest_kept(&self.registry.systems.ground);
            let page = Page::of(rows, limit, |row| EventId::from(row.id));
            Ok(page.filter_map(|row| row.is_kept(oldest_kept).then(|| OutgoingEvent::of(row))))
        })
    }

    /// Sends an event again that was not delivered, now and with all its attempts. Returns it as it is then; `None` if
    /// there is no such event of this owner, or of any owner.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn retry(self, id: EventId, owner: Option<&'a str>) -> BoxFuture<'a, Result<Option<OutgoingEvent>, Error>> {
        Box::pin(async move {
            let systems = &self.registry.systems;
            let id = id.as_uuid();
            let row = systems.ground.reader().await?.outbox(id).await?;
            let row = row.filter(|row| row.is_kept(outbox::oldest_kept(&systems.ground)));
            if row.is_none_or(|row| owner.is_some_and(|owner| *row.owner != *owner)) {
                return Ok(None);
            }
            let now = systems.ground.clock.now().seconds();
            systems.ground.store.write(move |tx| Box::pin(async move { tx.retry_outbox(id, now).await })).await?;
            Ok(systems.ground.reader().await?.outbox(id).await?.map(OutgoingEvent::of))
        })
    }
}

impl OutgoingEvent {
    fn of(row: OutboxRow) -> Self {
        Self {
            id: row.id.into(),
            owner: row.owner,
            connection: row.connection_id,
            name: row.name,
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            next_attempt: row.next_at.map(Timestamp::from_seconds),
            failure: row.failure,
        }
    }
}
