//! What was fetched last and well, with its age, and why there is nothing newer. In memory alone.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{NotLive, TimeWindow, Timestamp, UsageMetric, UsageSnapshot};
use tokio::sync::watch;

use crate::ConnectionId;

/// What is known of the usage of an account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UsageReading {
    /// The last good one; `None` when there was none yet.
    pub snapshot: Option<Arc<UsageSnapshot>>,
    /// How long ago it was fetched.
    pub age: Duration,
    /// Why the last fetch brought none; `None` when it did.
    pub error: Option<NotLive>,
}

/// Tells when something was fetched.
#[derive(Debug)]
pub struct UsageChanges(watch::Receiver<u64>);

impl UsageChanges {
    /// Resolves when something was fetched since the last time, well or not; `false` when the registry is gone.
    ///
    /// # Cancellation
    ///
    /// Dropped, what was fetched is told by the next call.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// What is kept of a connection, as the account that it is of now.
fn of_account<'a>(table: &'a mut HashMap<ConnectionId, Kept>, id: ConnectionId, account: &str) -> &'a mut Kept {
    let kept = table.entry(id).or_insert_with(|| Kept::new(account));
    if kept.account != account {
        *kept = Kept::new(account);
    }
    kept
}

/// By connection.
pub(super) struct Snapshots {
    table: Mutex<HashMap<ConnectionId, Kept>>,
    fetched: watch::Sender<u64>,
}

struct Kept {
    /// What is of one account is not shown as another's.
    account: String,
    /// The windows of time that a session told last.
    session: Vec<TimeWindow>,
    /// With the moment at which it came.
    good: Option<(Arc<UsageSnapshot>, Duration)>,
    error: Option<NotLive>,
    /// When it was asked last; `None` where only a session told something.
    asked: Option<Duration>,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { table: Mutex::default(), fetched: watch::Sender::new(0) }
    }
}

/// Puts what a session told beside what is there; of two with one id, what the session told is newer.
fn join(snapshot: &mut UsageSnapshot, told: impl IntoIterator<Item = UsageMetric>) {
    for metric in told {
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

impl Kept {
    fn new(account: &str) -> Self {
        Self { account: account.to_owned(), session: Vec::new(), good: None, error: None, asked: None }
    }

    /// What a session told stays beside what is fetched until it is over.
    fn fetched(&mut self, mut fetched: UsageSnapshot, passed: Duration) {
        let now = fetched.observed_at;
        self.session.retain(|window| window.resets_at.is_some_and(|reset| reset > now));
        let is_fetched = |window: &TimeWindow| fetched.metrics.iter().any(|other| id(other) == Some(&*window.id));
        self.session.retain(|window| !is_fetched(window));
        fetched.metrics.extend(self.session.iter().cloned().map(UsageMetric::from));
        (self.good, self.error) = (Some((Arc::new(fetched), passed)), None);
    }

    fn reading(&self, passed: Duration) -> UsageReading {
        let age = self.good.as_ref().map_or(Duration::ZERO, |(_, at)| passed.saturating_sub(*at));
        UsageReading { snapshot: self.good.as_ref().map(|(good, _)| good.clone()), age, error: self.error.clone() }
    }
}

impl Snapshots {
    pub(super) fn keep(
        &self,
        id: ConnectionId,
        account: &str,
        passed: Duration,
        found: Result<UsageSnapshot, NotLive>,
    ) -> UsageReading {
        let mut table = self.lock();
        let kept = of_account(&mut table, id, account);
        kept.asked = Some(passed);
        match found {
            Ok(good) => kept.fetched(good, passed),
            Err(why) => kept.error = Some(why),
        }
        let reading = kept.reading(passed);
        drop(table);
        self.fetched.send_modify(|count| *count = count.wrapping_add(1));
        reading
    }

    /// Keeps the windows that a session told, and returns all of its metrics beside what was fetched.
    pub(super) fn tell(
        &self,
        id: ConnectionId,
        account: &str,
        (now, passed): (Timestamp, Duration),
        metrics: Vec<UsageMetric>,
    ) -> UsageReading {
        let mut table = self.lock();
        let kept = of_account(&mut table, id, account);
        let windows = metrics.iter().filter_map(|metric| match metric {
            UsageMetric::TimeWindow(window) => Some(window.clone()),
            _ => None,
        });
        let windows: Vec<_> = windows.collect();
        let before = kept.good.as_ref().map(|(good, _)| UsageSnapshot::clone(good));
        let mut good = before.unwrap_or_else(|| UsageSnapshot::new(now));
        good.observed_at = now;
        let mut all = good.clone();
        if !windows.is_empty() {
            join(&mut good, windows.iter().cloned().map(UsageMetric::from));
            kept.session = windows;
            kept.good = Some((Arc::new(good), passed));
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

    /// When it was asked last, and why nothing came.
    pub(super) fn asked(&self, id: ConnectionId) -> Option<(Duration, Option<NotLive>)> {
        self.lock().get(&id).and_then(|kept| Some((kept.asked?, kept.error.clone())))
    }

    /// Of which there is something.
    pub(super) fn ids(&self) -> HashSet<ConnectionId> {
        self.lock().keys().copied().collect()
    }

    /// Forgets those of which there was something [before](Self::ids) connections were listed, and that were not among them.
    /// What came meanwhile may be of a connection that the list did not have yet.
    pub(super) fn retain(&self, before: &HashSet<ConnectionId>, listed: &HashSet<ConnectionId>) {
        self.lock().retain(|id, _| listed.contains(id) || !before.contains(id));
    }

    pub(super) fn changes(&self) -> UsageChanges {
        UsageChanges(self.fetched.subscribe())
    }

    /// Nothing under the lock leaves the table half changed, so a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Kept>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_while_connections_are_listed_stays() {
        let snapshots = Snapshots::default();
        let [gone, there, new] = [1, 2, 3].map(|id| ConnectionId::from(uuid::Uuid::from_u128(id)));
        let fetched = |id| {
            let good = UsageSnapshot::new(Timestamp::from_seconds(0));
            drop(snapshots.keep(id, "ada", Duration::ZERO, Ok(good)));
        };
        [gone, there].into_iter().for_each(fetched);
        let before = snapshots.ids();
        fetched(new);
        snapshots.retain(&before, &HashSet::from([there]));
        let kept = |id| snapshots.read(id, "ada", Duration::ZERO).is_some();
        assert_eq!([gone, there, new].map(kept), [false, true, true]);
    }
}
