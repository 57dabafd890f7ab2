//! Metrics as JSON: the names are fixed, and unknown data survives.

use connection_contract::{MonthlySpend, TimeWindow, Timestamp, TokenUtilization, UsageMetric, UsageSnapshot, Value};
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
        .metric(MonthlySpend::new("spend", "Spend", 1.25, at, at).budget(20.0));
    let json = usage_json::to_value(&snapshot).to_string();
    assert_eq!(
        json,
        concat!(
            r#"{"metrics":[{"kind":"time_window","id":"week","label":"This week","utilization":0.5,"used":50,"#,
            r#""limit":100.5,"unit":"tokens","resetsAt":"2027-01-15T08:00:00Z","windowSeconds":604800},"#,
            r#"{"kind":"token_utilization","id":"context","label":"Context","used":7,"max":200000},"#,
            r#"{"kind":"monthly_spend","id":"spend","label":"Spend","spentUsd":1.25,"budgetUsd":20,"#,
            r#""cycleStart":"2027-01-15T08:00:00Z","cycleEnd":"2027-01-15T08:00:00Z"}],"#,
            r#""observedAt":"2027-01-15T08:00:00Z","raw":null}"#
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

/// R-JACK-045
#[test]
fn what_the_provider_said_is_written_beside_the_metrics_and_read_again() {
    let said = parse(r#"{"plan":"max","limits":[1.50,null]}"#);
    let snapshot = UsageSnapshot::new(Timestamp::from_seconds(1_800_000_000)).raw(said);
    let json = usage_json::to_value(&snapshot).to_string();
    let expected = r#"{"metrics":[],"observedAt":"2027-01-15T08:00:00Z","raw":{"plan":"max","limits":[1.50,null]}}"#;
    assert_eq!(json, expected);
    assert_eq!(usage_json::from_value(&parse(&json)), Some(snapshot));
    // JSON from before the field existed.
    let before = usage_json::from_value(&parse(r#"{"metrics":[],"observedAt":"2027-01-15T08:00:00Z"}"#)).unwrap();
    assert_eq!(before.raw, None);
}

/// R-JACK-046
#[test]
fn fields_that_are_not_known_yet_survive_a_round_trip_of_their_kind() {
    for known in [
        r#"{"kind":"time_window","id":"a","label":"A","utilization":0.5,"resetsAt":"2027-01-15T08:00:00Z","max":[1.50]}"#,
        r#"{"kind":"token_utilization","id":"a","label":"A","used":7,"cached":{"of":null}}"#,
        r#"{"kind":"monthly_spend","id":"a","label":"A","spentUsd":1,"cycleStart":"2027-01-15T08:00:00Z","cycleEnd":"2027-01-15T08:00:00Z","currency":null}"#,
    ] {
        let metric = usage_json::metric_from_value(&parse(known));
        assert!(!matches!(metric, UsageMetric::Other(_)));
        assert_eq!(usage_json::metric_to_value(&metric).to_string(), known);
    }
    // The plugin's own fields take precedence over the unknown ones that it keeps.
    let mut tokens = TokenUtilization::new("a", "A", 7);
    tokens.others = vec![("used".into(), Value::Number("8".into())), ("max".into(), Value::Number("9".into()))];
    let json = usage_json::metric_to_value(&tokens.into()).to_string();
    assert_eq!(json, r#"{"kind":"token_utilization","id":"a","label":"A","used":7}"#);
}

#[test]
fn values_that_json_cannot_express_are_omitted() {
    let at = Timestamp::from_seconds(0);
    let far = Timestamp::from_seconds(253_402_300_800);
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let window = TimeWindow::new("a", "A", number).amount(number, 1.0, "tokens");
        let json = usage_json::metric_to_value(&window.into());
        assert_eq!(json.to_string(), r#"{"kind":"time_window","id":"a","label":"A","limit":1,"unit":"tokens"}"#);
        // A field of its kind is missing.
        assert_eq!(usage_json::metric_from_value(&json), UsageMetric::Other(json.clone()));
        let spend = usage_json::metric_to_value(&MonthlySpend::new("a", "A", number, at, at).into());
        assert_eq!(spend["spentUsd"], Value::Null);
    }
    let window = TimeWindow::new("a", "A", 0.0).resets_at(far);
    let json = usage_json::metric_to_value(&window.into()).to_string();
    assert_eq!(json, r#"{"kind":"time_window","id":"a","label":"A","utilization":0}"#);
    assert_eq!(
        usage_json::to_value(&UsageSnapshot::new(far)).to_string(),
        r#"{"metrics":[],"observedAt":null,"raw":null}"#
    );
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
    fn unknown_members_survive_a_round_trip(mut fields in prop::collection::vec(("[a-z]{1,6}", any_value()), 0..4)) {
        fields.retain(|(name, _)| name != "kind");
        fields.push(("kind".into(), Value::Text("of_tomorrow".into())));
        let value = Value::Map(fields);
        let written = usage_json::metric_to_value(&usage_json::metric_from_value(&value)).to_string();
        prop_assert_eq!(&written, &value.to_string());
        prop_assert_eq!(Value::parse(written.as_bytes()).unwrap(), value);
    }

    #[test]
    fn known_members_survive_a_round_trip(
        (part, used, seconds) in (0.0..=1.0_f64, proptest::option::of(0.0..1e12_f64), 0..4_000_000_000_i64),
    ) {
        let mut window = TimeWindow::new("w", "Window", part).resets_at(Timestamp::from_seconds(seconds));
        window.used = used;
        let metric = UsageMetric::from(window);
        let json = usage_json::metric_to_value(&metric).to_string();
        prop_assert_eq!(usage_json::metric_from_value(&parse(&json)), metric);
    }
}
