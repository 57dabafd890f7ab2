//! The reverse door over real connections: what passes it in both directions, what it refuses, and whom it delays.

use connection_contract::{encode, prelude::*};
use connection_core::{
    Agent, Audience, ConnectionId, ConnectionRegistry, Frozen, HttpPolicy, NewAgentToken, RegistryBuilder, Role,
};
use connection_faults::{
    peer::{Peer, PeerServer},
    scripted::{Scripted, identity, live},
};
use connection_rules::Rules;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    http::{Answer, Request},
    test_host::{KEY, World},
};

pub(crate) const API: &str = "https://api.stored.example";
/// The maximum number of requests of an agent at once.
pub(crate) const MAX_OF_AGENT: usize = 32;

/// A kind of objects, whose names have slashes.
pub(crate) fn stored() -> Scripted {
    of_stored(|descriptor| descriptor)
}

/// Returns the kind of objects with a descriptor that is described further.
fn of_stored(describe: impl FnOnce(Descriptor) -> Descriptor) -> Scripted {
    let descriptor = Descriptor::new(Kind::from_static("stored"), "Stored", AuthType::ApiKey)
        .origin(API)
        .encoded_slash_is_data()
        .field(Field::secret("apiKey", "API key"));
    Scripted::new(describe(descriptor)).bearer().setup(|_, ctx| {
        Box::pin(async move {
            let key = ctx.prompt(Prompt::new("Connect Stored").field("apiKey")).await.secret("apiKey")?;
            Ok(live(key, identity("ada")))
        })
    })
}

pub(crate) fn rules() -> Value {
    json!({
        "rule": [
            { "name": "read", "methods": ["GET"], "path": "/objects/**", "effect": "allow" },
            { "name": "write", "methods": ["PUT"], "path": "/objects/**", "effect": "allow" },
            { "name": "remove", "methods": ["DELETE"], "path": "/objects/**", "effect": "ask" },
        ],
    })
}

/// A host with an agent that may use one connection of Ada, whose provider is a server of the test.
pub(crate) struct Door<P = PeerServer> {
    pub(crate) world: World,
    pub(crate) provider: P,
    pub(crate) ada: String,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) agent: Agent,
    pub(crate) connection: ConnectionId,
    pub(crate) token: String,
}

impl<P> Door<P> {
    /// Creates a host whose kinds are those of `configure`, with one that sends its requests to the provider.
    pub(crate) async fn to(provider: P, configure: impl FnOnce(RegistryBuilder) -> RegistryBuilder) -> Self {
        let world = World::with(configure).await;
        let ada = world.token(Role::Manage, Some("ada")).await;
        let connection = world.connected_by_key(&ada, "stored").await.parse().unwrap();
        let registry = world.registry.owner("ada").unwrap();
        let agent = registry.agents().create("deploy").await.unwrap();
        let token = new_token(&agent, Audience::Doors).await;
        let door = Self { world, provider, ada, registry, agent, connection, token };
        door.grant(&rules()).await;
        door
    }

    pub(crate) async fn grant(&self, rules: &Value) {
        self.agent.grant(self.connection).rules(Rules::from_value(rules).unwrap()).await.unwrap();
    }

    /// Returns a request of the agent to this path of the provider.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        self.raw(method, &format!("/use/{}{path}", self.connection))
    }

    pub(crate) fn raw(&self, method: &str, path: &str) -> Request {
        let host = format!("127.0.0.1:{}", self.world.port);
        Request::new(method, path).with("host", &host).bearer(&self.token)
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        request.send(self.world.port).await
    }
}

/// Returns the text of a new token of an agent.
pub(crate) async fn new_token(agent: &Agent, audience: Audience) -> String {
    let token = agent.new_token(NewAgentToken::new("a test", audience)).await.unwrap();
    token.text.expose_secret().to_owned()
}

impl Door {
    pub(crate) async fn new() -> Self {
        let provider = PeerServer::start().await;
        let policy = HttpPolicy::new().endpoint(API, &provider.origin()).unwrap();
        Self::to(provider, |registry| registry.http(policy).kind(stored())).await
    }

    /// Sends a request, which the provider answers with this text. Returns what the provider received, too.
    pub(crate) async fn passed(&self, request: Request, answer: &str) -> (Answer, String) {
        let provider = async {
            let mut peer = self.provider.accept().await;
            let head = peer.head().await;
            peer.write(answer).await;
            (head, peer)
        };
        let (answer, (head, _peer)) = tokio::join!(self.send(request), provider);
        (answer, head)
    }

    /// Returns the status, the code and the outcome of a refusal.
    async fn refused(&self, request: Request) -> (u16, String, String) {
        let answer = self.send(request).await;
        let (status, code) = answer.refusal();
        let body = answer.json();
        assert!(!body["message"].as_str().unwrap().is_empty(), "{body}");
        assert_eq!(body["message"], body["error"]["message"], "SDKs show one or the other");
        is_protected(&answer);
        (status, code, answer.header("connections-outcome").to_owned())
    }

    pub(crate) async fn accept(&self) -> Peer {
        let mut peer = self.provider.accept().await;
        peer.head().await;
        peer
    }
}

pub(crate) fn is_protected(answer: &Answer) {
    let policy = "sandbox; default-src 'none'; frame-ancestors 'none'";
    for (name, value) in [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
        ("content-disposition", "attachment"),
    ] {
        assert_eq!(answer.header(name), value, "{answer:?}");
    }
}

fn is(status: u16, code: &str, outcome: &str) -> (u16, String, String) {
    (status, code.to_owned(), outcome.to_owned())
}

/// Reads until the text has arrived.
pub(crate) async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(text) {
        let byte = stream.read_u8().await.unwrap();
        read.push(byte);
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn a_request_passes_byte_for_byte_with_the_credential_in_place_of_the_token() {
    let door = Door::new().await;
    let request = door.request("GET", "/objects/a%2Fb%20c?list&x=%2f&tags[]=1");
    let request = request.with("accept-encoding", "gzip").with("x-forwarded-for", "192.0.2.1").with("x-mine", "1");
    let request = request.with("x-hop", "1").with("connection", "x-hop").with("sec-fetch-mode", "cors");
    let told = "HTTP/1.1 200 Told\r\ncontent-type: text/html\r\ncontent-length: 5\r\nset-cookie: a=b\r\n\
                x-request-id: provider-1\r\netag: \"1\"\r\nalt-svc: h3\r\ncontent-security-policy: x\r\n\r\nhello";
    let (answer, head) = door.passed(request, told).await;
    assert!(head.starts_with("GET /objects/a%2Fb%20c?list&x=%2f&tags[]=1 HTTP/1.1\r\n"), "{head}");
    let has = |line: &str| head.lines().any(|sent| sent == line);
    assert!(has(&format!("authorization: Bearer {KEY}")) && has("accept-encoding: identity"), "{head}");
    assert!(has("x-mine: 1") && has("sec-fetch-mode: cors"), "{head}");
    assert!(!head.contains(&door.token) && !head.contains("x-forwarded") && !head.contains("x-hop"), "{head}");
    assert_eq!((answer.status, &*answer.body), (200, "hello"));
    is_protected(&answer);
    assert_eq!((answer.header("x-request-id"), answer.header("etag")), ("provider-1", "\"1\""));
    assert_eq!(answer.header("connections-request-id").len(), 22);
    for dropped in ["set-cookie", "alt-svc", "connections-outcome"] {
        assert_eq!(answer.header(dropped), "", "{answer:?}");
    }
}

#[tokio::test]
async fn a_connection_is_named_by_its_id_or_by_kind_and_label() {
    let door = Door::new().await;
    let told = "HTTP/1.1 200 Told\r\ncontent-length: 0\r\n\r\n";
    for name in ["stored:ada", "stored%3Aada", "%73tored:ada"] {
        let (answer, head) = door.passed(door.raw("GET", &format!("/use/{name}/objects/1")), told).await;
        assert!(answer.status == 200 && head.starts_with("GET /objects/1 "), "{name}: {answer:?}");
    }
    let ada = door.registry.connection(door.connection).await.unwrap();
    ada.rename("me@work").await.unwrap();
    let (answer, _) = door.passed(door.raw("GET", "/use/stored:me%40work/objects/1"), told).await;
    assert_eq!(answer.status, 200);
    let refused = door.refused(door.raw("GET", "/use/stored:me@work/objects/1")).await;
    assert_eq!(refused, is(400, "ambiguous_request", "ambiguous"));
    let unknown = is(404, "not_granted", "denied");
    for name in ["stored:bob", "nothing:ada", "stored", "0190a0b0-0000-7000-8000-000000000000", "%ff", "stored:ada@x"] {
        assert_eq!(door.refused(door.raw("GET", &format!("/use/{name}/objects/1"))).await, unknown, "{name}");
    }
    // What exists and is not granted looks the same.
    door.agent.revoke(door.connection).await.unwrap();
    for request in [door.request("GET", "/objects/1"), door.raw("GET", "/use/stored:me%40work/objects/1")] {
        let answer = door.send(request).await;
        assert!(answer.status == 404 && !answer.body.contains(&door.connection.to_string()), "{answer:?}");
    }
}

#[tokio::test]
async fn another_origin_of_the_connection_is_named_by_its_host() {
    const FILES: &str = "https://files.stored.example";
    let provider = PeerServer::start().await;
    let policy = [API, FILES].into_iter().fold(HttpPolicy::new(), |policy, origin| policy.endpoint(origin, &provider.origin()).unwrap());
    let kind = of_stored(|descriptor| descriptor.origin(FILES));
    let door = Door::to(provider, |registry| registry.http(policy).kind(kind)).await;
    let told = "HTTP/1.1 200 Told\r\ncontent-length: 0\r\n\r\n";
    let at = |host: &str| door.raw("GET", &format!("/use/{}@{host}/objects/1", door.connection));
    assert_eq!(door.refused(at("files.stored.example")).await, is(403, "rule_denied", "denied"));
    // The rules for the base decide about what is below it, also if its origin is named.
    let (answer, head) = door.passed(at("api.stored.example"), told).await;
    assert!(answer.status == 200 && head.starts_with("GET /objects/1 "), "{answer:?}");
    door.grant(&json!({ "rule": [{ "name": "any", "from": "origin", "path": "/**", "effect": "allow" }] })).await;
    let (answer, head) = door.passed(at("files.stored.example"), told).await;
    assert!(answer.status == 200 && head.starts_with("GET /objects/1 "), "{answer:?}");
    assert_eq!(door.refused(at("api.stored.example")).await, is(403, "rule_denied", "denied"));
    assert_eq!(door.refused(door.request("GET", "/objects/1")).await, is(403, "rule_denied", "denied"));
}

#[tokio::test]
async fn each_refusal_says_what_it_is() {
    let door = Door::new().await;
    let get = || door.request("GET", "/objects/1");
    assert_eq!(door.refused(door.request("GET", "/keys")).await, is(403, "rule_denied", "denied"));
    assert_eq!(door.refused(door.request("DELETE", "/objects/1").with("prefer", "wait=0")).await, is(403, "approval_required", "asked"));
    let double = door.refused(get().with("x-api-key", "another")).await;
    assert_eq!(double, is(400, "ambiguous_request", "ambiguous"));
    assert_eq!(door.refused(door.request("GET", "/objects/../keys")).await, is(400, "ambiguous_request", "ambiguous"));
    let other_host = door.refused(get().with("host", "evil.example")).await;
    assert_eq!(other_host, is(421, "other_host", "denied"));

    door.grant(&json!({ "budget": { "requests": 1, "per": "1h" }, "rule": rules()["rule"] })).await;
    let (answer, _) = door.passed(get(), "HTTP/1.1 204 Told\r\n\r\n").await;
    assert_eq!(answer.status, 204);
    assert_eq!(door.refused(get()).await, is(429, "budget_spent", "budget"));
    let seconds: u64 = door.send(get()).await.header("retry-after").parse().unwrap();
    assert!((1..=3600).contains(&seconds), "{seconds}");

    door.grant(&rules()).await;
    door.registry.freezes().freeze(Frozen::Agent(door.agent.id())).await.unwrap();
    assert_eq!(door.refused(get()).await, is(403, "frozen", "frozen"));
    door.registry.freezes().thaw(Frozen::Agent(door.agent.id())).await.unwrap();
    door.world.clock.advance(Duration::from_hours(24));
    assert_eq!(door.refused(get()).await, is(403, "grant_ended", "denied"));
}

#[tokio::test]
async fn only_one_token_of_an_agent_opens_a_door() {
    let door = Door::new().await;
    let refused = is(401, "unauthenticated", "denied");
    let get = || door.request("GET", "/objects/1");
    for token in [&*door.ada, "cn_unknown", ""] {
        assert_eq!(door.refused(get().bearer(token)).await, refused, "{token}");
    }
    assert_eq!(door.refused(get().without("authorization")).await, refused);
    assert_eq!(door.refused(get().also("authorization", &format!("Bearer {}", door.token))).await, refused);
    assert_eq!(door.refused(get().with("authorization", &format!("Basic {}", door.token))).await, refused);
    let mcp = new_token(&door.agent, Audience::Mcp).await;
    assert_eq!(door.refused(get().bearer(&mcp)).await, refused);
    // The token of an agent is nothing to the API.
    assert_eq!(door.world.get(&door.token, "/connections").await.refusal().0, 401);
    door.registry.agents().remove("deploy").await.unwrap();
    assert_eq!(door.refused(get()).await, refused);
}

#[tokio::test]
async fn no_browser_uses_a_door() {
    let door = Door::new().await;
    for (name, value) in [
        ("origin", "null"),
        ("origin", &*door.world.origin()),
        ("service-worker", "script"),
        ("sec-fetch-site", "none"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-user", "?1"),
    ] {
        let refused = door.refused(door.request("GET", "/objects/1").with(name, value)).await;
        assert_eq!(refused, is(403, "browser", "denied"), "{name}: {value}");
    }
    let preflight = door.request("OPTIONS", "/objects/1").without("authorization");
    let preflight = preflight.with("access-control-request-method", "GET");
    assert_eq!(door.refused(preflight).await, is(403, "browser", "denied"));
}

#[tokio::test]
async fn addresses_of_the_connection_lead_back_to_the_door() {
    let door = Door::new().await;
    let told = format!(
        "HTTP/1.1 302 Told\r\ncontent-length: 0\r\nlocation: {API}/objects/2?a=b\r\n\
         link: <{API}/objects?page=2>; rel=\"next\", <https://files.example/>; rel=\"help\"\r\n\r\n"
    );
    let (answer, _) = door.passed(door.request("GET", "/objects/1"), &told).await;
    let base = format!("{}/use/{}", door.world.origin(), door.connection);
    assert_eq!((answer.status, answer.header("location")), (302, &*format!("{base}/objects/2?a=b")));
    let link = format!("<{base}/objects?page=2>; rel=\"next\", <https://files.example/>; rel=\"help\"");
    assert_eq!(answer.header("link"), link);
}

#[tokio::test]
async fn both_bodies_pass_while_they_arrive_and_the_request_ends_with_its_client() {
    let door = Door::new().await;
    let request = door.request("PUT", "/objects/1").with("content-type", "text/plain");
    let mut client = request.with("transfer-encoding", "chunked").open(door.world.port).await;
    client.write_all(b"5\r\nfirst\r\n").await.unwrap();
    let mut provider = door.accept().await;
    assert_eq!(provider.chunk().await, b"first", "it passes before the body has ended");
    provider.begin(200, "content-type: text/event-stream\r\n").await;
    provider.piece("data: 1\n\n").await;
    let read = until(&mut client, "data: 1").await;
    assert!(read.starts_with("HTTP/1.1 200 "), "{read}");
    client.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(provider.chunk().await, b"second");
    assert_eq!(provider.chunk().await, b"");
    provider.piece("data: 2\n\n").await;
    until(&mut client, "data: 2").await;
    drop(client);
    assert_eq!(provider.until_closed().await, 0);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_ends_the_request() {
    let door = Door::new().await;
    let client = door.request("GET", "/objects/1").open(door.world.port).await;
    let mut provider = door.accept().await;
    drop(client);
    assert_eq!(provider.until_closed().await, 0);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_a_whole_one() {
    let door = Door::new().await;
    let mut client = door.request("GET", "/objects/1").open(door.world.port).await;
    let mut provider = door.accept().await;
    provider.begin(200, "").await;
    provider.piece("some").await;
    until(&mut client, "some").await;
    drop(provider);
    let mut rest = Vec::new();
    drop(client.read_to_end(&mut rest).await);
    assert!(!String::from_utf8_lossy(&rest).contains("0\r\n\r\n"), "{rest:?}");
}

#[tokio::test]
async fn an_agent_has_a_number_of_places_and_the_page_is_answered_beside_them() {
    let door = Door::new().await;
    let mut held = Vec::new();
    for _ in 0..MAX_OF_AGENT {
        let client = door.request("GET", "/objects/1").open(door.world.port).await;
        held.push((client, door.accept().await));
    }
    let answer = door.send(door.request("GET", "/objects/1")).await;
    assert_eq!(answer.refusal(), (429, "too_many_requests".to_owned()));
    assert_eq!((answer.header("retry-after"), answer.header("connections-outcome")), ("1", ""));
    door.world.get(&door.ada, "/me").await.ok(200);
    drop(held.pop());
    loop {
        let mut client = door.request("GET", "/objects/1").open(door.world.port).await;
        tokio::select! {
            mut provider = door.accept() => {
                provider.answer(200, "here").await;
                until(&mut client, "here").await;
                break;
            }
            // The place is free once the server has seen that the client left.
            read = until(&mut client, "too_many_requests") => drop(read),
        }
    }
}

#[tokio::test]
async fn no_metric_holds_the_token_or_the_query() {
    let door = Door::new().await;
    door.refused(door.request("GET", "/keys?secret-of-the-query")).await;
    let operator = door.world.token(Role::Read, None).await;
    let metrics = door.world.root("/metrics").bearer(&operator).send(door.world.port).await;
    assert!(metrics.body.contains("/use/{connection}/{*path}"), "{}", metrics.body);
    assert!(!metrics.body.contains("secret-of-the-query") && !metrics.body.contains(&door.token));
}

#[tokio::test]
async fn a_door_shows_no_credential_that_the_provider_repeats() {
    let door = Door::new().await;
    let base64 = encode::base64(format!("ada:{KEY}").as_bytes());
    let (start, rest) = KEY.split_at(7);
    let length = 2 * KEY.len() + 1 + base64.len();
    let provider = async {
        let mut peer = door.provider.accept().await;
        assert!(peer.head().await.contains(&format!("authorization: Bearer {KEY}")));
        peer.write(format!("HTTP/1.1 400 No\r\nx-echo: {KEY}\r\ncontent-length: {length}\r\n\r\n{start}")).await;
        peer.write(format!("{rest} {KEY}{base64}")).await;
        peer
    };
    let (answer, _peer) = tokio::join!(door.send(door.request("GET", "/objects/a")), provider);
    let stars = "*".repeat(KEY.len());
    assert_eq!((answer.status, answer.header("x-echo")), (400, &*stars));
    assert_eq!(answer.header("content-length"), length.to_string());
    assert!(answer.body.starts_with(&format!("{stars} {stars}{}*", &base64[..6])), "{answer:?}");
    assert_eq!(answer.body.len(), length);
}
