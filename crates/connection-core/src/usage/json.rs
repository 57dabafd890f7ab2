//! Snapshots and metrics as JSON, both ways: names in camel case, times as RFC 3339 has them.
//!
//! A metric of a kind that this version does not know, or that lacks what its kind must have, stays what it was.

use connection_contract::{MonthlySpend, TimeWindow, Timestamp, TokenUtilization, UsageMetric, UsageSnapshot, Value};

const MONTHLY_SPEND: &str = "monthly_spend";
const TIME_WINDOW: &str = "time_window";
const TOKEN_UTILIZATION: &str = "token_utilization";

type Fields = Vec<(String, Value)>;

/// `{"metrics": […], "observedAt": "…"}`.
pub fn to_value(snapshot: &UsageSnapshot) -> Value {
    let metrics = snapshot.metrics.iter().map(metric_to_value).collect();
    Value::object([("metrics", Value::List(metrics)), ("observedAt", time(snapshot.observed_at))])
}

/// What [`to_value`] wrote; `None` for a value without `observedAt`.
pub fn from_value(value: &Value) -> Option<UsageSnapshot> {
    let mut snapshot = UsageSnapshot::new(to_time(&value["observedAt"])?);
    snapshot.metrics = value["metrics"].items().iter().map(metric_from_value).collect();
    Some(snapshot)
}

/// A metric with its `kind`. A number that JSON does not have is left out.
pub fn metric_to_value(metric: &UsageMetric) -> Value {
    match metric {
        UsageMetric::MonthlySpend(spend) => {
            let mut fields = head(MONTHLY_SPEND, &spend.id, spend.label.as_str());
            fields.push(("spentUsd".into(), number(spend.spent_usd).unwrap_or_else(zero)));
            put(&mut fields, "budgetUsd", spend.budget_usd.and_then(number));
            put(&mut fields, "cycleStart", Some(time(spend.cycle_start)));
            put(&mut fields, "cycleEnd", Some(time(spend.cycle_end)));
            Value::Map(fields)
        }
        UsageMetric::TimeWindow(window) => {
            let mut fields = head(TIME_WINDOW, &window.id, window.label.as_str());
            fields.push(("utilization".into(), number(window.utilization).unwrap_or_else(zero)));
            put(&mut fields, "used", window.used.and_then(number));
            put(&mut fields, "limit", window.limit.and_then(number));
            put(&mut fields, "unit", window.unit.as_deref().map(Value::from));
            put(&mut fields, "resetsAt", window.resets_at.map(time));
            put(&mut fields, "windowSeconds", window.window_seconds.map(whole));
            Value::Map(fields)
        }
        UsageMetric::TokenUtilization(tokens) => {
            let mut fields = head(TOKEN_UTILIZATION, &tokens.id, tokens.label.as_str());
            fields.push(("used".into(), whole(tokens.used)));
            put(&mut fields, "max", tokens.max.map(whole));
            Value::Map(fields)
        }
        UsageMetric::Other(value) => value.clone(),
        _ => Value::Null,
    }
}

/// The metric that a value is.
pub fn metric_from_value(value: &Value) -> UsageMetric {
    let known = match value["kind"].as_str() {
        Some(MONTHLY_SPEND) => monthly_spend(value),
        Some(TIME_WINDOW) => time_window(value),
        Some(TOKEN_UTILIZATION) => token_utilization(value),
        _ => None,
    };
    known.unwrap_or_else(|| UsageMetric::Other(value.clone()))
}

fn monthly_spend(value: &Value) -> Option<UsageMetric> {
    let cycle = (to_time(&value["cycleStart"])?, to_time(&value["cycleEnd"])?);
    let mut spend = MonthlySpend::new(text(value, "id")?, text(value, "label")?, to_number(&value["spentUsd"])?, cycle);
    spend.budget_usd = optional(value, "budgetUsd", to_number)?;
    Some(spend.into())
}

fn time_window(value: &Value) -> Option<UsageMetric> {
    let mut window = TimeWindow::new(text(value, "id")?, text(value, "label")?, to_number(&value["utilization"])?);
    window.used = optional(value, "used", to_number)?;
    window.limit = optional(value, "limit", to_number)?;
    window.unit = optional(value, "unit", |unit| unit.as_str().map(|unit| unit.to_owned().into()))?;
    window.resets_at = optional(value, "resetsAt", to_time)?;
    window.window_seconds = optional(value, "windowSeconds", to_whole)?;
    Some(window.into())
}

fn token_utilization(value: &Value) -> Option<UsageMetric> {
    let mut tokens = TokenUtilization::new(text(value, "id")?, text(value, "label")?, to_whole(&value["used"])?);
    tokens.max = optional(value, "max", to_whole)?;
    Some(tokens.into())
}

fn head(kind: &str, id: &str, label: &str) -> Fields {
    [("kind", kind), ("id", id), ("label", label)].map(|(name, text)| (name.to_owned(), text.into())).into()
}

fn put(fields: &mut Fields, name: &str, value: Option<Value>) {
    fields.extend(value.map(|value| (name.to_owned(), value)));
}

fn zero() -> Value {
    Value::Number("0".into())
}

fn number(number: f64) -> Option<Value> {
    number.is_finite().then(|| Value::Number(number.to_string()))
}

fn whole(number: u64) -> Value {
    Value::Number(number.to_string())
}

fn time(at: Timestamp) -> Value {
    Value::Text(at.to_rfc3339())
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

fn to_number(value: &Value) -> Option<f64> {
    let Value::Number(digits) = value else { return None };
    digits.parse().ok().filter(|number: &f64| number.is_finite())
}

fn to_whole(value: &Value) -> Option<u64> {
    let Value::Number(digits) = value else { return None };
    digits.parse().ok()
}

fn to_time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(Timestamp::parse_rfc3339)
}

/// `None` when it is there and is none; absent and `null` are the same.
fn optional<T>(value: &Value, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<Option<T>> {
    match &value[name] {
        Value::Null => Some(None),
        found => read(found).map(Some),
    }
}
