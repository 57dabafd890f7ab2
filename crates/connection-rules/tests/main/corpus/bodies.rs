//! Bodies of the corpus.

use super::{Entry, REPOS, WRITE};
use crate::common::{Sent, sent};

fn comment() -> Sent {
    sent("POST /repos/acme/site/issues/7/comments")
}

pub(super) fn media() -> Vec<Entry> {
    let untyped = || {
        let mut sent = comment();
        sent.parts = sent.parts.body_length(Some(4));
        sent.body = b"a=bc".to_vec();
        sent
    };
    let unknown = || {
        let mut sent = comment().json(r#"{"body":"a"}"#);
        sent.parts = sent.parts.body_length(None);
        sent
    };
    vec![
        (189, REPOS, comment().json(r#"{"body":"a"}"#), "ask: comment"),
        (190, REPOS, comment().body("Application/JSON; charset=UTF-8", "{}"), "ask: comment"),
        (191, REPOS, comment().body("text/plain", r#"{"body":"a"}"#), "deny"),
        (192, REPOS, untyped(), "refused: header content-type"),
        (193, REPOS, comment().json("{}").header("content-type", "text/plain"), "refused: header content-type"),
        (194, REPOS, comment().body("application/json, text/plain", "{}"), "refused: header content-type"),
        (195, REPOS, comment().body("json", "{}"), "refused: header content-type"),
        (196, REPOS, comment().json("{}").header("content_type", "text/plain"), "refused: header content_type"),
        (197, REPOS, comment(), "deny"),
        (198, REPOS, unknown(), "ask: comment"),
        (199, WRITE, sent("POST /a").body("application/octet-stream", vec![0; 100_000]), "allow: write"),
        (200, WRITE, sent("POST /a").body("multipart/form-data; boundary=x", "--x\r\n"), "deny"),
        (201, MULTIPART, sent("POST /a").body("multipart/form-data; boundary=x", "--x\r\n"), "allow: upload"),
    ]
}

const MULTIPART: &str = r#"{"rule":[{"name":"upload","body":{"media":["multipart/form-data"]},"effect":"allow"}]}"#;

/// Allows bodies without labels.
const CHECKED: &str = r#"{"rule":[
    {"name":"labels","path":"/a","body":{"deny":["/labels"]},"effect":"allow"}]}"#;

pub(super) fn json() -> Vec<Entry> {
    let post = || sent("POST /a");
    let utf16: Vec<u8> = "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0];
    vec![
        (202, CHECKED, post().json(r#"{"title":"a"}"#), "allow: labels"),
        (203, CHECKED, post().json(r#"{"labels":["a"]}"#), "deny"),
        (204, CHECKED, post().json(r#"{"labels":null}"#), "deny"),
        (205, CHECKED, post().json(r#"{"Labels":["a"]}"#), "deny"),
        (206, CHECKED, post().json(r#"{"l\u0061bels":["a"]}"#), "deny"),
        (207, CHECKED, post().json(r#"{"a":1,"a":2}"#), "deny"),
        (208, CHECKED, post().json(r#"{"a":1,"A":2}"#), "deny"),
        (209, CHECKED, post().json(r#"{"a":{"b":1,"\u0062":2}}"#), "deny"),
        (210, CHECKED, post().json(r#"[{"title":"a"}]"#), "deny"),
        (211, CHECKED, post().json("\"text\""), "deny"),
        (212, CHECKED, post().json("{} {}"), "deny"),
        (213, CHECKED, post().json("{'a':1}"), "deny"),
        (214, CHECKED, post().json("{\"a\":1,}"), "deny"),
        (215, CHECKED, post().json("{\"a\":1/**/}"), "deny"),
        (216, CHECKED, post().json("\u{feff}{\"a\":1}"), "deny"),
        (217, CHECKED, post().json("{\"a\":NaN}"), "deny"),
        (218, CHECKED, post().json("{\"a\":\"\\ud800\"}"), "deny"),
        (219, CHECKED, post().body("application/json", utf16.clone()), "deny"),
        (220, CHECKED, post().body("application/json; charset=utf-16", utf16), "deny"),
        (221, CHECKED, post().body("application/json; charset=utf-7", "{}"), "deny"),
        (222, CHECKED, post().body("application/json", b"{\"a\":\"\xff\"}".to_vec()), "deny"),
        (223, CHECKED, post().body("application/json", gzip).header("Content-Encoding", "gzip"), "deny"),
        (224, CHECKED, post().json("{}").header("content-encoding", "br"), "deny"),
        (225, CHECKED, post().json("{}").header("content-encoding", "identity"), "allow: labels"),
        (226, CHECKED, post().json(&"[".repeat(5000)), "deny"),
        (227, CHECKED, post().json(&format!("{{\"a\":\"{}\"}}", "a".repeat(1 << 20))), "deny"),
        (228, REPOS, comment().json(r#"{"body":"a","labels":[]}"#), "deny"),
        (229, REPOS, comment().json(&format!("{{\"a\":\"{}\"}}", "a".repeat(16 << 10))), "deny: comment"),
        (230, REPOS, comment().json(r#"{"body":"a","body":"b"}"#), "deny: comment"),
    ]
}

const MESSAGE: &str = r#"{"rule":[
    {"name":"send","path":"/messages","form":{"only":{"To":["+15550100"]},"deny":["MediaUrl"]},"effect":"allow"}]}"#;

pub(super) fn forms() -> Vec<Entry> {
    let post = || sent("POST /messages");
    let form = "application/x-www-form-urlencoded";
    vec![
        (231, MESSAGE, post().form("To=%2B15550100&Body=Hi"), "allow: send"),
        (232, MESSAGE, post().form("To=+15550100&Body=Hi"), "deny"),
        (233, MESSAGE, post().form("To=%2B15550100&To=%2B15550199"), "deny"),
        (234, MESSAGE, post().form("To=%2B15550100&to=%2B15550199"), "deny"),
        (235, MESSAGE, post().form("To=%2B15550100&mediaurl=a"), "deny"),
        (236, MESSAGE, post().form("To=%2B15550100;To=%2B15550199"), "refused: body"),
        (237, MESSAGE, post().form("To=%2B15550100&_method=DELETE"), "refused: body"),
        (238, MESSAGE, post().form("To=%2B15550100&a=%"), "refused: body"),
        (239, MESSAGE, post().form("To=%2B15550100").header("content-encoding", "gzip"), "refused: body"),
        (240, MESSAGE, post().body(&format!("{form}; charset=ibm037"), "To=%2B15550100"), "refused: body"),
        (241, MESSAGE, post().body(form, b"To=\xff".to_vec()), "refused: body"),
        (242, MESSAGE, post().json(r#"{"To":"+15550100"}"#), "deny"),
        (243, MESSAGE, sent("POST /messages?To=%2B15550100").form("Body=Hi"), "deny"),
        (244, WRITE, post().form(&"a".repeat((1 << 20) + 1)), "refused: body"),
        (245, WRITE, post().form("_HttpMethod=DELETE"), "refused: body"),
    ]
}
