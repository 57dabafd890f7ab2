//! One connection: what is known of it, and what a person does with it.

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use connection_api::{
    Connection, Empty, Refreshed, Removal, Removed, Rename, SetDefault, SetTags, Setup, ShownConnection, Verification,
};
use connection_contract::Timestamp;
use connection_core::{Connection as CoreConnection, ConnectionId, ConnectionInfo, Error, Role, Tags};
use connection_inbound::RequestPlace;

use super::setups::{self, Viewer};
use crate::{
    Api,
    body::{Json, UNREAD, check_match, json, tag, with_tag},
    caller::{Caller, Need, ToManage, ToRead, ToUse},
    changes::Alone,
    convert,
    once::Once,
    openapi::{
        parameters::IfMatch,
        refusals::{Changed, Conflict, NoAnswer, NotFound, NotSupported},
    },
    path::Path,
    problem::Problem,
    sends::Sending,
    view::{self, row, with_reach, with_words},
};

fn parse(id: &str) -> Result<ConnectionId, Problem> {
    id.parse().map_err(|_| Problem::no_connection())
}

async fn found<N: Need>(caller: &Caller<N>, id: &str) -> Result<CoreConnection, Problem> {
    Ok(caller.registry.connection(parse(id)?).await?)
}

/// Returns a connection that is still as the caller has seen it. Nobody else changes it until the guard is dropped.
async fn found_as_seen<N: Need>(
    api: &Api,
    caller: &Caller<N>,
    id: &str,
    headers: &HeaderMap,
) -> Result<(CoreConnection, Alone), Problem> {
    let alone = api.changes.alone(caller.registry.owner_name(), id).await;
    let found = found(caller, id).await?;
    if headers.contains_key(header::IF_MATCH) {
        check_match(headers, &row(&caller.registry, found.info(), now(api)).await?)?;
    }
    Ok((found, alone))
}

fn now(api: &Api) -> Timestamp {
    api.registry.clock().now()
}

/// Returns a connection after a change. The tag is that of what `GET` then shows, so that it is good for the next change. If
/// it cannot be read, the tag is that of no state, because the change is stored and is not to be made again.
async fn changed<N: Need>(caller: &Caller<N>, info: &ConnectionInfo, now: Timestamp) -> Response {
    // Not everybody who sees the connection gets the words of the provider, so the tag is that of the row without them.
    let mut stored = info.clone();
    stored.reason.iter_mut().for_each(|reason| reason.provider_text = None);
    let answer = json(StatusCode::OK, &convert::connection(info, now));
    match row(&caller.registry, &stored, now).await {
        Ok(row) => with_tag(answer, &tag(&row)),
        Err(error) => {
            tracing::warn!(code = error.code(), "a change was stored, and its connection could not be read afterwards");
            with_tag(answer, UNREAD)
        }
    }
}

/// Returns a connection. For a token with the role `manage`, the reason has the provider's own words.
#[utoipa::path(
    get,
    path = "/connections/{id}",
    params(("id" = String, Path)),
    responses((status = 200, body = ShownConnection, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound)
)]
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller<ToRead>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let found = found(&caller, &id).await?;
    let now = now(&api);
    let row = row(&caller.registry, found.info(), now).await?;
    // The tag is that of the row, which a change returns, too.
    let tag = tag(&row);
    let row = if caller.token.role >= Role::Manage { with_words(row, &found, now).await? } else { row };
    let body = with_reach(row, &found).await?;
    Ok(with_tag(json(StatusCode::OK, &body), &tag))
}

/// Changes the label of a connection.
#[utoipa::path(
    patch,
    path = "/connections/{id}",
    params(("id" = String, Path), IfMatch),
    request_body = Rename,
    responses((status = 200, body = Connection, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict, Changed)
)]
pub(super) async fn rename(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Rename>,
) -> Result<Response, Problem> {
    let (found, _alone) = found_as_seen(&api, &caller, &id, &headers).await?;
    let info = found.rename(body.label).await?;
    Ok(changed(&caller, &info, now(&api)).await)
}

/// Removes a connection, and revokes at the provider what its setup created there.
#[utoipa::path(
    delete,
    path = "/connections/{id}",
    params(
        ("id" = String, Path),
        ("revoke" = Option<bool>, Query, description = "`true` revokes also a credential that a person entered, if the kind can."),
        IfMatch,
    ),
    responses((status = 200, body = Removed), NotFound, Changed)
)]
pub(super) async fn remove(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    place: Option<Extension<RequestPlace>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let revokes = caller.query.parsed("revoke", |text| text.parse::<bool>().ok())?.unwrap_or_default();
    let (found, _alone) = found_as_seen(&api, &caller, &id, &headers).await?;
    let registry = &caller.registry;
    let sending = Sending::to_kind(&api, registry.owner_name(), &found.info().kind, place.as_deref())?;
    let removing = async {
        match revokes {
            true => registry.remove_and_revoke(found.id()).await,
            false => registry.remove(found.id()).await,
        }
    };
    let removal = sending.wait(removing).await?;
    let mut removed = convert::removed(found.info(), &removal);
    removed.remaining = caller.processes(removed.remaining);
    Ok(json(StatusCode::OK, &removed))
}

/// Returns what a removal will do.
#[utoipa::path(
    get,
    path = "/connections/{id}/removal",
    params(("id" = String, Path)),
    responses((status = 200, body = Removal), NotFound)
)]
pub(super) async fn removal(caller: Caller<ToRead>, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = found(&caller, &id).await?;
    Ok(json(StatusCode::OK, &view::removal(&caller.registry, &found).await?))
}

/// Verifies a connection. During a pause that the provider asked for, nothing is sent unless the body says `now`, and
/// `pausedUntil` says how long it lasts. A token with the role `use` verifies as programs do: `now` makes no difference
/// to it, and it does not get the words of the provider.
#[utoipa::path(
    post,
    path = "/connections/{id}/verify",
    params(("id" = String, Path)),
    request_body = Verification,
    responses((status = 200, body = Connection, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict)
)]
pub(super) async fn verify(
    State(api): State<Api>,
    caller: Caller<ToUse>,
    place: Option<Extension<RequestPlace>>,
    Path(id): Path<String>,
    Json(Verification { now: is_now }): Json<Verification>,
) -> Result<Response, Problem> {
    let connection = found(&caller, &id).await?;
    let sending = Sending::to_kind(&api, caller.registry.owner_name(), &connection.info().kind, place.as_deref())?;
    // A request of a person may send a refused token once more, which takes the role that `refresh` takes.
    let is_persons = caller.token.role >= Role::Manage;
    let verifying =
        async { if is_now && is_persons { connection.verify_now().await } else { connection.verify().await } };
    let mut info = sending.wait(verifying).await?;
    if !is_persons {
        info.reason.iter_mut().for_each(|reason| reason.provider_text = None);
    }
    Ok(changed(&caller, &info, now(&api)).await)
}

/// Refreshes the credential of a connection now.
#[utoipa::path(
    post,
    path = "/connections/{id}/refresh",
    params(("id" = String, Path)),
    request_body = Empty,
    responses((status = 200, body = Refreshed), NotFound, Conflict, NotSupported, NoAnswer)
)]
pub(super) async fn refresh(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    place: Option<Extension<RequestPlace>>,
    Path(id): Path<String>,
    Json(Empty {}): Json<Empty>,
) -> Result<Response, Problem> {
    let connection = found(&caller, &id).await?;
    let sending = Sending::to_kind(&api, caller.registry.owner_name(), &connection.info().kind, place.as_deref())?;
    let refreshed = sending.wait(connection.refresh()).await?;
    Ok(json(StatusCode::OK, &convert::refreshed(&refreshed, now(&api))))
}

/// Returns to the previous credential of a connection.
#[utoipa::path(
    post,
    path = "/connections/{id}/rollback",
    params(("id" = String, Path), IfMatch),
    request_body = Empty,
    responses((status = 200, body = Connection, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict, NotSupported, Changed)
)]
pub(super) async fn roll_back(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(Empty {}): Json<Empty>,
) -> Result<Response, Problem> {
    let (found, _alone) = found_as_seen(&api, &caller, &id, &headers).await?;
    let info = found.rollback().await?;
    Ok(changed(&caller, &info, now(&api)).await)
}

/// Makes a connection the default of its provider, or no longer.
#[utoipa::path(
    post,
    path = "/connections/{id}/default",
    params(("id" = String, Path), IfMatch),
    request_body = SetDefault,
    responses((status = 200, body = Connection, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Changed)
)]
pub(super) async fn set_default(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<SetDefault>,
) -> Result<Response, Problem> {
    let (found, _alone) = found_as_seen(&api, &caller, &id, &headers).await?;
    let info = if body.default { found.make_default().await? } else { found.clear_default().await? };
    Ok(changed(&caller, &info, now(&api)).await)
}

/// Sets the tags of a connection, in place of those that it had.
#[utoipa::path(
    put,
    path = "/connections/{id}/tags",
    params(("id" = String, Path), IfMatch),
    request_body = SetTags,
    responses((status = 200, body = Connection, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Changed)
)]
pub(super) async fn set_tags(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<SetTags>,
) -> Result<Response, Problem> {
    let (found, _alone) = found_as_seen(&api, &caller, &id, &headers).await?;
    let tags = Tags::new(body.tags).map_err(|error| Problem::from(Error::from(error)).field("tags"))?;
    let info = found.set_tags(tags).await?;
    Ok(changed(&caller, &info, now(&api)).await)
}

/// Begins a setup that authorizes the connection again.
#[utoipa::path(
    post,
    path = "/connections/{id}/reauthorize",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Empty,
    responses((status = 201, body = Setup, headers(("Location" = String, description = "The path of the setup."))), NotFound, Conflict)
)]
pub(super) async fn reauthorize(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    once: Once<Empty>,
) -> Result<Response, Problem> {
    let registry = caller.registry;
    let own = registry.clone();
    let make = async move |Empty {}| {
        setups::made(&own, setups::reauthorize(&own, parse(&id)?, false, Vec::new()).await?, Viewer::Owner).await
    };
    once.run(&api, make, |id| setups::again(registry, id, Viewer::Owner)).await
}
