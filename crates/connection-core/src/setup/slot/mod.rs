//! The state that a process keeps of a session while it has a handle, a run or a timer: the view for hosts, and the
//! lock of its runs.
//!
//! Nothing here is needed to continue a session; the rows are sufficient.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use connection_contract::{Identity, Kind, Secret};
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    task::AbortHandle,
};
use uuid::Uuid;

use super::{Outcome, SetupStep, StepNo, followers::Followers};
use crate::{
    Error, SessionId,
    credential::Subject,
    store::{ProviderGrantRow, SETUP_INPUT, Sealed, SealedCell, SealedColumn, SealedKey},
};

#[cfg(test)]
mod tests;

/// The view of a session that hosts have.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The number of changes that were new to hosts.
    pub(super) version: u64,
    /// The current step, or `None` while the plugin works and shows nothing.
    pub(super) step: Option<(StepNo, SetupStep)>,
    /// The end of the session, if it has ended.
    pub(super) outcome: Option<Outcome>,
    /// The reason why the session cannot continue now. The session is unchanged and may be resumed.
    pub(super) error: Option<Error>,
    look: String,
    /// The wait at which a run came to rest: its step, and the number of the effect that ends it.
    at: Option<(StepNo, Option<i64>)>,
    /// `true` if a run came to rest at the step, and `false` if the plugin shows it while it works.
    rests: bool,
    /// The number of the effect that ended the last answered wait.
    answered: Option<i64>,
}

/// A candidate that waits for its confirmation, kept by the process that verified it.
pub(super) struct Unconfirmed {
    pub(super) subject: Subject,
    pub(super) identity: Identity,
    /// The digest of the terms of the kind that received the grant.
    pub(super) kind_terms: Option<Vec<u8>>,
    /// The grant at the provider, if it is known.
    pub(super) grant: Option<ProviderGrantRow>,
    pub(super) is_new: bool,
}

/// A rotated credential that could not be recorded yet.
pub(super) struct Unrecorded {
    pub(super) seq: i64,
    pub(super) entry: Secret,
    pub(super) sealed: Option<Sealed>,
    /// `true` if the credential is also kept in the directory of the node.
    pub(super) rescued: bool,
    /// The number of writes that failed.
    pub(super) failures: u32,
}

pub(super) struct Slot {
    pub(super) id: SessionId,
    pub(super) owner: String,
    pub(super) kind: Kind,
    /// Held by the run in progress, so that a process has one run of a session at a time.
    pub(super) running: Arc<AsyncMutex<()>>,
    pub(super) cancelled: watch::Sender<bool>,
    pub(super) followers: Followers,
    view: watch::Sender<View>,
    /// `true` if this process may hold the lease of the session.
    leased: AtomicBool,
    timer: Mutex<Option<AbortHandle>>,
    /// The rotated credential that a run could not record, and that the next run must record first.
    unrecorded: Mutex<Option<Unrecorded>>,
    /// The candidate whose account is shown for confirmation.
    unconfirmed: Mutex<Option<Unconfirmed>>,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({})", self.id)
    }
}

impl Slot {
    pub(super) fn new(id: SessionId, owner: String, kind: Kind) -> Self {
        Self {
            id,
            owner,
            kind,
            running: Default::default(),
            cancelled: watch::Sender::new(false),
            followers: Default::default(),
            view: watch::Sender::default(),
            leased: Default::default(),
            timer: Default::default(),
            unrecorded: Default::default(),
            unconfirmed: Default::default(),
        }
    }

    pub(super) fn view(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }

    /// Shows a step. A step that looks as before is not new. A step after the end of the session, from a plugin that
    /// was left running, is not shown.
    pub(super) fn show(&self, step: (StepNo, SetupStep)) {
        self.see(step, false, None);
    }

    /// Shows the step at which a run comes to rest. `seq` is the number of the effect that ends the wait. The lease
    /// ended when the wait was stored.
    ///
    /// A wait can be answered after the run has stored it and before the run shows it. Such a wait is not shown,
    /// because its question would be asked twice.
    pub(super) fn rest(&self, step: (StepNo, SetupStep), seq: Option<i64>) {
        self.set_leased(false);
        self.see(step, true, seq);
    }

    fn see(&self, step: (StepNo, SetupStep), rests: bool, seq: Option<i64>) {
        let look = format!("{step:?}");
        self.view.send_if_modified(|view| {
            if seq.is_some() && seq <= view.answered {
                return false;
            }
            let changed = view.step.is_none() || view.look != look || view.error.is_some();
            let new = changed && view.outcome.is_none();
            let at = rests.then_some((step.0, seq));
            view.rests = rests;
            view.at = at;
            if new {
                let (version, answered) = (view.version + 1, view.answered);
                *view = View { version, step: Some(step), outcome: None, error: None, look, at, rests, answered };
            }
            new
        });
    }

    /// Notes that a run begins. The current step stays visible.
    pub(super) fn begin(&self) {
        self.view.send_if_modified(|view| {
            view.rests = false;
            view.at = None;
            false
        });
    }

    /// Returns the wait at which a run of this process came to rest.
    pub(super) fn rests_at(&self) -> Option<(StepNo, Option<i64>)> {
        self.view.borrow().at
    }

    pub(super) fn is_leased(&self) -> bool {
        self.leased.load(Ordering::Relaxed)
    }

    pub(super) fn set_leased(&self, leased: bool) {
        self.leased.store(leased, Ordering::Relaxed);
    }

    /// Returns `true` if no run is in progress, or if the one in progress has nothing more to show.
    pub(super) fn is_at_rest(&self) -> bool {
        self.view.borrow().rests || self.running.try_lock().is_ok()
    }

    /// Removes the step from the view, because the effect `seq` answered it and the plugin works.
    pub(super) fn working(&self, seq: Option<i64>) {
        self.view.send_modify(|view| {
            view.answered = view.answered.max(seq);
            view.step = None;
            view.error = None;
            view.look.clear();
            view.rests = false;
            view.at = None;
        });
    }

    /// Returns `true` if hosts see this step as a prompt.
    pub(super) fn shows(&self, no: StepNo) -> bool {
        matches!(&self.view.borrow().step, Some((current, SetupStep::Prompt { .. })) if *current == no)
    }

    /// Prepares the view for a run from the stored rows, which wait at the step `waits_at` or at none. Removes the
    /// error, and the shown step unless the rows wait at it.
    pub(super) fn resumed(&self, waits_at: Option<StepNo>) {
        self.view.send_modify(|view| {
            view.error = None;
            let shown = view.step.as_ref().map(|(no, _)| *no);
            if view.outcome.is_none() && (waits_at.is_none() || shown != waits_at) {
                view.step = None;
                view.look.clear();
                view.rests = false;
                view.at = None;
            }
        });
    }

    pub(super) fn end(&self, no: StepNo, outcome: Outcome) {
        self.stop_timer();
        self.set_leased(false);
        self.view.send_if_modified(|view| {
            let new = view.outcome.is_none();
            if new {
                let step = outcome.step().map(|step| (no, step));
                let version = view.version + u64::from(step.is_some());
                let look = String::new();
                let answered = view.answered;
                *view =
                    View { version, step, outcome: Some(outcome), error: None, look, at: None, rests: true, answered };
            }
            new
        });
    }

    /// Publishes the reason why the session cannot continue now.
    pub(super) fn stuck(&self, error: Error) {
        self.view.send_modify(|view| {
            view.version += 1;
            view.error = Some(error);
            view.rests = true;
        });
    }

    pub(super) fn set_timer(&self, timer: AbortHandle) {
        let before = self.timer.lock().unwrap_or_else(PoisonError::into_inner).replace(timer);
        if let Some(before) = before {
            before.abort();
        }
    }

    pub(super) fn stop_timer(&self) {
        let timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(timer) = timer {
            timer.abort();
        }
    }

    /// Replaces the credential that could not be recorded, and returns the one before.
    pub(super) fn set_unrecorded(&self, unrecorded: Option<Unrecorded>) -> Option<Unrecorded> {
        std::mem::replace(&mut *self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner), unrecorded)
    }

    /// Replaces the candidate whose account is shown, and returns the one before.
    pub(super) fn set_unconfirmed(&self, unconfirmed: Option<Unconfirmed>) -> Option<Unconfirmed> {
        std::mem::replace(&mut *self.unconfirmed.lock().unwrap_or_else(PoisonError::into_inner), unconfirmed)
    }

    /// Returns the cell of the session's row, or of one of its effects, in this column.
    pub(super) fn cell(&self, column: &SealedColumn, number: i64) -> SealedCell {
        column.at(self.id.as_uuid(), number, &self.owner, self.kind.as_str())
    }

    /// Returns the cell of a callback that is kept.
    pub(super) fn input_cell(&self, input: Uuid) -> SealedCell {
        SETUP_INPUT.cell(SealedKey::Input(self.id.as_uuid(), input), &self.owner, self.kind.as_str())
    }
}
