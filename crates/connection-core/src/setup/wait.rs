//! The wait of a run, as it is stored and as it is shown.

use std::sync::Arc;

use connection_contract::{Prompt, Timestamp, host};
use connection_egress::LastAnswer;
use connection_replay::Effect;

use super::{
    SetupStep, System,
    codec::{self, Waiting},
    effects::Inner,
    input::{self, Source},
    row::SESSION_LIFE,
    slot::Slot,
};
use crate::{
    Error,
    store::{Lock, SETUP_STEP},
};

/// The action that follows a run.
pub(super) enum AfterRun {
    /// The rows changed in the meantime: run again.
    Again,
    /// The session has ended, or cannot continue now.
    Rest,
    /// The session waits. It expires at `expires`, unless the wait ends before.
    Wait { waiting: Box<Waiting>, expires: Timestamp },
}

/// A run that waits: the wait that is stored, and the step that is shown.
pub(super) struct Suspended {
    pub(super) waiting: Waiting,
    pub(super) step: SetupStep,
}

impl Suspended {
    /// Returns the state of a run at a wait of the plugin.
    pub(super) fn of(system: &System, heard: &LastAnswer, suspended: connection_replay::Suspended) -> Self {
        let connection_replay::Suspended {
            step: no, seq, what, ways, state, until, prompt, fields, open, beside, ..
        } = suspended;
        let waiting = Waiting {
            no,
            seq: Some(seq),
            what,
            fields: ways.answer.then(|| fields.iter().map(|field| field.name.to_string()).collect()),
            state: state.map(|state| system.state_hash(&state)),
            until,
            paused: None,
            account: None,
        };
        let prompt = prompt.map(|prompt| described(prompt, heard, system.ground.clock.now()));
        let step = match (prompt, open) {
            (Some(prompt), open) => SetupStep::Prompt { prompt, fields, open, beside },
            (None, Some(redirect)) => SetupStep::Redirect { redirect, beside },
            (None, None) => SetupStep::Notice { beside },
        };
        Self { waiting, step }
    }
}

/// Adds the answer of the provider to the problem of a prompt that is based on it.
fn described(mut prompt: Prompt, heard: &LastAnswer, now: Timestamp) -> Prompt {
    if host::follows_attempt(&prompt)
        && let Some(problem) = prompt.problem.take()
    {
        let (problem, words) = heard.describe_problem(problem, now);
        (prompt.problem, prompt.provider_text) = (Some(problem), words);
    }
    prompt
}

/// Stores the wait, then shows it. An input that arrived while the run was in progress is taken now.
pub(super) async fn suspend(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    inner: &Inner,
    suspended: Suspended,
) -> Result<AfterRun, Error> {
    let Suspended { waiting, step } = suspended;
    let latest = waiting.until.map_or(inner.run.input_at, |until| until.max(inner.run.input_at));
    let expires = latest.after(SESSION_LIFE);
    let no = i64::try_from(waiting.no).unwrap_or(i64::MAX);
    let sealed = system.ground.seal(&slot.cell(&SETUP_STEP, no), waiting.encode().expose()).await?;
    let id = slot.id;
    let seq = waiting.seq;
    let expires_at = expires.seconds();
    let has_address = inner.run.has_address;
    // The write may be relaxed, because a run makes the step again from the journal.
    let stored = system.ground.store.write_relaxed(move |tx| {
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
        let opened = system.ground.open_or_lost(&slot.input_cell(input), &sealed).await?;
        let Some(parameters) = opened.and_then(|bytes| codec::parameters_for(&waiting, bytes.expose())) else {
            continue;
        };
        if input::record(system, slot, &waiting, Effect::Callback(parameters), Source::Inbox(input)).await? {
            slot.working(waiting.seq);
            return Ok(AfterRun::Again);
        }
    }
    slot.rest((waiting.no, step), waiting.seq);
    Ok(AfterRun::Wait { waiting: waiting.into(), expires })
}
