//! Sessions whose provider cannot be reached, or gave an answer that cannot be read. A network failure does not end a
//! setup: the session rests with the failed effect in its journal, and resuming the session asks again. A redirect to another
//! origin ends no setup that has spent a code. An answer to a request that spent a code stays in the journal, and resuming
//! the session reads it again.

use std::sync::Arc;

use connection_contract::{NotLive, Notice, Reason, SetupFailure, Timestamp, host, reason};

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
        ConflictRetries, Lock, SETUP_STEP,
        rows::{SetupRow, SetupState, UNREADABLE_KEPT},
    },
};

/// The effect of resuming a session that rests.
pub(super) enum Resumed {
    /// The effect with this number is repeated.
    Asks(i64),
    /// The candidate is verified again.
    Verifies,
    /// The plugin reads the recorded answer again, which is kept until this time. Nothing is sent.
    Reads(Timestamp),
}

/// Rests if the network failed, if an answer could not be read that may hold what a code was spent for, or if a request after
/// that was redirected to another origin, and ends the session otherwise. `row` is the row from which the run began.
pub(super) async fn rest_or_fail(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    row: &SetupRow,
    inner: &Inner,
    failure: SetupFailure,
) -> Result<AfterRun, Error> {
    let described = |why: &NotLive| inner.heard.describe_reason(why.clone(), system.ground.clock.now()).reason;
    // A redirect to another origin ends a setup, because a person may have entered another address than that of the API. A
    // setup that has spent a code for tokens rests instead, as in an outage, because its end would lose the tokens.
    let elsewhere = if inner.run.has_accepted() { inner.heard.elsewhere(&failure) } else { None };
    match (host::offline(&failure).or(elsewhere.as_ref()), inner.run.last_asked()) {
        (Some(not_live), Some(effect)) => {
            pause(system, slot, row, inner, Resumed::Asks(effect), described(not_live)).await
        }
        (Some(not_live), None) if inner.run.is_last_accepted() && not_live.reason.code != reason::RATE_LIMITED => {
            let until = inner.run.now.after(UNREADABLE_KEPT.unsigned_abs());
            let Reason { code, message: why, .. } = described(not_live);
            let (why, date) = (why.as_str(), until.to_rfc3339());
            let message =
                format!("the provider answered, and the answer could not be read: {why}; it is kept until {date}");
            let reason = Reason::new(code, message);
            pause(system, slot, row, inner, Resumed::Reads(until), reason).await
        }
        _ => {
            let failure = inner.heard.describe_failure(failure, system.ground.clock.now());
            finish::fail(system, slot, i64::try_from(inner.run.step).unwrap_or(i64::MAX), failure).await
        }
    }
}

/// Rests until the session is resumed.
pub(super) async fn pause(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    row: &SetupRow,
    inner: &Inner,
    resumed: Resumed,
    reason: Reason,
) -> Result<AfterRun, Error> {
    let no = inner.run.step;
    let seq = i64::try_from(no).unwrap_or(i64::MAX);
    let what = String::new();
    let failed = if let Resumed::Asks(effect) = resumed { Some(effect) } else { None };
    let paused = Some(Paused { failed, reason: reason.clone() });
    let waiting = Waiting { no, seq: None, what, fields: None, state: None, until: None, paused, account: None };
    let sealed = system.ground.seal(&slot.cell(&SETUP_STEP, seq), waiting.encode().expose()).await?;
    // A wait with a deadline may already expire later than that. Its expiry stays, and resuming does not extend it.
    let (expires, hint) = match resumed {
        Resumed::Reads(until) => (until, "resume this setup after an update of this program or of the kind"),
        Resumed::Asks(_) | Resumed::Verifies => {
            (inner.run.input_at.after(SESSION_LIFE), "your answers are saved: resume this setup to try again")
        }
    };
    let expires = expires.max(inner.expires);
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
    beside.push(Notice::new(hint));
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
