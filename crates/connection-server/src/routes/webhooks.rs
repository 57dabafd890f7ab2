//! The address for webhooks of a connection, its keys, and what arrived there.
//!
//! The address and the keys are secrets that a person enters at the provider. Only the answers to the requests that make
//! or reveal them have them.

use axum::{
    extract::{FromRequest, FromRequestParts as _, Request, State},
    http::StatusCode,
    response::Response,
};
use connection_api::{Delivery, Empty, Page, Webhook, WebhookCheck};
use connection_contract::{Secret, SigningKey};
use connection_core::{Connection, WebhookInfo};
use connection_inbound::PublicUrl;

use crate::{
    Api,
    body::{Json, json},
    caller::{Caller, Need, ToManage, ToRead, ToUse},
    convert,
    once::{Made, Once},
    openapi::refusals::{Conflict, NotFound, NotSupported},
    path::Path,
    problem::Problem,
    view,
};

/// The connection whose webhooks a caller changes, by a request whose body says nothing.
#[derive(Debug)]
pub(super) struct ToChange {
    api: Api,
    connection: Connection,
}

impl FromRequest<Api> for ToChange {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::<ToManage>::from_request_parts(&mut parts, api).await?;
        let Path(id) = Path::<String>::from_request_parts(&mut parts, api).await?;
        let Json(Empty {}) = Json::from_request(Request::from_parts(parts, body), api).await?;
        Ok(Self { api: api.clone(), connection: found(&caller, &id).await? })
    }
}

async fn found<N: Need>(caller: &Caller<N>, id: &str) -> Result<Connection, Problem> {
    Ok(caller.registry.connection(id.parse().map_err(|_| Problem::no_connection())?).await?)
}

fn public_url(api: &Api) -> Result<PublicUrl, Problem> {
    api.options.url().ok_or_else(|| {
        let detail = "this host has no public address, so no provider knows where to send";
        Problem::new(StatusCode::CONFLICT, "no_public_url", detail).remedy("configure the public address of the host")
    })
}

/// Returns the shape of the settings, without secrets.
fn shown(api: &Api, connection: &Connection, info: Option<&WebhookInfo>) -> Response {
    let url = public_url(api).ok();
    let last_test = info.and_then(|info| view::last_test(info, url.as_ref()));
    json(StatusCode::OK, &convert::webhook(connection.info(), info, None, None, last_test))
}

/// Returns the shape of the settings with the address and, if there is one, the newest key.
async fn revealed(api: &Api, connection: &Connection, info: &WebhookInfo) -> Result<Response, Problem> {
    let address = public_url(api)?.webhook(&info.path_token);
    let has_key = info.signing_key != SigningKey::Credential && !info.keys.is_empty();
    let key = if has_key { Some(connection.webhooks().key().await?) } else { None };
    let key = key.as_ref().and_then(Secret::expose_str);
    Ok(json(StatusCode::OK, &convert::webhook(connection.info(), Some(info), Some(address), key, None)))
}

/// Returns the settings for webhooks of a connection, without the address and the keys.
#[utoipa::path(
    get,
    path = "/connections/{id}/webhook",
    params(("id" = String, Path)),
    responses((status = 200, body = Webhook), NotFound, NotSupported)
)]
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller<ToRead>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let connection = found(&caller, &id).await?;
    let info = connection.webhooks().info().await?;
    Ok(shown(&api, &connection, info.as_ref()))
}

/// Gives a connection an address for webhooks, and a key if the provider needs one. If the provider sends its key, the
/// first one within fifteen minutes is accepted. The answer has the address and the key.
#[utoipa::path(
    post,
    path = "/connections/{id}/webhook",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Empty,
    responses((status = 200, body = Webhook), NotFound, Conflict, NotSupported)
)]
pub(super) async fn enable(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    once: Once<Empty>,
) -> Result<Response, Problem> {
    let connection = found(&caller, &id).await?;
    let (own_api, own) = (api.clone(), connection.clone());
    let make = async move |Empty {}| {
        public_url(&own_api)?;
        let mut info = own.webhooks().enable().await?;
        if info.signing_key == SigningKey::Handshake && info.keys.is_empty() {
            // The provider sends its key as soon as the address is entered there.
            info = own.webhooks().await_handshake().await?;
        }
        Ok(Made { id: own.id().to_string(), answer: revealed(&own_api, &own, &info).await })
    };
    once.run(&api, make, async |_| revealed_again(&api, &connection).await).await
}

/// Takes the address away. The events that wait are kept.
#[utoipa::path(
    delete,
    path = "/connections/{id}/webhook",
    params(("id" = String, Path)),
    responses((status = 200, body = Webhook), NotFound)
)]
pub(super) async fn disable(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let connection = found(&caller, &id).await?;
    connection.webhooks().disable().await?;
    Ok(shown(&api, &connection, None))
}

/// Returns the settings with the address and the newest key, which a person enters at the provider.
#[utoipa::path(
    post,
    path = "/connections/{id}/webhook/reveal",
    params(("id" = String, Path)),
    request_body = Empty,
    responses((status = 200, body = Webhook), NotFound, Conflict, NotSupported)
)]
pub(super) async fn reveal(ToChange { api, connection }: ToChange) -> Result<Response, Problem> {
    revealed_again(&api, &connection).await
}

async fn revealed_again(api: &Api, connection: &Connection) -> Result<Response, Problem> {
    match connection.webhooks().info().await? {
        Some(info) => revealed(api, connection, &info).await,
        None => Err(disabled()),
    }
}

fn disabled() -> Problem {
    let problem = Problem::new(StatusCode::CONFLICT, "webhook_disabled", "the connection has no address for webhooks");
    problem.remedy("give it an address first")
}

/// Makes a new key. The former one stays valid for seven days. The answer has the key.
#[utoipa::path(
    post,
    path = "/connections/{id}/webhook/key",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Empty,
    responses((status = 200, body = Webhook), NotFound, Conflict, NotSupported)
)]
pub(super) async fn rotate(
    State(api): State<Api>,
    caller: Caller<ToManage>,
    Path(id): Path<String>,
    once: Once<Empty>,
) -> Result<Response, Problem> {
    let connection = found(&caller, &id).await?;
    let (own_api, own) = (api.clone(), connection.clone());
    let make = async move |Empty {}| {
        let info = own.webhooks().rotate_key().await?;
        Ok(Made { id: own.id().to_string(), answer: revealed(&own_api, &own, &info).await })
    };
    once.run(&api, make, async |_| revealed_again(&api, &connection).await).await
}

/// Ends the validity of all keys but the newest.
#[utoipa::path(
    post,
    path = "/connections/{id}/webhook/end-grace",
    params(("id" = String, Path)),
    request_body = Empty,
    responses((status = 200, body = Webhook), NotFound, Conflict, NotSupported)
)]
pub(super) async fn end_grace(ToChange { api, connection }: ToChange) -> Result<Response, Problem> {
    let info = connection.webhooks().end_grace().await?;
    Ok(shown(&api, &connection, Some(&info)))
}

/// Waits fifteen minutes for the key that the provider sends.
#[utoipa::path(
    post,
    path = "/connections/{id}/webhook/handshake",
    params(("id" = String, Path)),
    request_body = Empty,
    responses((status = 200, body = Webhook), NotFound, Conflict, NotSupported)
)]
pub(super) async fn handshake(ToChange { api, connection }: ToChange) -> Result<Response, Problem> {
    let info = connection.webhooks().await_handshake().await?;
    Ok(shown(&api, &connection, Some(&info)))
}

/// Sends a signed delivery to the address, and says whether it arrives and is authentic.
#[utoipa::path(
    post,
    path = "/connections/{id}/webhook/test",
    params(("id" = String, Path)),
    request_body = Empty,
    responses((status = 200, body = WebhookCheck), NotFound, Conflict, NotSupported)
)]
pub(super) async fn test(ToChange { api, connection }: ToChange) -> Result<Response, Problem> {
    let url = public_url(&api)?;
    Ok(json(StatusCode::OK, &view::webhook_check(&connection, &url).await?))
}

/// Returns the deliveries that wait, oldest first, and takes none.
#[utoipa::path(
    get,
    path = "/connections/{id}/webhook/deliveries",
    params(("id" = String, Path), ("after" = Option<u64>, Query)),
    responses((status = 200, body = Page<Delivery>), NotFound, NotSupported)
)]
pub(super) async fn deliveries(caller: Caller<ToUse>, Path(id): Path<String>) -> Result<Response, Problem> {
    let connection = found(&caller, &id).await?;
    let page = connection.webhooks().inbox(caller.query.after()).await?;
    let items = page.items.iter().map(convert::delivery).collect();
    Ok(json(StatusCode::OK, &Page { items, next: page.next.map(|next| next.to_string()) }))
}
