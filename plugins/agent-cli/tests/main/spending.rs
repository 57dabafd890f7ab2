//! The costs of an organization, as its provider reports them for an admin key.

use connection_contract::prelude::*;
use connection_testkit::{Expected, FakeHost, Input, Reply};

use crate::{ADMIN, KEY, made, models};

const CLAUDE: &str = "https://api.anthropic.com/v1/organizations/cost_report?starting_at=2026-01-01T00%3A00%3A00Z&bucket_width=1d&limit=31";
const CODEX: &str = "https://api.openai.com/v1/organization/costs?start_time=1767225600&bucket_width=1d&limit=31";

#[test]
fn anthropic_tells_cents_page_by_page() {
    let first = r#"{"data": [{"starting_at": "2026-01-01T00:00:00Z", "results": [{"amount": "123.45", "currency": "USD"}, {"amount": "76.55"}]}, {"results": []}], "has_more": true, "next_page": "page_2"}"#;
    let second = r#"{"data": [{"results": [{"amount": "1000"}]}], "has_more": false, "next_page": null}"#;
    let with = |url: &str| Expected::get(url).header("x-api-key", ADMIN).header("anthropic-version", "2023-06-01");
    let spent = fetched(
        "claude",
        [
            with(CLAUDE).answer(Reply::json(200, first)),
            with(&format!("{CLAUDE}&page=page_2")).answer(Reply::json(200, second)),
        ],
    );
    let (start, end) = (moment("2026-01-01T00:00:00Z"), moment("2026-02-01T00:00:00Z"));
    assert_eq!(spent.unwrap().metrics, [MonthlySpend::new("month", "This month", 12.0, start, end).into()]);
}

#[test]
fn openai_tells_dollars() {
    let page = r#"{"object": "page", "data": [{"object": "bucket", "results": [{"amount": {"value": 0.5, "currency": "usd"}}, {"amount": {"value": 2, "currency": "usd"}}]}], "has_more": false, "next_page": null}"#;
    let request = Expected::get(CODEX).header("authorization", &format!("Bearer {ADMIN}"));
    let spent = fetched("codex", [request.answer(Reply::json(200, page))]).unwrap();
    let [UsageMetric::MonthlySpend(spent)] = &spent.metrics[..] else { panic!("{spent:?}") };
    assert!((spent.spent_usd - 2.5).abs() < 1e-9);
}

#[test]
fn an_admin_key_that_is_refused_and_a_report_that_makes_no_sense_are_errors() {
    for (reply, says) in [
        (Reply::status(401), "the provider does not accept the admin key"),
        (Reply::status(500), "the provider answered with an error"),
        (Reply::json(200, "{}"), "the provider's answer lacks the field 'data'"),
        (
            Reply::json(200, r#"{"data": [{"results": [{"amount": "much"}]}]}"#),
            "the provider's answer lacks the field 'amount'",
        ),
    ] {
        let request = Expected::get(CLAUDE).header("x-api-key", ADMIN).answer(reply);
        assert_eq!(fetched("claude", [request]).unwrap_err(), says);
    }
}

#[test]
fn without_an_admin_key_nothing_is_asked() {
    let host = FakeHost::new(made("claude")).expect(models("claude"));
    let made = host.setup([how(), Input::answers(&[("apiKey", KEY)])]).run().unwrap();
    assert_eq!(host.fetch_usage(&made.credential, &host.connection(&made)).unwrap().metrics, []);
}

fn fetched(kind: &str, requests: impl IntoIterator<Item = Expected>) -> Result<UsageSnapshot, String> {
    let host = FakeHost::new(made(kind)).expect(models(kind));
    let host = requests.into_iter().fold(host, FakeHost::expect);
    let made = host.setup([how(), Input::answers(&[("apiKey", KEY), ("adminKey", ADMIN)])]).run().expect("a good key");
    host.fetch_usage(&made.credential, &host.connection(&made)).map_err(|error| error.to_string())
}

fn how() -> Input {
    Input::answers(&[("how", "apiKey")])
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a time")
}
