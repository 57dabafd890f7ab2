//! Metrics of a running session, from the document in which a tool reports on it.
//!
//! A part that is missing or has another form yields no metric. Only numbers, times and the names of windows leave this
//! module.

use connection_contract::prelude::*;

use crate::spec::Session;

/// Windows that Claude Code is known to report, in the order in which they are shown, with their length in seconds.
const WINDOWS: [(&str, u64); 2] = [("five_hour", 5 * 3600), ("seven_day", 7 * 86_400)];
/// Maximum number of windows that are shown from one document.
const MAX_WINDOWS: usize = 16;
/// Maximum length of the name of a window.
const MAX_NAME_LENGTH: usize = 64;

/// Returns the metrics of a session: the context, the windows of a subscription, and the tokens of the whole session.
pub(crate) fn metrics(form: Session, session: &SessionTokens) -> Vec<UsageMetric> {
    let mut metrics = Vec::new();
    let said = session.document.as_ref();
    let counted = session.context_used > 0 || session.context_max.is_some() || said.is_none();
    // A count of the host takes precedence over the document.
    let counted = counted.then_some((session.context_used, session.context_max));
    let from_document = || match (form, said?) {
        (Session::Context, _) => None,
        (Session::StatusLine, said) => context_of_status_line(&said["context_window"]),
        (Session::Telemetry, said) => context_of_event(said),
    };
    if let Some((used, max)) = counted.or_else(from_document) {
        let context = TokenUtilization::new("context", "Context", used);
        metrics.push(max.map_or(context.clone(), |max| context.max(max)).into());
    }
    match (form, said) {
        (Session::StatusLine, Some(said)) => metrics.extend(windows(&said["rate_limits"]).map(UsageMetric::from)),
        (Session::Telemetry, Some(said)) => {
            metrics.extend(whole_session(&said["stats"]["models"]).map(UsageMetric::from))
        }
        _ => {}
    }
    metrics
}

/// Returns the tokens of the last request, which are the ones in the context, and how many fit.
fn context_of_status_line(context: &Value) -> Option<(u64, Option<u64>)> {
    let max = whole(&context["context_window_size"]);
    let parts = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    let parts: Vec<_> = parts.iter().filter_map(|part| whole(&context["current_usage"][*part])).collect();
    let used = parts.into_iter().reduce(u64::saturating_add)?;
    Some((used, max))
}

/// Returns the tokens of the request that an event reports, which are the ones in the context.
fn context_of_event(event: &Value) -> Option<(u64, Option<u64>)> {
    let attributes = if event["attributes"] == Value::Null { event } else { &event["attributes"] };
    Some((whole(&attributes["input_token_count"])?, None))
}

/// Returns the windows of a subscription, the known ones first. A window that a later version adds is shown by its
/// name.
fn windows(limits: &Value) -> impl Iterator<Item = TimeWindow> {
    let Value::Map(fields) = limits else { return Vec::new().into_iter() };
    let is_known = |name: &str| WINDOWS.iter().any(|(known, _)| *known == name);
    let known = WINDOWS.iter().filter_map(|(name, seconds)| window(name, Some(*seconds), &limits[*name]));
    let later = fields.iter().filter(|(name, _)| !is_known(name) && is_name(name));
    let later = later.filter_map(|(name, limit)| window(name, None, limit));
    let mut windows: Vec<TimeWindow> = Vec::new();
    for window in known.chain(later) {
        if windows.len() < MAX_WINDOWS && windows.iter().all(|other| other.id != window.id) {
            windows.push(window);
        }
    }
    windows.into_iter()
}

fn window(name: &str, seconds: Option<u64>, limit: &Value) -> Option<TimeWindow> {
    let percent = number(&limit["used_percentage"]).filter(|percent| percent.is_finite())?;
    let label = match seconds {
        Some(seconds) => format!("Limit of {}", spoken(seconds)),
        None => format!("Limit {}", name.replace('_', " ")),
    };
    let window = TimeWindow::new(name.to_owned(), label, percent / 100.0);
    let window = seconds.map_or(window.clone(), |seconds| window.window(Duration::from_secs(seconds)));
    let reset = &limit["resets_at"];
    let reset = match reset.as_str() {
        Some(text) => Timestamp::parse(text),
        None => reset.as_i64().map(Timestamp::from_seconds),
    };
    Some(reset.map_or(window.clone(), |reset| window.resets_at(reset)))
}

/// Returns `true` for a name that can be an id and that can be shown.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=MAX_NAME_LENGTH).contains(&name.len()) && name.chars().all(plain)
}

/// Returns the tokens that all models used in the session.
fn whole_session(models: &Value) -> Option<TokenUtilization> {
    let Value::Map(models) = models else { return None };
    let totals = models.iter().filter_map(|(_, model)| whole(&model["tokens"]["total"]));
    Some(TokenUtilization::new("session", "Session", totals.reduce(u64::saturating_add)?))
}

fn whole(value: &Value) -> Option<u64> {
    value.as_i64().and_then(|number| u64::try_from(number).ok())
}

/// Formats a duration: `5 hours` for 18000.
pub(crate) fn spoken(seconds: u64) -> String {
    let (number, unit) = match seconds {
        s if s >= 86_400 && s % 86_400 == 0 => (s / 86_400, "day"),
        s if s >= 3600 && s % 3600 == 0 => (s / 3600, "hour"),
        s => (s / 60, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// Parses a number that is written as a number or as text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(digits) | Value::Text(digits) => digits.parse().ok(),
        _ => None,
    }
}
