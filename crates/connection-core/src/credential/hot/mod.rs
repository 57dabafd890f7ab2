//! Hot rows: a cache of the rows that uses of connections need, so that a connection in use costs no read each time.
//!
//! A row that a use gets was current less than [`HotRows::MAX_AGE`] before. Either it was read since then, or a check
//! of the store since then found no commit after the read. One check serves all rows (SQLite's `data_version`). A row
//! that this process changes is forgotten before the caller of the write is answered.
//!
//! A row holds everything that one statement reads of a connection, so that making a handle from an id and using that
//! handle read the store once together. The credential stays sealed until its first use.

mod known;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_egress::{LastSearch, Moment};

use super::Payload;
use crate::{ConnectionInfo, Error, plan::Plan, store::Changed};

pub(crate) use known::ReadConnection;
use source::Source;
pub(crate) use source::Stored;
use table::{Lookup, Stamp, Table};

/// The current credential of a connection, opened.
pub(crate) struct HotRow {
    pub(crate) payload: Payload,
    pub(crate) generation: i64,
    pub(crate) plan: Plan,
    /// `true` if the connection was failing or offline when the row was read.
    pub(crate) is_not_live: bool,
    /// The last withdrawal that the read of the row followed, if it is known.
    pub(crate) withdrawal: Option<i64>,
    pub(crate) last_search: LastSearch,
}

impl HotRow {
    /// Returns `true` if a success with this credential contradicts what was measured. It proves nothing, because anybody may
    /// get such an answer.
    pub(crate) fn is_contradicted_by_success(&self, now: i64) -> bool {
        self.is_not_live && (self.plan.ended().is_none() || self.plan.has_ended_too_soon(now))
    }
}

/// A row, or the reason why there is none.
type Outcome = Result<Arc<ReadConnection>, Error>;

/// The cache of the rows in use.
pub(crate) struct HotRows {
    /// The maximum age of a row that is used. With zero, no rows are kept.
    bound: Duration,
    table: Mutex<Table>,
}

impl HotRows {
    /// The greatest value of the bound.
    pub(crate) const MAX_AGE: Duration = Duration::from_millis(500);

    pub(crate) fn new(bound: Duration) -> Self {
        Self { bound: bound.min(Self::MAX_AGE), table: Mutex::default() }
    }

    /// Returns the connection if it is known to have been current within the bound. Most uses need no more than this,
    /// which waits for nothing.
    pub(crate) fn kept(&self, source: &impl Source) -> Option<Arc<ReadConnection>> {
        self.kept_part(source, Arc::clone)
    }

    /// Returns the information of the connection as [`kept`](Self::kept) does.
    pub(crate) fn kept_info(&self, source: &impl Source) -> Option<Arc<ConnectionInfo>> {
        self.kept_part(source, |kept| kept.info.clone())
    }

    fn kept_part<T>(&self, source: &impl Source, part: impl FnOnce(&Arc<ReadConnection>) -> T) -> Option<T> {
        if self.bound.is_zero() {
            return None;
        }
        let now = source.now();
        self.lock().hot(source.subject(), now, self.bound).map(part)
    }

    /// Returns the connection, read or found unchanged within the bound. A caller that comes while the row is being
    /// read gets the result of that read, unless it does not end within the bound.
    pub(crate) async fn read(&self, source: &impl Source) -> Outcome {
        if self.bound.is_zero() {
            return source.read(None).await;
        }
        let subject = source.subject();
        loop {
            let mut began = Stamp { moment: source.now(), version: None };
            let found = self.lock().find(subject, began.moment, self.bound);
            let found = match found {
                // The version of the store is read at most once per bound for all rows, and not for a row that is used
                // for the first time.
                Lookup::Stale => {
                    let looked = source.version(self.bound).await;
                    began = Stamp { moment: source.now(), version: looked.map(|looked| looked.version) };
                    self.lock().find_again(subject, began.moment, looked, self.bound)
                }
                found => found,
            };
            match found {
                Lookup::Hot(row) => return Ok(row),
                // Only `find` returns this, and that case was handled above.
                Lookup::Stale => {}
                Lookup::Follow(mut result) => {
                    let followed = tokio::select! {
                        biased;
                        followed = result.wait_for(Option::is_some) => followed.map(|result| result.clone()).ok(),
                        () = source.sleep(self.bound) => None,
                    };
                    if let Some(Some(result)) = followed {
                        return result;
                    }
                    // The caller that reads was dropped or is not polled, or the store is slow. Another caller reads
                    // now.
                }
                Lookup::Lead(number, sender) => {
                    let reading = Reading { rows: self, id: subject.id, began, number };
                    let result = source.read(began.version).await;
                    if let Ok(row) = &result {
                        reading.keep(row.clone());
                    }
                    drop(reading);
                    sender.send_replace(Some(result.clone()));
                    return result;
                }
            }
        }
    }

    /// Returns the connection as [`read`](Self::read) does, but read after this call.
    pub(crate) async fn reread(&self, source: &impl Source) -> Outcome {
        self.lock().forget(source.subject().id);
        self.read(source).await
    }

    /// Forgets what was read before this call, so that later callers do not use it.
    pub(crate) fn forget(&self, changed: Changed) {
        match changed {
            Changed::Connection(id) => self.lock().forget(id),
            // A row was read beside what was frozen then.
            Changed::Freezes | Changed::Keys | Changed::Something | Changed::Withdrawals => self.lock().clear(),
            // The declaration of an extension makes the kind of its connections.
            Changed::Extensions => self.lock().forget_own_kinds(),
            Changed::Agents | Changed::Setup(_) | Changed::Usage(_) | Changed::Webhook(_) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read in progress. Dropping it removes it from the table.
struct Reading<'a> {
    rows: &'a HotRows,
    id: crate::ConnectionId,
    began: Stamp,
    number: u64,
}

impl Reading<'_> {
    /// Keeps the row, unless it was forgotten since the read began, or is not the handle's own.
    fn keep(&self, row: Arc<ReadConnection>) {
        let mut table = self.rows.lock();
        if row.is_own() && table.is_read_by(self.id, self.number) {
            table.keep(row, self.began);
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.rows.lock().end(self.id, self.number);
    }
}
