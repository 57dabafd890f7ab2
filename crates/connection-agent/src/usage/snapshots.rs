//! The last good snapshot of each connection, with its age and the reason why there is no newer one, in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{BoxFuture, NotLive, Timestamp, UsageMetric, UsageSnapshot};
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
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UsageReading {
    /// The last good snapshot; `None` if there was none yet.
    pub snapshot: Option<Arc<UsageSnapshot>>,
    /// The time since the snapshot was fetched, or since a session reported a part of it.
    pub age: Duration,
    /// The reason why the last fetch failed; `None` if it succeeded.
    pub error: Option<NotLive>,
}

/// A receiver of changes to the known usage.
///
/// [`UsageMonitor`](crate::UsageMonitor) has an example.
#[derive(Debug)]
pub struct UsageChanges(watch::Receiver<u64>);

impl UsageChanges {
    /// Waits until a fetch has ended since the last call, with or without success, or a session has reported. Returns
    /// `false` after the monitor is gone.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the next call returns for the same change.
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

    /// Returns a reading with the metrics that a session has reported now, and after them the other known ones.
    pub(super) fn with_report(self, now: Timestamp, metrics: Vec<UsageMetric>) -> Self {
        let mut snapshot = UsageSnapshot::new(now);
        snapshot.metrics = metrics;
        if let Some(kept) = self.snapshot {
            let reported: HashSet<_> = snapshot.metrics.iter().filter_map(UsageMetric::id).map(str::to_owned).collect();
            let is_other = |metric: &&UsageMetric| metric.id().is_none_or(|id| !reported.contains(id));
            snapshot.metrics.extend(kept.metrics.iter().filter(is_other).cloned());
            snapshot.raw.clone_from(&kept.raw);
        }
        Self { snapshot: Some(Arc::new(snapshot)), age: Duration::ZERO, error: self.error }
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
    good: Option<Good>,
    error: Option<NotLive>,
    /// The time of the last fetch of this process; `None` if it has not fetched.
    fetched_at: Option<Moment>,
}

/// The last good snapshot.
struct Good {
    snapshot: Arc<UsageSnapshot>,
    /// The time of the fetch by the wall clock; `None` if only sessions have reported.
    fetched_at: Option<Timestamp>,
    /// The time of the fetch, or of the last report of a session after it.
    updated_at: Timestamp,
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

impl Good {
    /// Returns what the store has. The usage that this process has may be of the same update, whose age it has measured,
    /// or of the same fetch, to which it has the provider's raw answer.
    fn of(stored: &StoredUsage, now: Moment, before: Option<&Self>) -> Self {
        let age = now.wall.seconds().saturating_sub(stored.updated_at.seconds());
        let mut good = Self {
            snapshot: stored.snapshot.clone(),
            fetched_at: stored.fetched_at,
            updated_at: stored.updated_at,
            arrived: now.passed,
            age: Duration::from_secs(age.try_into().unwrap_or(0)),
        };
        let Some(before) = before else { return good };
        if before.updated_at == good.updated_at {
            good.arrived = before.arrived;
            good.age = before.age;
        }
        if before.fetched_at == good.fetched_at && before.snapshot.raw.is_some() {
            let mut snapshot = UsageSnapshot::clone(&good.snapshot);
            snapshot.raw.clone_from(&before.snapshot.raw);
            good.snapshot = Arc::new(snapshot);
        }
        good
    }
}

impl AccountState {
    fn new(account: &str) -> Self {
        Self { account: account.to_owned(), good: None, error: None, fetched_at: None }
    }

    /// Takes what the store has, unless this process has fetched later and could not store it. A fetch of this process
    /// that failed before a later fetch no longer counts.
    fn learn(&mut self, stored: Option<&StoredUsage>, now: Moment) {
        let fetched_at = stored.and_then(|stored| stored.fetched_at);
        if self.good.as_ref().is_none_or(|good| good.fetched_at <= fetched_at) {
            self.good = stored.map(|stored| Good::of(stored, now, self.good.as_ref()));
        }
        if self.fetched_at.is_some_and(|own| fetched_at.is_some_and(|at| own.wall < at)) {
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
                kept.good = Some(Good {
                    snapshot: good.clone(),
                    fetched_at: Some(now.wall),
                    updated_at: now.wall,
                    arrived: now.passed,
                    age: Duration::ZERO,
                });
                kept.error = None;
            }
            Err(why) => kept.error = Some(why.clone()),
        }
        drop(table);
        self.reported();
    }

    /// Takes what the store has of an account, unless this process has fetched later.
    pub(super) fn learn(&self, id: ConnectionId, account: &str, now: Moment, stored: Option<&StoredUsage>) {
        let mut table = self.lock();
        if stored.is_some() || table.contains_key(&id) {
            of_account(&mut table, id, account).learn(stored, now);
        }
    }

    /// Tells the receivers that a session has reported usage, which the store has.
    pub(super) fn reported(&self) {
        self.fetched.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn read(&self, id: ConnectionId, account: &str, passed: Duration) -> Option<UsageReading> {
        let table = self.lock();
        let known = table.get(&id).filter(|kept| kept.account == account);
        known.filter(|kept| kept.good.is_some() || kept.error.is_some()).map(|kept| kept.reading(passed))
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
