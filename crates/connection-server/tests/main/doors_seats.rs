//! The token of an agent at the reverse door: it stands where the provider's secret would stand, and goes nowhere else.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock},
};

use connection_contract::encode::base64;
use connection_core::{Agent, Audience, ConnectionId, HttpPolicy, Role};
use connection_faults::peer::PeerServer;
use connection_manifest::{FileKind, KindFile};
use connection_rules::Rules;
use serde_json::{Value, json};

use crate::{
    doors::new_token,
    http::{Answer, Request},
    test_host::{KEY, World},
};

pub(crate) const API: &str = "https://api.acme.com";
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
/// The digest of an empty body.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Kinds with one seat each, and the lines of their files that make it.
pub(crate) const KINDS: [(&str, &str); 8] = [
    ("in-header", "headers = { X-Key = \"id ${secret.apiKey};\" }"),
    ("in-bearer", "headers = { Authorization = \"Bearer ${secret.apiKey}\" }"),
    ("in-user", "basic = { user = \"${secret.apiKey}\", password = \"\" }"),
    ("in-password", "basic = { user = \"api\", password = \"${secret.apiKey}\" }"),
    ("in-query", "query = { hapikey = \"${secret.apiKey}\" }"),
    ("in-path", "path = \"/bot${secret.apiKey}\""),
    ("in-body", "json = { key = \"${secret.apiKey}\" }"),
    // As in-header, with the form of a token that an SDK checks.
    ("with-form", "headers = { X-Key = \"${secret.apiKey}\" }\n[door]\ntoken = \"1:{token}\"\nsource = \"https://a.com\""),
];

pub(crate) const SIGNED: &str = r#"
format = 1
id = "signed"
name = "Signed"
mechanism = "api_key"
auth = "custom"
accepts = ["aws_sigv4"]
[[fields]]
name = "accessKeyId"
label = "Access key ID"
public = true
[[fields]]
name = "secretAccessKey"
label = "Secret access key"
secret = true
[request]
base = "https://api.acme.com"
[sigv4]
region = "us-east-1"
service = "s3"
"#;

pub(crate) fn file(id: &str, text: &str) -> FileKind {
    KindFile::parse(&format!("{id}.toml"), text).unwrap_or_else(|problems| panic!("{problems}")).definition()
}

pub(crate) fn kind(id: &str, request: &str) -> FileKind {
    let text = format!(
        "format = 1\nid = \"{id}\"\nname = \"{id}\"\nmechanism = \"api_key\"\n[[fields]]\nname = \"apiKey\"\n\
         label = \"API key\"\nsecret = true\n[request]\nbase = \"{API}\"\n{request}\n"
    );
    file(id, &text)
}

/// Returns rules that allow every request that can be read.
pub(crate) fn everything() -> Value {
    json!({ "rule": [{ "name": "everything", "path": "/**", "effect": "allow" }] })
}

/// A host with an agent that may use one connection of each kind, whose provider is played by the test.
struct Door {
    world: World,
    provider: PeerServer,
    connections: BTreeMap<&'static str, ConnectionId>,
    agent: Agent,
    token: String,
}

impl Door {
    async fn new() -> Self {
        let provider = PeerServer::start().await;
        let policy = HttpPolicy::new().endpoint(API, &provider.origin()).unwrap();
        let kinds = KINDS.map(|(id, request)| kind(id, request));
        let world = World::with(|registry| {
            kinds.into_iter().fold(registry.http(policy), |registry, kind| registry.kind(kind)).kind(file("signed", SIGNED))
        });
        let world = world.await;
        let ada = world.token(Role::Manage, Some("ada")).await;
        let agent = world.registry.owner("ada").unwrap().agents().create("deploy").await.unwrap();
        let token = new_token(&agent, Audience::Doors).await;
        let mut connections = BTreeMap::new();
        for (id, _) in KINDS {
            connections.insert(id, world.connected_by_key(&ada, id).await.parse().unwrap());
        }
        let keys = json!({ "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": KEY });
        connections.insert("signed", world.connected_by(&ada, "signed", keys).await.parse().unwrap());
        for connection in connections.values() {
            agent.grant(*connection).rules(Rules::from_value(&everything()).unwrap()).await.unwrap();
        }
        Self { world, provider, connections, agent, token }
    }

    fn request(&self, kind: &str, path: &str) -> Request {
        let host = format!("127.0.0.1:{}", self.world.port);
        Request::new("GET", &format!("/use/{}{path}", self.connections[kind])).with("host", &host)
    }

    /// Returns what the provider received for a request that was passed on. It never holds the token.
    async fn passed(&self, request: Request) -> String {
        let mut sending = std::pin::pin!(request.send(self.world.port));
        let mut peer = tokio::select! {
            peer = self.provider.accept() => peer,
            answer = &mut sending => panic!("{answer:?}"),
        };
        let head = peer.head().await;
        peer.write(ANSWER).await;
        let answer = sending.await;
        assert_eq!((answer.status, &*answer.body), (200, "hello"), "{answer:?}");
        assert!(!head.contains("cn_") && !head.contains(&base64(self.token.as_bytes())), "{head}");
        head
    }

    /// Returns the answer to a request that was refused with this status and code, and with what to do about it.
    async fn refused(&self, request: Request, status: u16, code: &str) -> Answer {
        let answer = request.send(self.world.port).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{answer:?}");
        assert!(!answer.body.contains(&self.token), "{answer:?}");
        answer
    }

    fn signature(&self) -> String {
        let scope = "20270115/us-east-1/s3/aws4_request";
        format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders=host;x-amz-date, Signature=00", self.token)
    }
}

#[track_caller]
fn has(head: &str, line: &str) {
    assert!(head.lines().any(|sent| sent == line), "{line}\n{head}");
}

#[tokio::test]
async fn a_token_stands_where_the_secret_of_the_provider_would_stand() {
    let door = Door::new().await;
    let token = door.token.clone();
    let basic = |user: &str, password: &str| format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));

    let head = door.passed(door.request("in-header", "/a").with("x-key", &format!("id {token};"))).await;
    has(&head, &format!("x-key: id {KEY};"));
    for scheme in ["Bearer", "bearer", "token"] {
        let given = door.request("in-bearer", "/a").with("authorization", &format!("{scheme} {token}"));
        has(&door.passed(given).await, &format!("authorization: Bearer {KEY}"));
    }
    for password in ["", "any text"] {
        let head = door.passed(door.request("in-user", "/a").with("authorization", &basic(&token, password))).await;
        has(&head, &format!("authorization: {}", basic(KEY, "")));
    }
    let head = door.passed(door.request("in-password", "/a").with("authorization", &basic("any", &token))).await;
    has(&head, &format!("authorization: {}", basic("api", KEY)));
    for (query, expected) in [
        (format!("hapikey={token}"), format!("hapikey={KEY}")),
        (format!("x=%2f&h%61pikey={token}&tags[]=1&empty"), format!("x=%2f&tags[]=1&empty&hapikey={KEY}")),
    ] {
        let head = door.passed(door.request("in-query", "/a").query(&query)).await;
        assert!(head.starts_with(&format!("GET /a?{expected} ")), "{head}");
    }
    for (path, expected) in [("/getMe?a=1", "/getMe?a=1"), ("/a%2Db/", "/a%2Db/"), ("", "/")] {
        let head = door.passed(door.request("in-path", &format!("/bot{token}{path}"))).await;
        assert!(head.starts_with(&format!("GET /bot{KEY}{expected} ")), "{head}");
    }
}

#[tokio::test]
async fn every_kind_takes_the_token_as_a_bearer_and_some_nowhere_else() {
    let door = Door::new().await;
    for (kind, line) in [("in-header", format!("x-key: id {KEY};")), ("in-body", "accept-encoding: identity".into())] {
        has(&door.passed(door.request(kind, "/a").bearer(&door.token)).await, &line);
    }
    let request = door.request("in-body", "/a").with("x-key", &door.token);
    let refused = door.refused(request, 401, "unauthenticated").await;
    let remedy = "send the token of an agent once, as 'Authorization: Bearer TOKEN'";
    assert_eq!(refused.json()["remedy"], remedy);
}

#[tokio::test]
async fn a_token_in_the_form_that_an_sdk_checks_is_taken_apart() {
    let door = Door::new().await;
    let formed = format!("1:{}", door.token);
    for request in [
        door.request("with-form", "/a").with("x-key", &formed),
        door.request("with-form", "/a").with("x-key", &door.token),
        door.request("with-form", "/a").bearer(&formed),
    ] {
        has(&door.passed(request).await, &format!("x-key: {KEY}"));
    }
    let other = door.request("with-form", "/a").with("x-key", &format!("2:{}", door.token));
    let refused = door.refused(other, 401, "unauthenticated").await;
    let remedy = "send the token of an agent once, as 'x-key: 1:TOKEN', or as 'Authorization: Bearer TOKEN'";
    assert_eq!(refused.json()["remedy"], remedy);
    // A kind without a form takes the token alone.
    let other = door.request("in-bearer", "/a").bearer(&formed);
    door.refused(other, 401, "unauthenticated").await;
}

#[tokio::test]
async fn a_token_in_a_place_where_the_kind_has_no_secret_is_refused_with_those_where_it_has_one() {
    let door = Door::new().await;
    let basic = format!("Basic {}", base64(format!("{}:", door.token).as_bytes()));
    for (kind, places) in [
        ("in-bearer", "'Authorization: Bearer TOKEN'"),
        ("in-header", "'x-key: id TOKEN;', or as 'Authorization: Bearer TOKEN'"),
        ("in-password", "the password TOKEN of HTTP Basic, or as 'Authorization: Bearer TOKEN'"),
        ("in-query", "the parameter 'hapikey=TOKEN', or as 'Authorization: Bearer TOKEN'"),
        ("in-path", "the beginning '/botTOKEN/' of the path, or as 'Authorization: Bearer TOKEN'"),
        ("signed", "the access key id TOKEN of AWS, or as 'Authorization: Bearer TOKEN'"),
    ] {
        let refused = door.refused(door.request(kind, "/a").with("authorization", &basic), 401, "unauthenticated").await;
        assert_eq!(refused.json()["remedy"], format!("send the token of an agent once, as {places}"));
    }
    // The text around the secret is part of the place.
    for request in [
        door.request("in-header", "/a").with("x-key", &door.token),
        door.request("in-path", &format!("/a/bot{}/b", door.token)),
        door.request("in-path", &format!("/bot{}x/b", door.token)),
        door.request("in-query", "/a").query(&format!("apikey={}", door.token)),
        door.request("in-query", "/a").query(&format!("{}=1", door.token)),
        door.request("in-bearer", "/a").with("user-agent", &door.token),
    ] {
        door.refused(request, 401, "unauthenticated").await;
    }
    // Nobody learns the kind of a connection that is not granted.
    door.agent.revoke(door.connections["in-query"]).await.unwrap();
    door.refused(door.request("in-query", "/a").with("x-key", &door.token), 404, "not_granted").await;
}

#[tokio::test]
async fn a_request_with_two_tokens_or_a_second_credential_is_refused() {
    let door = Door::new().await;
    let token = &door.token;
    let twice = door.request("in-query", "/a").query(&format!("hapikey={token}"));
    for request in [
        twice.clone().bearer(token),
        twice.clone().with("x-mine", token),
        twice.clone().with("authorization", &format!("Basic {}", base64(format!("a:{token}").as_bytes()))),
        door.request("in-query", &format!("/{token}")).query(&format!("hapikey={token}")),
        door.request("in-query", "/a").query(&format!("hapikey={token}&hapikey=%63n_{}", token.get(3..).unwrap())),
        door.request("in-bearer", "/a").bearer(token).also("authorization", &format!("Bearer {token}")),
    ] {
        let answer = door.refused(request, 401, "unauthenticated").await;
        assert_eq!(answer.json()["detail"], "the request holds more than one token");
    }
    for request in [
        twice.clone().bearer("another"),
        door.request("in-query", "/a").query("hapikey=another").bearer(token),
        door.request("in-path", "/botanother/a").bearer(token),
        door.request("in-bearer", "/a").bearer(token).also("authorization", "Basic YTpi"),
    ] {
        door.refused(request, 400, "ambiguous_request").await;
    }
}

#[tokio::test]
async fn a_request_that_is_signed_with_the_token_is_signed_again_with_the_key() {
    let door = Door::new().await;
    let signed = |path: &str| {
        let request = door.request("signed", path).with("authorization", &door.signature());
        request.with("x-amz-date", "20200101T000000Z").with("x-amz-security-token", "any text").with("x-amz-acl", "private")
    };
    let head = door.passed(signed("/bucket/a?list-type=2").with("x-amz-content-sha256", "UNSIGNED-PAYLOAD")).await;
    assert!(head.starts_with("GET /bucket/a?list-type=2 "), "{head}");
    assert!(!head.contains("20200101") && !head.contains("x-amz-security-token"), "{head}");
    let line = head.lines().find(|line| line.starts_with("authorization: ")).unwrap();
    let expected = "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20270115/us-east-1/s3/aws4_request, \
        SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date, Signature=";
    assert!(line.starts_with(expected), "{line}");
    has(&head, &format!("x-amz-content-sha256: {EMPTY}"));
    has(&head, "x-amz-acl: private");

    for digest in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        let refused = signed("/bucket/a").with("x-amz-content-sha256", digest);
        let refused = door.refused(refused, 400, "invalid_request").await;
        assert!(refused.body.contains("AWS_REQUEST_CHECKSUM_CALCULATION=when_required"), "{refused:?}");
    }
    let presigned = format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F20270115&X-Amz-Signature=0", door.token);
    let refused = door.refused(door.request("signed", "/bucket/a").query(&presigned), 400, "invalid_request").await;
    assert!(refused.body.contains("presigned address"), "{refused:?}");
}

/// Keeps what is logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Returns what this process logs from the first call on.
    pub(crate) fn of_process() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let begun = LOG.get_or_init(|| {
            let log = Self::default();
            let written = log.clone();
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || written.clone()).init();
            log
        });
        begun.clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_and_no_metric_holds_the_token_wherever_it_stood() {
    let log = Log::of_process();
    let door = Door::new().await;
    let token = &door.token;
    let basic = base64(format!("{token}:x").as_bytes());
    door.passed(door.request("in-path", &format!("/bot{token}/getMe"))).await;
    door.passed(door.request("in-query", "/a").query(&format!("hapikey={token}"))).await;
    door.passed(door.request("in-user", "/a").with("authorization", &format!("Basic {basic}"))).await;
    door.passed(door.request("signed", "/a").with("authorization", &door.signature())).await;
    door.refused(door.request("in-header", &format!("/bot{token}/a")), 401, "unauthenticated").await;
    door.refused(door.request("in-path", &format!("/bot{token}/..")), 400, "ambiguous_request").await;
    let operator = door.world.token(Role::Read, None).await;
    let metrics = door.world.root("/metrics").bearer(&operator).send(door.world.port).await;
    assert!(metrics.body.contains("/use/{connection}/{*path}"), "{}", metrics.body);
    let log = log.text();
    assert!(log.contains("connection_server::request") && log.contains("/use/{connection}/{*path}"), "{log}");
    for text in [token, &basic] {
        let found = log.lines().find(|line| line.contains(&**text));
        assert_eq!(found, None, "{text}");
        assert!(!metrics.body.contains(&**text));
    }
}
