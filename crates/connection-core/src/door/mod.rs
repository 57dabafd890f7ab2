//! The one way of a request of an agent: it is granted, read, decided, taken from the budget and sent.
//!
//! A door, such as the reverse door of a server, takes the agent's token out of a request and passes the rest to
//! [`open`]. The request that is sent is made of the value that was decided.

mod asking;
mod decide;
mod question;
mod release;

use std::sync::Arc;

use connection_contract::{BaseUrl, HeaderValue, HttpRequest, Secret, host};
use connection_egress::is_sendable;
use connection_rules::{Place, RequestParts};

use self::asking::Asking;
use crate::{
    AgentCaller, AgentError, Connection, ConnectionId, Error, RequestBody, Response, RuleError, UseOutcome, connection,
    ground::Scope,
    uses::{Refused, UsedBy, What},
};

pub(crate) use asking::scope;
pub(crate) use decide::{Body, Decided, decide, head};
pub(crate) use release::{answering, credential, headers};

pub use release::{AnsweringConnection, ReleasedCredential};

/// The protocol to which a request may upgrade its connection (RFC 6455, section 4.1).
const WEBSOCKET: &str = "websocket";

fn is_upgrade(header: &str) -> bool {
    header.eq_ignore_ascii_case("upgrade")
}

/// Sends a request of an agent, if its grant allows it. A request that is refused is recorded, too.
///
/// A request with the header `upgrade: websocket` asks for a WebSocket, on which the body is sent after the answer.
pub(crate) async fn open(
    system: &Arc<connection::System>,
    caller: &AgentCaller,
    id: ConnectionId,
    parts: RequestParts,
    body: RequestBody,
) -> Result<Response, Error> {
    let mut asked = Asked::of(caller, &parts);
    match Box::pin(decided(system, caller, id, parts, body, &mut asked)).await {
        Ok((connection, request, body)) => {
            let connection = connection.recorded_by(asked.by);
            match asked.is_websocket {
                true => Box::pin(connection.open_websocket(request, body)).await,
                false => connection.open(request, body).await,
            }
        }
        Err(error) => {
            asked.record(system, caller, &error);
            Err(error)
        }
    }
}

/// Records a request of an agent that was refused before it was read.
pub(crate) fn refused(system: &connection::System, caller: &AgentCaller, error: Option<&Error>) {
    refused_as(system, caller, &caller.used_by(), What::default(), error);
}

fn refused_as(system: &connection::System, caller: &AgentCaller, by: &UsedBy, what: What, error: Option<&Error>) {
    let refused = match error {
        None => Some((UseOutcome::NotGranted, "not_granted")),
        Some(error) => connection::refusal(error).map(|outcome| (outcome, error.code())),
    };
    if let Some((outcome, code)) = refused {
        let refused = Refused { what, outcome, code };
        system.ground.recorder.refused(caller.agent().owner_name(), by, refused);
    }
}

/// A request of an agent, as the record names it if it is refused.
struct Asked {
    by: UsedBy,
    method: String,
    place: Place,
    path: String,
    /// `true` if the request asks to upgrade its connection, which is decided to be a WebSocket or refused.
    is_websocket: bool,
    /// The connection and its base address, after they were found.
    connection: Option<Connection>,
    base: Option<BaseUrl>,
}

impl Asked {
    fn of(caller: &AgentCaller, parts: &RequestParts) -> Self {
        let path = parts.target.split('?').next().unwrap_or_default();
        Self {
            by: caller.used_by(),
            method: parts.method.clone(),
            place: parts.place.clone(),
            path: path.to_owned(),
            is_websocket: parts.headers.iter().any(|(name, _)| is_upgrade(name)),
            connection: None,
            base: None,
        }
    }

    fn record(self, system: &connection::System, caller: &AgentCaller, error: &Error) {
        let Self { by, method, place, path, connection, base, .. } = self;
        let what = connection.map(|connection| connection.what()).unwrap_or_default();
        let (origin, path) = match (place, base) {
            (Place::Origin(origin), _) => (Some(origin), path),
            (Place::Base, None) => (None, path),
            (Place::Base, Some(base)) => {
                let (origin, below) = (base.origin().as_str().to_owned(), base.to_string());
                let prefix = below.get(origin.len()..).unwrap_or_default().trim_end_matches('/');
                (Some(origin), format!("{prefix}{path}"))
            }
        };
        let path = if path.is_empty() { "/".to_owned() } else { path };
        refused_as(system, caller, &by, What { request: Some((method, origin, path)), ..what }, Some(error));
    }
}

/// Decides about a request of an agent, and takes it from the budget. Returns the request to send.
async fn decided(
    system: &Arc<connection::System>,
    caller: &AgentCaller,
    id: ConnectionId,
    parts: RequestParts,
    body: RequestBody,
    asked: &mut Asked,
) -> Result<(Connection, HttpRequest, RequestBody), Error> {
    let agent = caller.agent();
    let permit = caller.granted(id).await?;
    let found = Connection::find(Scope { system, owner: agent.owner_name() }, id).await;
    let connection = found.map_err(|error| hidden(error, caller, id))?.for_agent(agent.id());
    asked.connection = Some(connection.clone());
    asked.base = Some(connection.base_url().await?);

    let is_websocket = asked.is_websocket;
    // The bytes that are sent on a WebSocket are not the body of the request.
    let length = if is_websocket { Some(0) } else { body.length() };
    let head = head(&connection, &permit, parts.body_length(length)).await?;
    if head.upgrade().is_some_and(|protocol| protocol != WEBSOCKET) {
        return Err(Error::InvalidRequest("it upgrades its connection to another protocol than WebSocket"));
    }
    if is_websocket && (head.method() != "GET" || !body.is_stream()) {
        return Err(Error::InvalidRequest("only a GET at a door opens a WebSocket"));
    }
    let decided = decide(&connection, permit, head, Body::Arriving { body, caller }).await?;
    let Decided { permit, parts, body, judgement } = decided;
    asked.by.rule = judgement.rule;
    let asks_about = match judgement.allowed {
        Ok(()) => None,
        Err(RuleError::Asks { .. }) => Some(parts.clone()),
        Err(error) => return Err(error.into()),
    };

    // Nobody is asked about a request that cannot be sent.
    let request = outgoing(&connection, parts).await?;
    let body = match asks_about {
        None => body,
        Some(parts) => {
            let asking = Asking { caller, connection: &connection, permit: &permit, request: &request };
            Box::pin(asking.pass(parts, body, &mut asked.by)).await?
        }
    };
    // A refusal costs nothing.
    connection.check_frozen().await?;
    permit.take().await?;
    Ok((connection.permitted_by(permit.permitted()), request, body))
}

/// Returns the request with the address to which the parts are relative, and with their headers.
pub(crate) async fn outgoing(connection: &Connection, parts: RequestParts) -> Result<HttpRequest, Error> {
    let base = match &parts.place {
        Place::Base => connection.base_url().await?,
        Place::Origin(origin) => {
            let base = host::base_url(origin).filter(|base| base.origin().as_str() == origin);
            let base = base.ok_or(Error::InvalidRequest("it names an origin that is not one"))?;
            if !connection.origins().await?.contains(base.origin()) {
                return Err(Error::Denied { origin: base.origin().clone() });
            }
            base
        }
    };
    let request = match parts.target.is_empty() {
        true => Some(HttpRequest::at(parts.method, &base)),
        false => host::request(parts.method, &base, &parts.target),
    };
    let mut request = request.ok_or(Error::InvalidRequest("its path or its query is not percent-encoded"))?;
    for (name, value) in parts.headers.into_iter().filter(|(name, _)| !is_upgrade(name)) {
        let value = match String::from_utf8(value) {
            Ok(text) => HeaderValue::from(text),
            Err(bytes) => Secret::new(bytes.into_bytes()).into(),
        };
        request.headers.push((name.to_ascii_lowercase().into(), value));
    }
    match is_sendable(&request) {
        true => Ok(request),
        false => Err(Error::InvalidRequest("only the HTTP client itself may use its method or one of its headers")),
    }
}

/// Returns the error for a connection that cannot be found. One that does not exist is not granted.
fn hidden(error: Error, caller: &AgentCaller, connection: ConnectionId) -> Error {
    match error {
        Error::NotFound(_) => {
            AgentError::NotGranted { agent: caller.agent().name().to_owned().into(), connection }.into()
        }
        error => error,
    }
}
