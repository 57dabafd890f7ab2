//! A plugin's report about the usage of an account, and its limits. A report that exceeds them is the plugin's
//! fault.

use std::{ops::RangeInclusive, sync::Arc};

use connection_contract::{Kind, NotLive, Timestamp, UsageMetric, UsageSnapshot, Value};

use crate::{ConnectionId, limits};

const MAX_METRICS: usize = 100;
const MAX_ID_LENGTH: usize = 128;
/// The maximum length of a unit, or of the name of a payment mode.
pub(crate) const MAX_WORD_LENGTH: usize = 128;
/// The maximum size of a metric of an unknown kind.
const MAX_OTHER_LENGTH: usize = 16 * 1024;
/// The maximum total size of the unknown fields of a metric.
const MAX_OTHERS_LENGTH: usize = 16 * 1024;
/// The maximum size of the provider's raw answer, and of the document of a session.
pub(crate) const MAX_RAW_LENGTH: usize = 64 * 1024;
/// The years 0 to 9999, which RFC 3339 can express.
const TIMESTAMP_RANGE: RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// The result of a fetch of a connection's usage.
///
/// [`Connection::fetch_usage`](crate::Connection::fetch_usage) has an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchedUsage {
    /// The id of the connection whose usage it is.
    pub connection: ConnectionId,
    /// The id of the account that the usage belongs to.
    pub account: String,
    /// The credential that was used last, as a number that grows with each credential that is stored for the
    /// connection; `None` if none could be opened.
    pub credential: Option<u64>,
    /// The usage, or the reason why there is none now.
    pub result: Result<Arc<UsageSnapshot>, NotLive>,
}

/// The number that a metric of an account had at a time.
///
/// [`Connection::usage_history`](crate::Connection::usage_history) has an example.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UsagePoint {
    /// The id of the metric.
    pub metric: String,
    /// The beginning of the ten minutes in which the number was fetched last.
    pub at: Timestamp,
    /// The used share from 0 to 1 of a time window, the number of used tokens, or the spent amount in US dollars.
    pub value: f64,
}

/// Returns the id and the number of a metric, if its history is kept.
pub(crate) fn number(metric: &UsageMetric) -> Option<(&str, f64)> {
    match metric {
        UsageMetric::MonthlySpend(spend) => Some((&*spend.id, spend.spent_usd)),
        UsageMetric::TimeWindow(window) => Some((&*window.id, window.utilization)),
        #[expect(clippy::cast_precision_loss, reason = "a plot does not show the last of so many digits")]
        UsageMetric::TokenUtilization(tokens) => Some((&*tokens.id, tokens.used as f64)),
        _ => None,
    }
}

/// Checks the size of a snapshot. The length of the provider's raw answer is not the plugin's fault, so it is left
/// out if it is too long; the metrics are valid without it.
pub(crate) fn bounded(mut snapshot: UsageSnapshot, kind: &Kind) -> Result<UsageSnapshot, &'static str> {
    check_time(snapshot.observed_at)?;
    check_metrics(&snapshot.metrics)?;
    snapshot.raw.take_if(|raw| *raw == Value::Null);
    if snapshot.raw.take_if(|raw| !limits::is_json(raw, MAX_RAW_LENGTH)).is_some() {
        tracing::warn!(%kind, "a provider's answer about usage is not JSON, or has more than 64 KiB, and is left out");
    }
    Ok(snapshot)
}

/// Checks metrics. Their fields are public, so they may have changed since their constructors checked them.
pub(crate) fn check_metrics(metrics: &[UsageMetric]) -> Result<(), &'static str> {
    check_json(metrics)?;
    if metrics.len() > MAX_METRICS {
        return Err("the plugin reports more than 100 metrics");
    }
    let mut seen = Vec::new();
    for metric in metrics {
        let (id, numbers) = match metric {
            UsageMetric::MonthlySpend(spend) => (&*spend.id, [Some(spend.spent_usd), spend.budget_usd]),
            UsageMetric::TimeWindow(window) => {
                if !(0.0..=1.0).contains(&window.utilization) {
                    return Err("the used part of a window is not between 0 and 1");
                }
                if window.unit.as_ref().is_some_and(|unit| unit.len() > MAX_WORD_LENGTH) {
                    return Err("a metric's unit has more than 128 bytes");
                }
                (&*window.id, [window.used, window.limit])
            }
            UsageMetric::TokenUtilization(tokens) => (&*tokens.id, [None, None]),
            UsageMetric::Other(value) if !limits::is_json(value, MAX_OTHER_LENGTH) => {
                return Err("the plugin reports a metric that is not JSON, or has more than 16 KiB or 32 levels");
            }
            _ => continue,
        };
        if id.is_empty() || id.len() > MAX_ID_LENGTH {
            return Err("a metric's id is empty or has more than 128 bytes");
        }
        if !numbers.into_iter().flatten().all(f64::is_finite) {
            return Err("a metric has a number that is not finite");
        }
        if seen.contains(&id) {
            return Err("two metrics have the same id");
        }
        seen.push(id);
    }
    Ok(())
}

/// Checks that all times of the metrics can be written, and that their unknown fields are not too large.
fn check_json(metrics: &[UsageMetric]) -> Result<(), &'static str> {
    for metric in metrics {
        let others = match metric {
            UsageMetric::MonthlySpend(spend) => {
                check_time(spend.cycle_start)?;
                check_time(spend.cycle_end)?;
                &spend.others
            }
            UsageMetric::TimeWindow(window) => {
                window.resets_at.map_or(Ok(()), check_time)?;
                &window.others
            }
            UsageMetric::TokenUtilization(tokens) => &tokens.others,
            _ => continue,
        };
        if !limits::is_json(&Value::Map(others.clone()), MAX_OTHERS_LENGTH) {
            return Err("a metric has other fields that are not JSON, or have more than 16 KiB or 32 levels");
        }
    }
    Ok(())
}

/// Checks that a time can be written.
fn check_time(at: Timestamp) -> Result<(), &'static str> {
    match TIMESTAMP_RANGE.contains(&at.seconds()) {
        true => Ok(()),
        false => Err("a metric's time is not in the years 0 to 9999"),
    }
}

#[cfg(test)]
mod tests {
    use connection_contract::{MonthlySpend, TimeWindow, TokenUtilization};

    use super::*;

    #[test]
    fn a_host_takes_no_time_that_cannot_be_written_and_so_much_of_what_nobody_knows() {
        // Milliseconds that were taken for seconds.
        let at = Timestamp::from_seconds(1_800_000_000);
        let far = Timestamp::from_seconds(1_800_000_000_000);
        let of = |metric: UsageMetric| check_json(&[metric]);
        let window = |at| TimeWindow::new("a", "A", 0.5).resets_at(at);
        assert_eq!(of(window(at).into()), Ok(()));
        let time = Err("a metric's time is not in the years 0 to 9999");
        assert_eq!(of(window(far).into()), time);
        assert_eq!(of(MonthlySpend::new("a", "A", 1.0, (at, far)).into()), time);
        assert_eq!((check_time(at), check_time(far)), (Ok(()), time));
        let mut tokens = TokenUtilization::new("a", "A", 1);
        tokens.others = vec![("x".into(), Value::Text("x".repeat(MAX_OTHERS_LENGTH - 8)))];
        assert_eq!(of(tokens.clone().into()), Ok(()));
        tokens.others[0].0.push('x');
        assert_eq!(
            of(tokens.into()),
            Err("a metric has other fields that are not JSON, or have more than 16 KiB or 32 levels")
        );
    }
}
