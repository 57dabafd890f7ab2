//! Sessions whose provider cannot be reached. A network failure does not end a setup: the session rests with the
//! failed effect in its journal, and resuming the session asks again.

use std::sync::Arc;

use connection_contract::{Notice, Reason, SetupFailure, host};

use super::{
    SetupStep, System,
    codec::{Paused, Waiting},
    effects::Inner,
    run::{self, AfterRun, SESSION_LIFE},
    session::MAX_TRIES,
    slot::Slot,
};
use crate::{
    Error,
    store::{
        Lock,
        rows::{SetupRow, SetupState},
    },
};

/// Rests if the network failed, and ends the session otherwise. `row` is the row from which the run began.
pub(super) async fn rest_or_fail(
    shared: &Arc<System>,
    slot: &Arc<Slot>,
    row: &SetupRow,
    inner: &Inner,
    failure: SetupFailure,
) -> Result<AfterRun, Error> {
    match (host::offline(&failure), inner.run.last_asked()) {
        (Some(not_live), Some(effect)) => {
            let reason = inner.heard.describe_reason(not_live.clone(), shared.clock.now()).reason;
            pause(shared, slot, row, inner, Some(effect), reason).await
        }
        _ => run::fail(shared, slot, i64::try_from(inner.run.step).unwrap_or(i64::MAX), failure).await,
    }
}

/// Rests until the session is resumed. The next run then repeats the effect with the number `failed`, too.
pub(super) async fn pause(
    shared: &Arc<System>,
    slot: &Arc<Slot>,
    row: &SetupRow,
    inner: &Inner,
    failed: Option<i64>,
    reason: Reason,
) -> Result<AfterRun, Error> {
    let no = inner.run.step;
    let seq = i64::try_from(no).unwrap_or(i64::MAX);
    let what = String::new();
    let paused = Some(Paused { failed, reason: reason.clone() });
    let waiting = Waiting { no, seq: None, what, fields: None, state: None, until: None, paused, account: None };
    let sealed =
        shared.sealer.seal(&slot.place("connection_setup", "sealed_step", seq), waiting.encode().expose()).await;
    let sealed = sealed.map_err(|error| slot.sealed_error(error))?;
    // A wait with a deadline may already expire later than that. Its expiry stays, and resuming does not extend it.
    let expires = inner.run.input_at.after(SESSION_LIFE).max(inner.expires);
    let id = slot.id;
    let next = inner.run.next;
    let expires_at = expires.seconds();
    let from = (row.state, row.sealed_step.clone());
    let stored = shared.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            let Some(row) = tx.setup(id).await? else { return Ok(false) };
            // Another run has rested or continued, or the session was resumed. Nothing of that is undone.
            if (row.state, row.sealed_step) != from || tx.has_effect(id, next).await? {
                return Ok(false);
            }
            tx.extend_endpoints(id, expires_at).await?;
            tx.set_setup(id, SetupState::Waiting, seq, None, Some(&sealed), expires_at).await
        })
    });
    if !stored.await? {
        return Ok(AfterRun::Again);
    }
    let mut beside = inner.run.notices.clone();
    beside.push(Notice::offline(reason));
    beside.push(Notice::new("your answers are saved: resume this setup to try again"));
    slot.rest((no, SetupStep::Notice { beside }), None);
    run::set_timer(shared, slot, waiting, expires);
    Ok(AfterRun::Rest)
}

/// Returns the reason why a session rests until it is resumed, if it does.
pub(super) async fn paused(shared: &System, slot: &Slot, row: &SetupRow) -> Result<Option<Reason>, Error> {
    if row.state != SetupState::Waiting {
        return Ok(None);
    }
    let waiting = match run::stored_wait(shared, slot, row).await {
        // A step that does not open is made again by the run, from the journal.
        Err(Error::Sealed { .. }) => None,
        waiting => waiting?,
    };
    Ok(waiting.and_then(|waiting| waiting.paused).map(|paused| paused.reason))
}

/// Deletes the failed effect of a session that rests, so that the next run asks again. If two calls resume the session
/// at the same time, one of them deletes it.
pub(super) async fn forget(shared: &Arc<System>, slot: &Arc<Slot>) -> Result<(), Error> {
    for _ in 0..MAX_TRIES {
        let Some(row) = shared.reader().await?.setup(slot.id).await? else { return Ok(()) };
        if row.state != SetupState::Waiting {
            return Ok(());
        }
        let waiting = match run::stored_wait(shared, slot, &row).await {
            Ok(waiting) => waiting,
            // A step that does not open is made again by the run, from the journal.
            Err(Error::Sealed { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(paused) = waiting.and_then(|waiting| waiting.paused) else { return Ok(()) };
        let id = slot.id;
        let from = row.sealed_step;
        let forgotten = shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Setup(id)).await?;
                let Some(row) = tx.setup(id).await? else { return Ok(true) };
                if row.state != SetupState::Waiting || row.sealed_step != from {
                    return Ok(false);
                }
                if let Some(failed) = paused.failed {
                    tx.delete_effect(id, failed).await?;
                }
                tx.set_setup(id, SetupState::Running, row.step_seq, None, None, row.expires_at).await
            })
        });
        if forgotten.await? {
            return Ok(());
        }
    }
    Ok(())
}
