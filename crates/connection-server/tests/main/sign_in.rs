//! Clients of the door for models that sign in: what they find, what a person decides, and what they get.

use std::time::Duration;

use connection_contract::encode;
use connection_core::{Audience, HttpPolicy, Role};
use connection_faults::peer::PeerServer;
use serde_json::{Value, json};

use crate::{
    doors::{API, Door, new_token, stored},
    http::{Answer, Request},
};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge for that verifier (RFC 7636, appendix B).
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:4711/callback";
const DOCUMENT: &str = "https://app.example/client.json";

/// A client, and the person who decides about it.
pub(crate) struct Client {
    pub(crate) door: Door,
}

impl Client {
    pub(crate) async fn new() -> Self {
        let provider = PeerServer::start().await;
        let policy = HttpPolicy::new().endpoint(API, &provider.origin()).unwrap();
        let policy = policy.endpoint("https://app.example", &provider.origin()).unwrap();
        Self { door: Door::to(provider, |registry| registry.http(policy).kind(stored())).await }
    }

    fn origin(&self) -> String {
        self.door.world.origin()
    }

    fn resource(&self) -> String {
        format!("{}/mcp", self.origin())
    }

    fn bare(&self, method: &str, path: &str) -> Request {
        self.door.raw(method, path).without("authorization")
    }

    async fn get(&self, path: &str) -> Answer {
        self.door.send(self.bare("GET", path)).await
    }

    async fn registration(&self, statement: Value) -> Answer {
        self.door.send(self.bare("POST", "/mcp/register").json(&statement)).await
    }

    /// Registers a client that returns to this machine, and returns its id.
    pub(crate) async fn registered(&self) -> String {
        let statement = json!({ "client_name": "Example CLI", "redirect_uris": ["http://127.0.0.1/callback"] });
        self.registration(statement).await.ok(201)["client_id"].as_str().unwrap().to_owned()
    }

    /// Returns the parameters of a request for a code.
    pub(crate) fn parameters<'a>(&self, client: &'a str) -> Vec<(&'static str, String)> {
        let given: [(&'static str, &'a str); 6] = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "of the client"),
        ];
        let resource = ("resource", self.resource());
        given.into_iter().map(|(name, value)| (name, value.to_owned())).chain([resource]).collect()
    }

    pub(crate) async fn asked(&self, parameters: &[(&'static str, String)]) -> Answer {
        let query = encode::form(parameters.iter().map(|(name, value)| (*name, value.as_str())));
        self.get(&format!("/mcp/authorize?{query}")).await
    }

    /// Leads the browser to the page, and returns the sealed request in its address.
    pub(crate) async fn request(&self, client: &str) -> String {
        let answer = self.asked(&self.parameters(client)).await;
        assert_eq!((answer.status, answer.header("cache-control")), (303, "no-store"), "{answer:?}");
        let page = format!("{}/consent#request=", self.origin());
        answer.header("location").strip_prefix(&page).unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    pub(crate) async fn decide(&self, path: &str, body: Value) -> Answer {
        self.door.world.post(&self.door.ada, path, body).await
    }

    async fn shown(&self, request: &str) -> Value {
        self.decide("/consents/read", json!({ "request": request })).await.ok(200)
    }

    /// Consents, and returns the parameters with which the browser returns.
    pub(crate) async fn consented(&self, body: Value) -> Vec<(String, String)> {
        let decided = self.decide("/consents", body).await.ok(201);
        let redirect = decided["redirect"].as_str().unwrap();
        encode::from_form(redirect.strip_prefix(&format!("{CALLBACK}?")).unwrap())
    }

    pub(crate) async fn tokens(&self, parameters: &[(&str, &str)]) -> Answer {
        let form = encode::form(parameters.iter().copied());
        let request = self.bare("POST", "/mcp/token").with("content-type", "application/x-www-form-urlencoded");
        self.door.send(request.text(&form)).await
    }

    pub(crate) async fn exchanged(&self, client: &str, code: &str) -> Answer {
        let resource = self.resource();
        let parameters = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", CALLBACK),
            ("resource", &resource),
        ];
        self.tokens(&parameters).await
    }

    pub(crate) async fn renewed(&self, client: &str, refresh: &str) -> Answer {
        let parameters = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", refresh)];
        self.tokens(&parameters).await
    }

    /// Lists the connections with a token.
    pub(crate) async fn listed(&self, token: &str) -> Answer {
        let call = json!({ "name": "list_connections", "arguments": {} });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call });
        let accept = "application/json, text/event-stream";
        self.door.send(self.bare("POST", "/mcp").bearer(token).with("accept", accept).json(&message)).await
    }
}

pub(crate) fn code(parameters: &[(String, String)]) -> String {
    parameters.iter().find(|(name, _)| name == "code").unwrap().1.clone()
}

/// Returns the status and the error of OAuth.
pub(crate) fn error(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    let body = answer.json();
    assert!(!body["error_description"].as_str().unwrap().is_empty());
    (answer.status, body["error"].as_str().unwrap().to_owned())
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn a_client_finds_the_server_by_the_door() {
    let client = Client::new().await;
    let origin = client.origin();
    let refused = client.door.send(client.bare("POST", "/mcp").json(&json!({}))).await;
    let metadata = format!("{origin}/.well-known/oauth-protected-resource/mcp");
    let challenge = format!("Bearer resource_metadata=\"{metadata}\"");
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, &*challenge));
    let wrong = client.listed("cn_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    let challenge = format!("Bearer error=\"invalid_token\", resource_metadata=\"{metadata}\"");
    assert_eq!(wrong.header("www-authenticate"), challenge);

    let of_door = client.get("/.well-known/oauth-protected-resource/mcp").await.ok(200);
    assert_eq!((&of_door["resource"], &of_door["authorization_servers"]), (&json!(client.resource()), &json!([origin])));
    assert_eq!(client.get("/.well-known/oauth-protected-resource").await.ok(200), of_door);
    let of_server = client.get("/.well-known/oauth-authorization-server").await.ok(200);
    assert_eq!(of_server["issuer"], origin);
    for (member, path) in [("authorization_endpoint", "authorize"), ("token_endpoint", "token")] {
        assert_eq!(of_server[member], format!("{origin}/mcp/{path}"));
    }
    let suffixed = client.get("/.well-known/oauth-authorization-server/mcp").await;
    assert_eq!(suffixed.ok(200), of_server);
    for (name, value) in [("x-content-type-options", "nosniff"), ("cache-control", "no-store"), ("x-frame-options", "DENY")]
    {
        assert_eq!(suffixed.header(name), value);
    }
    for path in ["oauth-authorization-server/other", "oauth-protected-resource/use"] {
        assert_eq!(client.get(&format!("/.well-known/{path}")).await.status, 404, "{path}");
    }
    let other = client.bare("GET", "/.well-known/oauth-authorization-server").with("host", "evil.example");
    assert_eq!(client.door.send(other).await.refusal(), (421, "other_host".to_owned()));
}

#[tokio::test]
async fn a_person_gives_a_client_an_agent_with_the_connections_that_are_ticked() {
    let client = Client::new().await;
    let id = client.registered().await;
    let shown = client.shown(&client.request(&id).await).await;
    assert_eq!((&shown["client"], &shown["host"]), (&json!("Example CLI"), &json!("127.0.0.1:4711")));
    assert_eq!((&shown["name"], &shown["isLocal"]), (&json!("example-cli"), &json!(true)));
    assert_eq!((&shown["former"], &shown["document"]), (&Value::Null, &Value::Null));
    let connection = client.door.connection.to_string();
    let body = json!({ "request": shown["request"], "name": "cli", "expires": "8h",
        "connections": [{ "connection": connection }] });
    let returned = client.consented(body).await;
    assert_eq!(returned[1..], [("state".into(), "of the client".into()), ("iss".into(), client.origin())]);

    let answer = client.exchanged(&id, &code(&returned)).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = answer.ok(200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let access = tokens["access_token"].as_str().unwrap();
    let listed = client.listed(access).await.ok(200);
    assert!(listed["result"]["content"][0]["text"].as_str().unwrap().contains("stored:ada"), "{listed}");
    let use_it = client.door.request("GET", "/objects/a").bearer(access);
    assert_eq!(client.door.send(use_it).await.refusal().0, 401, "the token is for models alone");
    let api = client.door.world.request("GET", "/me").bearer(access);
    assert_eq!(client.door.world.send(&api).await.refusal().0, 401);

    let agent = client.door.world.get(&client.door.ada, "/agents/cli").await.ok(200);
    assert_eq!((&agent["client"]["name"], &agent["client"]["host"]), (&json!("Example CLI"), &json!("127.0.0.1:4711")));
    assert_eq!((&agent["grants"][0]["preset"], &agent["tokens"]), (&json!("ask"), &json!([])));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(error(&client.renewed("another", refresh).await), invalid_grant());
    let renewed = client.renewed(&id, refresh).await.ok(200);
    assert_eq!(client.listed(renewed["access_token"].as_str().unwrap()).await.status, 200);
    let again = client.renewed(&id, refresh).await.ok(200);
    assert_eq!(again["refresh_token"], renewed["refresh_token"]);

    let shown = client.shown(&client.request(&id).await).await;
    assert_eq!((&shown["former"], &shown["name"]), (&json!("cli"), &json!("example-cli")));
    let other = json!({ "request": shown["request"], "name": "cli", "replaces": "deploy" });
    let refused = client.decide("/consents", other).await.refusal();
    assert_eq!(refused, (404, "unknown_agent".to_owned()), "an agent that was not made for this client");
    let body = json!({ "request": shown["request"], "name": "cli", "replaces": "cli" });
    let code = code(&client.consented(body).await);
    assert_eq!(client.listed(access).await.status, 401, "the former agent is gone");
    let access = client.exchanged(&id, &code).await.ok(200)["access_token"].clone();
    let listed = client.listed(access.as_str().unwrap()).await.ok(200);
    assert!(!listed["result"]["content"][0]["text"].as_str().unwrap().contains("stored:ada"), "nothing was ticked");
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_its_address_and_its_challenge() {
    let client = Client::new().await;
    let (id, resource) = (client.registered().await, client.resource());
    let given = |code: &str| {
        [
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", id.clone()),
            ("code", code.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("resource", resource.clone()),
        ]
    };
    let others = [
        ("client_id", "another", "invalid_grant"),
        ("code_verifier", "a-verifier-that-is-another-one-with-enough-letters", "invalid_grant"),
        ("redirect_uri", "http://127.0.0.1:4712/callback", "invalid_grant"),
        ("resource", "https://other.example/mcp", "invalid_target"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("code_verifier", "", "invalid_request"),
    ];
    for (index, (name, value, expected)) in others.into_iter().enumerate() {
        let request = client.request(&id).await;
        let code = code(&client.consented(json!({ "request": request, "name": format!("cli-{index}") })).await);
        let mut wrong = given(&code);
        wrong.iter_mut().find(|(given, _)| *given == name).unwrap().1 = value.to_owned();
        let wrong: Vec<_> = wrong.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(error(&client.tokens(&wrong).await), (400, expected.to_owned()), "{name}");
        let right = given(&code);
        let right: Vec<_> = right.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let status = if expected == "invalid_grant" { 400 } else { 200 };
        assert_eq!(client.tokens(&right).await.status, status, "{name}: a code in the wrong hands is used up");
    }
    let request = client.request(&id).await;
    let code = code(&client.consented(json!({ "request": request, "name": "late" })).await);
    client.door.world.clock.advance(Duration::from_secs(60));
    assert_eq!(error(&client.exchanged(&id, &code).await), invalid_grant());
}

#[tokio::test]
async fn a_browser_is_led_back_only_to_an_address_that_the_client_stated() {
    let client = Client::new().await;
    let id = client.registered().await;
    let changed = |name: &str, value: &str| {
        let mut parameters = client.parameters(&id);
        parameters.iter_mut().find(|(given, _)| *given == name).unwrap().1 = value.to_owned();
        parameters
    };
    let others = [
        ("redirect_uri", "http://127.0.0.1:4711/other"),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://localhost:4711/callback"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", ""),
        ("client_id", "unknown"),
        ("client_id", ""),
    ];
    for (name, value) in others {
        let answer = client.asked(&changed(name, value)).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{name} {value}: {answer:?}");
        assert!(answer.body.contains("cannot sign in"), "{}", answer.body);
        assert!(!answer.body.contains("evil"), "nothing is repeated");
    }
    let mut twice = client.parameters(&id);
    twice.push(("redirect_uri", "https://evil.example/".to_owned()));
    assert_eq!(client.asked(&twice).await.status, 400);
    for (name, value, expected) in [
        ("response_type", "token", "unsupported_response_type"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("resource", "https://other.example/", "invalid_target"),
    ] {
        let answer = client.asked(&changed(name, value)).await;
        let location = answer.header("location");
        let returned = encode::from_form(location.strip_prefix(&format!("{CALLBACK}?")).unwrap());
        assert_eq!(returned[0], ("error".to_owned(), expected.to_owned()), "{name}");
        assert!(returned.contains(&("state".into(), "of the client".into())), "{location}");
    }
    // Of several addresses, those that are not accepted are left out.
    let both = json!({ "redirect_uris": ["cursor://callback", "https://app.example/cb"], "client_name": "\u{200b}" });
    let both = client.registration(both).await.ok(201);
    assert_eq!(both["redirect_uris"], json!(["https://app.example/cb"]));
    assert_eq!(both["client_name"], "a program without a name");
    // Whoever registers an address elsewhere leads nobody there before a person has decided.
    let mut elsewhere = client.parameters(both["client_id"].as_str().unwrap());
    elsewhere[2].1 = "https://app.example/cb".to_owned();
    assert_eq!(client.asked(&elsewhere).await.status, 303);
    elsewhere[0].1 = "token".to_owned();
    let answer = client.asked(&elsewhere).await;
    assert_eq!((answer.status, answer.header("location")), (400, ""));
    for redirects in [json!([]), json!(["http://app.example/"]), json!(["cursor://callback"]), json!("x")] {
        let answer = client.registration(json!({ "redirect_uris": redirects })).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    let from_page = client.bare("POST", "/mcp/register").with("origin", &client.origin()).json(&json!({}));
    assert_eq!(error(&client.door.send(from_page).await), (403, "invalid_request".to_owned()));
}

#[tokio::test]
async fn a_decision_needs_a_person_who_may_manage_and_a_request_that_is_not_over() {
    let client = Client::new().await;
    let id = client.registered().await;
    let request = client.request(&id).await;
    let world = &client.door.world;
    let body = json!({ "request": request, "name": "cli" });
    for role in [Role::Approve, Role::Read, Role::Use] {
        let token = world.token(role, Some("ada")).await;
        assert_eq!(world.post(&token, "/consents", body.clone()).await.refusal().0, 403, "{role:?}");
    }
    let of_agent = new_token(&client.door.agent, Audience::Mcp).await;
    assert_eq!(world.post(&of_agent, "/consents", body.clone()).await.refusal().0, 401);
    let refused = client.decide("/consents/refuse", json!({ "request": request })).await.ok(200);
    assert_eq!(refused["agent"], Value::Null);
    let redirect = refused["redirect"].as_str().unwrap();
    assert!(redirect.starts_with(&format!("{CALLBACK}?error=access_denied&state=of%20the%20client&iss=")), "{redirect}");
    let gone = (410, "consent_ended".to_owned());
    for other in [&id, "", "AAAA", &request[1..]] {
        assert_eq!(client.decide("/consents/read", json!({ "request": other })).await.refusal(), gone);
    }
    let of_bob = world.token(Role::Manage, Some("bob")).await;
    let connections = json!([{ "connection": client.door.connection.to_string() }]);
    let foreign = json!({ "request": request, "name": "cli", "connections": connections });
    assert_eq!(world.post(&of_bob, "/consents", foreign).await.refusal().0, 404);
    assert_eq!(world.get(&of_bob, "/agents").await.ok(200)["items"], json!([]));
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(client.decide("/consents", body).await.refusal(), gone);
}

#[tokio::test]
async fn a_client_that_a_document_describes_needs_no_registration() {
    let client = Client::new().await;
    let request = client.request(DOCUMENT).await;
    let document = json!({ "client_id": DOCUMENT, "client_name": "Example App",
        "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none" });
    let answered = async |document: &str, request: &str| {
        let length = document.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{document}");
        let server = async {
            let mut peer = client.door.provider.accept().await;
            let head = peer.head().await;
            peer.write(&answer).await;
            (head, peer)
        };
        let reading = client.decide("/consents/read", json!({ "request": request }));
        let (read, (head, _peer)) = tokio::join!(reading, server);
        (read, head)
    };
    let unseen = client.decide("/consents", json!({ "request": request, "name": "app" })).await;
    assert_eq!(unseen.refusal(), (410, "consent_ended".to_owned()), "nobody has looked at it");
    let (read, head) = answered(&document.to_string(), &request).await;
    assert!(head.starts_with("GET /client.json HTTP/1.1\r\n") && !head.contains("authorization"), "{head}");
    let shown = read.ok(200);
    assert_eq!((&shown["client"], &shown["document"]), (&json!("Example App"), &json!(DOCUMENT)));
    // The document is not fetched again: the decision is about what was shown.
    let body = json!({ "request": shown["request"], "name": "app" });
    let code = code(&client.consented(body).await);
    assert_eq!(client.exchanged(DOCUMENT, &code).await.status, 200);

    let mut wrong = document.clone();
    wrong["client_id"] = json!("https://other.example/client.json");
    let mut secret = document.clone();
    secret["token_endpoint_auth_method"] = json!("client_secret_basic");
    let mut elsewhere = document.clone();
    elsewhere["redirect_uris"] = json!(["https://app.example/callback"]);
    for document in [wrong.to_string(), secret.to_string(), elsewhere.to_string(), "<html>".to_owned()] {
        let request = client.request(DOCUMENT).await;
        let (read, _) = answered(&document, &request).await;
        assert_eq!(read.refusal(), (422, "client_invalid".to_owned()), "{document}");
    }
    for address in ["https://127.0.0.1/client.json", "https://localhost/client.json", "https://app.example", "https://10.0.0.1/c"] {
        let request = client.request(address).await;
        let read = client.decide("/consents/read", json!({ "request": request })).await;
        assert_eq!(read.refusal(), (422, "client_invalid".to_owned()), "{address}");
    }
}
