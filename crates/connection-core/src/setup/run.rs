//! A single run of a setup: the plugin's `setup` from its start, through the journal, to the next wait or the end.
//!
//! Crash recovery is the only path: a run that is lost anywhere leaves rows from which any process runs the session
//! again. A run that cannot write ends nothing; it reports why, and the session is unchanged.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use connection_contract::{Secret, SetupContext, SetupFailure, SetupResult, Timestamp};
use connection_replay::{Effect, Entry, Host as _};
use connection_seal::Place;
use tokio::sync::OwnedMutexGuard;
use tracing::Instrument;

use super::{
    System, attempt,
    codec::{Header, Waiting},
    current_run,
    effects::{Effects, Inner, services},
    finish, rotated,
    session::{self, Source},
    slot::Slot,
    wait::Suspended,
};
use crate::{
    Error,
    contain::{Contained, contain_until, until},
    kinds::KindEntry,
    store::{
        Lock, Sealed,
        rows::{SetupRow, SetupState},
    },
};

/// Maximum time for which a plugin may work between two steps.
pub(crate) const MAX_RUN: Duration = Duration::from_secs(60);
/// Time after `MAX_RUN` within which the task of a run must return. The plugin of a task that does not return
/// spins, so that its own task cannot stop it.
pub(crate) const GRACE: Duration = Duration::from_secs(1);
/// Seconds for which a session stays open after its last input, or after the deadline of its current wait.
pub(super) const SESSION_LIFE: u64 = 15 * 60;

/// A session as it was stored.
pub(super) struct Loaded {
    pub(super) header: Header,
    pub(super) entries: VecDeque<Entry>,
    pub(super) bytes: usize,
    pub(super) created: Timestamp,
    pub(super) expires: Timestamp,
}

/// The action that follows a run.
pub(super) enum AfterRun {
    /// The rows changed in the meantime: run again.
    Again,
    /// The session waits, has ended, or cannot continue now.
    Rest,
}

/// Runs the session on a separate task, which does not depend on its caller.
pub(super) fn spawn(shared: &Arc<System>, slot: &Arc<Slot>) {
    let shared = shared.clone();
    let slot = slot.clone();
    let runtimes = shared.runtimes.clone();
    runtimes.spawn(async move {
        let running = slot.running.clone().lock_owned().await;
        to_rest(&shared, &slot, running).await;
    });
}

/// Runs the session again from its rows, and waits until the run rests.
pub(super) async fn again(shared: &Arc<System>, slot: &Arc<Slot>) {
    let running = slot.running.clone().lock_owned().await;
    let on = shared.clone();
    let of = slot.clone();
    // The task does not panic. If the runtime shuts down, the session in this process ends with it.
    shared.runtimes.spawn(async move { to_rest(&on, &of, running).await }).await.unwrap_or_default();
}

async fn to_rest(shared: &Arc<System>, slot: &Arc<Slot>, _running: OwnedMutexGuard<()>) {
    while matches!(run_once(shared, slot).await, AfterRun::Again) {}
}

async fn run_once(shared: &Arc<System>, slot: &Arc<Slot>) -> AfterRun {
    slot.stop_timer();
    slot.begin();
    let span = tracing::info_span!("setup", session = %slot.id, kind = %slot.kind);
    match attempt::attempt(shared, slot).instrument(span).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(session = %slot.id, kind = %slot.kind, code = error.code(), "a setup cannot continue now");
            rotated::again_later_or_release(shared, slot).await;
            slot.stuck(error);
            AfterRun::Rest
        }
    }
}

/// The end of the plugin's code.
pub(super) type PluginResult = Contained<Result<SetupResult<Secret>, SetupFailure>>;

/// Runs the plugin, and returns the state of the run with the end of the plugin's code. Returns `None` if the plugin
/// spins.
pub(super) async fn run(
    shared: &Arc<System>,
    kind: &Arc<KindEntry>,
    effects: Effects,
) -> Option<(Inner, PluginResult)> {
    let clock = shared.clock.clone();
    let definition = kind.definition.clone();
    let effects = Arc::new(effects);
    let run = effects.clone();
    let task = async move {
        let result = {
            let ctx = SetupContext::new(services(&run), &*run).with_further_scopes(run.host().further_scopes());
            let setup = || definition.setup(&ctx);
            let over = current_run::until_time_limit(&*clock, run.host(), MAX_RUN);
            current_run::with_current_run(
                run.clone(),
                contain_until(over, setup, || run.stopped(), || run.host().with_run(|run| run.end())),
            )
            .await
        };
        (run.host().over(), result)
    };
    let launched = shared.runtimes.launch(task);
    match until(current_run::until_time_limit(&*shared.clock, effects.host(), MAX_RUN + GRACE), launched).await {
        Contained::Ended(ran) => Some(ran),
        _ => None,
    }
}

/// Opens a sealed value of the session. Returns `None` if the value can never be opened; one that may open later is an
/// error, which does not end the session.
pub(super) async fn opened(
    shared: &System,
    slot: &Slot,
    place: &Place<'_>,
    sealed: &Sealed,
) -> Result<Option<Secret>, Error> {
    match shared.sealer.open(place, sealed).await {
        Err(error) if error.may_pass() => Err(slot.sealed_error(error)),
        opened => Ok(opened.ok()),
    }
}

/// Opens the header and the journal of a session. The inner `Err` is a failure that ends the session.
pub(super) async fn load(
    shared: &System,
    slot: &Slot,
    row: &SetupRow,
    effects: Vec<(i64, Sealed)>,
) -> Result<Result<Loaded, SetupFailure>, Error> {
    let unreadable = |what: &str| {
        tracing::warn!(session = %slot.id, "the {what} of a setup cannot be opened");
        SetupFailure::new("setup_unreadable", format!("the stored {what} of this setup cannot be opened"))
            .remedy("begin again")
    };
    let header = match &row.sealed_header {
        Some(sealed) => opened(shared, slot, &slot.place("connection_setup", "sealed_header", 0), sealed).await?,
        None => None,
    };
    let header = header.and_then(|bytes| Header::decode(bytes.expose()));
    let header = header.filter(|header| header.connection.is_none_or(|id| id == row.connection_id));
    let Some(header) = header else { return Ok(Err(unreadable("header"))) };
    let mut entries = VecDeque::new();
    let mut bytes = 0;
    for (expected, (seq, sealed)) in (0..).zip(effects) {
        let opened = opened(shared, slot, &slot.effect_place(seq), &sealed).await?.filter(|_| seq == expected);
        let Some(entry) = opened.as_ref().and_then(|bytes| Entry::decode(bytes.expose())) else {
            return Ok(Err(unreadable("journal")));
        };
        bytes += opened.map_or(0, |bytes| bytes.expose().len());
        entries.push_back(entry);
    }
    Ok(Ok(Loaded {
        header,
        entries,
        bytes,
        created: Timestamp::from_seconds(row.created_at),
        expires: Timestamp::from_seconds(row.expires_at),
    }))
}

/// Stores the wait, then shows it. An input that arrived while the run was in progress is taken now.
pub(super) async fn suspend(
    shared: &Arc<System>,
    slot: &Arc<Slot>,
    inner: &Inner,
    suspended: Suspended,
) -> Result<AfterRun, Error> {
    let Suspended { waiting, step } = suspended;
    let latest = waiting.until.map_or(inner.run.input_at, |until| until.max(inner.run.input_at));
    let expires = latest.after(SESSION_LIFE);
    let no = i64::try_from(waiting.no).unwrap_or(i64::MAX);
    let sealed =
        shared.sealer.seal(&slot.place("connection_setup", "sealed_step", no), waiting.encode().expose()).await;
    let sealed = sealed.map_err(|error| slot.sealed_error(error))?;
    let id = slot.id;
    let seq = waiting.seq;
    let expires_at = expires.seconds();
    let has_address = inner.run.has_address;
    // The write may be relaxed, because a run makes the step again from the journal.
    let stored = shared.store.write_relaxed(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(id)).await?;
            // A wait that another process has ended already is not stored again, because that would hide its end.
            let stored = tx.show_step(id, no, seq, &sealed, expires_at).await?;
            // Without an address, no callback can have arrived.
            if !stored || !has_address {
                return Ok(stored.then(Vec::new));
            }
            tx.extend_endpoints(id, expires_at).await?;
            tx.inputs(id).await.map(Some)
        })
    });
    // The session continued or ended in the meantime; the next attempt reads how.
    let Some(inputs) = stored.await? else { return Ok(AfterRun::Again) };
    for (input, sealed) in inputs {
        let place = slot.place("connection_setup_input", "sealed", 0);
        let opened = opened(shared, slot, &place, &sealed).await?;
        let Some(parameters) = opened.and_then(|bytes| super::deliver::parameters_for(&waiting, bytes.expose())) else {
            continue;
        };
        if session::input(shared, slot, &waiting, Effect::Callback(parameters), Source::Inbox(input)).await? {
            return Ok(AfterRun::Rest);
        }
    }
    slot.rest((waiting.no, step), waiting.seq);
    set_timer(shared, slot, waiting, expires);
    Ok(AfterRun::Rest)
}

/// Sets the timer that ends the wait at its deadline, or the session when it expires. The timer works only as long as
/// this process keeps the registry.
pub(super) fn set_timer(shared: &Arc<System>, slot: &Arc<Slot>, waiting: Waiting, expires: Timestamp) {
    let until = waiting.until.unwrap_or(expires);
    // The timer does not keep a registry alive that its host has dropped.
    let time = shared.clock.clone();
    let host = Arc::downgrade(shared);
    let waits = slot.clone();
    let task = async move {
        connection_egress::until(&*time, until).await;
        let Some(shared) = host.upgrade() else { return };
        let slot = waits;
        // The lock is taken before the wait ends, so that handles in this process see a run in progress as soon as it
        // has ended.
        let running = slot.running.clone().lock_owned().await;
        if waiting.until.is_some()
            && let Err(error) = session::record(&shared, &slot, &waiting, Effect::Elapsed, Source::Host).await
        {
            slot.stuck(error);
            return;
        }
        let runtimes = shared.runtimes.clone();
        // The run has a task of its own, because it aborts the task of the timer.
        runtimes.spawn(async move { to_rest(&shared, &slot, running).await });
    };
    slot.set_timer(shared.runtimes.spawn(task).abort_handle());
}

pub(super) async fn fail(
    shared: &Arc<System>,
    slot: &Arc<Slot>,
    step_seq: i64,
    failure: SetupFailure,
) -> Result<AfterRun, Error> {
    finish::finish(shared, slot, step_seq, finish::Candidate::Refused(failure)).await?;
    Ok(AfterRun::Rest)
}

/// Returns the wait of a session that waits and has not expired, and the state of the session. A session that has
/// expired is run, which ends it.
pub(super) async fn waiting(shared: &Arc<System>, slot: &Arc<Slot>) -> Result<(Option<Waiting>, SetupState), Error> {
    let row = shared.reader().await?.setup(slot.id).await?.ok_or(Error::SessionNotFound(slot.id))?;
    if row.state != SetupState::Waiting {
        return Ok((None, row.state));
    }
    if row.expires_at <= shared.clock.now().seconds() {
        spawn(shared, slot);
        return Ok((None, SetupState::Failed));
    }
    Ok((stored_wait(shared, slot, &row).await?, row.state))
}

/// Returns the wait that the row of a waiting session holds.
pub(super) async fn stored_wait(shared: &System, slot: &Slot, row: &SetupRow) -> Result<Option<Waiting>, Error> {
    let Some(sealed) = &row.sealed_step else { return Ok(None) };
    let place = slot.place("connection_setup", "sealed_step", row.step_seq);
    let bytes = shared.sealer.open(&place, sealed).await.map_err(|error| slot.sealed_error(error))?;
    Ok(Waiting::decode(bytes.expose()))
}

/// Ends a session that has expired, if it is still open.
pub(super) async fn expire(shared: &Arc<System>, slot: &Arc<Slot>) -> Result<(), Error> {
    let _running = slot.running.lock().await;
    let row = shared.reader().await?.setup(slot.id).await?;
    let open = row.filter(|row| matches!(row.state, SetupState::Running | SetupState::Waiting));
    match open.filter(|row| row.expires_at <= shared.clock.now().seconds()) {
        Some(row) => fail(shared, slot, row.step_seq, expired()).await.map(drop),
        None => Ok(()),
    }
}

pub(super) fn step_no(step_seq: i64) -> u64 {
    u64::try_from(step_seq).unwrap_or(0)
}

pub(super) fn expired() -> SetupFailure {
    SetupFailure::new("setup_expired", "nobody continued this setup in time").remedy("begin again")
}
