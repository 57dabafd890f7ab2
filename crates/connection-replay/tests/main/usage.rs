//! Limits on a report about usage. The poller's tests in `connection-agent` check the limits that a host reports.

use connection_contract::{MonthlySpend, TimeWindow, Timestamp, TokenUtilization, UsageMetric, UsageSnapshot, Value};
use connection_replay::usage::{MAX_RAW_LENGTH, bound, check_metrics};

#[test]
fn a_host_accepts_only_times_that_can_be_written_and_a_limited_size_of_unknown_fields() {
    // Milliseconds that were taken for seconds.
    let at = Timestamp::from_seconds(1_800_000_000);
    let far = Timestamp::from_seconds(1_800_000_000_000);
    let check = |metric: UsageMetric| check_metrics(&[metric]);
    let window = |at| TimeWindow::new("a", "A", 0.5).resets_at(at);
    assert_eq!(check(window(at).into()), Ok(()));
    let time = Err("a metric's time is not in the years 0 to 9999");
    assert_eq!(check(window(far).into()), time);
    assert_eq!(check(MonthlySpend::new("a", "A", 1.0, at, far).into()), time);
    let mut tokens = TokenUtilization::new("a", "A", 1);
    tokens.others = vec![("x".into(), Value::Text("x".repeat(16 * 1024 - 8)))];
    assert_eq!(check(tokens.clone().into()), Ok(()));
    tokens.others[0].0.push('x');
    let others = Err("a metric has other fields that are not JSON, or have more than 16 KiB or 32 levels");
    assert_eq!(check(tokens.into()), others);
}

#[test]
fn a_raw_answer_that_is_too_long_is_left_out_and_the_metrics_stay() {
    let snapshot = |length: usize| {
        let snapshot = UsageSnapshot::new(Timestamp::from_seconds(0)).metric(TokenUtilization::new("a", "A", 1));
        snapshot.raw(Value::Text("x".repeat(length)))
    };
    // Two bytes are the quotation marks.
    let mut fits = snapshot(MAX_RAW_LENGTH - 2);
    assert_eq!((bound(&mut fits), fits.raw.is_some()), (Ok(false), true));
    let mut long = snapshot(MAX_RAW_LENGTH - 1);
    assert_eq!((bound(&mut long), long.raw.is_some(), long.metrics.len()), (Ok(true), false, 1));
}
