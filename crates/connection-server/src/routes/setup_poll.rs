//! Long polling: waits for a limited time until there is something the caller has not seen.

use std::time::Duration;

use connection_core::{ConnectionRegistry, Error, SetupSession, SetupStep};

use crate::{
    Api,
    shapes::{SetupState, StateAtStep},
};

/// The longest wait, which is shorter than the timeout of common proxies.
pub(super) const MAX_DURATION: Duration = Duration::from_secs(25);

/// Returns the state of a setup once it differs from the cursor or the step's number in `after`. If it does not change in
/// time, or the server stops, this returns the current state.
pub(super) async fn next(
    api: &Api,
    registry: &ConnectionRegistry,
    session: &SetupSession,
    after: Option<&str>,
) -> Result<StateAtStep, Error> {
    let clock = registry.server().clock();
    let changed = async {
        loop {
            let Some(found) = step(registry, session).await? else { return ended(session).await };
            if found.state.is_end() || !after.is_some_and(|after| found.is_named_by(after)) {
                return Ok(found);
            }
        }
    };
    tokio::select! {
        biased;
        found = changed => found,
        () = clock.sleep(MAX_DURATION) => now(registry, session).await,
        // A server that stops would wait for the answer.
        () = api.options.live.ended() => now(registry, session).await,
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
    Ok(SetupState::of(step, kind.as_ref().map(|kind| &kind.descriptor)))
}

/// Returns the outcome of a session that has ended, so this does not wait.
async fn ended(session: &SetupSession) -> Result<StateAtStep, Error> {
    let outcome = session.terminal().await?;
    let step = session.current_step().map_or(0, |(no, _)| no);
    Ok(StateAtStep::new(Some((step, SetupState::ended(&outcome)))))
}
