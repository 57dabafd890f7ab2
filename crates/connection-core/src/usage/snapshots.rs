//! What was fetched last and well, with its age, and why there is nothing newer. In memory alone.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_contract::{NotLive, UsageSnapshot};
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

/// By connection.
pub(super) struct Snapshots {
    table: Mutex<HashMap<ConnectionId, Kept>>,
    fetched: watch::Sender<u64>,
}

struct Kept {
    /// What is of one account is not shown as another's.
    account: String,
    /// With the moment at which it came.
    good: Option<(Arc<UsageSnapshot>, Duration)>,
    error: Option<NotLive>,
    /// When it was asked last.
    asked: Duration,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { table: Mutex::default(), fetched: watch::Sender::new(0) }
    }
}

impl Kept {
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
        let fresh = || Kept { account: account.to_owned(), good: None, error: None, asked: passed };
        let kept = table.entry(id).or_insert_with(fresh);
        if kept.account != account {
            *kept = fresh();
        }
        kept.asked = passed;
        match found {
            Ok(good) => (kept.good, kept.error) = (Some((Arc::new(good), passed)), None),
            Err(why) => kept.error = Some(why),
        }
        let reading = kept.reading(passed);
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
        self.lock().get(&id).map(|kept| (kept.asked, kept.error.clone()))
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
    use connection_contract::Timestamp;

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
