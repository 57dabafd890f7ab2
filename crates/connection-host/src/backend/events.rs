//! Events: the record of what happened, and what happens from now on.

use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use connection_api::{Event, EventPage};
use connection_client::{EventFilter, LiveChanges};
use connection_core::{Clock as _, ConnectionId, Cursor, EventId, SystemClock, Watch};
use connection_server::convert;

use super::{Local, Remote};
use crate::{Error, Exit};

/// The number of events on a page.
const PAGE: u32 = 500;
/// The number of the last events that are read again after a hint: a process whose clock is behind records an event
/// before those of others.
const OVERLAP: usize = 100;
/// The pause before the program listens again.
const PAUSE: Duration = Duration::from_secs(2);

/// Called with each page of a record.
pub(crate) type OnEvents<'a> = &'a mut dyn FnMut(Vec<Event>) -> Result<(), Error>;

/// The operations on events.
#[async_trait(?Send)]
pub(crate) trait Events {
    /// Returns a page of the record of all connections, oldest first.
    async fn events(&self, after: Option<&str>) -> Result<EventPage, Error>;

    /// Reads the record of a connection, oldest first, and returns the first number at which it is broken.
    async fn record(&self, connection: &str, on_events: OnEvents<'_>) -> Result<Option<u64>, Error>;

    /// Begins to listen for new events, of one connection or of all. They begin after the event `since`, if one is named,
    /// or now.
    async fn watch(&self, connection: Option<&str>, since: Option<&str>) -> Result<Box<dyn NewEvents>, Error>;
}

/// The events that happen.
#[async_trait(?Send)]
pub(crate) trait NewEvents {
    /// Waits for the next event; `None` after the store was closed.
    async fn next(&mut self) -> Result<Option<Event>, Error>;
}

fn connection_id(text: &str) -> Result<ConnectionId, Error> {
    text.parse().map_err(|_| Error::new(Exit::NotFound, "not_found", "there is no such connection"))
}

/// Parses the id of an event.
pub(crate) fn event_id(text: &str) -> Result<EventId, Error> {
    text.parse().map_err(|_| Error::usage("--since takes the id of an event, as `watch --json` prints it"))
}

#[async_trait(?Send)]
impl Events for Local {
    async fn events(&self, after: Option<&str>) -> Result<EventPage, Error> {
        let page = self.registry.events().list(after.map(Cursor::from)).await?;
        let items = page.items.iter().map(convert::event).collect();
        Ok(EventPage { items, next: page.next.map(|next| next.to_string()), chain: None, broken_at: None })
    }

    async fn record(&self, connection: &str, on_events: OnEvents<'_>) -> Result<Option<u64>, Error> {
        let id = connection_id(connection)?;
        let mut after = None;
        let mut broken = None;
        loop {
            let history = self.registry.events().history(id, after).await?;
            on_events(history.page.items.iter().map(convert::event).collect())?;
            broken = broken.or(history.broken_at);
            after = history.page.next;
            if after.is_none() {
                return Ok(broken);
            }
        }
    }

    async fn watch(&self, connection: Option<&str>, since: Option<&str>) -> Result<Box<dyn NewEvents>, Error> {
        let mut begin = self.registry.events().watch();
        if let Some(since) = since {
            begin = begin.since(event_id(since)?);
        }
        if let Some(connection) = connection {
            begin = begin.connection(connection_id(connection)?);
        }
        Ok(Box::new(begin.await?))
    }
}

#[async_trait(?Send)]
impl NewEvents for Watch {
    async fn next(&mut self) -> Result<Option<Event>, Error> {
        Ok(Self::next(self).await.transpose()?.as_ref().map(convert::event))
    }
}

#[async_trait(?Send)]
impl Events for Remote {
    async fn events(&self, after: Option<&str>) -> Result<EventPage, Error> {
        let filter = EventFilter::new().limit(PAGE);
        Ok(self.client.events(&after.into_iter().fold(filter, EventFilter::after)).await?)
    }

    async fn record(&self, connection: &str, on_events: OnEvents<'_>) -> Result<Option<u64>, Error> {
        // The server sends the newest first.
        let mut events = Vec::new();
        let mut before = None;
        loop {
            let page = self.client.connection_events(connection, before).await?;
            events.extend(page.items);
            before = page.next.as_deref().and_then(|next| next.parse().ok());
            if before.is_none() {
                events.reverse();
                on_events(events)?;
                return Ok(page.broken_at);
            }
        }
    }

    async fn watch(&self, connection: Option<&str>, since: Option<&str>) -> Result<Box<dyn NewEvents>, Error> {
        let since = since.map(event_id).transpose()?.map(|id| id.to_string());
        // The record is read after the server listens, so that no event is missed in between.
        let changes = self.client.live().await?;
        let mut recent = VecDeque::new();
        if since.is_none() {
            let newest = EventFilter::new().newest_first().limit(OVERLAP as u32);
            recent.extend(self.client.events(&newest).await?.items.into_iter().rev().map(|event| event.id));
        }
        let is_behind = since.is_some();
        let connection = connection.map(str::to_owned);
        let remote = self.clone();
        Ok(Box::new(Follower { remote, connection, changes, since, recent, found: VecDeque::new(), is_behind }))
    }
}

/// Returns each event of a server once, also after the connection to it was lost.
struct Follower {
    remote: Remote,
    connection: Option<String>,
    changes: LiveChanges,
    /// The event after which the events begin, until others were read.
    since: Option<String>,
    /// The ids of the last events that were read, oldest first.
    recent: VecDeque<String>,
    /// The events that were not returned yet.
    found: VecDeque<Event>,
    /// `true` if there may be events that were not read.
    is_behind: bool,
}

impl Follower {
    /// Reads the events that were not read yet.
    async fn read(&mut self) -> Result<(), Error> {
        let mut after = self.recent.front().filter(|_| self.recent.len() >= OVERLAP).or(self.since.as_ref()).cloned();
        loop {
            let filter = after.into_iter().fold(EventFilter::new().limit(PAGE), EventFilter::after);
            let page = self.remote.client.events(&filter).await?;
            for event in page.items {
                if self.recent.contains(&event.id) {
                    continue;
                }
                self.recent.push_back(event.id.clone());
                if self.connection.as_ref().is_none_or(|connection| event.connection == *connection) {
                    self.found.push_back(event);
                }
            }
            // Only the first page has events that were read before, so the ids of older ones are no longer needed.
            let surplus = self.recent.len().saturating_sub(OVERLAP);
            self.recent.drain(..surplus);
            after = page.next;
            if after.is_none() {
                self.is_behind = false;
                return Ok(());
            }
        }
    }

    /// Waits for a hint, or until the server can be reached again after the stream of hints ended.
    async fn wait(&mut self) -> Result<(), Error> {
        loop {
            match self.changes.next().await {
                Ok(Some(change)) if change.of == "usage" => {}
                Ok(Some(_)) => break,
                // The server stops, or starts again.
                Ok(None) => return self.listen_again().await,
                Err(error) if error.is_temporary() => return self.listen_again().await,
                Err(error) => return Err(error.into()),
            }
        }
        self.is_behind = true;
        Ok(())
    }

    async fn listen_again(&mut self) -> Result<(), Error> {
        self.changes = self.remote.listen_again().await?;
        self.is_behind = true;
        Ok(())
    }
}

impl Remote {
    /// Listens to changes again, as soon as the server can be reached.
    pub(super) async fn listen_again(&self) -> Result<LiveChanges, Error> {
        loop {
            SystemClock::new().sleep(PAUSE).await;
            match self.client.live().await {
                Err(error) if error.is_temporary() => {}
                changes => return Ok(changes?),
            }
        }
    }
}

#[async_trait(?Send)]
impl NewEvents for Follower {
    async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.found.pop_front() {
                return Ok(Some(event));
            }
            if self.is_behind {
                match self.read().await {
                    Err(error) if error.code == "host_unreachable" => self.listen_again().await?,
                    read => read?,
                }
                continue;
            }
            self.wait().await?;
        }
    }
}
