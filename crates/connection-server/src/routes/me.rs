//! The role and owner of the caller, and the exchange of a code for the token of a page.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use connection_contract::Timestamp;
use connection_core::{AccessToken, Error};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::titles::Titles;
use crate::{
    Api,
    body::{Json, json},
    caller::AnyCaller,
    problem::Problem,
    shapes::{role_word, words},
};

/// The caller of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
#[serde(rename_all = "camelCase")]
struct MeBody {
    /// The id of the caller's own token, which the caller may revoke.
    token: String,
    /// `read`, `use`, `manage`, `admin`, `extension`, or `link` for the visitor of a setup link.
    #[schema(value_type = words::Role)]
    role: &'static str,
    /// The only owner for whom the caller acts; `null` for all.
    owner: Option<String>,
    /// The name by which people know that owner; `null` if none was set.
    owner_name: Option<String>,
    expires_at: String,
    /// The only setup that the visitor of a setup link may continue, once it has begun.
    setup: Option<String>,
    /// The kinds of which the visitor of a setup link connects one. For a repair, the kind of the connection.
    kinds: Option<Vec<String>>,
    /// The connection that the visitor of a setup link repairs.
    repairs: Option<RepairedBody>,
    extension: Option<String>,
    /// The parts of the API that the host has besides connections and kinds. A page shows only these.
    areas: &'static [&'static str],
    host: HostBody,
}

/// The parts of the API that a page shows if they are there.
const AREAS: &[&str] = &["system", "extensions", "profiles", "activity", "health", "doctor", "setupLinks", "usage"];

/// A connection as it is shown to the person who repairs it with a setup link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Repaired)]
#[serde(rename_all = "camelCase")]
struct RepairedBody {
    /// The id of the connection, with which the setup is begun.
    connection: String,
    kind: String,
    /// The name of the kind that a person reads.
    kind_title: String,
    /// The name of the provider that a person reads.
    provider_title: String,
    /// The name of the account as which the person has to sign in.
    account: String,
}

impl RepairedBody {
    /// Returns the connection of the link; `None` if the link is for a new account, or the connection was removed.
    async fn of(api: &Api, token: &AccessToken) -> Result<Option<Self>, Problem> {
        let repairs = token.link.as_ref().and_then(|link| link.repairs);
        let (Some(id), Some(owner)) = (repairs, &token.owner) else { return Ok(None) };
        let registry = api.registry.owner(owner)?;
        let connection = match registry.connection(id).await {
            Err(Error::NotFound(_)) => return Ok(None),
            connection => connection?,
        };
        let info = connection.info();
        let titles = Titles::of(&registry, [&info.kind]).await?;
        Ok(Some(Self {
            connection: id.to_string(),
            kind: info.kind.to_string(),
            kind_title: titles.title(&info.kind),
            provider_title: titles.provider_title(&info.kind),
            account: info.identity.label.to_string(),
        }))
    }
}

/// The name and appearance of the host, for a page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Host)]
#[serde(rename_all = "camelCase")]
struct HostBody {
    name: Option<String>,
    /// An image as a `data:` address.
    logo: Option<String>,
    /// A colour such as `#1f7a5c`.
    accent: Option<String>,
    /// The address to which the page of a setup link leads at the end.
    return_to: Option<String>,
}

/// The name and appearance of the host, which the page of a setup link shows to everybody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Appearance)]
struct AppearanceBody {
    name: Option<String>,
    /// An image as a `data:` address.
    logo: Option<String>,
    /// A colour such as `#1f7a5c`.
    accent: Option<String>,
}

/// A token of a page, which is shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = PageToken)]
#[serde(rename_all = "camelCase")]
struct PageTokenBody {
    token: String,
    expires_at: String,
    host: HostBody,
}

/// The code that a host passed to a page.
#[derive(Deserialize, ToSchema)]
#[schema(as = Code)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeBody {
    #[schema(value_type = String)]
    code: SecretString,
    /// `true` for the code of a setup link. A code of the other kind is refused, and stays as it is, so that the code of a
    /// link never becomes the session of a page.
    #[serde(default)]
    link: bool,
}

impl HostBody {
    fn of(api: &Api, token: &AccessToken) -> Self {
        let options = &api.options;
        Self {
            name: options.name.clone(),
            logo: options.logo.as_ref().map(|logo| logo.address().to_owned()),
            accent: options.accent.as_ref().map(|accent| accent.as_str().to_owned()),
            return_to: token.link.as_ref().and_then(|link| link.return_to.clone()),
        }
    }
}

/// Returns the role and the owner of the caller.
#[utoipa::path(get, path = "/me", responses((status = 200, body = MeBody)))]
pub(super) async fn me(State(api): State<Api>, AnyCaller(token): AnyCaller) -> Result<Response, Problem> {
    let host = HostBody::of(&api, &token);
    let owner_name = match &token.owner {
        Some(owner) => api.registry.owner(owner)?.display_name().await?.map(|name| name.to_string()),
        None => None,
    };
    let repairs = RepairedBody::of(&api, &token).await?;
    let link = token.link.as_ref();
    let body = MeBody {
        token: token.id.to_string(),
        role: role_word(&token),
        setup: link.and_then(|link| link.setup).map(|id| id.to_string()),
        kinds: link.map(|link| link.kinds.iter().map(ToString::to_string).collect()),
        repairs,
        owner: token.owner,
        owner_name,
        expires_at: token.expires_at.to_rfc3339(),
        extension: token.extension,
        areas: if link.is_some() { &[] } else { AREAS },
        host,
    };
    Ok(json(StatusCode::OK, &body))
}

/// Returns the name and appearance of the host, for the page of a setup link that no longer works.
#[utoipa::path(get, path = "/appearance", responses((status = 200, body = AppearanceBody)), security(()))]
pub(super) async fn appearance(State(api): State<Api>) -> Response {
    let options = &api.options;
    let body = AppearanceBody {
        name: options.name.clone(),
        logo: options.logo.as_ref().map(|logo| logo.address().to_owned()),
        accent: options.accent.as_ref().map(|accent| accent.as_str().to_owned()),
    };
    json(StatusCode::OK, &body)
}

/// Exchanges a code for the token of a page. A code is good once.
#[utoipa::path(
    post,
    path = "/page-tokens",
    request_body = CodeBody,
    responses((status = 201, body = PageTokenBody)),
    security(())
)]
pub(super) async fn exchange(
    State(api): State<Api>,
    headers: HeaderMap,
    Json(body): Json<CodeBody>,
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
    let body = PageTokenBody {
        token: issued.text.expose_secret().to_owned(),
        expires_at: Timestamp::to_rfc3339(issued.token.expires_at),
        host: HostBody::of(&api, &issued.token),
    };
    Ok(json(StatusCode::CREATED, &body))
}
