//! Makes connections due again when an origin that failed them answers.
//!
//! Any answer of the origin counts, to whatever request of this process, and the failure may have been seen by another
//! process. A connection is asked again at the earliest a minute after its last failure, and neither within a pause that
//! its provider asked for, nor within a quarantine, nor while that could cost a working token. The row of the connection
//! holds the time from which an answer makes it due.
//!
//! A request that has failed may be recorded only after the connections were made due. The scheduler therefore has each
//! origin reported once more, a minute after its last answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use connection_contract::{Kind, Origin};
use tokio::sync::Notify;
use uuid::Uuid;

use super::Ground;
use crate::{
    ConnectionId, Error,
    store::{Lock, Recovery},
};

/// Maximum number of connections in one transaction.
const PAGE: i64 = 500;

/// The origins that answer and whose connections have not been made due yet.
#[derive(Default)]
pub(crate) struct Answers {
    origins: Mutex<BTreeSet<String>>,
    /// The kinds whose connections are being made due, because the provider may accept their application again. `None`
    /// stands for all kinds.
    applications: Mutex<BTreeSet<Option<Kind>>>,
    /// The digests of the secret values that the host provides, as this process last read them, by kind and key.
    provided: Mutex<BTreeMap<String, String>>,
    /// Held while the provided values are compared with those before, so that `close` waits for it.
    pub(super) following: Arc<tokio::sync::Mutex<()>>,
    /// Held while connections are made due, so that `close` waits for it.
    working: tokio::sync::Mutex<()>,
    /// Wakes the scheduler of this process when connections are due before their time.
    pub(crate) due: Notify,
}

impl Answers {
    fn add(&self, origin: &Origin) {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner).insert(origin.as_str().to_owned());
    }

    fn next(&self) -> Option<String> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner).pop_first()
    }

    /// Returns `false` if the connections of the kind are being made due already.
    pub(super) fn begin_application(&self, kind: Option<&Kind>) -> bool {
        self.applications.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.cloned())
    }

    /// Returns `true` if this process has read the same value before.
    pub(super) fn has_read(&self, name: &str, digest: &str) -> bool {
        let provided = self.provided.lock().unwrap_or_else(PoisonError::into_inner);
        provided.get(name).is_some_and(|known| known == digest)
    }

    pub(super) fn note_read(&self, name: String, digest: String) {
        self.provided.lock().unwrap_or_else(PoisonError::into_inner).insert(name, digest);
    }

    pub(super) fn end_application(&self, kind: Option<&Kind>) {
        self.applications.lock().unwrap_or_else(PoisonError::into_inner).remove(&kind.cloned());
    }
}

impl Ground {
    /// Has the answers of this process make connections due.
    pub(crate) fn follow_answers(self: &Arc<Self>) {
        let ground = Arc::downgrade(self);
        self.http.on_answer(move |origin| {
            let Some(ground) = ground.upgrade() else { return };
            ground.answers.add(origin);
            let runtimes = ground.runtimes.clone();
            drop(runtimes.spawn(async move { ground.hasten().await }));
        });
    }

    /// Makes the connections due that failed at an origin that answers.
    pub(crate) async fn hasten(&self) {
        let _working = self.answers.working.lock().await;
        while let Some(origin) = self.answers.next() {
            match self.hasten_those_of(&origin).await {
                Ok(false) => {}
                Ok(true) => self.answers.due.notify_one(),
                // The next report of the origin makes another attempt.
                Err(error) => tracing::debug!(
                    %origin, code = error.code(),
                    "connections that wait for an answer could not be made due"
                ),
            }
        }
    }

    /// Returns `true` if there are connections that failed at the origin.
    async fn hasten_those_of(&self, origin: &str) -> Result<bool, Error> {
        let mut found = false;
        let mut after = Uuid::nil();
        loop {
            let now = self.clock.now().seconds();
            let ids = self.reader().await?.waiting_refreshes(origin, after, now, PAGE).await?;
            let Some(last) = ids.last().map(|id| id.as_uuid()) else { break };
            self.hasten_page(Waiting::Refresh, origin, after, last, ids).await?;
            (found, after) = (true, last);
        }
        after = Uuid::nil();
        loop {
            let now = self.clock.now().seconds();
            let ids = self.reader().await?.waiting_probes(origin, after, now, PAGE).await?;
            let Some(last) = ids.last().map(|id| id.as_uuid()) else { break };
            self.hasten_page(Waiting::Probe, origin, after, last, ids).await?;
            (found, after) = (true, last);
        }
        Ok(found)
    }

    async fn hasten_page(
        &self,
        waiting: Waiting,
        origin: &str,
        after: Uuid,
        last: Uuid,
        ids: Vec<ConnectionId>,
    ) -> Result<(), Error> {
        let now = self.clock.now().seconds();
        let origin = origin.to_owned();
        let written = self.store.write_relaxed(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Origin(&origin)).await?;
                let page = Recovery { origin: &origin, after, last, now };
                match waiting {
                    Waiting::Refresh => tx.hasten_refreshes(page, &ids).await,
                    Waiting::Probe => tx.hasten_probes(page).await,
                }
            })
        });
        Ok(written.await?)
    }
}

/// The work that waits for an answer.
#[derive(Clone, Copy)]
enum Waiting {
    Refresh,
    Probe,
}
