//! Requests that the door refuses. Nothing of them arrives at the reverse door.

use std::time::Duration;

use connection_contract::host;
use connection_egress::SystemClock;
use connection_forward::{ForwardDoor, ForwardError, ForwardSettings};
use secrecy::ExposeSecret as _;

use crate::fixture::{HOST, Run, exchange};

#[tokio::test]
async fn a_program_without_the_credential_of_the_run_is_refused() {
    let (run, other) = (Run::start().await, Run::start().await);
    let basic = |text: &str| {
        let digits = connection_contract::encode::base64(text.as_bytes());
        format!("Proxy-Authorization: Basic {digits}\r\n")
    };
    let right = run.credential();
    for wrong in [String::new(), basic("run:"), basic(":"), other.credential(), format!("{right}{right}")] {
        let mut stream = run.proxy().await;
        let connect = |credential: &str| format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n{credential}\r\n");
        let answer = exchange(&mut stream, connect(&wrong).as_bytes()).await;
        answer.check(407, "proxy_credential");
        assert!(answer.head.contains("proxy-authenticate: basic realm=\"connections\"\r\n"), "{answer:?}");
        // A program that tries again on the same connection, with the right one, gets through.
        assert_eq!(exchange(&mut stream, connect(&right).as_bytes()).await.status, 200);
    }
}

#[tokio::test]
async fn a_method_other_than_connect_is_refused() {
    let run = Run::start().await;
    for target in ["http://api.example.test/", "https://api.example.test/", "/"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: api.example.test\r\n{}\r\n", run.credential());
        let answer = exchange(&mut run.proxy().await, request.as_bytes()).await;
        answer.check(405, "not_connect");
        assert!(answer.head.contains("allow: connect\r\n"), "{answer:?}");
    }
    assert!(run.double.seen().is_empty());
}

#[tokio::test]
async fn a_target_that_is_no_host_and_port_is_refused() {
    let run = Run::start().await;
    for target in ["api.example.test", "user@api.example.test:443", "api..example.test:443", "api.example.test:+443"] {
        assert_eq!(run.connect(target).await.1.status, 400, "{target}");
    }
}

#[tokio::test]
async fn a_name_in_tls_that_is_not_that_of_connect_gets_no_certificate() {
    let run = Run::start().await;
    // Both hosts are granted, and the authority signed for both.
    for (target, name) in [
        ("api.example.test:443", "uploads.example.test"),
        ("uploads.example.test:8443", "api.example.test"),
        // A client that is given an address sends no name.
        ("api.example.test:443", "192.0.2.7"),
        ("192.0.2.7:443", "api.example.test"),
    ] {
        let refused = run.tls(target, name).await.unwrap_err().to_string();
        assert!(refused.contains("AccessDenied"), "{target} {name}: {refused}");
    }
    assert!(run.tls("api.example.test:443", "api.example.test").await.is_ok());
}

#[tokio::test]
async fn a_request_for_another_host_than_that_of_connect_is_refused() {
    let run = Run::start().await;
    for head in [
        "GET / HTTP/1.1\r\nHost: uploads.example.test:8443\r\n",
        "GET / HTTP/1.1\r\nHost: api.example.test:8443\r\n",
        "GET / HTTP/1.1\r\nHost: 192.0.2.7\r\n",
        "GET / HTTP/1.1\r\nHost: evil.example\r\n",
        "GET / HTTP/1.1\r\nHost: api.example.test@evil.example\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.1\r\nHost: api.example.test\r\nHost: api.example.test\r\n",
        "GET / HTTP/1.1\r\nHost: api.example.test\r\nHost: evil.example\r\n",
        "GET / HTTP/1.1\r\nHost: api.example.test, evil.example\r\n",
        "GET https://uploads.example.test:8443/ HTTP/1.1\r\nHost: api.example.test\r\n",
        "GET https://uploads.example.test:8443/ HTTP/1.1\r\nHost: uploads.example.test:8443\r\n",
        "GET https://api.example.test:8443/ HTTP/1.1\r\nHost: api.example.test\r\n",
        "GET https://api.example.test/ HTTP/1.1\r\nHost: evil.example\r\n",
        "GET https://user@api.example.test/ HTTP/1.1\r\nHost: api.example.test\r\n",
        "GET http://api.example.test/ HTTP/1.1\r\nHost: api.example.test\r\n",
        "GET http://api.example.test:443/ HTTP/1.1\r\nHost: api.example.test\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: api.example.test\r\n",
    ] {
        run.request(format!("{head}\r\n").as_bytes()).await.check(421, "host_mismatch");
    }
    // The other way round: the connection is that of the other origin.
    let mut stream = run.tls("uploads.example.test:8443", "uploads.example.test").await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n";
    exchange(&mut stream, request).await.check(421, "host_mismatch");
    assert!(run.double.seen().is_empty());
}

#[tokio::test]
async fn a_path_that_would_be_changed_on_its_way_is_refused() {
    let run = Run::start().await;
    for target in ["/a/../b", "/a/%2e%2E/b", "/./a", "/a\\b", "/?q='a'", "/\"", "*", "https://api.example.test?q"] {
        let request = format!("OPTIONS {target} HTTP/1.1\r\nHost: api.example.test\r\n\r\n");
        run.request(request.as_bytes()).await.check(400, "ambiguous_path");
    }
    assert!(run.double.seen().is_empty());
    for target in ["//", "/a//b/", "/%2F%2f", "/...", "/a%00?q=%27&&=", "/a;b=c/@:~!$&'()*+,"] {
        let request = format!("OPTIONS {target} HTTP/1.1\r\nHost: api.example.test\r\n\r\n");
        assert_eq!(run.request(request.as_bytes()).await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn a_head_over_64_kib_is_refused_before_and_after_connect() {
    let run = Run::start().await;
    let long = "a".repeat(64 * 1024);
    let head = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\nX-Long: {long}\r\n{}\r\n", run.credential());
    assert_eq!(exchange(&mut run.proxy().await, head.as_bytes()).await.status, 431);
    let head = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Long: {long}\r\n\r\n");
    assert_eq!(run.request(head.as_bytes()).await.status, 431);
    assert!(run.double.seen().is_empty());
    let head = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Long: {}\r\n\r\n", &long[..32 * 1024]);
    assert_eq!(run.request(head.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn the_door_does_not_show_its_credential_in_debug_output() {
    let run = Run::start().await;
    let url = run.door.proxy_url();
    let password = url.expose_secret().split(['@', ':']).nth(2).unwrap();
    assert_eq!(password.len(), 64);
    assert!(!format!("{:?} {url:?}", run.door).contains(password));
    let settings = ForwardSettings::new("http://user:hunter2@127.0.0.1/use", Duration::from_secs(1));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused() {
    let open = async |settings: ForwardSettings| ForwardDoor::open(settings, &SystemClock::new()).await.err();
    let new = |doors: &str| ForwardSettings::new(doors, Duration::from_secs(1));
    for doors in ["", "127.0.0.1:80", "ftp://a/", "http://user:hunter2@a/", "http://a/?q", "http://a/#f"] {
        assert!(matches!(open(new(doors)).await, Some(ForwardError::Doors)), "{doors}");
    }
    let doors = "http://127.0.0.1:8745/use";
    let odd = new(doors).connection("a", host::origin("https://a..b"));
    assert!(matches!(open(odd).await, Some(ForwardError::Origin { origin }) if origin == "https://a..b"));
    assert!(matches!(open(new(doors).tunnel("a/b", 1)).await, Some(ForwardError::Tunnel { host }) if host == "a/b"));
    let roots = new(doors).root_certificate_pem("no certificate");
    assert!(matches!(open(roots).await, Some(ForwardError::RootCertificates)));
    // An origin that is not https is skipped, and so are the doors reached without the proxy.
    let plain = new(doors).connection("a", host::origin("http://127.0.0.1:8080"));
    let door = ForwardDoor::open(plain, &SystemClock::new()).await.unwrap();
    assert_eq!(door.direct_host(), Some("127.0.0.1"));
    let below = new("https://example.test/use").connection("a", host::origin("https://api.example.test"));
    assert_eq!(ForwardDoor::open(below, &SystemClock::new()).await.unwrap().direct_host(), None);
}
