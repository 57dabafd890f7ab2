//! Tests of effects, their numbers and waits, and of each rule that a plugin can break.

use core::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use connection_contract::{
    AuthType, Descriptor, Field, HttpRequest, HttpResponse, Kind, Notice, Prompt, Secret, SetupContext, Timestamp,
    Value, Wait, host,
};
use connection_replay::{Effect, Entry, may_hold_token};

use crate::memory::{Came, run};

const API: &str = "https://api.acme.example";

fn descriptor() -> Descriptor {
    let descriptor = Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey).origin(API);
    descriptor.field(Field::text("name", "Name"))
}

fn get(path: &str) -> HttpRequest {
    HttpRequest::get(&host::base_url(API).unwrap(), path)
}

fn fault<T>(journal: Vec<Secret>, setup: impl AsyncFnOnce(&SetupContext<'_>) -> T) -> String {
    match run(descriptor(), journal, setup).0 {
        Came::Fault(fault) => fault,
        Came::Ended(_) => panic!("the plugin ended"),
        Came::Waits(wait) => panic!("the plugin waits for {}", wait.what),
    }
}

#[test]
fn a_replay_gives_what_was_recorded_and_goes_on_live() {
    let (came, journal) = run(descriptor(), Vec::new(), async |ctx| {
        assert!(ctx.send(get("/a")).await.is_err());
        ctx.sleep(Duration::from_secs(5)).await;
    });
    let Came::Waits(wait) = came else { panic!("the plugin waits") };
    assert_eq!((wait.seq, wait.step, wait.until), (1, 1, Some(Timestamp::from_seconds(5))));
    let elapsed = Entry::new(wait.what, Timestamp::from_seconds(7), Effect::Elapsed).encode();
    let journal = journal.into_iter().chain([elapsed]).collect();
    let (came, journal) = run(descriptor(), journal, async |ctx| {
        assert!(ctx.send(get("/a")).await.is_err());
        ctx.sleep(Duration::from_secs(5)).await;
        let now = ctx.now();
        assert!(ctx.send(get("/b")).await.is_err());
        now
    });
    let Came::Ended(now) = came else { panic!("the plugin ends") };
    assert_eq!((now, journal.len()), (Timestamp::from_seconds(7), 3));
}

#[test]
fn another_question_in_a_replay_is_a_change_of_the_plugin() {
    let (_, journal) = run(descriptor(), Vec::new(), async |ctx| ctx.send(get("/a")).await.is_err());
    let fault = fault(journal, async |ctx| ctx.send(get("/b")).await.is_err());
    assert_eq!(fault, "the plugin has changed since this setup began");
}

#[test]
fn two_effects_at_once_are_a_fault_and_so_is_one_that_is_dropped() {
    let concurrent = fault(Vec::new(), async |ctx| {
        let mut one = pin!(ctx.send(get("/a")));
        let mut two = pin!(ctx.send(get("/b")));
        poll_fn(|cx| {
            let ready = one.as_mut().poll(cx).is_ready() | two.as_mut().poll(cx).is_ready();
            if ready { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    });
    assert_eq!(concurrent, "the plugin began an effect while another was under way");
    let abandoned = fault(Vec::new(), async |ctx| {
        let mut one = pin!(ctx.send(get("/a")));
        poll_fn(|cx| Poll::Ready(one.as_mut().poll(cx).is_ready())).await
    });
    assert_eq!(abandoned, "the plugin began an effect and did not wait for it");
}

#[test]
fn a_setup_has_at_most_a_thousand_effects() {
    let effects = |number: usize| {
        async move |ctx: &SetupContext<'_>| {
            for _ in 0..number {
                drop(ctx.send(get("/a")).await);
            }
        }
    };
    assert!(matches!(run(descriptor(), Vec::new(), effects(1000)).0, Came::Ended(())));
    let too_many = fault(Vec::new(), effects(1001));
    assert_eq!(too_many, "the plugin does not finish (it has performed 1000 effects)");
}

#[test]
fn a_poll_that_looks_the_same_is_the_same_step_and_a_setup_has_at_most_64_of_them() {
    let polls = |look: fn(usize) -> String| {
        async move |ctx: &SetupContext<'_>| {
            for n in 0.. {
                let wait = Wait::new().notice(Notice::new(look(n))).elapsed(Duration::from_secs(5));
                ctx.wait(wait).await;
            }
        }
    };
    let entries = |number: usize| -> Vec<Secret> {
        let entry = || Entry::new("1 wait (false, false, true) ", Timestamp::from_seconds(0), Effect::Elapsed).encode();
        (0..number).map(|_| entry()).collect()
    };
    let Came::Waits(wait) = run(descriptor(), entries(500), polls(|_| "Look".to_owned())).0 else { panic!("it waits") };
    assert_eq!((wait.step, wait.seq), (1, 500));
    let Came::Waits(wait) = run(descriptor(), entries(63), polls(|n| n.to_string())).0 else { panic!("it waits") };
    assert_eq!((wait.step, wait.seq), (64, 63));
    let too_many = fault(entries(64), polls(|n| n.to_string()));
    assert_eq!(too_many, "the plugin does not finish (it has had 64 steps)");
}

#[test]
fn a_wait_that_ended_in_a_way_that_it_no_longer_has_is_a_change_of_the_plugin() {
    let entry = Entry::new("1 wait (true, false, false) name", Timestamp::from_seconds(0), Effect::Elapsed).encode();
    let fault = fault(vec![entry], async |ctx| drop(ctx.prompt(Prompt::new("Name?").field("name")).await));
    assert_eq!(fault, "the plugin has changed since this setup began");
}

/// A page and an error hold no token, however they are written. An answer that names one is kept beside any error.
#[test]
fn an_answer_that_may_hold_a_token_is_told_apart_from_a_page_and_an_error() {
    let may = |headers: &[(&str, &str)], body: &[u8]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        may_hold_token(&HttpResponse::new(200, headers, Secret::new(body.to_vec()), Timestamp::from_seconds(0)))
    };
    let html = ("content-type", "text/html");
    for body in [
        r#"{"access_token": "at-2", "error": {"code": 0}}"#,
        r#"{"access_token": "at-2", "error": {"code": "ok", "message": ""}}"#,
        r#"{"data": {"access_token": "at-2"}, "error": "none"}"#,
        r#"{"token": "at-2"}"#,
        r#"{"errcode": 0, "error": 0, "token": "at-2"}"#,
        r#"{"access_token": "at-2", "error_code": 5}"#,
        r#"{"access_token": "at-2", "status": "error", "statusCode": 400}"#,
        r#"{"code": 20000, "message": "done", "data": {"token": "at-2"}}"#,
        r#"{"code": "200", "message": "done", "status": "ok", "token": "at-2"}"#,
        r#"{"code": 0, "msg": "", "data": {"jwt": "at-2 "}}"#,
        r#"{"access_token": "at-2", "expi"#,
        r#"{"code": 0, "log_id": "20240612153045ABCDEF0123456789", "data": {"tokens": {"main": "at-2"}}}"#,
        r#"{"data": "c2VjcmV0LXRva2VuLTEyMzQ1Njc4OTA"}"#,
        r#"["0123456789abcdef0123456789abcdef"]"#,
        r#"{"session_id": "s-1"}"#,
        r#"{"message": {"SecurityToken": "at-2"}}"#,
        r#"{"result": {"authKey": "k0123456789abcdefghij", "request_id": "req-1"}}"#,
        "access_token=at-2",
        "<br />\n<b>Warning</b>: in token.php\n{\"access_token\" : \"at-2\"}",
    ] {
        assert!(may(&[], body.as_bytes()), "{body}");
    }
    assert!(may(&[html], br#"Notice: in token.php {"access_token":"at-2"}"#));
    assert!(may(&[html], b"token_type=bearer&access_token=at-2") && !may(&[html], b"error=x&hint=access_token"));
    assert!(may(&[html, ("content-encoding", "br")], b"\x0b\x02\x80at-2\x03"));
    assert!(may(&[], b"access_token=at-2&refresh_token=rt\xff"), "a damaged form is kept, too");
    for body in [
        r#"{"error": "invalid_grant"}"#,
        r#"{"error": {"code": 0}}"#,
        r#"{"error": "none", "access_token": ""}"#,
        r#"{"success": false, "message": "try again later"}"#,
        r#"{"ok": false}"#,
        r#"{"errors": [{"message": "try again later"}]}"#,
        r#"{"status": "error", "message": "Service is busy", "session": "s-1"}"#,
        r#"{"success": "false", "message": "try again later", "session": "s-1"}"#,
        r#"{"statusCode": "401", "message": "Unauthorized", "session": "s-1"}"#,
        r#"{"code": 40100, "message": "Too_many_requests", "request_id": "ab12"}"#,
        r#"{"error": 100016, "message": "no"}"#,
        r#"{"errcode": 61023, "errmsg": "refresh_token is invalid"}"#,
        "{}",
        "null",
        // Feishu's form of an error, with 200.
        r#"{"code": 20026, "msg": "refresh token is invalid", "data": {}}"#,
        // Such an error with the id of its entry in a log, and others with what providers add.
        r#"{"code": 20026, "msg": "refresh token is invalid", "log_id": "20240612153045ABCDEF0123456789"}"#,
        r#"{"code": 9, "requestId": "6e1c2a4b-0c7f-4c5e-9d0a-3f1b2c3d4e5f", "time": "2026-01-31T10:20:30.123Z"}"#,
        r#"{"code": 9, "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "path": "/oauth/v2/token-endpoint"}"#,
        r#"{"code": "E1002", "at": "2026-01-31T10:20:30Z", "help": "https://acme.example/errors/E1002-refresh"}"#,
        r#"{"token_type": "bearer1", "status": "FAILED1", "session": "expired", "access": "denied"}"#,
        r#"{"access_token": "null", "refresh_token": ""}"#,
        r#"{"error_code": "5", "token": "at-2"}"#,
        "<html>Sorry</html>",
        r#"<script>const names = ["access_token"], at = hash["access_token"];</script>"#,
        r#"<script>const session = {"access_token": ""};</script>"#,
        "<!-- proxy --><html>",
        "\u{feff} <p>Sorry",
        " \n",
        "",
    ] {
        assert!(!may(&[], body.as_bytes()), "{body}");
    }
    assert!(!may(&[html], b"Sorry") && !may(&[html, ("content-encoding", "utf-8")], b"<html>"));
}

/// Gateways wrap an answer in a text, also twice, and some servers answer in XML without its type or with a page.
#[test]
fn a_token_within_a_text_a_document_or_a_field_of_a_page_may_be_one() {
    let may = |kind: &str, body: &str| {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        may_hold_token(&HttpResponse::new(200, headers, body, Timestamp::from_seconds(0)))
    };
    let inner = r#"{"access_token": "at-2", "expires_in": 3600}"#;
    let text = |inner: &str| Value::from(inner).to_string();
    let held = [
        text(inner),
        text(&text(&text(inner))),
        (0..7).fold(inner.to_owned(), |inner, _| text(&inner)),
        text(r#"{"data": {"jwt": "at-2"}, "ok": true}"#),
        text("access_token=at-2"),
        text("<OAuth> <access_token>at-2</access_token> </OAuth>"),
        format!(r#"{{"statusCode": 200, "headers": {{}}, "body": {}}}"#, text(inner)),
        format!(r#"{{"statusCode": 500, "message": {}}}"#, text(inner)),
        format!(r#"{{"d": {}}}"#, text(r#"{"token": "at-2"}"#)),
        format!(r#"[{}]"#, text(&format!("\n{inner}"))),
        r#"{"token": "\"at-2\""}"#.to_owned(),
        "<OAuth><access_token>at-2</access_token></OAuth>".to_owned(),
        "<o:OAuth>\n<o:AccessToken type=\"bearer\">\n at-2</o:AccessToken></o:OAuth>".to_owned(),
        "<OAuth><Token><![CDATA[at-2]]></Token></OAuth>".to_owned(),
        r#"<html><form><input type="hidden" name="access_token" value="token"></form></html>"#.to_owned(),
        "<html><input value='at-2' name='access_token'></html>".to_owned(),
        r#"<head><meta name="access_token" content="at-2"></head>"#.to_owned(),
        r#"<html><pre>{&quot;access_token&quot;: &quot;at-2&quot;}</pre></html>"#.to_owned(),
        r#"<html><script>start("{\"access_token\":\"at-2\"}")</script></html>"#.to_owned(),
        "<html><body>\ntoken_type=bearer&access_token=at-2</body></html>".to_owned(),
    ];
    for body in &held {
        assert!(may("text/html", body) && may("", body), "{body}");
    }
    let wrapped = |inner: &str| format!(r#"{{"statusCode": 200, "body": {}}}"#, text(inner));
    let not_held = [
        text("try again later, please"),
        text(r#"{"error": "invalid_grant", "session": "s-1"}"#),
        text(r#"{"access_token": "", "refresh_token": null}"#),
        wrapped(r#"{"error": "invalid_grant", "session": "s-1"}"#),
        wrapped(r#"{"message": "no access_token was sent", "trace": "t1"}"#),
        wrapped("<html>Sorry</html>"),
        "<OAuth><access_token></access_token>1<token_type>bearer1</token_type></OAuth>".to_owned(),
        "<Error><Code>E1</Code><RequestId>r-1</RequestId><access>denied</access></Error>".to_owned(),
        r#"<html><input name="access_token" value=""><input name="csrf_token" value="c-1"></html>"#.to_owned(),
        "<html><label for=access_token>Token 1</label></html>".to_owned(),
        r#"<html><script>const at = url + "?access_token=" + token1;</script></html>"#.to_owned(),
        r#"<html><script>send({access_token:localStorage.getItem("token")})</script></html>"#.to_owned(),
        r#"<html><script>if (names["access_token"] === "x1") { sign("access_token", 1); }</script></html>"#.to_owned(),
        r#"<html><script>const config = {"access_token_url": "https://acme.example/1"};</script></html>"#.to_owned(),
    ];
    for body in &not_held {
        assert!(!may("text/html", body), "{body}");
    }
}
