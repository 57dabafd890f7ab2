//! Long polling: waits for a limited time until there is something the caller has not seen.

use std::time::Duration;

use connection_contract::BoxFuture;
use connection_core::{ConnectionRegistry, Error, SetupSession, SetupStep};

use super::step::{SetupBody, StateBody};

/// The longest wait, which is shorter than the timeout of common proxies.
const MAX_DURATION: Duration = Duration::from_secs(25);

/// Returns the state of a setup once it differs from `after`, or the current state if it does not change in time.
pub(super) async fn next(
    registry: &ConnectionRegistry,
    session: &SetupSession,
    after: Option<&str>,
) -> Result<SetupBody, Error> {
    let clock = registry.server().clock();
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
        () = clock.sleep(MAX_DURATION) => now(registry, session).await,
    }
}

/// Returns the current state of a setup.
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

/// Returns a step with the guide of its kind, if the kind is registered.
fn state(registry: &ConnectionRegistry, session: &SetupSession, step: &SetupStep) -> StateBody {
    let guide = registry.kinds().get(session.kind()).map(|kind| kind.descriptor.guide).unwrap_or_default();
    StateBody::of(step, &guide)
}

/// Returns the outcome of a session that has ended, so this does not wait.
async fn ended(session: &SetupSession) -> Result<SetupBody, Error> {
    let outcome = session.terminal().await?;
    let step = session.current_step().map_or(0, |(no, _)| no);
    Ok(SetupBody::new(session, Some((step, StateBody::ended(&outcome)))))
}

/// Returns `true` if `after` names the current state: by the cursor, or by the step's number alone.
fn is_seen(after: &str, body: &SetupBody) -> bool {
    after == body.cursor || after.parse().is_ok_and(|after| body.step == Some(after))
}

fn is_end(body: &SetupBody) -> bool {
    matches!(body.state, StateBody::Cancelled | StateBody::Done { .. } | StateBody::Failed { .. })
}

impl SetupBody {
    /// Returns the current state of a setup.
    ///
    /// # Errors
    ///
    /// The errors of the session.
    pub fn now<'a>(registry: &'a ConnectionRegistry, session: &'a SetupSession) -> BoxFuture<'a, Result<Self, Error>> {
        Box::pin(now(registry, session))
    }

    /// Returns the state of a setup once it differs from the cursor or the step's number in `after`, or the current
    /// state if it does not change within 25 seconds.
    ///
    /// # Errors
    ///
    /// The errors of the session.
    pub fn next<'a>(
        registry: &'a ConnectionRegistry,
        session: &'a SetupSession,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Self, Error>> {
        Box::pin(next(registry, session, after))
    }
}
