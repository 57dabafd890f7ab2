//! The metrics of a running session: its context, and the windows of a subscription.

use connection_contract::prelude::*;
use connection_testkit::Input;

use crate::{host, kinds, logins::codex_login_of_plan, made, signed_in};

/// The document that Claude Code 2.1 passes to the command of a status line:
/// <https://code.claude.com/docs/en/statusline>.
const STATUS_LINE: &str = r#"{
    "hook_event_name": "Status", "session_id": "canary-session", "cwd": "/home/ada/canary",
    "model": {"id": "claude-opus-4-8", "display_name": "Opus"}, "version": "2.1.197",
    "cost": {"total_cost_usd": 0.01234, "total_duration_ms": 45000},
    "context_window": {
        "context_window_size": 200000, "used_percentage": 8,
        "current_usage": {
            "input_tokens": 8500, "output_tokens": 1200,
            "cache_creation_input_tokens": 5000, "cache_read_input_tokens": 2000
        }
    },
    "rate_limits": {
        "seven_day_opus": {"used_percentage": 12, "resets_at": "2026-02-03T00:00:00Z"},
        "seven_day": {"used_percentage": 41.5, "resets_at": 1769990000},
        "five_hour": {"used_percentage": 23.5, "resets_at": 1769860000}
    }
}"#;

fn session_metrics(kind: &str, document: &str) -> Vec<UsageMetric> {
    let document = Value::parse(document.as_bytes()).expect("it is JSON");
    let kind = made(kind);
    kind.usage().expect("each kind has usage").format_session_metrics(&SessionTokens::default().document(document))
}

#[test]
fn a_session_of_any_tool_tells_its_context() {
    for (kind, make) in kinds() {
        let kind_itself = make();
        let usage = kind_itself.usage().unwrap_or_else(|| panic!("{kind} has usage"));
        let metrics = usage.format_session_metrics(&SessionTokens::new(1200, Some(200_000)));
        assert_eq!(metrics, [TokenUtilization::new("context", "Context", 1200).max(200_000).into()]);
    }
}

#[test]
fn the_status_line_of_claude_tells_the_windows_of_a_subscription_and_the_context() {
    let at = Timestamp::from_seconds;
    let five = TimeWindow::new("five_hour", "Limit of 5 hours", 0.235).window(Duration::from_secs(18_000));
    let seven = TimeWindow::new("seven_day", "Limit of 7 days", 0.415).window(Duration::from_secs(604_800));
    let later = Timestamp::parse_rfc3339("2026-02-03T00:00:00Z").unwrap();
    let expected: [UsageMetric; 4] = [
        TokenUtilization::new("context", "Context", 15_500).max(200_000).into(),
        five.resets_at(at(1_769_860_000)).into(),
        seven.resets_at(at(1_769_990_000)).into(),
        // A window that a later version of the tool adds is shown by its name.
        TimeWindow::new("seven_day_opus", "Limit seven day opus", 0.12).resets_at(later).into(),
    ];
    let metrics = session_metrics("claude", STATUS_LINE);
    assert_eq!(metrics, expected);
    assert!(!format!("{metrics:?}").contains("canary"), "numbers, times and names of windows alone");
}

#[test]
fn a_session_that_says_less_tells_less_and_one_that_says_something_odd_tells_nothing_of_that() {
    // Before the first answer, and for an account without a subscription, the document has neither.
    let first = r#"{"context_window": {"context_window_size": 200000, "current_usage": null}}"#;
    assert_eq!(session_metrics("claude", first), []);
    assert_eq!(session_metrics("claude", "{}"), []);
    let odd = r#"{"context_window": 7, "rate_limits": {
        "five_hour": {"used_percentage": 105, "resets_at": "soon"}, "seven_day": {"used_percentage": "much"},
        "\u001b[2J": {"used_percentage": 1}, "": {"used_percentage": 1}, "weeks": 3
    }}"#;
    let metrics = session_metrics("claude", odd);
    let [UsageMetric::TimeWindow(window)] = &metrics[..] else { panic!("{metrics:?}") };
    assert_eq!((&*window.id, window.utilization, window.resets_at), ("five_hour", 1.0, None));
    let many: Vec<_> = (0..100).map(|n| format!(r#""w{n}": {{"used_percentage": 1}}"#)).collect();
    let many = format!(r#"{{"rate_limits": {{{}}}}}"#, many.join(", "));
    assert_eq!(session_metrics("claude", &many).len(), 16);
}

#[test]
fn a_session_of_gemini_tells_its_tokens_and_an_answer_the_context() {
    // The form of `--output-format json`: <https://geminicli.com/docs/cli/headless>.
    let stats = r#"{"response": "hi", "stats": {"models": {
        "gemini-2.5-pro": {"api": {"totalRequests": 2}, "tokens": {"prompt": 24939, "candidates": 20, "total": 25113, "cached": 21263}},
        "gemini-2.5-flash": {"tokens": {"prompt": 8965, "candidates": 10, "total": 9033}}
    }}}"#;
    assert_eq!(session_metrics("gemini", stats), [TokenUtilization::new("session", "Session", 34_146).into()]);
    // The event `gemini_cli.api_response`: <https://geminicli.com/docs/cli/telemetry>.
    let event = r#"{"name": "gemini_cli.api_response", "attributes": {"model": "gemini-2.5-pro", "input_token_count": 8965, "total_token_count": 9033}}"#;
    assert_eq!(session_metrics("gemini", event), [TokenUtilization::new("context", "Context", 8965).into()]);
    // A count of the host takes precedence over the document.
    let document = Value::parse(event.as_bytes()).unwrap();
    let session = SessionTokens::new(7, Some(1_048_576)).document(document);
    let counted = made("gemini").usage().unwrap().format_session_metrics(&session);
    assert_eq!(counted, [TokenUtilization::new("context", "Context", 7).max(1_048_576).into()]);
}

#[test]
fn a_login_of_a_plan_is_paid_for_by_a_subscription_and_no_other_is_said_to_be() {
    let mode = |kind: &str, files: &[(&'static str, String)]| {
        let (_, make) = kinds().into_iter().find(|(name, _)| *name == kind).unwrap();
        let host = host(make, files);
        let made = host.setup([Input::answers(&[("how", "own")])]).run().expect("signed in");
        let login = &made.credential;
        let kept = host.definition().parse_credential(host.definition().serialize_credential(login).unwrap().expose());
        let mode = host.definition().usage().unwrap().auth_mode(login);
        assert_eq!(mode, host.definition().usage().unwrap().auth_mode(&kept.unwrap()), "it is kept");
        mode
    };
    assert_eq!(mode("claude", &signed_in("claude")).as_deref(), Some("subscription"));
    // The login of a console, or of a version that does not name the plan, has no such field.
    let mut console = signed_in("claude");
    console
        .iter_mut()
        .for_each(|(_, text)| *text = text.replace(r#""subscriptionType": "max""#, r#""subscriptionType": null"#));
    assert_eq!(mode("claude", &console), None);
    let codex = |plan| [("auth.json", codex_login_of_plan("ada@example.com", "acc-1", plan))];
    assert_eq!(mode("codex", &codex("free")), None);
    assert_eq!(mode("codex", &codex("plus")).as_deref(), Some("subscription"));
    assert_eq!(mode("gemini", &signed_in("gemini")), None);
}
