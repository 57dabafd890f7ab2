//! The end of a session: the result of the plugin is verified once and stored together with the measured liveness, or
//! nothing is stored.
//!
//! One transaction holds the connection, its liveness, its first event and the end of the session, which deletes the
//! journal. After a crash there is either a session that can be resumed or a whole connection.

use std::sync::Arc;

use connection_contract::{Reason, SetupFailure};

use super::{
    Outcome, System,
    candidate::{Candidate, SESSION, StoreOutcome, kind_changed},
    codec::{self, Purpose},
    connect::{self, ConnectOptions},
    promote, row,
    slot::Slot,
    wait::AfterRun,
};
use crate::{
    Error,
    kinds::KindEntry,
    store::{Lock, SETUP_STEP, StoreError, rows::SetupState},
};

/// The result of an attempt to end a session.
pub(super) enum Finished {
    /// The session has ended.
    Ended,
    /// Another call or process ended the session; a run reads how.
    Elsewhere,
    /// The candidate could not be verified and must be. The session has not ended.
    Offline(Reason),
}

impl From<Finished> for AfterRun {
    fn from(finished: Finished) -> Self {
        match finished {
            Finished::Elsewhere => Self::Again,
            Finished::Ended | Finished::Offline(_) => Self::Rest,
        }
    }
}

/// Stores the end of a session, then publishes it.
///
/// # Errors
///
/// Nothing was stored, and the session is unchanged.
pub(super) async fn finish(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    step_seq: i64,
    candidate: Candidate,
) -> Result<Finished, Error> {
    let step_seq = step_seq.saturating_add(1);
    let outcome = match candidate {
        Candidate::Refused(failure) => end_failed(system, slot, step_seq, failure).await?,
        Candidate::Accepted(kept) if is_outdated(system, &slot.owner, &kept.kind).await? => {
            end_failed(system, slot, step_seq, kind_changed(&kept.kind)).await?
        }
        Candidate::Accepted(kept) => {
            let renews = kept.kind.renews();
            let stored = match kept.request.purpose.clone() {
                Purpose::Connect { label, again, alone, extension, tags } => {
                    let is_of_visitor = kept.request.is_of_visitor;
                    let options = ConnectOptions { label, again, alone, extension, tags, is_of_visitor };
                    connect::store(system, slot, step_seq, *kept, options).await
                }
                Purpose::Reauthorize { another_account, extension, .. } => {
                    promote::promote(system, slot, step_seq, *kept, another_account, extension).await
                }
            };
            match stored {
                Err(Error::Store(error)) if matches!(&*error, StoreError::ChangedMeanwhile { what } if *what == SESSION) => {
                    None
                }
                Err(error) => return Err(error),
                Ok(StoreOutcome::Done(done)) => {
                    if renews {
                        // The provider has accepted the application, which may be another one than before.
                        system.ground.try_applications_again(Some(slot.kind.clone()));
                    }
                    Some(Outcome::Done(done))
                }
                Ok(StoreOutcome::Refused(failure)) => end_failed(system, slot, step_seq, failure).await?,
                Ok(StoreOutcome::Offline(reason)) => return Ok(Finished::Offline(reason)),
            }
        }
    };
    let Some(outcome) = outcome else { return Ok(Finished::Elsewhere) };
    slot.end(row::step_no(step_seq), outcome);
    Ok(Finished::Ended)
}

/// Ends a session as failed, and returns the action that follows.
pub(super) async fn fail(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    step_seq: i64,
    failure: SetupFailure,
) -> Result<AfterRun, Error> {
    finish(system, slot, step_seq, Candidate::Refused(failure)).await.map(AfterRun::from)
}

/// Returns `true` if the kind was replaced by one with other terms during the run.
async fn is_outdated(system: &System, owner: &str, kind: &KindEntry) -> Result<bool, Error> {
    let now = system.ground.find_kind(owner, kind.kind()).await?;
    Ok(now.is_some_and(|now| now.terms_digest() != kind.terms_digest()))
}

/// Ends the session as failed. Returns `None` if it had ended already.
async fn end_failed(
    system: &System,
    slot: &Slot,
    step_seq: i64,
    failure: SetupFailure,
) -> Result<Option<Outcome>, Error> {
    let cell = slot.cell(&SETUP_STEP, step_seq);
    let sealed = system.ground.seal(&cell, codec::failure(&failure).expose()).await?;
    let id = slot.id;
    let expires = system.ground.clock.now().after(row::SESSION_LIFE).seconds();
    let ended = system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            tx.end_setup(id, SetupState::Failed, step_seq, Some(&sealed), expires).await
        })
    });
    tracing::info!(session = %slot.id, kind = %slot.kind, code = &*failure.code, "setup failed");
    Ok(ended.await?.then_some(Outcome::Failed(failure)))
}
