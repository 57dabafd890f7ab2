//! Does what is due, for all owners: renews, looks again, tells what ends soon, goes on with setups whose run was lost.
//!
//! Everything it needs is in rows, and whatever it begins is somebody else's task or a transaction: it may be dropped at any
//! await, and any number of processes may run one. Of several that find a row due, a lease or a compare-and-swap lets one.

mod announce;
mod ended;
mod pace;

use std::{collections::HashMap, time::Duration};

use connection_contract::{Kind, reason};
use tokio::sync::mpsc;

use super::{Why, renew};
use crate::{
    ConnectionId, ConnectionRegistry, Error, SessionId, StoreError,
    services::clock::asleep,
    setup,
    store::{DueRow, any_of},
    verify::{self, Asker},
};
use pace::{AT_ONCE, Pace};

/// How long it sleeps at most: what another process stores is due then at the latest.
const LONGEST_NAP: Duration = Duration::from_secs(15);
/// While something is due that nobody may begin yet.
const SHORT_NAP: Duration = Duration::from_secs(1);
/// How often it looks for what ends soon, and for sessions.
const ROUNDS: Duration = Duration::from_secs(10);
/// A look that was taken and came to nothing is due again behind that, in seconds.
const CLAIM: i64 = 120;
/// Rows for one look.
const BATCH: i64 = 64;
/// A row that failed for a reason of this host is left alone for so long.
const ASIDE: Duration = Duration::from_secs(60);

/// A row, and how it is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Check,
    Refresh,
}

/// What a job came to.
struct Done {
    id: ConnectionId,
    provider: Kind,
    /// The provider asks for a pause.
    pause: Option<Duration>,
    /// It is not to be tried again at once.
    aside: bool,
}

impl ConnectionRegistry {
    /// Renews credentials when they are due, looks again at connections whose provider asked for a pause, records once what
    /// ends within seven days, and goes on with setups whose run was lost: of all owners, whichever owner this handle is of.
    /// Ends when the registry is closed.
    ///
    /// A host spawns it, in as many processes as it likes. Without it, credentials are renewed at their next use.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any time; what it has begun goes on.
    pub async fn run(&self) {
        let mut scheduler = Scheduler::new(self.clone());
        while !self.shared.store.is_closed() {
            let began = self.shared.clock.passed();
            let next = match scheduler.look().await {
                Ok(nap) => began.saturating_add(nap),
                Err(error) => {
                    tracing::warn!(code = error.code(), "what is due could not be looked at");
                    self.shared.clock.passed().saturating_add(LONGEST_NAP)
                }
            };
            scheduler.rest(next).await;
        }
    }
}

struct Scheduler {
    registry: ConnectionRegistry,
    pace: Pace,
    done: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    /// When the next round begins, as the clock's `passed`.
    next_round: Duration,
    /// Sessions that nobody held the last time, and where they were.
    lost: HashMap<SessionId, i64>,
}

impl Scheduler {
    fn new(registry: ConnectionRegistry) -> Self {
        let next_round = registry.shared.clock.passed();
        Self { registry, pace: Pace::default(), done: mpsc::unbounded_channel(), next_round, lost: HashMap::new() }
    }

    /// Begins what is due and may be begun. How long there is nothing more to do.
    async fn look(&mut self) -> Result<Duration, Error> {
        let shared = self.registry.shared.clone();
        let passed = shared.clock.passed();
        if passed >= self.next_round {
            self.next_round = passed.saturating_add(ROUNDS);
            // Nothing of this keeps what is due from being renewed.
            if let Err(error) = announce::ending(&self.registry).await {
                tracing::warn!(code = error.code(), "what ends soon could not be looked at");
            }
            if let Err(error) = ended::ended(&self.registry).await {
                tracing::warn!(code = error.code(), "what has ended could not be looked at");
            }
            if let Err(error) = self.take_over().await {
                tracing::warn!(code = error.code(), "setups whose run was lost could not be looked at");
            }
        }
        let now = shared.clock.now().seconds();
        let is_more = self.begin(Job::Refresh, now).await? | self.begin(Job::Check, now).await?;
        if is_more {
            return Ok(SHORT_NAP);
        }
        let next = shared.reader().await?.next_due(now).await?;
        let left = next.map_or(LONGEST_NAP, |at| Duration::from_secs(at.saturating_sub(now).unsigned_abs()));
        let round = self.next_round.saturating_sub(passed);
        Ok(left.min(round).clamp(SHORT_NAP, LONGEST_NAP))
    }

    /// Whether there was anything.
    async fn begin(&mut self, job: Job, now: i64) -> Result<bool, Error> {
        let shared = self.registry.shared.clone();
        let passed = shared.clock.passed();
        let free = AT_ONCE.saturating_sub(self.pace.running());
        let kinds = self.kinds(job, passed);
        if free == 0 || kinds.is_empty() {
            return Ok(free == 0);
        }
        let kinds = any_of(kinds.iter().map(Kind::as_str));
        let mut reader = shared.reader().await?;
        let limit = BATCH.saturating_add(self.pace.aside());
        let due = match job {
            Job::Check => reader.due_checks(now, &kinds, limit).await?,
            Job::Refresh => reader.due_refreshes(now, &kinds, limit).await?,
        };
        drop(reader);
        let found = !due.is_empty();
        for row in due {
            let Some(kind) = Kind::parse(&row.kind) else { continue };
            let provider = shared.provider_of(&kind);
            if !self.pace.begin(row.id, &provider, passed) {
                continue;
            }
            if job == Job::Check && !claim(&self.registry, &row, now).await? {
                self.pace.end(row.id, &provider);
                continue;
            }
            self.spawn(job, row, provider);
        }
        Ok(found)
    }

    /// Those whose providers may be asked now.
    fn kinds(&self, job: Job, passed: Duration) -> Vec<Kind> {
        let shared = &self.registry.shared;
        let kinds = match job {
            Job::Check => shared.registered(),
            Job::Refresh => shared.renewing(),
        };
        kinds.into_iter().filter(|kind| self.pace.may_ask(&shared.provider_of(kind), passed)).collect()
    }

    /// On a task of its own, of a registry of the row's owner.
    fn spawn(&self, job: Job, row: DueRow, provider: Kind) {
        let shared = self.registry.shared.clone();
        let registry = ConnectionRegistry { shared: shared.clone(), owner: row.owner.clone().into() };
        let done = self.done.0.clone();
        let task = async move {
            let result = match job {
                Job::Check => verify::verify(&registry, row.id, Asker::Schedule).await.map(drop),
                Job::Refresh => renew(&registry, row.id, row.generation, Why::Due).await.map(drop),
            };
            let (pause, aside) = match result {
                Ok(()) | Err(Error::NotFound(_)) => (None, false),
                Err(Error::NotRenewed { why, .. }) => {
                    (why.recheck_after.filter(|_| why.reason.code == reason::RATE_LIMITED), false)
                }
                Err(error) => {
                    tracing::warn!(connection = %row.id, code = error.code(), "what was due could not be done");
                    (None, true)
                }
            };
            // Nobody counts any more.
            drop(done.send(Done { id: row.id, provider, pause, aside }));
        };
        drop(shared.runtimes.spawn(task));
    }

    /// Sessions that are running and that nobody held, twice in a row and at the same place.
    async fn take_over(&mut self) -> Result<(), Error> {
        let shared = &self.registry.shared;
        let now = shared.clock.now().seconds();
        let rows = shared.reader().await?.lost_setups(now, BATCH).await?;
        let mut lost = HashMap::new();
        for row in rows {
            if self.lost.get(&row.id) == Some(&row.step_seq) {
                setup::take_over(shared, &row);
            } else {
                lost.insert(row.id, row.step_seq);
            }
        }
        self.lost = lost;
        Ok(())
    }

    /// Until something ended or it is time to look again, by what has passed on the clock.
    async fn rest(&mut self, next: Duration) {
        let shared = self.registry.shared.clone();
        tokio::select! {
            biased;
            // The sender is ours, so the channel is open.
            Some(done) = self.done.1.recv() => self.ended(done),
            () = asleep(&*shared.clock, || next.saturating_sub(shared.clock.passed())) => {}
        }
        while let Ok(done) = self.done.1.try_recv() {
            self.ended(done);
        }
    }

    fn ended(&mut self, done: Done) {
        let passed = self.registry.shared.clock.passed();
        let Done { id, provider, pause, aside } = done;
        self.pace.end(id, &provider);
        if let Some(pause) = pause {
            self.pace.pause(provider, passed, pause);
        }
        if aside {
            self.pace.put_aside(id, passed.saturating_add(ASIDE));
        }
    }
}

/// Takes a look for this process.
async fn claim(registry: &ConnectionRegistry, row: &DueRow, now: i64) -> Result<bool, StoreError> {
    let (id, at) = (row.id, row.at);
    let next = now.saturating_add(CLAIM);
    let claimed =
        registry.shared.store.write_relaxed(move |tx| Box::pin(async move { tx.claim_check(id, at, next).await }));
    claimed.await
}
