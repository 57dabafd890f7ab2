//! An answer that came compressed although nothing asked for that is read.

use std::io::Write as _;

use connection_contract::{HttpError, HttpRequest, HttpResponse, JsonError, Secret, Timestamp, Value};
use connection_faults::server::{Reply, TestServer};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use proptest::prelude::*;

use super::{Names, base, client_with, error, named};
use crate::{Decoder, HttpPolicy, SendOnceOutcome, UnknownCoding, coding};

const JSON: &[u8] = br#"{"access_token":"at-2","refresh_token":"rt-2"}"#;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn raw(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn reply(headers: &str, body: &[u8]) -> Reply {
    let head = format!("HTTP/1.1 200 Told\r\n{headers}content-length: {}\r\n\r\n", body.len());
    Reply::raw([head.as_bytes(), body].concat())
}

/// Returns the answer to a `GET` and that to a request that is sent once.
async fn answers(headers: &'static str, body: Vec<u8>) -> [Result<HttpResponse, HttpError>; 2] {
    let server = TestServer::start(move |_| reply(headers, &body)).await;
    let (base, egress) = (base(&server.origin()), named(&server.origin()));
    let client = client_with(HttpPolicy::new(), Names::of(&[]));
    let read = client.send(&egress, HttpRequest::get(&base, "/")).await;
    let spent = match client.send_once(&egress, HttpRequest::post(&base, "/").form("a", "b"), None, None).await {
        SendOnceOutcome::Answered(answer) => Ok(answer),
        other => panic!("{other:?}"),
    };
    for request in server.requests() {
        assert!(request.contains("accept-encoding: identity\r\n"), "{request}");
    }
    [read, spent]
}

#[tokio::test]
async fn an_answer_in_a_known_coding_is_decoded() {
    let halves = [gzip(&JSON[..10]), gzip(&JSON[10..])].concat();
    for (headers, body) in [
        ("content-encoding: gzip\r\n", gzip(JSON)),
        ("Content-Encoding: X-GZip\r\n", gzip(JSON)),
        ("content-encoding: deflate\r\n", zlib(JSON)),
        ("content-encoding: deflate\r\n", raw(JSON)),
        ("content-encoding: identity, gzip\r\n", gzip(JSON)),
        ("content-encoding: deflate, gzip\r\n", gzip(&zlib(JSON))),
        ("content-encoding: gzip\r\ncontent-encoding: deflate\r\n", zlib(&gzip(JSON))),
        ("content-encoding: gzip\r\n", halves),
        ("content-encoding: gzip\r\n", [gzip(JSON), vec![0; 9]].concat()),
        ("content-encoding: gzip\r\n", JSON.to_vec()),
        ("content-encoding: identity\r\n", JSON.to_vec()),
        ("", JSON.to_vec()),
    ] {
        for answer in answers(headers, body.clone()).await {
            let answer = answer.unwrap();
            assert_eq!(answer.body().expose(), JSON, "{headers}");
            assert_eq!(answer.json().unwrap().str_at("refresh_token"), Ok("rt-2"), "{headers}");
            assert_eq!(answer.header("content-encoding"), None);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_is_kept_as_it_came_and_is_not_read() {
    let mut damaged = gzip(JSON);
    damaged.truncate(20);
    let many = "content-encoding: gzip, gzip, gzip, gzip, gzip\r\n";
    for (headers, body) in [
        ("content-encoding: br\r\n", b"\x0b\x02\x80{}\n\x03".to_vec()),
        ("content-encoding: br, gzip\r\n", gzip(JSON)),
        ("content-encoding: gzip\r\n", damaged),
        ("content-encoding: deflate\r\n", b"\xff\xff\xff".to_vec()),
        (many, gzip(&gzip(&gzip(&gzip(&gzip(JSON)))))),
    ] {
        for answer in answers(headers, body.clone()).await {
            let answer = answer.unwrap();
            assert_eq!(answer.body().expose(), body, "{headers}");
            assert_eq!(answer.json(), Err(JsonError::Coding), "{headers}");
        }
    }
}

#[tokio::test]
async fn json_is_read_whatever_coding_is_named() {
    for headers in [
        "content-encoding: br\r\n",
        "content-encoding: utf-8\r\n",
        "content-encoding: none\r\n",
        "content-encoding: binary\r\n",
        "content-encoding: deflate\r\n",
    ] {
        for answer in answers(headers, JSON.to_vec()).await {
            assert_eq!(answer.unwrap().json().unwrap().str_at("refresh_token"), Ok("rt-2"), "{headers}");
        }
    }
}

#[tokio::test]
async fn a_bomb_ends_at_the_limit_of_the_body() {
    let zeros = vec![0; 8 << 20];
    for (headers, body) in [
        ("content-encoding: gzip\r\n", gzip(&zeros)),
        ("content-encoding: deflate\r\n", raw(&zeros)),
        ("content-encoding: gzip, gzip\r\n", gzip(&gzip(&zeros))),
    ] {
        let kept = body.clone();
        let server = TestServer::start(move |_| reply(headers, &body)).await;
        let client = client_with(HttpPolicy::new().body_limit(64 * 1024), Names::of(&[]));
        let (base, egress) = (base(&server.origin()), named(&server.origin()));
        assert_eq!(error(client.send(&egress, HttpRequest::get(&base, "/")).await), HttpError::TooLarge, "{headers}");
        // What was spent for the answer may be in it.
        let spent = client.send_once(&egress, HttpRequest::post(&base, "/").form("a", "b"), None, None).await;
        let SendOnceOutcome::Answered(answer) = spent else { panic!("{headers}: {spent:?}") };
        assert_eq!((answer.body().expose(), answer.json()), (&kept[..], Err(JsonError::Coding)), "{headers}");
    }
}

#[tokio::test]
async fn a_request_that_asks_for_a_coding_keeps_its_words() {
    let server = TestServer::start(|_| reply("content-encoding: gzip\r\n", &gzip(JSON))).await;
    let request = HttpRequest::get(&base(&server.origin()), "/").header("accept-encoding", "gzip;q=0.5");
    let client = client_with(HttpPolicy::new(), Names::of(&[]));
    let answer = client.send(&named(&server.origin()), request).await.unwrap();
    assert_eq!(answer.body().expose(), JSON);
    let requests = server.requests();
    assert!(
        requests[0].contains("accept-encoding: gzip;q=0.5\r\n") && !requests[0].contains("identity"),
        "{requests:?}"
    );
}

#[tokio::test]
async fn an_answer_that_is_passed_on_stays_as_it_came() {
    let server = TestServer::start(|_| reply("content-encoding: gzip\r\n", &gzip(JSON))).await;
    let client = client_with(HttpPolicy::new(), Names::of(&[]));
    let request = HttpRequest::get(&base(&server.origin()), "/");
    let mut answer = client.start(&named(&server.origin()), request, 1 << 20).await.unwrap();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        body.extend(piece);
    }
    assert_eq!(body, gzip(JSON));
    assert!(!server.requests()[0].contains("accept-encoding"), "{:?}", server.requests());
}

/// Decodes a body that arrives in pieces of this length.
fn in_pieces(coding: &str, body: &[u8], length: usize) -> Result<Vec<u8>, HttpError> {
    let length_header = ("Content-Length".to_owned(), body.len().to_string());
    let mut headers = vec![("Content-Encoding".to_owned(), coding.to_owned()), length_header];
    let mut decoder = Decoder::of(&mut headers).unwrap().unwrap();
    assert!(headers.is_empty(), "{headers:?}");
    let mut plain = Vec::new();
    for piece in body.chunks(length) {
        decoder.feed(piece.to_vec());
        while let Some(decoded) = decoder.decoded()? {
            plain.extend(decoded);
        }
    }
    plain.extend(decoder.finish()?);
    Ok(plain)
}

#[test]
fn a_body_that_arrives_in_pieces_is_decoded_as_the_whole() {
    let long = JSON.repeat(1000);
    for plain in [&b""[..], b"1", JSON, &long] {
        let twice = [gzip(plain), gzip(JSON)].concat();
        for length in [1, 2, 7, 1 << 20] {
            assert_eq!(in_pieces("gzip", &gzip(plain), length).unwrap(), plain);
            assert_eq!(in_pieces("x-gzip", &twice, length).unwrap(), [plain, JSON].concat());
            assert_eq!(
                in_pieces("GZIP, identity", plain, length).unwrap(),
                plain,
                "it only says that it is compressed"
            );
            assert_eq!(in_pieces("deflate", &zlib(plain), length).unwrap(), plain);
            assert_eq!(in_pieces("deflate", &raw(plain), length).unwrap(), plain);
        }
    }
    assert_eq!(in_pieces("deflate", b"", 1), Ok(Vec::new()));
    let whole = gzip(&long);
    for damaged in [&whole[..whole.len() / 2], &whole[..whole.len() - 1], b"\x1f\x8b\x08\0\0\0\0\0\0\x03damaged"] {
        assert_eq!(in_pieces("gzip", damaged, 16).err(), Some(HttpError::Protocol));
    }
}

#[test]
fn a_body_of_which_much_comes_out_is_decoded_in_small_pieces() {
    let mut headers = vec![("content-encoding".to_owned(), "gzip".to_owned())];
    let mut decoder = Decoder::of(&mut headers).unwrap().unwrap();
    decoder.feed(gzip(&vec![b' '; 32 << 20]));
    let mut length = 0;
    while let Some(piece) = decoder.decoded().unwrap() {
        assert!(piece.len() <= 5 << 20, "{}", piece.len());
        length += piece.len();
    }
    assert_eq!(length + decoder.finish().unwrap().len(), 32 << 20);
}

#[test]
fn another_coding_and_more_than_one_are_not_decoded_in_pieces() {
    for (coding, expected) in [
        ("br", Some(UnknownCoding)),
        ("zstd", Some(UnknownCoding)),
        ("gzip, gzip", Some(UnknownCoding)),
        ("identity", None),
        ("", None),
    ] {
        let mut headers = vec![("content-encoding".to_owned(), coding.to_owned())];
        assert_eq!(Decoder::of(&mut headers).err(), expected, "{coding}");
        assert_eq!(headers.len(), 1, "{coding}");
    }
    assert!(Decoder::of(&mut Vec::new()).unwrap().is_none());
}

fn answer(body: Vec<u8>) -> HttpResponse {
    HttpResponse::new(200, Vec::new(), Secret::new(body), Timestamp::from_seconds(0))
}

/// Returns `true` if an object has two members with one name, of which an answer has one.
fn repeats_a_name(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().any(repeats_a_name),
        Value::Map(fields) => fields.iter().enumerate().any(|(at, (name, field))| {
            fields[..at].iter().any(|(earlier, _)| earlier == name) || repeats_a_name(field)
        }),
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_is_read_strictly_is_read_alike_in_an_answer(body in r#"[\[\]{}",:0-9a-f\\u \n\PC]{0,40}"#) {
        if let Ok(value) = Value::parse(body.as_bytes())
            && !repeats_a_name(&value)
        {
            prop_assert_eq!(answer(body.into_bytes()).json(), Ok(value));
        }
    }

    #[test]
    fn any_bytes_of_a_string_are_a_label_and_only_unicode_is_a_text(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let bytes: Vec<_> = bytes.into_iter().filter(|byte| *byte >= 0x20 && !b"\"\\".contains(byte)).collect();
        let value = answer([b"\"", &bytes[..], b"\""].concat()).json().unwrap();
        prop_assert_eq!(value.as_label(), Some(&*String::from_utf8_lossy(&bytes)));
        prop_assert_eq!(value.as_str(), std::str::from_utf8(&bytes).ok());
        prop_assert_eq!(value.is_damaged(), std::str::from_utf8(&bytes).is_err());
    }

    #[test]
    fn any_body_survives_any_known_codings(plain in prop::collection::vec(any::<u8>(), 0..4096), order in prop::collection::vec(0..3_usize, 1..4)) {
        let mut body = plain.clone();
        let mut names = Vec::new();
        for coding in order {
            let (name, encoded) = match coding {
                0 => ("gzip", gzip(&body)),
                1 => ("deflate", zlib(&body)),
                _ => ("x-gzip", gzip(&body)),
            };
            names.push(name);
            body = encoded;
        }
        let mut headers = vec![("content-encoding".to_owned(), names.join(", "))];
        let decoded = coding::decoded(&mut headers, Secret::new(body), 1 << 20).unwrap();
        prop_assert_eq!(decoded.expose(), &plain[..]);
        prop_assert!(headers.is_empty());
    }

    #[test]
    fn any_bytes_end_without_a_panic_and_within_the_limit(body in prop::collection::vec(any::<u8>(), 0..512), gzip in any::<bool>(), magic in any::<bool>()) {
        let body = if magic { [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], &body].concat() } else { body };
        let mut headers = vec![("content-encoding".to_owned(), if gzip { "gzip" } else { "deflate" }.to_owned())];
        let kept = body.clone();
        match coding::decoded(&mut headers, Secret::new(body), 1024) {
            Ok(decoded) if headers.is_empty() => prop_assert!(decoded.expose().len() <= 1024),
            Ok(decoded) => prop_assert_eq!(decoded.expose(), &kept[..]),
            Err(error) => prop_assert_eq!(error, HttpError::TooLarge),
        }
    }
}
