//! Converts snapshots and metrics to and from JSON. Names are in camel case, and times are as in RFC 3339.
//!
//! A metric of an unknown kind, or without a field that its kind requires, is kept unchanged, and so are unknown
//! fields. A value that JSON or RFC 3339 cannot express is left out.
//!
//! # Examples
//!
//! ```
//! use connection_core::usage_json;
//! use connection_contract::{Timestamp, TokenUtilization, UsageSnapshot};
//!
//! let at = Timestamp::from_seconds(1_800_000_000);
//! let snapshot = UsageSnapshot::new(at).metric(TokenUtilization::new("context", "Context", 7));
//! let json = usage_json::to_value(&snapshot);
//! assert_eq!(json["observedAt"].as_str(), Some("2027-01-15T08:00:00Z"));
//! assert_eq!(usage_json::from_value(&json), Some(snapshot));
//! ```

use std::ops::RangeInclusive;

use connection_contract::{MonthlySpend, TimeWindow, Timestamp, TokenUtilization, UsageMetric, UsageSnapshot, Value};

const MONTHLY_SPEND: &str = "monthly_spend";
const TIME_WINDOW: &str = "time_window";
const TOKEN_UTILIZATION: &str = "token_utilization";

/// The years 0 to 9999, which RFC 3339 can express.
const TIMESTAMP_RANGE: RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// The fields of each kind that this version knows.
const SPEND_MEMBERS: &[&str] = &["kind", "id", "label", "spentUsd", "budgetUsd", "cycleStart", "cycleEnd"];
const TOKEN_MEMBERS: &[&str] = &["kind", "id", "label", "used", "max"];
const WINDOW_MEMBERS: &[&str] =
    &["kind", "id", "label", "utilization", "used", "limit", "unit", "resetsAt", "windowSeconds"];

type Fields = Vec<(String, Value)>;

/// Converts a snapshot to `{"metrics": […], "observedAt": "…", "raw": …}`, where `raw` may be `null`.
pub fn to_value(snapshot: &UsageSnapshot) -> Value {
    let metrics = snapshot.metrics.iter().map(metric_to_value).collect();
    let raw = snapshot.raw.clone().unwrap_or(Value::Null);
    let at = time(snapshot.observed_at).unwrap_or(Value::Null);
    Value::object([("metrics", Value::List(metrics)), ("observedAt", at), ("raw", raw)])
}

/// Reads what [`to_value`] wrote. Returns `None` for a value without `observedAt`.
pub fn from_value(value: &Value) -> Option<UsageSnapshot> {
    let mut snapshot = UsageSnapshot::new(to_time(&value["observedAt"])?);
    snapshot.metrics = value["metrics"].items().iter().map(metric_from_value).collect();
    snapshot.raw = Some(value["raw"].clone()).filter(|raw| *raw != Value::Null);
    Some(snapshot)
}

/// Converts a metric, with its `kind`. Numbers that are not finite and times after the year 9999 are left out.
pub fn metric_to_value(metric: &UsageMetric) -> Value {
    match metric {
        UsageMetric::MonthlySpend(spend) => {
            let mut fields = head(MONTHLY_SPEND, &spend.id, spend.label.as_str());
            put(&mut fields, "spentUsd", number(spend.spent_usd));
            put(&mut fields, "budgetUsd", spend.budget_usd.and_then(number));
            put(&mut fields, "cycleStart", time(spend.cycle_start));
            put(&mut fields, "cycleEnd", time(spend.cycle_end));
            put_others(&mut fields, SPEND_MEMBERS, &spend.others);
            Value::Map(fields)
        }
        UsageMetric::TimeWindow(window) => {
            let mut fields = head(TIME_WINDOW, &window.id, window.label.as_str());
            put(&mut fields, "utilization", number(window.utilization));
            put(&mut fields, "used", window.used.and_then(number));
            put(&mut fields, "limit", window.limit.and_then(number));
            put(&mut fields, "unit", window.unit.as_deref().map(Value::from));
            put(&mut fields, "resetsAt", window.resets_at.and_then(time));
            put(&mut fields, "windowSeconds", window.window_seconds.map(whole));
            put_others(&mut fields, WINDOW_MEMBERS, &window.others);
            Value::Map(fields)
        }
        UsageMetric::TokenUtilization(tokens) => {
            let mut fields = head(TOKEN_UTILIZATION, &tokens.id, tokens.label.as_str());
            fields.push(("used".into(), whole(tokens.used)));
            put(&mut fields, "max", tokens.max.map(whole));
            put_others(&mut fields, TOKEN_MEMBERS, &tokens.others);
            Value::Map(fields)
        }
        UsageMetric::Other(value) => value.clone(),
        _ => Value::Null,
    }
}

/// Reads a metric. A value that is not a valid metric of a known kind becomes [`UsageMetric::Other`].
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
    let (id, label, spent) = (text(value, "id")?, text(value, "label")?, to_number(&value["spentUsd"])?);
    let (start, end) = (to_time(&value["cycleStart"])?, to_time(&value["cycleEnd"])?);
    let mut spend = MonthlySpend::new(id, label, spent, start, end);
    spend.budget_usd = optional(value, "budgetUsd", to_number)?;
    spend.others = others(value, SPEND_MEMBERS);
    Some(spend.into())
}

fn time_window(value: &Value) -> Option<UsageMetric> {
    let mut window = TimeWindow::new(text(value, "id")?, text(value, "label")?, to_number(&value["utilization"])?);
    window.used = optional(value, "used", to_number)?;
    window.limit = optional(value, "limit", to_number)?;
    window.unit = optional(value, "unit", |unit| unit.as_str().map(|unit| unit.to_owned().into()))?;
    window.resets_at = optional(value, "resetsAt", to_time)?;
    window.window_seconds = optional(value, "windowSeconds", to_whole)?;
    window.others = others(value, WINDOW_MEMBERS);
    Some(window.into())
}

fn token_utilization(value: &Value) -> Option<UsageMetric> {
    let mut tokens = TokenUtilization::new(text(value, "id")?, text(value, "label")?, to_whole(&value["used"])?);
    tokens.max = optional(value, "max", to_whole)?;
    tokens.others = others(value, TOKEN_MEMBERS);
    Some(tokens.into())
}

fn head(kind: &str, id: &str, label: &str) -> Fields {
    [("kind", kind), ("id", id), ("label", label)].map(|(name, text)| (name.to_owned(), text.into())).into()
}

fn put(fields: &mut Fields, name: &str, value: Option<Value>) {
    fields.extend(value.map(|value| (name.to_owned(), value)));
}

/// Adds unknown fields. They never replace a known field.
fn put_others(fields: &mut Fields, known: &[&str], others: &[(String, Value)]) {
    fields.extend(others.iter().filter(|(name, _)| !known.contains(&&**name)).cloned());
}

fn others(value: &Value, known: &[&str]) -> Fields {
    let Value::Map(fields) = value else { return Vec::new() };
    fields.iter().filter(|(name, _)| !known.contains(&&**name)).cloned().collect()
}

fn number(number: f64) -> Option<Value> {
    number.is_finite().then(|| Value::Number(number.to_string()))
}

fn whole(number: u64) -> Value {
    Value::Number(number.to_string())
}

fn time(at: Timestamp) -> Option<Value> {
    TIMESTAMP_RANGE.contains(&at.seconds()).then(|| Value::Text(at.to_rfc3339()))
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

/// Reads an optional field. Returns `None` if it has an invalid value; a missing field and `null` are the same.
fn optional<T>(value: &Value, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<Option<T>> {
    match &value[name] {
        Value::Null => Some(None),
        found => read(found).map(Some),
    }
}
