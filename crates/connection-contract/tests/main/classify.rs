//! The classification of answers. A transient failure is never reported as a lost authorization.

use std::time::Duration;

use connection_contract::{AnswerClass, HttpError, HttpResponse, Liveness, Timestamp, Value, classify, host, reason};

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
        (HttpError::Timeout, Offline, reason::TIMEOUT),
        (HttpError::Tls, Offline, reason::TLS),
        (HttpError::TooLarge, Offline, reason::TOO_LARGE),
        (HttpError::Uncertain, Offline, reason::REFRESH_OUTCOME_UNKNOWN),
    ] {
        check(Err(error), liveness, code, None);
    }
}

#[test]
fn a_pause_is_read_in_both_forms_and_never_runs_backwards() {
    let limited = |value| answered(429, &[("Retry-After", value)]);
    check(limited("120"), Liveness::Offline, reason::RATE_LIMITED, Some(120));
    check(limited(" 7 "), Liveness::Offline, reason::RATE_LIMITED, Some(7));
    check(limited("Sun, 06 Nov 1994 08:50:37 GMT"), Liveness::Offline, reason::RATE_LIMITED, Some(60));
    check(limited("Sun, 06 Nov 1994 08:00:00 GMT"), Liveness::Offline, reason::RATE_LIMITED, Some(0));
    for unreadable in ["", "soon", "-5", "1.5"] {
        check(limited(unreadable), Liveness::Offline, reason::RATE_LIMITED, None);
    }
    check(answered(503, &[("retry-after", "9")]), Liveness::Offline, reason::PROVIDER_ERROR, Some(9));
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
        for text in ["{}", "", "<html>", "[]"] {
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
        ("text/plain", "token=a%20b", Some("a b")),
        ("text/plain", "token = a", None),
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
    for value in ["120", " 7 ", "Sun, 06 Nov 1994 08:50:37 GMT", "", "soon", "-5", "18446744073709551616"] {
        let answer = answered(429, &[("retry-after", value)]).unwrap();
        assert_eq!(host::pause_of(value, now), answer.retry_after(), "{value}");
    }
}
