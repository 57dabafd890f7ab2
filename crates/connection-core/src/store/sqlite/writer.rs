//! The single task that writes. It commits queued jobs together in batches.
//!
//! A job that fails or panics is rolled back alone, by its savepoint, or with the transaction if it is the only job.
//! Callers are answered after the commit of their batch. If that commit fails, all jobs of the batch have failed. After
//! a crash, all batches up to some commit are there, each as a whole.
//!
//! Each text is a round trip to the driver's thread, which costs more than most statements. The statements that begin
//! the transaction of a single job, or the savepoint of another, are therefore run together with the first statement of
//! the job. Writes of a job whose result nobody reads wait for its next statement, for the first one of the next job,
//! or for the commit. A job that runs no statement costs nothing.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use sqlx::{Connection as _, SqliteConnection, SqlitePool, sqlite::SqliteConnectOptions};
use tokio::{sync::mpsc, time::Instant};

use super::super::{
    StoreError, Tx,
    engine::{Connection, Reader, execute},
    job::{Durability, Job, Outcome, log_commit},
    part::{Admission, Program},
};
use super::{open_files::OpenFiles, together::Together, waiting::Before};

/// The limits of a batch, so that its first job does not wait too long for the last one.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Limits {
    pub(in super::super) jobs: usize,
    pub(in super::super) time: Duration,
}

impl Limits {
    pub(in super::super) const USUAL: Self = Self { jobs: 256, time: Duration::from_millis(20) };
}

/// The connections that the writer uses: its own, or those of the host's pool.
pub(super) enum Connections {
    /// Separate connections of the writer, each opened when it is first needed.
    OwnPool { synced: Separate, relaxed: Separate },
    /// The pool of the host. A connection is taken for one batch at a time, so that a pool of one also serves
    /// readers.
    HostPool(SqlitePool),
}

/// A connection that only the writer uses.
pub(super) struct Separate {
    pub(super) options: Box<SqliteConnectOptions>,
    /// `None` before the first use, and while the connection is used.
    pub(super) connection: Option<SqliteConnection>,
}

pub(super) struct Writer {
    pub(super) limits: Limits,
    pub(super) connections: Connections,
    pub(super) files: Arc<OpenFiles>,
    pub(super) place: Arc<str>,
    pub(super) program: &'static Program,
}

impl Writer {
    /// Runs until the queue is closed and empty.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Box<dyn Job>>) {
        let mut waiting = VecDeque::new();
        while refill(&mut waiting, &mut queue, self.limits).await {
            // If one job must wait for the disk, the others are synced at no extra cost.
            let relaxed = waiting.iter().take(self.limits.jobs).all(|job| job.durability() == Durability::Relaxed);
            match self.connection(relaxed).await {
                Ok(connection) => {
                    let mut tx = Tx::new(Reader::new(connection, self.place.clone()));
                    let durability = if relaxed { Durability::Relaxed } else { Durability::Synced };
                    if let Some(jobs) = batch(&mut tx, self.program, &self.files, &mut waiting, self.limits).await {
                        log_commit(&self.place, jobs, durability);
                    }
                    self.put_back(tx.into_connection(), relaxed);
                }
                Err(error) => waiting.drain(..).for_each(|job| job.answer(Err(error.clone()))),
            }
        }
        if let Connections::OwnPool { synced, relaxed } = self.connections {
            for connection in [relaxed.connection, synced.connection].into_iter().flatten() {
                // Committed changes are safe. If closing fails, the next open cleans up the log.
                connection.close().await.unwrap_or_default();
            }
        }
    }

    async fn connection(&mut self, is_relaxed: bool) -> Result<Connection, StoreError> {
        // Nothing is begun in a file that the next start will not find.
        self.files.refuse_displaced()?;
        match &mut self.connections {
            Connections::OwnPool { synced, relaxed } => {
                let separate = if is_relaxed { relaxed } else { synced };
                match separate.connection.take() {
                    Some(connection) => Ok(Connection::Sqlite(connection)),
                    None => self.files.connect(&separate.options).await.map(Connection::Sqlite),
                }
            }
            Connections::HostPool(pool) => {
                pool.acquire().await.map(Connection::SqlitePooled).map_err(|error| self.files.failed(&error))
            }
        }
    }

    fn put_back(&mut self, connection: Connection, is_relaxed: bool) {
        if let (Connections::OwnPool { synced, relaxed }, Connection::Sqlite(connection)) =
            (&mut self.connections, connection)
        {
            let separate = if is_relaxed { relaxed } else { synced };
            separate.connection = Some(connection);
        }
    }
}

/// Takes the queued jobs, and waits if there are none. Returns `false` if the queue is closed and empty.
async fn refill(
    waiting: &mut VecDeque<Box<dyn Job>>,
    queue: &mut mpsc::UnboundedReceiver<Box<dyn Job>>,
    limits: Limits,
) -> bool {
    if waiting.is_empty() {
        match queue.recv().await {
            Some(job) => waiting.push_back(job),
            None => return false,
        }
    }
    while waiting.len() < limits.jobs {
        let Ok(job) = queue.try_recv() else { break };
        waiting.push_back(job);
    }
    true
}

/// Runs jobs from the front in one transaction and answers them. Returns the number of committed jobs, or `None` if
/// there are none.
async fn batch(
    tx: &mut Tx,
    program: &Program,
    files: &OpenFiles,
    waiting: &mut VecDeque<Box<dyn Job>>,
    limits: Limits,
) -> Option<usize> {
    let mut done = Vec::new();
    let result = if waiting.len() == 1 {
        alone(tx, program, waiting, &mut done).await
    } else {
        match begin(tx, program, waiting).await {
            Err(error) => {
                done.extend(waiting.drain(..));
                Err(error)
            }
            Ok(()) => run(tx, waiting, &mut done, limits).await,
        }
    };
    if result.is_err() {
        roll_back(tx).await;
    }
    // Nobody acts on a commit that the next start may not find.
    let result = match result {
        Ok(kept) if kept > 0 => files.check().map(|()| kept),
        result => result,
    };
    for job in done {
        job.answer(result.clone().map(drop));
    }
    result.ok().filter(|kept| *kept > 0)
}

/// Runs a job that is the only one of its transaction. It needs no savepoint, because rolling back affects no other
/// job. Its first statement begins the transaction.
async fn alone(
    tx: &mut Tx,
    program: &Program,
    waiting: &mut VecDeque<Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
) -> Result<usize, StoreError> {
    let Some(mut job) = waiting.pop_front() else { return Ok(0) };
    tx.together.run_before(Some(match job.admission() {
        Admission::Checked => Before { sql: program.begin_sqlite, statements: 2, is_begin: true },
        Admission::Always => BEGIN,
    }));
    let outcome = job.run(tx).await;
    if outcome == Outcome::Undo {
        tx.together.forget_waiting();
    }
    let committed = if tx.together.is_untouched() {
        // The job ran no statement, so no transaction was begun.
        tx.together.run_before(None);
        Ok(0)
    } else if outcome == Outcome::Undo {
        roll_back(tx).await;
        Ok(0)
    } else {
        let has_waiting = tx.together.has_waiting();
        let committed = commit(tx).await;
        if let Err(error) = &committed
            && has_waiting
        {
            job.fail(error.clone());
        }
        committed.map(|()| 1)
    };
    done.push(job);
    committed
}

/// Runs jobs, each in a savepoint, and returns the number of jobs to keep. An error concerns the whole transaction
/// and not a single job.
async fn run(
    tx: &mut Tx,
    waiting: &mut VecDeque<Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
    limits: Limits,
) -> Result<usize, StoreError> {
    let began = Instant::now();
    let mut batch = Batch { done, kept: 0, savepoint: State::None, name: Savepoint::One };
    while let Some(job) = waiting.pop_front() {
        batch.run(tx, job).await?;
        if batch.done.len() >= limits.jobs || began.elapsed() >= limits.time {
            break;
        }
    }
    batch.commit(tx).await?;
    Ok(batch.kept)
}

/// The jobs of a transaction, each in a savepoint. The last savepoint is not released, because the commit ends it.
struct Batch<'d> {
    done: &'d mut Vec<Box<dyn Job>>,
    /// The number of jobs to keep.
    kept: usize,
    savepoint: State,
    /// The savepoint in which the last job ran.
    name: Savepoint,
}

/// The state of the savepoint between two jobs.
#[derive(Clone, Copy)]
enum State {
    None,
    /// The savepoint contains the changes of the previous job.
    Used,
    /// Nothing was changed since the savepoint was made.
    Empty,
    /// The savepoint contains the changes of this job, whose last statements run together with the next one.
    Waits {
        job: usize,
    },
}

/// The savepoint of a job. Two jobs that follow one another have savepoints with different names, so that the engine
/// knows whether that of the first one has ended.
#[derive(Clone, Copy)]
enum Savepoint {
    One,
    Other,
}

impl Savepoint {
    fn other(self) -> Self {
        match self {
            Self::One => Self::Other,
            Self::Other => Self::One,
        }
    }

    fn make(self) -> Before {
        let sql = match self {
            Self::One => "SAVEPOINT one; ",
            Self::Other => "SAVEPOINT other; ",
        };
        Before { sql, statements: 1, is_begin: false }
    }

    /// Returns the statements that end this savepoint and make the other one.
    fn renew(self) -> Before {
        let sql = match self {
            Self::One => "RELEASE SAVEPOINT one; SAVEPOINT other; ",
            Self::Other => "RELEASE SAVEPOINT other; SAVEPOINT one; ",
        };
        Before { sql, statements: 2, is_begin: false }
    }

    fn undo(self) -> &'static str {
        match self {
            Self::One => "ROLLBACK TO SAVEPOINT one",
            Self::Other => "ROLLBACK TO SAVEPOINT other",
        }
    }
}

/// Takes the write lock at once: a transaction that reads first could fail to get it later.
const BEGIN: Before = Before { sql: "BEGIN IMMEDIATE; ", statements: 1, is_begin: true };

impl Batch<'_> {
    async fn run(&mut self, tx: &mut Tx, mut job: Box<dyn Job>) -> Result<(), StoreError> {
        tx.together.run_before(match self.savepoint {
            State::None => Some(self.name.make()),
            State::Used => Some(self.name.renew()),
            State::Empty | State::Waits { .. } => None,
        });
        let outcome = job.run(tx).await;
        if outcome == Outcome::Undo {
            tx.together.forget_waiting();
        }
        self.kept += usize::from(outcome == Outcome::Keep);
        self.done.push(job);
        if tx.together.is_untouched() {
            // The job ran no statement, so the savepoint is unchanged.
            tx.together.run_before(None);
            return Ok(());
        }
        let savepoint = self.savepoint;
        match savepoint {
            State::Used => self.name = self.name.other(),
            State::Waits { job } if !self.has_failed(tx, job).await => self.name = self.name.other(),
            _ => {}
        }
        self.savepoint = match outcome {
            Outcome::Keep if tx.together.has_waiting() => {
                tx.together.hand_over(self.name.renew(), self.name.undo());
                State::Waits { job: self.done.len() - 1 }
            }
            Outcome::Keep => State::Used,
            // This fails if the engine has rolled back the whole transaction by itself, as on a full disk.
            Outcome::Undo => undo(tx, self.name).await.map(|()| State::Empty)?,
        };
        Ok(())
    }

    async fn commit(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let committed = commit(tx).await;
        if let State::Waits { job } = self.savepoint {
            self.has_failed(tx, job).await;
        }
        committed
    }

    /// Returns `true` if the last statements of a job have failed. The job is then undone.
    async fn has_failed(&mut self, tx: &mut Tx, job: usize) -> bool {
        // A job that panicked may not have waited for the result of its first statement.
        tx.is_of_previous(&sqlx::Error::WorkerCrashed).await;
        let Some(error) = tx.together.take_previous_failure() else { return false };
        if let Some(job) = self.done.get_mut(job) {
            job.fail(error);
            self.kept -= 1;
        }
        true
    }
}

/// Begins the transaction of these jobs. If the program may no longer write, the jobs that need this are answered, and the
/// others remain.
async fn begin(tx: &mut Tx, program: &Program, waiting: &mut VecDeque<Box<dyn Job>>) -> Result<(), StoreError> {
    if waiting.iter().any(|job| job.admission() == Admission::Checked) {
        tx.together.run_before(Some(BEGIN));
        match execute!(tx, program.check) {
            Err(error @ StoreError::ProgramTooOld { .. }) => {
                roll_back(tx).await;
                // The failure is that of the jobs that are answered here.
                drop(tx.take_failure());
                let (refused, others) =
                    waiting.drain(..).partition::<VecDeque<_>, _>(|job| job.admission() == Admission::Checked);
                *waiting = others;
                refused.into_iter().for_each(|job| job.answer(Err(error.clone())));
            }
            begun => return begun.map(drop),
        }
    }
    execute!(tx, "BEGIN IMMEDIATE").map(drop)
}

async fn commit(tx: &mut Tx) -> Result<(), StoreError> {
    execute!(tx, "COMMIT").map(drop)
}

/// Rolls back the transaction if there still is one.
async fn roll_back(tx: &mut Tx) {
    tx.together = Together::default();
    // If the engine has ended the transaction by itself, there is nothing to roll back.
    execute!(tx, "ROLLBACK").map(drop).unwrap_or_default();
}

/// Rolls back to the savepoint.
async fn undo(tx: &mut Tx, savepoint: Savepoint) -> Result<(), StoreError> {
    let undo = savepoint.undo();
    execute!(tx, undo).map(drop)
}
