//! Requests with a connection's credential: the core attaches it, and any status is an answer.

use connection_contract::{HttpError, HttpRequest, Value};
use connection_core::Error;

use crate::{
    fake::Fake,
    test_host::{World, connected},
    test_server::Reply,
};

#[tokio::test]
async fn the_credential_is_attached_and_any_status_is_an_answer() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for status in [200_u16, 201, 304, 400, 401, 403, 404, 429, 500, 503] {
        world.provider(move |_| Reply::whole(status, "x-told: yes\r\n", ""));
        let request = connection.request("GET", "/things").await.unwrap();
        let answer = connection.send(request).await.unwrap();
        assert_eq!((answer.status(), answer.header("X-Told")), (status, Some("yes")));
        assert!(answer.headers().iter().any(|(name, value)| name == "x-told" && value == "yes"));
        assert!(world.server.requests().pop().unwrap().contains("authorization: Bearer key-1"));
    }
}

#[tokio::test]
async fn method_query_headers_and_body_arrive_as_they_were_written() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let request = connection.request("PATCH", "/things?a=1&b=%20").await.unwrap();
    let body = Value::parse(br#"{"name":"x"}"#).unwrap();
    connection.send(request.header("x-mine", "1").json(&body)).await.unwrap();
    let seen = world.server.requests().pop().unwrap();
    assert!(seen.starts_with("PATCH /things?a=1&b=%20 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("x-mine: 1\r\n") && seen.ends_with(r#"{"name":"x"}"#), "{seen}");
}

#[tokio::test]
async fn an_encoded_path_goes_out_as_it_was_written() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for path in ["/groups/a%2Fb/things", "/a%20b", "/%C3%A4", "/a;b=1,2/c:d@e", "/a//b/", "/~x/$y/(z)!*'&+", "/%00"] {
        let request = connection.request("GET", path).await.unwrap();
        connection.send(request).await.unwrap();
        let seen = world.server.requests().pop().unwrap();
        assert!(seen.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{path}: {seen}");
    }
}

#[tokio::test]
async fn what_is_no_path_is_refused_before_anything_is_sent() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    let before = world.server.requests().len();
    let paths = [
        "",
        "things",
        "/a/../b",
        "/..",
        "/.",
        "/a/./b",
        "/a/%2e%2E/b",
        "/%2e",
        "/a#b",
        "/a b",
        "/a\r\nx: y",
        "/ä",
        "/%2",
        "/%zz",
        "/a\\b",
        "//evil.example\\@",
        "https://evil.example/",
        "@evil.example/",
        ":80/",
        "/a?b#c",
        "/a?b c",
    ];
    for path in paths {
        let refused = connection.request("GET", path).await;
        assert!(matches!(refused, Err(Error::InvalidRequest(_))), "{path:?}");
        assert_eq!(refused.unwrap_err().code(), "invalid_request");
    }
    for method in ["", "get", "G T", "GET\r\n", "GET /x HTTP/1.1\r\n\r\n"] {
        assert!(matches!(connection.request(method, "/").await, Err(Error::InvalidRequest(_))), "{method:?}");
    }
    for (method, name) in [("GET", "host"), ("GET", "Content-Length"), ("GET", "a b"), ("TRACE", "x-a")] {
        let mut request = connection.request(method, "/").await.unwrap();
        request.set_header(name.to_owned(), "1");
        let refused = connection.send(request).await;
        assert!(matches!(refused, Err(Error::InvalidRequest(_))), "{method} {name}: {refused:?}");
    }
    assert_eq!(world.server.requests().len(), before);
}

#[tokio::test]
async fn a_path_that_looks_like_another_host_stays_at_the_base() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    for path in ["//evil.example/x", "/@evil.example/", "/https://evil.example/"] {
        let request = connection.request("GET", path).await.unwrap();
        connection.send(request).await.unwrap();
        assert!(world.server.requests().pop().unwrap().starts_with(&format!("GET {path} HTTP/1.1\r\n")));
    }
}

#[tokio::test]
async fn a_body_comes_in_pieces_and_in_one_up_to_a_limit() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|_| Reply::ok("0123456789"));
    let ask = async || connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
    assert_eq!(ask().await.bytes(10).await.unwrap().expose(), b"0123456789");
    assert!(matches!(ask().await.bytes(9).await, Err(Error::Http { source: HttpError::TooLarge, .. })));
    let mut answer = ask().await;
    let mut whole = Vec::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        whole.extend(piece);
    }
    assert_eq!(whole, b"0123456789");
}

#[tokio::test]
async fn a_body_without_end_is_read_no_further_than_its_reader_wants() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|_| Reply::flood("HTTP/1.1 200 OK\r\n\r\n", 200));
    let ask = async || connection.send(connection.request("GET", "/things").await.unwrap()).await.unwrap();
    assert!(matches!(ask().await.bytes(1024).await, Err(Error::Http { source: HttpError::TooLarge, .. })));
    let mut answer = ask().await;
    assert!(answer.chunk().await.unwrap().is_some());
    drop(answer);
    assert!(world.server.flooded() < 100, "{}", world.server.flooded());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_behind_what_came() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"));
    let request = connection.request("GET", "/things").await.unwrap();
    let mut answer = connection.send(request).await.unwrap();
    let error = loop {
        match answer.chunk().await {
            Ok(piece) => assert!(piece.is_some(), "the body looks whole"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Http { .. }), "{error:?}");
}

#[tokio::test]
async fn kinds_that_send_nothing_say_so() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.builder().kind(fake.clone()).kind(crate::acme::Acme::default()).open().await.unwrap();
    let connection = fake.connected(&registry, "ada").await;
    let other = connected(&registry, "key-1").await;
    let before = world.server.requests().len();
    let refused = connection.request("GET", "/").await.unwrap_err();
    assert!(matches!(&refused, Error::NotSupported { what: "send requests", .. }), "{refused:?}");
    let request = HttpRequest::get(&other.base_url().await.unwrap(), "/things");
    let refused = connection.send(request).await.unwrap_err();
    assert!(matches!(&refused, Error::NotSupported { .. }), "{refused:?}");
    assert!(matches!(connection.base_url().await, Err(Error::NotSupported { .. })));
    assert_eq!(connection.origins().await.unwrap(), []);
    assert_eq!(world.server.requests().len(), before);
}
