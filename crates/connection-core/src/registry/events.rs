//! Pages of recorded events: of all connections of an owner in the order of time, or of one connection with its chain
//! checked.

use connection_contract::{BoxFuture, Timestamp};

use super::{BeginWatch, ConnectionRegistry};
use crate::{
    ConnectionId, Error, EventId, ExtensionChange, ExtensionChanges, ExtensionListener, Notification,
    NotificationListener, RefreshOutcomes, event, guard,
    store::{broken_link, rows::StoredEvent},
};

/// Number of events that are read at once.
const PAGE: i64 = 1000;

/// Something that happened to a connection. Events remain when their connection is removed.
///
/// ```
/// use connection_core::Event;
///
/// fn line(event: &Event) -> String {
///     format!("{} {} {}", event.at.to_rfc3339(), event.name, event.details)
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The id. The ids of later events are later, as far as the clocks of the recording processes agree.
    pub id: EventId,
    /// The id of the connection to which the event happened.
    pub connection: ConnectionId,
    /// The owner of the connection.
    pub owner: String,
    /// The number of the event, per connection, from 1 and without gaps.
    pub number: u64,
    /// The time at which the event was recorded.
    pub at: Timestamp,
    /// The name: one of [`EVENT_NAMES`](crate::EVENT_NAMES).
    pub name: String,
    /// The details, as a JSON object without secrets.
    pub details: String,
}

/// A page of events of all connections of an owner.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventPage {
    /// The events in the order of the request, at most 1,000.
    pub events: Vec<Event>,
    /// The position at which the next page begins, if there may be one.
    pub next: Option<EventId>,
}

/// A page of events of one connection in the order of their numbers, checked for edits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct History {
    /// The events, including those after a break.
    pub events: Vec<Event>,
    /// The first number at which an event was changed, moved or deleted by something other than this program. Events
    /// deleted from the end leave no trace.
    pub broken_at: Option<u64>,
    /// The position at which the next page begins, if there may be one.
    pub next: Option<u64>,
}

/// The record of events, and streams of later events.
///
/// The record is in the store. [`list`](Self::list) and [`history`](Self::history) read it, [`watch`](Self::watch)
/// follows it over all processes, and [`edited_rows`](Self::edited_rows) finds rows that were edited outside of the
/// program. The other methods concern only this process: [`listen`](Self::listen) reports what the process does, and
/// there are streams of the changes that it made to extensions and of the outcomes of its refreshes.
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionId, ConnectionRegistry, Error};
///
/// async fn audit(registry: &ConnectionRegistry, connection: ConnectionId) -> Result<(), Error> {
///     let history = registry.events().history(connection, None).await?;
///     assert_eq!(history.broken_at, None, "an event was changed past the program");
///     for event in history.events {
///         println!("{} {} {}", event.number, event.name, event.details);
///     }
///     let mut watch = registry.events().watch().connection(connection).await?;
///     while let Some(event) = watch.next().await {
///         println!("now: {}", event?.name);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Events<'a> {
    pub(crate) registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns the events: what happened, and streams of what happens from now on.
    pub fn events(&self) -> Events<'_> {
        Events { registry: self }
    }
}

impl<'a> Events<'a> {
    /// Returns a page of the events of this owner's connections, including removed ones: those after the given event,
    /// or from the first one.
    ///
    /// The page is not checked for edits; [`history`](Self::history) is.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn list(self, after: Option<EventId>) -> BoxFuture<'a, Result<EventPage, Error>> {
        Box::pin(async move {
            let after = after.map_or(uuid::Uuid::nil(), EventId::as_uuid);
            let rows =
                self.registry.systems.ground.reader().await?.events_of_owner(&self.registry.owner, after, PAGE).await?;
            let events: Vec<_> = rows.into_iter().map(Event::of).collect();
            let next = events.last().filter(|_| events.len() as i64 == PAGE).map(|last| last.id);
            Ok(EventPage { events, next })
        })
    }

    /// Returns a page of the events of this owner's connections, including removed ones, newest first: those before the
    /// given event, or from the last one. The page has at most 1,000 events.
    ///
    /// The page is not checked for edits; [`history`](Self::history) is.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn newest(self, before: Option<EventId>, limit: u32) -> BoxFuture<'a, Result<EventPage, Error>> {
        Box::pin(async move {
            let before = before.map_or(uuid::Uuid::max(), EventId::as_uuid);
            let limit = i64::from(limit).clamp(1, PAGE);
            let mut reader = self.registry.systems.ground.reader().await?;
            let rows = reader.newest_events_of_owner(&self.registry.owner, before, limit).await?;
            let events: Vec<_> = rows.into_iter().map(Event::of).collect();
            let next = events.last().filter(|_| events.len() as i64 == limit).map(|last| last.id);
            Ok(EventPage { events, next })
        })
    }

    /// Returns a page of the events of one connection, even if it was removed: those after the given number, or from
    /// the first one.
    ///
    /// Each event is checked against the one before it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if no event of such a connection of this owner is recorded, and the store's errors.
    pub fn history(self, connection: ConnectionId, after: Option<u64>) -> BoxFuture<'a, Result<History, Error>> {
        Box::pin(async move {
            let before = after.map_or(0, |after| i64::try_from(after).unwrap_or(i64::MAX));
            let mut reader = self.registry.systems.ground.reader().await?;
            // One more event than is returned is read, because the first one is linked to it.
            let mut rows =
                reader.events_of(connection, &self.registry.owner, before.saturating_sub(1), PAGE + 1).await?;
            if rows.is_empty() && before == 0 {
                return Err(Error::NotFound(connection));
            }
            let link = match rows.first() {
                Some(first) if first.seq <= before => rows.remove(0).chain,
                _ => Vec::new(),
            };
            rows.truncate(PAGE as usize);
            let sealer = &self.registry.systems.ground.sealer;
            let broken = broken_link(&link, before.saturating_add(1), &rows, &|bytes| {
                guard::connection_event_mac(sealer, bytes)
            });
            let full = rows.len() as i64 == PAGE;
            let events: Vec<_> = rows.into_iter().map(Event::of).collect();
            let next = events.last().filter(|_| full).map(|last| last.number);
            Ok(History { events, broken_at: broken.map(number), next })
        })
    }

    /// Calls `listener` with each change of this owner's extensions that this process commits, before any
    /// [stream](Self::extension_changes) receives it. The listener runs on the core's own thread, so it must not block.
    pub fn on_extension_change(self, listener: impl Fn(&ExtensionChange) + Send + Sync + 'static) -> ExtensionListener {
        self.registry.systems.ground.extension_changes.listen(&self.registry.owner, listener)
    }

    /// Returns a stream of the changes of this owner's extensions that this process commits. Each change arrives after
    /// every [listener](Self::on_extension_change) was called with it.
    pub fn extension_changes(self) -> ExtensionChanges {
        self.registry.systems.ground.extension_changes.stream(&self.registry.owner)
    }

    /// Returns the outcomes of refreshes in this process since the registry was opened, over all owners.
    pub fn refresh_outcomes(self) -> RefreshOutcomes {
        self.registry.systems.refresh.refresh_counts.now()
    }

    /// Watches the events of this owner's connections, recorded by any process on the database.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn watch(self) -> BeginWatch {
        BeginWatch::new(self.registry)
    }

    /// Calls `listener` with what happens in this process, for all owners, until the returned value is dropped.
    ///
    /// The listener is called by the core's own tasks, between a commit and the answer to its caller. It must be quick
    /// and must not use the registry: it only remembers that there is something to read. If the registry is closed
    /// already, it is called at once with [`Notification::Closed`].
    pub fn listen(self, listener: impl Fn(&Notification) + Send + Sync + 'static) -> NotificationListener {
        let systems = &self.registry.systems;
        let listener = systems.ground.notifications.listen(listener);
        if systems.ground.store.is_closed() {
            listener.call(&Notification::Closed);
        }
        listener
    }
}

impl Event {
    pub(super) fn of(row: StoredEvent) -> Self {
        let StoredEvent { id, owner, connection_id, seq, at, kind, body, .. } = row;
        let at = Timestamp::from_seconds(at);
        let details = if kind == event::REMOVED { event::removal_details(body) } else { body };
        Self { id: id.into(), connection: connection_id, owner, number: number(seq), at, name: kind, details }
    }
}

/// Converts the number of an event. The table has no number below 1.
fn number(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or_default()
}
