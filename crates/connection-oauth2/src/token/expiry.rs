//! The end of a token, in the forms in which providers state it.

use connection_contract::{Timestamp, Value};

/// A larger number counts milliseconds; in seconds, it would be a time after the year 5138.
const MILLISECONDS: f64 = 1e11;
/// The longest lifetime in seconds: ten years. A longer one is treated as this.
const MAX_SECONDS: u64 = 315_576_000;
/// 9999-12-31T23:59:59Z. A later moment has no form in RFC 3339, so it could be stored but not read.
const LAST: i64 = 253_402_300_799;

/// Returns a lifetime in seconds from a number or its text, where `unit` of them are one second.
///
/// A value that is not a number, or not a positive one, is unknown.
pub(crate) fn seconds(value: &Value, unit: u32) -> Option<u64> {
    let number = number(value)?;
    // The number is positive, and a number that is too large becomes the largest possible one.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above and below")]
    (number >= 1.0).then(|| ((number / f64::from(unit)) as u64).min(MAX_SECONDS))
}

/// Returns the end of a lifetime that begins now.
pub(crate) fn after(now: Timestamp, life: u64) -> Timestamp {
    bounded(now.after(life.min(MAX_SECONDS)))
}

/// Parses a moment: seconds, milliseconds, RFC 3339, or the time that is left as `D:HH:MM`.
pub(crate) fn moment(value: &Value, now: Timestamp) -> Option<Timestamp> {
    if let Some(number) = number(value) {
        let seconds = if number > MILLISECONDS { number / 1000.0 } else { number };
        #[expect(clippy::cast_possible_truncation, reason = "what is too large becomes the largest")]
        return (seconds >= 1.0).then(|| bounded(Timestamp::from_seconds(seconds as i64)));
    }
    let text = value.as_str()?;
    Timestamp::parse(text).map(bounded).or_else(|| {
        let parts: Vec<u64> = text.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [days, hours, minutes] = parts[..] else { return None };
        let rest = hours.min(24) * 3600 + minutes.min(60) * 60;
        Some(after(now, days.saturating_mul(86_400).saturating_add(rest)))
    })
}

/// Limits a moment to the range that can be written and read.
fn bounded(moment: Timestamp) -> Timestamp {
    Timestamp::from_seconds(moment.seconds().clamp(0, LAST))
}

/// Returns `true` for a number or its text, whatever its value.
pub(crate) fn is_number(value: &Value) -> bool {
    number(value).is_some()
}

fn number(value: &Value) -> Option<f64> {
    let text = match value {
        Value::Number(digits) => digits,
        Value::Text(text) => text.trim(),
        _ => return None,
    };
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
