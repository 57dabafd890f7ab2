//! The profiles of local tools on the machine of the server.

use std::path::PathBuf;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use connection_api::{
    ChangeProfile, ChangeProfileSlot, NewProfile as NewShape, Page, Profile as ProfileShape, RemovedProfile,
};
use connection_contract::Kind;
use connection_core::{
    ConnectionRegistry, Error, ListedProfile, NewProfile, Profile, ProfileError, ProfileId, ProfilePatch, Profiles,
    Role,
};

use super::kinds::unknown as unknown_kind;
use crate::{
    Api,
    body::{Json, check_match, json, tagged},
    caller::{Caller, ToManage, ToRead, USUAL_OWNER},
    changes::Alone,
    convert,
    once::{Made, Once},
    openapi::{
        parameters::{After, IfMatch, LimitOrAll},
        refusals::{Changed, Conflict, NotFound},
    },
    path::Path,
    problem::Problem,
    view,
};

fn not_found() -> Problem {
    let problem = Problem::new(StatusCode::NOT_FOUND, "profile_not_found", "there is no such profile");
    problem.remedy("list the profiles to see which there are")
}

/// Returns the kinds that have profiles.
fn kinds(registry: &ConnectionRegistry) -> impl Iterator<Item = Kind> {
    let kinds = registry.kinds().list().into_iter().filter(|info| info.capabilities.profiles);
    kinds.map(|info| info.descriptor.kind)
}

/// Refuses to look into directories of the server's machine for an owner who is not its own person.
fn check_place(caller: &Caller<ToManage>) -> Result<(), Problem> {
    if caller.registry.owner_name() == USUAL_OWNER || caller.token.role == Role::Admin {
        return Ok(());
    }
    let problem = Problem::not_allowed("a profile is a directory of the machine of the server");
    Err(problem.remedy(format!("use a token with the role '{}'", Role::Admin.as_str())))
}

/// A profile, with its kind and the profiles of that kind.
struct FoundProfile {
    kind: Kind,
    profiles: Profiles,
    profile: Profile,
}

async fn found(registry: &ConnectionRegistry, id: &str) -> Result<FoundProfile, Problem> {
    let id: ProfileId = id.parse().map_err(|_| not_found())?;
    for kind in kinds(registry) {
        let profiles = registry.profiles(&kind)?;
        match profiles.get(id).await {
            Ok(profile) => return Ok(FoundProfile { kind, profiles, profile }),
            Err(Error::Profile(ProfileError::NotFound { .. })) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(not_found())
}

/// Returns a profile that is still as the caller has seen it. Nobody else changes it until the guard is dropped.
async fn found_as_seen(
    api: &Api,
    registry: &ConnectionRegistry,
    id: &str,
    headers: &HeaderMap,
) -> Result<(FoundProfile, Alone), Problem> {
    let alone = api.changes.alone(registry.owner_name(), id).await;
    let found = found(registry, id).await?;
    if headers.contains_key(header::IF_MATCH) {
        check_match(headers, &view::profile(&found.kind, &found.profiles, &found.profile).await?)?;
    }
    Ok((found, alone))
}

/// Returns the profiles of all tools, with what their directories show.
#[utoipa::path(
    get,
    path = "/profiles",
    params(LimitOrAll, After),
    responses((status = 200, body = Page<ProfileShape>))
)]
pub(super) async fn list(caller: Caller<ToRead>) -> Result<Response, Problem> {
    let page = caller.registry.list_profiles(caller.query.after(), caller.query.limit_or_all()?).await?;
    let mut items = Vec::new();
    for ListedProfile { kind, profile, .. } in &page.items {
        items.push(view::profile(kind, &caller.registry.profiles(kind)?, profile).await?);
    }
    Ok(json(StatusCode::OK, &Page { items, next: page.next.map(|next| next.to_string()) }))
}

/// Makes a profile. Its directory is made when the tool is first run with it.
#[utoipa::path(
    post,
    path = "/profiles",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewShape,
    responses((status = 201, body = ProfileShape), NotFound, Conflict)
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    once: Once<NewShape>,
) -> Result<Response, Problem> {
    check_place(&caller)?;
    let registry = caller.registry;
    let own = registry.clone();
    let make = async move |new: NewShape| {
        let kind = Kind::parse(&new.kind).filter(|kind| own.kinds().get(kind).is_some()).ok_or_else(unknown_kind)?;
        let profiles = own.profiles(&kind)?;
        let made = profiles.create(NewProfile::new(new.label, PathBuf::from(new.directory))).await?;
        let body = view::profile(&kind, &profiles, &made).await.map_err(Problem::from);
        let answer = body.map(|body| json(StatusCode::CREATED, &body));
        Ok(Made { id: made.id.to_string(), answer })
    };
    let again = async |id: String| {
        let FoundProfile { kind, profiles, profile } = found(&registry, &id).await?;
        Ok(json(StatusCode::CREATED, &view::profile(&kind, &profiles, &profile).await?))
    };
    once.run(&api, make, again).await
}

/// Returns a profile, with what its directory shows.
#[utoipa::path(
    get,
    path = "/profiles/{id}",
    params(("id" = String, Path)),
    responses((status = 200, body = ProfileShape, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound)
)]
pub(super) async fn show(caller: Caller<ToRead>, Path(id): Path<String>) -> Result<Response, Problem> {
    let FoundProfile { kind, profiles, profile } = found(&caller.registry, &id).await?;
    Ok(tagged(&view::profile(&kind, &profiles, &profile).await?))
}

/// Changes a profile. The files in its directories stay as they are.
#[utoipa::path(
    patch,
    path = "/profiles/{id}",
    params(("id" = String, Path), IfMatch),
    request_body = ChangeProfile,
    responses((status = 200, body = ProfileShape, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict, Changed)
)]
pub(super) async fn change(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(change): Json<ChangeProfile>,
) -> Result<Response, Problem> {
    if change.directory.is_some() {
        check_place(&caller)?;
    }
    let (FoundProfile { kind, profiles, profile }, _alone) =
        found_as_seen(&api, &caller.registry, &id, &headers).await?;
    let patch = change.label.into_iter().fold(ProfilePatch::new(), |patch, label| patch.label(label));
    let patch = change.directory.into_iter().fold(patch, |patch, path| patch.directory(PathBuf::from(path)));
    let patch = if change.default { patch.make_default() } else { patch };
    let changed = profiles.update(profile.id, patch).await?;
    Ok(tagged(&view::profile(&kind, &profiles, &changed).await.map_err(Problem::of_stored)?))
}

/// Makes a slot use a profile, or the default profile of the tool again.
#[utoipa::path(
    post,
    path = "/profiles/{id}/slots",
    params(("id" = String, Path), IfMatch),
    request_body = ChangeProfileSlot,
    responses((status = 200, body = ProfileShape, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict, Changed)
)]
pub(super) async fn change_slot(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(change): Json<ChangeProfileSlot>,
) -> Result<Response, Problem> {
    let (FoundProfile { kind, profiles, profile }, _alone) =
        found_as_seen(&api, &caller.registry, &id, &headers).await?;
    let slots = profiles.slots().await?;
    let is_its_own = slots.iter().any(|(slot, id)| *slot == change.slot && *id == profile.id);
    match change.uses {
        true => profiles.set_slot(&change.slot, profile.id).await?,
        // The slot of another profile stays as it is.
        false if is_its_own => drop(profiles.clear_slot(&change.slot).await?),
        false => {}
    }
    Ok(tagged(&view::profile(&kind, &profiles, &profile).await.map_err(Problem::of_stored)?))
}

/// Removes a profile. Its directory and the files in it stay.
#[utoipa::path(
    delete,
    path = "/profiles/{id}",
    params(("id" = String, Path), IfMatch),
    responses((status = 200, body = RemovedProfile), NotFound, Conflict, Changed)
)]
pub(super) async fn remove(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (FoundProfile { kind, profiles, profile }, _alone) =
        found_as_seen(&api, &caller.registry, &id, &headers).await?;
    profiles.remove(profile.id).await?;
    Ok(json(StatusCode::OK, &convert::removed_profile(kind.as_str(), &profile)))
}
