//! The head of an answer is read as browsers read it, and nothing in it adds a header to what is passed on.

use connection_contract::{HttpError, HttpRequest};
use connection_faults::server::{Reply, TestServer};

use super::{Names, base, client_with, named};
use crate::{HttpPolicy, SendOnceOutcome};

type Headers = Vec<(String, String)>;

/// Returns the headers of the answers to a request that is read, to one that is sent once and to one that is opened. The body
/// of each answer is `{}`.
async fn heads(head: String) -> [Result<Headers, HttpError>; 3] {
    let server = TestServer::start(move |_| Reply::raw(format!("HTTP/1.1 200 OK\r\n{head}\r\n{{}}"))).await;
    let (base, egress) = (base(&server.origin()), named(&server.origin()));
    let client = client_with(HttpPolicy::new(), Names::of(&[]));
    let whole = client.send(&egress, HttpRequest::get(&base, "/")).await.map(|answer| {
        assert_eq!(answer.body().expose(), b"{}");
        answer.headers().to_vec()
    });
    let once = match client.send_once(&egress, HttpRequest::post(&base, "/").form("a", "b"), None, None).await {
        SendOnceOutcome::Answered(answer) => {
            assert_eq!(answer.body().expose(), b"{}");
            Ok(answer.headers().to_vec())
        }
        _ => Err(HttpError::Protocol),
    };
    let opened = client.open(&egress, HttpRequest::get(&base, "/"), None).await;
    [whole, once, opened.map(|answer| answer.headers).map_err(|_| HttpError::Protocol)]
}

async fn check(head: &str, expected: &[(&str, &str)]) {
    for found in heads(head.to_owned()).await {
        let found = found.unwrap_or_else(|error| panic!("{head:?}: {error}"));
        let found: Vec<_> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(found, expected, "{head:?}");
    }
}

#[tokio::test]
async fn a_folded_header_is_one_line() {
    let policy = [("content-security-policy", "a; b; c"), ("x-foo", "1")];
    check("Content-Security-Policy: a;\r\n  b;\r\n\tc\r\nX-Foo: 1\r\n", &policy).await;
    check("X-Foo:\r\n 1\r\nContent-Length: 2\r\n", &[("x-foo", "1"), ("content-length", "2")]).await;
    // What looks like a header in a folded line belongs to the value.
    check("X-Foo: 1\r\n Set-Cookie: a=b\r\n", &[("x-foo", "1 Set-Cookie: a=b")]).await;
}

#[tokio::test]
async fn white_space_after_the_name_of_a_header_is_skipped() {
    check("X-Foo : 1\r\nContent-Length \t: 2\r\n", &[("x-foo", "1"), ("content-length", "2")]).await;
}

#[tokio::test]
async fn a_line_that_is_no_header_is_left_out_with_its_folds() {
    let foo = [("x-foo", "1")];
    for head in [
        "Warning in token.php on line 3\r\nX-Foo: 1\r\n",
        "X Bar: 2\r\n Set-Cookie: a=b\r\nX-Foo: 1\r\n",
        "X-Bar: 2\x01\r\n Set-Cookie: a=b\r\nX-Foo: 1\r\n",
        " Set-Cookie: a=b\r\nX-Foo: 1\r\n",
    ] {
        check(head, &foo).await;
    }
}

#[tokio::test]
async fn an_answer_has_up_to_a_thousand_headers() {
    let head = |count: usize| (0..count).map(|number| format!("x-{number}: {number}\r\n")).collect::<String>();
    for answer in heads(head(1000)).await {
        assert_eq!(answer.map(|headers| headers.len()), Ok(1000));
    }
    for answer in heads(head(1001)).await {
        assert_eq!(answer, Err(HttpError::Protocol));
    }
}

#[tokio::test]
async fn a_head_whose_length_is_ambiguous_or_that_has_control_characters_in_its_lines_is_refused() {
    for head in [
        "Content-Length: 2\r\nContent-Length : 1\r\n",
        "Content-Length: 2\r\n 0\r\n",
        "X-Foo: 1\rSet-Cookie: a=b\r\n",
        "X-Foo: 1\0\r\n",
    ] {
        for answer in heads(head.to_owned()).await {
            assert_eq!(answer, Err(HttpError::Protocol), "{head:?}");
        }
    }
}
