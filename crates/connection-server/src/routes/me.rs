//! The role and owner of the caller, and the exchange of a code for the token of a page.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use connection_contract::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Api,
    body::{Json, json},
    caller::AnyCaller,
    problem::Problem,
    shapes::role_word,
};

/// The caller of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
#[serde(rename_all = "camelCase")]
struct MeBody {
    /// The id of the caller's own token, which the caller may revoke.
    token: String,
    /// `read`, `use`, `manage`, `admin` or `extension`.
    role: &'static str,
    /// The only owner for whom the caller acts; `null` for all.
    owner: Option<String>,
    expires_at: String,
    /// The only setup that the caller may continue.
    setup: Option<String>,
    extension: Option<String>,
    /// The parts of the API that the host has besides connections and kinds. A page shows only these.
    areas: &'static [&'static str],
    host: HostBody,
}

/// The parts of the API that a page shows if they are there.
const AREAS: &[&str] = &["system", "extensions", "profiles", "activity", "health", "doctor"];

/// The name and appearance of the host, for a page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Host)]
#[serde(rename_all = "camelCase")]
struct HostBody {
    name: Option<String>,
    logo: Option<String>,
    accent: Option<String>,
    return_to: Option<String>,
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
}

impl HostBody {
    fn of(api: &Api) -> Self {
        Self { name: api.options.name.clone(), logo: None, accent: None, return_to: None }
    }
}

/// Returns the role and the owner of the caller.
#[utoipa::path(get, path = "/me", responses((status = 200, body = MeBody)))]
pub(super) async fn me(State(api): State<Api>, AnyCaller(token): AnyCaller) -> Response {
    let body = MeBody {
        token: token.id.to_string(),
        role: role_word(&token),
        owner: token.owner,
        expires_at: token.expires_at.to_rfc3339(),
        setup: None,
        extension: token.extension,
        areas: AREAS,
        host: HostBody::of(&api),
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
    let issued = api.registry.access_tokens().exchange_code(&body.code).await?;
    let body = PageTokenBody {
        token: issued.text.expose_secret().to_owned(),
        expires_at: Timestamp::to_rfc3339(issued.token.expires_at),
        host: HostBody::of(&api),
    };
    Ok(json(StatusCode::CREATED, &body))
}
