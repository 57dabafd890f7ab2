//! Fetches usage again and again: within the host's bounds, with jitter and back-off, one at a time for an account.
//!
//! Who else fetches, does it for the poller, too: what is new enough is not fetched again.
//!
//! Nothing of it is stored. It may be dropped at any await, and what it has begun goes on. While no kind tells usage it
//! sleeps until one is registered; while there is a kind and no connection, it looks for one no oftener than a fetch would
//! come, and when this process makes one.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use connection_contract::{Crypto as _, Kind, NotLive};
use tokio::sync::{mpsc, watch};

use super::{UsageBounds, fetch};
use crate::{
    Connection, ConnectionId, ConnectionRegistry, Error, ProfileId, StoreError, registry::Shared,
    services::clock::asleep, store::OfKindRow,
};

/// Fetches under way at once.
const AT_ONCE: usize = 8;
const BATCH: i64 = 500;
/// Changes of connections are looked at no oftener.
const SETTLED: Duration = Duration::from_secs(1);

impl ConnectionRegistry {
    /// Fetches usage of all connections whose kind tells it, of all owners, as often as the bounds and the kind say, and
    /// keeps what comes for [`Usage::snapshot`](super::Usage::snapshot). What fails is tried again later and later, and not
    /// before a provider that asks for a pause had it. Ends when the registry is closed.
    ///
    /// A host spawns it, in one process: each that does fetches for itself.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any time; what it has begun goes on.
    pub async fn poll_usage(&self, bounds: UsageBounds) {
        Poller::new(self.shared.clone(), bounds, Box::new(|_, _| true)).run().await;
    }

    /// As [`poll_usage`](Self::poll_usage), of those connections of this registry's owner alone that are meant: each is asked
    /// about when it is first seen.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any time; what it has begun goes on.
    pub async fn poll_usage_of(
        &self,
        bounds: UsageBounds,
        is_meant: impl Fn(&PolledUsage<'_>) -> bool + Send + Sync + 'static,
    ) {
        let mine = self.owner.clone();
        let is_meant = move |owner: &str, of: &PolledUsage<'_>| *owner == *mine && is_meant(of);
        Poller::new(self.shared.clone(), bounds, Box::new(is_meant)).run().await;
    }
}

/// A connection whose usage can be [polled](ConnectionRegistry::poll_usage_of).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolledUsage<'a> {
    /// Its kind, which tells usage.
    pub kind: &'a Kind,
    /// Which it is.
    pub connection: ConnectionId,
    /// Of which profile it is, where it says.
    pub profile: Option<ProfileId>,
}

/// Whether a connection of that owner is polled.
type IsMeant = Box<dyn Fn(&str, &PolledUsage<'_>) -> bool + Send + Sync>;

/// A connection that is polled.
struct Row {
    owner: String,
    kind: Kind,
    /// Of its credential, when it was listed.
    generation: i64,
    /// Of the one that was used last.
    tried: Option<i64>,
    /// As the clock's `passed`.
    due: Duration,
    failures: u32,
    /// The provider asked for a pause, which another credential does not end.
    is_paused: bool,
    is_running: bool,
}

impl Row {
    /// Has another credential than the one that failed, perhaps: what failed with that says nothing of this one. A fetch
    /// that was refused renews by itself, and then it is this one that failed.
    fn renewed(&mut self, passed: Duration) {
        let is_newer = self.tried.is_some_and(|tried| tried < self.generation);
        if is_newer && self.failures > 0 && !self.is_paused && !self.is_running {
            (self.failures, self.due) = (0, passed);
        }
    }
}

/// What a fetch came to.
struct Done {
    id: ConnectionId,
    /// Of the credential that was used.
    tried: Option<i64>,
    result: Result<(), Failed>,
}

enum Failed {
    /// The connection is gone, or tells no usage any more.
    Gone,
    /// Nothing came; the provider asks for a pause or not.
    Later(Option<Duration>),
}

struct Poller {
    shared: Arc<Shared>,
    bounds: UsageBounds,
    is_meant: IsMeant,
    rows: HashMap<ConnectionId, Row>,
    done: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    listed: watch::Receiver<u64>,
    closed: watch::Receiver<bool>,
    /// Something was told since the last list.
    is_news: bool,
    /// When connections are listed again, unless somebody says that there is another one.
    next_list: Duration,
    last_list: Option<Duration>,
}

impl Poller {
    fn new(shared: Arc<Shared>, bounds: UsageBounds, is_meant: IsMeant) -> Self {
        let (listed, closed) = (shared.usage.listed.subscribe(), shared.usage.closed.subscribe());
        let (rows, done, next_list) = (HashMap::new(), mpsc::unbounded_channel(), Duration::ZERO);
        Self { shared, bounds, is_meant, rows, done, listed, closed, is_news: false, next_list, last_list: None }
    }

    async fn run(mut self) {
        while !self.shared.store.is_closed() {
            let began = self.shared.clock.passed();
            let next = match self.look().await {
                Ok(nap) => nap.map(|nap| began.saturating_add(nap)),
                Err(error) => {
                    tracing::warn!(code = error.code(), "whose usage is to be fetched could not be looked at");
                    Some(self.shared.clock.passed().saturating_add(self.bounds.interval(None)))
                }
            };
            self.rest(next).await;
        }
    }

    /// Begins what is due. How long there is nothing more to do; `None` for as long as nobody says something.
    async fn look(&mut self) -> Result<Option<Duration>, Error> {
        let passed = self.shared.clock.passed();
        // Before kinds and connections are read: what is told from here on is looked at by the next look.
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
        // While as many as may be are under way, the next end wakes.
        let due = if self.running() < AT_ONCE { waits.min() } else { None };
        let next = due.unwrap_or(self.next_list).min(self.next_list);
        let next = if self.is_news { next.min(passed.saturating_add(SETTLED)) } else { next };
        Ok(Some(next.saturating_sub(passed)))
    }

    async fn list(&mut self, kinds: &[Kind], passed: Duration) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        // What is fetched while they are listed may be of a connection that comes meanwhile.
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
        let due = match self.shared.usage.snapshots.asked(id) {
            // Somebody has it already.
            Some((at, _)) => at.saturating_add(interval).saturating_add(apart()).max(passed),
            // Those that were there before the poller do not come at once with each other.
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
        let free = AT_ONCE.saturating_sub(self.running());
        for (id, row) in self.rows.iter_mut().filter(|(_, row)| !row.is_running && row.due <= passed) {
            let interval = interval(&self.shared, &self.bounds, &row.kind);
            // Somebody else asked meanwhile, and got it, or is to ask later.
            let later = match self.shared.usage.snapshots.asked(*id) {
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
            let (id, done) = (*id, self.done.0.clone());
            self.shared.runtimes.spawn(async move {
                let (tried, result) = fetched(&registry, id).await;
                // Nobody counts any more.
                drop(done.send(Done { id, tried, result }));
            });
        }
    }

    /// Until something ended, somebody says that there is something new, or it is time by what has passed on the clock.
    async fn rest(&mut self, next: Option<Duration>) {
        let clock = self.shared.clock.clone();
        let asleep = async {
            match next {
                Some(next) => asleep(&*clock, || next.saturating_sub(clock.passed())).await,
                None => std::future::pending().await,
            }
        };
        let mut closed = self.closed.clone();
        tokio::select! {
            biased;
            // The registry, which has the sender, is ours.
            _ = closed.wait_for(|is_closed| *is_closed) => return,
            // The sender is ours, so the channel is open.
            Some(done) = self.done.1.recv() => self.ended(done),
            // What was told and not looked at yet waits for its time.
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
        // What could not be opened is of the one that there is.
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
        // It may have been listed with another one meanwhile.
        row.renewed(passed);
    }
}

/// How often that kind is fetched.
fn interval(shared: &Shared, bounds: &UsageBounds, kind: &Kind) -> Duration {
    bounds.interval(shared.kinds.entry(kind).and_then(|entry| entry.poll_interval))
}

/// A little more than that.
fn spread(shared: &Shared, bounds: &UsageBounds, time: Duration) -> Duration {
    let mut drawn = [0];
    shared.crypto.random(&mut drawn);
    bounds.spread(time, drawn[0])
}

async fn fetched(registry: &ConnectionRegistry, id: ConnectionId) -> (Option<i64>, Result<(), Failed>) {
    let reading = async {
        let info = registry.info(id).await?;
        fetch::fetch(&Connection { shared: registry.shared.clone(), info: info.into() }).await
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
