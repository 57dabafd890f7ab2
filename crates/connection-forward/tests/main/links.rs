//! Addresses in the headers of an answer.

use hyper::StatusCode;

use crate::{
    double::text,
    fixture::{ID, Run},
};

/// Checks that a header of an answer of the reverse door arrives like this. `{}` stands for the address of the
/// connection at the door, up to its `@`.
async fn check(name: &'static str, value: &'static str, expected: &str) {
    let run = Run::answering(move |seen| {
        let door = seen.headers["host"].to_str().unwrap();
        let mut answer = text("");
        *answer.status_mut() = StatusCode::CREATED;
        answer.headers_mut().insert(name, value.replace("{}", &before(door)).parse().unwrap());
        answer
    })
    .await;
    let answer = run.request(b"GET / HTTP/1.1\r\nHost: api.example.test\r\n\r\n").await;
    let expected = expected.replace("{}", &before(&run.double.address.to_string()));
    assert!(answer.head.contains(&format!("{name}: {expected}\r\n")), "{expected}: {answer:?}");
}

fn before(door: &str) -> String {
    format!("http://{door}/use/{ID}@")
}

#[tokio::test]
async fn an_address_of_the_connection_is_written_back() {
    for (value, expected) in [
        ("{}api.example.test/issues?page=2", "https://api.example.test/issues?page=2"),
        ("{}api.example.test", "https://api.example.test"),
        ("{}api.example.test?page=2", "https://api.example.test?page=2"),
        ("{}uploads.example.test:8443/a#b", "https://uploads.example.test:8443/a#b"),
    ] {
        check("location", value, expected).await;
    }
    let link =
        r#"<{}api.example.test/?page=2>; rel="next", <https://files.example/>; rel="help", </?page=9>; rel="last""#;
    let expected = r#"<https://api.example.test/?page=2>; rel="next", <https://files.example/>; rel="help", </?page=9>; rel="last""#;
    check("link", link, expected).await;
}

#[tokio::test]
async fn another_address_stays_as_it_is() {
    for value in [
        "https://files.example/x",
        "/relative",
        "{}other.example.test/x",
        "{}api.example.test.evil.example/x",
        "{}uploads.example.test/x",
    ] {
        check("location", value, value).await;
    }
    check("link", "{}api.example.test/", "{}api.example.test/").await;
    check("content-location", "{}api.example.test/", "{}api.example.test/").await;
}
