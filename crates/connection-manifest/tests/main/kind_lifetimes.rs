//! The end of a token that an exchange gave, in the forms in which providers state it.

use connection_contract::{Timestamp, Value};
use connection_manifest::{FileKind, KindFile};
use connection_oauth2::{expires_at, expires_in};
use connection_testkit::{Expected, FakeHost, Input, Reply};
use proptest::prelude::*;

/// Ten years in seconds, the longest lifetime.
const MAX_LIFE: u64 = 315_576_000;

fn kind(unit: &str) -> FileKind {
    let text = "format = 1\nid = \"acme\"\nname = \"Acme\"\nmechanism = \"token_exchange\"\n[[fields]]\nname = \"password\"\n\
                label = \"Password\"\nsecret = true\n[exchange]\nexpires_in = \"/life\"\nexpires_at = \"/end\"\n\
                default_life_seconds = 77\nsteps = [{ url = \"https://api.acme.com/token\", form = { p = \"${secret.password}\" } }]\n\
                [request]\nbase = \"https://api.acme.com\"\n";
    let text = text.replace("[exchange]\n", &format!("[exchange]\nexpires_unit = \"{unit}\"\n"));
    match KindFile::parse("acme.toml", &text) {
        Ok(file) => file.definition(),
        Err(problems) => panic!("{problems}"),
    }
}

/// Returns for how many seconds a token works if the answer has these further members.
fn life(more: &str) -> i64 {
    life_in("seconds", more)
}

fn life_in(unit: &str, more: &str) -> i64 {
    let answer = Reply::json(200, &format!(r#"{{"access_token": "access-canary-11aa22bb", {more}}}"#));
    let host =
        FakeHost::new(kind(unit)).expect(Expected::post("https://api.acme.com/token").no_redirect().answer(answer));
    let made = host.setup([Input::answers(&[("password", "canary-81d0c4f7a2")])]).run().unwrap();
    made.valid_until.unwrap().seconds() - host.now().seconds()
}

#[test]
fn an_exchange_reads_a_lifetime_as_an_authorization_does() {
    for (more, expected) in [
        (r#""life": 3600"#, 3600),
        (r#""life": "3600""#, 3600),
        (r#""life": 3599.9"#, 3599),
        (r#""life": 3.6e3"#, 3600),
        (r#""life": 1E4"#, 10_000),
        (r#""life": 9223372036854775807"#, MAX_LIFE.cast_signed()),
        (r#""life": 3600000, "life_sec": 3600"#, 3600),
        (r#""life": null, "life_sec": 3600"#, 3600),
        (r#""life": 1769858430"#, 3600),
        (r#""life": "1769858430000""#, 3600),
        (r#""life": 1000000000"#, 77),
        (r#""life": 0"#, 77),
        (r#""life": -5"#, 77),
        (r#""life": "soon""#, 77),
        (r#""life": null, "end": "2026-01-31T11:20:30Z""#, 3600),
        (r#""end": 1769858430"#, 3600),
        (r#""end": " 1769858430000 ""#, 3600),
        (r#""life": 60, "end": 1769858430"#, 60),
        (r#""end": 3600"#, 3600),
        (r#""end": "3600""#, 3600),
        (r#""end": 1769854000"#, 77),
        (r#""end": "2026-01-31T09:20:30Z""#, 77),
        (r#""life": 1e999"#, 77),
    ] {
        assert_eq!(life(more), expected, "{more}");
    }
}

#[test]
fn a_file_states_the_unit_of_lifetimes() {
    for (more, expected) in
        [(r#""life": 3600000"#, 3600), (r#""life": "7.2e6""#, 7200), (r#""life": 60000, "life_sec": 90"#, 90)]
    {
        assert_eq!(life_in("milliseconds", more), expected, "{more}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a provider states, the end can be written and read, and a lifetime is at most ten years.
    #[test]
    fn every_end_that_is_read_can_be_written(text in "[0-9eE.+-]{0,24}|.{0,40}", is_number: bool, now in 0..4_000_000_000_i64) {
        let now = Timestamp::from_seconds(now);
        let value = if is_number { Value::Number(text) } else { Value::Text(text) };
        for end in [expires_in(&value, now), expires_at(&value, now)].into_iter().flatten() {
            prop_assert_eq!(Timestamp::parse_rfc3339(&end.to_rfc3339()), Some(end));
        }
        if let Some(end) = expires_in(&value, now) {
            prop_assert!(end > now && end <= now.after(MAX_LIFE), "{:?}", end);
        }
        prop_assert!(expires_at(&value, now).is_none_or(|end| end > now));
    }

    #[test]
    fn a_whole_number_is_read_alike_as_a_number_and_as_a_text(life in 1..MAX_LIFE, now in 0..4_000_000_000_i64) {
        let now = Timestamp::from_seconds(now);
        for value in [Value::Number(life.to_string()), Value::Text(format!(" {life} "))] {
            prop_assert_eq!(expires_in(&value, now), Some(now.after(life)));
            prop_assert_eq!(expires_at(&value, now), Some(now.after(life)));
        }
    }
}
