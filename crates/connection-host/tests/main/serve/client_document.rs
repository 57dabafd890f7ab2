//! A host with a public address is an application of an authorization server by the address of a document, without a
//! registration.

use std::{net::TcpListener, sync::Arc};

use connection_faults::{oidc::OidcServer, user_agent::UserAgent};
use serde_json::{Value, json};

use crate::{
    mcp::{called, is_echoed},
    mcp_server::{McpServer, Wants},
    program::Machine,
    real::Running,
};

use super::{Serving, machine};

const PUBLIC: &str = "https://connections.example";

/// Connects a server whose authorization server reads the documents of applications, with these further options.
/// Returns the machine, the server and the provider, or `None` if the provider cannot run here.
fn connected_by_document(more: &Value) -> Option<(Machine, McpServer, Arc<OidcServer>)> {
    let mut machine = machine();
    let listen = TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port");
    machine.set("CONNECTIONS_INBOUND__LISTEN", &listen.to_string());
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", PUBLIC);
    let mut options = json!({ "resources": true, "documents": { PUBLIC: format!("http://{listen}") } });
    options.as_object_mut()?.extend(more.as_object()?.clone());
    let provider = Arc::new(OidcServer::start(&options.to_string())?);
    let server = McpServer::start(Wants::Token(provider.clone()));
    let serving = Serving::start(&machine);
    let mut command = machine.command();
    command.args(["add", &server.address, "--no-browser", "--yes"]);
    let mut adding = Running::of(command);
    let mut agent = UserAgent::new().with_host("connections.example", serving.address);
    let sign_in = agent.follow(&adding.link()).expect("the server leads the browser");
    assert!(sign_in.contains("client_id=https%3A%2F%2Fconnections.example%2Foauth%2Fclient%2F"), "{sign_in}");
    let back = agent.follow(&sign_in).expect("the provider answers");
    assert!(back.starts_with(&format!("{PUBLIC}/callback/mcp/")), "{back}");
    assert_eq!(agent.get(&back).expect("the server answers").status, 303);
    adding.end().exits(0).says("live");
    is_echoed(&called(&machine, "mcp"));
    let registrations = provider.ledger().into_iter().filter(|request| request.path == "/reg");
    assert_eq!(registrations.count(), 0, "the document takes the place of a registration");
    Some((machine, server, provider))
}

#[test]
fn an_authorization_server_reads_the_document_of_this_host() {
    connected_by_document(&json!({}));
}

#[test]
fn an_application_signs_where_a_server_takes_no_public_ones() {
    let methods = json!({ "methods": ["private_key_jwt", "client_secret_basic"] });
    let Some((machine, _server, provider)) = connected_by_document(&methods) else { return };
    let issuer = provider.issuer();
    let metadata = UserAgent::new().get(&format!("{issuer}/.well-known/openid-configuration")).expect("it answers").body;
    let metadata: Value = serde_json::from_str(&metadata).expect("it is JSON");
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], methods["methods"], "no application is public");
    machine.run(&["refresh", "mcp"]).exits(0);
    is_echoed(&called(&machine, "mcp"));
    let tokens = provider.token_requests();
    assert_eq!(tokens.len(), 2, "a code and a refresh token");
    assert!(tokens.iter().all(|request| request.status == 200), "{tokens:?}");
}

#[test]
fn the_document_of_an_application_that_signs_has_the_key_of_the_store() {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", PUBLIC);
    let document = |serving: &Serving, part: &str| -> Value {
        serde_json::from_str(&serving.get(&format!("/oauth/client/{part}.json")).body).expect("it is a document")
    };
    let serving = Serving::start(&machine);
    let first = document(&serving, "0123k");
    assert_eq!(first["token_endpoint_auth_method"], "private_key_jwt");
    let key = &first["jwks"]["keys"][0];
    assert_eq!((&key["kty"], &key["crv"]), (&json!("EC"), &json!("P-256")));
    assert_eq!(key.as_object().map(|key| key.contains_key("d")), Some(false), "the private part is not shown");
    serving.kill();
    // Another process has the same key, also after the keys of the store were changed.
    machine.run(&["key", "rotate"]).exits(0);
    let again = document(&Serving::start(&machine), "4567k");
    assert_eq!(again["jwks"], first["jwks"]);
}

#[test]
fn a_document_names_one_redirect_address_and_nothing_is_stored_for_it() {
    let mut machine = machine();
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", PUBLIC);
    let serving = Serving::start(&machine);
    for part in ["0123456789abcdef", "a"] {
        let answer = serving.get(&format!("/oauth/client/{part}.json"));
        let document: Value = serde_json::from_str(&answer.body).expect("it is a document");
        assert_eq!(document["client_id"], format!("{PUBLIC}/oauth/client/{part}.json"));
        assert_eq!(document["redirect_uris"], json!([format!("{PUBLIC}/callback/mcp/{part}")]));
        assert_eq!(document["token_endpoint_auth_method"], "none");
    }
    for path in ["A", "..%2Fa", "a.b", "", &"a".repeat(65)] {
        assert_eq!(serving.get(&format!("/oauth/client/{path}.json")).status, 404, "{path}");
    }
    assert_eq!(serving.get("/oauth/client/a").status, 404);
}

#[test]
fn a_host_that_others_do_not_reach_has_no_document() {
    let serving = Serving::start(&machine());
    assert_eq!(serving.get("/oauth/client/a.json").status, 404);
}
