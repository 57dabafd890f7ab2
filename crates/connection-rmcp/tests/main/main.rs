//! The client of rmcp over a connection, with the server of rmcp over real HTTP.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::any,
};
use connection_contract::{Identity, Kind, Secret};
use connection_core::{
    Approval, ApprovalFilter, Audience, ConnectionId, ConnectionRegistry, Consent, Filter, HttpPolicy, Import, KeyFile,
    NewAgentToken, UseFilter, UseOutcome,
};
use connection_manifest::{FileKind, KindFile};
use connection_rmcp::ConnectionClient;
use connection_rules::Rules;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceError, ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Handle};

const KEY: &str = "key-of-the-server";
const KIND: &str = r#"
format = 1
id = "tools"
name = "Tools"
mechanism = "api_key"
[[fields]]
name = "apiKey"
label = "API key"
secret = true
[request]
base = "https://mcp.acme.example/mcp"
headers = { Authorization = "Bearer ${secret.apiKey}" }
"#;

/// A server with one tool, which repeats a text.
#[derive(Clone)]
struct Echo;

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
        let tool = Tool::new("echo", "Repeats a text.", Arc::new(schema.as_object().unwrap().clone()));
        Ok(ListToolsResult::with_all_items(vec![tool]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = request.arguments.as_ref().and_then(|arguments| arguments.get("text")?.as_str()).unwrap_or_default();
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// The headers `Authorization` that the server received.
type Seen = Arc<Mutex<Vec<String>>>;

async fn with_key(State(seen): State<Seen>, request: Request, next: Next) -> Response {
    let given = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let is_ours = given.as_deref() == Some(&*format!("Bearer {KEY}"));
    seen.lock().unwrap().extend(given);
    if is_ours { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

/// A host with a connection to an MCP server.
struct Host {
    registry: ConnectionRegistry,
    connection: ConnectionId,
    seen: Seen,
    _directory: TempDir,
}

impl Host {
    /// Starts a server with sessions, as in the revisions until 2025-11-25, or without.
    async fn start(has_sessions: bool) -> Self {
        let seen = Seen::default();
        let config = StreamableHttpServerConfig::default().with_legacy_session_mode(has_sessions);
        let config = config.with_allowed_hosts(["127.0.0.1"]);
        let service = StreamableHttpService::new(|| Ok(Echo), Arc::<LocalSessionManager>::default(), config);
        Self::serving(Router::new().nest_service("/mcp", service), seen).await
    }

    /// Starts with a server that answers by these routes.
    async fn serving(routes: Router, seen: Seen) -> Self {
        let routes = routes.layer(middleware::from_fn_with_state(seen.clone(), with_key));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        Handle::current().spawn(async move { axum::serve(listener, routes).await });

        let directory = TempDir::new().unwrap();
        let kind: FileKind = KindFile::parse("tools.toml", KIND).unwrap().definition();
        let registry = ConnectionRegistry::builder()
            .store(directory.path().join("connections.db").display().to_string())
            .key(KeyFile::at(directory.path().join("root.key")))
            .http(HttpPolicy::new().endpoint("https://mcp.acme.example", &origin).unwrap())
            .kind(kind);
        let registry = registry.open().await.unwrap();
        let fields = [("apiKey", Secret::from(KEY.to_owned()))];
        let item = Import::from_fields(Kind::from_static("tools"), fields, Identity::new("1", "one"));
        let mut imports = registry.import_all([item]).start();
        imports.next().await.unwrap().unwrap();
        let connection = registry.list_connections(Filter::new()).await.unwrap().items[0].id;
        Self { registry, connection, seen, _directory: directory }
    }

    /// Returns the client of an agent whose grant has a rule for the calls of tools with this effect, and allows the rest.
    async fn agent(&self, effect: &str) -> ConnectionClient {
        let agent = self.registry.agents().create("deploy").await.unwrap();
        let rules = json!({ "rule": [
            { "name": "streams", "methods": ["GET", "DELETE"], "path": "/", "effect": "allow" },
            {
                "name": "look", "methods": ["POST"], "path": "/", "effect": "allow",
                "json_rpc": { "methods": ["server/discover", "initialize", "notifications/initialized", "tools/list"] },
            },
            {
                "name": "tools", "methods": ["POST"], "path": "/", "effect": effect,
                "json_rpc": { "methods": ["tools/call"] },
            },
        ] });
        agent.grant(self.connection).rules(Rules::from_value(&rules).unwrap()).await.unwrap();
        let token = agent.new_token(NewAgentToken::new("a test", Audience::Doors)).await.unwrap();
        let caller = self.registry.authenticate_agent(&token.text, Audience::Doors).await.unwrap().unwrap();
        ConnectionClient::for_agent(&self.registry, caller, self.connection)
    }

    /// Waits until a person is asked about a request.
    async fn asked(&self) -> Approval {
        loop {
            let waiting = self.registry.approvals().list(ApprovalFilter::new().open()).await.unwrap();
            match waiting.into_iter().next() {
                Some(approval) => return approval,
                None => tokio::task::yield_now().await,
            }
        }
    }
}

fn echo(text: &str) -> CallToolRequestParams {
    let arguments = json!({ "text": text });
    CallToolRequestParams::new("echo").with_arguments(arguments.as_object().unwrap().clone())
}

/// Returns the text of the result of a tool.
fn text(result: &CallToolResult) -> String {
    result.content.iter().filter_map(|content| content.as_text()).map(|text| text.text.clone()).collect()
}

#[tokio::test]
async fn a_client_of_the_host_calls_a_tool_without_the_credential() {
    for has_sessions in [true, false] {
        let host = Host::start(has_sessions).await;
        let client = ConnectionClient::new(host.registry.connection(host.connection).await.unwrap());
        let client = ().serve(client.transport().await.unwrap()).await.unwrap();
        let tools = client.list_all_tools().await.unwrap();
        assert_eq!(tools.iter().map(|tool| &*tool.name).collect::<Vec<_>>(), ["echo"]);
        assert_eq!(text(&client.call_tool(echo("Hello")).await.unwrap()), "Hello");
        client.cancel().await.unwrap();
        let seen = host.seen.lock().unwrap();
        assert!(!seen.is_empty() && seen.iter().all(|given| *given == format!("Bearer {KEY}")), "{seen:?}");
    }
}

#[tokio::test]
async fn a_client_of_an_agent_sends_what_its_grant_allows() {
    let host = Host::start(true).await;
    let client = host.agent("deny").await;
    let client = ().serve(client.transport().await.unwrap()).await.unwrap();
    assert_eq!(client.list_all_tools().await.unwrap().len(), 1);
    let refused = client.call_tool(echo("Hello")).await.unwrap_err();
    assert!(format!("{refused:?}").contains("Denied"), "{refused:?}");
    let page = host.registry.uses().list(UseFilter::new().outcome(Some(UseOutcome::Denied)), None, 10).await.unwrap();
    assert_eq!((page.items.len(), page.items[0].agent.as_deref()), (1, Some("deploy")));
}

#[tokio::test]
async fn a_call_waits_for_the_person_who_is_asked_and_is_made_once() {
    for has_sessions in [true, false] {
        let host = Host::start(has_sessions).await;
        let client = ().serve(host.agent("ask").await.transport().await.unwrap()).await.unwrap();
        let approving = async {
            let id = host.asked().await.id;
            let details = host.registry.approvals().get(id).await.unwrap();
            host.registry.approvals().approve(id, &details.approval.digest, Consent::Once).await.unwrap();
        };
        let (called, ()) = tokio::join!(client.call_tool(echo("Hello")), approving);
        assert_eq!(text(&called.unwrap()), "Hello");

        let refusing = async {
            let id = host.asked().await.id;
            host.registry.approvals().refuse(id, "not today").await.unwrap();
        };
        let (called, ()) = tokio::join!(client.call_tool(echo("Hello")), refusing);
        let ServiceError::McpError(refused) = called.unwrap_err() else { panic!("no error of JSON-RPC") };
        assert_eq!((refused.code.0, &*refused.message), (-32003, "a person refused this request: not today"));
        let calls = host.registry.uses().list(UseFilter::new().outcome(Some(UseOutcome::Answered)), None, 100).await;
        let calls = calls.unwrap().items;
        assert_eq!(calls.iter().filter(|call| call.approval.is_some()).count(), 1, "{calls:?}");
    }
}

/// Answers as servers do that keep to less of the protocol.
async fn odd(State(gets): State<Arc<Mutex<usize>>>, request: Request) -> Response {
    let stream = [("content-type", "text/event-stream")];
    if request.method() == "GET" {
        *gets.lock().unwrap() += 1;
        return (stream, format!("id: 1\ndata: {}\n\n", "1".repeat(17 << 20))).into_response();
    }
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap();
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
            "serverInfo": { "name": "odd", "version": "1" },
        }),
        Some("tools/list") => json!({ "tools": [] }),
        Some("notifications/initialized") => return axum::Json(json!({})).into_response(),
        // It does not know the request, and its page is longer than what is read of one.
        _ => return (StatusCode::NOT_FOUND, "x".repeat(100 << 10)).into_response(),
    };
    let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    ([("mcp-session-id", "1")], axum::Json(answer)).into_response()
}

#[tokio::test]
async fn a_server_with_odd_answers_can_be_used_and_gets_no_second_chance_for_an_event_that_is_too_long() {
    let gets = Arc::new(Mutex::new(0));
    let routes = Router::new().route("/mcp", any(odd)).with_state(gets.clone());
    let host = Host::serving(routes, Seen::default()).await;
    let client = ConnectionClient::new(host.registry.connection(host.connection).await.unwrap());
    let client = ().serve(client.transport().await.unwrap()).await.unwrap();
    while *gets.lock().unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        assert!(client.list_all_tools().await.unwrap().is_empty());
    }
    assert_eq!(*gets.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_credential_of_the_client_is_refused() {
    use rmcp::transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig};

    let host = Host::start(true).await;
    let client = ConnectionClient::new(host.registry.connection(host.connection).await.unwrap());
    for config in [
        StreamableHttpClientTransportConfig::with_uri("https://mcp.acme.example/mcp").auth_header("of-the-client"),
        StreamableHttpClientTransportConfig::with_uri("https://mcp.evil.example/mcp"),
        StreamableHttpClientTransportConfig::with_uri("https://mcp.acme.example/mcp-of-another"),
    ] {
        let transport = StreamableHttpClientTransport::with_client(client.clone(), config);
        let error = format!("{:?}", ().serve(transport).await.err().unwrap());
        assert!(error.contains("InvalidRequest"), "{error}");
    }
    assert_eq!(host.seen.lock().unwrap().len(), 0);
}
