//! The classification of answers. A transient failure is never reported as a lost authorization.

use std::time::Duration;

use connection_contract::{HttpError, HttpResponse, Liveness, Timestamp, classify, reason};

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
