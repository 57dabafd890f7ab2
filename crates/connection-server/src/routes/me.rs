//! The role and owner of the caller, and the exchange of a code for the token of a page.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use connection_api::{Appearance, Code, Host, Me, PageToken, Repaired};
use connection_contract::Timestamp;
use connection_core::{AccessToken, Error};
use secrecy::ExposeSecret as _;

use crate::{
    Api,
    body::{Json, json},
    caller::AnyCaller,
    convert,
    problem::Problem,
    view::Titles,
};

/// The parts of the API that a page shows if they are there.
const AREAS: [&str; 10] =
    ["system", "extensions", "agents", "approvals", "profiles", "activity", "health", "doctor", "setupLinks", "usage"];

/// Returns the connection of a repair link; `None` if the link is for a new account, or the connection was removed.
async fn repaired(api: &Api, token: &AccessToken) -> Result<Option<Repaired>, Problem> {
    let repairs = token.link.as_ref().and_then(|link| link.repairs);
    let (Some(id), Some(owner)) = (repairs, &token.owner) else { return Ok(None) };
    let registry = api.registry.owner(owner)?;
    let connection = match registry.connection(id).await {
        Err(Error::NotFound(_)) => return Ok(None),
        connection => connection?,
    };
    let info = connection.info();
    let titles = Titles::of(&registry, [&info.kind]).await?;
    Ok(Some(Repaired {
        connection: id.to_string(),
        kind: info.kind.to_string(),
        kind_title: titles.title(&info.kind),
        provider_title: titles.provider_title(&info.kind),
        account: info.identity.label.to_string(),
    }))
}

fn host(api: &Api, token: &AccessToken) -> Host {
    let Appearance { name, logo, accent } = shown(api);
    Host { name, logo, accent, return_to: token.link.as_ref().and_then(|link| link.return_to.clone()) }
}

fn shown(api: &Api) -> Appearance {
    let options = &api.options;
    Appearance {
        name: options.name.clone(),
        logo: options.logo.as_ref().map(|logo| logo.address().to_owned()),
        accent: options.accent.as_ref().map(|accent| accent.as_str().to_owned()),
    }
}

/// Returns the role and the owner of the caller.
#[utoipa::path(get, path = "/me", responses((status = 200, body = Me)))]
pub(super) async fn me(State(api): State<Api>, AnyCaller(token): AnyCaller) -> Result<Response, Problem> {
    let host = host(&api, &token);
    let owner_name = match &token.owner {
        Some(owner) => api.registry.owner(owner)?.display_name().await?.map(|name| name.to_string()),
        None => None,
    };
    let repairs = repaired(&api, &token).await?;
    let link = token.link.as_ref();
    let body = Me {
        token: token.id.to_string(),
        role: convert::role(&token),
        setup: link.and_then(|link| link.setup).map(|id| id.to_string()),
        kinds: link.map(|link| link.kinds.iter().map(ToString::to_string).collect()),
        repairs,
        owner: token.owner,
        owner_name,
        expires_at: token.expires_at.to_rfc3339(),
        extension: token.extension,
        areas: if link.is_some() { Vec::new() } else { AREAS.map(str::to_owned).to_vec() },
        host,
    };
    Ok(json(StatusCode::OK, &body))
}

/// Returns the name and appearance of the host, for the page of a setup link that no longer works.
#[utoipa::path(get, path = "/appearance", responses((status = 200, body = Appearance)), security(()))]
pub(super) async fn appearance(State(api): State<Api>) -> Response {
    json(StatusCode::OK, &shown(&api))
}

/// Exchanges a code for the token of a page. A code is good once.
#[utoipa::path(
    post,
    path = "/page-tokens",
    request_body = Code,
    responses((status = 201, body = PageToken)),
    security(())
)]
pub(super) async fn exchange(
    State(api): State<Api>,
    headers: HeaderMap,
    Json(body): Json<Code>,
) -> Result<Response, Problem> {
    // The guard has checked that the origin is ours if there is one. Every browser states it here.
    if !headers.contains_key(header::ORIGIN) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", "the request does not state its origin"));
    }
    let tokens = api.registry.access_tokens();
    let issued = match body.link {
        true => tokens.exchange_link(&body.code).await?,
        false => tokens.exchange_code(&body.code).await?,
    };
    let body = PageToken {
        token: issued.text.expose_secret().to_owned(),
        expires_at: Timestamp::to_rfc3339(issued.token.expires_at),
        host: host(&api, &issued.token),
    };
    Ok(json(StatusCode::CREATED, &body))
}
