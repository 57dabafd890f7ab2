//! The newest state that this process has read, and the uses that it may cut.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use connection_egress::Moment;

use super::{FrozenSet, OpenUse, Permitted, Process, Stopped, UseGuard, Used, User, presence::Presence, row, watch};
use crate::{
    Clock, ConnectionInfo,
    contain::Runtimes,
    keys::Sealer,
    store::{
        Reader, Store, StoreError, Version,
        rows::{FreezeRow, FreezeSign},
    },
};

/// The maximum age of the state by which a use is decided.
const MAX_AGE: Duration = Duration::from_millis(500);

/// The newest state that this process has read, and the uses in progress.
pub(crate) struct KnownFreezes {
    pub(super) store: Store,
    sealer: Sealer,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) runtimes: Weak<Runtimes>,
    pub(super) presence: Presence,
    inner: Mutex<Inner>,
}

struct Inner {
    /// The number of reads that have begun.
    reads: u64,
    known: Known,
    /// The number of uses that have begun.
    uses: u64,
    open: BTreeMap<u64, Arc<OpenUse>>,
    is_watched: bool,
}

struct Known {
    /// The number of the read. A read that began earlier does not replace the result.
    read: u64,
    /// The time at which the state is known to have been current.
    at: Moment,
    /// The version of the store before the read, if it is known.
    version: Option<Version>,
    /// The number of the withdrawal that the read follows, if it is known.
    withdrawal: Option<i64>,
    set: Arc<FrozenSet>,
}

/// The beginning of a read of the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadStamp {
    number: u64,
    at: Moment,
    version: Option<Version>,
    withdrawal: Option<i64>,
}

impl ReadStamp {
    /// Returns the number of the last withdrawal that this process had taken in before the read began; `None` if it was
    /// not present.
    pub(crate) fn withdrawal(self) -> Option<i64> {
        self.withdrawal
    }
}

/// The age of the uses in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ages {
    /// There are none, and there were none since the last look.
    Idle,
    /// All of them began after the last look.
    Young,
    /// One of them began before the last look.
    Old,
}

impl KnownFreezes {
    /// Reads what is frozen in a store that was opened, and gives a new store its mark.
    ///
    /// # Errors
    ///
    /// The errors of the store.
    pub(crate) async fn open(
        store: &Store,
        sealer: &Sealer,
        clock: Arc<dyn Clock>,
        runtimes: &Arc<Runtimes>,
        process: Process,
    ) -> Result<Arc<Self>, StoreError> {
        let at = Moment::of(&*clock);
        let found = row::opened(store, sealer, at.seconds()).await?;
        let set = Arc::new(FrozenSet::of(sealer, found.as_ref()));
        let known = Known { read: 0, at, version: None, withdrawal: None, set };
        let inner = Inner { reads: 0, known, uses: 0, open: BTreeMap::new(), is_watched: false };
        Ok(Arc::new(Self {
            store: store.clone(),
            sealer: sealer.clone(),
            clock,
            runtimes: Arc::downgrade(runtimes),
            presence: Presence::new(process),
            inner: Mutex::new(inner),
        }))
    }

    /// Begins a read of the sign beside other rows. `version` is that of the store before the read, if it is known.
    pub(crate) fn begin_read(&self, version: Option<Version>) -> ReadStamp {
        let withdrawal = self.presence.number();
        let mut inner = self.lock();
        inner.reads += 1;
        ReadStamp { number: inner.reads, at: Moment::of(&*self.clock), version, withdrawal }
    }

    /// Takes the sign that was read beside other rows. If it is another one than before, the whole row is read.
    ///
    /// # Errors
    ///
    /// The errors of the store.
    pub(crate) async fn saw(&self, stamp: ReadStamp, sign: &FreezeSign) -> Result<(), StoreError> {
        {
            let known = &mut self.lock().known;
            if known.read > stamp.number {
                return Ok(());
            }
            if known.set.sign == *sign {
                known.read = stamp.number;
                known.at = stamp.at;
                known.version = stamp.version;
                known.withdrawal = stamp.withdrawal;
                return Ok(());
            }
        }
        Box::pin(self.read(stamp.version)).await.map(drop)
    }

    /// Reads the row.
    ///
    /// # Errors
    ///
    /// The errors of the store.
    pub(crate) async fn read(&self, version: Option<Version>) -> Result<Arc<FrozenSet>, StoreError> {
        let stamp = self.begin_read(version);
        let found = self.store.reader().await?.freeze().await?;
        Ok(self.take(stamp, found.as_ref()))
    }

    /// Takes a row that was read, and cuts the uses that it freezes. Returns the newest state.
    fn take(&self, stamp: ReadStamp, row: Option<&FreezeRow>) -> Arc<FrozenSet> {
        let set = Arc::new(FrozenSet::of(&self.sealer, row));
        let (set, cut) = {
            let mut inner = self.lock();
            if inner.known.read > stamp.number {
                return inner.known.set.clone();
            }
            let ReadStamp { number: read, at, version, withdrawal } = stamp;
            inner.known = Known { read, at, version, withdrawal, set: set.clone() };
            let stopped = inner.open.values().filter_map(|open| Some((open.clone(), open.stopped_by(&set)?)));
            (set.clone(), stopped.collect::<Vec<_>>())
        };
        for (open, why) in cut {
            open.cut(why);
        }
        set
    }

    /// Returns `true` if a use is frozen, as far as it is known.
    pub(crate) fn has(&self, used: Used<'_>) -> bool {
        self.lock().known.set.stops(used).is_some()
    }

    /// Reads the row with this reader, unless the state was current less than half a second ago.
    ///
    /// # Errors
    ///
    /// The errors of the store.
    pub(crate) async fn renew(&self, reader: &mut Reader) -> Result<(), StoreError> {
        let Some(version) = self.unless_current().await else { return Ok(()) };
        let stamp = self.begin_read(version);
        let found = reader.freeze().await?;
        self.take(stamp, found.as_ref());
        Ok(())
    }

    /// Returns the state, which was current less than half a second ago.
    ///
    /// # Errors
    ///
    /// The errors of the store.
    pub(crate) async fn current(&self) -> Result<Arc<FrozenSet>, StoreError> {
        if let Some(version) = self.unless_current().await {
            return self.read(version).await;
        }
        Ok(self.lock().known.set.clone())
    }

    /// Returns `None` if the state was current less than half a second ago, and otherwise the version of the store, if
    /// it is known.
    async fn unless_current(&self) -> Option<Option<Version>> {
        if self.kept().is_some() {
            return None;
        }
        let looked = self.store.version(&*self.clock, MAX_AGE).await;
        if let Some(looked) = looked {
            let known = &mut self.lock().known;
            if known.version == Some(looked.version) && known.at.age(looked.at) > Duration::ZERO {
                known.at = looked.at;
            }
        }
        match self.kept() {
            Some(_) => None,
            None => Some(looked.map(|looked| looked.version)),
        }
    }

    fn kept(&self) -> Option<Arc<FrozenSet>> {
        let now = Moment::of(&*self.clock);
        let inner = self.lock();
        inner.known.at.is_within(MAX_AGE, now).then(|| inner.known.set.clone())
    }

    /// Returns the state by which a use is decided: that of after the last withdrawal, or the last one for a use that does
    /// not depend on a grant if the store cannot be read.
    async fn decisive(self: &Arc<Self>, user: User) -> Result<Arc<FrozenSet>, Stopped> {
        let follows_last = self.follows_last_withdrawal(user).await.map_err(Stopped::Unknown)?;
        if follows_last && let Some(set) = self.kept() {
            return Ok(set);
        }
        let newest = async { if follows_last { self.current().await } else { self.read(None).await } };
        match Box::pin(newest).await {
            Ok(set) => Ok(set),
            Err(error) if user.is_grantee() => Err(Stopped::Unknown(error)),
            Err(_) => Ok(self.lock().known.set.clone()),
        }
    }

    /// Returns `true` if the state that is known was read after the last withdrawal. Before a use of a grantee, this
    /// process is announced, so that a later withdrawal waits for it.
    async fn follows_last_withdrawal(self: &Arc<Self>, user: User) -> Result<bool, StoreError> {
        if !self.presence.process.keeps_rows {
            return Ok(true);
        }
        let number = match self.presence.number_for_use() {
            Some(number) => Some(number),
            None if user.is_grantee() => Some(Box::pin(self.announced()).await?),
            None => Box::pin(self.announced_soon()).await,
        };
        Ok(number.is_some() && self.lock().known.withdrawal == number)
    }

    /// Checks that nothing is frozen that concerns this use.
    pub(crate) async fn check(self: &Arc<Self>, used: Used<'_>, user: User) -> Result<(), Stopped> {
        self.decisive(user).await?.stops(used).map_or(Ok(()), Err)
    }

    /// Begins a use, if nothing is frozen that concerns it. `withdrawal` is the last one that the read of the connection
    /// followed, if it is known.
    pub(crate) async fn begin_use(
        self: &Arc<Self>,
        info: &Arc<ConnectionInfo>,
        user: User,
        permitted: Option<Arc<Permitted>>,
        withdrawal: Option<i64>,
    ) -> Result<UseGuard, Stopped> {
        let decisive = self.decisive(user).await?;
        let open = Arc::new(OpenUse::new(info.clone(), user, permitted));
        let (number, is_first) = {
            let mut inner = self.lock();
            // A newer state may be known by now.
            drop(decisive);
            if let Some(why) = open.stopped_by(&inner.known.set) {
                return Err(why);
            }
            let number = inner.uses;
            inner.uses += 1;
            inner.open.insert(number, open.clone());
            (number, !std::mem::replace(&mut inner.is_watched, true))
        };
        if is_first && let Some(runtimes) = self.runtimes.upgrade() {
            drop(runtimes.spawn(watch::watch(Arc::downgrade(self), self.clock.clone())));
        }
        let begun = UseGuard::new(self.clone(), number, open);
        // Whoever takes in a withdrawal from here on finds the use.
        if !self.is_newest(withdrawal, &begun.open) {
            self.check_again(&begun.open).await?;
        }
        Ok(begun)
    }

    /// Returns `true` if the rows by which a use was decided were read after the last withdrawal.
    fn is_newest(&self, withdrawal: Option<i64>, open: &OpenUse) -> bool {
        if !self.presence.process.keeps_rows {
            return true;
        }
        let last = self.presence.number();
        last.is_some() && last == withdrawal && open.permitted().is_none_or(|permit| permit.withdrawal() == last)
    }

    /// Reads the rows by which a use was decided once more, and compares them.
    async fn check_again(&self, open: &OpenUse) -> Result<(), Stopped> {
        match Box::pin(self.stopped_since(open)).await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(why),
            Err(error) if open.is_of_grantee() => Err(Stopped::Unknown(error)),
            // The host has all rights, and its request may be possible while the store is not.
            Err(_) => Ok(()),
        }
    }

    /// Returns the reason why a use stops: the connection was removed, or what permits the use was written since.
    async fn stopped_since(&self, open: &OpenUse) -> Result<Option<Stopped>, StoreError> {
        let mut reader = self.store.reader().await?;
        if reader.account(open.connection()).await?.is_none() {
            return Ok(Some(Stopped::Removed(open.connection())));
        }
        let Some(permit) = open.permitted() else { return Ok(None) };
        let rows: Vec<_> = permit.rows().collect();
        let changed = reader.written_since(&rows).await?;
        Ok(permit.ended_by(Moment::of(&*self.clock).seconds(), &changed))
    }

    /// Cuts the uses of agents whose grant or token has ended, was revoked or was replaced since they began.
    ///
    /// # Errors
    ///
    /// The errors of the store.
    pub(super) async fn read_permits(&self) -> Result<(), StoreError> {
        let open: Vec<_> = self.lock().open.values().filter(|open| open.permitted().is_some()).cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        let permits = || open.iter().filter_map(|open| Some((open, open.permitted()?)));
        let rows: Vec<_> = permits().flat_map(|(_, permit)| permit.rows()).collect();
        let changed = self.store.reader().await?.written_since(&rows).await?;
        let now = Moment::of(&*self.clock).seconds();
        for (open, permit) in permits() {
            if let Some(why) = permit.ended_by(now, &changed) {
                open.cut(why);
            }
        }
        Ok(())
    }

    /// Returns `true` if uses are in progress.
    pub(super) fn has_uses(&self) -> bool {
        !self.lock().open.is_empty()
    }

    pub(super) fn ended(&self, number: u64) {
        let ended = self.lock().open.remove(&number);
        // Dropped without the lock: it may hold the answer.
        drop(ended);
    }

    /// Returns the age of the uses in progress. `seen` is the number of uses that had begun at the last look. A caller
    /// that gets [`Ages::Idle`] ends its work, and the next use begins it again.
    pub(super) fn ages(&self, seen: &mut u64) -> Ages {
        let mut inner = self.lock();
        let is_old = inner.open.first_key_value().is_some_and(|(number, _)| *number < *seen);
        if inner.open.is_empty() && inner.uses == *seen {
            inner.is_watched = false;
            return Ages::Idle;
        }
        *seen = inner.uses;
        if is_old { Ages::Old } else { Ages::Young }
    }

    /// Ends the watch over the uses in progress. The next use begins it again.
    pub(super) fn unwatched(&self) {
        self.lock().is_watched = false;
    }

    /// Cuts the uses that depend on a grant, because the store cannot be read.
    pub(super) fn cut_grantees(&self, error: &StoreError) {
        let open: Vec<_> = self.lock().open.values().filter(|open| open.is_of_grantee()).cloned().collect();
        for open in open {
            open.cut(Stopped::Unknown(error.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KnownFreezes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownFreezes").finish_non_exhaustive()
    }
}
