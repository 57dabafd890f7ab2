//! The last good snapshot of each connection, with its age and the reason why there is no newer one, in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{BoxFuture, NotLive, TimeWindow, Timestamp, UsageMetric, UsageSnapshot};
use connection_core::{Clock, ConnectionId, FetchedUsage, StoredUsage};
use tokio::sync::watch;

/// The last known usage of an account.
///
/// # Examples
///
/// ```
/// use connection_agent::UsageReading;
///
/// /// Returns a note for a reading that is not current.
/// fn note(reading: &UsageReading) -> Option<String> {
///     let why = reading.error.as_ref()?;
///     Some(format!("{} seconds old: {}", reading.age.as_secs(), why.reason.message))
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UsageReading {
    /// The last good snapshot; `None` if there was none yet.
    pub snapshot: Option<Arc<UsageSnapshot>>,
    /// The time since the snapshot was fetched.
    pub age: Duration,
    /// The reason why the last fetch failed; `None` if it succeeded.
    pub error: Option<NotLive>,
}

/// A receiver of changes to the fetched usage.
///
/// [`UsageMonitor`](crate::UsageMonitor) has an example.
#[derive(Debug)]
pub struct UsageChanges(watch::Receiver<u64>);

impl UsageChanges {
    /// Waits until a fetch has ended since the last call, with or without success. Returns `false` after the
    /// monitor is gone.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the next call returns for the same fetch.
    pub fn changed(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async move { self.0.changed().await.is_ok() })
    }
}

impl UsageReading {
    /// Returns the reading of one fetch alone.
    pub(super) fn of(fetched: &FetchedUsage) -> Self {
        let (snapshot, error) = match &fetched.result {
            Ok(snapshot) => (Some(snapshot.clone()), None),
            Err(why) => (None, Some(why.clone())),
        };
        Self { snapshot, age: Duration::ZERO, error }
    }
}

/// Returns the entry of a connection. An entry of another account is replaced by an empty one.
fn of_account<'a>(
    table: &'a mut HashMap<ConnectionId, AccountState>,
    id: ConnectionId,
    account: &str,
) -> &'a mut AccountState {
    let kept = table.entry(id).or_insert_with(|| AccountState::new(account));
    if kept.account != account {
        *kept = AccountState::new(account);
    }
    kept
}

/// A time as the wall clock shows it, which all processes have in common, and as the process measures it.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall: Timestamp,
    pub(super) passed: Duration,
}

impl Moment {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), passed: clock.passed() }
    }
}

pub(super) struct Snapshots {
    table: Mutex<HashMap<ConnectionId, AccountState>>,
    fetched: watch::Sender<u64>,
}

struct AccountState {
    /// The account of the entry, so that its usage is never shown for another account.
    account: String,
    /// The time windows that a session reported last.
    session: Vec<TimeWindow>,
    good: Option<Good>,
    error: Option<NotLive>,
    /// The time of the last fetch of this process; `None` if it has not fetched.
    fetched_at: Option<Moment>,
}

/// The last good snapshot.
struct Good {
    snapshot: Arc<UsageSnapshot>,
    /// The time of the fetch, or of the report of a session, by the wall clock.
    fetched_at: Timestamp,
    /// The time at which this process got it, as the process measures time.
    arrived: Duration,
    /// The age of the snapshot at that time. One that another process fetched may be older than this process.
    age: Duration,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { table: Mutex::default(), fetched: watch::Sender::new(0) }
    }
}

/// Adds the metrics of a session to a snapshot. If two metrics have one id, that of the session is newer.
fn join(snapshot: &mut UsageSnapshot, metrics: impl IntoIterator<Item = UsageMetric>) {
    for metric in metrics {
        match snapshot.metrics.iter_mut().find(|other| id(other) == id(&metric)) {
            Some(other) if id(&metric).is_some() => *other = metric,
            _ => snapshot.metrics.push(metric),
        }
    }
}

fn id(metric: &UsageMetric) -> Option<&str> {
    match metric {
        UsageMetric::MonthlySpend(spend) => Some(&*spend.id),
        UsageMetric::TimeWindow(window) => Some(&*window.id),
        UsageMetric::TokenUtilization(tokens) => Some(&*tokens.id),
        UsageMetric::Other(value) => value["id"].as_str(),
        _ => None,
    }
}

impl AccountState {
    fn new(account: &str) -> Self {
        Self { account: account.to_owned(), session: Vec::new(), good: None, error: None, fetched_at: None }
    }

    /// Stores a fetched snapshot. The windows of a session are kept beside it until they end, unless they were
    /// fetched.
    fn fetched(&mut self, fetched: &UsageSnapshot, fetched_at: Timestamp, arrived: Duration, age: Duration) {
        let mut fetched = fetched.clone();
        let now = fetched.observed_at;
        self.session.retain(|window| window.resets_at.is_some_and(|reset| reset > now));
        let is_fetched = |window: &TimeWindow| fetched.metrics.iter().any(|other| id(other) == Some(&*window.id));
        self.session.retain(|window| !is_fetched(window));
        fetched.metrics.extend(self.session.iter().cloned().map(UsageMetric::from));
        self.good = Some(Good { snapshot: Arc::new(fetched), fetched_at, arrived, age });
    }

    /// Takes a snapshot that the store has, if it is newer. A fetch of this process that failed before it no longer
    /// counts.
    fn learn(&mut self, stored: &StoredUsage, now: Moment) {
        if self.good.as_ref().is_none_or(|good| good.fetched_at < stored.fetched_at) {
            let age = now.wall.seconds().saturating_sub(stored.fetched_at.seconds());
            let age = Duration::from_secs(age.try_into().unwrap_or(0));
            self.fetched(&stored.snapshot, stored.fetched_at, now.passed, age);
        }
        if self.fetched_at.is_some_and(|at| at.wall < stored.fetched_at) {
            self.error = None;
        }
    }

    fn reading(&self, passed: Duration) -> UsageReading {
        let age = self.good.as_ref().map_or(Duration::ZERO, |good| good.age + passed.saturating_sub(good.arrived));
        UsageReading { snapshot: self.good.as_ref().map(|good| good.snapshot.clone()), age, error: self.error.clone() }
    }
}

impl Snapshots {
    /// Keeps the result of a fetch that has ended now.
    pub(super) fn keep(
        &self,
        id: ConnectionId,
        account: &str,
        now: Moment,
        result: &Result<Arc<UsageSnapshot>, NotLive>,
    ) {
        let mut table = self.lock();
        let kept = of_account(&mut table, id, account);
        kept.fetched_at = Some(now);
        match result {
            Ok(good) => {
                kept.fetched(good, now.wall, now.passed, Duration::ZERO);
                kept.error = None;
            }
            Err(why) => kept.error = Some(why.clone()),
        }
        drop(table);
        self.fetched.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Takes the snapshot that the store has of an account, if it is newer than the one that is kept.
    pub(super) fn learn(&self, id: ConnectionId, account: &str, now: Moment, stored: &StoredUsage) {
        of_account(&mut self.lock(), id, account).learn(stored, now);
    }

    /// Keeps the windows that a session reported, and returns all of its metrics together with what was fetched.
    pub(super) fn report(
        &self,
        id: ConnectionId,
        account: &str,
        now: Moment,
        metrics: Vec<UsageMetric>,
    ) -> UsageReading {
        let mut table = self.lock();
        let kept = of_account(&mut table, id, account);
        let windows = metrics.iter().filter_map(|metric| match metric {
            UsageMetric::TimeWindow(window) => Some(window.clone()),
            _ => None,
        });
        let windows: Vec<_> = windows.collect();
        let before = kept.good.as_ref().map(|good| UsageSnapshot::clone(&good.snapshot));
        let mut good = before.unwrap_or_else(|| UsageSnapshot::new(now.wall));
        good.observed_at = now.wall;
        let mut all = good.clone();
        if !windows.is_empty() {
            join(&mut good, windows.iter().cloned().map(UsageMetric::from));
            kept.session = windows;
            let snapshot = Arc::new(good);
            kept.good = Some(Good { snapshot, fetched_at: now.wall, arrived: now.passed, age: Duration::ZERO });
        }
        join(&mut all, metrics);
        let reading = UsageReading { snapshot: Some(Arc::new(all)), age: Duration::ZERO, error: kept.error.clone() };
        drop(table);
        self.fetched.send_modify(|count| *count = count.wrapping_add(1));
        reading
    }

    pub(super) fn read(&self, id: ConnectionId, account: &str, passed: Duration) -> Option<UsageReading> {
        let table = self.lock();
        table.get(&id).filter(|kept| kept.account == account).map(|kept| kept.reading(passed))
    }

    pub(super) fn forget(&self, id: ConnectionId) {
        self.lock().remove(&id);
    }

    /// Returns the time of the last fetch and, if it failed, the reason.
    pub(super) fn last_fetch(&self, id: ConnectionId) -> Option<(Duration, Option<NotLive>)> {
        self.lock().get(&id).and_then(|kept| Some((kept.fetched_at?.passed, kept.error.clone())))
    }

    /// Returns the ids of all connections that have an entry.
    pub(super) fn ids(&self) -> HashSet<ConnectionId> {
        self.lock().keys().copied().collect()
    }

    /// Removes the entries of connections that had one [before](Self::ids) the listing and were not listed. An
    /// entry that was added during the listing may belong to a connection that the list did not include yet.
    pub(super) fn retain(&self, before: &HashSet<ConnectionId>, listed: &HashSet<ConnectionId>) {
        self.lock().retain(|id, _| listed.contains(id) || !before.contains(id));
    }

    pub(super) fn changes(&self) -> UsageChanges {
        UsageChanges(self.fetched.subscribe())
    }

    /// A poisoned lock is ignored, because no panic can leave the table half changed.
    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, AccountState>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_snapshot_fetched_during_a_list_is_kept() {
        let now = Moment { wall: Timestamp::from_seconds(0), passed: Duration::ZERO };
        let snapshots = Snapshots::default();
        let [gone, there, new] = [1, 2, 3].map(|id| ConnectionId::from(Uuid::from_u128(id)));
        let fetched = |id| {
            let good = UsageSnapshot::new(Timestamp::from_seconds(0));
            snapshots.keep(id, "ada", now, &Ok(Arc::new(good)));
        };
        [gone, there].into_iter().for_each(fetched);
        let before = snapshots.ids();
        fetched(new);
        snapshots.retain(&before, &HashSet::from([there]));
        let kept = |id| snapshots.read(id, "ada", Duration::ZERO).is_some();
        assert_eq!([gone, there, new].map(kept), [false, true, true]);
    }
}
