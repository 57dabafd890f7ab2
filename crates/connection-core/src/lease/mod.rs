//! The lease of a row, as its holder has it.
//!
//! The database's clock decides when a lease expires. A holder does not read that clock: it measures by its own
//! monotonic clock, from before it asked for the lease, so that it never believes to have the lease longer than it has.

use std::{sync::Arc, time::Duration};

use connection_egress::sleep_passed;
use tokio::sync::watch;

use crate::{
    Clock, Error,
    ground::Ground,
    store::{Changed, Changes, Extendable, Leased, StoreError},
};

/// A lease of this process. One that [ends with its holder](Leased::ENDS_WITH_HOLDER) is also released when it is
/// dropped, for example after a panic.
pub(crate) struct Lease<R: Leased> {
    ground: Arc<Ground>,
    row: R,
    fence: i64,
    term: Term,
    is_ended: bool,
}

/// The time for which the holder of a lease may act. Each extension begins it again. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    /// The time that had [passed](crate::Clock::passed) before the lease was requested or extended last; `None` if
    /// another holder has the lease.
    began: Arc<watch::Sender<Option<Duration>>>,
    lasts: Duration,
}

impl Term {
    /// Creates the term of a lease of this many seconds. It is up to a second shorter than by the database's clock,
    /// which counts whole seconds.
    fn new(began: Duration, seconds: i64) -> Self {
        let lasts = Duration::from_secs(u64::try_from(seconds.saturating_sub(1)).unwrap_or_default());
        Self { began: Arc::new(watch::Sender::new(Some(began))), lasts }
    }

    /// Returns the time, as [passed](crate::Clock::passed), from which the holder may no longer act.
    pub(crate) fn ends(&self) -> Duration {
        self.began.borrow().map_or(Duration::ZERO, |began| began.saturating_add(self.lasts))
    }

    /// Waits until the holder may act, for example after its process was paused, but at most until the time `latest` has
    /// passed. Returns at once if another holder has the lease.
    pub(crate) async fn until_held(&self, clock: &dyn Clock, latest: Duration) {
        let mut began = self.began.subscribe();
        let held = async {
            let decided =
                |began: &Option<Duration>| began.is_none_or(|began| clock.passed() < began.saturating_add(self.lasts));
            // The sender is part of `self`, so the channel is open.
            drop(began.wait_for(decided).await.map(drop));
        };
        tokio::select! {
            biased;
            () = held => {}
            () = sleep_passed(clock, || latest.saturating_sub(clock.passed())) => {}
        }
    }

    fn begin_again(&self, began: Option<Duration>) {
        self.began.send_replace(began);
    }
}

impl<R: Leased> Lease<R> {
    /// Takes the lease. Returns `None` if another holder has it, or if the row is not as the caller expects it.
    pub(crate) async fn take(ground: &Arc<Ground>, row: R) -> Result<Option<Self>, StoreError> {
        let term = Term::new(ground.clock.passed(), row.seconds());
        let (owner, taken) = (ground.process.clone(), row.clone());
        // A power failure may undo this write. It usually ends the holder, too; if the database is on another machine, the
        // fence, or the state of the row, keeps the holder from storing a result beside another one.
        let taken =
            ground.store.write_relaxed(move |tx| Box::pin(async move { tx.take_lease(&taken, &owner).await })).await?;
        Ok(taken.map(|fence| Self { ground: ground.clone(), row, fence, term, is_ended: false }))
    }

    /// Returns a lease that a transaction of this process has taken, which began after the time `since` had passed.
    pub(crate) fn taken(ground: &Arc<Ground>, row: R, since: Duration) -> Self {
        let term = Term::new(since, row.seconds());
        Self { ground: ground.clone(), row, fence: 1, term, is_ended: false }
    }

    pub(crate) fn fence(&self) -> i64 {
        self.fence
    }

    pub(crate) fn term(&self) -> &Term {
        &self.term
    }

    /// Returns the time for which the holder may still act.
    pub(crate) fn left(&self) -> Duration {
        self.term.ends().saturating_sub(self.ground.clock.passed())
    }

    /// Marks the lease as released by a committed transaction.
    pub(crate) fn end(&mut self) {
        self.is_ended = true;
    }

    /// Releases the lease unless it has ended. It is released before the caller continues, because the caller may end
    /// the runtime.
    pub(crate) async fn release(mut self) {
        if !self.is_ended {
            self.is_ended = true;
            if let Err(error) = self.give_back().await {
                // The lease expires by itself.
                tracing::debug!(%error, "a lease could not be released");
            }
        }
    }

    /// Queues the release. The write is queued even if the future is not awaited.
    fn give_back(&self) -> impl Future<Output = Result<(), StoreError>> + Send + use<R> {
        let (row, owner, fence) = (self.row.clone(), self.ground.process.clone(), self.fence);
        self.ground.store.write_end_relaxed(move |tx| Box::pin(async move { row.release(tx, &owner, fence).await }))
    }
}

impl<R: Extendable> Lease<R> {
    /// Runs `work`, and extends the lease meanwhile.
    pub(crate) async fn extended<T>(&mut self, work: impl Future<Output = T>) -> T {
        let Self { ground, row, term, .. } = self;
        extended(ground, row, &ground.process, |began| term.begin_again(began), work).await
    }
}

impl<R: Leased> Drop for Lease<R> {
    fn drop(&mut self) {
        if R::ENDS_WITH_HOLDER && !self.is_ended {
            drop(self.give_back());
        }
    }
}

/// Runs `work`, and extends the lease of `owner` meanwhile. Calls `done` after each extension with the time that had
/// passed before it, or with `None` if another holder has the lease.
pub(crate) async fn extended<R: Extendable, T>(
    ground: &Ground,
    row: &R,
    owner: &str,
    mut done: impl FnMut(Option<Duration>),
    work: impl Future<Output = T>,
) -> T {
    let extending = async {
        loop {
            ground.clock.sleep(R::EXTENDED_EVERY).await;
            let requested_at = ground.clock.passed();
            let (row, owner) = (row.clone(), owner.to_owned());
            let write =
                ground.store.write_relaxed(move |tx| Box::pin(async move { tx.extend_lease(&row, &owner).await }));
            match write.await {
                Ok(true) => done(Some(requested_at)),
                Ok(false) => {
                    tracing::debug!("a lease that was to be extended has another holder");
                    done(None);
                }
                Err(error) => tracing::debug!(%error, "a lease was not extended"),
            }
        }
    };
    tokio::select! {
        biased;
        result = work => result,
        never = extending => match never {},
    }
}

/// Waits until `is_held` finds no other holder. `row` is the signal of a change of the leased row.
pub(crate) async fn until_free<F: Future<Output = Result<bool, Error>>>(
    ground: &Ground,
    row: Changed,
    is_held: impl Fn() -> F,
) -> Result<(), Error> {
    let mut changes = ground.store.changes(&*ground.clock).await;
    while is_held().await? {
        changes.changed(&*ground.clock, Changes::FOR_ANOTHER_PROCESS, |changed| changed == row).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
