//! An MCP server on loopback, of the revision 2026-07-28 and of those before.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::sync::{Arc, Mutex};

use connection_faults::{
    double::{Double, Seen},
    oidc::OidcServer,
};
use serde_json::{Value, json};

/// What the server wants with each request.
pub(crate) enum Wants {
    Nothing,
    /// A header with this name and value.
    Header(&'static str, &'static str),
    /// A token of this authorization server.
    Token(Arc<OidcServer>),
}

/// What is said of each call of a tool: the status, and further parameters of the challenge.
type Refusal = (u16, &'static str);

/// The server, which ends with the process of the test.
pub(crate) struct McpServer {
    pub(crate) address: String,
    double: Double,
    refusal: Arc<Mutex<Option<Refusal>>>,
}

impl McpServer {
    pub(crate) fn start(wants: Wants) -> Self {
        let refusal: Arc<Mutex<Option<Refusal>>> = Arc::default();
        let refuses = refusal.clone();
        let double = Double::start(|origin| {
            let origin = origin.to_owned();
            move |request: &Seen| {
                let refusal = refuses.lock().unwrap().filter(|_| is_call(request));
                let (status, headers, body) = answer(request, &origin, &wants, refusal);
                (status, format!("content-type: application/json\r\n{headers}"), body)
            }
        });
        Self { address: format!("{}/mcp", double.origin()), double, refusal }
    }

    /// Refuses every call of a tool from now on, whatever its credential is, with this status and these further parameters
    /// of the challenge. Other requests are answered as before.
    pub(crate) fn refuse_calls(&self, status: u16, parameters: &'static str) {
        *self.refusal.lock().unwrap() = Some((status, parameters));
    }

    /// Answers calls of tools again.
    pub(crate) fn accept_calls(&self) {
        *self.refusal.lock().unwrap() = None;
    }

    /// Returns the names of the tools that were called, each with the headers of the request.
    pub(crate) fn calls(&self) -> Vec<Seen> {
        self.double.seen().into_iter().filter(is_call).collect()
    }
}

/// Returns `true` for a call of a tool.
fn is_call(request: &Seen) -> bool {
    request.body.contains("\"tools/call\"")
}

fn answer(request: &Seen, origin: &str, wants: &Wants, refusal: Option<Refusal>) -> (u16, String, String) {
    const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";
    let path = request.path.split('?').next().unwrap_or_default();
    if let Wants::Token(server) = wants
        && path == METADATA
    {
        let document = json!({ "resource": format!("{origin}/mcp"), "authorization_servers": [server.issuer()],
            "scopes_supported": ["openid", "offline_access", "profile"] });
        return (200, String::new(), document.to_string());
    }
    if path != "/mcp" || request.method != "POST" {
        return (404, String::new(), json!({ "error": "not_found" }).to_string());
    }
    let is_allowed = match wants {
        Wants::Nothing => true,
        Wants::Header(name, value) => request.headers.get(*name).is_some_and(|given| given == value),
        Wants::Token(server) => {
            let token = request.headers.get("authorization").and_then(|header| header.strip_prefix("Bearer "));
            token.is_some_and(|token| server.is_active(token))
        }
    };
    let refusal = refusal.or_else(|| (!is_allowed).then_some((401, "")));
    if let Some((status, parameters)) = refusal {
        let challenge = match wants {
            Wants::Token(_) => {
                format!("www-authenticate: Bearer resource_metadata=\"{origin}{METADATA}\"{parameters}\r\n")
            }
            Wants::Nothing | Wants::Header(..) => String::new(),
        };
        return (status, challenge, json!({ "error": "invalid_token" }).to_string());
    }
    let message: Value = serde_json::from_str(&request.body).unwrap();
    let server = json!({ "name": "Tickets", "version": "1.0.0" });
    let capabilities = json!({ "tools": {} });
    let result = match message["method"].as_str().unwrap() {
        "server/discover" => json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": capabilities, "_meta": { "io.modelcontextprotocol/serverInfo": server } }),
        "initialize" => json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": server }),
        "tools/list" => json!({ "resultType": "complete",
            "tools": [{ "name": "echo", "inputSchema": { "type": "object" } }] }),
        "tools/call" => json!({ "resultType": "complete",
            "content": [{ "type": "text", "text": message["params"]["arguments"]["text"] }] }),
        notification if notification.starts_with("notifications/") => return (202, String::new(), String::new()),
        _ => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            return (404, String::new(), json!({ "jsonrpc": "2.0", "id": message["id"], "error": error }).to_string());
        }
    };
    (200, String::new(), json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string())
}
