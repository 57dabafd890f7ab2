//! Does what is due, for all owners: renews, looks again, tells what ends soon, goes on with setups whose run was lost, and
//! looks for attempts of its own node whose process is gone.
//!
//! Everything it needs is in rows, and whatever it begins is somebody else's task or a transaction: it may be dropped at any
//! await, and any number of processes may run one. Of several that find a row due, a lease or a compare-and-swap lets one.

mod announce;
mod ended;
mod pace;
mod trouble;

use std::{collections::HashMap, error::Error as _, time::Duration};

use connection_contract::{Kind, reason};
use tokio::sync::mpsc;

use super::{Why, renew};
use crate::{
    ConnectionId, ConnectionRegistry, Error, SessionId, StoreError, exchange,
    services::clock::asleep,
    setup,
    store::{DueRow, any_of, called},
    verify::{self, Asker, ProbePlace},
};
use pace::{AT_ONCE, Pace};
use trouble::Trouble;

/// How long it sleeps at most: what another process stores is due then at the latest.
const LONGEST_NAP: Duration = Duration::from_secs(15);
/// While something is due that nobody may begin yet.
const SHORT_NAP: Duration = Duration::from_secs(1);
/// How often it looks for what ends soon, and for sessions.
const ROUNDS: Duration = Duration::from_secs(10);
/// How often it looks for attempts of its own node whose process is gone.
const ABANDONED: Duration = Duration::from_secs(5);
/// A look that was taken and came to nothing is due again behind that, in seconds.
const CLAIM: i64 = 120;
/// Rows for one look.
const BATCH: i64 = 64;
/// A row that failed for a reason of this host is left alone for so long.
const ASIDE: Duration = Duration::from_secs(60);

/// What the scheduler does, in the words of its log.
const STORE: &str = "the database";
const DUE: &str = "credentials that are due";
const ENDING: &str = "what ends soon";
const ENDED: &str = "what has ended";
const LOST: &str = "setups whose process is gone";
const ABANDONED_ATTEMPTS: &str = "attempts of processes that are gone";

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
    /// That the database cannot be reached, and that it can be reached again, is logged once under the target
    /// `connections::operations`.
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
                    scheduler.failed(DUE, error, LONGEST_NAP).await;
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
    /// When it looks for abandoned attempts next, likewise.
    next_abandoned: Duration,
    /// Sessions that nobody held the last time, and where they were.
    lost: HashMap<SessionId, i64>,
    trouble: Trouble,
}

impl Scheduler {
    fn new(registry: ConnectionRegistry) -> Self {
        let now = registry.shared.clock.passed();
        Self {
            registry,
            pace: Pace::default(),
            done: mpsc::unbounded_channel(),
            next_round: now,
            next_abandoned: now,
            lost: HashMap::new(),
            trouble: Trouble::default(),
        }
    }

    /// Begins what is due and may be begun. How long there is nothing more to do.
    async fn look(&mut self) -> Result<Duration, Error> {
        let shared = self.registry.shared.clone();
        let passed = shared.clock.passed();
        if passed >= self.next_round {
            let ending = announce::ending(&self.registry).await;
            self.tolerate(ENDING, ending, ROUNDS).await?;
            let ended = ended::ended(&self.registry).await;
            self.tolerate(ENDED, ended, ROUNDS).await?;
            let lost = self.take_over().await;
            self.tolerate(LOST, lost, ROUNDS).await?;
            self.next_round = passed.saturating_add(ROUNDS);
        }
        if passed >= self.next_abandoned {
            let concluded = exchange::conclude_abandoned(&shared).await;
            self.tolerate(ABANDONED_ATTEMPTS, concluded, ABANDONED).await?;
            self.next_abandoned = passed.saturating_add(ABANDONED);
        }
        let now = shared.clock.now().seconds();
        let is_more = self.begin(Job::Refresh, now).await? | self.begin(Job::Check, now).await?;
        if is_more {
            self.worked(DUE);
            return Ok(SHORT_NAP);
        }
        let next = shared.reader().await?.next_due(now).await?;
        self.worked(DUE);
        let left = next.map_or(LONGEST_NAP, |at| Duration::from_secs(at.saturating_sub(now).unsigned_abs()));
        let round = self.next_round.min(self.next_abandoned).saturating_sub(passed);
        Ok(left.min(round).clamp(SHORT_NAP, LONGEST_NAP))
    }

    /// Logs what failed and goes on, since a part that fails keeps no other from its work.
    ///
    /// # Errors
    ///
    /// That the database cannot be reached, without which no part can do anything.
    async fn tolerate(&mut self, what: &'static str, result: Result<(), Error>, every: Duration) -> Result<(), Error> {
        match result {
            Ok(()) => self.worked(what),
            Err(error) if is_lost(&error) => return Err(error),
            Err(error) => self.failed(what, error, every).await,
        }
        Ok(())
    }

    async fn failed(&mut self, what: &'static str, error: Error, every: Duration) {
        let shared = self.registry.shared.clone();
        if shared.store.is_closed() {
            return;
        }
        let (what, message) = match error {
            Error::Store(lost) if matches!(*lost, StoreError::Unavailable { .. }) => {
                (STORE, shared.store.explained(StoreError::clone(&lost)).await.to_string())
            }
            error => {
                let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
                (what, format!("{what} cannot be looked at: {error}{cause}"))
            }
        };
        self.trouble.failed(what, message, every, shared.clock.passed());
    }

    fn worked(&mut self, what: &'static str) {
        let (shared, now) = (&self.registry.shared, self.registry.shared.clock.passed());
        let place = shared.store.place();
        self.trouble.worked(STORE, || format!("{} is reached again", called(place)), now);
        self.trouble.worked(what, || format!("{what} can be looked at again"), now);
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
            // A probe takes its place beside those of a preflight; it is due still when none is free.
            let place = match job {
                Job::Check => match shared.places.try_take(&provider) {
                    None => continue,
                    place => place,
                },
                Job::Refresh => None,
            };
            if !self.pace.begin(row.id, &provider, passed) {
                continue;
            }
            if job == Job::Check && !claim(&self.registry, &row, now).await? {
                self.pace.end(row.id, &provider);
                continue;
            }
            self.spawn(job, row, provider, place);
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
    fn spawn(&self, job: Job, row: DueRow, provider: Kind, place: Option<ProbePlace>) {
        let shared = self.registry.shared.clone();
        let registry = ConnectionRegistry { shared: shared.clone(), owner: row.owner.clone().into() };
        let done = self.done.0.clone();
        let task = async move {
            let result = match job {
                Job::Check => verify::verify(&registry, row.id, Asker::Schedule).await.map(drop),
                Job::Refresh => renew(&registry, row.id, row.generation, Why::Due).await.map(drop),
            };
            drop(place);
            let (pause, aside) = match result {
                Ok(()) | Err(Error::NotFound(_)) => (None, false),
                Err(Error::NotRenewed { why, .. }) => {
                    (why.recheck_after.filter(|_| why.reason.code == reason::RATE_LIMITED), false)
                }
                // A database that is lost is told by the next look, once.
                Err(error) if is_lost(&error) => (None, true),
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

/// Returns `true` if the database cannot be reached.
fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Store(error) if matches!(**error, StoreError::Unavailable { .. }))
}

/// Takes a look for this process.
async fn claim(registry: &ConnectionRegistry, row: &DueRow, now: i64) -> Result<bool, StoreError> {
    let (id, at) = (row.id, row.at);
    let next = now.saturating_add(CLAIM);
    let claimed =
        registry.shared.store.write_relaxed(move |tx| Box::pin(async move { tx.claim_check(id, at, next).await }));
    claimed.await
}
