//! Addresses that an MCP server and its authorization server name. One in a private network, or of another protocol, is
//! refused by its text, with a sentence that names its host, and nothing is asked there.
#![expect(clippy::unwrap_used, reason = "support of tests: what fails here fails the test")]

use std::sync::{Arc, Mutex};

use connection_contract::encode;
use connection_faults::{
    double::{Double, Seen},
    user_agent::UserAgent,
};
use serde_json::json;

use crate::{
    mcp::begin,
    program::{Machine, Ran},
    real::led,
};

/// Addresses that no server may name to a person who entered one on loopback, with the host in the message.
const FORBIDDEN: [(&str, &str); 7] = [
    ("http://10.255.0.1/named", "10.255.0.1"),
    ("https://10.255.0.1/named", "10.255.0.1"),
    ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
    // The same address, written as one number. The message has either form of it.
    ("https://2852039166/latest/meta-data", ""),
    ("http://[fd00::1]/named", "[fd00::1]"),
    ("https://[fd00::1]:8443/named", "[fd00::1]:8443"),
    ("ftp://files.example/named", "files.example"),
];

/// The fields that are read before a person signs in.
const FIELDS: [&str; 8] = [
    "resource_metadata",
    "authorization_servers",
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "device_authorization_endpoint",
    "pushed_authorization_request_endpoint",
];

/// The field that is read after a person has signed in.
const CLAIMS: &str = "userinfo_endpoint";

/// An address that the server names in a field.
#[derive(Clone)]
struct Named {
    field: &'static str,
    address: String,
}

/// An MCP server on loopback that is its own authorization server, and names another address in one field.
struct NamingServer {
    address: String,
    origin: String,
    named: Arc<Mutex<Option<Named>>>,
    double: Double,
}

impl NamingServer {
    fn start() -> Self {
        let named: Arc<Mutex<Option<Named>>> = Arc::default();
        let naming = named.clone();
        let double = Double::start(|origin| {
            let origin = origin.to_owned();
            move |request: &Seen| {
                let (status, headers, body) = answer(request, &origin, naming.lock().unwrap().as_ref());
                (status, format!("content-type: application/json\r\n{headers}"), body)
            }
        });
        let origin = double.origin().to_owned();
        Self { address: format!("{origin}/mcp"), origin, named, double }
    }

    /// Names this address in this field from now on. Every other field has an address of the server itself.
    fn name(&self, field: &'static str, address: &str) {
        *self.named.lock().unwrap() = Some(Named { field, address: address.to_owned() });
        self.double.take_seen();
    }

    /// Returns `true` if a path was requested since the last address was named.
    fn was_asked(&self, path: &str) -> bool {
        self.double.seen().iter().any(|seen| seen.path.split('?').next() == Some(path))
    }
}

fn answer(request: &Seen, origin: &str, named: Option<&Named>) -> (u16, String, String) {
    let at = |field: &str, path: &str| match named {
        Some(named) if named.field == field => named.address.clone(),
        _ => format!("{origin}{path}"),
    };
    let ok = |document: serde_json::Value| (200, String::new(), document.to_string());
    let (path, query) = request.path.split_once('?').unwrap_or((request.path.as_str(), ""));
    match path {
        "/mcp" if request.headers.contains_key("authorization") => ok(json!({ "jsonrpc": "2.0", "id": "1",
            "result": { "resultType": "complete", "supportedVersions": ["2026-07-28"], "tools": [] } })),
        "/mcp" => {
            let challenge = at("resource_metadata", "/resource");
            let challenge = format!("www-authenticate: Bearer resource_metadata=\"{challenge}\"\r\n");
            (401, challenge, json!({ "error": "invalid_token" }).to_string())
        }
        "/resource" => ok(json!({ "resource": format!("{origin}/mcp"),
            "authorization_servers": [at("authorization_servers", "")], "scopes_supported": ["openid"] })),
        "/.well-known/oauth-authorization-server" => {
            let mut document = json!({ "issuer": origin, "authorization_endpoint": format!("{origin}/authorize"),
                "token_endpoint": format!("{origin}/token"), "registration_endpoint": format!("{origin}/register"),
                "userinfo_endpoint": format!("{origin}/userinfo"), "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"] });
            if let Some(named) = named.filter(|named| named.field.ends_with("_endpoint")) {
                document[named.field] = json!(named.address);
            }
            ok(document)
        }
        "/register" => (201, String::new(), json!({ "client_id": "own" }).to_string()),
        "/authorize" => {
            let given = encode::from_form(query);
            let given =
                |name: &str| given.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
            let back = encode::form([("code", "c-1"), ("state", given("state"))]);
            (302, format!("location: {}?{back}\r\n", given("redirect_uri")), String::new())
        }
        "/token" => ok(json!({ "access_token": "named-token-0123456789", "token_type": "Bearer", "expires_in": 3600,
            "scope": "openid" })),
        "/userinfo" => ok(json!({ "sub": "ada", "email": "ada@example.com" })),
        _ => (404, String::new(), json!({ "error": "not_found" }).to_string()),
    }
}

/// Returns a machine that would send requests for the private addresses to the loopback server of its provider, which
/// records them.
fn machine() -> Machine {
    let machine = Machine::new();
    let private = ["http://10.255.0.1", "https://10.255.0.1", "https://169.254.169.254", "http://[fd00::1]"];
    let own = &machine.provider.origin;
    let endpoints: String = private.iter().map(|from| format!("\"{from}\" = \"{own}\"\n")).collect();
    machine.configure(&format!("[http.endpoints]\n{endpoints}"));
    machine
}

/// Asserts that nothing is connected, and that nobody was asked at an address in a private network.
#[track_caller]
fn is_untouched(machine: &Machine, place: &str) {
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json(), json!([]), "{place}");
    assert!(machine.provider.seen().is_empty(), "{place}: {:?}", machine.provider.seen());
}

#[test]
fn an_address_that_a_server_names_in_a_private_network_is_refused() {
    let (machine, server) = (machine(), NamingServer::start());
    for field in FIELDS {
        for (address, host) in FORBIDDEN {
            server.name(field, address);
            let refused = machine.run(&["add", &server.address]).exits(3);
            refused.warns(&format!("the server names an address that this host does not reach: {host}"));
            // Neither an application nor a token is requested of a server that names such an address.
            assert!(server.was_asked("/mcp"), "{field}: {address}");
            assert!(!server.was_asked("/register") && !server.was_asked("/token"), "{field}: {address}");
        }
        is_untouched(&machine, field);
    }
}

/// Adds the server, and signs in at it.
fn signed_in(machine: &Machine, server: &NamingServer) -> Ran {
    let mut adding = begin(machine, &["add", &server.address, "--no-browser", "--yes"]);
    let mut agent = UserAgent::new();
    let provider = led(&mut agent, &adding.link());
    assert!(provider.starts_with(&server.origin), "{provider}");
    let back = agent.follow(&provider).unwrap();
    agent.get(&back).unwrap();
    adding.end()
}

#[test]
fn an_address_of_the_claims_in_a_private_network_is_refused_after_the_sign_in() {
    let (machine, server) = (machine(), NamingServer::start());
    for (address, host) in FORBIDDEN {
        // It is read only if the server grants the scope for it, so the sign-in comes first.
        server.name(CLAIMS, address);
        let refused = signed_in(&machine, &server).exits(3);
        refused.warns(&format!("the server names an address that this host does not reach: {host}"));
        is_untouched(&machine, address);
        assert!(server.was_asked("/token"), "{address}");
    }
    // The control: the same server is connected if it names its own address.
    server.name(CLAIMS, &format!("{}/userinfo", server.origin));
    signed_in(&machine, &server).exits(0).says("live");
    assert!(server.was_asked("/userinfo"));
    assert_eq!(machine.run(&["list", "--json"]).exits(0).json().as_array().map(Vec::len), Some(1));
}
