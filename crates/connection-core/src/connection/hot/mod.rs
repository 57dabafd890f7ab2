//! Hot rows: what a use needs of the store, kept for a moment, so that a connection in use costs no read each time.
//!
//! What a use gets was the truth less than [`HotRows::LONGEST`] before it: either its row was read since, or nothing at all
//! was committed to the store after it was read, which one look tells of all rows (SQLite's `data_version`). What this
//! process changes is forgotten before its writer is answered.

mod source;
mod table;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Payload;
use crate::{Error, refresh::plan::Plan, services::clock::Moment, store::Changed};

use source::Source;
pub(super) use source::Stored;
use table::{Found, Kept, Stamp, Table};

/// A current credential, opened.
pub(crate) struct HotRow {
    pub(crate) payload: Payload,
    pub(crate) generation: i64,
    pub(crate) plan: Plan,
}

/// A row or why there is none.
type Opened = Result<Arc<HotRow>, Error>;

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

    /// The current credential, younger than the bound. Who asks while it is being read gets that read's result, unless
    /// whoever reads does not come to an end within the bound.
    pub(super) async fn open(&self, source: &impl Source) -> Opened {
        if self.bound.is_zero() {
            return source.read().await;
        }
        loop {
            let mut began = Stamp { subject: source.subject(), moment: source.now(), version: None };
            // Asked at most once in the bound for all rows, and not for a row that is used for the first time.
            if self.lock().is_stale(&began, self.bound) {
                began.version = source.version(self.bound).await;
                began.moment = source.now();
            }
            let found = self.lock().find(&began, self.bound);
            match found {
                Found::Hot(row) => return Ok(row),
                Found::Follow(mut opened) => {
                    let followed = tokio::select! {
                        biased;
                        followed = opened.wait_for(Option::is_some) => followed.map(|opened| opened.clone()).ok(),
                        () = source.sleep(self.bound) => None,
                    };
                    if let Some(Some(opened)) = followed {
                        return opened;
                    }
                    // Who led has left without a word, or is not polled, or the store is slow: now somebody else reads.
                }
                Found::Lead(number, opened) => {
                    let reading = Reading { rows: self, began, number };
                    let result = source.read().await;
                    if let Ok(row) = &result {
                        reading.keep(row.clone());
                    }
                    drop(reading);
                    opened.send_replace(Some(result.clone()));
                    return result;
                }
            }
        }
    }

    /// As [`open`](Self::open), read after this call.
    pub(super) async fn reopen(&self, source: &impl Source) -> Opened {
        self.lock().forget(source.subject().id);
        self.open(source).await
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
    began: Stamp,
    number: u64,
}

impl Reading<'_> {
    /// Unless the row was changed meanwhile.
    fn keep(&self, row: Arc<HotRow>) {
        let mut table = self.rows.lock();
        if table.is_read_by(&self.began, self.number) {
            table.keep(Kept { row, read: self.began.clone() });
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.rows.lock().end(&self.began, self.number);
    }
}
