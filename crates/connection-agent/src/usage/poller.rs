//! Fetches usage periodically: within the host's bounds, with jitter and back-off, and one at a time for an
//! account.
//!
//! Fetches by other callers count, too: usage that is recent enough is not fetched again.
//!
//! The poller stores nothing. It may be dropped at any await, and the fetches that it has begun continue. It
//! looks for kinds that report usage and for their connections once per interval, when a kind is registered, and when this
//! process creates a connection.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    future::{IntoFuture, poll_fn},
    task::Poll,
    time::Duration,
};

use connection_contract::{BoxFuture, Kind, NotLive};
use connection_core::{ConnectionId, ConnectionRegistry, Error, KindConnection, ProfileId};
use connection_egress::sleep_passed;
use tokio::sync::watch;

use super::{UsageBounds, UsageMonitor};
use crate::random;

/// The maximum number of fetches at once.
const MAX_FETCHES: usize = 8;
/// The minimum time between two listings after changes of connections.
const SETTLED: Duration = Duration::from_secs(1);

/// Polling that begins when it is awaited: `monitor.poll(bounds).await`.
///
/// # Examples
///
/// ```
/// use connection_agent::{UsageBounds, UsageMonitor};
/// use connection_core::ProfileId;
///
/// /// Polls the connections of the profile that is shown.
/// async fn poll(monitor: &UsageMonitor, shown: ProfileId) {
///     let polling = monitor.poll(UsageBounds::new()).only(move |of| of.profile == Some(shown));
///     tokio::spawn(polling.into_future());
/// }
/// ```
#[must_use = "polling begins when this is awaited"]
pub struct PollUsage {
    monitor: UsageMonitor,
    bounds: UsageBounds,
    is_selected: RowFilter,
}

impl PollUsage {
    pub(super) fn new(monitor: &UsageMonitor, bounds: UsageBounds) -> Self {
        Self { monitor: monitor.clone(), bounds, is_selected: Box::new(|_, _| true) }
    }

    /// Polls only the connections of the monitor's own owner for which `is_selected` returns `true`. It is called each
    /// time that connections are listed, for each one that is not polled yet.
    pub fn only(mut self, is_selected: impl Fn(&PolledUsage<'_>) -> bool + Send + Sync + 'static) -> Self {
        let own = self.monitor.registry.owner_name().to_owned();
        self.is_selected = Box::new(move |owner, of| *owner == *own && is_selected(of));
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
        let Self { monitor, bounds, is_selected } = self;
        Box::pin(Poller::new(monitor, bounds, is_selected).run())
    }
}

/// A connection whose usage can be [polled](PollUsage::only).
///
/// [`PollUsage`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolledUsage<'a> {
    /// The kind of the connection, which reports usage.
    pub kind: &'a Kind,
    /// The id under which the core stores the connection.
    pub connection: ConnectionId,
    /// The profile of the connection, if it has one.
    pub profile: Option<ProfileId>,
}

/// A predicate that selects the connections to poll, by owner and connection.
type RowFilter = Box<dyn Fn(&str, &PolledUsage<'_>) -> bool + Send + Sync>;

struct Row {
    owner: String,
    kind: Kind,
    /// The number of the credential when the connection was listed.
    credential: u64,
    /// The number of the credential that was used last.
    tried: Option<u64>,
    /// The time at which the next fetch is due, as the clock's `passed`.
    due: Duration,
    failures: u32,
    /// `true` if the provider requested a pause, which a new credential does not end.
    is_paused: bool,
    is_running: bool,
}

impl Row {
    /// Makes the row due at once if its credential is newer than the one that failed, because the failure says
    /// nothing about the newer one. A fetch that was refused renews the credential by itself; then the newer
    /// credential has failed, too.
    fn renewed(&mut self, passed: Duration) {
        let is_newer = self.tried.is_some_and(|tried| tried < self.credential);
        if is_newer && self.failures > 0 && !self.is_paused && !self.is_running {
            self.failures = 0;
            self.due = passed;
        }
    }
}

struct Done {
    id: ConnectionId,
    /// The number of the credential that was used.
    tried: Option<u64>,
    result: Result<(), Failed>,
}

enum Failed {
    /// The connection was removed, or no longer reports usage.
    Gone,
    /// The fetch failed; the provider may have requested a pause.
    Later(Option<Duration>),
}

struct Poller {
    monitor: UsageMonitor,
    bounds: UsageBounds,
    is_selected: RowFilter,
    /// The kinds that report usage, with their intervals.
    intervals: HashMap<Kind, Duration>,
    rows: HashMap<ConnectionId, Row>,
    fetches: Vec<BoxFuture<'static, Done>>,
    listed: watch::Receiver<u64>,
    closed: watch::Receiver<bool>,
    /// `true` if a signal has arrived since the last listing.
    is_news: bool,
    /// The time at which connections are listed again, unless a signal arrives before.
    next_list: Duration,
    last_list: Option<Duration>,
}

impl Poller {
    fn new(monitor: UsageMonitor, bounds: UsageBounds, is_selected: RowFilter) -> Self {
        let listed = monitor.kept.listed.subscribe();
        let closed = monitor.kept.closed.subscribe();
        Self {
            monitor,
            bounds,
            is_selected,
            intervals: HashMap::new(),
            rows: HashMap::new(),
            fetches: Vec::new(),
            listed,
            closed,
            is_news: false,
            next_list: Duration::ZERO,
            last_list: None,
        }
    }

    async fn run(mut self) {
        while !*self.closed.borrow() {
            let began = self.passed();
            let next = match self.begin_due_fetches().await {
                Ok(nap) => began.saturating_add(nap),
                Err(Error::Closed) => return,
                Err(error) => {
                    tracing::warn!(code = error.code(), "the connections whose usage is due could not be read");
                    self.passed().saturating_add(self.bounds.interval(None))
                }
            };
            self.rest(next).await;
        }
    }

    fn registry(&self) -> &ConnectionRegistry {
        &self.monitor.registry
    }

    fn passed(&self) -> Duration {
        self.monitor.kept.clock.passed()
    }

    /// Begins the fetches that are due. Returns the time until there may be more to do.
    async fn begin_due_fetches(&mut self) -> Result<Duration, Error> {
        let passed = self.passed();
        // This comes before kinds and connections are read, so that a signal that arrives during the reads is kept
        // for the next look.
        if self.listed.has_changed().unwrap_or(false) {
            self.listed.mark_unchanged();
            self.is_news = true;
        }
        let is_settled = self.last_list.is_none_or(|last| passed >= last.saturating_add(SETTLED));
        if self.last_list.is_none() || passed >= self.next_list || (self.is_news && is_settled) {
            let kinds = self.registry().kinds().in_use().await?.into_iter().filter(|kind| kind.capabilities.usage);
            self.intervals =
                kinds.map(|kind| (kind.descriptor.kind, self.bounds.interval(kind.usage_interval))).collect();
            self.list(passed).await?;
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
        Ok(next.saturating_sub(passed))
    }

    async fn list(&mut self, passed: Duration) -> Result<(), Error> {
        let mut seen = HashSet::new();
        // A snapshot that arrives during the listing may belong to a connection that is created meanwhile.
        let kept = self.monitor.kept.snapshots.ids();
        let kinds: Vec<_> = self.intervals.keys().cloned().collect();
        for kind in &kinds {
            let mut after = None;
            loop {
                let found = self.registry().all_owners().connections_of_kind(kind, after).await?;
                let Some(last) = found.last() else { break };
                after = Some(last.id);
                for connection in found {
                    seen.insert(connection.id);
                    self.seen(kind, connection, passed);
                }
            }
        }
        self.rows.retain(|id, _| seen.contains(id));
        self.monitor.kept.snapshots.retain(&kept, &seen);
        Ok(())
    }

    fn seen(&mut self, kind: &Kind, connection: KindConnection, passed: Duration) {
        let KindConnection { id, owner, credential, profile, .. } = connection;
        if let Some(known) = self.rows.get_mut(&id) {
            known.credential = credential;
            known.renewed(passed);
            return;
        }
        if !(self.is_selected)(&owner, &PolledUsage { kind, connection: id, profile }) {
            return;
        }
        let interval = self.interval(kind);
        let apart = || spread(&self.bounds, interval).saturating_sub(interval);
        let due = match self.monitor.kept.snapshots.last_fetch(id) {
            // Another caller has fetched it already.
            Some((at, _)) => at.saturating_add(interval).saturating_add(apart()).max(passed),
            // Connections that are older than the poller are spread, so that they are not all fetched at once.
            None if self.last_list.is_none() => passed.saturating_add(apart()),
            None => passed,
        };
        let row = Row {
            owner,
            kind: kind.clone(),
            credential,
            tried: None,
            due,
            failures: 0,
            is_paused: false,
            is_running: false,
        };
        self.rows.insert(id, row);
    }

    /// Returns the interval of a kind.
    fn interval(&self, kind: &Kind) -> Duration {
        self.intervals.get(kind).copied().unwrap_or_else(|| self.bounds.interval(None))
    }

    fn running(&self) -> usize {
        self.rows.values().filter(|row| row.is_running).count()
    }

    fn begin(&mut self, passed: Duration) {
        let free = MAX_FETCHES.saturating_sub(self.running());
        let due = |rows: &HashMap<ConnectionId, Row>| -> Vec<(ConnectionId, Duration)> {
            let due = rows.iter().filter(|(_, row)| !row.is_running && row.due <= passed);
            due.map(|(id, row)| (*id, row.due)).collect()
        };
        for (id, _) in due(&self.rows) {
            self.postpone(id);
        }
        let mut due = due(&self.rows);
        due.sort_unstable_by_key(|(_, due)| *due);
        for (id, _) in due.into_iter().take(free) {
            let Some(row) = self.rows.get_mut(&id) else { continue };
            row.is_running = true;
            let registry = self.monitor.registry.owner(&row.owner);
            self.fetches.push(Box::pin(async move {
                let (tried, result) = fetched(registry, id).await;
                Done { id, tried, result }
            }));
        }
    }

    /// Makes a connection due later if another caller has fetched it meanwhile, or was asked by the provider to wait.
    fn postpone(&mut self, id: ConnectionId) {
        let Some(row) = self.rows.get(&id) else { return };
        let interval = self.interval(&row.kind);
        let later = match self.monitor.kept.snapshots.last_fetch(id) {
            Some((at, None)) => at.saturating_add(interval),
            Some((at, Some(NotLive { recheck_after: pause @ Some(_), .. }))) => {
                at.saturating_add(self.bounds.back_off(interval, 1, pause))
            }
            _ => return,
        };
        if let Some(row) = self.rows.get_mut(&id) {
            row.due = row.due.max(later);
        }
    }

    /// Waits until a fetch ends, a signal arrives, or `next` is reached on the clock.
    async fn rest(&mut self, next: Duration) {
        let clock = self.monitor.kept.clock.clone();
        let asleep = sleep_passed(&*clock, || next.saturating_sub(clock.passed()));
        let mut closed = self.closed.clone();
        tokio::select! {
            biased;
            // The monitor holds the sender, and `self` holds the monitor.
            _ = closed.wait_for(|is_closed| *is_closed) => {}
            done = ended(&mut self.fetches) => self.ended(done),
            // A signal that was seen and not looked at yet waits for its time.
            _ = self.listed.changed(), if !self.is_news => self.is_news = true,
            () = asleep => {}
        }
    }

    fn ended(&mut self, Done { id, tried, result }: Done) {
        let passed = self.passed();
        let Some(kind) = self.rows.get(&id).map(|row| row.kind.clone()) else { return };
        let interval = self.interval(&kind);
        let Some(row) = self.rows.get_mut(&id) else { return };
        row.is_running = false;
        // If the credential could not be opened, the failure counts for the listed one.
        row.tried = tried.or(Some(row.credential));
        let wait = match result {
            Ok(()) => {
                row.failures = 0;
                row.is_paused = false;
                interval
            }
            Err(Failed::Later(pause)) => {
                row.failures = row.failures.saturating_add(1);
                row.is_paused = pause.is_some();
                self.bounds.back_off(interval, row.failures, pause)
            }
            Err(Failed::Gone) => {
                self.rows.remove(&id);
                return;
            }
        };
        row.due = passed.saturating_add(spread(&self.bounds, wait));
        // Meanwhile the row may have been listed with a newer credential.
        row.renewed(passed);
    }
}

/// Adds a random share to a time.
fn spread(bounds: &UsageBounds, time: Duration) -> Duration {
    bounds.spread(time, random::byte())
}

/// Polls all fetches, and removes and returns the first one that has ended. Waits forever if there is none.
async fn ended(fetches: &mut Vec<BoxFuture<'static, Done>>) -> Done {
    poll_fn(|cx| {
        let ended = fetches.iter_mut().enumerate().find_map(|(place, fetch)| match fetch.as_mut().poll(cx) {
            Poll::Ready(done) => Some((place, done)),
            Poll::Pending => None,
        });
        match ended {
            Some((place, done)) => {
                drop(fetches.swap_remove(place));
                Poll::Ready(done)
            }
            None => Poll::Pending,
        }
    })
    .await
}

async fn fetched(registry: Result<ConnectionRegistry, Error>, id: ConnectionId) -> (Option<u64>, Result<(), Failed>) {
    match async { registry?.connection(id).await?.fetch_usage().await }.await {
        Ok(fetched) => match fetched.result {
            Ok(_) => (fetched.credential, Ok(())),
            Err(why) => (fetched.credential, Err(Failed::Later(why.recheck_after))),
        },
        Err(Error::NotFound(_) | Error::UnknownKind(_) | Error::NotSupported { .. }) => (None, Err(Failed::Gone)),
        // A person has to accept the terms of the kind, which the connection says.
        Err(Error::KindChanged { .. }) => (None, Err(Failed::Later(None))),
        Err(error) => {
            tracing::warn!(connection = %id, code = error.code(), "the usage of a connection could not be fetched");
            (None, Err(Failed::Later(None)))
        }
    }
}
