//! Writes the entries of this process.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use uuid::Uuid;

use super::{
    BeganEntry, Door, EndedEntry, Entry, OpenRecord, UseOutcome, UsedBy, What,
    beginnings::Beginnings,
    entry::ENDED,
    refusals::{Refusals, Refused},
};
use crate::{
    Clock, IdGenerator,
    contain::Runtimes,
    keys::Sealer,
    store::{Store, StoreError, Tx},
};

/// The longest time for which an entry waits to be written with others.
const BEHIND: Duration = Duration::from_millis(25);
/// The time until entries that could not be written are tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// The maximum number of entries in one transaction, so that other work comes between.
pub(super) const BATCH: usize = 200;
/// The maximum number of entries that wait while the store cannot be written.
const MAX_WAITING: usize = 20_000;

/// What an entry says about the path of a request.
///
/// ```
/// use connection_core::{ConnectionRegistry, RecordedPaths};
///
/// let builder = ConnectionRegistry::builder().recorded_paths(RecordedPaths::Templates);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordedPaths {
    /// The path, without the query.
    #[default]
    Full,
    /// The path of the rule that decided, such as `/repos/{owner}/{repo}`, and nothing for a use without a rule.
    Templates,
}

/// Writes the entries of this process.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    ids: Ids,
    pub(super) sealer: Sealer,
    pub(super) runtimes: Arc<Runtimes>,
    paths: RecordedPaths,
    /// The time after which the texts of entries are erased; `None` if they are kept.
    pub(crate) kept: Option<Duration>,
    /// Who uses connections if nothing else is said: this program.
    pub(crate) by: Arc<UsedBy>,
    behind: Mutex<Behind>,
    /// A flush holds this lock alone while it writes entries, and a transaction of beginnings that takes entries along
    /// shares it, so that a flush waits for those entries, too.
    pub(super) writing: Arc<tokio::sync::RwLock<()>>,
    pub(super) beginnings: Mutex<Beginnings>,
    pub(super) refusals: Mutex<Refusals>,
}

/// The generator of ids, which has no form for debugging.
struct Ids(Arc<dyn IdGenerator>);

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids")
    }
}

/// The entries that are not written yet.
#[derive(Debug, Default)]
struct Behind {
    entries: Vec<Entry>,
    /// `true` while a task will write them.
    is_watched: bool,
    /// The number of entries that were lost because too many waited.
    lost: u64,
}

/// The settings of a host for the record of use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordSettings {
    /// The door of uses for which no other one is stated.
    pub(crate) door: Door,
    pub(crate) paths: RecordedPaths,
    /// The time after which the texts of entries are erased; `None` if they are kept.
    pub(crate) kept: Option<Duration>,
}

impl Recorder {
    pub(crate) fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
        sealer: Sealer,
        runtimes: Arc<Runtimes>,
        settings: RecordSettings,
    ) -> Self {
        let RecordSettings { door, paths, kept } = settings;
        Self {
            store,
            clock,
            ids: Ids(ids),
            sealer,
            runtimes,
            paths,
            kept,
            by: Arc::new(UsedBy { door, ..UsedBy::default() }),
            behind: Mutex::default(),
            writing: Arc::default(),
            beginnings: Mutex::default(),
            refusals: Mutex::default(),
        }
    }

    /// Begins the record of a use. The beginning of a use by a grantee is committed before this returns.
    ///
    /// # Errors
    ///
    /// The store's errors. The use must not happen.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        owner: &str,
        by: &UsedBy,
        what: What,
    ) -> Result<OpenRecord, StoreError> {
        let began = self.began(owner, by, what);
        let id = began.id;
        let entry = Entry::Began(Box::new(began));
        match by.grantee {
            None => self.write_behind([entry]),
            Some(_) => self.commit(entry).await?,
        }
        Ok(self.record(id, owner))
    }

    /// Returns the beginning of a use, which the caller writes, and the id of the use.
    pub(crate) fn beginning(&self, owner: &str, by: &UsedBy, what: What) -> (Entry, Uuid) {
        let began = self.began(owner, by, what);
        let id = began.id;
        (Entry::Began(Box::new(began)), id)
    }

    /// Returns the record of a use whose beginning is written.
    pub(crate) fn record(self: &Arc<Self>, id: Uuid, owner: &str) -> OpenRecord {
        OpenRecord::new(self.clone(), id, owner)
    }

    /// Returns the two entries for secrets that are handed out, which the caller writes before it does so.
    pub(crate) fn released(&self, owner: &str, by: &UsedBy, what: What) -> [Entry; 2] {
        let began = self.began(owner, by, what);
        let ended = self.ended(began.id, owner, UseOutcome::Released);
        [Entry::Began(Box::new(began)), Entry::Ended(Box::new(ended))]
    }

    pub(super) fn refusal(&self, owner: &str, by: &UsedBy, refused: Refused, count: u64) -> [Entry; 2] {
        let Refused { what, outcome, code } = refused;
        let began = self.began(owner, by, what);
        let code = Some(code.to_owned());
        let count = (count > 1).then_some(count);
        let ended = EndedEntry { code, count, ..self.ended(began.id, owner, outcome) };
        [Entry::Began(Box::new(began)), Entry::Ended(Box::new(ended))]
    }

    fn began(&self, owner: &str, by: &UsedBy, what: What) -> BeganEntry {
        let with_templates = self.paths == RecordedPaths::Templates;
        BeganEntry::new(self.ids.0.next(), self.clock.now().seconds(), owner, by, what, with_templates)
    }

    /// Returns an end at this time, without any bytes.
    pub(super) fn ended(&self, id: Uuid, owner: &str, outcome: UseOutcome) -> EndedEntry {
        EndedEntry {
            at: self.clock.now().seconds(),
            code: None,
            complete: None,
            count: None,
            millis: 0,
            outcome,
            owner: owner.to_owned(),
            part: ENDED.to_owned(),
            received: 0,
            redacted: false,
            sent: 0,
            status: None,
            id,
        }
    }

    /// Writes entries soon, together with others.
    pub(super) fn write_behind(self: &Arc<Self>, entries: impl IntoIterator<Item = Entry>) {
        let mut behind = self.behind();
        for entry in entries {
            match behind.entries.len() < MAX_WAITING {
                true => behind.entries.push(entry),
                false => behind.lost += 1,
            }
        }
        self.watched(&mut behind);
    }

    /// Begins to write what waits, unless that has begun.
    fn watched(self: &Arc<Self>, behind: &mut Behind) {
        if !std::mem::replace(&mut behind.is_watched, true) {
            drop(self.runtimes.spawn(watch(Arc::downgrade(self), self.clock.clone())));
        }
    }

    /// Writes the entries that wait. If they cannot be written, they wait further.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the entries are written all the same.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(crate) async fn flush(self: &Arc<Self>) -> Result<(), StoreError> {
        if self.behind().entries.is_empty() && self.writing.try_write().is_ok() {
            return Ok(());
        }
        let on = self.clone();
        // A caller that leaves must not lose the entries that were taken out to be written.
        self.runtimes.spawn(async move { on.write_waiting().await }).await.unwrap_or(Err(StoreError::Panicked))
    }

    async fn write_waiting(self: &Arc<Self>) -> Result<(), StoreError> {
        let _writing = self.writing.write().await;
        loop {
            let entries = self.take_behind();
            if entries.is_empty() {
                return Ok(());
            }
            let (entries, sealer) = (Arc::new(entries), self.sealer.clone());
            let written = entries.clone();
            let job = self.store.write_relaxed(move |tx| Box::pin(async move { append(tx, &sealer, &written).await }));
            if let Err(error) = job.await {
                // An entry that was written all the same is not written twice.
                self.put_back(Arc::unwrap_or_clone(entries));
                return Err(error);
            }
            self.tell_lost();
        }
    }

    /// Takes entries that wait, which the caller writes.
    pub(super) fn take_behind(&self) -> Vec<Entry> {
        let mut behind = self.behind();
        let end = behind.entries.len().min(BATCH);
        behind.entries.drain(..end).collect()
    }

    /// Lets entries wait again that could not be written.
    pub(super) fn put_back(self: &Arc<Self>, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let mut behind = self.behind();
        behind.entries.splice(..0, entries);
        self.watched(&mut behind);
    }

    pub(super) fn tell_lost(&self) {
        let lost = std::mem::take(&mut self.behind().lost);
        if lost > 0 {
            tracing::error!(lost, "entries of the record of use were lost, because the database could not be written");
        }
    }

    /// Writes all that this process has not written, before the store is closed.
    pub(crate) async fn finish(self: &Arc<Self>) {
        self.end_refusals();
        if let Err(error) = self.flush().await {
            let lost = self.behind().entries.len();
            tracing::error!(%error, lost, "the last entries of the record of use could not be written");
        }
    }

    fn behind(&self) -> std::sync::MutexGuard<'_, Behind> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes entries in the transaction of the caller.
///
/// # Errors
///
/// The store's errors.
pub(crate) async fn append(tx: &mut Tx, sealer: &Sealer, entries: &[Entry]) -> Result<(), StoreError> {
    for entry in entries {
        tx.append_use(&entry.row(sealer)).await?;
    }
    Ok(())
}

/// Writes the entries that wait, until there are none.
async fn watch(recorder: Weak<Recorder>, clock: Arc<dyn Clock>) {
    let mut pause = BEHIND;
    loop {
        clock.sleep(pause).await;
        let Some(on) = recorder.upgrade() else { return };
        match on.write_waiting().await {
            Ok(()) => pause = BEHIND,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "entries of the record of use could not be written yet");
                pause = AGAIN;
            }
        }
        let mut behind = on.behind();
        if behind.entries.is_empty() {
            behind.is_watched = false;
            return;
        }
    }
}
