//! What is kept, and who reads.

use std::{collections::HashMap, sync::Arc, time::Duration};

use connection_contract::Kind;
use tokio::sync::watch;

use super::{HotRow, Moment, Opened};
use crate::{ConnectionId, store::Version};

/// As many as a process keeps; then the one that was read first goes.
pub(super) const MOST: usize = 1_000;
/// What was read so long ago is wiped when another row is kept.
const LINGER: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Table {
    drawn: u64,
    kept: HashMap<ConnectionId, Kept>,
    /// Who reads just now.
    reads: HashMap<ConnectionId, Read>,
}

pub(super) struct Kept {
    pub(super) row: Arc<HotRow>,
    pub(super) read: Stamp,
}

struct Read {
    number: u64,
    began: Stamp,
    opened: watch::Receiver<Option<Opened>>,
}

/// What is opened: a sealed row goes with its owner and kind.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) struct Subject {
    pub(super) id: ConnectionId,
    pub(super) owner: String,
    pub(super) kind: Kind,
}

/// What is read from when on, and what the store said of itself before.
#[derive(Clone)]
pub(super) struct Stamp {
    pub(super) subject: Subject,
    pub(super) moment: Moment,
    pub(super) version: Option<Version>,
}

/// What there is for a use.
pub(super) enum Found {
    Hot(Arc<HotRow>),
    Follow(watch::Receiver<Option<Opened>>),
    Lead(u64, watch::Sender<Option<Opened>>),
}

impl Table {
    /// Whether there is a row that only the store can tell whether it is still the one.
    pub(super) fn is_stale(&self, now: &Stamp, bound: Duration) -> bool {
        self.kept_for(now).is_some_and(|kept| !kept.read.moment.is_within(bound, now.moment))
    }

    pub(super) fn find(&mut self, now: &Stamp, bound: Duration) -> Found {
        if let Some(kept) = self.kept_for(now) {
            let unchanged = now.version.is_some() && kept.read.version == now.version;
            if unchanged || kept.read.moment.is_within(bound, now.moment) {
                return Found::Hot(kept.row.clone());
            }
        }
        let read = self.reads.get(&now.subject.id).filter(|read| read.began.subject == now.subject);
        if let Some(read) = read.filter(|read| read.began.moment.is_within(bound, now.moment)) {
            return Found::Follow(read.opened.clone());
        }
        self.drawn += 1;
        let (sender, opened) = watch::channel(None);
        self.reads.insert(now.subject.id, Read { number: self.drawn, began: now.clone(), opened });
        Found::Lead(self.drawn, sender)
    }

    pub(super) fn is_read_by(&self, began: &Stamp, number: u64) -> bool {
        self.reads.get(&began.subject.id).is_some_and(|read| read.number == number)
    }

    pub(super) fn end(&mut self, began: &Stamp, number: u64) {
        if self.is_read_by(began, number) {
            self.reads.remove(&began.subject.id);
        }
    }

    pub(super) fn keep(&mut self, kept: Kept) {
        let (id, now) = (kept.read.subject.id, kept.read.moment);
        self.kept.retain(|_, kept| kept.read.moment.age(now) < LINGER);
        if self.kept.len() >= MOST && !self.kept.contains_key(&id) {
            let first = self.kept.iter().max_by_key(|(_, kept)| kept.read.moment.age(now)).map(|(id, _)| *id);
            first.and_then(|id| self.kept.remove(&id));
        }
        self.kept.insert(id, kept);
    }

    pub(super) fn forget(&mut self, id: ConnectionId) {
        self.kept.remove(&id);
        // Who waits for it began before; who comes now reads for himself.
        self.reads.remove(&id);
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.reads.clear();
    }

    fn kept_for(&self, now: &Stamp) -> Option<&Kept> {
        self.kept.get(&now.subject.id).filter(|kept| kept.read.subject == now.subject)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }
}
