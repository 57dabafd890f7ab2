//! Requests to a granted host: what arrives at the reverse door, and what comes back.

use std::{sync::Mutex, time::Duration};

use connection_contract::host;
use connection_forward::ForwardSettings;
use hyper::{Response, StatusCode};
use reqwest::Body;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{io::AsyncWriteExt as _, sync::mpsc};
use tokio_rustls::TlsAcceptor;

use crate::{
    double::{Double, Pieces, text},
    fixture::{HOST, ID, Run, exchange, read_until},
};

#[tokio::test]
async fn a_request_arrives_with_its_token_and_without_the_headers_of_one_hop() {
    let run = Run::start().await;
    let request = "DELETE /repos/acme?force=%20 HTTP/1.1\r\nHost: api.example.test\r\nAuthorization: Bearer cna_token\r\n\
                   Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nUpgrade: websocket\r\nProxy-Connection: close\r\n\
                   TE: trailers\r\nAccept: text/plain\r\n\r\n";
    let answer = run.request(request.as_bytes()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
    let seen = &run.double.seen()[0];
    assert_eq!(seen.method, "DELETE");
    assert_eq!(seen.target, format!("/use/{ID}@{HOST}/repos/acme?force=%20"));
    let mut headers: Vec<_> =
        seen.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    headers.sort_unstable();
    let door = run.double.address.to_string();
    assert_eq!(headers, [("accept", "text/plain"), ("authorization", "Bearer cna_token"), ("host", &*door)]);
}

#[tokio::test]
async fn a_request_with_a_body_keeps_it_and_asks_for_no_websocket() {
    let run = Run::start().await;
    for method in ["POST", "GET"] {
        let request = format!(
            "{method} /things HTTP/1.1\r\nHost: {HOST}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Content-Length: 5\r\n\r\nthing"
        );
        assert_eq!(run.request(request.as_bytes()).await.status, 200, "{method}");
        let seen = run.double.seen().pop().unwrap();
        assert_eq!((seen.method.as_str(), &*seen.body), (method, &b"thing"[..]));
        assert!(!seen.headers.contains_key("upgrade"), "{method}");
    }
}

#[tokio::test]
async fn two_requests_use_one_connection() {
    let run = Run::start().await;
    let mut stream = run.tls(&format!("{HOST}:443"), HOST).await.unwrap();
    for path in ["/first", "/second"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        assert_eq!(exchange(&mut stream, request.as_bytes()).await.body, "hello");
    }
    let targets: Vec<_> = run.double.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets, ["/first", "/second"].map(|path| format!("/use/{ID}@{HOST}{path}")));
}

#[tokio::test]
async fn the_port_and_the_letter_case_of_a_host_are_those_of_its_origin() {
    let run = Run::start().await;
    for (connect, name, host, authority) in [
        ("API.example.test:443", HOST, "Api.Example.Test:443", HOST),
        ("api.example.test.:443", HOST, "api.example.test.", HOST),
        ("uploads.example.test:8443", "uploads.example.test", "uploads.example.test:8443", "uploads.example.test:8443"),
        ("192.0.2.7:443", "192.0.2.7", "192.0.2.7", "192.0.2.7"),
    ] {
        let mut stream = run.tls(connect, name).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(exchange(&mut stream, request.as_bytes()).await.status, 200, "{connect}");
        assert_eq!(run.double.seen().last().unwrap().target, format!("/use/{ID}@{authority}/"));
    }
}

#[tokio::test]
async fn an_absolute_target_of_the_same_origin_is_passed_on() {
    let run = Run::start().await;
    let request = "GET https://api.example.test:443/a HTTP/1.1\r\nHost: api.example.test\r\n\r\n";
    assert_eq!(run.request(request.as_bytes()).await.status, 200);
    assert_eq!(run.double.seen()[0].target, format!("/use/{ID}@{HOST}/a"));
}

#[tokio::test]
async fn an_upload_arrives_while_it_is_sent() {
    let run = Run::start().await;
    let mut stream = run.tls(&format!("{HOST}:443"), HOST).await.unwrap();
    let head = format!("POST /upload HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // The first chunk is at the reverse door before the second one is written.
    run.double.arrived(5).await;
    assert_eq!(exchange(&mut stream, b"6\r\nsecond\r\n0\r\n\r\n").await.status, 200);
    assert_eq!(run.double.seen()[0].body, b"firstsecond");
}

#[tokio::test]
async fn an_answer_arrives_while_it_is_sent() {
    let (events, pieces) = mpsc::unbounded_channel();
    let pieces = Mutex::new(Some(pieces));
    let run = Run::answering(move |_| {
        let mut answer = Response::new(Body::wrap(Pieces(pieces.lock().unwrap().take().unwrap())));
        answer.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
        answer
    })
    .await;
    let mut stream = run.tls(&format!("{HOST}:443"), HOST).await.unwrap();
    stream.write_all(format!("GET /events HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    for event in ["data: one\n\n", "data: two\n\n"] {
        // The answer is still open when its event arrives.
        events.send(event).unwrap();
        read_until(&mut stream, event).await;
    }
    drop(events);
    assert_eq!(read_until(&mut stream, "0\r\n\r\n").await, "\r\n0\r\n\r\n");
}

#[tokio::test]
async fn an_answer_to_head_keeps_its_length() {
    let run = Run::start().await;
    let mut stream = run.tls(&format!("{HOST}:443"), HOST).await.unwrap();
    stream.write_all(format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.contains("content-length: 5\r\n"), "{head}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let run = Run::answering(|_| {
        let mut answer = text("moved");
        *answer.status_mut() = StatusCode::FOUND;
        answer.headers_mut().insert("location", "/elsewhere".parse().unwrap());
        answer
    })
    .await;
    let answer = run.request(b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await;
    assert_eq!(answer.status, 302);
    assert_eq!(run.double.seen().len(), 1);
}

#[tokio::test]
async fn the_first_of_two_connections_with_the_same_origin_gets_its_requests() {
    let again = |settings: ForwardSettings| settings.connection("other", host::origin("https://api.example.test"));
    let run = Run::with(|_| text("hello"), again).await;
    run.request(b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await;
    assert_eq!(run.double.seen()[0].target, format!("/use/{ID}@{HOST}/"));
}

#[tokio::test]
async fn a_door_that_is_not_there_is_reported() {
    let double = Double::start(|_| text("hello"), None).await;
    let settings = ForwardSettings::new(format!("http://{}/use", double.address), Duration::from_secs(3600));
    let settings = settings.connection("acme:work", host::origin("https://api.example.test"));
    let mut run = Run::open(double, settings).await;
    let request = b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n";
    assert_eq!(run.request(request).await.status, 200);
    // The name of a connection is one segment of the path.
    assert_eq!(run.double.seen()[0].target, format!("/use/acme%3Awork@{HOST}/"));
    run.double.stop().await;
    run.request(request).await.check(502, "door_unreachable");
}

#[tokio::test]
async fn doors_at_an_https_address_are_reached_with_an_added_certificate() {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let config = config.with_single_cert(vec![key.cert.der().clone()], private).unwrap();
    for (roots, status) in [(Some(key.cert.pem()), 200), (None, 502)] {
        let acceptor = TlsAcceptor::from(std::sync::Arc::new(config.clone()));
        let double = Double::start(|_| text("hello"), Some(acceptor)).await;
        let settings = ForwardSettings::new(format!("https://{}/use/", double.address), Duration::from_secs(3600));
        let settings = settings.connection(ID, host::origin("https://api.example.test"));
        let run = Run::open(double, roots.into_iter().fold(settings, ForwardSettings::root_certificate_pem)).await;
        let answer = run.request(b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn a_door_that_stops_ends_its_connections() {
    let mut run = Run::start().await;
    let mut stream = run.tls(&format!("{HOST}:443"), HOST).await.unwrap();
    run.stop().await;
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    // The connection may end before or after the request is written.
    let is_written = stream.write_all(request.as_bytes()).await.is_ok();
    let read = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 64]).await;
    assert!(!is_written || !matches!(read, Ok(1..)));
    assert!(run.double.seen().is_empty());
}
