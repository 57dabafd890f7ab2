//! Waits, for a while, until there is something else to show than the caller has seen.

use std::time::Duration;

use connection_core::{ConnectionRegistry, Error, SetupSession, SetupStep};

use super::step::{SetupBody, StateBody};

/// Shorter than what proxies wait for.
const LONGEST: Duration = Duration::from_secs(25);

/// What is shown, once it is something else than `after`; when nothing else comes in time, what is shown then.
pub(super) async fn next(
    registry: &ConnectionRegistry,
    session: &SetupSession,
    after: Option<&str>,
) -> Result<SetupBody, Error> {
    let clock = registry.clock();
    let changed = async {
        loop {
            let Some(body) = step(registry, session).await? else { return ended(session).await };
            if is_end(&body) || !after.is_some_and(|after| is_seen(after, &body)) {
                return Ok(body);
            }
        }
    };
    tokio::select! {
        biased;
        body = changed => body,
        () = clock.sleep(LONGEST) => now(registry, session).await,
    }
}

/// What is shown now.
pub(super) async fn now(registry: &ConnectionRegistry, session: &SetupSession) -> Result<SetupBody, Error> {
    match session.current_step() {
        Some((_, SetupStep::Done { .. } | SetupStep::Failed(_))) => ended(session).await,
        shown => Ok(SetupBody::new(session, shown.map(|(no, step)| (no, state(registry, session, &step))))),
    }
}

async fn step(registry: &ConnectionRegistry, session: &SetupSession) -> Result<Option<SetupBody>, Error> {
    Ok(match session.next_step().await? {
        Some((_, SetupStep::Done { .. } | SetupStep::Failed(_))) | None => None,
        Some((no, step)) => Some(SetupBody::new(session, Some((no, state(registry, session, &step))))),
    })
}

/// A step with the guide of its kind, as long as a plugin of it is here.
fn state(registry: &ConnectionRegistry, session: &SetupSession, step: &SetupStep) -> StateBody {
    let guide = registry.kind(session.kind()).map(|kind| kind.descriptor.guide).unwrap_or_default();
    StateBody::of(step, &guide)
}

/// The session has ended, so that this does not wait.
async fn ended(session: &SetupSession) -> Result<SetupBody, Error> {
    let outcome = session.terminal().await?;
    let step = session.current_step().map_or(0, |(no, _)| no);
    Ok(SetupBody::new(session, Some((step, StateBody::ended(&outcome)))))
}

/// Whether a caller has seen it that names what it saw: by the cursor, or by the step's number alone.
fn is_seen(after: &str, body: &SetupBody) -> bool {
    after == body.cursor || after.parse().is_ok_and(|after| body.step == Some(after))
}

fn is_end(body: &SetupBody) -> bool {
    matches!(body.state, StateBody::Cancelled | StateBody::Done { .. } | StateBody::Failed { .. })
}
