//! The statements that run together with the next one of a job, in one round trip to the driver.
//!
//! They are those of the writer that begin a transaction or a savepoint, the writes of the job whose results nobody
//! reads, or the last writes of the previous job of the batch. If one of the latter fails, its job is undone alone and
//! the statement of the next job runs again.

use sqlx::{error::BoxDynError, sqlite::SqliteArguments};

use super::super::StoreError;
use super::waiting::{Before, Ready, Waiting};

/// The state of a transaction that begins with the first statement of its job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Begun {
    /// The transaction has begun, or none is needed.
    #[default]
    Yes,
    /// The statement that is running begins it.
    Now,
    /// The statement failed, and perhaps no transaction has begun. Further statements are refused, because without a
    /// transaction each would be committed at once.
    Perhaps,
}

/// The state of the previous job of a batch whose last statements waited.
#[derive(Debug, Default)]
enum Previous {
    /// There is no such job, or it has succeeded.
    #[default]
    Done,
    /// The statements run before the next one, and then those that end the savepoint of the job and make another one.
    Waits { statements: Waiting, undo: &'static str },
    /// The statements are running. `undo` rolls back the job, and fails after the end of its savepoint.
    Runs { undo: &'static str },
    /// One of the statements failed, and the job was rolled back.
    Failed(StoreError),
}

/// The statements that run together with the next one, and the state of those that did.
#[derive(Debug, Default)]
pub(in super::super) struct Together {
    before: Option<Before>,
    waiting: Waiting,
    previous: Previous,
    begun: Begun,
}

impl Together {
    /// Runs these statements before the next one.
    pub(in super::super) fn run_before(&mut self, before: Option<Before>) {
        self.before = before;
    }

    /// Returns `true` if the job has no statement yet, although it must run some together with its first one.
    pub(in super::super) fn is_untouched(&self) -> bool {
        (self.before.is_some() || self.has_previous()) && self.waiting.is_empty()
    }

    /// Returns `true` if a statement of the job waits for the next one.
    pub(in super::super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns `true` if a statement of the job may wait for the next one. The first one may not if statements of the
    /// previous job wait, so that their failure is found before this job has any.
    pub(in super::super) fn can_wait(&self) -> bool {
        !self.has_previous() && !self.waiting.is_full()
    }

    /// Lets a statement of the job wait for the next one.
    pub(in super::super) fn wait(
        &mut self,
        sql: &'static str,
        bind: impl FnOnce(&mut SqliteArguments) -> Result<(), BoxDynError>,
    ) -> Result<(), sqlx::Error> {
        self.waiting.add(sql, bind)
    }

    /// Forgets the statements of the job that wait.
    pub(in super::super) fn forget_waiting(&mut self) {
        self.waiting = Waiting::default();
    }

    /// Lets the statements that wait, and then `end`, run together with the first statement of the next job.
    pub(in super::super) fn hand_over(&mut self, end: Before, undo: &'static str) {
        let statements = std::mem::take(&mut self.waiting).between(self.before.take(), end);
        self.previous = Previous::Waits { statements, undo };
    }

    /// Returns `true` if statements of the previous job wait.
    pub(in super::super) fn has_previous(&self) -> bool {
        matches!(self.previous, Previous::Waits { .. })
    }

    /// Returns the text that rolls back the previous job if its last statements are running, and no longer after that.
    pub(in super::super) fn take_undo(&mut self) -> Option<&'static str> {
        let Previous::Runs { undo } = self.previous else { return None };
        self.previous = Previous::Done;
        Some(undo)
    }

    /// Remembers that the previous job was rolled back because of this error.
    pub(in super::super) fn previous_failed(&mut self, error: StoreError) {
        self.previous = Previous::Failed(error);
    }

    /// Returns the error because of which the previous job was rolled back, and forgets it.
    pub(in super::super) fn take_previous_failure(&mut self) -> Option<StoreError> {
        match std::mem::take(&mut self.previous) {
            Previous::Failed(error) => Some(error),
            other => {
                self.previous = other;
                None
            }
        }
    }

    /// Returns `true` if a statement may run.
    pub(in super::super) fn is_allowed(&self) -> bool {
        self.begun != Begun::Perhaps
    }

    /// Returns the text to run for `sql`, with the statements that run before it.
    pub(in super::super) fn ready(&mut self, sql: &'static str) -> Ready {
        match std::mem::take(&mut self.previous) {
            Previous::Waits { statements, undo } => {
                self.previous = Previous::Runs { undo };
                return statements.followed_by("", sql);
            }
            other => self.previous = other,
        }
        let before = self.before.take();
        if before.is_some_and(|before| before.is_begin) {
            self.begun = Begun::Now;
        }
        let mut ready = std::mem::take(&mut self.waiting).followed_by(before.map_or("", |before| before.sql), sql);
        ready.statements += before.map_or(0, |before| before.statements);
        ready
    }

    /// Notes the result of the statement.
    pub(in super::super) fn ended(&mut self, is_ok: bool) {
        if self.begun == Begun::Now {
            self.begun = if is_ok { Begun::Yes } else { Begun::Perhaps };
        }
        if matches!(self.previous, Previous::Runs { .. }) {
            self.previous = Previous::Done;
        }
    }
}
