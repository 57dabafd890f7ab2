//! The preferences of extensions, and the hand-off of a person to the settings of an extension.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use connection_api::{BeginHandOff, HandOff, SetPreferences, ShownPreferences};
use connection_contract::{Value as Plain, encode::percent_encode};
use connection_core::{ConnectionRequired, ExtensionHandle, RetryTicket};
use serde_json::Value;

use super::extensions::{ForExtension, resolution};
use crate::{
    Api,
    body::{Json, check_match, json, tagged},
    caller::{ToManage, ToRead, ToUse},
    convert,
    once::{Made, Once},
    openapi::{
        parameters::IfMatch,
        refusals::{Changed, Conflict, NotFound},
    },
    problem::Problem,
    view,
};

/// Returns the preferences of an extension, or of the command that `command` names.
#[utoipa::path(
    get,
    path = "/extensions/{name}/preferences",
    params(("name" = String, Path), ("command" = Option<String>, Query)),
    responses((status = 200, body = ShownPreferences, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict)
)]
pub(super) async fn preferences(caller: ForExtension<ToRead>) -> Result<Response, Problem> {
    let handle = caller.handle().await?;
    let command = caller.caller.query.get("command");
    let read = handle.preferences(command).await?;
    Ok(tagged(&view::preferences(&handle, command, &read)))
}

/// Changes preferences of an extension, or of the command that `command` names: all of them, or none.
#[utoipa::path(
    put,
    path = "/extensions/{name}/preferences",
    params(("name" = String, Path), ("command" = Option<String>, Query), IfMatch),
    request_body = SetPreferences,
    responses((status = 200, body = ShownPreferences, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict, Changed)
)]
pub(super) async fn set_preferences(
    caller: ForExtension<ToManage>,
    headers: HeaderMap,
    Json(body): Json<SetPreferences>,
) -> Result<Response, Problem> {
    let handle = caller.handle().await?;
    let command = caller.caller.query.get("command");
    let read = handle.preferences(command).await?;
    check_match(&headers, &view::preferences(&handle, command, &read))?;
    let mut change = handle.set_preferences(command);
    if headers.contains_key(header::IF_MATCH) {
        change = change.expected(read.revisions);
    }
    for (name, value) in body.values {
        change = match value {
            Value::Null => change.unset(name),
            value => {
                let invalid = || Problem::invalid("a value has too many levels").field(&name);
                let value = Plain::parse(value.to_string().as_bytes()).map_err(|_| invalid())?;
                change.set(name, value)
            }
        };
    }
    change.await?;
    let read = handle.preferences(command).await.map_err(Problem::of_stored)?;
    Ok(tagged(&view::preferences(&handle, command, &read)))
}

/// Returns the path of the page on which a person provides what an extension needs.
fn page(name: &str, command: Option<&str>, ticket: RetryTicket) -> String {
    let command = command.map(|command| format!("&command={}", percent_encode(command))).unwrap_or_default();
    format!("/extensions/{}?hand-off=1&ticket={ticket}{command}", percent_encode(name))
}

pub(super) async fn hand_off(
    handle: &ExtensionHandle,
    command: Option<&str>,
    required: Option<ConnectionRequired>,
    ticket: Option<RetryTicket>,
) -> Result<HandOff, Problem> {
    let resolved = resolution(handle).await?;
    let way = ticket.map(|ticket| page(handle.name(), command, ticket));
    let required = required.as_ref().map(|state| convert::required(state, way));
    Ok(convert::hand_off(handle.name(), command, required, &resolved, ticket))
}

/// Begins the hand-off of a person to the settings of an extension. `required.way` is the path of the page to open;
/// nothing is required if the connection exists and is granted.
#[utoipa::path(
    post,
    path = "/extensions/{name}/hand-off",
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = BeginHandOff,
    responses((status = 201, body = HandOff), NotFound, Conflict)
)]
pub(super) async fn begin_hand_off(
    State(api): State<Api>,
    caller: ForExtension<ToUse>,
    once: Once<BeginHandOff>,
) -> Result<Response, Problem> {
    let handle = caller.handle().await?;
    let command = once.body().command.clone();
    let own_handle = handle.clone();
    let make = async move |BeginHandOff { command }| {
        let command = command.as_deref();
        let required = own_handle.connection_required().await?;
        let ticket = match required {
            Some(_) => Some(own_handle.open_native_extension_settings(command).await?),
            None => None,
        };
        let body = hand_off(&own_handle, command, required, ticket).await;
        // A hand-off that asks nothing of the person has no ticket.
        let id = ticket.map(|ticket| ticket.to_string()).unwrap_or_default();
        Ok(Made { id, answer: body.map(|body| json(StatusCode::CREATED, &body)) })
    };
    let again = async |id: String| {
        let required = handle.connection_required().await?;
        let body = hand_off(&handle, command.as_deref(), required, id.parse().ok()).await?;
        Ok(json(StatusCode::CREATED, &body))
    };
    once.run(&api, make, again).await
}
