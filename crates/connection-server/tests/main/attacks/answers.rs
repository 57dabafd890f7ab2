//! Attacks with answers of a hostile provider, and with browsers at a door.

use connection_faults::server::Reply;

use super::kit::Site;
use crate::{
    doors::is_protected,
    http::{Answer, Request},
};

/// Returns the answer of a door to one of the provider with these headers. Its other headers and its body pass.
async fn answered(headers: &str, body: &'static str) -> Answer {
    let headers = format!("{headers}x-mine: 1\r\netag: \"1\"\r\n");
    let site = Site::answering(move |_| Reply::whole(200, &headers, body)).await;
    let answer = site.send(site.get()).await;
    assert_eq!((answer.status, &*answer.body), (200, body));
    assert_eq!((answer.header("x-mine"), answer.header("etag")), ("1", "\"1\""), "the control");
    is_protected(&answer);
    answer
}

async fn dropped(headers: &[(&str, &str)]) {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let answer = answered(&lines, "hello").await;
    for (name, value) in headers {
        assert!(!answer.head.contains(value), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn attack_81_a_page_with_a_script() {
    let script = "<!doctype html><script>fetch('/api/v1/tokens')</script>";
    let hostile = "content-type: text/html\r\ncontent-security-policy: script-src *\r\ncontent-disposition: inline\r\n\
                   x-content-type-options: none\r\ncross-origin-resource-policy: cross-origin\r\n";
    let answer = answered(hostile, script).await;
    assert_eq!(answer.header("content-type"), "text/html");
    for name in ["content-security-policy", "content-disposition", "x-content-type-options"] {
        assert_eq!(answer.head.matches(name).count(), 1, "{answer:?}");
    }
    // A name of a file does not make a browser show the answer.
    let named = "content-type: image/svg+xml\r\ncontent-disposition: inline; filename=attachment.svg\r\n";
    answered(named, "<svg onload=alert(1)>").await;
}

#[tokio::test]
async fn attack_82_an_answer_that_empties_the_browser() {
    dropped(&[
        ("clear-site-data", "\"*\""),
        ("refresh", "0; url=https://evil.example/"),
        ("strict-transport-security", "max-age=31536000"),
        ("alt-svc", "h3=\"evil.example:443\""),
        ("nel", "{\"report_to\":\"evil\"}"),
        ("report-to", "{\"group\":\"evil\"}"),
        ("reporting-endpoints", "evil=\"https://evil.example/\""),
        ("speculation-rules", "\"/evil.json\""),
        ("sourcemap", "https://evil.example/map"),
        ("www-authenticate", "Basic realm=evil"),
        ("proxy-authenticate", "Basic realm=evil-proxy"),
    ])
    .await;
}

#[tokio::test]
async fn attack_83_a_service_worker() {
    dropped(&[("service-worker-allowed", "/everything")]).await;
    let site = Site::start().await;
    let register = async |site: &Site| site.get().with("service-worker", "script");
    site.tried(async |site| site.get(), register, (403, "browser")).await;
}

#[tokio::test]
async fn attack_84_a_cookie_for_this_host() {
    dropped(&[("set-cookie", "connections=evil; Path=/"), ("set-cookie2", "connections=evil2")]).await;
}

#[tokio::test]
async fn attack_85_a_permission_for_pages_of_other_sites() {
    dropped(&[
        ("access-control-allow-origin", "https://evil.example"),
        ("access-control-allow-credentials", "true"),
        ("cross-origin-opener-policy", "unsafe-none"),
        ("permissions-policy", "camera=*"),
    ])
    .await;
}

#[tokio::test]
async fn attack_86_an_outcome_that_this_host_did_not_say() {
    let answer = answered("connections-outcome: denied\r\nconnections-request-id: forged\r\n", "hello").await;
    assert_eq!(answer.header("connections-outcome"), "");
    assert_eq!(answer.header("connections-request-id").len(), 22);
    assert_eq!(answer.head.matches("connections-request-id").count(), 1);
}

#[tokio::test]
async fn attack_87_a_page_of_another_site_with_a_token() {
    let site = Site::start().await;
    let own = site.world.origin();
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", &*own),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-user", "?1"),
    ] {
        let page = async |site: &Site| site.get().with(name, value);
        site.tried(async |site| site.get().with("sec-fetch-mode", "cors"), page, (403, "browser")).await;
    }
}

#[tokio::test]
async fn attack_88_a_page_of_another_site_that_asks_first() {
    let site = Site::start().await;
    let preflight = async |site: &Site| -> Request {
        let request = site.request("OPTIONS", "/objects/1").without("authorization");
        request.with("access-control-request-method", "PUT").with("access-control-request-headers", "authorization")
    };
    site.tried(async |site| site.get(), preflight, (403, "browser")).await;
}

#[tokio::test]
async fn attack_89_an_answer_that_leaves_the_protocol() {
    let site = Site::answering(|request| match request.starts_with("GET /objects/1 ") {
        true => Reply::ok("hello"),
        false => Reply::raw("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: evil\r\n\r\nevil"),
    })
    .await;
    site.passes(site.get()).await;
    let answer = site.send(site.request("GET", "/objects/2")).await;
    assert_eq!(answer.refusal().0, 502);
    assert!(!answer.head.contains("upgrade"), "{answer:?}");
}

#[tokio::test]
async fn attack_90_an_answer_that_ends_before_its_announced_length() {
    let site = Site::answering(|request| match request.starts_with("GET /objects/1 ") {
        true => Reply::ok("hello"),
        false => Reply::raw("HTTP/1.1 200 Told\r\ncontent-length: 100\r\n\r\nhello"),
    })
    .await;
    let whole = site.send(site.get()).await;
    assert_eq!((whole.header("content-length"), whole.body.len()), ("5", 5));
    let short = site.send(site.request("GET", "/objects/2")).await;
    assert_eq!((short.header("content-length"), short.body.len()), ("100", 5), "the client sees that it is short");
}

#[tokio::test]
async fn attack_91_a_second_answer_for_the_request_of_somebody_else() {
    let evil = "HTTP/1.1 200 Told\r\ncontent-length: 4\r\n\r\nevil";
    let site = Site::answering(move |request| match request.starts_with("GET /objects/1 ") {
        true => Reply::ok("hello"),
        false => Reply::silence_after(&format!("HTTP/1.1 200 Told\r\ncontent-length: 5\r\n\r\nhello{evil}")),
    })
    .await;
    for _ in 0..8 {
        let first = site.send(site.request("GET", "/objects/2")).await;
        assert_eq!(&*first.body, "hello");
        site.passes(site.get()).await;
    }
}
