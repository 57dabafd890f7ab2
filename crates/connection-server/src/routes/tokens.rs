//! The tokens of pages and programs.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use connection_contract::Timestamp;
use connection_core::{AccessToken, AccessTokenId, NewAccessToken, Role};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Api,
    body::{Json, Page, json},
    caller::{AnyCaller, Caller, ToAdminister},
    problem::Problem,
};

/// The longest lifetime of a token, in days.
const MAX_DAYS: u32 = 366;
const USUAL_DAYS: u32 = 90;

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
#[serde(rename_all = "camelCase")]
struct TokenBody {
    id: String,
    name: String,
    role: &'static str,
    owner: Option<String>,
    extension: Option<String>,
    created_at: String,
    expires_at: String,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
    /// `true` for a token that a page got for a code.
    page: bool,
}

/// A token that was made, with its text, which is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedToken)]
struct IssuedTokenBody {
    #[serde(flatten)]
    of: TokenBody,
    token: String,
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewToken)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTokenBody {
    name: String,
    /// `read`, `use`, `manage` or `admin`.
    role: String,
    /// The only owner for whom the token acts. Without one, it acts for every owner that its maker acts for.
    owner: Option<String>,
    /// The lifetime in days, from 1 to 366; 90 if none is stated.
    days: Option<u32>,
}

impl From<&AccessToken> for TokenBody {
    fn from(token: &AccessToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.to_string(),
            role: token.role.as_str(),
            owner: token.owner.clone(),
            extension: token.extension.clone(),
            created_at: token.created_at.to_rfc3339(),
            expires_at: token.expires_at.to_rfc3339(),
            last_used_at: token.last_used_at.map(Timestamp::to_rfc3339),
            revoked_at: token.revoked_at.map(Timestamp::to_rfc3339),
            page: token.is_page,
        }
    }
}

/// Returns the tokens that the caller may revoke.
#[utoipa::path(
    get,
    path = "/tokens",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Page<TokenBody>))
)]
pub(super) async fn list(State(api): State<Api>, caller: Caller<ToAdminister>) -> Result<Response, Problem> {
    let limit = caller.query.limit()?;
    let after = caller.query.parsed("after", |text| text.parse::<AccessTokenId>().ok())?;
    let tokens = api.registry.access_tokens();
    let found = tokens.list(caller.token.owner.as_deref(), after, limit).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(|token| token.id.to_string());
    Ok(json(StatusCode::OK, &Page { items: found.iter().map(TokenBody::from).collect(), next }))
}

/// Makes a token for a program. Its text is in the answer, and nowhere else.
#[utoipa::path(
    post,
    path = "/tokens",
    request_body = NewTokenBody,
    responses((status = 201, body = IssuedTokenBody))
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller<ToAdminister>,
    Json(body): Json<NewTokenBody>,
) -> Result<Response, Problem> {
    let role = Role::parse(&body.role).ok_or_else(|| Problem::invalid("there is no such role").field("role"))?;
    let days = body.days.unwrap_or(USUAL_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(Problem::invalid("a token lives from 1 to 366 days").field("days"));
    }
    let owner = match (&caller.token.owner, body.owner) {
        (Some(own), Some(named)) if *own != named => {
            return Err(Problem::not_allowed("the token is for another owner"));
        }
        (Some(own), _) => Some(own.clone()),
        (None, named) => named,
    };
    let new = NewAccessToken::new(body.name, role).lifetime(Duration::from_hours(24 * u64::from(days)));
    let new = match owner {
        Some(owner) => new.owner(owner),
        None => new,
    };
    let issued = api.registry.access_tokens().create(new).await?;
    let body = IssuedTokenBody { of: (&issued.token).into(), token: issued.text.expose_secret().to_owned() };
    Ok(json(StatusCode::CREATED, &body))
}

/// Revokes a token. Every caller may revoke its own.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    params(("id" = String, Path)),
    responses((status = 204))
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
        if caller.role < Role::Admin || caller.extension.is_some() {
            return Err(Problem::not_allowed("only an administrator revokes the tokens of others"));
        }
        let found = tokens.get(id).await?.ok_or_else(unknown)?;
        if caller.owner.is_some() && caller.owner != found.owner {
            return Err(unknown());
        }
    }
    tokens.revoke(id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
