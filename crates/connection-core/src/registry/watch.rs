//! Tells what happens to the connections of one owner, or of all, as it happens, whichever process does it.
//!
//! The table of events is the source of truth; the wake-up only says when to look. An event with an earlier id may be
//! committed later, by a process that waited for its turn: so the last minute is read again each time, and what was told
//! is told once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::IntoFuture,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use connection_contract::BoxFuture;
use futures_core::Stream;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::Shared;
use crate::{
    ConnectionId, ConnectionRegistry, Error, Event, EventId,
    store::{Changed, Changes},
};

/// Events that nobody took yet; the table keeps the rest.
const WAITING: usize = 256;
/// So late may an event be committed, and so far may the clocks of processes differ: in milliseconds, as ids tell time.
const LATE: u128 = 60_000;
/// Looks also when nothing is said to have changed: a signal may be lost, and a token that is lent changes no row but the
/// event's.
const LONGEST: Duration = Duration::from_secs(5);
const PAGE: i64 = 1000;

/// A stream of events that is about to begin: `registry.watch().connection(id).await`.
#[derive(Debug)]
#[must_use = "watching begins when this is awaited"]
pub struct BeginWatch {
    registry: ConnectionRegistry,
    all_owners: bool,
    connection: Option<ConnectionId>,
    since: Option<EventId>,
}

impl BeginWatch {
    /// Of one connection alone.
    pub fn connection(mut self, id: ConnectionId) -> Self {
        self.connection = Some(id);
        self
    }

    /// Begins behind this event. One that another process records late, with an earlier id, is in
    /// [`events`](ConnectionRegistry::events) alone.
    pub fn since(mut self, id: EventId) -> Self {
        self.since = Some(id);
        self
    }

    async fn begin(self) -> Result<Watch, Error> {
        let Self { registry, all_owners, connection, since } = self;
        let ConnectionRegistry { shared, owner } = registry;
        let owner = Some(owner).filter(|_| !all_owners);
        // Before the first look, so that nothing comes between the two.
        let changes = shared.store.changes(&*shared.clock).await;
        let seen = Seen::begin(&shared, owner.as_deref(), since).await?;
        let (sender, events) = mpsc::channel(WAITING);
        let task = Task { shared: shared.clone(), owner, connection, changes, seen, sender };
        shared.runtimes.spawn(task.run());
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

/// What happens from now on, each event once: those of one connection in the order of their numbers. Ends with the error
/// that ends it. Dropping it ends the watching.
pub struct Watch(mpsc::Receiver<Result<Event, Error>>);

impl Watch {
    /// The next event; `None` after an error.
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

impl ConnectionRegistry {
    /// Watches what happens to this owner's connections, in every process on the database.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn watch(&self) -> BeginWatch {
        BeginWatch { registry: self.clone(), all_owners: false, connection: None, since: None }
    }

    /// Watches what happens to the connections of every owner, in every process on the database: for whoever runs the
    /// program. Each event says whose connection it is of ([`Event::owner`]). As
    /// [`list_all_owners`](Self::list_all_owners), it shows the connections of other owners.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn watch_all(&self) -> BeginWatch {
        BeginWatch { all_owners: true, ..self.watch() }
    }
}

struct Task {
    shared: Arc<Shared>,
    /// `None` for all owners.
    owner: Option<Arc<str>>,
    connection: Option<ConnectionId>,
    changes: Changes,
    seen: Seen,
    sender: mpsc::Sender<Result<Event, Error>>,
}

impl Task {
    async fn run(mut self) {
        loop {
            match self.seen.fresh(&self.shared, self.owner.as_deref()).await {
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
                changed = self.changes.changed(&*self.shared.clock, LONGEST, concerns) => changed,
            };
            if let Err(error) = changed {
                return self.end(error.into()).await;
            }
        }
    }

    async fn end(self, error: Error) {
        // Nobody listens any more.
        drop(self.sender.send(Err(error)).await);
    }
}

/// What was told, or was there before: the ids of the last minute.
struct Seen {
    floor: Uuid,
    ids: BTreeSet<Uuid>,
}

impl Seen {
    async fn begin(shared: &Shared, owner: Option<&str>, since: Option<EventId>) -> Result<Self, Error> {
        let last = match since {
            Some(since) => Some(since.as_uuid()),
            None => shared.reader().await?.last_event(owner).await?,
        };
        let floor = last.map_or(Uuid::nil(), |last| floor(shared, last));
        let mut seen = Self { floor, ids: BTreeSet::new() };
        seen.ids = seen.read(shared, owner).await?;
        if let Some(since) = since {
            seen.ids.retain(|id| *id <= since.as_uuid());
        }
        Ok(seen)
    }

    async fn read(&self, shared: &Shared, owner: Option<&str>) -> Result<BTreeSet<Uuid>, Error> {
        let (mut ids, mut after) = (BTreeSet::new(), self.floor);
        loop {
            let page = shared.reader().await?.event_ids(owner, after, PAGE).await?;
            ids.extend(&page);
            match page.last() {
                Some(last) if page.len() as i64 == PAGE => after = *last,
                _ => return Ok(ids),
            }
        }
    }

    /// What was not told yet.
    async fn fresh(&mut self, shared: &Shared, owner: Option<&str>) -> Result<Vec<Event>, Error> {
        let found = self.read(shared, owner).await?;
        let mut events = Vec::new();
        for id in found.difference(&self.ids) {
            events.extend(shared.reader().await?.event(*id).await?.map(Event::of));
        }
        self.ids = found;
        if let Some(last) = self.ids.last() {
            self.floor = self.floor.max(floor(shared, *last));
            self.ids = self.ids.split_off(&self.floor);
        }
        Ok(in_order(events))
    }
}

/// The earliest id that may come late behind this one, or from now on: an id of a process whose clock is fast hides
/// nothing of the others.
fn floor(shared: &Shared, id: Uuid) -> Uuid {
    // The first 48 bits are milliseconds (RFC 9562, section 5.7).
    let told = id.as_u128() >> 80;
    let now = shared.ids.next().as_u128() >> 80;
    Uuid::from_u128(told.min(now).saturating_sub(LATE) << 80)
}

/// In the order of ids, but those of one connection in the order of their numbers.
fn in_order(events: Vec<Event>) -> Vec<Event> {
    let places: Vec<_> = events.iter().map(|event| event.connection).collect();
    let mut of = BTreeMap::<ConnectionId, Vec<Event>>::new();
    for event in events {
        of.entry(event.connection).or_default().push(event);
    }
    of.values_mut().for_each(|events| events.sort_by_key(|event| std::cmp::Reverse(event.number)));
    places.iter().filter_map(|connection| of.get_mut(connection)?.pop()).collect()
}
