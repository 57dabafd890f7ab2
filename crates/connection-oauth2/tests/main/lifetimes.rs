//! The times at which tokens are refreshed and the user must authorize again.

use connection_contract::prelude::*;
use connection_oauth2::Response;
use connection_testkit::Reply;

use crate::{ACCESS, REFRESH, acme, back, connected, host, redeem, with_token};

/// Q26: a lifetime of one minute is reported as it is; the host decides how early to refresh.
#[test]
fn the_host_decides_how_early_to_refresh() {
    let (host, made) = connected(acme(), answer(r#", "expires_in": 60"#));
    assert_eq!((made.valid_until, made.renew_at), (Some(host.now().after(60)), None));
}

/// Q25: a token that would expire unused is refreshed after a third of that time, after a day at the latest.
#[test]
fn what_dies_of_not_being_used_is_kept_alive() {
    for (idle, life, expected) in [
        (3600, "", Some(1200)),
        (604_800, "", Some(86_400)),
        (604_800, r#", "expires_in": 60"#, None),
        (900, r#", "expires_in": 3600"#, Some(300)),
    ] {
        let (host, made) = connected(acme().idle_life(Duration::from_secs(idle)), answer(life));
        assert_eq!(made.renew_at, expected.map(|seconds| host.now().after(seconds)), "{idle} {life}");
    }
}

/// Q13: an unknown lifetime never means that the token needs no refresh.
#[test]
fn a_life_that_nobody_knows_is_kept_alive() {
    let (host, made) = connected(acme(), answer(""));
    assert_eq!((made.valid_until, made.renew_at), (None, Some(host.now().after(86_400))));
    let (_host, made) = connected(acme(), Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}"}}"#)));
    assert_eq!(made.renew_at, None, "without a refresh token there is nothing to keep alive");
}

/// Q25: the provider states the lifetime of the refresh token, after which the user must authorize again.
#[test]
fn the_refresh_tokens_own_life_is_told() {
    let (host, made) = connected(acme(), answer(r#", "expires_in": 60, "refresh_token_expires_in": 604799"#));
    assert_eq!(made.authorized_until, Some(host.now().after(604_799)));
}

/// Q25: the provider ends an authorization some time after the consent, and a refresh does not put that off. What the
/// provider states takes precedence.
#[test]
fn an_authorization_ends_at_its_time_however_often_it_is_refreshed() {
    const LIFE: u64 = 15_552_000;
    let builder = || acme().authorization_life(Duration::from_secs(LIFE));
    let (host, made) = connected(builder(), answer(r#", "expires_in": 3600"#));
    let end = Some(host.now().after(LIFE));
    assert_eq!(made.authorized_until, end);
    let connection = host.connection(&made);
    let later = host.now().after(86_400);
    let host = host.at(later).expect(crate::renew().answer(crate::tokens()));
    assert_eq!(host.refresh(&made.credential, &connection).unwrap().authorized_until, end);

    let (_, second) = connected(acme().authorization_life(Duration::from_secs(2 * LIFE)), answer_without());
    let kept = host.inherit(&made.credential, &second.credential).expect("it is kept");
    assert_eq!(kept.authorized_until, end, "the end of the token that is kept");

    let (host, made) = connected(builder(), answer(r#", "refresh_token_expires_in": 3600"#));
    assert_eq!(made.authorized_until, Some(host.now().after(3600)));
}

/// Q7, R-INSEAM-083: a token that cannot be refreshed ends at its end. This is reported from the beginning, and no
/// refresh is attempted while the token works.
#[test]
fn a_credential_without_refresh_ends_at_its_time() {
    let (host, made) = connected(acme(), answer_without());
    let ends = Some(host.now().after(3600));
    assert_eq!((made.valid_until, made.authorized_until, made.renew_at), (ends, ends, ends));
    let (_host, made) = connected(acme().idle_life(Duration::from_secs(900)), answer_without());
    assert_eq!(made.renew_at, ends, "there is nothing to keep alive either");
}

/// Q7: with the refresh token of the first consent the connection is refreshed as before, and has no end.
#[test]
fn what_the_first_consent_gave_is_kept_where_a_later_answer_has_none() {
    let (host, first) = connected(acme(), answer(r#", "expires_in": 3600"#));
    let (_, second) = connected(acme(), answer_without());
    let kept = host.inherit(&first.credential, &second.credential).expect("it is kept");
    assert_eq!((kept.valid_until, kept.authorized_until), (second.valid_until, None));
    assert_eq!(kept.renew_at, None, "shortly before its end");
    let host = host.expect(crate::renew().answer(crate::tokens()));
    host.refresh(&kept.credential, &host.connection(&second)).unwrap();
}

/// Q7: nothing is taken over if the response has a newer token, or the previous credential has none.
#[test]
fn nothing_is_kept_that_the_answer_has_or_nobody_has() {
    let (host, with) = connected(acme(), answer(r#", "expires_in": 3600"#));
    let (_, without) = connected(acme(), answer_without());
    assert!(host.inherit(&with.credential, &with.credential).is_none());
    assert!(host.inherit(&without.credential, &without.credential).is_none());
}

/// Q7: another application cannot use the refresh token, and it goes only to the addresses that issued it.
#[test]
fn nothing_is_kept_of_another_application_or_address() {
    let (host, first) = connected(acme(), answer(r#", "expires_in": 3600"#));
    let other = || connection_oauth2::Client::Configured { id: "another".into(), secret: Some(crate::SECRET.into()) };
    let (_, second) = connected(acme().client(other()), answer_without());
    assert!(host.inherit(&first.credential, &second.credential).is_none(), "another application");
    let captures = || acme().response(Response::new().capture("instance", "/instance"));
    let at = |instance: &str, more: &str| {
        let body = format!(r#"{{"access_token": "{ACCESS}", "expires_in": 3600, "instance": "{instance}"{more}}}"#);
        connected(captures(), Reply::json(200, &body))
    };
    let (host, first) = at("one", &format!(r#", "refresh_token": "{REFRESH}""#));
    assert!(host.inherit(&first.credential, &at("two", "").1.credential).is_none(), "another address");
    assert!(host.inherit(&first.credential, &at("one", "").1.credential).is_some());
}

/// Q12: a lifetime that is not a number is unknown and causes a warning; a number that is not a lifetime is just
/// unknown.
#[test]
fn a_life_that_is_no_number_is_warned_of() {
    for (life, warned) in
        [(r#""abc""#, true), ("true", true), ("0", false), ("-1", false), ("null", false), (r#""60""#, false)]
    {
        let (host, _) = connected(acme(), answer(&format!(r#", "expires_in": {life}"#)));
        let found = host.log().iter().any(|event| event.name == "life_unreadable");
        assert_eq!(found, warned, "{life}");
    }
    let (host, made) = connected(acme(), answer(""));
    let odd = Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "expires_in": "soon"}}"#));
    let host = host.expect(crate::renew().answer(odd));
    host.refresh(&made.credential, &host.connection(&made)).unwrap();
    assert!(host.log().iter().any(|event| event.name == "life_unreadable"), "also in a renewal");
}

/// R-INSEAM-082, Q13: an end in the far future is stored so that it can be read again: a lifetime as ten years at
/// most, a moment as the last one that RFC 3339 can express.
#[test]
fn a_moment_that_is_too_far_is_stored_and_read() {
    const LAST: &str = "9999-12-31T23:59:59Z";
    let ten_years = Timestamp::from_seconds(crate::NOW).after(315_576_000).to_rfc3339();
    let claims = encode::base64url(br#"{"exp": 9e99}"#);
    let jwt = format!("e30.{claims}.c2ln");
    let milliseconds = || acme().response(Response::new().milliseconds());
    let default = || acme().response(Response::new().default_life(Duration::from_secs(u64::MAX)));
    for (builder, token, more, expected) in [
        (acme(), ACCESS, r#", "expires_in": 9223372036854775807"#, &*ten_years),
        (acme(), ACCESS, r#", "expires_in": 1e300, "refresh_token_expires_in": 1e300"#, &*ten_years),
        (milliseconds(), ACCESS, r#", "expires_in": 9223372036854775807"#, &*ten_years),
        (default(), ACCESS, "", &*ten_years),
        (acme(), ACCESS, r#", "expires_at": "9999-12-31T23:59:59-10:00""#, LAST),
        (acme(), ACCESS, r#", "expires_at": 99999999999999999999"#, LAST),
        (acme(), ACCESS, r#", "expires_at": "18446744073709551615:23:59""#, &*ten_years),
        (acme(), &*jwt, "", LAST),
    ] {
        let answer = Reply::json(200, &format!(r#"{{"access_token": "{token}", "refresh_token": "{REFRESH}"{more}}}"#));
        let host = host(builder).expect(redeem().answer(answer)).expect(with_token(token));
        let made = host.setup([back()]).run().unwrap();
        let definition = host.definition();
        let stored = definition.serialize_credential(&made.credential).unwrap();
        let read = definition.parse_credential(stored.expose()).unwrap();
        assert_eq!(definition.serialize_credential(&read).unwrap().expose(), stored.expose(), "{more}");
        assert_eq!(made.valid_until.unwrap().to_rfc3339(), expected, "{more}");
    }
}

/// Q12: one reader for every lifetime. Below 1,000,000,000 it is a number of seconds, unless the configuration or a member
/// beside it says otherwise; from there on, it is a moment in seconds or milliseconds.
#[test]
fn a_life_is_a_number_of_seconds_or_a_moment() {
    const HOUR: i64 = 3600;
    const TEN_YEARS: i64 = 315_576_000;
    let at = |seconds: i64| (crate::NOW + seconds).to_string();
    let quoted = |text: &str| format!("\"{text}\"");
    let cases: Vec<(String, Option<i64>)> = vec![
        ("3600".into(), Some(HOUR)),
        ("3600.9".into(), Some(HOUR)),
        ("3.6e3".into(), Some(HOUR)),
        ("1E4".into(), Some(10_000)),
        ("36000e-1".into(), Some(HOUR)),
        (quoted("3.6E+3"), Some(HOUR)),
        (quoted(" 3600 "), Some(HOUR)),
        ("999999999".into(), Some(TEN_YEARS)),
        (at(HOUR), Some(HOUR)),
        (quoted(&at(HOUR)), Some(HOUR)),
        (format!("{}000", at(HOUR)), Some(HOUR)),
        (format!("{}.5", at(HOUR)), Some(HOUR)),
        ("1.79601840e9".into(), Some(1_796_018_400 - crate::NOW)),
        ("1796018400000".into(), Some(1_796_018_400 - crate::NOW)),
        ("1.7960184e12".into(), Some(1_796_018_400 - crate::NOW)),
        ("3153600000".into(), Some(TEN_YEARS)),
        ("9223372036854775807".into(), Some(TEN_YEARS)),
        ("1e300".into(), Some(TEN_YEARS)),
        // A moment that has passed says nothing about a token that was issued just now.
        ("1000000000".into(), None),
        (at(-HOUR), None),
        ("1e400".into(), None),
        (quoted("1e400"), None),
        (quoted("inf"), None),
        (quoted("NaN"), None),
        ("-1".into(), None),
        ("-1796018400".into(), None),
        ("0".into(), None),
        ("0.4".into(), None),
        (quoted(""), None),
        (quoted("one hour"), None),
        ("null".into(), None),
        ("true".into(), None),
        ("[3600]".into(), None),
        (r#"{"seconds": 3600}"#.into(), None),
    ];
    for (life, expected) in cases {
        let (_, made) = connected(acme(), answer(&format!(r#", "expires_in": {life}"#)));
        assert_eq!(made.valid_until.map(|until| until.seconds() - crate::NOW), expected, "{life}");
        let read =
            connection_oauth2::expires_in(&Value::parse(life.as_bytes()).unwrap(), Timestamp::from_seconds(crate::NOW));
        assert_eq!(read.map(|until| until.seconds() - crate::NOW), expected, "{life}, as other mechanisms read it");
    }
    let milliseconds = || acme().response(Response::new().milliseconds());
    for (builder, more, expected) in [
        (acme(), r#", "expires_in": 3600000, "expires_in_sec": 3600"#, HOUR),
        (milliseconds(), r#", "expires_in": 3600000, "expires_in_sec": "3600""#, HOUR),
        (acme(), r#", "expires_in": 3600, "expires_in_sec": null"#, HOUR),
        (acme(), r#", "expires_in": null, "expires_in_sec": 3600"#, HOUR),
        (acme(), r#", "expires_in": "soon", "expires_in_sec": 3.6e3"#, HOUR),
        (acme(), r#", "expires_in_sec": "3600""#, HOUR),
        (milliseconds(), r#", "expires_in": 3600000"#, HOUR),
        (milliseconds(), r#", "expires_in": 5184000000"#, 5_184_000),
        (milliseconds(), r#", "expires_in": 1796018400000"#, 1_796_018_400 - crate::NOW),
    ] {
        let (_, made) = connected(builder, answer(more));
        assert_eq!(made.valid_until.map(|until| until.seconds() - crate::NOW), Some(expected), "{more}");
    }
    // The lifetime of the refresh token is read alike.
    let more = format!(r#", "refresh_token_expires_in": {}000"#, at(HOUR));
    let (_, made) = connected(acme(), answer(&more));
    assert_eq!(made.authorized_until.map(Timestamp::seconds), Some(crate::NOW + HOUR));
}

/// Q14: a small number in place of a moment is a lifetime, and a moment that has passed, such as a local time that is written
/// as one of UTC, says nothing about a token that was issued just now.
#[test]
fn an_end_that_has_passed_is_unknown_and_a_small_one_is_a_lifetime() {
    let passed = Timestamp::from_seconds(crate::NOW - 7200);
    for (end, expected) in [
        ("3600".to_owned(), Some(3600)),
        (r#""3600""#.to_owned(), Some(3600)),
        ("3.6e3".to_owned(), Some(3600)),
        ("999999999".to_owned(), Some(315_576_000)),
        (format!("{}", crate::NOW + 3600), Some(3600)),
        (format!("{}", passed.seconds()), None),
        (format!("\"{}000\"", passed.seconds()), None),
        (format!("\"{}\"", passed.to_rfc3339()), None),
        (format!("{}", crate::NOW), None),
        (r#""0000-01-01T00:00:00+10:00""#.to_owned(), None),
        (r#""0:00:00""#.to_owned(), None),
        ("0".to_owned(), None),
        ("-3600".to_owned(), None),
    ] {
        let more = format!(r#", "expires_at": {end}"#);
        let (host, made) = connected(acme(), answer(&more));
        let until = expected.map(|seconds| host.now().after(seconds));
        assert_eq!((made.valid_until, made.authorized_until), (until, None), "{end}");
        assert!(host.log().iter().all(|event| event.name != "life_unreadable"), "{end}");
        // Without a refresh token, the end of the access token is that of the account.
        let alone = Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}"{more}}}"#));
        let (_, made) = connected(acme(), alone);
        assert_eq!((made.valid_until, made.authorized_until, made.renew_at), (until, until, until), "{end}");
    }
    let default = acme().response(Response::new().default_life(Duration::from_secs(600)));
    let (host, made) = connected(default, answer(&format!(r#", "expires_at": {}"#, passed.seconds())));
    assert_eq!(made.valid_until, Some(host.now().after(600)), "the configured lifetime");
}

fn answer(more: &str) -> Reply {
    Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "refresh_token": "{REFRESH}"{more}}}"#))
}

fn answer_without() -> Reply {
    Reply::json(200, &format!(r#"{{"access_token": "{ACCESS}", "expires_in": 3600}}"#))
}
