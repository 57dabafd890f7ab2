//! Fetches usage periodically: within the host's bounds, with jitter and back-off, and one at a time for an
//! account.
//!
//! Fetches by other callers count, too: usage that is recent enough is not fetched again.
//!
//! The poller stores nothing. It may be dropped at any await, and the fetches that it has begun continue. While no
//! kind reports usage, it sleeps until one is registered. While there is a kind and no connection, it lists
//! connections once per interval, and when this process creates one.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    fmt,
    future::IntoFuture,
    sync::Arc,
    time::Duration,
};

use connection_contract::{BoxFuture, Crypto as _, Kind, NotLive};
use connection_egress::sleep_passed;
use tokio::sync::{mpsc, watch};

use super::{UsageBounds, fetch};
use crate::{
    Connection, ConnectionId, ConnectionRegistry, Error, ProfileId, StoreError, registry::Shared, store::OfKindRow,
};

/// The maximum number of fetches at once.
const MAX_FETCHES: usize = 8;
const BATCH: i64 = 500;
/// The minimum time between two listings after changes of connections.
const SETTLED: Duration = Duration::from_secs(1);

impl ConnectionRegistry {
    /// Fetches usage of all connections of all owners whose kind reports it, and keeps it for
    /// [`Usage::snapshot`](super::Usage::snapshot).
    ///
    /// The bounds and the kind determine the interval. After failures the interval grows, and a pause that a
    /// provider requests is kept. The returned value is awaited; it ends when the registry is closed.
    ///
    /// Spawn this in one process only, because each process that polls fetches for itself.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any time; the fetches that it has begun continue.
    pub fn poll_usage(&self, bounds: UsageBounds) -> PollUsage {
        PollUsage { registry: self.clone(), bounds, is_meant: Box::new(|_, _| true) }
    }
}

/// Polling that begins when it is awaited: `registry.poll_usage(bounds).await`.
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionRegistry, ProfileId, UsageBounds};
///
/// /// Polls the connections of the profile that is shown.
/// async fn poll(registry: ConnectionRegistry, shown: ProfileId) {
///     let polling = registry.poll_usage(UsageBounds::new()).only(move |of| of.profile == Some(shown));
///     tokio::spawn(polling.into_future());
/// }
/// ```
#[must_use = "polling begins when this is awaited"]
pub struct PollUsage {
    registry: ConnectionRegistry,
    bounds: UsageBounds,
    is_meant: RowFilter,
}

impl PollUsage {
    /// Polls only the connections of the registry's own owner for which `is_meant` returns `true`. It is called each
    /// time that connections are listed, for each one that is not polled yet.
    pub fn only(mut self, is_meant: impl Fn(&PolledUsage<'_>) -> bool + Send + Sync + 'static) -> Self {
        let mine = self.registry.owner.clone();
        self.is_meant = Box::new(move |owner, of| *owner == *mine && is_meant(of));
        self
    }
}

impl fmt::Debug for PollUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollUsage").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl IntoFuture for PollUsage {
    type Output = ();
    type IntoFuture = BoxFuture<'static, ()>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { registry, bounds, is_meant } = self;
        Box::pin(Poller::new(registry.shared, bounds, is_meant).run())
    }
}

/// A connection whose usage can be [polled](PollUsage::only).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolledUsage<'a> {
    /// The kind of the connection, which reports usage.
    pub kind: &'a Kind,
    /// The id of the connection.
    pub connection: ConnectionId,
    /// The profile of the connection, if it has one.
    pub profile: Option<ProfileId>,
}

/// A predicate that selects the connections to poll, by owner and connection.
type RowFilter = Box<dyn Fn(&str, &PolledUsage<'_>) -> bool + Send + Sync>;

/// A polled connection.
struct Row {
    owner: String,
    kind: Kind,
    /// The generation of the credential when the connection was listed.
    generation: i64,
    /// The generation of the credential that was used last.
    tried: Option<i64>,
    /// When the next fetch is due, as the clock's `passed`.
    due: Duration,
    failures: u32,
    /// The provider requested a pause, which a new credential does not end.
    is_paused: bool,
    is_running: bool,
}

impl Row {
    /// Makes the row due at once if its credential is newer than the one that failed, because the failure says
    /// nothing about the newer one. A fetch that was refused renews the credential by itself; then the newer
    /// credential has failed, too.
    fn renewed(&mut self, passed: Duration) {
        let is_newer = self.tried.is_some_and(|tried| tried < self.generation);
        if is_newer && self.failures > 0 && !self.is_paused && !self.is_running {
            (self.failures, self.due) = (0, passed);
        }
    }
}

/// The result of a fetch.
struct Done {
    id: ConnectionId,
    /// The generation of the credential that was used.
    tried: Option<i64>,
    result: Result<(), Failed>,
}

enum Failed {
    /// The connection was removed, or no longer reports usage.
    Gone,
    /// The fetch failed; the provider may have requested a pause.
    Later(Option<Duration>),
}

struct Poller {
    shared: Arc<Shared>,
    bounds: UsageBounds,
    is_meant: RowFilter,
    rows: HashMap<ConnectionId, Row>,
    done: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    listed: watch::Receiver<u64>,
    closed: watch::Receiver<bool>,
    /// A signal has arrived since the last listing.
    is_news: bool,
    /// When connections are listed again, unless a signal arrives before.
    next_list: Duration,
    last_list: Option<Duration>,
}

impl Poller {
    fn new(shared: Arc<Shared>, bounds: UsageBounds, is_meant: RowFilter) -> Self {
        let listed = shared.usage.listed.subscribe();
        let closed = shared.usage.closed.subscribe();
        let rows = HashMap::new();
        let done = mpsc::unbounded_channel();
        let next_list = Duration::ZERO;
        Self { shared, bounds, is_meant, rows, done, listed, closed, is_news: false, next_list, last_list: None }
    }

    async fn run(mut self) {
        while !self.shared.store.is_closed() {
            let began = self.shared.clock.passed();
            let next = match self.begin_due_fetches().await {
                Ok(nap) => nap.map(|nap| began.saturating_add(nap)),
                Err(error) => {
                    tracing::warn!(code = error.code(), "the connections whose usage is due could not be read");
                    Some(self.shared.clock.passed().saturating_add(self.bounds.interval(None)))
                }
            };
            self.rest(next).await;
        }
    }

    /// Begins the fetches that are due. Returns the time until there is more to do, or `None` if only a signal can
    /// bring more.
    async fn begin_due_fetches(&mut self) -> Result<Option<Duration>, Error> {
        let passed = self.shared.clock.passed();
        // This comes before kinds and connections are read, so that a signal that arrives during the reads is kept
        // for the next look.
        if self.listed.has_changed().unwrap_or(false) {
            self.listed.mark_unchanged();
            self.is_news = true;
        }
        let kinds: Vec<_> = {
            let entries = self.shared.kinds.entries().into_iter();
            entries.filter(|entry| entry.capabilities.usage).map(|entry| entry.kind().clone()).collect()
        };
        let is_settled = self.last_list.is_none_or(|last| passed >= last.saturating_add(SETTLED));
        if kinds.is_empty() {
            self.is_news = false;
            self.rows.clear();
            self.last_list = None;
            return Ok(None);
        }
        if self.last_list.is_none() || passed >= self.next_list || (self.is_news && is_settled) {
            self.list(&kinds, passed).await?;
            self.is_news = false;
            self.last_list = Some(passed);
            self.next_list = passed.saturating_add(self.bounds.interval(None));
        }
        self.begin(passed);
        let waits = self.rows.values().filter(|row| !row.is_running).map(|row| row.due);
        // While the maximum number of fetches run, the end of one of them wakes the poller.
        let due = if self.running() < MAX_FETCHES { waits.min() } else { None };
        let next = due.unwrap_or(self.next_list).min(self.next_list);
        let next = if self.is_news { next.min(passed.saturating_add(SETTLED)) } else { next };
        Ok(Some(next.saturating_sub(passed)))
    }

    async fn list(&mut self, kinds: &[Kind], passed: Duration) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        // A snapshot that arrives during the listing may belong to a connection that is created meanwhile.
        let kept = self.shared.usage.snapshots.ids();
        for kind in kinds {
            let mut after = None;
            loop {
                let found = self.shared.store.reader().await?.accounts_of_kind(kind.as_str(), after, BATCH).await?;
                let Some(last) = found.last() else { break };
                after = Some(last.id);
                for row in found {
                    seen.insert(row.id);
                    self.seen(kind, row, passed);
                }
            }
        }
        self.rows.retain(|id, _| seen.contains(id));
        self.shared.usage.snapshots.retain(&kept, &seen);
        Ok(())
    }

    fn seen(&mut self, kind: &Kind, row: OfKindRow, passed: Duration) {
        let OfKindRow { id, owner, generation, profile_id } = row;
        let profile = profile_id.as_deref().and_then(|id| id.parse().ok());
        let vacant = match self.rows.entry(id) {
            Entry::Occupied(mut known) => {
                known.get_mut().generation = generation;
                return known.get_mut().renewed(passed);
            }
            Entry::Vacant(vacant) => vacant,
        };
        if !(self.is_meant)(&owner, &PolledUsage { kind, connection: id, profile }) {
            return;
        }
        let interval = interval(&self.shared, &self.bounds, kind);
        let apart = || spread(&self.shared, &self.bounds, interval).saturating_sub(interval);
        let due = match self.shared.usage.snapshots.last_fetch(id) {
            // Another caller has fetched it already.
            Some((at, _)) => at.saturating_add(interval).saturating_add(apart()).max(passed),
            // Connections that are older than the poller are spread, so that they are not all fetched at once.
            None if self.last_list.is_none() => passed.saturating_add(apart()),
            None => passed,
        };
        let (tried, failures, is_paused, is_running) = Default::default();
        vacant.insert(Row { owner, kind: kind.clone(), generation, tried, due, failures, is_paused, is_running });
    }

    fn running(&self) -> usize {
        self.rows.values().filter(|row| row.is_running).count()
    }

    fn begin(&mut self, passed: Duration) {
        let free = MAX_FETCHES.saturating_sub(self.running());
        for (id, row) in self.rows.iter_mut().filter(|(_, row)| !row.is_running && row.due <= passed) {
            let interval = interval(&self.shared, &self.bounds, &row.kind);
            // Another caller has fetched meanwhile, or was asked by the provider to wait.
            let later = match self.shared.usage.snapshots.last_fetch(*id) {
                Some((at, None)) => at.saturating_add(interval),
                Some((at, Some(NotLive { recheck_after: pause @ Some(_), .. }))) => {
                    at.saturating_add(self.bounds.back_off(interval, 1, pause))
                }
                _ => continue,
            };
            row.due = row.due.max(later);
        }
        let mut due: Vec<_> = self.rows.iter_mut().filter(|(_, row)| !row.is_running && row.due <= passed).collect();
        due.sort_unstable_by_key(|(_, row)| row.due);
        for (id, row) in due.into_iter().take(free) {
            row.is_running = true;
            let registry = ConnectionRegistry { shared: self.shared.clone(), owner: row.owner.as_str().into() };
            let id = *id;
            let done = self.done.0.clone();
            self.shared.runtimes.spawn(async move {
                let (tried, result) = fetched(&registry, id).await;
                // If this fails, the poller was dropped.
                drop(done.send(Done { id, tried, result }));
            });
        }
    }

    /// Waits until a fetch ends, a signal arrives, or `next` is reached on the clock.
    async fn rest(&mut self, next: Option<Duration>) {
        let clock = self.shared.clock.clone();
        let asleep = async {
            match next {
                Some(next) => sleep_passed(&*clock, || next.saturating_sub(clock.passed())).await,
                None => std::future::pending().await,
            }
        };
        let mut closed = self.closed.clone();
        tokio::select! {
            biased;
            // The registry holds the sender, and `self` holds the registry.
            _ = closed.wait_for(|is_closed| *is_closed) => return,
            // `self` holds a sender, so the channel is open.
            Some(done) = self.done.1.recv() => self.ended(done),
            // A signal that was seen and not looked at yet waits for its time.
            _ = self.listed.changed(), if !self.is_news || next.is_none() => self.is_news = true,
            () = asleep => {}
        }
        while let Ok(done) = self.done.1.try_recv() {
            self.ended(done);
        }
    }

    fn ended(&mut self, Done { id, tried, result }: Done) {
        let passed = self.shared.clock.passed();
        let Some(row) = self.rows.get_mut(&id) else { return };
        let interval = interval(&self.shared, &self.bounds, &row.kind);
        row.is_running = false;
        // If the credential could not be opened, the failure counts for the listed generation.
        row.tried = tried.or(Some(row.generation));
        let wait = match result {
            Ok(()) => {
                (row.failures, row.is_paused) = (0, false);
                interval
            }
            Err(Failed::Later(pause)) => {
                (row.failures, row.is_paused) = (row.failures.saturating_add(1), pause.is_some());
                self.bounds.back_off(interval, row.failures, pause)
            }
            Err(Failed::Gone) => {
                self.rows.remove(&id);
                return;
            }
        };
        row.due = passed.saturating_add(spread(&self.shared, &self.bounds, wait));
        // Meanwhile the row may have been listed with a newer credential.
        row.renewed(passed);
    }
}

/// Returns the interval of a kind.
fn interval(shared: &Shared, bounds: &UsageBounds, kind: &Kind) -> Duration {
    bounds.interval(shared.kinds.entry(kind).and_then(|entry| entry.poll_interval))
}

/// Adds a random share to a time.
fn spread(shared: &Shared, bounds: &UsageBounds, time: Duration) -> Duration {
    let mut drawn = [0];
    shared.crypto.random(&mut drawn);
    bounds.spread(time, drawn[0])
}

async fn fetched(registry: &ConnectionRegistry, id: ConnectionId) -> (Option<i64>, Result<(), Failed>) {
    let reading = async {
        let info = registry.info(id).await?;
        fetch::fetch(registry, &Connection::new(&registry.shared.connection, info)).await
    };
    match reading.await {
        Ok(fetched) => match fetched.reading.error {
            None => (fetched.generation, Ok(())),
            Some(why) => (fetched.generation, Err(Failed::Later(why.recheck_after))),
        },
        Err(Error::NotFound(_) | Error::UnknownKind(_) | Error::NotSupported { .. }) => (None, Err(Failed::Gone)),
        Err(error) => {
            tracing::warn!(connection = %id, code = error.code(), "the usage of a connection could not be fetched");
            (None, Err(Failed::Later(None)))
        }
    }
}
