//! The limits that Codex writes into its sessions.

use connection_contract::prelude::*;
use connection_testkit::Input;

use crate::{host, kinds, signed_in};

const DAY: &str = "sessions/2026/01/31";
/// A time after the clock of the fake host, which starts at 2026-01-31T10:20:30Z.
const LATER: i64 = 1_769_860_000;

fn token_count(at: &str, limits: &str) -> String {
    format!(
        r#"{{"timestamp": "{at}", "type": "event_msg", "payload": {{"type": "token_count", "info": null, "rate_limits": {limits}}}}}"#
    )
}

#[test]
fn the_newest_session_tells_both_windows() {
    let old = token_count("2026-01-31T08:00:00Z", r#"{"primary": {"used_percent": 90.0}}"#);
    let limits = format!(
        r#"{{"limit_id": "codex", "primary": {{"used_percent": 12.5, "window_minutes": 300, "resets_at": {LATER}}}, "secondary": {{"used_percent": 41, "window_minutes": 10080, "resets_at": {LATER}}}, "plan_type": "plus"}}"#
    );
    let new = [
        r#"{"timestamp": "2026-01-31T10:00:00Z", "type": "session_meta", "payload": {}}"#.to_owned(),
        token_count("2026-01-31T10:01:00Z", r#"{"primary": {"used_percent": 1.0}}"#),
        token_count("2026-01-31T10:02:03.456Z", &limits),
        r#"{"timestamp": "2026-01-31T10:03:00Z", "type": "response_item", "payload": {"text": "hello"}}"#.to_owned(),
    ];
    let snapshot = fetched(&[
        ("sessions/2026/01/31/rollout-2026-01-31T07-00-00-a.jsonl", old),
        ("sessions/2026/01/31/rollout-2026-01-31T09-00-00-b.jsonl", new.join("\n")),
        ("sessions/2025/12/31/rollout-2025-12-31T09-00-00-c.jsonl", "nothing".to_owned()),
    ]);
    assert_eq!(snapshot.observed_at.to_rfc3339(), "2026-01-31T10:02:03Z");
    let reset = Timestamp::from_seconds(LATER);
    let primary = TimeWindow::new("primary", "Limit of 5 hours", 0.125).window(Duration::from_secs(18_000));
    let secondary = TimeWindow::new("secondary", "Limit of 7 days", 0.41).window(Duration::from_secs(604_800));
    assert_eq!(snapshot.metrics, [primary.resets_at(reset).into(), secondary.resets_at(reset).into()]);
}

#[test]
fn a_session_that_tells_no_limits_leaves_it_to_the_one_before() {
    let line = token_count("2026-01-30T10:00:00Z", r#"{"primary": {"used_percent": 7.0, "window_minutes": 10080}}"#);
    let snapshot = fetched(&[
        ("sessions/2026/01/30/rollout-2026-01-30T09-00-00-a.jsonl", line),
        ("sessions/2026/01/31/rollout-2026-01-31T09-00-00-b.jsonl", token_count("2026-01-31T10:00:00Z", "null")),
    ]);
    assert_eq!(snapshot.metrics.len(), 1);
}

#[test]
fn a_session_that_was_resumed_tells_more_than_one_that_began_after_it() {
    let line = |at, percent: &str| token_count(at, &format!(r#"{{"primary": {{"used_percent": {percent}}}}}"#));
    let snapshot = fetched(&[
        ("sessions/2026/01/30/rollout-2026-01-30T09-00-00-a.jsonl", line("2026-01-31T10:00:00Z", "30.0")),
        ("sessions/2026/01/31/rollout-2026-01-31T08-00-00-b.jsonl", line("2026-01-31T08:30:00Z", "20.0")),
    ]);
    assert_eq!(snapshot.observed_at.to_rfc3339(), "2026-01-31T10:00:00Z");
}

#[test]
fn the_limits_of_a_single_model_are_not_shown_as_those_of_the_account() {
    let lines = [
        token_count("2026-01-31T10:00:00Z", r#"{"limit_id": "codex", "primary": {"used_percent": 30.0}}"#),
        token_count("2026-01-31T10:01:00Z", r#"{"limit_id": "codex_other", "primary": {"used_percent": 90.0}}"#),
    ];
    let snapshot = fetched(&[("sessions/2026/01/31/rollout-2026-01-31T09-00-00-a.jsonl", lines.join("\n"))]);
    assert_eq!(snapshot.observed_at.to_rfc3339(), "2026-01-31T10:00:00Z");
}

#[test]
fn an_older_form_counts_from_its_line_and_a_window_that_is_over_is_left_out() {
    let limits = r#"{"primary": {"used_percent": 50.0, "window_minutes": 300, "resets_in_seconds": 60}, "secondary": {"used_percent": 20.0, "window_minutes": 90, "resets_in_seconds": 7200}}"#;
    let file = format!("{DAY}/rollout-2026-01-31T09-00-00-a.jsonl");
    let snapshot = fetched(&[(file.leak(), token_count("2026-01-31T10:00:00Z", limits))]);
    let [UsageMetric::TimeWindow(only)] = &snapshot.metrics[..] else { panic!("{snapshot:?}") };
    assert_eq!((&*only.id, only.label.as_str()), ("secondary", "Limit of 90 minutes"));
    assert_eq!(only.resets_at.unwrap().to_rfc3339(), "2026-01-31T12:00:00Z");
}

#[test]
fn a_directory_without_sessions_has_no_metrics_and_that_is_no_error() {
    assert_eq!(fetched(&[]).metrics, []);
    let broken = ("sessions/2026/01/31/rollout-2026-01-31T09-00-00-a.jsonl", "{\"rate_limits\"".to_owned());
    assert_eq!(fetched(&[broken, ("sessions/note.jsonl", String::new())]).metrics, []);
}

/// Returns the usage for a directory with a login and these files.
#[track_caller]
fn fetched(more: &[(&'static str, String)]) -> UsageSnapshot {
    let files: Vec<_> = signed_in("codex").into_iter().chain(more.iter().cloned()).collect();
    let host = host(kinds()[1].1, &files);
    let made = host.setup([Input::answers(&[("how", "own")])]).run().expect("signed in");
    host.fetch_usage(&made.credential, &host.connection(&made)).expect("files are enough")
}
