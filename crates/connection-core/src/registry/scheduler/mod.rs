//! The scheduler: refreshes and verifies what is due, announces ends, resumes setups whose run was lost, ends rows by their
//! time, and concludes attempts of processes of its node that are gone. It works for all owners.
//!
//! Its state is in rows, and everything that it begins is a separate task or a transaction, so it may be dropped at any
//! await, and any number of processes may run one. If several find the same row due, a lease or a compare-and-swap
//! selects one of them.

mod announce;
mod ended;
mod misdated;
mod old_rows;
mod pace;
mod trouble;

use std::{
    collections::{BTreeMap, HashMap},
    error::Error as _,
    time::Duration,
};

use connection_contract::{BoxFuture, Kind, reason};
use connection_egress::sleep_passed;
use tokio::sync::mpsc;

use crate::{
    ConnectionId, ConnectionRegistry, Error, SessionId, StoreError, exchange,
    ground::{Ground, Lane, Scope},
    refresh::{Trigger, refresh},
    setup,
    store::{DueRow, any_of, called},
    verify::{self, ProbePermit, ProbeTrigger},
};
use pace::{MAX_JOBS, Pace, Slot};
use trouble::Trouble;

/// The longest pause between two rounds. It bounds the delay of a row that another process stores.
const MAX_SLEEP: Duration = Duration::from_secs(15);
/// The pause while something is due that may not begin yet.
const BUSY_SLEEP: Duration = Duration::from_secs(1);
/// The time between two searches for ends and for lost sessions.
const ROUND_INTERVAL: Duration = Duration::from_secs(10);
/// The time between two searches for abandoned attempts.
const ABANDONED_INTERVAL: Duration = Duration::from_secs(5);
/// The seconds after which a claimed check that had no result is due again.
const CLAIM_SECONDS: i64 = 120;
/// Maximum number of rows per search.
const BATCH: i64 = 64;
/// The time for which a row that failed because of this host is skipped.
const SET_ASIDE_TIME: Duration = Duration::from_secs(60);

/// The parts of the scheduler's work, as the log names them.
const STORE: &str = "the database";
const DUE: &str = "credentials that are due";
const KINDS: &str = "kinds that have connections";
const ENDING: &str = "credentials that end soon";
const ENDED: &str = "credentials that have ended";
const MISDATED: &str = "verifications that were planned by a wrong clock";
const USED_UP: &str = "tokens that are used up by their use";
const LOST: &str = "setups whose process has ended";
const ABANDONED_ATTEMPTS: &str = "attempts of processes that have ended";

/// The work to do for a due row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Check,
    Refresh,
    /// A verification after a use that the provider refused.
    RefusedUse,
}

/// The result of the work for one due row.
struct Done {
    id: ConnectionId,
    owner: String,
    /// The pause that the provider asked for, with the origin that was asked.
    pause: Option<(String, Duration)>,
    /// `true` if the row is not to be tried again at once.
    aside: bool,
}

impl ConnectionRegistry {
    /// Runs the scheduler for all owners, until the registry is closed.
    ///
    /// The scheduler refreshes credentials when they are due, verifies connections again after a pause that their
    /// provider asked for, records once that something ends within seven days, and resumes setups whose run was lost. It
    /// also ends setups and requests for approval whose time has passed, and deletes what is kept no longer.
    ///
    /// A host spawns this future in any number of processes. Without it, credentials are refreshed at their next use, and
    /// what is kept no longer stays in the database, where it counts as deleted.
    ///
    /// The work ends when this program becomes too old to write the database, or when the file of the database was
    /// moved, deleted or replaced.
    ///
    /// The scheduler logs once that the database cannot be reached and once that it can be reached again, under the
    /// target `connections::operations`.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time. Work that it has begun continues.
    pub fn run(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut scheduler = Scheduler::new(self.clone());
            self.systems.ground.try_applications_again(None);
            while !self.systems.ground.store.is_closed() {
                let began = self.systems.ground.clock.passed();
                let store = &self.systems.ground.store;
                if store.is_too_old() || store.check_files().is_err() {
                    // Newer programs, or processes with the file that is there now, do the work. The log says why this
                    // one may not.
                    scheduler.rest(began.saturating_add(MAX_SLEEP)).await;
                    continue;
                }
                let next = match scheduler.begin_due_work().await {
                    Ok(nap) => began.saturating_add(nap),
                    Err(error) => {
                        scheduler.failed(DUE, error, MAX_SLEEP).await;
                        self.systems.ground.clock.passed().saturating_add(MAX_SLEEP)
                    }
                };
                scheduler.rest(next).await;
            }
        })
    }
}

struct Scheduler {
    registry: ConnectionRegistry,
    pace: Pace,
    done: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    /// The time of the next round, as the clock's `passed`.
    next_round: Duration,
    /// The time of the next search for abandoned attempts, as the clock's `passed`.
    next_abandoned: Duration,
    /// The times of the next searches for [old rows](old_rows::ALL) by their names, as the clock's `passed`.
    next_ends: BTreeMap<&'static str, Duration>,
    /// The sessions that no process held in the last round, with their positions.
    lost: HashMap<SessionId, i64>,
    trouble: Trouble,
}

impl Scheduler {
    fn new(registry: ConnectionRegistry) -> Self {
        let now = registry.systems.ground.clock.passed();
        Self {
            registry,
            pace: Pace::default(),
            done: mpsc::unbounded_channel(),
            next_round: now,
            next_abandoned: now,
            next_ends: BTreeMap::new(),
            lost: HashMap::new(),
            trouble: Trouble::default(),
        }
    }

    /// Begins the work that is due and may begin. Returns how long there is nothing more to do.
    async fn begin_due_work(&mut self) -> Result<Duration, Error> {
        let systems = self.registry.systems.clone();
        let passed = systems.ground.clock.passed();
        if passed >= self.next_round {
            // Another process may have connected an account of a kind that this one has not read yet.
            let read = systems.ground.read_connected_kinds().await;
            self.tolerate(KINDS, read, ROUND_INTERVAL).await?;
            systems.ground.follow_applications();
            systems.ground.http.report_answers_again();
            let ending = announce::ending(&self.registry).await;
            self.tolerate(ENDING, ending, ROUND_INTERVAL).await?;
            let ended = ended::ended(&self.registry).await;
            self.tolerate(ENDED, ended, ROUND_INTERVAL).await?;
            let misdated = misdated::misdated(&self.registry).await;
            self.tolerate(MISDATED, misdated, ROUND_INTERVAL).await?;
            self.notice_promotion().await?;
            let lost = self.take_over().await;
            self.tolerate(LOST, lost, ROUND_INTERVAL).await?;
            self.pace.has_several_owners = systems.ground.reader().await?.has_several_owners().await?;
            self.next_round = passed.saturating_add(ROUND_INTERVAL);
        }
        if passed >= self.next_abandoned {
            let concluded = exchange::conclude_abandoned(&systems.exchange).await;
            self.tolerate(ABANDONED_ATTEMPTS, concluded, ABANDONED_INTERVAL).await?;
            self.next_abandoned = passed.saturating_add(ABANDONED_INTERVAL);
        }
        self.end_old_rows(passed).await?;
        let now = systems.ground.clock.now().seconds();
        let is_more = self.begin(Job::Refresh, now).await?
            | self.begin(Job::Check, now).await?
            | self.begin(Job::RefusedUse, now).await?;
        if is_more {
            self.worked(DUE);
            return Ok(BUSY_SLEEP);
        }
        let next = systems.ground.reader().await?.next_due(now).await?;
        self.worked(DUE);
        let left = next.map_or(MAX_SLEEP, |at| Duration::from_secs(at.saturating_sub(now).unsigned_abs()));
        let next_end = self.next_ends.values().min().copied().unwrap_or(passed);
        let round = self.next_round.min(self.next_abandoned).min(next_end).saturating_sub(passed);
        Ok(left.min(round).clamp(BUSY_SLEEP, MAX_SLEEP))
    }

    /// Logs once that tokens are not sent because the server was promoted, and once that they are sent again.
    async fn notice_promotion(&mut self) -> Result<(), Error> {
        let systems = self.registry.systems.clone();
        let now = systems.ground.clock.passed();
        match systems.ground.store.refuse_after_promotion().await {
            Ok(()) => self.trouble.worked(USED_UP, || format!("{USED_UP} are sent again"), now),
            Err(promoted @ StoreError::Promoted { .. }) => {
                let remedy = promoted.remedy().unwrap_or_default();
                self.trouble.failed(USED_UP, format!("{promoted}; {remedy}"), ROUND_INTERVAL, now);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Ends the rows whose time has passed, as far as one round does.
    async fn end_old_rows(&mut self, passed: Duration) -> Result<(), Error> {
        for rows in &old_rows::ALL {
            if self.next_ends.get(rows.name).is_some_and(|next| passed < *next) {
                continue;
            }
            let is_more = rows.round(&self.registry).await;
            let pause = if matches!(is_more, Ok(true)) { BUSY_SLEEP } else { rows.interval };
            self.tolerate(rows.name, is_more.map(drop), rows.interval).await?;
            self.next_ends.insert(rows.name, passed.saturating_add(pause));
        }
        Ok(())
    }

    /// Logs a failure and continues, so that a part that fails does not stop the others.
    ///
    /// # Errors
    ///
    /// Returns the error if the database cannot be reached, because then no part can work.
    async fn tolerate(&mut self, what: &'static str, result: Result<(), Error>, every: Duration) -> Result<(), Error> {
        match result {
            Ok(()) => self.worked(what),
            Err(error) if is_lost(&error) => return Err(error),
            Err(error) => self.failed(what, error, every).await,
        }
        Ok(())
    }

    async fn failed(&mut self, what: &'static str, error: Error, every: Duration) {
        let systems = self.registry.systems.clone();
        if systems.ground.store.is_closed() {
            return;
        }
        let (what, message) = match error {
            Error::Store(lost) if matches!(*lost, StoreError::Unavailable { .. }) => {
                (STORE, systems.ground.store.explained(StoreError::clone(&lost)).await.to_string())
            }
            error => {
                let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
                (what, format!("cannot look for {what}: {error}{cause}"))
            }
        };
        self.trouble.failed(what, message, every, systems.ground.clock.passed());
    }

    fn worked(&mut self, what: &'static str) {
        let systems = &self.registry.systems;
        let now = self.registry.systems.ground.clock.passed();
        let place = systems.ground.store.place();
        self.trouble.worked(STORE, || format!("{} can be reached again", called(place)), now);
        self.trouble.worked(what, || format!("{what} can be looked for again"), now);
    }

    /// Begins due jobs. Returns `true` if there were any.
    async fn begin(&mut self, job: Job, now: i64) -> Result<bool, Error> {
        let systems = self.registry.systems.clone();
        let passed = systems.ground.clock.passed();
        let free = MAX_JOBS.saturating_sub(self.pace.running());
        if free == 0 {
            return Ok(true);
        }
        let kinds = any_of(self.kinds(job).iter().map(Kind::as_str));
        let busy = self.pace.busy(passed, |lane| systems.ground.kinds.names_of_provider(lane.kind()));
        let mut reader = systems.ground.reader().await?;
        let limit = BATCH.saturating_add(self.pace.aside());
        let due = match job {
            Job::Check => reader.due_checks(now, &kinds, &busy, limit).await?,
            Job::Refresh => reader.due_refreshes(now, &kinds, &busy, limit).await?,
            Job::RefusedUse => {
                let passwords = systems.ground.kinds.read_entries();
                let passwords =
                    any_of(passwords.iter().filter(|kind| kind.has_password()).map(|kind| kind.kind().as_str()));
                reader.due_refused_uses(&kinds, &passwords, &busy, limit).await?
            }
        };
        drop(reader);
        let found = !due.is_empty();
        for row in due {
            let Some(kind) = Kind::parse(&row.kind) else { continue };
            let lane = systems.ground.lane(&row.owner, &kind);
            let slot = Slot { lane: lane.clone(), owner: row.owner.clone(), origin: row.origin.clone() };
            // A probe needs a permit, as those of a preflight do. If none is free, the row stays due.
            let permit = match job {
                Job::Check | Job::RefusedUse => match systems.verify.probe_permits.try_take(&lane) {
                    None => continue,
                    permit => permit,
                },
                Job::Refresh => None,
            };
            if !self.pace.begin(row.id, &slot, passed) {
                continue;
            }
            let is_claimed = match job {
                Job::Check => claim(&self.registry, &row, now).await?,
                Job::Refresh => true,
                Job::RefusedUse => self.claim_refused_use(&row, &kind, passed).await?,
            };
            if !is_claimed {
                self.pace.end(row.id);
                continue;
            }
            self.spawn(job, row, permit);
        }
        Ok(found)
    }

    /// Returns the registered kinds whose providers may be asked now.
    fn kinds(&self, job: Job) -> Vec<Kind> {
        let systems = &self.registry.systems;
        let kinds = match job {
            Job::Check | Job::RefusedUse => systems.ground.registered(),
            Job::Refresh => systems.ground.renewing(),
        };
        let may_ask = |kind: &Kind| self.pace.may_ask(&Lane::of_provider(systems.ground.provider_of(kind)));
        kinds.into_iter().filter(may_ask).collect()
    }

    /// Claims the verification after a refused use. During a pause of the connection, the row is set aside for a moment, so
    /// that it is not read again and again.
    async fn claim_refused_use(&mut self, row: &DueRow, kind: &Kind, passed: Duration) -> Result<bool, Error> {
        let is_claimed = verify::refused_use::claim(&self.registry.systems.verify, &row.owner, kind, row.id).await?;
        if !is_claimed {
            self.pace.put_aside(row.id, passed.saturating_add(MAX_SLEEP));
        }
        Ok(is_claimed)
    }

    /// Runs a job on its own task, for the row's owner.
    fn spawn(&self, job: Job, row: DueRow, permit: Option<ProbePermit>) {
        let systems = self.registry.systems.clone();
        let done = self.done.0.clone();
        let task = async move {
            let scope = Scope { system: &systems.verify, owner: &row.owner };
            let result = match job {
                Job::Check | Job::RefusedUse => {
                    let asker = if job == Job::Check { ProbeTrigger::Schedule } else { ProbeTrigger::Use };
                    verify::verify(scope, row.id, asker, permit).await.map(|info| info.paused_until)
                }
                Job::Refresh => {
                    refresh(scope.on(&systems.refresh), row.id, row.generation, Trigger::Due).await.map(|_| None)
                }
            };
            let (pause, aside) = match result {
                Ok(Some(until)) => {
                    let left = until.seconds().saturating_sub(systems.ground.clock.now().seconds()).max(0);
                    (Some(Duration::from_secs(left.unsigned_abs())), false)
                }
                Ok(None) | Err(Error::NotFound(_)) => (None, false),
                // A person has to accept the terms of the kind, or to add the extension that brings it, which the
                // connection says.
                Err(Error::KindChanged { .. } | Error::UnknownKind(_)) => (None, true),
                Err(Error::NotRenewed { why, .. }) => {
                    (why.recheck_after.filter(|_| why.reason.code == reason::RATE_LIMITED), false)
                }
                // The next round reports once that the database cannot be reached.
                Err(error) if is_lost(&error) => (None, true),
                Err(error) => {
                    tracing::warn!(
                        connection = %row.id, code = error.code(),
                        "a due refresh or check of a connection failed"
                    );
                    (None, true)
                }
            };
            let pause = match pause {
                Some(pause) => paused_origin(&systems.ground, job, row.id).await.map(|origin| (origin, pause)),
                None => None,
            };
            // The send fails only if the scheduler was dropped.
            drop(done.send(Done { id: row.id, owner: row.owner, pause, aside }));
        };
        drop(self.registry.systems.ground.runtimes.spawn(task));
    }

    /// Takes over running sessions that no process held in two rounds, at the same position.
    async fn take_over(&mut self) -> Result<(), Error> {
        let systems = &self.registry.systems;
        let now = systems.ground.clock.now().seconds();
        let rows = systems.ground.reader().await?.lost_setups(now, BATCH).await?;
        let mut lost = HashMap::new();
        for row in rows {
            if self.lost.get(&row.id) == Some(&row.step_seq) {
                setup::take_over(&systems.setup, &row).await?;
            } else {
                lost.insert(row.id, row.step_seq);
            }
        }
        self.lost = lost;
        Ok(())
    }

    /// Waits until a job ends or `next` has passed on the clock.
    async fn rest(&mut self, next: Duration) {
        let systems = self.registry.systems.clone();
        tokio::select! {
            biased;
            // The scheduler holds the sender, so the channel stays open.
            Some(done) = self.done.1.recv() => self.ended(done),
            () = systems.ground.answers.due.notified() => {}
            () = sleep_passed(&*systems.ground.clock, || next.saturating_sub(systems.ground.clock.passed())) => {}
        }
        while let Ok(done) = self.done.1.try_recv() {
            self.ended(done);
        }
    }

    fn ended(&mut self, done: Done) {
        let passed = self.registry.systems.ground.clock.passed();
        let Done { id, owner, pause, aside } = done;
        self.pace.end(id);
        if let Some((origin, pause)) = pause {
            self.pace.pause(origin, owner, passed, pause);
        }
        if aside {
            self.pace.put_aside(id, passed.saturating_add(SET_ASIDE_TIME));
        }
    }
}

/// Returns the origin that asked a connection to wait; `None` if it cannot be read.
async fn paused_origin(ground: &Ground, job: Job, id: ConnectionId) -> Option<String> {
    let asked = ground.reader().await.ok()?.asked_origins(id).await.ok()?;
    match job {
        Job::Refresh => asked.refresh_origin,
        Job::Check | Job::RefusedUse => asked.probe_origin,
    }
}

/// Returns `true` if the database cannot be reached.
fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Store(error) if matches!(**error, StoreError::Unavailable { .. }))
}

/// Claims a check for this process.
async fn claim(registry: &ConnectionRegistry, row: &DueRow, now: i64) -> Result<bool, StoreError> {
    let id = row.id;
    let at = row.at;
    let next = now.saturating_add(CLAIM_SECONDS);
    let claimed = registry
        .systems
        .ground
        .store
        .write_relaxed(move |tx| Box::pin(async move { tx.claim_check(id, at, next).await }));
    claimed.await
}
