//! Requests of agents through the one way that all doors use: which are sent, how much of their bodies is read first,
//! and what ends them.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use connection_core::{
    Agent, AgentCaller, Audience, Connection, ConnectionId, ConnectionRegistry, Error, Frozen, RequestBody, Response,
};
use connection_rules::{Place, RequestParts, Rules};
use serde_json::json;

use crate::{
    acme::API,
    agents::issued,
    test_host::{World, connected},
    test_server::Reply,
    use_open_kit::{Line, channel, counted},
};

/// The limit of the body at which the rule about comments looks.
const LIMIT: usize = 1024;

pub(crate) fn rules() -> Rules {
    let rules = json!({
        "rule": [
            { "name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow" },
            { "name": "close", "methods": ["PATCH"], "path": "/issues/{number}", "effect": "ask" },
            {
                "name": "comment",
                "methods": ["POST"],
                "path": "/issues/{number}/comments",
                "body": { "media": ["application/json"], "max": "1 KiB", "deny": ["/labels"] },
                "effect": "allow",
            },
            { "name": "upload", "methods": ["PUT"], "path": "/files/**", "effect": "allow" },
        ],
    });
    Rules::from_value(&rules).unwrap()
}

pub(crate) async fn caller(registry: &ConnectionRegistry, agent: &Agent) -> AgentCaller {
    let text = issued(agent).await;
    registry.authenticate_agent(&text, Audience::Doors).await.unwrap().unwrap()
}

/// An agent that may use one connection within the rules.
struct Door {
    world: World,
    registry: ConnectionRegistry,
    connection: Connection,
    agent: Agent,
    caller: AgentCaller,
}

impl Door {
    async fn new() -> Self {
        let world = World::new().await;
        let registry = world.acme().await;
        let connection = connected(&registry, "key-1").await;
        let agent = registry.agents().create("deploy").await.unwrap();
        agent.grant(connection.id()).rules(rules()).await.unwrap();
        let caller = caller(&registry, &agent).await;
        Self { world, registry, connection, agent, caller }
    }

    async fn open(&self, parts: RequestParts, body: RequestBody) -> Result<Response, Error> {
        self.registry.for_agent(&self.caller).open(self.connection.id(), parts, body).await
    }

    async fn sent(&self, method: &str, target: &str) -> Result<u16, Error> {
        Ok(self.open(RequestParts::new(method, target), RequestBody::empty()).await?.status())
    }

    /// Returns the code of the refusal of a request of which nothing reached the provider.
    async fn refused(&self, method: &str, target: &str) -> &'static str {
        self.refused_parts(RequestParts::new(method, target)).await
    }

    async fn refused_parts(&self, parts: RequestParts) -> &'static str {
        let before = self.world.server.requests().len();
        let error = self.open(parts, RequestBody::empty()).await.unwrap_err();
        assert_eq!(self.world.server.requests().len(), before, "{error}");
        error.code()
    }
}

fn comment() -> RequestParts {
    RequestParts::new("POST", "/issues/7/comments").header("content-type", "application/json")
}

#[tokio::test]
async fn only_a_get_with_a_stream_that_a_rule_allows_opens_a_websocket() {
    let door = Door::new().await;
    let live = json!({ "name": "live", "path": "/live", "upgrade": "websocket", "effect": "allow" });
    let rules = Rules::from_value(&json!({ "rule": [live] })).unwrap();
    door.agent.grant(door.connection.id()).rules(rules).await.unwrap();
    let upgrade = |method: &str, path: &str, to: &str| RequestParts::new(method, path).header("Upgrade", to);
    for refused in [
        upgrade("POST", "/live", "websocket"),
        upgrade("GET", "/live", "h2c"),
        // Its body is whole.
        upgrade("GET", "/live", "websocket"),
    ] {
        assert_eq!(door.refused_parts(refused.clone()).await, "invalid_request", "{refused:?}");
    }
    assert_eq!(door.refused("GET", "/live").await, "rule_denied");
}

#[tokio::test]
async fn a_request_that_a_rule_allows_is_sent_as_it_came_with_the_credential() {
    let door = Door::new().await;
    let parts = RequestParts::new("GET", "/issues/a%20b?q=%C3%BC&tags[]=x").header("X-Mine", "1").header("x-mine", "2");
    let answer = door.open(parts, RequestBody::empty()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let sent = door.world.server.requests().pop().unwrap();
    assert!(sent.starts_with("GET /issues/a%20b?q=%C3%BC&tags[]=x HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("x-mine: 1\r\nx-mine: 2\r\n") && sent.contains("key-1"), "{sent}");
    let body = RequestBody::whole(r#"{"body":"Hello"}"#.to_owned());
    assert_eq!(door.open(comment(), body).await.unwrap().status(), 200);
    assert!(door.world.server.requests().pop().unwrap().ends_with(r#"{"body":"Hello"}"#));
    door.registry.close().await;
}

#[tokio::test]
async fn a_request_that_no_rule_allows_is_not_sent() {
    let door = Door::new().await;
    for (method, target, code) in [
        ("DELETE", "/issues/7", "rule_denied"),
        ("GET", "/keys", "rule_denied"),
        ("GET", "/ISSUES/7", "rule_denied"),
        ("PATCH", "/issues/7", "approval_required"),
        ("GET", "/issues/../keys", "ambiguous_request"),
        ("GET", "/issues/a%2Fb", "ambiguous_request"),
        ("GET", "/issues/7?api_key=another", "ambiguous_request"),
        ("get", "/issues/7", "ambiguous_request"),
    ] {
        assert_eq!(door.refused(method, target).await, code, "{method} {target}");
    }
    let get = || RequestParts::new("GET", "/issues/7");
    assert_eq!(door.refused_parts(get().header("authorization", "Bearer other")).await, "ambiguous_request");
    assert_eq!(door.refused_parts(get().header("x-http-method-override", "DELETE")).await, "ambiguous_request");
    // The length of the parts is not believed: what is sent is decided.
    let body = RequestBody::whole(r#"{"body":"Hello","labels":["urgent"]}"#.to_owned());
    let error = door.open(comment().body_length(Some(0)), body).await.unwrap_err();
    assert_eq!(error.code(), "rule_denied");
    assert_eq!(door.sent("GET", "/issues/7").await.unwrap(), 200, "the control");
    door.registry.close().await;
}

#[tokio::test]
async fn another_origin_is_used_only_if_a_rule_says_so_and_the_connection_has_it() {
    let door = Door::new().await;
    let at = |origin: &str| RequestParts::new("GET", "/issues/7").place(Place::Origin(origin.to_owned()));
    assert_eq!(door.refused_parts(at(API)).await, "rule_denied");
    let rules = json!({
        "rule": [{ "name": "root", "methods": ["GET"], "path": "/**", "from": "origin", "effect": "allow" }],
    });
    let rules = Rules::from_value(&rules).unwrap();
    door.agent.grant(door.connection.id()).rules(rules).await.unwrap();
    assert_eq!(door.open(at(API), RequestBody::empty()).await.unwrap().status(), 200);
    assert_eq!(door.refused_parts(at("https://evil.example")).await, "denied");
    assert_eq!(door.refused_parts(at("https://api.acme.example/x")).await, "invalid_request");
    door.registry.close().await;
}

#[tokio::test]
async fn what_is_not_granted_is_refused_alike_whether_or_not_it_exists() {
    let door = Door::new().await;
    let other = connected(&door.registry.owner("bob").unwrap(), "key-2").await;
    let unknown: ConnectionId = "0190a0b0-0000-7000-8000-000000000000".parse().unwrap();
    for id in [other.id(), unknown] {
        let get = RequestParts::new("GET", "/issues/7");
        let error = door.registry.for_agent(&door.caller).open(id, get, RequestBody::empty()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the agent 'deploy' is not granted connection {id}"));
    }
    door.agent.revoke(door.connection.id()).await.unwrap();
    assert_eq!(door.refused("GET", "/issues/7").await, "not_granted");
    door.registry.close().await;
}

#[tokio::test]
async fn a_grant_that_ended_a_revoked_token_and_a_removed_agent_send_nothing() {
    let door = Door::new().await;
    door.world.clock.advance(Duration::from_hours(24));
    assert_eq!(door.refused("GET", "/issues/7").await, "grant_ended");
    door.agent.grant(door.connection.id()).rules(rules()).await.unwrap();
    assert_eq!(door.sent("GET", "/issues/7").await.unwrap(), 200);
    door.agent.revoke_token(door.caller.token().unwrap().id).await.unwrap();
    assert_eq!(door.refused("GET", "/issues/7").await, "token_ended");
    let again = caller(&door.registry, &door.agent).await;
    door.registry.agents().remove("deploy").await.unwrap();
    let get = RequestParts::new("GET", "/issues/7");
    let opened = door.registry.for_agent(&again).open(door.connection.id(), get, RequestBody::empty()).await;
    assert_eq!(opened.unwrap_err().code(), "token_ended");
    door.registry.close().await;
}

#[tokio::test]
async fn a_budget_counts_what_is_sent_and_no_refusal() {
    let door = Door::new().await;
    let rules = json!({
        "budget": { "requests": 2, "per": "1h" },
        "rule": [{ "name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow" }],
    });
    door.agent.grant(door.connection.id()).rules(Rules::from_value(&rules).unwrap()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(door.refused("DELETE", "/issues/7").await, "rule_denied");
    }
    let what = Frozen::Connection(door.connection.id());
    door.registry.freezes().freeze(what.clone()).await.unwrap();
    assert_eq!(door.refused("GET", "/issues/7").await, "frozen");
    door.registry.freezes().thaw(what).await.unwrap();
    assert_eq!(door.sent("GET", "/issues/1").await.unwrap(), 200);
    assert_eq!(door.sent("GET", "/issues/2").await.unwrap(), 200);
    assert_eq!(door.refused("GET", "/issues/3").await, "budget_spent");
    door.world.clock.advance(Duration::from_hours(1));
    assert_eq!(door.sent("GET", "/issues/3").await.unwrap(), 200);
    door.registry.close().await;
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let door = Door::new().await;
    door.world.provider(|_| Reply::redirect(302, "https://api.acme.example/keys"));
    let answer = door.open(RequestParts::new("GET", "/issues/7"), RequestBody::empty()).await.unwrap();
    assert_eq!((answer.status(), answer.header("location")), (302, Some("https://api.acme.example/keys")));
    assert_eq!(door.world.server.requests().iter().filter(|sent| sent.starts_with("GET /keys")).count(), 0);
    door.registry.close().await;
}

/// An agent at a provider that the test plays.
pub(crate) async fn line() -> (Line, AgentCaller) {
    with_agent(Line::new().await).await
}

/// Lets an agent use the connection.
pub(crate) async fn with_agent(line: Line) -> (Line, AgentCaller) {
    let agent = line.registry.agents().create("deploy").await.unwrap();
    agent.grant(line.connection.id()).rules(rules()).await.unwrap();
    let caller = caller(&line.registry, &agent).await;
    (line, caller)
}

pub(crate) async fn open(
    line: &Line,
    caller: &AgentCaller,
    parts: RequestParts,
    body: RequestBody,
) -> Result<Response, Error> {
    line.registry.for_agent(caller).open(line.connection.id(), parts, body).await
}

fn upload() -> RequestParts {
    RequestParts::new("PUT", "/files/a").header("content-type", "application/octet-stream")
}

#[tokio::test]
async fn a_body_is_read_as_far_as_the_rules_look_and_what_was_read_is_sent() {
    let (line, caller) = line().await;
    // A rule looks at this body, which is sent only after it was decided.
    let (sender, body) = channel(None);
    let provider = async {
        sender.send(Ok(br#"{"body":"#.to_vec())).unwrap();
        sender.send(Ok(br#""Hello"}"#.to_vec())).unwrap();
        drop(sender);
        let (mut peer, _) = line.accept().await;
        assert_eq!(peer.bytes(16).await, br#"{"body":"Hello"}"#);
        peer.answer(201, "").await;
        peer
    };
    let (answer, _peer) = tokio::join!(open(&line, &caller, comment(), body), provider);
    assert_eq!(answer.unwrap().status(), 201);

    // One of an unknown length is read to the limit, and then decided without it.
    let (body, taken) = counted(1 << 20, false);
    let refused = open(&line, &caller, comment(), body).await.unwrap_err();
    assert_eq!((refused.code(), taken.load(SeqCst)), ("rule_denied", 64 * 1024), "one piece was read");
    // One that is known to be longer is not read at all.
    let (body, taken) = counted(LIMIT + 1, true);
    let refused = open(&line, &caller, comment(), body).await.unwrap_err();
    assert_eq!((refused.code(), taken.load(SeqCst)), ("rule_denied", 0));
    // A body that breaks off is not sent.
    let (sender, body) = channel(Some(10));
    sender.send(Err(())).unwrap();
    assert_eq!(open(&line, &caller, comment(), body).await.unwrap_err().code(), "invalid_request");
}

#[tokio::test]
async fn a_body_that_was_read_in_vain_is_sent_whole() {
    let (line, caller) = line().await;
    let agent = line.registry.agents().get("deploy").await.unwrap();
    // The first rule looks at the body, and the second one allows every body.
    let rules = json!({
        "rule": [
            {
                "name": "labels",
                "methods": ["POST"],
                "path": "/issues/**",
                "body": { "media": ["application/json"], "max": "1 KiB" },
                "effect": "allow",
            },
            { "name": "any", "methods": ["POST"], "path": "/issues/**", "effect": "allow" },
        ],
    });
    agent.grant(line.connection.id()).rules(Rules::from_value(&rules).unwrap()).await.unwrap();
    let (body, taken) = counted(200_000, false);
    let provider = async {
        let (mut peer, _) = line.accept().await;
        assert_eq!(peer.chunks().await.len(), 200_000);
        peer.answer(200, "").await;
        peer
    };
    let (answer, _peer) = tokio::join!(open(&line, &caller, comment(), body), provider);
    assert_eq!((answer.unwrap().status(), taken.load(SeqCst)), (200, 200_000));
}

#[tokio::test]
async fn both_bodies_pass_while_they_arrive() {
    let (line, caller) = line().await;
    let (sender, body) = channel(None);
    let provider = async {
        let (mut peer, token) = line.accept().await;
        assert_eq!(token, "access-1");
        sender.send(Ok(b"first".to_vec())).unwrap();
        assert_eq!(peer.chunk().await, b"first", "it passes before the body has ended");
        peer.begin(200, "").await;
        peer.piece("some").await;
        peer
    };
    let (answer, mut peer) = tokio::join!(open(&line, &caller, upload(), body), provider);
    let mut answer = answer.unwrap();
    assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"some"[..]));
    sender.send(Ok(b"second".to_vec())).unwrap();
    assert_eq!(peer.chunk().await, b"second");
    drop(sender);
    assert_eq!(peer.chunk().await, b"");
    peer.piece("more").await;
    assert_eq!(answer.chunk().await.unwrap().as_deref(), Some(&b"more"[..]));
    drop(answer);
    assert_eq!(peer.until_closed().await, 0, "the request ends with its client");
}

#[tokio::test]
async fn a_stream_is_cut_when_its_agent_is_frozen() {
    let (line, caller) = line().await;
    let provider = async {
        let (mut peer, _) = line.accept().await;
        peer.begin(200, "").await;
        peer.piece("some").await;
        peer
    };
    let get = RequestParts::new("GET", "/issues/7");
    let (answer, mut peer) = tokio::join!(open(&line, &caller, get, RequestBody::empty()), provider);
    let mut answer = answer.unwrap();
    assert!(answer.chunk().await.unwrap().is_some());
    line.registry.freezes().freeze(Frozen::Agent(caller.agent().id())).await.unwrap();
    assert_eq!(answer.chunk().await.unwrap_err().code(), "frozen");
    assert_eq!(peer.until_closed().await, 0);
}
