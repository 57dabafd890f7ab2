//! Metrics as JSON: the names are pinned, and what this version does not know survives.

use connection_contract::{
    MonthlySpend, TimeWindow, Timestamp, TokenUtilization, UsageMetric, UsageSnapshot, Value,
};
use connection_core::usage_json;
use proptest::prelude::*;

fn parse(json: &str) -> Value {
    Value::parse(json.as_bytes()).unwrap()
}

/// R-JACK-045, R-JACK-046
#[test]
fn each_metric_has_the_names_that_others_read() {
    let at = Timestamp::from_seconds(1_800_000_000);
    let week = TimeWindow::new("week", "This week", 0.5).amount(50.0, 100.5, "tokens").resets_at(at);
    let snapshot = UsageSnapshot::new(at)
        .metric(week.window(std::time::Duration::from_secs(604_800)))
        .metric(TokenUtilization::new("context", "Context", 7).max(200_000))
        .metric(MonthlySpend::new("spend", "Spend", 1.25, (at, at)).budget(20.0));
    let json = usage_json::to_value(&snapshot).to_string();
    assert_eq!(
        json,
        concat!(
            r#"{"metrics":[{"kind":"time_window","id":"week","label":"This week","utilization":0.5,"used":50,"#,
            r#""limit":100.5,"unit":"tokens","resetsAt":"2027-01-15T08:00:00Z","windowSeconds":604800},"#,
            r#"{"kind":"token_utilization","id":"context","label":"Context","used":7,"max":200000},"#,
            r#"{"kind":"monthly_spend","id":"spend","label":"Spend","spentUsd":1.25,"budgetUsd":20,"#,
            r#""cycleStart":"2027-01-15T08:00:00Z","cycleEnd":"2027-01-15T08:00:00Z"}],"#,
            r#""observedAt":"2027-01-15T08:00:00Z"}"#
        )
    );
    assert_eq!(usage_json::from_value(&parse(&json)), Some(snapshot));
    assert_eq!(usage_json::from_value(&parse("{}")), None);
}

#[test]
fn a_metric_that_lacks_what_its_kind_has_stays_what_it_was() {
    for odd in [r#"{"kind":"time_window","id":"a"}"#, r#"{"kind":"new","n":1e400}"#, "[1]", "null"] {
        let value = parse(odd);
        assert_eq!(usage_json::metric_from_value(&value), UsageMetric::Other(value));
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?".prop_map(Value::Number),
        ".{0,8}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec((".{1,6}", inner), 0..4).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn what_nobody_knows_survives_a_round_trip(mut fields in prop::collection::vec(("[a-z]{1,6}", any_value()), 0..4)) {
        fields.retain(|(name, _)| name != "kind");
        fields.push(("kind".into(), Value::Text("of_tomorrow".into())));
        let value = Value::Map(fields);
        let written = usage_json::metric_to_value(&usage_json::metric_from_value(&value)).to_string();
        prop_assert_eq!(&written, &value.to_string());
        prop_assert_eq!(Value::parse(written.as_bytes()).unwrap(), value);
    }

    #[test]
    fn what_is_known_survives_a_round_trip(
        (part, used, seconds) in (0.0..=1.0_f64, proptest::option::of(0.0..1e12_f64), 0..4_000_000_000_i64),
    ) {
        let mut window = TimeWindow::new("w", "Window", part).resets_at(Timestamp::from_seconds(seconds));
        window.used = used;
        let metric = UsageMetric::from(window);
        let json = usage_json::metric_to_value(&metric).to_string();
        prop_assert_eq!(usage_json::metric_from_value(&parse(&json)), metric);
    }
}
