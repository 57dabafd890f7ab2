//! The state of a hand-off, which its extension follows until a person has provided what it needs.

use axum::{
    extract::{Extension, State},
    http::StatusCode,
    response::Response,
};
use connection_api::{FollowedHandOff, HandOffSetup, SetupState};
use connection_core::{ConnectionRegistry, Error, ExtensionHandle, RetryOutcome, RetryTicket, SessionId};
use connection_inbound::RequestPlace;

use super::{
    extension_settings::hand_off,
    extensions::ForExtension,
    setup_poll::{self, MAX_DURATION},
};
use crate::{
    Api,
    body::{json, tag},
    caller::ToUse,
    openapi::refusals::{Conflict, NotFound},
    path::Path,
    problem::Problem,
    waits::Wait,
};

/// Returns the setup that the extension sees. `followed` is the one that was seen before in this request.
async fn setup_of(
    registry: &ConnectionRegistry,
    extension: &str,
    followed: &mut Option<SessionId>,
) -> Result<Option<HandOffSetup>, Problem> {
    let open = registry.setups().list().await?;
    // The newest one is the last.
    let newest = open.iter().rev().find(|info| info.extension.as_deref() == Some(extension));
    *followed = newest.map(|info| info.id).or(*followed);
    let Some(id) = *followed else { return Ok(None) };
    let session = match registry.setups().get(id).await {
        Err(Error::SessionNotFound(_)) => return Ok(None),
        session => session?,
    };
    let state = setup_poll::now(registry, &session).await?.state;
    Ok(Some(HandOffSetup {
        id: id.to_string(),
        kind: session.kind().to_string(),
        r#type: state.word(),
        reason: match state {
            SetupState::Failed { reason } => Some(reason),
            _ => None,
        },
    }))
}

async fn state(
    registry: &ConnectionRegistry,
    handle: &ExtensionHandle,
    ticket: RetryTicket,
    followed: &mut Option<SessionId>,
) -> Result<FollowedHandOff, Problem> {
    // This comes first: if nothing is required by now, the ticket has ended as connected, and names its command.
    let mut required = handle.connection_required().await?;
    let command = match handle.retry(ticket).await? {
        RetryOutcome::Connected { command, .. } => {
            // The person may have provided it between the two reads.
            if required.is_some() {
                required = handle.connection_required().await?;
            }
            command
        }
        RetryOutcome::SetupFailed(failure) => {
            let problem = Problem::new(StatusCode::CONFLICT, "setup_failed", failure.to_string());
            return Err(problem.remedy("begin the hand-off again"));
        }
        _ => None,
    };
    let hand_off = hand_off(handle, command.as_deref(), required, Some(ticket)).await?;
    let setup = setup_of(registry, handle.name(), followed).await?;
    let cursor = tag(&(&hand_off, &setup)).trim_matches('"').to_owned();
    Ok(FollowedHandOff { hand_off, setup, cursor })
}

/// Returns the state of a hand-off. While the state is still the one of the cursor in `after`, it waits for 25 seconds at
/// most. A ticket can be read repeatedly, for thirty days.
#[utoipa::path(
    get,
    path = "/extensions/{name}/hand-off/{ticket}",
    params(
        ("name" = String, Path),
        ("ticket" = String, Path),
        ("after" = Option<String>, Query, description = "The cursor of a state."),
    ),
    responses((status = 200, body = FollowedHandOff), NotFound, Conflict)
)]
pub(super) async fn follow(
    State(api): State<Api>,
    caller: ForExtension<ToUse>,
    place: Option<Extension<RequestPlace>>,
    Path((_, ticket)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "unknown_ticket", "there is no such hand-off");
    let ticket: RetryTicket = ticket.parse().map_err(|_| unknown().remedy("begin the hand-off again"))?;
    let handle = caller.handle().await?;
    let registry = &caller.caller.registry;
    let mut followed = None;
    let Some(after) = caller.caller.query.get("after") else {
        return Ok(json(StatusCode::OK, &state(registry, &handle, ticket, &mut followed).await?));
    };
    // They begin before the first look, so that no change is missed.
    let mut watch = registry.events().watch().await?;
    let mut hints = registry.events().hints().await?;
    let clock = registry.clock();
    let mut ended = Box::pin(async {
        tokio::select! {
            () = clock.sleep(MAX_DURATION) => {}
            () = api.options.live.ended() => {}
        }
    });
    loop {
        let found = state(registry, &handle, ticket, &mut followed).await?;
        if found.cursor != after {
            return Ok(json(StatusCode::OK, &found));
        }
        let wait = Wait::begin(&api.waits, &caller.caller.token, place.as_deref())?;
        let has_changed = tokio::select! {
            biased;
            () = &mut ended => false,
            event = watch.next() => event.transpose()?.is_some(),
            hint = hints.next() => hint.transpose()?.is_some(),
        };
        wait.end().await;
        if !has_changed {
            return Ok(json(StatusCode::OK, &found));
        }
    }
}
