//! Commits the beginnings of uses together.
//!
//! Each transaction wakes the threads of the driver and of the writer, which takes longer than its statements. The
//! beginnings that arrive while a transaction runs are therefore written by the next one, and with them the entries that
//! wait to be written behind.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedRwLockReadGuard, oneshot};

use super::{
    Entry, Recorder,
    recorder::{BATCH, append},
};
use crate::store::StoreError;

type Answer = oneshot::Sender<Result<(), StoreError>>;

/// The beginnings that the next transaction writes.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    waiting: Vec<(Entry, Answer)>,
    /// `true` while a job is queued that will write them.
    is_queued: bool,
}

/// The entries of one transaction, and the callers that wait for it.
struct Batch {
    recorder: Arc<Recorder>,
    state: Mutex<State>,
}

enum State {
    /// The job has not run.
    Queued,
    Taken {
        answers: Vec<Answer>,
        /// The entries that were to be written behind, which wait again if the transaction fails.
        behind: Vec<Entry>,
        /// Held until the entries are written, so that a caller can wait for that.
        _writing: Option<OwnedRwLockReadGuard<()>>,
    },
    Answered,
}

impl Recorder {
    /// Commits the beginning of a use.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the beginning is committed all the same.
    ///
    /// # Errors
    ///
    /// The store's errors. The use must not happen.
    pub(super) async fn commit(self: &Arc<Self>, beginning: Entry) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let is_queued = {
            let mut beginnings = self.beginnings();
            beginnings.waiting.push((beginning, answer));
            std::mem::replace(&mut beginnings.is_queued, true)
        };
        if !is_queued {
            self.queue();
        }
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    fn queue(self: &Arc<Self>) {
        let batch = Arc::new(Batch { recorder: self.clone(), state: Mutex::new(State::Queued) });
        let answering = batch.clone();
        self.store.write_relaxed_then(
            move |tx| Box::pin(async move { append(tx, &batch.recorder.sealer, &batch.take()).await }),
            move |written| answering.answer(&written),
        );
    }

    fn beginnings(&self) -> MutexGuard<'_, Beginnings> {
        self.beginnings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    /// Takes the entries that wait now.
    fn take(&self) -> Vec<Entry> {
        let recorder = &self.recorder;
        let (taken, is_queued): ((Vec<_>, Vec<_>), _) = {
            let mut beginnings = recorder.beginnings();
            let end = beginnings.waiting.len().min(BATCH);
            let taken = beginnings.waiting.drain(..end).unzip();
            beginnings.is_queued = !beginnings.waiting.is_empty();
            (taken, beginnings.is_queued)
        };
        if is_queued {
            recorder.queue();
        }
        let (mut entries, answers) = taken;
        // If a caller of `flush` writes the entries that wait, they are left to it.
        let writing = recorder.writing.clone().try_read_owned().ok();
        let behind = if writing.is_some() { recorder.take_behind() } else { Vec::new() };
        entries.extend_from_slice(&behind);
        *self.state() = State::Taken { answers, behind, _writing: writing };
        entries
    }

    /// Answers the callers. A job that could not begin has taken nothing yet, and its callers get the error all the same.
    fn answer(&self, written: &Result<(), StoreError>) {
        if matches!(*self.state(), State::Queued) {
            drop(self.take());
        }
        let state = std::mem::replace(&mut *self.state(), State::Answered);
        let State::Taken { answers, behind, .. } = state else { return };
        match written {
            Ok(()) => self.recorder.tell_lost(),
            // An entry that was written all the same is not written twice.
            Err(_) => self.recorder.put_back(behind),
        }
        for answer in answers {
            // The caller may have left.
            drop(answer.send(written.clone()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // The store is closed, and the job was never run. The callers learn it when their senders are dropped.
        let is_queued = matches!(*self.state(), State::Queued);
        if is_queued {
            *self.recorder.beginnings() = Beginnings::default();
            *self.state() = State::Answered;
        }
        self.answer(&Err(StoreError::Closed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Door, RecordedPaths, SystemClock, UuidV7,
        contain::Runtimes,
        keys::Sealer,
        store::{Store, StoreSource},
        uses::{RecordSettings, UsedBy, What},
    };

    async fn recorder(directory: &tempfile::TempDir) -> Arc<Recorder> {
        let source = StoreSource::from(directory.path().join("connections.db").display().to_string());
        Arc::new(Recorder::new(
            Store::open(source).await.unwrap(),
            Arc::new(SystemClock::new()),
            Arc::new(UuidV7::new()),
            Sealer::for_tests(),
            Arc::new(Runtimes::new().unwrap()),
            RecordSettings { door: Door::Library, paths: RecordedPaths::Full, kept: None },
        ))
    }

    fn waiting(recorder: &Recorder) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, answered) = oneshot::channel();
        let (entry, _) = recorder.beginning("ada", &UsedBy::default(), What::default());
        let mut beginnings = recorder.beginnings();
        beginnings.waiting.push((entry, answer));
        beginnings.is_queued = true;
        answered
    }

    fn queued(recorder: &Arc<Recorder>) -> Batch {
        Batch { recorder: recorder.clone(), state: Mutex::new(State::Queued) }
    }

    #[tokio::test]
    async fn callers_of_a_transaction_that_could_not_begin_get_its_error() {
        let directory = tempfile::tempdir().unwrap();
        let recorder = recorder(&directory).await;
        let answered = waiting(&recorder);
        queued(&recorder).answer(&Err(StoreError::Panicked));
        assert!(matches!(answered.await, Ok(Err(StoreError::Panicked))));
        let (entry, _) = recorder.beginning("ada", &UsedBy::default(), What::default());
        recorder.commit(entry).await.unwrap();
    }

    #[tokio::test]
    async fn callers_of_a_store_that_was_closed_do_not_wait() {
        let directory = tempfile::tempdir().unwrap();
        let recorder = recorder(&directory).await;
        let answered = waiting(&recorder);
        drop(queued(&recorder));
        assert!(answered.await.is_err() && !recorder.beginnings().is_queued);
        recorder.store.close().await;
        let (entry, _) = recorder.beginning("ada", &UsedBy::default(), What::default());
        assert!(matches!(recorder.commit(entry).await, Err(StoreError::Closed)));
    }
}
