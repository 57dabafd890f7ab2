//! Long polling: waits for a limited time until there is something the caller has not seen.

use std::{
    future::{Future as _, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use connection_api::SetupState;
use connection_core::{ConnectionRegistry, Error, SetupSession, SetupStep};
use connection_inbound::RequestPlace;

use crate::{
    Api,
    caller::{Caller, ToSetUp},
    convert::{self, StateAtStep},
    problem::Problem,
    waits::Wait,
};

/// The longest wait, which is shorter than the timeout of common proxies.
pub(super) const MAX_DURATION: Duration = Duration::from_secs(25);

/// Returns the state of a setup once it differs from the cursor or the step's number in `after`. If it does not change in
/// time, or the server stops, this returns the current state.
pub(super) async fn next(
    api: &Api,
    caller: &Caller<ToSetUp>,
    place: Option<&RequestPlace>,
    session: &SetupSession,
    after: Option<&str>,
) -> Result<StateAtStep, Problem> {
    let registry = &caller.registry;
    let clock = registry.clock();
    let changed = async {
        loop {
            let Some(found) = step(registry, session).await? else { return ended(session).await };
            if found.state.is_end() || !after.is_some_and(|after| found.is_named_by(after)) {
                return Ok(found);
            }
        }
    };
    let mut changed = pin!(changed);
    if let Poll::Ready(found) = poll_fn(|cx| Poll::Ready(changed.as_mut().poll(cx))).await {
        return Ok(found?);
    }
    let wait = Wait::begin(&api.waits, &caller.token, place)?;
    let found = tokio::select! {
        biased;
        found = changed => Some(found?),
        () = clock.sleep(MAX_DURATION) => None,
        // A server that stops would wait for the answer.
        () = api.options.live.ended() => None,
    };
    wait.end().await;
    match found {
        Some(found) => Ok(found),
        None => Ok(now(registry, session).await?),
    }
}

/// Returns the current state of a setup.
pub(super) async fn now(registry: &ConnectionRegistry, session: &SetupSession) -> Result<StateAtStep, Error> {
    match session.current_step() {
        Some((_, SetupStep::Done { .. } | SetupStep::Failed(_))) => ended(session).await,
        shown => {
            let mut at = None;
            if let Some((no, step)) = shown {
                at = Some((no, state(registry, session, &step).await?));
            }
            Ok(StateAtStep::new(at))
        }
    }
}

async fn step(registry: &ConnectionRegistry, session: &SetupSession) -> Result<Option<StateAtStep>, Error> {
    Ok(match session.next_step().await? {
        Some((_, SetupStep::Done { .. } | SetupStep::Failed(_))) | None => None,
        Some((no, step)) => Some(StateAtStep::new(Some((no, state(registry, session, &step).await?)))),
    })
}

async fn state(registry: &ConnectionRegistry, session: &SetupSession, step: &SetupStep) -> Result<SetupState, Error> {
    let kind = registry.kinds().find(session.kind()).await?;
    Ok(convert::step(step, kind.as_ref().map(|kind| &kind.descriptor)))
}

/// Returns the outcome of a session that has ended, so this does not wait.
async fn ended(session: &SetupSession) -> Result<StateAtStep, Error> {
    let outcome = session.terminal().await?;
    let step = session.current_step().map_or(0, |(no, _)| no);
    Ok(StateAtStep::new(Some((step, convert::outcome(&outcome)))))
}
