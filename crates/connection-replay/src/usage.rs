//! Limits on a plugin's report about the usage of an account. A report that exceeds them is the plugin's fault.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use connection_contract::{Timestamp, UsageMetric, UsageSnapshot, Value};

use crate::limits::is_json;

const MAX_METRICS: usize = 100;
const MAX_ID_LENGTH: usize = 128;
/// The maximum length of a unit, or of the name of a payment mode, in bytes.
pub const MAX_WORD_LENGTH: usize = 128;
/// The maximum size of a metric of an unknown kind.
const MAX_OTHER_LENGTH: usize = 16 * 1024;
/// The maximum total size of the unknown fields of a metric.
const MAX_OTHERS_LENGTH: usize = 16 * 1024;
/// The maximum size of the provider's raw answer, and of the document of a session, in bytes.
pub const MAX_RAW_LENGTH: usize = 64 * 1024;
/// The years 0 to 9999, which RFC 3339 can express.
const TIMESTAMP_RANGE: RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// Checks the size of a snapshot. Returns `true` if the provider's raw answer was left out.
///
/// The length of the raw answer is not the plugin's fault, so it is left out if it is too long; the metrics are valid
/// without it.
///
/// # Errors
///
/// The limit that the plugin exceeds.
pub fn bound(snapshot: &mut UsageSnapshot) -> Result<bool, &'static str> {
    check_time(snapshot.observed_at)?;
    check_metrics(&snapshot.metrics)?;
    snapshot.raw.take_if(|raw| *raw == Value::Null);
    Ok(snapshot.raw.take_if(|raw| !is_json(raw, MAX_RAW_LENGTH)).is_some())
}

/// Checks metrics. Their fields are public, so they may have changed since their constructors checked them.
///
/// # Errors
///
/// The limit that the plugin exceeds.
pub fn check_metrics(metrics: &[UsageMetric]) -> Result<(), &'static str> {
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
            UsageMetric::Other(value) if !is_json(value, MAX_OTHER_LENGTH) => {
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
        if !is_json(&Value::Map(others.clone()), MAX_OTHERS_LENGTH) {
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
