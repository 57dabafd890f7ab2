//! The reverse door: requests of agents to the connections that are granted to them, at an address of this host.
//!
//! An agent sends the request that it would send to the provider, with its own token, and gets the provider's answer.
//! The core decides about each request, and what it sends is what it decided. Bodies pass in both directions while they
//! arrive.

mod address;
mod answer;
mod approval;
mod headers;
mod links;
mod mcp;
mod places;
mod refusal;
mod stored;
mod token;
mod websocket;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, BodyDataStream},
    extract::{Request, State},
    http::{Extensions, StatusCode, header, uri::Authority},
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use bytes::Bytes;
use connection_core::{AgentCaller, Audience, ConnectionRegistry, Door, Error, RequestBody, RuleError};
use connection_inbound::ArrivedAtSocket;
use connection_rules::RequestParts;
use futures_core::Stream;
use http_body::Body as _;
use secrecy::SecretString;

use crate::{
    guard::{door_address_in, other_door},
    observe::{OwnId, RequestRecord},
    options::ApiOptions,
    problem::Problem,
    sign_in,
};

use address::Address;
use approval::Preference;
use places::Places;
use refusal::{Outcome, Refusal};
use token::Head;

pub use mcp::serve_mcp;

/// The state that the requests share.
#[derive(Clone, Debug)]
struct Doors {
    registry: ConnectionRegistry,
    options: Arc<ApiOptions>,
    /// The address of the page, without a slash at the end; `None` if nothing serves it.
    page: Option<String>,
    places: Places,
    rests: mcp::Rests,
}

impl Doors {
    fn new(registry: ConnectionRegistry, options: ApiOptions, page: Option<String>) -> Self {
        Self { registry, options: options.into(), page, places: Places::default(), rests: mcp::Rests::default() }
    }

    /// Returns the agent whose token this is, for requests through this door. `places` says where a token stands.
    async fn caller(
        &self,
        token: &SecretString,
        audience: Audience,
        door: Door,
        extensions: &Extensions,
        places: Option<&str>,
    ) -> Result<AgentCaller, Refusal> {
        let caller = self.registry.authenticate_agent(token, audience).await.map_err(Refusal::of(self))?;
        let unknown = "the token is not one of an agent, has ended or was revoked";
        let caller = caller.ok_or_else(|| token::unauthenticated(unknown, places))?;
        if let (Some(record), Some(token)) = (extensions.get::<RequestRecord>(), caller.token()) {
            record.set_token(token);
        }
        Ok(caller.through(door))
    }

    /// Returns the refusal of a request that names another host.
    fn other_host(&self) -> Refusal {
        Refusal::new(other_door(&self.options), Outcome::Denied)
    }
}

/// Returns the routes of the reverse door, `/use/{connection}/{path…}` for every method, and that of the door for models,
/// `/mcp`.
///
/// `{connection}` is the id of a connection, or its kind and its label as `KIND:LABEL`, percent-encoded. The path after
/// it and the query are passed on byte for byte, below the base address of the connection. With
/// `{connection}@{host}`, they are passed on to that origin of the connection. An address below the base is decided by the
/// rules for the base in either form.
///
/// The caller is an agent, whose token stands once in the request: where the provider's secret would stand, or in
/// `Authorization: Bearer`. It is taken out before the rules of the grant decide about the request. Requests of browsers
/// are refused, and so are those that name a host that is not in `options`, unless they arrive at a Unix socket
/// ([`ArrivedAtSocket`]). Neither the limit of requests per minute nor the time limits of the API apply; 256 requests are
/// passed on at once, and 32 of one agent.
///
/// A request for a WebSocket passes if a rule names that, over a server that lets connections be upgraded.
///
/// About a request for which a rule asks, a person is asked. The door waits for the answer for 20 seconds, or as long as
/// `Prefer: wait=N` says, and 60 seconds at most; then it answers 403 with the id of the approval. The same request, sent
/// again, gets the answer of the provider after the approval, and `/use/approvals/{id}` says what became of it. With
/// `Prefer: respond-async`, a request that waits is answered with 202.
///
/// At `/mcp`, clients of the Model Context Protocol find six tools, by which a model lists its connections, sends requests
/// and learns what a person must do. The transport is Streamable HTTP without sessions, in the revisions from 2025-03-26
/// on. The token is one for models ([`Audience::Mcp`]), in `Authorization: Bearer`, and a request from a page of another
/// origin is refused.
///
/// A client without a token finds the metadata of the door (RFC 9728), signs in at `/mcp/authorize` and gets its tokens at
/// `/mcp/token`, after a person consented on the page. It needs no registration by hand: its id is the address of a
/// document about it, or what it got from `/mcp/register`.
///
/// ```
/// use axum::Router;
/// use connection_core::ConnectionRegistry;
/// use connection_server::{ApiOptions, InvalidHostOrigin, api_router, door_router};
///
/// fn routes(registry: &ConnectionRegistry) -> Result<Router, InvalidHostOrigin> {
///     let options = ApiOptions::new("http://127.0.0.1:8745".parse()?);
///     Ok(api_router(registry.clone(), options.clone()).merge(door_router(registry.clone(), options)))
/// }
/// # let _ = routes;
/// ```
pub fn door_router<S>(registry: ConnectionRegistry, options: ApiOptions) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let page = options.address().to_owned();
    let doors = Doors::new(registry, options, Some(page));
    let mcp = mcp::routes(&doors).merge(sign_in::routes(doors.registry.clone(), doors.options.clone()));
    Router::new()
        .route("/use/approvals/{id}", get(approval::show))
        .route("/use/{connection}", any(pass))
        .route("/use/{connection}/", any(pass))
        .route("/use/{connection}/{*path}", any(pass))
        .with_state(doors)
        .merge(mcp)
}

async fn pass(State(doors): State<Doors>, request: Request) -> Response {
    let answered = Box::pin(answered(&doors, request)).await;
    let mut response = answered.unwrap_or_else(|refusal| refusal.into_response());
    headers::protect(response.headers_mut());
    response.extensions_mut().insert(OwnId);
    response
}

async fn answered(doors: &Doors, request: Request) -> Result<Response, Refusal> {
    let door = checked(doors, &request)?;
    let (mut parts, body) = request.into_parts();
    let (websocket, body) = match websocket::wanted(&mut parts) {
        Some((wanted, sent)) => (Some(wanted), sent),
        None => (None, streamed(body)),
    };
    let token = token::find(&parts)?;
    let caller = doors.caller(&token, Audience::Doors, Door::Reverse, &parts.extensions, None).await?;
    let agent = caller.agent();
    let passage = doors.places.pass(agent.id(), &parts.extensions).map_err(Refusal::busy)?;

    let registry = doors.registry.owner(agent.owner_name()).map_err(Refusal::of(doors))?;
    let address = Address::read(parts.uri.path()).ok_or_else(Refusal::not_granted)?;
    let (connection, to) = address.resolve(&registry, &caller).await.map_err(|unresolved| {
        registry.for_agent(&caller).refused(unresolved.error());
        unresolved.refusal(doors)
    })?;
    let mut head = Head { headers: parts.headers, address, query: parts.uri.query().map(str::to_owned) };
    head.take(&token, doors, &registry, &caller, connection).await?;
    drop(token);
    let Head { headers, address, query } = head;
    let mut target = (to.clone(), address.target(query.as_deref()));
    if to.is_origin() {
        let base = registry.connection(connection).await.map_err(Refusal::of(doors))?.base_url().await;
        target = address::placed(&to, target.1, &base.map_err(Refusal::of(doors))?.to_string());
    }
    let (place, target) = target;
    let request = RequestParts::new(parts.method.as_str(), target).place(place);
    let mut request = headers::passed_on(&headers).fold(request, |request, (name, value)| request.header(name, value));
    if websocket.is_some() {
        request = request.header("upgrade", websocket::PROTOCOL.as_bytes());
    }
    let answer = match registry.for_agent(&caller).open(connection, request, body).await {
        Ok(answer) => answer,
        Err(Error::Rules(RuleError::Asks { approval: Some(id), .. })) => {
            let preference = Preference::of(&headers);
            return Box::pin(approval::answered(doors, &registry, &caller, id, preference, passage)).await;
        }
        Err(error) => return Err(Refusal::of(doors)(error)),
    };
    let mut sent = headers::of_answer(answer.headers());
    links::rewrite(&mut sent, &registry, connection, &format!("{door}/use/"), address.connection(), &to).await;
    if let (Some(wanted), true) = (websocket, answer.status() == StatusCode::SWITCHING_PROTOCOLS) {
        websocket::upgraded(&mut sent);
        wanted.pass(answer, passage, doors.options.live.open());
        return Ok((StatusCode::SWITCHING_PROTOCOLS, sent).into_response());
    }
    let status = StatusCode::from_u16(answer.status()).ok().filter(|status| !status.is_informational());
    let status = status.ok_or_else(|| Refusal::unusable(answer.status()))?;
    if status == StatusCode::NO_CONTENT {
        sent.remove(header::CONTENT_LENGTH);
    }
    let mut response = Response::new(answer::body(answer, passage));
    *response.status_mut() = status;
    *response.headers_mut() = sent;
    Ok(response)
}

/// Returns the body of a request, which is sent while it arrives.
fn streamed(body: Body) -> RequestBody {
    RequestBody::stream(body.size_hint().exact(), Incoming(body.into_data_stream()))
}

/// Checks that the request names this host and is not one of a browser, and returns the address of the doors to which it
/// was sent.
fn checked(doors: &Doors, request: &Request) -> Result<String, Refusal> {
    let is_at_socket = request.extensions().get::<ArrivedAtSocket>().is_some();
    let named = door_address_in(&doors.options, request);
    if !is_at_socket && named.is_none() {
        return Err(doors.other_host());
    }
    if headers::is_of_browser(request.headers()) {
        let problem = Problem::new(StatusCode::FORBIDDEN, "browser", "a browser sent this request");
        let problem = problem.remedy("use the door from a program; the page is at the root of this host");
        return Err(Refusal::new(problem, Outcome::Denied));
    }
    if is_at_socket {
        // The client reaches the socket under this name, for example through a port of its container.
        let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let named = named.and_then(|host| host.parse::<Authority>().ok());
        return Ok(named.map(|host| format!("http://{host}")).unwrap_or_default());
    }
    Ok(named.unwrap_or_default())
}

/// The body of a request while it arrives.
struct Incoming(BodyDataStream);

impl Stream for Incoming {
    type Item = Result<Vec<u8>, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx).map(|piece| piece.map(|piece| piece.map(|bytes: Bytes| bytes.into())))
    }
}
