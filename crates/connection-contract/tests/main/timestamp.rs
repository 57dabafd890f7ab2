//! The formats in which providers write times.

use connection_contract::Timestamp;

#[track_caller]
fn check(text: &str, expected: Option<&str>) {
    assert_eq!(Timestamp::parse(text).map(Timestamp::to_rfc3339).as_deref(), expected, "{text}");
}

#[test]
fn every_form_that_a_provider_may_send_is_read() {
    let at = Some("1994-11-06T08:49:37Z");
    check("1994-11-06T08:49:37Z", at);
    check("1994-11-06t08:49:37z", at);
    check("1994-11-06T09:49:37.123+01:00", at);
    check("1994-11-06T03:49:37-05:00", at);
    check("1994-11-06T09:49:37.000+0100", at);
    check("1994-11-06T03:49:37-0500", at);
    // PostgreSQL writes the minutes of an offset only if there are some.
    for text in ["08:49:37+00", "08:49:37.25+00", "08:49:37+0000", "03:49:37-05", "14:19:37.123456+05:30"] {
        check(&format!("1994-11-06 {text}"), at);
        check(&format!("1994-11-06T{text}"), at);
    }
    check("1994-11-06 09:49:37.5 +0100", at);
    check("1994-11-06 09:49:37 +01:00", at);
    check("1994-11-06 08:49:37.5 UTC", at);
    check("Sun, 06 Nov 1994 08:49:37 GMT", at);
    check("Sunday, 06-Nov-94 08:49:37 GMT", at);
    check("Sun Nov  6 08:49:37 1994", at);
    check("1994-11-06 08:49:37 UTC", at);
    check("1994-11-06 00:49:37 -0800", at);
    check("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00Z"));
    check("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00Z"));
    check("0000-03-01T00:00:00Z", Some("0000-03-01T00:00:00Z"));
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "soon",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-01-32T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00+1:00",
        "2024-01-01T00:00:00+100",
        "2024-01-01T00:00:00 +0100",
        "2024-01-01T00:00:00+24",
        "2024-01-01T00:00:00+1",
        "2024-01-01 00:00:00+00:",
        "2024-01-01 00:00:00  UTC",
        "2024-01-01T00:00:00+é",
        "+0100",
        "2024-01-01",
        "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "2026-01-31 00:00:00",
        "é024-01-01T00:00:00Z",
    ] {
        check(text, None);
    }
}

#[test]
fn both_forms_of_writing_are_read_back() {
    for seconds in [0, -1, 784_111_777, 951_782_400, 4_102_444_799, -62_000_000_000] {
        let at = Timestamp::from_seconds(seconds);
        assert_eq!(Timestamp::parse_rfc3339(&at.to_rfc3339()), Some(at));
        assert_eq!(Timestamp::parse_http_date(&at.to_http_date()), Some(at));
    }
    assert_eq!(Timestamp::from_seconds(784_111_777).to_http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(Timestamp::from_seconds(i64::MAX).after(u64::MAX), Timestamp::from_seconds(i64::MAX));
}

/// What this program wrote itself, and what callers of the API write, is RFC 3339 alone.
#[test]
fn the_forms_of_providers_are_no_rfc3339() {
    for text in ["1994-11-06T08:49:37+00", "1994-11-06T08:49:37+0000", "1994-11-06 08:49:37 UTC"] {
        assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
    }
}
