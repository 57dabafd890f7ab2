//! The presence of this process in the store, for which withdrawals wait.
//!
//! A process is present while it uses connections, and a few seconds longer. It announces itself before the first use
//! of a grantee begins, and looks for withdrawals as long as it is present. To take one in, it forgets what it has
//! read, and cuts the uses that depended on what was withdrawn. Then it confirms the number of the withdrawal.
//!
//! A use whose rows were read before the last withdrawal, or by a process that was not present, reads what it depends
//! on once more when it begins. A process that is not present therefore holds up no withdrawal: it announces itself
//! before its next use, and decides that one by all withdrawals until then.
//!
//! Time is measured by the clock of the machine and not by that of the registry: the database and the other processes
//! do not know the latter.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use connection_egress::Moment;
use tokio::sync::watch;

use super::KnownFreezes;
use crate::{
    Clock as _, SystemClock,
    contain::Runtimes,
    platform,
    store::{Changes, StoreError, Version},
};

/// The time for which an announcement lasts, which the queries of the store know, too.
const LASTS: Duration = Duration::from_secs(3);
/// The time after which a process that is present announces itself again.
const AGAIN: Duration = Duration::from_secs(1);
/// The time after the last use for which a process stays present, because another use often follows.
const LINGER: Duration = Duration::from_secs(5);

/// The longest wait of a host's use for the announcement of its process.
const MOMENT: Duration = Duration::from_millis(100);

/// What a registry says about its process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// The random name, which its leases have, too.
    pub(crate) id: String,
    /// `false` if the registry keeps no rows. It then takes no part in withdrawals: each of its uses is decided by rows
    /// that were read for it.
    pub(crate) keeps_rows: bool,
}

/// What this process has announced, and the withdrawals that it knows.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) process: Process,
    /// The name for people.
    name: String,
    pub(super) clock: SystemClock,
    /// Held while the process begins or ends to be present, and while it takes something in.
    changing: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The time of the last announcement, from before it was written; `None` if the process is not present.
    announced: Option<Moment>,
    /// The number of the withdrawal by which uses are decided; `None` before the first announcement.
    number: Option<i64>,
    /// The number of the last withdrawal that was taken in; `None` before the first look.
    confirmed: Option<i64>,
    last_use: Option<Moment>,
    /// `true` while a task looks for withdrawals.
    is_attended: bool,
    /// The last announcement that the use of a host began, which is under way or has ended.
    asked: Option<Asked>,
}

/// An announcement that the use of a host began.
#[derive(Clone, Debug)]
struct Asked {
    began: Moment,
    /// Closed when the announcement has ended.
    ended: watch::Receiver<()>,
}

/// What a new announcement changes.
struct Begun {
    /// `true` if no task looks for withdrawals yet.
    is_unattended: bool,
    /// `true` if something was withdrawn since the last announcement, or there was none.
    is_outdated: bool,
}

impl State {
    fn is_present(&self, now: Moment) -> bool {
        // The wall clock is compared as well, because not every system measures the time for which a machine sleeps.
        let lasts = |at: Moment| at.age(now) < LASTS && (0..=4).contains(&now.seconds().saturating_sub(at.seconds()));
        self.announced.is_some_and(lasts)
    }
}

impl Presence {
    pub(super) fn new(process: Process) -> Self {
        Self {
            process,
            name: platform::process_name(),
            clock: SystemClock::new(),
            changing: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// Returns the number of the withdrawal by which uses are decided; `None` if the process is not present.
    pub(super) fn number(&self) -> Option<i64> {
        let now = Moment::of(&self.clock);
        let state = self.lock();
        state.number.filter(|_| state.is_present(now))
    }

    /// Returns the number as [`number`](Self::number) does, and notes a use.
    pub(super) fn number_for_use(&self) -> Option<i64> {
        let now = Moment::of(&self.clock);
        let mut state = self.lock();
        state.last_use = Some(now);
        state.number.filter(|_| state.is_present(now))
    }

    /// Notes that the process is present since this time.
    fn begin(&self, at: Moment, number: i64) -> Begun {
        let mut state = self.lock();
        state.announced = Some(at);
        // The uses that have begun before are looked at.
        state.confirmed = None;
        Begun {
            is_unattended: !std::mem::replace(&mut state.is_attended, true),
            is_outdated: state.number.replace(number) != Some(number),
        }
    }

    /// Ends the presence if nothing was used for a while. Returns `true` if it has ended.
    fn ends(&self, has_uses: bool) -> bool {
        let now = Moment::of(&self.clock);
        let mut state = self.lock();
        if has_uses || state.last_use.is_some_and(|at| at.age(now) < LINGER) {
            return false;
        }
        state.announced = None;
        state.is_attended = false;
        true
    }

    /// Returns `true` if the process has ended its presence by itself. Nobody looks for withdrawals then.
    fn has_left(&self) -> bool {
        let mut state = self.lock();
        if state.announced.is_none() {
            state.is_attended = false;
        }
        state.announced.is_none()
    }

    /// Notes that no task looks for withdrawals any longer.
    fn unattended(&self) {
        let mut state = self.lock();
        state.announced = None;
        state.is_attended = false;
    }

    fn is_due(&self) -> bool {
        let now = Moment::of(&self.clock);
        self.lock().announced.is_none_or(|at| at.age(now) >= AGAIN)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KnownFreezes {
    /// Announces this process, unless it is present. Returns the number of the withdrawal by which uses are decided.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(super) async fn announced(self: &Arc<Self>) -> Result<i64, StoreError> {
        let Some(runtimes) = self.runtimes.upgrade() else { return Err(StoreError::Closed) };
        let on = self.clone();
        // A caller that leaves must not leave a row to which nobody attends.
        runtimes.spawn(async move { on.announce().await }).await.unwrap_or(Err(StoreError::Panicked))
    }

    /// Announces this process as [`announced`](Self::announced) does, for the use of a host. All such uses wait for one
    /// announcement, and only for a moment after it began, because a use must be possible while the store cannot be
    /// written.
    pub(super) async fn announced_soon(self: &Arc<Self>) -> Option<i64> {
        let runtimes = self.runtimes.upgrade()?;
        let now = Moment::of(&self.presence.clock);
        let Asked { began, mut ended } = self.asked(&runtimes, now);
        tokio::select! {
            biased;
            _ = ended.changed() => self.presence.number(),
            () = self.presence.clock.sleep(MOMENT.saturating_sub(began.age(now))) => None,
        }
    }

    /// Returns the announcement under way, or begins one.
    fn asked(self: &Arc<Self>, runtimes: &Runtimes, now: Moment) -> Asked {
        let mut state = self.presence.lock();
        // The channel of an announcement that has ended is closed.
        if let Some(asked) = state.asked.clone().filter(|asked| asked.ended.has_changed().is_ok()) {
            return asked;
        }
        let (ends, ended) = watch::channel(());
        let asked = Asked { began: now, ended };
        state.asked = Some(asked.clone());
        let on = self.clone();
        drop(runtimes.spawn(async move {
            if let Err(error) = on.announce().await {
                tracing::debug!(%error, "the process could not be announced to the others");
            }
            drop(ends);
        }));
        asked
    }

    async fn announce(self: &Arc<Self>) -> Result<i64, StoreError> {
        let _changing = self.presence.changing.lock().await;
        if let Some(number) = self.presence.number() {
            return Ok(number);
        }
        let at = Moment::of(&self.presence.clock);
        self.write_presence(true).await?;
        // This is read after the commit: whoever makes a later withdrawal finds the announcement.
        let number = self.store.reader().await?.withdrawals().await?;
        let Begun { is_unattended, is_outdated } = self.presence.begin(at, number);
        if is_outdated {
            // What was read before is read again, so that the next uses know which withdrawal it follows.
            self.store.withdrawn();
        }
        if is_unattended && let Some(runtimes) = self.runtimes.upgrade() {
            drop(runtimes.spawn(attend(Arc::downgrade(self), self.presence.clock)));
        }
        Ok(number)
    }

    /// Writes that this process is present, and what it has taken in.
    async fn write_presence(&self, is_first: bool) -> Result<(), StoreError> {
        let (id, name) = (self.presence.process.id.clone(), self.presence.name.clone());
        // No withdrawal has this number.
        let confirmed = self.presence.lock().confirmed.filter(|_| !is_first).unwrap_or(-1);
        let program = self.store.program().schema;
        // If the power fails, this process ends, or the database does, without which no use begins.
        let written = self.store.write_relaxed(move |tx| {
            Box::pin(async move {
                if is_first {
                    tx.forget_absent().await?;
                }
                tx.announce_process(&id, &name, confirmed, program).await
            })
        });
        written.await
    }

    /// Looks for withdrawals once, unless nothing was committed since the version `before` of the store, and announces
    /// this process again if that is due. Returns the version of the store, if it has one, or `None` if the process is no
    /// longer present.
    async fn look(&self, before: Option<Version>) -> Result<Option<Looked>, StoreError> {
        let presence = &self.presence;
        let _changing = presence.changing.lock().await;
        if presence.has_left() {
            return Ok(None);
        }
        if presence.ends(self.has_uses()) {
            self.write_absence().await?;
            return Ok(None);
        }
        let version = self.store.version(&presence.clock, Changes::FOR_COMMITS / 2).await;
        let version = version.map(|looked| looked.version);
        let mut is_due = presence.is_due();
        let is_new = presence.lock().confirmed.is_none();
        if is_new || version.is_none() || version != before {
            let number = self.store.reader().await?.withdrawals().await?;
            let is_known = presence.lock().confirmed == Some(number);
            if !is_known {
                self.take_in(number).await?;
                presence.lock().confirmed = Some(number);
                is_due = true;
            }
        }
        if is_due {
            let at = Moment::of(&presence.clock);
            self.write_presence(false).await?;
            presence.lock().announced = Some(at);
        }
        Ok(Some(Looked { version }))
    }

    /// Takes in what was withdrawn before this call, if this process is present or has uses in progress, and returns the
    /// number of the last withdrawal. The uses of this process have then ended.
    ///
    /// # Errors
    ///
    /// The store's errors. Some uses may not be cut.
    pub(super) async fn take_in_all(&self) -> Result<i64, StoreError> {
        // The number is read under the lock: one that was read before could replace a later one of another call.
        let _changing = self.presence.changing.lock().await;
        let number = self.store.reader().await?.withdrawals().await?;
        let is_taken_in = self.presence.lock().confirmed == Some(number);
        if !is_taken_in && (self.presence.number().is_some() || self.has_uses()) {
            self.take_in(number).await?;
        }
        Ok(number)
    }

    /// Decides all uses that begin from now on by the withdrawals up to this one, and cuts those that it concerns.
    ///
    /// # Errors
    ///
    /// The store's errors. Some uses may not be cut.
    async fn take_in(&self, number: i64) -> Result<(), StoreError> {
        let known = self.presence.lock().number.replace(number);
        if known != Some(number) {
            self.store.withdrawn();
        }
        self.read(None).await?;
        self.read_permits().await
    }

    /// Ends the presence before the store is closed.
    pub(crate) async fn leave(&self) {
        let _changing = self.presence.changing.lock().await;
        let was_present = self.presence.lock().announced.take().is_some();
        if was_present && let Err(error) = self.write_absence().await {
            // The announcement ends by itself.
            tracing::debug!(%error, "the others could not be told that the process ends");
        }
    }

    async fn write_absence(&self) -> Result<(), StoreError> {
        let id = self.presence.process.id.clone();
        self.store.write_relaxed(move |tx| Box::pin(async move { tx.leave(&id).await })).await
    }
}

/// A look at the store while the process is present.
struct Looked {
    /// The version of the store; `None` for an engine that has none, and if it could not be read.
    version: Option<Version>,
}

/// Looks for withdrawals as long as the process is present.
async fn attend(freezes: Weak<KnownFreezes>, clock: SystemClock) {
    let mut version = None;
    loop {
        let Some(on) = freezes.upgrade() else { return };
        version = match on.look(version).await {
            Ok(Some(looked)) => looked.version,
            Ok(None) => return,
            Err(StoreError::Closed) => return on.presence.unattended(),
            Err(error) => {
                // Without announcements, the process is soon not present, and its uses are decided as they begin.
                tracing::debug!(%error, "it could not be read what was withdrawn");
                None
            }
        };
        drop(on);
        // A look at a version is cheap.
        clock.sleep(if version.is_some() { Changes::FOR_COMMITS } else { Changes::FOR_WITHDRAWALS }).await;
    }
}
