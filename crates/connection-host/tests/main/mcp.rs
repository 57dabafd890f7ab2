//! MCP servers: a person connects one by its address, and a program uses it through the proxy.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
    sync::Arc,
};

use connection_faults::{oidc::OidcServer, user_agent::UserAgent};
use serde_json::{Value, json};

use crate::{
    mcp_server::{McpServer, Wants},
    program::Machine,
    real::{Running, browsed},
    servers::allowed,
};

/// A server that wants tokens of the certified provider. `None` if the provider cannot run here.
pub(crate) fn with_sign_in() -> Option<(Arc<OidcServer>, McpServer)> {
    let provider = Arc::new(OidcServer::start(r#"{"resources":true}"#)?);
    let server = McpServer::start(Wants::Token(provider.clone()));
    Some((provider, server))
}

pub(crate) fn begin(machine: &Machine, arguments: &[&str]) -> Running {
    let mut command = machine.command();
    command.args(arguments);
    Running::of(command)
}

/// Returns a call of the tool of a server.
fn call() -> Value {
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" } });
    let params = json!({ "name": "echo", "arguments": { "text": "hello" }, "_meta": meta });
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params })
}

/// Calls the tool of a server through the proxy, and returns the answer.
#[track_caller]
pub(crate) fn called(machine: &Machine, connection: &str) -> Value {
    let answer = machine.feed(&["mcp", "proxy", connection], &format!("{}\n", call())).exits(0).json();
    assert_eq!(answer["id"], 7, "{answer}");
    answer
}

#[track_caller]
pub(crate) fn is_echoed(answer: &Value) {
    assert_eq!(answer["result"]["content"][0]["text"], "hello", "{answer}");
}

#[test]
fn an_address_of_a_server_that_wants_nothing_connects_it() {
    let (machine, server) = (Machine::new(), McpServer::start(Wants::Nothing));
    let added = machine.run(&["add", &server.address, "--json"]).exits(0).json();
    assert_eq!((added["kind"].as_str(), added["config"]["url"].as_str()), (Some("mcp"), Some(&*server.address)));
    assert_eq!(added["config"]["server"], "Tickets", "{added}");
    is_echoed(&called(&machine, "mcp"));
    let call = server.calls().remove(0);
    assert_eq!(call.headers.get("mcp-method").map(String::as_str), Some("tools/call"));
    assert_eq!(call.headers.get("mcp-name").map(String::as_str), Some("echo"));
    assert_eq!(call.headers.get("authorization"), None);
}

#[test]
fn a_server_that_wants_a_key_in_a_header_gets_it() {
    let (mut machine, server) = (Machine::new(), McpServer::start(Wants::Header("x-key", "s3cret-of-tickets")));
    machine.set("KEY", "s3cret-of-tickets");
    let header = machine.write("name", b"X-Key");
    let header = format!("headerName=@{header}");
    let arguments = ["add", &server.address, "--field", &header, "--from-env", "headerValue=KEY"];
    machine.run(&arguments).exits(0).says("live");
    is_echoed(&called(&machine, "mcp"));
    // The same without the key is refused, and says what can be given.
    machine.run(&["add", &server.address, "--again"]).exits(3).warns("token");
}

#[test]
fn a_browser_signs_in_where_the_server_says() {
    let Some((provider, server)) = with_sign_in() else { return };
    let machine = Machine::new();
    let mut adding = begin(&machine, &["add", &server.address, "--no-browser", "--yes"]);
    let (back, shown) = browsed(&adding.link());
    assert!(back.contains("/callback/mcp/"), "each issuer has an address of its own: {back}");
    assert!(shown.status == 200 && shown.body.contains("Connected"), "{shown:?}");
    adding.end().exits(0).says("live");
    is_echoed(&called(&machine, "mcp"));
    assert_eq!(provider.token_requests().len(), 1);

    // A grant that is gone is an error for the program, which says what a person can do.
    provider.forget_grants();
    let answer = called(&machine, "mcp");
    let error = &answer["error"]["data"];
    assert!(error["remedy"].as_str().is_some_and(|remedy| remedy.contains("connections reauthorize")), "{answer}");
    machine.run(&["show", "mcp", "--json"]).exits(0).says("\"failing\"");
    let mut again = begin(&machine, &["reauthorize", "mcp", "--no-browser", "--yes"]);
    browsed(&again.link());
    again.end().exits(0).says("Reauthorized");
    is_echoed(&called(&machine, "mcp"));
}

#[test]
fn a_refusal_of_a_credential_that_works_says_that_the_request_can_be_repeated() {
    let Some((provider, server)) = with_sign_in() else { return };
    let machine = Machine::new();
    let mut adding = begin(&machine, &["add", &server.address, "--no-browser", "--yes"]);
    browsed(&adding.link());
    adding.end().exits(0).says("live");
    server.refuse_calls(401, "");
    let mut proxy = machine.command();
    proxy.args(["mcp", "proxy", "mcp"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut proxy = proxy.spawn().unwrap();
    // The host waits before it sends the request again, and the end of the input would cancel the request meanwhile.
    let mut input = proxy.stdin.take().unwrap();
    writeln!(input, "{}", call()).unwrap();
    let mut answer = String::new();
    BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut answer).unwrap();
    drop(input);
    assert!(proxy.wait().unwrap().success());
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let error = &answer["error"];
    assert_eq!(error["data"]["code"], "unauthorized", "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(message.ends_with("which is live by its last verification"), "{answer}");
    let remedy = error["data"]["remedy"].as_str().unwrap();
    assert!(remedy.starts_with("repeat the request; ") && remedy.contains("connections reauthorize"), "{answer}");
    // The host has refreshed the token once and has sent the request again, before it asked the server about the token.
    assert_eq!(provider.token_requests().len(), 2);
    let mut calls = server.calls();
    let tokens: BTreeSet<_> = calls.iter_mut().filter_map(|call| call.headers.remove("authorization")).collect();
    assert_eq!(tokens.len(), 2, "the first call has the former token, and the others have the newer one");
    assert_eq!(machine.run(&["show", "mcp", "--json"]).exits(0).json()["liveness"], "live");
    server.accept_calls();
    is_echoed(&called(&machine, "mcp"));
}

#[test]
fn a_machine_without_a_browser_pastes_where_another_one_ended() {
    let Some((_provider, server)) = with_sign_in() else { return };
    let machine = Machine::new();
    let mut adding = begin(&machine, &["add", &server.address, "--paste", "--yes", "--field", "callbackUrl=@-"]);
    let link = adding.link();
    let back = UserAgent::new().follow(&link).unwrap();
    adding.type_line(&back);
    adding.end().exits(0).says("live");
    is_echoed(&called(&machine, "mcp"));
}

#[test]
fn a_machine_without_a_browser_shows_a_code() {
    let Some((_provider, server)) = with_sign_in() else { return };
    let machine = Machine::new();
    let mut adding = begin(&machine, &["add", &server.address, "--device", "--yes"]);
    let shown = adding.line("Open this address and type the code: ");
    let (link, code) = shown.trim_end_matches(')').split_once(" (code ").unwrap();
    allowed(link, code);
    adding.end().exits(0).says("live");
    is_echoed(&called(&machine, "mcp"));
}
