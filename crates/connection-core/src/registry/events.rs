//! Pages of recorded events: of all connections of an owner in the order of time, or of one connection with its chain
//! checked.

use connection_contract::{BoxFuture, Timestamp};
use uuid::Uuid;

use super::{BeginWatch, ConnectionRegistry};
use crate::{
    ConnectionId, Cursor, Error, EventId, ExtensionChange, ExtensionChanges, ExtensionListener, InvalidCursor,
    Notification, NotificationListener, Page, RefreshOutcomes, event, guard,
    page::one_more,
    store::{broken_link, rows::StoredEvent},
};

/// Number of events that are read at once.
const PAGE: u32 = 1000;

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

/// A page of events of one connection in the order of their numbers, checked for edits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct History {
    /// The events, including those after a break.
    pub page: Page<Event>,
    /// The first number at which an event was changed, moved or deleted by something other than this program. Events
    /// deleted from the end leave no trace.
    pub broken_at: Option<u64>,
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
///     for event in history.page.items {
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
    /// or from the first one. The page has at most 1,000 events.
    ///
    /// The page is not checked for edits; [`history`](Self::history) is.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the store's errors.
    pub fn list(self, after: Option<Cursor>) -> BoxFuture<'a, Result<Page<Event>, Error>> {
        Box::pin(async move {
            let after = after.as_ref().map(Cursor::position).transpose()?.map_or(Uuid::nil(), EventId::as_uuid);
            let mut reader = self.registry.systems.ground.reader().await?;
            let rows = reader.events_of_owner(&self.registry.owner, after, one_more(Some(PAGE))).await?;
            Ok(Page::of(rows.into_iter().map(Event::of).collect(), Some(PAGE), |event| event.id))
        })
    }

    /// Returns a page of the events of this owner's connections, including removed ones, newest first: those before the
    /// given event, or from the last one. The page has at most 1,000 events.
    ///
    /// The page is not checked for edits; [`history`](Self::history) is.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the store's errors.
    pub fn newest(self, before: Option<Cursor>, limit: u32) -> BoxFuture<'a, Result<Page<Event>, Error>> {
        Box::pin(async move {
            let before = before.as_ref().map(Cursor::position).transpose()?.map_or(Uuid::max(), EventId::as_uuid);
            let limit = Some(limit.min(PAGE));
            let mut reader = self.registry.systems.ground.reader().await?;
            let rows = reader.newest_events_of_owner(&self.registry.owner, before, one_more(limit)).await?;
            Ok(Page::of(rows.into_iter().map(Event::of).collect(), limit, |event| event.id))
        })
    }

    /// Returns a page of the events of one connection, even if it was removed: those after the given number, or from
    /// the first one.
    ///
    /// Each event is checked against the one before it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if no event of such a connection of this owner is recorded, [`Error::InvalidCursor`], and the store's
    /// errors.
    pub fn history(self, connection: ConnectionId, after: Option<Cursor>) -> BoxFuture<'a, Result<History, Error>> {
        Box::pin(async move {
            let before = after.as_ref().map_or(Ok(0), Cursor::position::<u64>)?;
            let before = i64::try_from(before).map_err(|_| InvalidCursor)?;
            let mut reader = self.registry.systems.ground.reader().await?;
            // The event before the page is read, too, because the first one is linked to it.
            let from = before.saturating_sub(1);
            let mut rows = reader.events_of(connection, &self.registry.owner, from, one_more(Some(PAGE)) + 1).await?;
            if rows.is_empty() && before == 0 {
                return Err(Error::NotFound(connection));
            }
            let link = match rows.first() {
                Some(first) if first.seq <= before => rows.remove(0).chain,
                _ => Vec::new(),
            };
            let sealer = &self.registry.systems.ground.sealer;
            let page = Page::of(rows, Some(PAGE), |row| row.seq);
            let broken = broken_link(&link, before.saturating_add(1), &page.items, &|bytes| {
                guard::connection_event_mac(sealer, bytes)
            });
            let page = page.filter_map(|row| Some(Event::of(row)));
            Ok(History { page, broken_at: broken.map(number) })
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
    /// Returns the position in the lists of all connections, which is the id.
    pub fn cursor(&self) -> Cursor {
        Cursor::at(self.id)
    }

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
