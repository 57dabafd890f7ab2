//! Usage for people: bars for metrics with a limit, and the age of the data.

use connection_agent::usage_json;
use connection_contract::{
    DisplayText, MonthlySpend, TimeWindow, Timestamp, TokenUtilization, UsageMetric, UsageSnapshot, Value,
};

use super::AccountUsage;
use crate::{
    Error,
    output::{Output, Table, moment},
};

/// The length of a full bar, in characters.
const LENGTH: usize = 20;
/// The minimum age, in seconds, that is shown.
const FRESH: u64 = 60;

pub(super) fn print(output: &Output, of: &AccountUsage, now: Timestamp) -> Result<(), Error> {
    output.line(heading(of))?;
    let Some(snapshot) = snapshot(of) else {
        return match &of.usage.error {
            Some(error) => output.line(format!("  {}", error.message)),
            None => output.line("  nothing was fetched yet"),
        };
    };
    let mut table = Table::new(["", "", "", ""], 1).without_heading();
    for metric in &snapshot.metrics {
        let [label, bar, amount, note] = cells(metric, now);
        table.row([format!("  {label}").into(), bar.into(), amount.into(), note.into()]);
    }
    output.table(&table)?;
    if snapshot.metrics.is_empty() {
        output.line("  nothing is measured")?;
    }
    for line in notes(of, &snapshot, now) {
        output.line(format!("  {line}"))?;
    }
    Ok(())
}

/// Reads the snapshot of the usage.
fn snapshot(of: &AccountUsage) -> Option<UsageSnapshot> {
    let text = of.usage.snapshot.as_ref()?.to_string();
    usage_json::from_value(&Value::parse(text.as_bytes()).ok()?)
}

/// Returns the heading: `codex · work · ada@example.com · api_key`, with `codex:LABEL` if the profile has several.
fn heading(of: &AccountUsage) -> String {
    let clean = |text: &String| DisplayText::from(text.clone()).to_string();
    let mut parts = vec![of.name.clone(), of.label.clone()];
    parts.extend(of.usage.account.as_ref().map(clean));
    parts.extend(of.usage.auth_mode.as_ref().map(clean));
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// Returns the age of the data, and the reason why there is nothing newer.
fn notes(of: &AccountUsage, snapshot: &UsageSnapshot, now: Timestamp) -> Vec<String> {
    let age = of.usage.age.unwrap_or_default();
    let at = now.seconds().saturating_sub(i64::try_from(age).unwrap_or(i64::MAX));
    let mut notes = Vec::new();
    if age >= FRESH || of.usage.error.is_some() {
        notes.push(format!("fetched {}", moment(Timestamp::from_seconds(at), now)));
    }
    // The last data that a tool wrote may be much older than the request for it.
    let before = at.saturating_sub(snapshot.observed_at.seconds());
    if u64::try_from(before).is_ok_and(|before| before >= FRESH) {
        notes.push(format!("as of {}", moment(snapshot.observed_at, now)));
    }
    if let Some(error) = &of.usage.error {
        let remedy = error.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        notes.push(format!("not updated: {}{remedy}", error.message));
    }
    notes
}

fn cells(metric: &UsageMetric, now: Timestamp) -> [String; 4] {
    match metric {
        UsageMetric::MonthlySpend(spend) => of_spend(spend, now),
        UsageMetric::TimeWindow(window) => of_window(window, now),
        UsageMetric::TokenUtilization(tokens) => of_tokens(tokens),
        UsageMetric::Other(value) => {
            let label = value["label"].as_str().or(value["id"].as_str()).unwrap_or("something else").to_owned();
            [DisplayText::from(label).to_string(), String::new(), String::new(), "this version cannot show it".into()]
        }
        _ => ["something else".into(), String::new(), String::new(), "this version cannot show it".into()],
    }
}

fn of_window(window: &TimeWindow, now: Timestamp) -> [String; 4] {
    let unit =
        window.unit.as_deref().map(|unit| format!(" {}", DisplayText::from(unit.to_owned()))).unwrap_or_default();
    let amount = match (window.used, window.limit) {
        (Some(used), Some(limit)) => format!(" ({used} of {limit}{unit})"),
        _ => String::new(),
    };
    let resets = window.resets_at.map_or(String::new(), |at| format!("resets {}", moment(at, now)));
    [window.label.to_string(), bar(window.utilization), format!("{}{amount}", percent(window.utilization)), resets]
}

fn of_tokens(tokens: &TokenUtilization) -> [String; 4] {
    let part = tokens.max.filter(|max| *max > 0).map(|max| share(tokens.used as f64, max as f64));
    let amount = match tokens.max {
        Some(max) => format!("{} of {max} tokens", tokens.used),
        None => format!("{} tokens", tokens.used),
    };
    [tokens.label.to_string(), part.map_or(String::new(), bar), amount, String::new()]
}

fn of_spend(spend: &MonthlySpend, now: Timestamp) -> [String; 4] {
    let part = spend.budget_usd.filter(|budget| *budget > 0.0).map(|budget| share(spend.spent_usd, budget));
    let amount = match spend.budget_usd {
        Some(budget) => format!("{:.2} of {budget:.2} USD", spend.spent_usd),
        None => format!("{:.2} USD", spend.spent_usd),
    };
    let ends = format!("until {}", moment(spend.cycle_end, now));
    [spend.label.to_string(), part.map_or(String::new(), bar), amount, ends]
}

fn share(used: f64, of: f64) -> f64 {
    if of > 0.0 { (used / of).clamp(0.0, 1.0) } else { 0.0 }
}

/// Returns a bar such as `███████░░░░░░░░░░░░░`. It is empty only at zero, and full only at the limit.
fn bar(part: f64) -> String {
    // A float that is clamped to this range fits.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and the length")]
    let rounded = (share(part, 1.0) * LENGTH as f64).round() as usize;
    let least = usize::from(part > 0.0);
    let most = if part < 1.0 { LENGTH - 1 } else { LENGTH };
    let full = rounded.clamp(least, most.max(least));
    "█".repeat(full) + &"░".repeat(LENGTH - full)
}

fn percent(part: f64) -> String {
    format!("{:.0} %", share(part, 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_empty_or_full_only_when_it_is() {
        let full = |part| bar(part).chars().filter(|c| *c == '█').count();
        for (part, expected) in
            [(0.0, 0), (0.001, 1), (0.5, 10), (0.999, 19), (1.0, 20), (7.0, 20), (-1.0, 0), (f64::NAN, 0)]
        {
            assert_eq!(full(part), expected, "{part}");
            assert_eq!(bar(part).chars().count(), LENGTH);
        }
    }

    #[test]
    fn each_metric_is_told_in_its_unit() {
        let now = Timestamp::from_seconds(1_000_000);
        let window = TimeWindow::new("a", "5 hours", 0.25).amount(1.0, 4.0, "requests").resets_at(now.after(7200));
        let [label, _, amount, note] = cells(&window.into(), now);
        assert_eq!((&*label, &*amount, &*note), ("5 hours", "25 % (1 of 4 requests)", "resets in 2 hours"));
        let odd = TimeWindow::new("a", "5 hours", 0.25).amount(1.0, 4.0, "\u{1b}[2Jrequests");
        assert_eq!(cells(&odd.into(), now)[2], "25 % (1 of 4 [2Jrequests)", "a unit moves no terminal");
        let [_, bar, amount, _] = cells(&TokenUtilization::new("a", "Context", 50).into(), now);
        assert_eq!((&*bar, &*amount), ("", "50 tokens"));
        let spend = MonthlySpend::new("a", "Month", 1.5, now, now.after(86_400)).budget(3.0);
        let [_, bar, amount, note] = cells(&spend.into(), now);
        assert_eq!((bar.matches('█').count(), &*amount, &*note), (10, "1.50 of 3.00 USD", "until in 1 day"));
        let other = Value::object([("kind", "new".into()), ("label", "New".into())]);
        assert_eq!(cells(&UsageMetric::Other(other), now)[0], "New");
    }
}
