//! The one task that writes: it commits together what was queued together.
//!
//! A job that fails or panics is undone alone, by its savepoint. A caller is answered after the commit of its batch, and
//! when that fails, so have all jobs of the batch. A crash leaves the batches up to some commit, each whole.

use std::{collections::VecDeque, time::Duration};

use tokio::{sync::mpsc, time::Instant};

use super::{
    StoreError, Tx,
    job::{Durability, Job, Outcome},
};

/// When a batch takes no more, so that the first of it does not wait for ever for the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) jobs: usize,
    pub(super) time: Duration,
}

impl Limits {
    pub(super) const USUAL: Self = Self { jobs: 256, time: Duration::from_millis(5) };
}

pub(super) struct Writer {
    pub(super) limits: Limits,
    /// Waits for the disk at each commit.
    pub(super) synced: Tx,
    /// Does not.
    pub(super) relaxed: Tx,
}

impl Writer {
    /// Ends when the queue is closed and empty.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Box<dyn Job>>) {
        let mut waiting = VecDeque::new();
        while refill(&mut waiting, &mut queue, self.limits).await {
            // One job that must be on the disk takes the others there for nothing.
            let relaxed = waiting.iter().take(self.limits.jobs).all(|job| job.durability() == Durability::Relaxed);
            batch(if relaxed { &mut self.relaxed } else { &mut self.synced }, &mut waiting, self.limits).await;
        }
        self.relaxed.close().await;
        self.synced.close().await;
    }
}

/// Takes what is queued; waits when there is nothing to do. `false` when nothing will come any more.
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

/// Runs jobs from the front in one transaction and answers them.
async fn batch(tx: &mut Tx, waiting: &mut VecDeque<Box<dyn Job>>, limits: Limits) {
    let mut done = Vec::new();
    let result = match tx.begin().await {
        Err(error) => {
            done.extend(waiting.drain(..));
            Err(error)
        }
        Ok(()) => match run(tx, waiting, &mut done, limits).await {
            Ok(()) => tx.commit().await,
            Err(error) => Err(error),
        },
    };
    if result.is_err() {
        tx.roll_back().await;
    }
    for job in done {
        job.answer(result.clone());
    }
}

/// An error is one of the transaction as a whole, not of a job.
async fn run(
    tx: &mut Tx,
    waiting: &mut VecDeque<Box<dyn Job>>,
    done: &mut Vec<Box<dyn Job>>,
    limits: Limits,
) -> Result<(), StoreError> {
    let began = Instant::now();
    while let Some(mut job) = waiting.pop_front() {
        let result = in_savepoint(tx, job.as_mut()).await;
        done.push(job);
        result?;
        if done.len() >= limits.jobs || began.elapsed() >= limits.time {
            break;
        }
    }
    Ok(())
}

async fn in_savepoint(tx: &mut Tx, job: &mut dyn Job) -> Result<(), StoreError> {
    tx.savepoint().await?;
    match job.run(tx).await {
        Outcome::Keep => tx.release().await,
        // Fails where the engine has rolled the whole transaction back by itself, as on a full disk.
        Outcome::Undo => tx.undo().await,
    }
}
