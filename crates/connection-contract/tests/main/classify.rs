//! The classification of answers. A transient failure is never reported as a lost authorization.

use std::time::Duration;

use connection_contract::{
    AnswerClass, CertificateFault, HttpError, HttpResponse, JsonError, Liveness, NotLive, Secret, Timestamp, Value,
    classify, host, reason,
};

fn answered(status: u16, headers: &[(&str, &str)]) -> Result<HttpResponse, HttpError> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    // This is Sun, 06 Nov 1994 08:49:37 GMT.
    Ok(HttpResponse::new(status, headers, "{}", Timestamp::from_seconds(784_111_777)))
}

#[track_caller]
fn check(result: Result<HttpResponse, HttpError>, liveness: Liveness, code: &str, after: Option<u64>) {
    let not_live = classify(result).unwrap_err();
    assert_eq!(not_live.liveness, liveness);
    assert_eq!(not_live.reason.code, code);
    assert_eq!(not_live.recheck_after, after.map(Duration::from_secs));
    assert!(!not_live.reason.message.as_str().is_empty());
}

#[test]
fn success_passes() {
    for status in [200, 201, 204, 299] {
        assert_eq!(classify(answered(status, &[])).unwrap().status(), status);
    }
}

#[test]
fn only_a_refusal_is_failing() {
    use Liveness::{Failing, Offline};
    for (status, liveness, code) in [
        (401, Failing, reason::UNAUTHORIZED),
        (403, Failing, reason::UNAUTHORIZED),
        (429, Offline, reason::RATE_LIMITED),
        (500, Offline, reason::PROVIDER_ERROR),
        (502, Offline, reason::PROVIDER_ERROR),
        (503, Offline, reason::PROVIDER_ERROR),
        (599, Offline, reason::PROVIDER_ERROR),
        (404, Offline, reason::PROVIDER_ERROR),
        (301, Offline, reason::PROVIDER_ERROR),
        (100, Offline, reason::PROVIDER_ERROR),
    ] {
        check(answered(status, &[]), liveness, code, None);
    }
}

#[test]
fn a_request_without_an_answer_is_told_by_what_stopped_it() {
    use Liveness::{Failing, Offline};
    for (error, liveness, code) in [
        (HttpError::Connect, Offline, reason::CONNECT),
        (HttpError::Credential, Failing, reason::CREDENTIAL_UNREADABLE),
        (HttpError::Denied, Failing, reason::DENIED),
        (HttpError::Dns, Offline, reason::DNS),
        (HttpError::Protocol, Offline, reason::PROVIDER_ERROR),
        (HttpError::Closed, Offline, reason::PROVIDER_ERROR),
        (HttpError::Redirects(302), Offline, reason::PROVIDER_ERROR),
        (HttpError::Timeout, Offline, reason::TIMEOUT),
        (HttpError::Tls, Offline, reason::TLS),
        (HttpError::NotTls, Offline, reason::TLS),
        (HttpError::Certificate(CertificateFault::OtherName), Offline, reason::TLS),
        (HttpError::TooLarge, Offline, reason::TOO_LARGE),
        (HttpError::Uncertain, Offline, reason::REFRESH_OUTCOME_UNKNOWN),
    ] {
        check(Err(error), liveness, code, None);
    }
}

#[test]
fn a_pause_is_read_in_both_forms_rounded_up_and_has_not_passed() {
    let limited = |value| answered(429, &[("Retry-After", value)]);
    check(limited("120"), Liveness::Offline, reason::RATE_LIMITED, Some(120));
    check(limited(" 7 "), Liveness::Offline, reason::RATE_LIMITED, Some(7));
    check(limited("Sun, 06 Nov 1994 08:50:37 GMT"), Liveness::Offline, reason::RATE_LIMITED, Some(60));
    for (value, seconds) in [("1.5", 2), ("0.001", 1), ("3.0", 3), ("30.", 30), ("07", 7)] {
        check(limited(value), Liveness::Offline, reason::RATE_LIMITED, Some(seconds));
    }
    let passed = ["-5", "-1.5", "-0", "0", "0.0", "Sun, 06 Nov 1994 08:00:00 GMT"];
    for value in passed {
        assert_eq!(limited(value).unwrap().retry_after(), Some(Duration::ZERO), "{value}");
        check(limited(value), Liveness::Offline, reason::RATE_LIMITED, None);
    }
    for unreadable in ["", "soon", "-", "-soon", ".5", "1.5.2", "1,5", "1e3", "inf", "+5", "99999999999999999999"] {
        assert_eq!(limited(unreadable).unwrap().retry_after(), None, "{unreadable}");
        check(limited(unreadable), Liveness::Offline, reason::RATE_LIMITED, None);
    }
    check(answered(502, &[("retry-after", "9")]), Liveness::Offline, reason::PROVIDER_ERROR, Some(9));
    check(answered(502, &[("retry-after", "0")]), Liveness::Offline, reason::PROVIDER_ERROR, None);
}

#[test]
fn a_pause_that_is_written_as_a_moment_lasts_until_it() {
    for (value, seconds) in [("784111867", 90), ("784111866.5", 90), ("1800000090500", 1_015_888_313)] {
        check(answered(429, &[("Retry-After", value)]), Liveness::Offline, reason::RATE_LIMITED, Some(seconds));
    }
    check(answered(429, &[("Retry-After", "784111000")]), Liveness::Offline, reason::RATE_LIMITED, None);
    // The control: ten years are the longest number of seconds.
    check(answered(429, &[("Retry-After", "315359999")]), Liveness::Offline, reason::RATE_LIMITED, Some(315_359_999));
}

#[test]
fn every_code_is_listed_once() {
    let mut codes = reason::ALL.to_vec();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), reason::ALL.len());
}

#[test]
fn every_status_has_one_class_and_classify_follows_it() {
    for status in 0..=999 {
        let class = AnswerClass::of(status);
        assert_eq!(answered(status, &[]).unwrap().class(), class, "{status}");
        let (liveness, code) = match classify(answered(status, &[])) {
            Ok(_) => {
                assert_eq!(class, AnswerClass::Success, "{status}");
                continue;
            }
            Err(not_live) => (not_live.liveness, not_live.reason.code),
        };
        let expected = match class {
            AnswerClass::Limit => (Liveness::Offline, reason::RATE_LIMITED),
            AnswerClass::Refusal => (Liveness::Failing, reason::UNAUTHORIZED),
            _ => (Liveness::Offline, reason::PROVIDER_ERROR),
        };
        assert_eq!((liveness, &*code), expected, "{status}");
        let may_change = matches!(status, 408 | 429 | 500..);
        assert_eq!(class.is_temporary(), may_change, "{status}");
    }
}

#[test]
fn a_body_makes_an_answer_a_limit_or_a_refusal_but_no_outage_a_refusal() {
    let class = |status, body: &str| {
        let answer = HttpResponse::new(status, Vec::new(), body, Timestamp::from_seconds(0));
        let says = |word: &'static str| move |body: &Value| body[word] == Value::Bool(true);
        answer.class_by(says("limit"), says("refusal"))
    };
    use AnswerClass::{Limit, Outage, Refusal, Success, Unexpected};
    for (status, neither, refusal, limit) in [
        (200, Success, Refusal, Limit),
        (404, Unexpected, Refusal, Limit),
        (401, Refusal, Refusal, Limit),
        (408, Outage, Outage, Limit),
        (503, Outage, Outage, Limit),
        (429, Limit, Limit, Limit),
    ] {
        for text in ["{}", "", "denied", "[]"] {
            assert_eq!(class(status, text), neither, "{status} {text}");
        }
        assert_eq!(class(status, r#"{"refusal": true}"#), refusal, "{status}");
        assert_eq!(class(status, r#"{"limit": true}"#), limit, "{status}");
        assert_eq!(class(status, r#"{"refusal": true, "limit": true}"#), limit, "{status}");
    }
}

#[test]
fn a_body_is_read_as_json_or_as_a_form_if_its_type_allows_that() {
    let read = |kind: &str, body: &str| {
        let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        HttpResponse::new(200, headers, body, Timestamp::from_seconds(0)).json_or_form()
    };
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    for (kind, body, found) in [
        ("application/json", r#"{"token": "a b"}"#, Some("a b")),
        (form, r#"{"token": "a b"}"#, Some("a b")),
        ("text/html", r#"{"token": "a b"}"#, Some("a b")),
        (form, "token=a+b", Some("a b")),
        (form, "token=a%zzb%", Some("a%zzb%")),
        (form, "token", Some("")),
        ("text/plain", "token=a%20b", Some("a b")),
        ("text/plain", "\u{feff}\r\n token=a%20b\r\n", Some("a b")),
        ("text/plain", "token = a", None),
        ("text/plain", "token=a\nb", None),
        ("text/html", "token=a", None),
        ("", "token=a", None),
    ] {
        let token = read(kind, body).ok().and_then(|value| value["token"].as_str().map(str::to_owned));
        assert_eq!(token.as_deref(), found, "{kind} {body}");
    }
}

#[test]
fn a_host_reads_a_pause_as_a_plugin_does() {
    let now = Timestamp::from_seconds(784_111_777);
    for value in
        ["120", " 7 ", "Sun, 06 Nov 1994 08:50:37 GMT", "", "soon", "-5", "1.5", "18446744073709551616", "784111867"]
    {
        let answer = answered(429, &[("retry-after", value)]).unwrap();
        assert_eq!(host::pause_of(value, now), answer.retry_after(), "{value}");
    }
}

/// The time of the answers of [`answered`].
const NOW: i64 = 784_111_777;

#[test]
fn a_limit_is_a_limit_in_any_words() {
    let soon = (NOW + 90).to_string();
    let in_milliseconds = 1_800_000_090_500_u64.to_string();
    let none: [(&str, &str); 0] = [];
    for (headers, after) in [
        (&[("Retry-After", "7")][..], Some(7)),
        (&[("retry-after", "soon")], None),
        // GitHub's primary limit.
        (&[("X-RateLimit-Limit", "60"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", &soon)], Some(90)),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")], Some(30)),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30.25")], Some(31)),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "-5")], None),
        (&[("x-ratelimit-remaining", "0")], None),
        (&[("x-ratelimit-remaining", "0"), ("retry-after", "5"), ("x-ratelimit-reset", "30")], Some(5)),
        (&[("X-Rate-Limit-Remaining", "0"), ("X-Rate-Limit-Reset", "12")], Some(12)),
        (&[("RateLimit-Remaining", " 0 "), ("RateLimit-Reset", "50")], Some(50)),
        (&[("RateLimit", r#""default";r=0;t=40"#)], Some(40)),
        (&[("RateLimit", r#""a,b;c";r=5;t=9, "day" ; r=0 ; t=60;pk=:cGs=:"#)], Some(60)),
        (&[("RateLimit", r#""burst";r=0;t=2"#), ("ratelimit", r#""day";r=0;t=600"#)], Some(600)),
        (&[("RateLimit", r#""default";r=0"#)], None),
        (&[("RateLimit", "limit=100, remaining=0, reset=20")], Some(20)),
        (&[("RateLimit-Remaining", "0"), ("RateLimit-Reset", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60)),
        (&[("retry-after", "0"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")], Some(30)),
        (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "0")], None),
        // Several windows, in a list and in several headers; counters in fractions; and a quotation mark in a name.
        (&[("X-RateLimit-Remaining", "40, 0"), ("X-RateLimit-Reset", "30, 60")], Some(60)),
        (&[("X-RateLimit-Remaining", "0, 4000"), ("X-RateLimit-Reset", "30, 3600")], Some(30)),
        (&[("X-RateLimit-Remaining", "0, 0"), ("X-RateLimit-Reset", "30, 60")], Some(60)),
        (&[("X-RateLimit-Remaining", "0, 9"), ("X-RateLimit-Reset", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60)),
        (&[("RateLimit-Remaining", "5"), ("ratelimit-remaining", "0"), ("RateLimit-Reset", "90")], Some(90)),
        (&[("x-ratelimit-remaining", "0.0"), ("x-ratelimit-reset", "332.0")], Some(332)),
        (&[("RateLimit", r#""a\"b";r=0;t=20"#)], Some(20)),
    ] {
        for status in [403, 429, 503] {
            check(answered(status, headers), Liveness::Offline, reason::RATE_LIMITED, after);
        }
        // At any other status, a counter is only a number, and a 401 is a refusal with any counter.
        check(answered(401, headers), Liveness::Failing, reason::UNAUTHORIZED, None);
        assert!(classify(answered(200, headers)).is_ok());
        assert_eq!(classify(answered(404, headers)).unwrap_err().reason.code, reason::PROVIDER_ERROR);
    }
    let later = HttpResponse::new(
        403,
        vec![("x-ratelimit-remaining".to_owned(), "0".to_owned()), ("x-ratelimit-reset".to_owned(), in_milliseconds)],
        "{}",
        Timestamp::from_seconds(1_800_000_000),
    );
    assert_eq!(later.pause(), Some(Duration::from_secs(90)));
    for counted in [
        &none[..],
        &[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", &soon)],
        &[("x-ratelimit-remaining", "10")],
        &[("x-ratelimit-remaining", "-1")],
        &[("RateLimit", r#""default";r=10;t=40"#)],
        &[("RateLimit", r#""r=0";r=3;t=40"#)],
        &[("RateLimit", "limit=100, remaining=1, reset=20")],
        &[("x-ratelimit-limit", "0")],
        &[("x-ratelimit-remaining", "0.5"), ("x-ratelimit-reset", &soon)],
        &[("x-ratelimit-remaining", "10, 5")],
        &[("x-ratelimit-remaining", ".")],
        &[("RateLimit", r#""a\";r=0;t=1";r=3;t=40"#)],
    ] {
        check(answered(403, counted), Liveness::Failing, reason::UNAUTHORIZED, None);
    }
}

#[test]
fn no_counter_excuses_an_error_that_names_the_credential() {
    let form = "application/x-www-form-urlencoded";
    for (kind, body, class) in [
        ("application/json", r#"{"error":"invalid_grant"}"#, AnswerClass::Refusal),
        ("application/json", r#"{"error":"INVALID_CLIENT"}"#, AnswerClass::Refusal),
        ("application/json", r#"{"error":{"code":"invalid_token"}}"#, AnswerClass::Refusal),
        ("application/json", r#"{"error":{"code":403,"type":"Invalid_Token"}}"#, AnswerClass::Refusal),
        ("application/json", r#"{"code":"invalid_grant","error":"Forbidden"}"#, AnswerClass::Refusal),
        ("application/json", r#"{"error":"insufficient_scope"}"#, AnswerClass::Refusal),
        (form, "error=invalid_grant&error_description=no", AnswerClass::Refusal),
        // The control: any other error is excused.
        ("application/json", r#"{"error":"forbidden","message":"invalid_grant"}"#, AnswerClass::Limit),
        (form, "error=forbidden", AnswerClass::Limit),
    ] {
        let headers = [("x-ratelimit-remaining", "0"), ("retry-after", "1"), ("content-type", kind)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let answer = HttpResponse::new(403, headers, body, Timestamp::from_seconds(NOW));
        assert_eq!(answer.class(), class, "{body}");
    }
}

/// Salesforce and Google state limits with 403 and a code alone.
#[test]
fn a_403_with_the_code_of_a_limit_is_a_limit_and_not_a_refusal() {
    let class = |status, body: &str| HttpResponse::new(status, Vec::new(), body, Timestamp::from_seconds(NOW)).class();
    for body in [
        r#"[{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]"#,
        r#"{"error": {"code": 403, "errors": [{"domain": "usageLimits", "reason": "userRateLimitExceeded"}]}}"#,
        r#"{"error": {"status": "PERMISSION_DENIED", "details": [{}, {"reason": "RATE_LIMIT_EXCEEDED"}]}}"#,
        r#"{"error": {"status": "RESOURCE_EXHAUSTED"}}"#,
        r#"{"error": {"type": "rate_limit_error"}}"#,
        r#"{"errors": [{"code": "TOO_MANY_REQUESTS"}]}"#,
        r#"{"error": "ratelimited"}"#,
        r#"{"code": "Throttling"}"#,
    ] {
        assert_eq!(class(403, body), AnswerClass::Limit, "{body}");
        assert_eq!((class(401, body), class(200, body)), (AnswerClass::Refusal, AnswerClass::Success), "{body}");
    }
    for body in [
        r#"[{"errorCode": "INVALID_SESSION_ID"}]"#,
        r#"{"error": {"errors": [{"reason": "storageQuotaExceeded"}]}}"#,
        r#"{"error": "invalid_token", "code": "rate_limited"}"#,
    ] {
        assert_eq!(class(403, body), AnswerClass::Refusal, "{body}");
    }
}

#[test]
fn a_page_says_nothing_about_a_credential_unless_a_challenge_does() {
    let class = |status, kind: &str, challenge: Option<&str>, body: &str| {
        let challenge = challenge.map(|text| ("www-authenticate".to_owned(), text.to_owned()));
        let kind = Some(kind).filter(|kind| !kind.is_empty()).map(|kind| ("content-type".to_owned(), kind.to_owned()));
        HttpResponse::new(status, challenge.into_iter().chain(kind).collect(), body, Timestamp::from_seconds(NOW))
            .class()
    };
    use AnswerClass::{Refusal, Unexpected};
    for (kind, body) in [
        ("text/html; charset=utf-8", "\u{feff} <p>Request blocked."),
        ("TEXT/HTML", "<p>no</p>"),
        ("", "<html>Request blocked. CloudFront</html>"),
        ("application/json", " \n<!DOCTYPE html><title>Attention Required!</title>"),
        ("text/plain", "\u{feff}<html>"),
        ("", "<!-- proxy --><html>"),
        ("application/xhtml+xml", "<?xml version='1.0'?><html/>"),
        // The text that Cloudflare sends to a program that it blocks, where a browser gets a page.
        ("text/plain; charset=UTF-8", "error code: 1010"),
        ("", "error code: 1020\n"),
        // The JSON that it sends to a program that accepts JSON.
        ("application/problem+json", r#"{"cloudflare_error":true,"status":403,"error_code":1010,"retryable":false}"#),
        (
            "application/json",
            r#"{"type":"https://developers.cloudflare.com/support/error-1006/","title":"Error 1006","error_code":1006}"#,
        ),
    ] {
        assert_eq!(class(403, kind, None, body), Unexpected, "{kind} {body}");
        assert_eq!(class(401, kind, None, body), Unexpected, "{kind} {body}");
        assert_eq!(class(401, kind, Some("Bearer"), body), Refusal, "{kind} {body}");
        assert_eq!(class(403, kind, Some(r#"Bearer error="invalid_token""#), body), Refusal, "{kind} {body}");
        assert_eq!(class(403, kind, Some(r#"Bearer error="insufficient_scope""#), body), Refusal, "{kind} {body}");
    }
    for (kind, body) in [
        ("application/json", r#"{"message":"Bad credentials"}"#),
        ("application/json", r#"{"type":"https://developers.cloudflare.com/api/","title":"Authentication error"}"#),
        ("application/json", r#"{"cloudflare_error":false,"error_code":1010,"type":"about:blank"}"#),
        ("text/html", r#"{"message":"Bad credentials"}"#),
        ("text/html", ""),
        ("text/plain", "denied"),
        ("text/plain", "error code: "),
        ("text/plain", "error code: 5, bad token"),
        ("text/plain", "error code: unknown key"),
        ("application/xml", "<?xml version='1.0'?><Error><Code>InvalidAccessKeyId</Code></Error>"),
        ("application/xml", "<Error><Code>AccessDenied</Code></Error>"),
        ("", ""),
    ] {
        assert_eq!(class(401, kind, None, body), Refusal, "{kind} {body}");
        assert_eq!(class(403, kind, None, body), Refusal, "{kind} {body}");
    }
    // A word of the type HTML is a page of a proxy with 403, and with 401 the answer of an API.
    for word in ["Unauthorized", "Request blocked."] {
        assert_eq!(class(403, "text/html; charset=utf-8", None, word), Unexpected, "{word}");
        assert_eq!(class(401, "text/html; charset=utf-8", None, word), Refusal, "{word}");
    }
}

#[test]
fn an_invalid_token_is_a_refusal_at_any_status_of_a_refusal() {
    for status in [400, 401, 403] {
        let headers = [("www-authenticate", r#"Bearer realm="a", error="invalid_token""#), ("retry-after", "3")];
        check(answered(status, &headers), Liveness::Failing, reason::UNAUTHORIZED, None);
    }
    check(answered(400, &[("www-authenticate", "Bearer")]), Liveness::Offline, reason::PROVIDER_ERROR, None);
}

#[test]
fn a_lacking_scope_is_named_and_is_not_a_refused_credential() {
    for (status, text, message) in [
        (403, r#"Bearer error="insufficient_scope", scope="a b""#, "the credential lacks the scopes a b"),
        (401, r#"Bearer error="insufficient_scope", scope="a""#, "the credential lacks the scopes a"),
        (403, "Bearer error=insufficient_scope", "the provider says that the credential lacks a scope"),
    ] {
        let found = classify(answered(status, &[("www-authenticate", text), ("x-ratelimit-remaining", "0")]));
        let found = found.unwrap_err();
        assert_eq!((found.liveness, &*found.reason.code), (Liveness::Failing, reason::SCOPE_MISSING), "{text}");
        assert_eq!(found.reason.message.as_str(), message);
    }
    for (status, challenge, body, code) in [
        (403, None, r#"{"error":"insufficient_scope"}"#, reason::SCOPE_MISSING),
        (403, None, r#"{"error":{"code":"INSUFFICIENT_SCOPE"}}"#, reason::SCOPE_MISSING),
        (403, Some("Bearer error=invalid_token"), r#"{"error":"insufficient_scope"}"#, reason::UNAUTHORIZED),
        (401, None, r#"{"error":"insufficient_scope"}"#, reason::UNAUTHORIZED),
        (403, None, r#"{"error":"forbidden"}"#, reason::UNAUTHORIZED),
    ] {
        let headers = challenge.map(|text: &str| ("www-authenticate".to_owned(), text.to_owned()));
        let answer = HttpResponse::new(status, headers.into_iter().collect(), body, Timestamp::from_seconds(NOW));
        assert_eq!(classify(Ok(answer)).unwrap_err().reason.code, code, "{status} {body}");
    }
}

#[test]
fn an_answer_with_a_byte_order_mark_is_read() {
    let answer =
        |body: &[u8]| HttpResponse::new(200, Vec::new(), Secret::new(body.to_vec()), Timestamp::from_seconds(NOW));
    let token = |body: &[u8]| answer(body).json().unwrap()["token"].as_str().map(str::to_owned);
    assert_eq!(token(b"\xef\xbb\xbf{\"token\":\"t\"}").as_deref(), Some("t"));
    assert_eq!(token(b"\xef\xbb\xbf \n{\"token\":\"t\"}").as_deref(), Some("t"));
    assert!(answer(b"\xef\xbb\xbf\xef\xbb\xbf{}").json().is_err(), "only one is skipped");
    assert!(Value::parse(b"\xef\xbb\xbf{}").is_err(), "stored values stay strict");
}

#[test]
fn what_is_not_unicode_is_read_in_labels_alone() {
    let json = |body: &[u8]| {
        HttpResponse::new(200, Vec::new(), Secret::new(body.to_vec()), Timestamp::from_seconds(NOW)).json()
    };
    for (text, label) in [
        (&b"Jos\xe9"[..], "Jos\u{fffd}"),
        (b"ada \\ud83d", "ada \u{fffd}"),
        (b"\\udc00", "\u{fffd}"),
        (b"\\ud83d\\ud83d\\ude00", "\u{fffd}\u{1f600}"),
        (b"\\ud83dx\\u0041", "\u{fffd}xA"),
        (b"\\ud83d\\n", "\u{fffd}\n"),
        (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
    ] {
        let body = [b"{\"access_token\":\"at\",\"name\":\"", text, b"\",\"id\":7}"].concat();
        let answer = json(&body).unwrap();
        assert_eq!((answer.str_at("access_token"), answer["id"].as_i64()), (Ok("at"), Some(7)));
        assert_eq!((answer["name"].as_label(), answer["name"].as_str()), (Some(label), None));
        assert_eq!(answer.str_at("name"), Err(JsonError::Damaged("name".into())));
        assert!(answer["name"].is_damaged() && !answer["access_token"].is_damaged());
        assert_eq!(answer["name"], Value::Damaged(label.to_owned()));
        assert!(Value::parse(&body).is_err(), "stored values stay strict");
    }
    for broken in [&b"\"\\ud83\""[..], b"\"\\ud83d\\u12\"", b"\"\\ud83d", b"\"\xe9", b"\"a\x01\"", b"\"\\x\""] {
        assert!(json(broken).is_err(), "{broken:?}");
    }
    let whole = json("\"\u{fffd} is a character\"".as_bytes()).unwrap();
    assert_eq!(whole.as_str(), Some("\u{fffd} is a character"));
}

#[test]
fn what_is_not_unicode_in_a_form_is_read_in_labels_alone() {
    let read = |headers: &[(&str, &str)], body: &[u8]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = HttpResponse::new(200, headers, Secret::new(body.to_vec()), Timestamp::from_seconds(NOW));
        answer.json_or_form()
    };
    let form = ("content-type", "application/x-www-form-urlencoded");
    for kind in [form, ("content-type", "text/plain")] {
        for jose in [&b"Jos\xe9"[..], b"Jos%E9", b"Jos%e9"] {
            let body = [b"access_token=at&name=", jose, b"&id=7"].concat();
            let answer = read(&[kind], &body).unwrap();
            assert_eq!((answer.str_at("access_token"), answer.str_at("id")), (Ok("at"), Ok("7")));
            assert_eq!((answer["name"].as_label(), answer["name"].as_str()), (Some("Jos\u{fffd}"), None));
            assert_eq!(answer.str_at("name"), Err(JsonError::Damaged("name".into())));
        }
    }
    let compressed = b"\x0b\x02\x80token=at\x03";
    assert_eq!(read(&[form, ("content-encoding", "br")], compressed), Err(JsonError::Coding));
    assert_eq!(read(&[form, ("content-encoding", "none")], b"token=at").unwrap()["token"].as_str(), Some("at"));
}

#[test]
fn an_answer_in_another_coding_is_no_json() {
    let json = |coding: &str, body: &str| {
        let headers = vec![("Content-Encoding".to_owned(), coding.to_owned())];
        HttpResponse::new(200, headers, body, Timestamp::from_seconds(NOW)).json()
    };
    assert_eq!(json("br", "\u{b}\u{2}{}"), Err(JsonError::Coding));
    assert_eq!(json("gzip, br", "\u{1f}"), Err(JsonError::Coding));
    assert_eq!(json("identity", "\u{1f}"), Err(JsonError::Syntax));
    for named in ["identity", "", "utf-8", "none", "binary", "deflate", "br"] {
        assert!(json(named, "{}").is_ok(), "{named}");
    }
    let found = NotLive::from(JsonError::Coding);
    assert_eq!((found.liveness, &*found.reason.code), (Liveness::Offline, reason::NOT_JSON));
}
