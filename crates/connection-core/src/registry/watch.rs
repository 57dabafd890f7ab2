//! Streams the events of the connections of one owner or of all owners as they are recorded, by any process.
//!
//! The table of events is the source of truth; a notification only says when to read it. A process that waited for its
//! turn may commit an event with an earlier id later than others. The last minute is therefore read again each time,
//! and each event is delivered only once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::IntoFuture,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use connection_contract::BoxFuture;
use futures_core::Stream;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::Systems;
use crate::{
    ConnectionId, ConnectionRegistry, Error, Event, EventId,
    store::{Changed, Changes},
};

/// Maximum number of events that wait for the caller. The table keeps the rest.
const CHANNEL_CAPACITY: usize = 256;
/// The longest delay of a commit and the largest difference between the clocks of processes, in milliseconds, as ids
/// store time.
const LATE_EVENT_MILLISECONDS: u128 = 60_000;
const PAGE: i64 = 1000;

/// A stream of events that has not begun: `registry.events().watch().connection(id).await`.
#[derive(Debug)]
#[must_use = "watching begins when this is awaited"]
pub struct BeginWatch {
    registry: ConnectionRegistry,
    all_owners: bool,
    connection: Option<ConnectionId>,
    since: Option<EventId>,
}

impl BeginWatch {
    pub(super) fn new(registry: &ConnectionRegistry) -> Self {
        Self { registry: registry.clone(), all_owners: false, connection: None, since: None }
    }

    /// Watches the connections of all owners.
    ///
    /// This method is for the operator of the program. Each event names the [owner](Event::owner) of its connection.
    /// Like [`Filter::all_owners`](crate::Filter::all_owners), it shows the connections of other owners.
    pub fn all_owners(mut self) -> Self {
        self.all_owners = true;
        self
    }

    /// Restricts the watch to the connection with this id.
    pub fn connection(mut self, id: ConnectionId) -> Self {
        self.connection = Some(id);
        self
    }

    /// Begins after this event. An event that another process records late, with an earlier id, is only in
    /// [`list`](super::Events::list).
    pub fn since(mut self, id: EventId) -> Self {
        self.since = Some(id);
        self
    }

    async fn begin(self) -> Result<Watch, Error> {
        let Self { registry, all_owners, connection, since } = self;
        let ConnectionRegistry { systems, owner } = registry;
        let owner = Some(owner).filter(|_| !all_owners);
        // The subscription begins before the first read, so that no event between the two is missed.
        let changes = systems.ground.store.changes(&*systems.ground.clock).await;
        let seen = DeliveredIds::begin(&systems, owner.as_deref(), since).await?;
        let (sender, events) = mpsc::channel(CHANNEL_CAPACITY);
        let task = Task { systems: systems.clone(), owner, connection, changes, seen, sender };
        systems.ground.runtimes.spawn(task.run());
        Ok(Watch(events))
    }
}

impl IntoFuture for BeginWatch {
    type Output = Result<Watch, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

/// A stream of the events from now on, each once, and those of one connection in the order of their numbers.
///
/// The stream ends after an error. Dropping it ends the watching.
pub struct Watch(mpsc::Receiver<Result<Event, Error>>);

impl Watch {
    /// Returns the next event; `None` after an error.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        self.0.recv().await
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl Stream for Watch {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

struct Task {
    systems: Arc<Systems>,
    /// The owner whose events are sent; `None` for all owners.
    owner: Option<Arc<str>>,
    connection: Option<ConnectionId>,
    changes: Changes,
    seen: DeliveredIds,
    sender: mpsc::Sender<Result<Event, Error>>,
}

impl Task {
    async fn run(mut self) {
        loop {
            match self.seen.fresh(&self.systems, self.owner.as_deref()).await {
                Ok(events) => {
                    let of_it = |event: &Event| self.connection.is_none_or(|connection| event.connection == connection);
                    for event in events.into_iter().filter(of_it) {
                        if self.sender.send(Ok(event)).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => return self.end(error).await,
            }
            let concerns = |changed| matches!(changed, Changed::Connection(_));
            let changed = tokio::select! {
                biased;
                () = self.sender.closed() => return,
                changed = self.changes.changed(&*self.systems.ground.clock, Changes::FOR_SIGNALS, concerns) => changed,
            };
            if let Err(error) = changed {
                return self.end(error.into()).await;
            }
        }
    }

    async fn end(self, error: Error) {
        // The send fails only if nobody listens any longer.
        drop(self.sender.send(Err(error)).await);
    }
}

/// The ids of the last minute's events, which were delivered or are older than the stream.
struct DeliveredIds {
    floor: Uuid,
    ids: BTreeSet<Uuid>,
}

impl DeliveredIds {
    async fn begin(systems: &Systems, owner: Option<&str>, since: Option<EventId>) -> Result<Self, Error> {
        let last = match since {
            Some(since) => Some(since.as_uuid()),
            None => systems.ground.reader().await?.last_event(owner).await?,
        };
        let floor = last.map_or(Uuid::nil(), |last| floor(systems, last));
        let mut seen = Self { floor, ids: BTreeSet::new() };
        seen.ids = seen.read(systems, owner).await?;
        if let Some(since) = since {
            seen.ids.retain(|id| *id <= since.as_uuid());
        }
        Ok(seen)
    }

    async fn read(&self, systems: &Systems, owner: Option<&str>) -> Result<BTreeSet<Uuid>, Error> {
        let mut ids = BTreeSet::new();
        let mut after = self.floor;
        loop {
            let page = systems.ground.reader().await?.event_ids(owner, after, PAGE).await?;
            ids.extend(&page);
            match page.last() {
                Some(last) if page.len() as i64 == PAGE => after = *last,
                _ => return Ok(ids),
            }
        }
    }

    /// Returns the events that were not delivered yet.
    async fn fresh(&mut self, systems: &Systems, owner: Option<&str>) -> Result<Vec<Event>, Error> {
        let found = self.read(systems, owner).await?;
        let mut events = Vec::new();
        for id in found.difference(&self.ids) {
            events.extend(systems.ground.reader().await?.event(*id).await?.map(Event::of));
        }
        self.ids = found;
        if let Some(last) = self.ids.last() {
            self.floor = self.floor.max(floor(systems, *last));
            self.ids = self.ids.split_off(&self.floor);
        }
        Ok(in_order(events))
    }
}

/// Returns the earliest id of an event that may still be recorded after the event `id`, or after now if `id` is in the
/// future. An id from a process whose clock is fast therefore hides no events of the others.
fn floor(systems: &Systems, id: Uuid) -> Uuid {
    // The first 48 bits are milliseconds (RFC 9562, section 5.7).
    let recorded = id.as_u128() >> 80;
    let now = systems.ground.ids.next().as_u128() >> 80;
    Uuid::from_u128(recorded.min(now).saturating_sub(LATE_EVENT_MILLISECONDS) << 80)
}

/// Sorts events by id, except that those of one connection are in the order of their numbers.
fn in_order(events: Vec<Event>) -> Vec<Event> {
    let places: Vec<_> = events.iter().map(|event| event.connection).collect();
    let mut of = BTreeMap::<ConnectionId, Vec<Event>>::new();
    for event in events {
        of.entry(event.connection).or_default().push(event);
    }
    of.values_mut().for_each(|events| events.sort_by_key(|event| std::cmp::Reverse(event.number)));
    places.iter().filter_map(|connection| of.get_mut(connection)?.pop()).collect()
}
