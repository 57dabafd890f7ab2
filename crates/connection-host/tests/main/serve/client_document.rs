//! A host with a public address is an application of an authorization server by the address of a document, without a
//! registration.

use std::{net::TcpListener, sync::Arc};

use connection_faults::{oidc::OidcServer, user_agent::UserAgent};
use serde_json::{Value, json};

use crate::{
    mcp::{called, is_echoed},
    mcp_server::{McpServer, Wants},
    real::Running,
};

use super::{Serving, machine};

const PUBLIC: &str = "https://connections.example";

#[test]
fn an_authorization_server_reads_the_document_of_this_host() {
    let mut machine = machine();
    let listen = TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port");
    machine.set("CONNECTIONS_INBOUND__LISTEN", &listen.to_string());
    machine.set("CONNECTIONS_INBOUND__PUBLIC_URL", PUBLIC);
    let options = json!({ "resources": true, "documents": { PUBLIC: format!("http://{listen}") } });
    let Some(provider) = OidcServer::start(&options.to_string()).map(Arc::new) else { return };
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
