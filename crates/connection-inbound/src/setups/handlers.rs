//! The handlers of the setup routes, one function for each route.

use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use connection_contract::{Kind, encode};
use connection_core::{ConnectionId, ConnectionRegistry, SessionId, SetupSession};

use super::{
    Setups,
    error::{Refusal, json},
    poll,
    requests::{AnswersBody, BeginBody, EmptyBody, read},
};
use crate::cookies;

type Answer = Result<Response, Refusal>;

/// Returns `true` if the request names this host, which is required on loopback.
///
/// A page whose name resolves to this machine counts as the same site in its browser, but names its own host (DNS
/// rebinding, T09). With TLS no such page has the certificate, and a proxy may name the host differently.
fn names_us(setups: &Setups, request: &Request) -> bool {
    let ours = setups.url.authority();
    let hosts = || request.headers().get_all(header::HOST).iter().map(|host| host.as_bytes());
    // HTTP/2 requests and requests to a proxy name the host in the address.
    let named = request.uri().authority().map(|named| named.as_str().as_bytes());
    let is_named = hosts().count() == 1 || named.is_some() && hosts().count() == 0;
    setups.url.is_secure() || is_named && hosts().chain(named).all(|host| host == ours.as_bytes())
}

/// Returns the registry of the request's owner, and the parts of the request.
fn authorized(setups: &Setups, request: Request) -> Result<(ConnectionRegistry, Parts, Body), Refusal> {
    if !names_us(setups, &request) {
        let message = "the request names another host";
        let remedy = format!("open {}, the public URL of this host", setups.url);
        return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "other_host", message).remedy(remedy));
    }
    let (parts, body) = request.into_parts();
    let owner = (setups.owner_of)(&parts).map_err(Refusal::of_host)?;
    Ok((setups.registry.owner(owner)?, parts, body))
}

/// As [`authorized`], for requests that change something: refuses a request that the browser attributes to another site
/// (T10).
fn authorized_same_origin(setups: &Setups, request: Request) -> Result<(ConnectionRegistry, Parts, Body), Refusal> {
    let sites = request.headers().get_all("sec-fetch-site");
    if sites.iter().any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")) {
        let message = "a page of another site sent this request";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "cross_site", message));
    }
    authorized(setups, request)
}

async fn session(registry: &ConnectionRegistry, id: &str) -> Result<SetupSession, Refusal> {
    let id: SessionId = id.parse().map_err(|_| Refusal::not_found())?;
    Ok(registry.setups().get(id).await?)
}

pub(super) async fn begin(State(setups): State<Setups>, request: Request) -> Answer {
    let (registry, parts, body) = authorized_same_origin(&setups, request)?;
    let body: BeginBody = read(&parts.headers, body).await?;
    let proof = registry.server().fresh_token();
    let session = match (body.kind, body.connection) {
        (Some(kind), None) if !body.another_account => {
            let unknown = || Refusal::new(StatusCode::NOT_FOUND, "unknown_kind", "there is no such kind");
            let kind = Kind::parse(&kind).ok_or_else(|| unknown().remedy("list the kinds to see which there are"))?;
            let begin = registry.setups().begin(&kind).browser(proof.duplicate());
            let begin = if body.again { begin.again() } else { begin };
            match body.label {
                Some(label) => begin.label(label).await?,
                None => begin.await?,
            }
        }
        (None, Some(id)) if body.label.is_none() && !body.again => {
            let unknown = || Refusal::new(StatusCode::NOT_FOUND, "not_found", "there is no such connection");
            let id: ConnectionId = id.parse().map_err(|_| unknown())?;
            let begin = registry.connection(id).await?.reauthorize().browser(proof.duplicate());
            if body.another_account { begin.another_account().await? } else { begin.await? }
        }
        _ => {
            let message = "a setup begins either for a kind or for a connection";
            let remedy = "name either kind, with label and again, or connection, with anotherAccount";
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", message).remedy(remedy));
        }
    };
    let mut response = json(StatusCode::CREATED, &poll::now(&registry, &session).await?);
    let headers = response.headers_mut();
    headers.extend(cookies::set(&setups.url, session.id(), &proof).map(|cookie| (header::SET_COOKIE, cookie)));
    let location = HeaderValue::from_str(&format!("{}/setups/{}", setups.url, session.id()));
    headers.extend(location.map(|location| (header::LOCATION, location)));
    Ok(response)
}

pub(super) async fn show(State(setups): State<Setups>, Path(id): Path<String>, request: Request) -> Answer {
    let query = request.uri().query().map(encode::from_form).unwrap_or_default();
    let after = query.iter().find(|(name, _)| name == "after").map(|(_, cursor)| cursor.clone());
    let (registry, _, _) = authorized(&setups, request)?;
    let session = session(&registry, &id).await?;
    Ok(json(StatusCode::OK, &poll::next(&registry, &session, after.as_deref()).await?))
}

pub(super) async fn answer(State(setups): State<Setups>, Path(id): Path<String>, request: Request) -> Answer {
    let (registry, parts, body) = authorized_same_origin(&setups, request)?;
    let session = session(&registry, &id).await?;
    let body: AnswersBody = read(&parts.headers, body).await?;
    session.advance(body.step, &body.into_pairs()).await?;
    Ok(json(StatusCode::ACCEPTED, &poll::now(&registry, &session).await?))
}

pub(super) async fn resume(State(setups): State<Setups>, Path(id): Path<String>, request: Request) -> Answer {
    let (registry, parts, body) = authorized_same_origin(&setups, request)?;
    let session = session(&registry, &id).await?;
    let EmptyBody {} = read(&parts.headers, body).await?;
    let session = registry.setups().resume(session.id()).await?;
    Ok(json(StatusCode::ACCEPTED, &poll::now(&registry, &session).await?))
}

pub(super) async fn cancel(State(setups): State<Setups>, Path(id): Path<String>, request: Request) -> Answer {
    let (registry, _, _) = authorized_same_origin(&setups, request)?;
    let session = session(&registry, &id).await?;
    session.cancel().await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let cookie = cookies::clear(&setups.url, session.id());
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

pub(super) async fn other_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this method is not allowed here")
}

pub(super) async fn nothing() -> Refusal {
    Refusal::not_found()
}
