//! The HTTP client, over a connection of a host or over one that is granted to an agent.

use std::{collections::HashMap, fmt, sync::Arc};

use connection_contract::{BaseUrl, BoxFuture, HttpRequest, Secret, host};
use connection_core::{AgentCaller, Connection, ConnectionId, ConnectionRegistry, Error, RequestBody, RuleError};
use connection_rules::RequestParts;
use http::{HeaderName, HeaderValue, StatusCode};
use rmcp::{
    model::ClientJsonRpcMessage,
    transport::{
        StreamableHttpClientTransport,
        common::{
            client_side_sse::BoxedSseResponse,
            http_header::{EVENT_STREAM_MIME_TYPE, HEADER_LAST_EVENT_ID, HEADER_SESSION_ID, JSON_MIME_TYPE},
        },
        streamable_http_client::{
            StreamableHttpClient, StreamableHttpClientTransportConfig, StreamableHttpPostResponse,
            StreamableHttpResponseLimits,
        },
    },
};

use crate::{
    answer::{Answer, Posted, TooLong, TransportError},
    asked,
};

/// Headers that this client sets itself.
const OURS: [&str; 3] = ["accept", "content-type", "authorization"];

/// The HTTP client of an MCP client, over one connection. Clones use the same connection.
///
/// The connection attaches its credential, and refreshes it before it ends and after a 401. Redirects are not followed.
/// After an event that is longer than the transport allows, the client opens no further stream by a `GET`.
///
/// ```
/// use connection_core::{Audience, ConnectionId, ConnectionRegistry, Error};
/// use connection_rmcp::ConnectionClient;
/// use secrecy::SecretString;
///
/// /// Returns the client of an agent; `None` if the token is not that of an agent.
/// async fn client(
///     registry: &ConnectionRegistry,
///     token: &SecretString,
///     connection: ConnectionId,
/// ) -> Result<Option<ConnectionClient>, Error> {
///     let caller = registry.authenticate_agent(token, Audience::Doors).await?;
///     Ok(caller.map(|caller| ConnectionClient::for_agent(registry, caller, connection)))
/// }
/// # let _ = client;
/// ```
#[derive(Clone)]
pub struct ConnectionClient {
    via: Via,
    too_long: TooLong,
}

#[derive(Clone)]
enum Via {
    Host(Box<Connection>),
    Agent { registry: ConnectionRegistry, caller: Box<AgentCaller>, connection: ConnectionId },
}

impl fmt::Debug for ConnectionClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = match &self.via {
            Via::Host(connection) => connection.id(),
            Via::Agent { connection, .. } => *connection,
        };
        f.debug_tuple("ConnectionClient").field(&id).finish()
    }
}

impl ConnectionClient {
    /// Creates a client of the host, which may send everything.
    pub fn new(connection: Connection) -> Self {
        Self { via: Via::Host(Box::new(connection)), too_long: TooLong::default() }
    }

    /// Creates a client of an agent, which may send what its grant for the connection allows
    /// ([`AgentAccess::open`](connection_core::AgentAccess::open)). `registry` is that of the agent's owner.
    ///
    /// A call about which a person is asked waits for the answer of the person until the request lapses, and a host that
    /// waits less sets a timeout of its own. What the person does not allow is the error -32003 of JSON-RPC.
    pub fn for_agent(registry: &ConnectionRegistry, caller: AgentCaller, connection: ConnectionId) -> Self {
        let via = Via::Agent { registry: registry.clone(), caller: Box::new(caller), connection };
        Self { via, too_long: TooLong::default() }
    }

    /// Returns the transport for an MCP client, at the base address of the connection. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the connection was removed, and the store's errors.
    pub fn transport(self) -> BoxFuture<'static, Result<StreamableHttpClientTransport<Self>, Error>> {
        Box::pin(async move {
            let config = StreamableHttpClientTransportConfig::with_uri(self.base_url().await?.to_string());
            Ok(StreamableHttpClientTransport::with_client(self, config))
        })
    }

    async fn base_url(&self) -> Result<BaseUrl, Error> {
        match &self.via {
            Via::Host(connection) => connection.base_url().await,
            Via::Agent { registry, connection, .. } => registry.connection(*connection).await?.base_url().await,
        }
    }

    async fn open(&self, request: McpRequest) -> Result<Answer, TransportError> {
        if request.has_credential {
            return Err(TransportError::Client(Error::InvalidRequest(
                "it has a credential beside that of the connection",
            )));
        }
        let headers = request.headers()?;
        let opened = async {
            let base = self.base_url().await?;
            let below =
                below(&base, &request.uri).ok_or(Error::InvalidRequest("its address is not that of the connection"))?;
            let body = RequestBody::whole(Secret::new(request.body));
            match &self.via {
                Via::Host(connection) => {
                    let sent = match below {
                        "" => Some(HttpRequest::at(request.method, &base)),
                        below => host::request(request.method, &base, below),
                    };
                    let mut sent = sent.ok_or(Error::InvalidRequest("its path or its query is not percent-encoded"))?;
                    for (name, value) in headers {
                        sent.set_header(name, value);
                    }
                    connection.open(sent, body).await
                }
                Via::Agent { registry, caller, connection } => {
                    let parts = RequestParts::new(request.method, below);
                    let parts = headers.into_iter().fold(parts, |parts, (name, value)| parts.header(name, value));
                    registry.for_agent(caller).open(*connection, parts, body).await
                }
            }
        };
        opened.await.map(Answer::from).map_err(TransportError::Client)
    }
}

/// Returns what follows the base address in an address; `None` for an address that is not below it.
fn below<'a>(base: &BaseUrl, uri: &'a str) -> Option<&'a str> {
    let rest = uri.strip_prefix(base.to_string().trim_end_matches('/'))?;
    match rest {
        "" | "/" => Some(""),
        rest => rest.starts_with(['/', '?']).then_some(rest),
    }
}

/// A request of the transport.
struct McpRequest {
    method: &'static str,
    uri: Arc<str>,
    session: Option<Arc<str>>,
    last_event: Option<String>,
    custom: HashMap<HeaderName, HeaderValue>,
    has_credential: bool,
    body: Vec<u8>,
}

impl McpRequest {
    /// Returns the headers, as names and values.
    fn headers(&self) -> Result<Vec<(String, String)>, TransportError> {
        let text = |name: &str, value: &str| (name.to_ascii_lowercase(), value.to_owned());
        let mut headers = vec![text("accept", &format!("{EVENT_STREAM_MIME_TYPE}, {JSON_MIME_TYPE}"))];
        if !self.body.is_empty() {
            headers.push(text("content-type", JSON_MIME_TYPE));
        }
        headers.extend(self.session.as_deref().map(|session| text(HEADER_SESSION_ID, session)));
        headers.extend(self.last_event.as_deref().map(|event| text(HEADER_LAST_EVENT_ID, event)));
        for (name, value) in &self.custom {
            let name = name.as_str();
            let value = value.to_str().ok().filter(|_| !OURS.contains(&name));
            let value = value.filter(|_| !headers.iter().any(|(known, _)| known == name));
            headers.push(text(name, value.ok_or_else(|| TransportError::ReservedHeaderConflict(name.to_owned()))?));
        }
        Ok(headers)
    }
}

impl StreamableHttpClient for ConnectionClient {
    type Error = Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth_header: Option<String>,
        custom: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, TransportError> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, auth_header, custom, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth_header: Option<String>,
        custom: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, TransportError> {
        let body = serde_json::to_vec(&message)?;
        let had_session = session.is_some();
        let has_credential = auth_header.is_some();
        let request = McpRequest { method: "POST", uri, session, last_event: None, custom, has_credential, body };
        let posted = Posted { message, had_session, limits, too_long: self.too_long.clone() };
        match (self.open(request).await, &self.via) {
            (
                Err(TransportError::Client(Error::Rules(RuleError::Asks { approval: Some(id), .. }))),
                Via::Agent { registry, caller, .. },
            ) if posted.request().is_some() => Box::pin(asked::answered(registry, caller, id, &posted)).await,
            (answer, _) => Box::pin(answer?.for_message(&posted)).await,
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        auth_header: Option<String>,
        custom: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), TransportError> {
        let (session, has_credential) = (Some(session), auth_header.is_some());
        let request =
            McpRequest { method: "DELETE", uri, session, last_event: None, custom, has_credential, body: Vec::new() };
        let answer = self.open(request).await?;
        match answer.status {
            // A server need not let clients end sessions.
            status if StatusCode::METHOD_NOT_ALLOWED == status => Ok(()),
            200..300 => Ok(()),
            _ => Err(answer.failed()),
        }
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        auth_header: Option<String>,
        custom: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxedSseResponse, TransportError> {
        let limit = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(uri, session, last_event, auth_header, custom, limit).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        auth_header: Option<String>,
        custom: HashMap<HeaderName, HeaderValue>,
        limit: usize,
    ) -> Result<BoxedSseResponse, TransportError> {
        let has_credential = auth_header.is_some();
        let request = McpRequest { method: "GET", uri, session, last_event, custom, has_credential, body: Vec::new() };
        if self.too_long.was_sent() {
            return Err(TransportError::ServerDoesNotSupportSse);
        }
        self.open(request).await?.for_get(limit, &self.too_long)
    }
}
