//! One attempt to continue a session: the plugin runs through the journal, and what it made is verified, confirmed and
//! stored.
//!
//! Each step is a method that returns the next step's subject, or the [`Early`] end of the attempt.

use std::sync::Arc;

use connection_contract::{Secret, SetupFailure, SetupResult, Timestamp};
use connection_replay::Fault;

use super::{
    System,
    candidate::{self, Candidate, SetupRequest, removed},
    codec::Purpose,
    confirm::{self, NextStep},
    effects::{Effects, Inner, SetupHost, Stop},
    ended,
    finish::{self, Finished},
    lease::{self, Halt},
    offline::{self, Resumed},
    plugin, rotated,
    row::{self, Loaded},
    slot::Slot,
    wait::{AfterRun, Suspended, suspend},
};
use crate::{
    Error, StoreError,
    contain::Contained,
    kinds::KindEntry,
    limits,
    store::{Sealed, rows::SetupRow},
};

/// Continues a session, as far as it can continue now.
///
/// # Errors
///
/// The session cannot continue now. Its rows are as they were, or say how it continues.
pub(super) async fn attempt(system: &Arc<System>, slot: &Arc<Slot>) -> Result<AfterRun, Error> {
    match (Attempt { system, slot }).to_the_end().await {
        Ok(after) | Err(Early::After(after)) => Ok(after),
        Err(Early::Error(error)) => Err(error),
    }
}

/// An end of an attempt before its last step.
enum Early {
    After(AfterRun),
    /// The session cannot continue now.
    Error(Error),
}

struct Attempt<'a> {
    system: &'a Arc<System>,
    slot: &'a Arc<Slot>,
}

impl Attempt<'_> {
    async fn to_the_end(&self) -> Result<AfterRun, Early> {
        let Self { system, slot } = self;
        // The result is ignored. If the credential can no longer be recorded, the rows say how the session continues.
        rotated::record(system, slot).await?;
        let (row, effects) = self.open_rows().await?;
        let kind = system.ground.kind(&slot.owner, &slot.kind).await?;
        let loaded = self.load(&row, effects).await?;
        if loaded.header.kind_terms.as_deref() != kind.terms_digest() {
            return Err(self.fail(row.step_seq, candidate::kind_changed(&kind)).await);
        }
        let confirms = loaded.header.confirm;
        let request = self.current_request(&row, &loaded).await?;
        if let Some(waits) = confirm::show_again(system, slot, &row).await? {
            return Ok(waits);
        }
        slot.set_unconfirmed(None);
        let (mut inner, made) = self.run_plugin(&row, &kind, loaded).await?;
        // If a candidate that the plugin measured itself was offline, resuming the session repeats the plugin's last
        // request.
        let asked = made.measured.as_ref().and_then(|_| inner.run.last_asked());
        let resumed = asked.map_or(Resumed::Verifies, Resumed::Asks);
        let candidate = self.verify(&row, &kind, request, &mut inner, made).await?;
        let candidate = match confirm::next_step(system, slot, confirms, &mut inner, candidate).await? {
            NextStep::Finish(candidate) => candidate,
            NextStep::Show(suspended) => return Ok(suspend(system, slot, &inner, *suspended).await?),
        };
        // From here on, only the store decides how the session ends.
        Ok(match finish::finish(system, slot, step_seq(&inner), candidate).await? {
            Finished::Offline(reason) => offline::pause(system, slot, &row, &inner, resumed, reason).await?,
            finished => finished.into(),
        })
    }

    /// Reads the rows of the session, if it is open.
    async fn open_rows(&self) -> Result<(SetupRow, Vec<(i64, Sealed)>), Early> {
        let Self { system, slot } = self;
        let rows = system.ground.reader().await?.setup_and_effects(slot.id).await?;
        let (row, effects) = rows.ok_or(Error::SessionNotFound(slot.id))?;
        if let Some(outcome) = ended::ended(system, slot, &row).await? {
            slot.end(row::step_no(row.step_seq), outcome);
            return Err(AfterRun::Rest.into());
        }
        if Timestamp::from_seconds(row.expires_at) <= system.ground.clock.now() {
            return Err(self.fail(row.step_seq, row::expired()).await);
        }
        Ok((row, effects))
    }

    /// Opens the sealed results of the journal, or fails the session if one cannot be opened.
    async fn load(&self, row: &SetupRow, effects: Vec<(i64, Sealed)>) -> Result<Loaded, Early> {
        match row::load(self.system, self.slot, row, effects).await? {
            Ok(loaded) => Ok(loaded),
            Err(failure) => Err(self.fail(row.step_seq, failure).await),
        }
    }

    /// Returns the request with which the session was begun, if what it is for still exists.
    async fn current_request(&self, row: &SetupRow, loaded: &Loaded) -> Result<SetupRequest, Early> {
        let Self { system, slot } = self;
        let profile = loaded.header.profile.as_ref().map(|profile| profile.id);
        if candidate::is_profile_gone(system, slot, profile).await? {
            return Err(self.fail(row.step_seq, candidate::profile_removed()).await);
        }
        let purpose = loaded.header.purpose.clone();
        if matches!(purpose, Purpose::Reauthorize { .. })
            && system.ground.reader().await?.account(row.connection_id).await?.is_none()
        {
            return Err(self.fail(row.step_seq, removed()).await);
        }
        let is_of_visitor = loaded.header.answerer.is_visitor();
        Ok(SetupRequest { connection: row.connection_id, purpose, profile, is_of_visitor })
    }

    /// Runs the plugin from its start, and returns what it made.
    async fn run_plugin(
        &self,
        row: &SetupRow,
        kind: &Arc<KindEntry>,
        loaded: Loaded,
    ) -> Result<(Inner, SetupResult<Secret>), Early> {
        let host = SetupHost::new(loaded, self.system.clone(), kind.clone(), self.slot.clone());
        let ran = self.unless_cancelled(plugin::run(self.system, kind, Effects::new(host))).await?;
        let Some((mut inner, result)) = ran else { return Err(self.fail(row.step_seq, timed_out()).await) };
        let made = self.made(row, &mut inner, result).await?;
        Ok((inner, made))
    }

    /// Returns what the plugin made, if its run ended with a result.
    ///
    /// A reason to stop comes before the result, so that a plugin cannot hide a fault by returning.
    async fn made(
        &self,
        row: &SetupRow,
        inner: &mut Inner,
        result: plugin::PluginResult,
    ) -> Result<SetupResult<Secret>, Early> {
        let Self { system, slot } = self;
        let no = step_seq(inner);
        let failure = match (inner.run.stop.take(), result) {
            (Some(Stop::Fault(fault)), _) => fault.failure,
            (_, Contained::Panicked) => panicked(),
            (Some(Stop::Halt(Halt::Suspend(error))), _) => return Err(error.into()),
            (Some(Stop::Halt(Halt::Lost)), _) => return Err(AfterRun::Again.into()),
            (Some(Stop::Halt(Halt::Held)), _) => return Err(self.wait_for_holder().await),
            (Some(Stop::Wait(suspended)), _) => {
                let suspended = Suspended::of(system, &inner.heard, *suspended);
                return Err(suspend(system, slot, inner, suspended).await.into());
            }
            (None, Contained::TimedOut | Contained::Stopped) => timed_out(),
            (None, Contained::Ended(Err(failure))) if !inner.run.is_replaying() => {
                return Err(offline::rest_or_fail(system, slot, row, inner, limits::failure(failure)).await.into());
            }
            (None, Contained::Ended(Err(_))) => Fault::changed().failure,
            (None, Contained::Ended(Ok(made))) => match rotated::replayed(inner, made) {
                Some(made) => return Ok(made),
                None => Fault::changed().failure,
            },
        };
        Err(self.fail(no, failure).await)
    }

    /// Verifies what the plugin made, while no other process does, and records a credential that was rotated by it.
    async fn verify(
        &self,
        row: &SetupRow,
        kind: &Arc<KindEntry>,
        request: SetupRequest,
        inner: &mut Inner,
        made: SetupResult<Secret>,
    ) -> Result<Candidate, Early> {
        let Self { system, slot } = self;
        if made.measured.is_some() {
            // The plugin measured the candidate itself, and what that rotated is in the journal already.
            return self.unless_cancelled(candidate::candidate(system, slot, kind, request, inner, made)).await;
        }
        if let Some(reason) = offline::paused(system, slot, row).await? {
            return Err(offline::pause(system, slot, row, inner, Resumed::Verifies, reason).await.into());
        }
        // Record the rotated credential that another process of this node received and could not record.
        if rotated::ingest(system, slot).await? {
            return Err(AfterRun::Again.into());
        }
        let leased = inner.leased.take();
        let verified = candidate::candidate(system, slot, kind, request, inner, made);
        let verified = lease::with_lease(system, slot, leased, inner.run.next, verified);
        let candidate = match self.unless_cancelled(verified).await? {
            Ok((_, candidate)) => candidate,
            Err(Halt::Suspend(error)) => return Err(error.into()),
            Err(Halt::Held | Halt::Lost) => return Err(self.wait_for_holder().await),
        };
        match rotated::keep(system, slot, inner, &candidate).await? {
            true => Ok(candidate),
            false => Err(AfterRun::Again.into()),
        }
    }

    /// Polls `work` until it ends or the session is cancelled. The cancellation ends the session; the work is only
    /// dropped.
    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Early> {
        let mut cancelled = self.slot.cancelled.subscribe();
        tokio::select! {
            biased;
            _ = cancelled.wait_for(|cancelled| *cancelled) => Err(AfterRun::Rest.into()),
            ended = work => Ok(ended),
        }
    }

    /// Waits until no other process holds the lease, so that its results are read.
    async fn wait_for_holder(&self) -> Early {
        match self.unless_cancelled(lease::until_free(self.system, self.slot)).await {
            Ok(free) => free.map(|()| AfterRun::Again).into(),
            Err(early) => early,
        }
    }

    /// Ends the session as failed.
    async fn fail(&self, step_seq: i64, failure: SetupFailure) -> Early {
        finish::fail(self.system, self.slot, step_seq, failure).await.into()
    }
}

impl From<AfterRun> for Early {
    fn from(after: AfterRun) -> Self {
        Self::After(after)
    }
}

impl From<Error> for Early {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Early {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl From<Result<AfterRun, Error>> for Early {
    fn from(result: Result<AfterRun, Error>) -> Self {
        result.map_or_else(Self::Error, Self::After)
    }
}

/// Returns the number of the current step, as it is stored.
fn step_seq(inner: &Inner) -> i64 {
    i64::try_from(inner.run.step).unwrap_or(i64::MAX)
}

fn panicked() -> SetupFailure {
    SetupFailure::new("plugin_panicked", "the plugin crashed").remedy("report this to its author")
}

fn timed_out() -> SetupFailure {
    let message = "the plugin did not finish in time";
    SetupFailure::new("plugin_timeout", message).remedy("begin again, or report this to its author")
}
