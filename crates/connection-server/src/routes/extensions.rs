//! Extensions: what each needs, and which connections it may use.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use connection_api::{
    AddExtension, Choice, Extension, Grant as GrantShape, NewGrant, Page, RemovedExtension, ResolvedConnection,
};
use connection_contract::SecretName;
use connection_core::{
    ConnectionId, ConnectionRegistry, ExtensionHandle, ExtensionInfo, ResolvedConnection as CoreResolved, Role,
    for_grantee,
};
use connection_manifest::ExtensionFile;

use crate::{
    Api, agents,
    body::{Json, check_match, json, tagged},
    caller::{AnyCaller, Caller, Need, ToManage, ToRead, ToUse},
    convert,
    declared::{self, KnownDeclaration},
    once::{Made, Once, not_shown_again},
    openapi::{
        parameters::{After, IfMatch, LimitOrAll},
        refusals::{Changed, Conflict, NotFound},
    },
    path::Path,
    problem::Problem,
    view,
};

/// A caller with a role, or with the token of the extension that the path names.
#[derive(Debug)]
pub(super) struct ForExtension<N> {
    pub(super) caller: Caller<N>,
    name: String,
}

impl<N: Need> FromRequestParts<Api> for ForExtension<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Path(names) = Path::<HashMap<String, String>>::from_request_parts(parts, api).await?;
        let name = names.get("name").cloned().ok_or_else(unknown)?;
        let AnyCaller(token) = AnyCaller::from_request_parts(parts, api).await?;
        match &token.extension {
            Some(own) if *own != name => return Err(Problem::not_allowed("the token is for another extension")),
            // An extension changes nothing of its own, whatever the role in its token is.
            Some(_) if N::ROLE > Role::Use => {
                return Err(Problem::not_allowed("the token of an extension does not allow this"));
            }
            _ => {}
        }
        let caller = Caller::of(token, parts, api)?;
        Ok(Self { caller, name })
    }
}

impl<N> ForExtension<N> {
    /// Returns the handle of the extension.
    pub(super) async fn handle(&self) -> Result<ExtensionHandle, Problem> {
        handle(&self.caller.registry, &self.name).await
    }
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_extension", "there is no such extension")
}

/// Returns the handle of the extension with this name.
pub(super) async fn handle(registry: &ConnectionRegistry, name: &str) -> Result<ExtensionHandle, Problem> {
    let added = registry.extensions().get(name).await?;
    handle_of(registry, &added)
}

fn handle_of(registry: &ConnectionRegistry, added: &ExtensionInfo) -> Result<ExtensionHandle, Problem> {
    let file = view::stored(added).map_err(|error| {
        let problem = Problem::new(StatusCode::CONFLICT, "invalid_manifest", error.message);
        problem.remedy(error.remedy.unwrap_or_default())
    })?;
    Ok(registry.extensions().handle(file.into_declaration())?)
}

/// Returns the extensions that were added, with the state of what they need, and those to which a host granted a
/// connection without adding them.
#[utoipa::path(
    get,
    path = "/extensions",
    params(LimitOrAll, After),
    responses((status = 200, body = Page<Extension>))
)]
pub(super) async fn list(caller: Caller<ToRead>) -> Result<Response, Problem> {
    let page = view::extensions(&caller.registry, caller.query.after(), caller.query.limit_or_all()?).await?;
    Ok(json(StatusCode::OK, &page))
}

/// Returns one extension, with the state of what it needs.
#[utoipa::path(
    get,
    path = "/extensions/{name}",
    params(("name" = String, Path)),
    responses((status = 200, body = Extension, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound)
)]
pub(super) async fn show(caller: Caller<ToRead>, Path(name): Path<String>) -> Result<Response, Problem> {
    Ok(tagged(&view::extension(&caller.registry, &name).await?))
}

impl From<KnownDeclaration> for Problem {
    fn from(known: KnownDeclaration) -> Self {
        let problem = Self::new(StatusCode::CONFLICT, "declaration_known", known.to_string());
        problem.remedy(format!("write \"provider\": \"{}\" in the manifest", known.provider))
    }
}

/// Adds an extension by its manifest. An extension of that name keeps its grants and preferences.
#[utoipa::path(
    post,
    path = "/extensions",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = AddExtension,
    responses((status = 201, body = Extension), Conflict)
)]
pub(super) async fn add(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    once: Once<AddExtension>,
) -> Result<Response, Problem> {
    let registry = caller.registry;
    let own = registry.clone();
    let make = async move |body: AddExtension| {
        let source = body.manifest.to_string();
        let file = ExtensionFile::parse(source.as_bytes()).map_err(|error| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_manifest", error.to_string()).field("manifest")
        })?;
        let declaration = file.into_declaration();
        // A declaration that makes no kind is added all the same, and its state says so.
        declared::check(&own, &declaration)?;
        let name = own.extensions().add(&declaration, source).await?.name;
        Ok(Made { answer: added(&own, &name).await, id: name })
    };
    once.run(&api, make, async |name: String| added(&registry, &name).await).await
}

async fn added(registry: &ConnectionRegistry, name: &str) -> Result<Response, Problem> {
    Ok(json(StatusCode::CREATED, &view::extension(registry, name).await?))
}

/// Removes an extension: revokes its grants, and deletes its preferences. Connections stay.
#[utoipa::path(
    delete,
    path = "/extensions/{name}",
    params(("name" = String, Path)),
    responses((status = 200, body = RemovedExtension), NotFound)
)]
pub(super) async fn remove(caller: Caller<ToManage>, Path(name): Path<String>) -> Result<Response, Problem> {
    let extensions = caller.registry.extensions();
    let revoked = extensions.grants_to(&name).await?.len();
    if !extensions.remove(&name).await? {
        return Err(unknown());
    }
    Ok(json(StatusCode::OK, &RemovedExtension { name, revoked }))
}

fn connection_id(text: &str) -> Result<ConnectionId, Problem> {
    text.parse().map_err(|_| Problem::no_connection())
}

/// Grants an extension the use of a connection.
#[utoipa::path(
    post,
    path = "/extensions/{name}/grants",
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = NewGrant,
    responses((status = 201, body = GrantShape), NotFound, Conflict)
)]
pub(super) async fn grant(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(name): Path<String>,
    once: Once<NewGrant>,
) -> Result<Response, Problem> {
    let registry = caller.registry;
    let (own, extension) = (registry.clone(), name.clone());
    let make = async move |new: NewGrant| {
        let handle = handle(&own, &extension).await?;
        let connection = own.connection(connection_id(&new.connection)?).await?;
        let granted = match &new.rules {
            Some(_) if new.secret_names.as_ref().is_some_and(|names| !names.is_empty()) => {
                let problem = Problem::invalid("an extension that receives a secret cannot be held to rules");
                return Err(problem.field("secretNames").remedy("leave out 'secretNames', or leave out 'rules'"));
            }
            Some(rules) => agents::grant_within(&own, &extension, connection.info(), rules).await?,
            None => {
                let names = named(&handle.requirement().auth.secret_names, new.secret_names)?;
                let granted = own.extensions().grant(&extension, connection.id(), &names).await?;
                convert::grant(&granted, connection.info())
            }
        };
        let answer = json(StatusCode::CREATED, &granted);
        Ok(Made { id: connection.id().to_string(), answer: Ok(answer) })
    };
    let again = async |id: String| {
        let connection = registry.connection(connection_id(&id)?).await?;
        let grants = registry.extensions().grants_to(&name).await?;
        let found = grants.iter().find(|grant| grant.connection == connection.id());
        // A person who has revoked the grant in the meantime must not get it back.
        let ended =
            || not_shown_again("the grant of this request was revoked", "grant it with another key", id.clone());
        Ok(json(StatusCode::CREATED, &convert::grant(found.ok_or_else(ended)?, connection.info())))
    };
    once.run(&api, make, again).await
}

/// Returns the declared secrets that a person has named, in the order of the declaration, or all of them.
fn named(declared: &[SecretName], named: Option<Vec<String>>) -> Result<Vec<SecretName>, Problem> {
    let Some(named) = named else { return Ok(declared.to_vec()) };
    if named.iter().any(|name| !declared.iter().any(|known| known.as_str() == name)) {
        let problem = Problem::invalid("the extension declares no such secret").field("secretNames");
        let known: Vec<_> = declared.iter().map(SecretName::as_str).collect();
        return Err(problem.remedy(format!("the declared secrets are: {}", known.join(", "))));
    }
    Ok(declared.iter().filter(|known| named.iter().any(|name| known.as_str() == name)).cloned().collect())
}

/// Revokes the grant of a connection. Revoking it again changes nothing.
#[utoipa::path(
    delete,
    path = "/extensions/{name}/grants/{connection}",
    params(("name" = String, Path), ("connection" = String, Path)),
    responses((status = 204), NotFound)
)]
pub(super) async fn revoke(
    caller: Caller<ToManage>,
    Path((name, connection)): Path<(String, String)>,
) -> Result<Response, Problem> {
    // The extension may be one that was not added, so it is not looked up.
    let connection = caller.registry.connection(connection_id(&connection)?).await?;
    caller.registry.extensions().revoke(&name, connection.id()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Chooses the connection that an extension uses, in place of the default of its provider. It grants nothing.
#[utoipa::path(
    put,
    path = "/extensions/{name}/choice",
    params(("name" = String, Path), IfMatch),
    request_body = Choice,
    responses((status = 200, body = Extension, headers(("ETag" = String, description = "The tag of this state, for `If-Match`."))), NotFound, Conflict, Changed)
)]
pub(super) async fn choose(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Choice>,
) -> Result<Response, Problem> {
    let registry = &caller.registry;
    let _alone = api.changes.alone(registry.owner_name(), &name).await;
    let handle = handle(registry, &name).await?;
    if headers.contains_key(header::IF_MATCH) {
        check_match(&headers, &view::extension(registry, &name).await?)?;
    }
    match body.connection {
        Some(connection) => registry.extensions().choose(handle.name(), connection_id(&connection)?).await?,
        None => drop(registry.extensions().clear_choice(handle.name()).await?),
    }
    Ok(tagged(&view::extension(registry, &name).await.map_err(Problem::of_stored)?))
}

/// Returns the connection that an extension would use, without any secret. No provider is asked.
#[utoipa::path(
    get,
    path = "/extensions/{name}/resolved",
    params(("name" = String, Path)),
    responses((status = 200, body = ResolvedConnection), NotFound, Conflict)
)]
pub(super) async fn resolved(caller: ForExtension<ToUse>) -> Result<Response, Problem> {
    let handle = caller.handle().await?;
    Ok(json(StatusCode::OK, &convert::resolved(&resolution(&handle).await?)))
}

/// Returns the connection that an extension would use, as the extension gets it.
pub(super) async fn resolution(handle: &ExtensionHandle) -> Result<CoreResolved, Problem> {
    let mut resolved = handle.resolve(handle.requirement()).await?;
    resolved.error = resolved.error.map(for_grantee);
    Ok(resolved)
}
