//! The tokens of pages and programs.

use std::time::Duration;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use connection_api::{IssuedToken as IssuedShape, NewRole, NewToken, Page, Token};
use connection_core::{AccessToken, AccessTokenId, IssuedToken, NewAccessToken, Role};

use crate::{
    Api,
    body::json,
    caller::{AnyCaller, Caller, ToManage},
    convert,
    once::{Made, Once, not_shown_again},
    openapi::{
        parameters::{After, Limit},
        refusals::{Conflict, NotFound},
    },
    path::Path,
    problem::Problem,
};

/// The longest lifetime of a token, in days.
const MAX_DAYS: u32 = 366;
const USUAL_DAYS: u32 = 90;

/// Returns the tokens that the caller may revoke.
#[utoipa::path(
    get,
    path = "/tokens",
    params(Limit, After),
    responses((status = 200, body = Page<Token>))
)]
pub(super) async fn list(State(api): State<Api>, caller: Caller<ToManage>) -> Result<Response, Problem> {
    let limit = caller.query.limit()?;
    let tokens = api.registry.access_tokens();
    let found = tokens.list(caller.token.owner.as_deref(), caller.query.after(), limit).await?;
    let next = found.next.map(|next| next.to_string());
    let items = found.items.iter().filter(|token| token.role <= caller.token.role).map(convert::token).collect();
    Ok(json(StatusCode::OK, &Page { items, next }))
}

/// Makes a token for a program. Its text is in the answer, and nowhere else: a request that is repeated with the same
/// `Idempotency-Key` gets 409 with the id of the token in `made`.
#[utoipa::path(
    post,
    path = "/tokens",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewToken,
    responses((status = 201, body = IssuedShape), NotFound, Conflict)
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    once: Once<NewToken>,
) -> Result<Response, Problem> {
    let own = api.clone();
    let make = async move |body| {
        let issued = issue(&own, &caller, body).await?;
        let answer = Ok(json(StatusCode::CREATED, &convert::issued_token(&issued)));
        Ok(Made { id: issued.token.id.to_string(), answer })
    };
    let again = async |id| {
        let remedy = "if the text was lost, revoke the token, and make another one with another key";
        Err(not_shown_again("this request has made a token, whose text is not shown again", remedy, id))
    };
    once.run(&api, make, again).await
}

async fn issue(api: &Api, caller: &Caller<ToManage>, body: NewToken) -> Result<IssuedToken, Problem> {
    let days = body.days.unwrap_or(USUAL_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(Problem::invalid("a token lives from 1 to 366 days").field("days"));
    }
    let owner = caller.owner_named(body.owner)?;
    let new = match (body.role, body.extension) {
        (NewRole::Extension, Some(extension)) => {
            let owner = owner.as_deref().unwrap_or_else(|| caller.registry.owner_name());
            // The extension must be one of the owner's.
            api.registry.owner(owner)?.extensions().get(&extension).await?;
            NewAccessToken::new(body.name, Role::Use).owner(owner).extension(extension)
        }
        (NewRole::Extension, None) => {
            return Err(Problem::invalid("the token of an extension needs its name").field("extension"));
        }
        (_, Some(_)) => {
            return Err(Problem::invalid("only the role 'extension' goes with an extension").field("extension"));
        }
        (role, None) => {
            let role =
                Role::parse(role.as_str()).ok_or_else(|| Problem::invalid("there is no such role").field("role"))?;
            check_role(&caller.token, role)?;
            let new = NewAccessToken::new(body.name, role);
            match owner {
                Some(owner) => new.owner(owner),
                None => new,
            }
        }
    };
    let new = new.lifetime(Duration::from_hours(24 * u64::from(days)));
    Ok(api.registry.access_tokens().create(new).await?)
}

/// Refuses an action on a token that may do more than the caller.
fn check_role(caller: &AccessToken, role: Role) -> Result<(), Problem> {
    if role <= caller.role {
        return Ok(());
    }
    let problem = Problem::not_allowed(format!(
        "the role '{}' does not allow to make or revoke a token with the role '{}'",
        caller.role.as_str(),
        role.as_str()
    ));
    Err(problem.remedy(format!("use a token with the role '{}'", role.as_str())))
}

/// Revokes a token. Every caller may revoke its own; those with the role `manage` may also revoke tokens of their owner
/// that may do no more than their own.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    params(("id" = String, Path)),
    responses((status = 204), NotFound)
)]
pub(super) async fn revoke(
    State(api): State<Api>,
    AnyCaller(caller): AnyCaller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "token_not_found", "there is no such access token");
    let id: AccessTokenId = id.parse().map_err(|_| unknown())?;
    let tokens = api.registry.access_tokens();
    if id != caller.id {
        if caller.role < Role::Manage || caller.extension.is_some() || caller.link.is_some() {
            let problem = Problem::not_allowed("this role does not allow to revoke the tokens of others");
            return Err(problem.remedy(format!("use a token with the role '{}'", Role::Manage.as_str())));
        }
        let found = tokens.get(id).await?.ok_or_else(unknown)?;
        if caller.owner.is_some() && caller.owner != found.owner {
            return Err(unknown());
        }
        check_role(&caller, found.role)?;
    }
    tokens.revoke(id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
