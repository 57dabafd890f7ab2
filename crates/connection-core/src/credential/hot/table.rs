//! The rows that are kept, and the reads in progress. Each operation takes the same time however many rows are kept.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
    time::Duration,
};

use connection_contract::Kind;
use tokio::sync::watch;

use super::{Moment, Outcome, ReadConnection};
use crate::{
    ConnectionId,
    store::{ObservedVersion, Version},
};

/// Maximum number of rows that a process keeps. Beyond it, the row that was read first is removed.
pub(super) const MAX_ROWS: usize = 1_000;
/// Age at which a row is removed when another row is kept.
const MAX_READ_TIME: Duration = Duration::from_secs(10);

/// A map by id. Ids are random and made by this program, so their hash need not resist chosen keys.
type ById<T> = HashMap<ConnectionId, T, BuildHasherDefault<IdHasher>>;

#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut whole = [0; 8];
            whole.iter_mut().zip(word).for_each(|(to, from)| *to = *from);
            // Multiplying by an odd constant with well-mixed bits spreads each bit of a word over the higher bits.
            self.0 = (self.0 ^ u64::from_le_bytes(whole)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn finish(&self) -> u64 {
        // The map computes the position of a key from the lower bits.
        self.0.rotate_left(32)
    }
}

#[derive(Default)]
pub(super) struct Table {
    drawn: u64,
    kept: ById<CachedRow>,
    /// The kept rows in the order in which they were read, with entries of rows that are no longer kept.
    order: VecDeque<(u64, ConnectionId)>,
    /// The reads of the store that are in progress, so that other callers can wait for them.
    reads: ById<Read>,
}

struct CachedRow {
    /// Place of the row in the order.
    number: u64,
    row: Arc<ReadConnection>,
    read: Stamp,
    /// The last time at which the row is known to have been current: the time of its read, or of a later check of the
    /// store that found no commit since.
    current_at: Moment,
}

struct Read {
    number: u64,
    began: Moment,
    owner: String,
    kind: Option<Kind>,
    result: watch::Receiver<Option<Outcome>>,
}

/// A connection, as far as the caller that searches for it knows it.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(super) id: ConnectionId,
    pub(super) owner: &'a str,
    /// `None` for a handle that is about to be made.
    pub(super) kind: Option<&'a Kind>,
}

/// The time at which a read began, and the version of the store before it.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub(super) moment: Moment,
    pub(super) version: Option<Version>,
}

/// The result of looking a row up: the row itself, or the read to wait for or to begin.
pub(super) enum Lookup {
    Hot(Arc<ReadConnection>),
    /// A kept row. Only the store knows whether it is still current.
    Stale,
    Follow(watch::Receiver<Option<Outcome>>),
    Lead(u64, watch::Sender<Option<Outcome>>),
}

impl Table {
    /// Returns a row that is known to have been current within the bound.
    pub(super) fn hot(&mut self, subject: Subject<'_>, now: Moment, bound: Duration) -> Option<&Arc<ReadConnection>> {
        let kept = self.kept_for(subject)?;
        kept.current_at.is_within(bound, now).then_some(&kept.row)
    }

    /// Searches for a row without the version of the store.
    pub(super) fn find(&mut self, subject: Subject<'_>, now: Moment, bound: Duration) -> Lookup {
        match self.kept_for(subject) {
            Some(kept) if kept.current_at.is_within(bound, now) => Lookup::Hot(kept.row.clone()),
            Some(_) => Lookup::Stale,
            None => self.join(subject, now, bound),
        }
    }

    /// Searches as [`find`](Self::find) does, with a version of the store. A row from that version is current as of the
    /// time at which the version was read.
    pub(super) fn find_again(
        &mut self,
        subject: Subject<'_>,
        now: Moment,
        looked: Option<ObservedVersion>,
        bound: Duration,
    ) -> Lookup {
        if let Some(kept) = self.kept_for(subject) {
            let unchanged = looked.filter(|looked| kept.read.version == Some(looked.version));
            if let Some(looked) = unchanged.filter(|_| !kept.current_at.is_within(bound, now)) {
                kept.current_at = looked.at;
            }
            if kept.current_at.is_within(bound, now) {
                return Lookup::Hot(kept.row.clone());
            }
        }
        self.join(subject, now, bound)
    }

    fn join(&mut self, subject: Subject<'_>, now: Moment, bound: Duration) -> Lookup {
        let Subject { id, owner, kind } = subject;
        let is_same = |read: &&Read| *read.owner == *owner && read.kind.as_ref() == kind;
        let read = self.reads.get(&id).filter(is_same);
        if let Some(read) = read.filter(|read| read.began.is_within(bound, now)) {
            return Lookup::Follow(read.result.clone());
        }
        self.drawn += 1;
        let (sender, result) = watch::channel(None);
        let number = self.drawn;
        let owner = owner.to_owned();
        self.reads.insert(id, Read { number, began: now, owner, kind: kind.cloned(), result });
        Lookup::Lead(number, sender)
    }

    pub(super) fn is_read_by(&self, id: ConnectionId, number: u64) -> bool {
        self.reads.get(&id).is_some_and(|read| read.number == number)
    }

    pub(super) fn end(&mut self, id: ConnectionId, number: u64) {
        if self.is_read_by(id, number) {
            self.reads.remove(&id);
        }
    }

    pub(super) fn keep(&mut self, row: Arc<ReadConnection>, read: Stamp) {
        let id = row.info.id;
        self.drawn += 1;
        self.order.push_back((self.drawn, id));
        self.kept.insert(id, CachedRow { number: self.drawn, row, read, current_at: read.moment });
        while let Some(&(number, first)) = self.order.front() {
            let Some(kept) = self.kept.get(&first).filter(|kept| kept.number == number) else {
                self.order.pop_front();
                continue;
            };
            if self.kept.len() <= MAX_ROWS && kept.read.moment.age(read.moment) < MAX_READ_TIME {
                break;
            }
            self.kept.remove(&first);
            self.order.pop_front();
        }
        // While an older row stays at the front, each repeated read of another row leaves an entry.
        if self.order.len() > 2 * MAX_ROWS {
            let kept = &self.kept;
            self.order.retain(|(number, id)| kept.get(id).is_some_and(|kept| kept.number == *number));
        }
    }

    pub(super) fn forget(&mut self, id: ConnectionId) {
        self.kept.remove(&id);
        // Callers that wait for this read began before the change. Later callers read for themselves.
        self.reads.remove(&id);
    }

    /// Forgets the rows of kinds that belong to extensions.
    pub(super) fn forget_own_kinds(&mut self) {
        self.kept.retain(|_, kept| kept.row.info.kind.extension().is_none());
        self.reads.retain(|_, read| read.kind.as_ref().is_some_and(|kind| kind.extension().is_none()));
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.order.clear();
        self.reads.clear();
    }

    fn kept_for(&mut self, subject: Subject<'_>) -> Option<&mut CachedRow> {
        let Subject { id, owner, kind } = subject;
        let is_same = |kept: &&mut CachedRow| {
            let info = &kept.row.info;
            *info.owner == *owner && kind.is_none_or(|kind| info.kind == *kind)
        };
        self.kept.get_mut(&id).filter(is_same)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    #[cfg(test)]
    pub(super) fn order_len(&self) -> usize {
        self.order.len()
    }
}
