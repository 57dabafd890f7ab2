//! One connection: what is known of it, and what a person does with it.

use std::collections::BTreeMap;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use connection_contract::{RefreshSemantics, Timestamp};
use connection_core::{Connection, ConnectionId, ConnectionInfo, Error, Tags};
use connection_inbound::RequestPlace;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    connection_list::ListedBody,
    setups::{self, Viewer},
    titles::Titles,
};
use crate::{
    Api,
    body::{Empty, Json, check_match, json, tag, with_tag},
    caller::{Caller, Need, ToManage, ToRead, ToUse},
    changes::Alone,
    once::Once,
    openapi::{
        parameters::IfMatch,
        refusals::{Changed, Conflict, NoAnswer, NotFound, NotSupported},
    },
    path::Path,
    problem::Problem,
    sends::Sending,
    shapes::{ConnectionBody, GrantBody, RefreshedBody, RemovedBody, SetupShape},
};

/// A connection, with the extensions that use it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShownConnection)]
#[serde(rename_all = "camelCase")]
struct ShownBody {
    #[serde(flatten)]
    connection: ListedBody,
    uses: Vec<GrantBody>,
    /// `true` if the provider accepts each refresh token once, so that a former credential cannot be restored.
    rotates: bool,
    /// The time until which the previous credential is kept and can be restored; `null` if there is none.
    previous_until: Option<String>,
    /// The time at which the account was connected.
    created_at: String,
    /// The time of the last change of anything but the liveness.
    updated_at: String,
    /// The origins to which the credential may be sent, or else the directories that may be read; `null` if they cannot
    /// be opened.
    reach: Option<Vec<String>>,
}

/// The consequences of a removal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Removal)]
#[serde(rename_all = "camelCase")]
struct RemovalBody {
    /// The extensions that lose the use of the connection.
    extensions: Vec<String>,
    /// `true` if the connection has an address for webhooks, which will be refused.
    webhooks: bool,
    /// `true` if the kind can revoke a credential that a person entered, which it does on request.
    can_revoke: bool,
}

/// A change of a connection.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Rename)]
#[serde(deny_unknown_fields)]
pub(super) struct RenameBody {
    label: String,
}

/// The tags of a connection.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SetTags)]
#[serde(deny_unknown_fields)]
pub(super) struct TagsBody {
    /// At most 16 tags, by their names.
    tags: BTreeMap<String, String>,
}

/// A change of the default of a provider.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SetDefault)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultBody {
    default: bool,
}

fn parse(id: &str) -> Result<ConnectionId, Problem> {
    id.parse().map_err(|_| Problem::no_connection())
}

async fn found<N: Need>(caller: &Caller<N>, id: &str) -> Result<Connection, Problem> {
    Ok(caller.registry.connection(parse(id)?).await?)
}

/// Returns a connection that is still as the caller has seen it. Nobody else changes it until the guard is dropped.
async fn found_as_seen<N: Need>(
    api: &Api,
    caller: &Caller<N>,
    id: &str,
    headers: &HeaderMap,
) -> Result<(Connection, Alone), Problem> {
    let alone = api.changes.alone(caller.registry.owner_name(), id).await;
    let found = found(caller, id).await?;
    if headers.contains_key(header::IF_MATCH) {
        check_match(headers, &shown(caller, found.info(), now(api)).await?)?;
    }
    Ok((found, alone))
}

async fn shown<N: Need>(caller: &Caller<N>, info: &ConnectionInfo, now: Timestamp) -> Result<ShownBody, Problem> {
    let grants = caller.registry.extensions().grants().await?;
    let uses = grants.iter().filter(|grant| grant.connection == info.id && grant.revoked_at.is_none());
    let semantics = caller.registry.kinds().find(&info.kind).await?.and_then(|kind| kind.capabilities.refresh);
    let titles = Titles::of(&caller.registry, [&info.kind]).await?;
    Ok(ShownBody {
        connection: ListedBody::of(&titles, info, &grants, now),
        uses: uses.map(|grant| GrantBody::of(grant, info)).collect(),
        rotates: semantics.is_some_and(|semantics| semantics != RefreshSemantics::Stable),
        previous_until: None,
        created_at: info.created_at.to_rfc3339(),
        updated_at: info.updated_at.to_rfc3339(),
        reach: None,
    })
}

/// Returns the origins to which the credential of a connection may be sent, or else its directories.
async fn reach(connection: &Connection) -> Option<Vec<String>> {
    let origins = connection.origins().await.ok()?;
    if !origins.is_empty() {
        return Some(origins.iter().map(|origin| origin.as_str().to_owned()).collect());
    }
    let files = connection.files().await.ok();
    let roots = files.iter().flat_map(|files| files.roots()).map(|root| root.as_str().to_owned());
    Some(roots.collect())
}

fn now(api: &Api) -> Timestamp {
    api.registry.server().clock().now()
}

/// Returns a connection after a change. The tag is that of what `GET` then shows, so that it is good for the next change.
async fn changed<N: Need>(caller: &Caller<N>, info: &ConnectionInfo, now: Timestamp) -> Result<Response, Problem> {
    let tag = tag(&shown(caller, info, now).await?);
    Ok(with_tag(json(StatusCode::OK, &ConnectionBody::of(info, now)), &tag))
}

/// Returns a connection.
#[utoipa::path(
    get,
    path = "/connections/{id}",
    params(("id" = String, Path)),
    responses((status = 200, body = ShownBody, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound)
)]
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller<ToRead>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let found = found(&caller, &id).await?;
    let mut body = shown(&caller, found.info(), now(&api)).await?;
    // The tag is that of the row, which a change returns, too.
    let tag = tag(&body);
    body.reach = reach(&found).await;
    body.previous_until = match found.previous_until().await {
        Ok(until) => until.map(|until| until.to_rfc3339()),
        // A connection of a kind that is not registered is shown all the same.
        Err(Error::UnknownKind(_)) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(with_tag(json(StatusCode::OK, &body), &tag))
}

/// Changes the label of a connection.
#[utoipa::path(
    patch,
    path = "/connections/{id}",
    params(("id" = String, Path), IfMatch),
    request_body = RenameBody,
    responses((status = 200, body = ConnectionBody, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict, Changed)
)]
pub(super) async fn rename(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<RenameBody>,
) -> Result<Response, Problem> {
    let (found, _alone) = found_as_seen(&api, &caller, &id, &headers).await?;
    let info = found.rename(body.label).await?;
    changed(&caller, &info, now(&api)).await
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
    responses((status = 200, body = RemovedBody), NotFound, Changed)
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
    Ok(json(StatusCode::OK, &RemovedBody::of(found.info(), &removal)))
}

/// Returns what a removal will do.
#[utoipa::path(
    get,
    path = "/connections/{id}/removal",
    params(("id" = String, Path)),
    responses((status = 200, body = RemovalBody), NotFound)
)]
pub(super) async fn removal(caller: Caller<ToRead>, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = found(&caller, &id).await?;
    let grants = caller.registry.extensions().grants().await?;
    let of_it = grants.into_iter().filter(|grant| grant.connection == found.id() && grant.revoked_at.is_none());
    let extensions = of_it.map(|grant| grant.extension).collect();
    let webhooks = match found.webhooks().info().await {
        Ok(info) => info.is_some(),
        Err(_) => false,
    };
    let kind = caller.registry.kinds().get(&found.info().kind);
    let can_revoke = kind.is_some_and(|kind| kind.capabilities.revoke);
    Ok(json(StatusCode::OK, &RemovalBody { extensions, webhooks, can_revoke }))
}

/// How a connection is verified.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Verification)]
pub(super) struct VerificationBody {
    /// If `true`, the provider is asked although it asked to wait.
    #[serde(default)]
    now: bool,
}

/// Verifies a connection. During a pause that the provider asked for, nothing is sent unless the body says `now`, and
/// `pausedUntil` says how long it lasts.
#[utoipa::path(
    post,
    path = "/connections/{id}/verify",
    params(("id" = String, Path)),
    request_body = VerificationBody,
    responses((status = 200, body = ConnectionBody, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict)
)]
pub(super) async fn verify(
    State(api): State<Api>,
    caller: Caller<ToUse>,
    place: Option<Extension<RequestPlace>>,
    Path(id): Path<String>,
    Json(VerificationBody { now: is_now }): Json<VerificationBody>,
) -> Result<Response, Problem> {
    let connection = found(&caller, &id).await?;
    let sending = Sending::to_kind(&api, caller.registry.owner_name(), &connection.info().kind, place.as_deref())?;
    let verifying = async { if is_now { connection.verify_now().await } else { connection.verify().await } };
    let info = sending.wait(verifying).await?;
    changed(&caller, &info, now(&api)).await
}

/// Refreshes the credential of a connection now.
#[utoipa::path(
    post,
    path = "/connections/{id}/refresh",
    params(("id" = String, Path)),
    request_body = Empty,
    responses((status = 200, body = RefreshedBody), NotFound, Conflict, NotSupported, NoAnswer)
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
    let connection = ConnectionBody::of(&refreshed.connection, now(&api));
    Ok(json(StatusCode::OK, &RefreshedBody::new(refreshed.outcome.name(), connection)))
}

/// Returns to the previous credential of a connection.
#[utoipa::path(
    post,
    path = "/connections/{id}/rollback",
    params(("id" = String, Path), IfMatch),
    request_body = Empty,
    responses((status = 200, body = ConnectionBody, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict, NotSupported, Changed)
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
    changed(&caller, &info, now(&api)).await
}

/// Makes a connection the default of its provider, or no longer.
#[utoipa::path(
    post,
    path = "/connections/{id}/default",
    params(("id" = String, Path), IfMatch),
    request_body = DefaultBody,
    responses((status = 200, body = ConnectionBody, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Changed)
)]
pub(super) async fn set_default(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<DefaultBody>,
) -> Result<Response, Problem> {
    let (found, _alone) = found_as_seen(&api, &caller, &id, &headers).await?;
    let info = if body.default { found.make_default().await? } else { found.clear_default().await? };
    changed(&caller, &info, now(&api)).await
}

/// Sets the tags of a connection, in place of those that it had.
#[utoipa::path(
    put,
    path = "/connections/{id}/tags",
    params(("id" = String, Path), IfMatch),
    request_body = TagsBody,
    responses((status = 200, body = ConnectionBody, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Changed)
)]
pub(super) async fn set_tags(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<TagsBody>,
) -> Result<Response, Problem> {
    let (found, _alone) = found_as_seen(&api, &caller, &id, &headers).await?;
    let tags = Tags::new(body.tags).map_err(|error| Problem::from(Error::from(error)).field("tags"))?;
    let info = found.set_tags(tags).await?;
    changed(&caller, &info, now(&api)).await
}

/// Begins a setup that authorizes the connection again.
#[utoipa::path(
    post,
    path = "/connections/{id}/reauthorize",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Empty,
    responses((status = 201, body = SetupShape, headers(("Location" = String, description = "The path of the setup."))), NotFound, Conflict)
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
