//! Hot rows: what a use needs of the store, kept for a moment, so that a connection in use costs no read each time.
//!
//! What a use gets was the truth less than [`HotRows::LONGEST`] before it: either its row was read since, or nothing at all
//! was committed to the store between its read and a look that is as young, which one look tells of all rows (SQLite's
//! `data_version`). What this process changes is forgotten before its writer is answered.
//!
//! A row holds everything that one statement reads of a connection, so that a handle that is made from an id, and the use of
//! that handle, read once together. Its credential stays sealed until its first use.

mod known;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connection_egress::Moment;

use super::Payload;
use crate::{Error, refresh::plan::Plan, store::Changed};

pub(crate) use known::Known;
use source::Source;
pub(crate) use source::Stored;
use table::{Found, Stamp, Table};

/// A current credential, opened.
pub(crate) struct HotRow {
    pub(crate) payload: Payload,
    pub(crate) generation: i64,
    pub(crate) plan: Plan,
}

/// A row or why there is none.
type Outcome = Result<Arc<Known>, Error>;

/// The rows in use.
pub(crate) struct HotRows {
    /// How old what is used may be; zero keeps nothing.
    bound: Duration,
    table: Mutex<Table>,
}

impl HotRows {
    /// The oldest that what is used may be.
    pub(crate) const LONGEST: Duration = Duration::from_millis(500);

    pub(crate) fn new(bound: Duration) -> Self {
        Self { bound: bound.min(Self::LONGEST), table: Mutex::default() }
    }

    /// The connection, younger than the bound. Who asks while it is being read gets that read's result, unless whoever reads
    /// does not come to an end within the bound.
    pub(crate) async fn read(&self, source: &impl Source) -> Outcome {
        if self.bound.is_zero() {
            return source.read().await;
        }
        let subject = source.subject();
        loop {
            let mut began = Stamp { moment: source.now(), version: None };
            let found = self.lock().find(subject, began.moment, self.bound);
            let found = match found {
                // Asked at most once in the bound for all rows, and not for a row that is used for the first time.
                Found::Stale => {
                    let looked = source.version(self.bound).await;
                    began = Stamp { moment: source.now(), version: looked.map(|looked| looked.version) };
                    self.lock().find_again(subject, began.moment, looked, self.bound)
                }
                found => found,
            };
            match found {
                Found::Hot(row) => return Ok(row),
                // Only a second look tells that it is no longer the one.
                Found::Stale => {}
                Found::Follow(mut result) => {
                    let followed = tokio::select! {
                        biased;
                        followed = result.wait_for(Option::is_some) => followed.map(|result| result.clone()).ok(),
                        () = source.sleep(self.bound) => None,
                    };
                    if let Some(Some(result)) = followed {
                        return result;
                    }
                    // Who led has left without a word, or is not polled, or the store is slow: now somebody else reads.
                }
                Found::Lead(number, sender) => {
                    let reading = Reading { rows: self, id: subject.id, began, number };
                    let result = source.read().await;
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

    /// As [`read`](Self::read), read after this call.
    pub(crate) async fn reread(&self, source: &impl Source) -> Outcome {
        self.lock().forget(source.subject().id);
        self.read(source).await
    }

    /// Who comes after this call uses nothing of what was read before it.
    pub(crate) fn forget(&self, changed: Changed) {
        match changed {
            Changed::Connection(id) => self.lock().forget(id),
            Changed::Keys | Changed::Something => self.lock().clear(),
            Changed::Setup(_) | Changed::Webhook(_) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes its read off the table, also when it is dropped.
struct Reading<'a> {
    rows: &'a HotRows,
    id: crate::ConnectionId,
    began: Stamp,
    number: u64,
}

impl Reading<'_> {
    /// Unless the row was changed meanwhile.
    fn keep(&self, row: Arc<Known>) {
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
