//! Starts the runs of sessions, one at a time for each session of this process, and sets the timers that start them.
//!
//! Crash recovery is the only path: a run that is lost anywhere leaves rows from which any process runs the session
//! again. A run that cannot write ends nothing; it reports why, and the session is unchanged.

use std::{sync::Arc, time::Duration};

use connection_contract::Timestamp;
use connection_replay::Effect;
use tokio::sync::OwnedMutexGuard;
use tracing::Instrument;

use super::{
    System, attempt,
    codec::Waiting,
    finish,
    input::{self, Source},
    lease, rotated, row,
    slot::Slot,
    wait::AfterRun,
};
use crate::{Error, store::rows::SetupState};

/// Runs the session on a separate task, which does not depend on its caller.
pub(super) fn spawn(system: &Arc<System>, slot: &Arc<Slot>) {
    let system = system.clone();
    let slot = slot.clone();
    let runtimes = system.ground.runtimes.clone();
    runtimes.spawn(async move {
        let running = slot.running.clone().lock_owned().await;
        to_rest(&system, &slot, running).await;
    });
}

/// Runs the session again from its rows, and waits until the run rests.
pub(super) async fn again(system: &Arc<System>, slot: &Arc<Slot>) {
    let running = slot.running.clone().lock_owned().await;
    let on = system.clone();
    let of = slot.clone();
    // The task does not panic. If the runtime shuts down, the session in this process ends with it.
    system.ground.runtimes.spawn(async move { to_rest(&on, &of, running).await }).await.unwrap_or_default();
}

async fn to_rest(system: &Arc<System>, slot: &Arc<Slot>, _running: OwnedMutexGuard<()>) {
    loop {
        match run_once(system, slot).await {
            AfterRun::Again => {}
            AfterRun::Rest => return,
            AfterRun::Wait { waiting, expires } => return set_timer(system, slot, *waiting, expires),
        }
    }
}

async fn run_once(system: &Arc<System>, slot: &Arc<Slot>) -> AfterRun {
    slot.stop_timer();
    slot.begin();
    let span = tracing::info_span!("setup", session = %slot.id, kind = %slot.kind);
    match attempt::attempt(system, slot).instrument(span).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(session = %slot.id, kind = %slot.kind, code = error.code(), "a setup cannot continue now");
            match rotated::pause(slot) {
                Some(pause) => again_after(system, slot, pause),
                None => lease::release(system, slot).await,
            }
            slot.stuck(error);
            AfterRun::Rest
        }
    }
}

/// Runs the session again after a pause.
fn again_after(system: &Arc<System>, slot: &Arc<Slot>, pause: Duration) {
    // The task does not keep a registry alive that its host has dropped.
    let clock = system.ground.clock.clone();
    let host = Arc::downgrade(system);
    let waits = slot.clone();
    let task = async move {
        clock.sleep(pause).await;
        if let Some(system) = host.upgrade() {
            spawn(&system, &waits);
        }
    };
    slot.set_timer(system.ground.runtimes.spawn(task).abort_handle());
}

/// Sets the timer that ends the wait at its deadline, or the session when it expires. The timer works only as long as
/// this process keeps the registry.
fn set_timer(system: &Arc<System>, slot: &Arc<Slot>, waiting: Waiting, expires: Timestamp) {
    let until = waiting.until.unwrap_or(expires);
    // The timer does not keep a registry alive that its host has dropped.
    let time = system.ground.clock.clone();
    let host = Arc::downgrade(system);
    let waits = slot.clone();
    let task = async move {
        connection_egress::until(&*time, until).await;
        let Some(system) = host.upgrade() else { return };
        let slot = waits;
        // The lock is taken before the wait ends, so that handles in this process see a run in progress as soon as it
        // has ended.
        let running = slot.running.clone().lock_owned().await;
        if waiting.until.is_some()
            && let Err(error) = input::record(&system, &slot, &waiting, Effect::Elapsed, Source::Host).await
        {
            slot.stuck(error);
            return;
        }
        let runtimes = system.ground.runtimes.clone();
        // The run has a task of its own, because it aborts the task of the timer.
        runtimes.spawn(async move { to_rest(&system, &slot, running).await });
    };
    slot.set_timer(system.ground.runtimes.spawn(task).abort_handle());
}

/// Returns the wait of a session that waits and has not expired, and the state of the session. A session that has
/// expired is run, which ends it.
pub(super) async fn waiting(system: &Arc<System>, slot: &Arc<Slot>) -> Result<(Option<Waiting>, SetupState), Error> {
    let row = system.ground.reader().await?.setup(slot.id).await?.ok_or(Error::SessionNotFound(slot.id))?;
    if row.state != SetupState::Waiting {
        return Ok((None, row.state));
    }
    if row.expires_at <= system.ground.clock.now().seconds() {
        spawn(system, slot);
        return Ok((None, SetupState::Failed));
    }
    Ok((row::stored_wait(system, slot, &row).await?, row.state))
}

/// Ends a session that has expired, if it is still open.
pub(super) async fn expire(system: &Arc<System>, slot: &Arc<Slot>) -> Result<(), Error> {
    let _running = slot.running.lock().await;
    let row = system.ground.reader().await?.setup(slot.id).await?;
    let open = row.filter(|row| matches!(row.state, SetupState::Running | SetupState::Waiting));
    if let Some(row) = open.filter(|row| row.expires_at <= system.ground.clock.now().seconds())
        && matches!(finish::fail(system, slot, row.step_seq, row::expired()).await?, AfterRun::Again)
    {
        // Another call or process ended the session; a run reads how.
        spawn(system, slot);
    }
    Ok(())
}
