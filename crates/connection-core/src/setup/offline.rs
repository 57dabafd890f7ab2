//! Sessions whose provider cannot be reached. A network failure does not end a setup: the session rests with the
//! failed effect in its journal, and resuming the session asks again.

use std::sync::Arc;

use connection_contract::{Notice, Reason, SetupFailure, host};

use super::{
    SetupStep, System,
    codec::{Paused, Waiting},
    effects::Inner,
    finish,
    row::{self, SESSION_LIFE},
    slot::Slot,
    wait::AfterRun,
};
use crate::{
    Error,
    store::{
        ConflictRetries, Lock,
        rows::{SetupRow, SetupState},
    },
};

/// Rests if the network failed, and ends the session otherwise. `row` is the row from which the run began.
pub(super) async fn rest_or_fail(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    row: &SetupRow,
    inner: &Inner,
    failure: SetupFailure,
) -> Result<AfterRun, Error> {
    match (host::offline(&failure), inner.run.last_asked()) {
        (Some(not_live), Some(effect)) => {
            let reason = inner.heard.describe_reason(not_live.clone(), system.ground.clock.now()).reason;
            pause(system, slot, row, inner, Some(effect), reason).await
        }
        _ => finish::fail(system, slot, i64::try_from(inner.run.step).unwrap_or(i64::MAX), failure).await,
    }
}

/// Rests until the session is resumed. The next run then repeats the effect with the number `failed`, too.
pub(super) async fn pause(
    system: &Arc<System>,
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
        system.ground.sealer.seal(&slot.place("connection_setup", "sealed_step", seq), waiting.encode().expose()).await;
    let sealed = sealed.map_err(|error| slot.sealed_error(error))?;
    // A wait with a deadline may already expire later than that. Its expiry stays, and resuming does not extend it.
    let expires = inner.run.input_at.after(SESSION_LIFE).max(inner.expires);
    let id = slot.id;
    let next = inner.run.next;
    let expires_at = expires.seconds();
    let from = (row.state, row.sealed_step.clone());
    let stored = system.ground.store.write(move |tx| {
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
    Ok(AfterRun::Wait { waiting: waiting.into(), expires })
}

/// Returns the reason why a session rests until it is resumed, if it does.
pub(super) async fn paused(system: &System, slot: &Slot, row: &SetupRow) -> Result<Option<Reason>, Error> {
    if row.state != SetupState::Waiting {
        return Ok(None);
    }
    let waiting = match row::stored_wait(system, slot, row).await {
        // A step that does not open is made again by the run, from the journal.
        Err(Error::Sealed { .. }) => None,
        waiting => waiting?,
    };
    Ok(waiting.and_then(|waiting| waiting.paused).map(|paused| paused.reason))
}

/// Deletes the failed effect of a session that rests, so that the next run asks again. If two calls resume the session
/// at the same time, one of them deletes it.
pub(super) async fn forget(system: &Arc<System>, slot: &Arc<Slot>) -> Result<(), Error> {
    let mut retries = ConflictRetries::of("wait of a setup session");
    loop {
        retries.begin_attempt()?;
        let Some(row) = system.ground.reader().await?.setup(slot.id).await? else { return Ok(()) };
        if row.state != SetupState::Waiting {
            return Ok(());
        }
        let waiting = match row::stored_wait(system, slot, &row).await {
            Ok(waiting) => waiting,
            // A step that does not open is made again by the run, from the journal.
            Err(Error::Sealed { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(paused) = waiting.and_then(|waiting| waiting.paused) else { return Ok(()) };
        let id = slot.id;
        let from = row.sealed_step;
        let forgotten = system.ground.store.write(move |tx| {
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
}
