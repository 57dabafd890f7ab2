//! Attacks with requests that one system reads in another way than the next one, and that lead somewhere else.

use connection_faults::server::{Reply, TestServer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::kit::Site;
use crate::{doors::API, doors_websockets::websocket, http::Request};

const AMBIGUOUS: (u16, &str) = (400, "ambiguous_request");
const DENIED: (u16, &str) = (403, "rule_denied");

#[tokio::test]
async fn attack_58_a_header_that_replaces_the_method() {
    let site = Site::start().await;
    for name in ["x-http-method-override", "x-http-method", "x-method-override", "X_HTTP_Method_Override"] {
        let attack = async |site: &Site| site.get().with(name, "DELETE");
        site.tried(async |site| site.get(), attack, AMBIGUOUS).await;
    }
}

#[tokio::test]
async fn attack_59_a_parameter_that_replaces_the_method() {
    let site = Site::start().await;
    for query in ["_method=DELETE", "_Method=DELETE", "page=1&_HttpMethod=DELETE", "%5Fmethod=DELETE"] {
        let attack = async |site: &Site| site.get().query(query);
        site.tried(async |site| site.get().query("page=1"), attack, AMBIGUOUS).await;
    }
    let form = |site: &Site, body: &str| {
        let request = site.request("PUT", "/objects/1").with("content-type", "application/x-www-form-urlencoded");
        request.text(body)
    };
    site.tried(async |site| form(site, "a=1"), async |site| form(site, "a=1&_method=DELETE"), AMBIGUOUS).await;
}

#[tokio::test]
async fn attack_60_a_header_that_replaces_the_path() {
    let site = Site::start().await;
    for name in ["x-original-url", "x-rewrite-url", "X_Original_URI"] {
        let attack = async |site: &Site| site.get().with(name, "/keys");
        site.tried(async |site| site.get(), attack, AMBIGUOUS).await;
    }
    // Those that a proxy before this host adds stay here.
    for name in ["x-forwarded-path", "x-forwarded-host", "forwarded"] {
        let received = site.passes(site.get().with(name, "/keys")).await;
        assert!(!received.to_ascii_lowercase().contains("forwarded"), "{received}");
    }
}

#[tokio::test]
async fn attack_61_a_path_that_climbs_out_of_what_is_allowed() {
    let site = Site::start().await;
    for path in [
        "/objects/../keys",
        "/objects/%2e%2e/keys",
        "/objects/.%2E/keys",
        "/objects/..;a=b/keys",
        "/objects/%252e%252e/keys",
        "/objects/..%2Fkeys",
        "/objects/a%5C..%5C..%5Ckeys",
    ] {
        let attack = async |site: &Site| site.request("GET", path);
        site.tried(async |site| site.get(), attack, AMBIGUOUS).await;
    }
}

#[tokio::test]
async fn attack_62_a_slash_that_is_encoded() {
    let site = Site::start().await;
    let connection = site.connected("in-bearer").await;
    let at = |site: &Site, path: &str| site.at(connection, "GET", path).bearer(&site.token);
    for path in ["/a%2Fb", "/a%2fb", "/a%252Fb", "/a%5Cb", "//b"] {
        site.tried(async |site| at(site, "/a/b"), async |site| at(site, path), AMBIGUOUS).await;
    }
}

#[tokio::test]
async fn attack_63_a_method_that_repeats_the_request_or_leaves_the_host() {
    let site = Site::start().await;
    let connection = site.connected("in-bearer").await;
    let at = |site: &Site, method: &str| site.at(connection, method, "/a").bearer(&site.token);
    for method in ["TRACE", "get", "Delete"] {
        site.tried(async |site| at(site, "DELETE"), async |site| at(site, method), AMBIGUOUS).await;
    }
}

/// Lets the provider redirect the first path to another one.
async fn redirecting(to: String) -> Site {
    Site::answering(move |request| match request.starts_with("GET /objects/old ") {
        true => Reply::redirect(302, &to),
        false => Reply::ok("hello"),
    })
    .await
}

/// Sends the request that is redirected, and returns the address to which it leads. The provider received one request.
async fn redirected(site: &Site) -> String {
    let before = site.provider.requests().len();
    let answer = site.send(site.request("GET", "/objects/old")).await;
    assert_eq!((answer.status, site.provider.requests().len()), (302, before + 1), "{answer:?}");
    answer.header("location").to_owned()
}

#[tokio::test]
async fn attack_64_a_redirect_to_a_path_that_no_rule_allows() {
    let allowed = redirecting(format!("{API}/objects/new")).await;
    let led = |site: &Site, to: &str| to.strip_prefix(&site.world.origin()).unwrap().to_owned();
    let to = redirected(&allowed).await;
    let received = allowed.passes(allowed.raw("GET", &led(&allowed, &to))).await;
    assert!(received.starts_with("GET /objects/new "), "{received}");

    let denied = redirecting(format!("{API}/keys")).await;
    let to = redirected(&denied).await;
    denied.refuses(denied.raw("GET", &led(&denied, &to)), DENIED).await;
}

#[tokio::test]
async fn attack_65_a_redirect_to_a_server_of_the_attacker() {
    let stranger = TestServer::start(|_| Reply::ok("hello")).await;
    let site = redirecting(format!("{}/steal", stranger.origin())).await;
    assert_eq!(redirected(&site).await, format!("{}/steal", stranger.origin()), "the client sees where it leads");
    assert_eq!(stranger.requests(), [""; 0]);
    site.passes(site.get()).await;
}

#[tokio::test]
async fn attack_66_a_host_of_the_attacker_whose_name_leads_here() {
    let site = Site::start().await;
    let port = site.world.port;
    for host in [format!("evil.example:{port}"), "evil.example".to_owned(), format!("127.0.0.1.evil.example:{port}")] {
        let rebound = async |site: &Site| site.get().with("host", &host);
        site.tried(async |site| site.get(), rebound, (421, "other_host")).await;
        let twice = async |site: &Site| site.get().also("host", &host);
        site.tried(async |site| site.get(), twice, (421, "other_host")).await;
        let absolute = async |site: &Site| site.get().at_origin(&format!("http://{host}"));
        site.tried(async |site| site.get(), absolute, (421, "other_host")).await;
    }
}

#[tokio::test]
async fn attack_67_an_origin_that_is_not_one_of_the_connection() {
    let stranger = TestServer::start(|_| Reply::ok("hello")).await;
    let site = Site::start().await;
    let any = json!({ "name": "any", "path": "/**", "effect": "allow" });
    let outside = json!({ "name": "outside", "from": "origin", "path": "/**", "effect": "allow" });
    site.grant(&json!({ "rule": [any, outside] })).await;
    let at = |site: &Site, host: &str| site.raw("GET", &format!("/use/{}@{host}/objects/1", site.connection));
    let address = stranger.origin().replace("http://", "");
    for host in ["evil.example", &address, "api.stored.example:444", "api.stored.example%00.evil.example", "a@b"] {
        let attack = async |site: &Site| at(site, host);
        site.tried(async |site| at(site, "api.stored.example"), attack, (404, "not_granted")).await;
    }
    assert_eq!(stranger.requests(), [""; 0]);
}

#[tokio::test]
async fn attack_68_an_upgrade_after_which_nothing_would_be_decided() {
    let site = Site::start().await;
    site.tried(async |site| site.get(), async |site| websocket(site.get()), DENIED).await;
}

/// Lets the agent send what the rule says to `/graphql`.
async fn posting(rule: Value, allowed: &str, attacks: &[&str]) {
    let site = Site::start().await;
    let mut post = json!({ "name": "post", "methods": ["POST"], "path": "/graphql", "effect": "allow" });
    post.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
    site.grant(&json!({ "rule": [post] })).await;
    let with = |site: &Site, body: &str| -> Request {
        site.request("POST", "/graphql").with("content-type", "application/json").text(body)
    };
    for body in attacks {
        site.tried(async |site| with(site, allowed), async |site| with(site, body), DENIED).await;
    }
}

#[tokio::test]
async fn attack_69_a_member_of_a_body_that_the_rule_denies() {
    let body = json!({ "body": { "media": ["application/json"], "max": "1 KiB", "deny": ["/labels"] } });
    let attacks = [
        r#"{"body":"a","labels":["urgent"]}"#,
        r#"{"body":"a","l\u0061bels":["urgent"]}"#,
        r#"{"body":"a","body":{"labels":["urgent"]}}"#,
        r#"[{"body":"a"}]"#,
        r#"{"body":"a"} {"labels":["urgent"]}"#,
    ];
    posting(body, r#"{"body":"a"}"#, &attacks).await;
}

#[tokio::test]
async fn attack_70_a_mutation_beside_a_query() {
    let attacks = [
        r#"{"query":"mutation { remove }"}"#,
        r#"{"query":"query A { me } mutation B { remove }","operationName":"A"}"#,
        r#"{"query":"query A { me }","extensions":{"persistedQuery":{"sha256Hash":"00"}}}"#,
        r#"{"extensions":{"persistedQuery":{"sha256Hash":"00"}}}"#,
        r#"[{"query":"query A { me }"},{"query":"mutation { remove }"}]"#,
    ];
    posting(json!({ "graphql": ["query"] }), r#"{"query":"query A { me }"}"#, &attacks).await;
}

#[tokio::test]
async fn attack_71_a_call_that_is_not_allowed_in_a_batch_of_calls() {
    let read = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}}"#;
    let write = read.replace("\"read\"", "\"write\"");
    let batch = format!("[{read},{write}]");
    let attacks = [&*write, &*batch, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#];
    posting(json!({ "json_rpc": { "tools": ["read"] } }), read, &attacks).await;
}

#[tokio::test]
async fn attack_72_a_body_that_is_longer_than_the_rule_looks() {
    let body = json!({ "body": { "media": ["application/json"], "max": "1 KiB", "deny": ["/labels"] } });
    let long = format!(r#"{{"body":"{}","labels":["urgent"]}}"#, "a".repeat(2048));
    posting(body, r#"{"body":"a"}"#, &[&long]).await;
}

/// The length says that the second request is the body of the first one, and the chunks say that the first one has none.
#[tokio::test]
async fn attack_113_a_request_that_is_hidden_in_the_body_of_another_one() {
    let site = Site::start().await;
    let head = |method: &str, path: &str, more: &str| {
        let (connection, port, token) = (site.connection, site.world.port, &site.token);
        let first = format!("{method} /use/{connection}{path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n");
        format!("{first}authorization: Bearer {token}\r\n{more}\r\n")
    };
    let hidden = head("GET", "/keys", "connection: close\r\n");
    let send = async |length: &str, body: &str| {
        let first = head("PUT", "/objects/1", &format!("content-type: text/plain\r\n{length}"));
        let mut stream = TcpStream::connect(("127.0.0.1", site.world.port)).await.unwrap();
        stream.write_all(format!("{first}{body}").as_bytes()).await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect();
        statuses
    };
    let length = format!("connection: close\r\ncontent-length: {}\r\n", hidden.len());
    assert_eq!(send(&length, &hidden).await, ["200"], "the control: it is a body");
    assert!(site.provider.requests()[0].ends_with(&hidden));
    let length = format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", hidden.len() + 5);
    assert_eq!(send(&length, &format!("0\r\n\r\n{hidden}")).await, ["200"], "the connection is closed after the first one");
    let sent = site.provider.requests();
    assert!(sent.len() == 2 && !sent[1].contains("/keys"), "{sent:?}");
}
