//! What happened, as it was recorded: of all of an owner's connections in time, or of one with its chain checked.

use connection_contract::Timestamp;

use crate::{
    ConnectionId, ConnectionRegistry, Error, EventId, event,
    store::{broken_link, rows::StoredEvent},
};

/// So many are read at once.
const PAGE: i64 = 1000;

/// Something that happened to a connection. Events stay when their connection is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Its id. Ids of later events are later, as far as the clocks of those who record agree.
    pub id: EventId,
    /// To which connection.
    pub connection: ConnectionId,
    /// The owner of the connection.
    pub owner: String,
    /// From 1, without gaps, for each connection.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What: one of [`EVENT_NAMES`](crate::EVENT_NAMES).
    pub name: String,
    /// More about it: a JSON object, without secrets.
    pub details: String,
}

/// Events of all connections of an owner, oldest first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// Where the next page begins, if there may be one.
    pub next: Option<EventId>,
}

/// Events of one connection in the order of their numbers, checked for edits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct History {
    /// The events, also those behind a break.
    pub events: Vec<Event>,
    /// The first number at which an event was changed, moved or taken away past the program. What was taken from the end
    /// leaves no trace.
    pub broken_at: Option<u64>,
    /// Where the next page begins, if there may be one.
    pub next: Option<u64>,
}

impl ConnectionRegistry {
    /// A page of what happened to this owner's connections, also to those that were removed: behind that event, or from
    /// the first one. It is not checked for edits; [`history`](Self::history) is.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn events(&self, after: Option<EventId>) -> Result<EventPage, Error> {
        let after = after.map_or(uuid::Uuid::nil(), EventId::as_uuid);
        let rows = self.shared.reader().await?.events_of_owner(&self.owner, after, PAGE).await?;
        let events: Vec<_> = rows.into_iter().map(Event::of).collect();
        let next = events.last().filter(|_| events.len() as i64 == PAGE).map(|last| last.id);
        Ok(EventPage { events, next })
    }

    /// A page of what happened to one connection, also when it was removed: behind that number, or from the first event.
    /// The chain of each is checked with the one before.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when nothing happened to such a connection of this owner, and the store's.
    pub async fn history(&self, connection: ConnectionId, after: Option<u64>) -> Result<History, Error> {
        let before = after.map_or(0, |after| i64::try_from(after).unwrap_or(i64::MAX));
        let mut reader = self.shared.reader().await?;
        // One more than is shown: what the first one is linked to.
        let mut rows = reader.events_of(connection, &self.owner, before.saturating_sub(1), PAGE + 1).await?;
        if rows.is_empty() && before == 0 {
            return Err(Error::NotFound(connection));
        }
        let link = match rows.first() {
            Some(first) if first.seq <= before => rows.remove(0).chain,
            _ => Vec::new(),
        };
        rows.truncate(PAGE as usize);
        let sealer = &self.shared.sealer;
        let broken = broken_link(&link, before.saturating_add(1), &rows, &|bytes| event::mac(sealer, bytes));
        let full = rows.len() as i64 == PAGE;
        let events: Vec<_> = rows.into_iter().map(Event::of).collect();
        let next = events.last().filter(|_| full).map(|last| last.number);
        Ok(History { events, broken_at: broken.map(number), next })
    }
}

impl Event {
    pub(super) fn of(row: StoredEvent) -> Self {
        let StoredEvent { id, owner, connection_id, seq, at, kind, body, .. } = row;
        let at = Timestamp::from_seconds(at);
        Self { id: id.into(), connection: connection_id, owner, number: number(seq), at, name: kind, details: body }
    }
}

/// The table has none below 1.
fn number(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or_default()
}
