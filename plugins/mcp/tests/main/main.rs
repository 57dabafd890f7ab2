//! The plugin against a fake host. No test sends a request.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod conformance;
mod hostile;
mod setup;
mod verify;

use connection_plugin_mcp::Mcp;
use connection_testkit::{Expected, FakeHost, Input, Reply};

const SERVER: &str = "https://mcp.example/v1/mcp";
const METADATA: &str = "https://mcp.example/.well-known/oauth-protected-resource/v1/mcp";
const ROOT_METADATA: &str = "https://mcp.example/.well-known/oauth-protected-resource";
const ISSUER: &str = "https://auth.example/tenant";
const ISSUER_METADATA: &str = "https://auth.example/.well-known/oauth-authorization-server/tenant";
const TOKEN: &str = "https://auth.example/token";
const ACCESS: &str = "canary-access-a0b1c2d3";
const CALLBACK: &str = "http://127.0.0.1:47781/callback/mcp";

/// The answer of a server that discovery of the revision without sessions greets.
const DISCOVERED: &str = r#"{"jsonrpc": "2.0", "id": "1", "result": {"supportedVersions": ["2026-07-28"]}}"#;
const TOOLS: &str = r#"{"jsonrpc": "2.0", "id": "1", "result": {"tools": []}}"#;

fn host() -> FakeHost<Mcp> {
    FakeHost::new(Mcp).key_value().inbound_http(CALLBACK)
}

fn address(url: &str) -> Input {
    Input::answers(&[("url", url)])
}

fn post() -> Expected {
    Expected::post(SERVER)
}

fn refused() -> Expected {
    post().answer(Reply::json(401, "{}").header("www-authenticate", r#"Bearer scope="read""#))
}

fn found(url: &str, document: &str) -> Expected {
    Expected::get(url).answer(Reply::json(200, document))
}

fn missing(url: &str) -> Expected {
    Expected::get(url).answer(Reply::json(404, "{}"))
}

fn resource(resource: &str, server: &str) -> String {
    format!(r#"{{"resource": "{resource}", "authorization_servers": ["{server}"], "scopes_supported": ["all"]}}"#)
}

/// Returns the metadata of the authorization server, with further members.
fn issuer(more: &str) -> String {
    format!(
        r#"{{"issuer": "{ISSUER}", "authorization_endpoint": "https://auth.example/authorize",
            "token_endpoint": "{TOKEN}", "registration_endpoint": "https://auth.example/register",
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"]{more}}}"#
    )
}
