//! When a token dies, in the forms in which providers say it.

use connection_contract::{Timestamp, Value};

/// What is larger than this counts milliseconds; as seconds it would be in the year 5138.
const MILLISECONDS: f64 = 1e11;
/// A life that is longer is as good as none: ten years.
const LONGEST: f64 = 315_576_000_000.0;

/// A life as a number or its text; what is no number, or none that is positive, is unknown.
pub(crate) fn seconds(value: &Value) -> Option<u64> {
    let number = number(value)?;
    // Checked to be positive and far below the largest.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above and below")]
    (number >= 1.0).then(|| number.min(LONGEST) as u64)
}

/// A moment as seconds, milliseconds, RFC 3339, or as the time that is left: `D:HH:MM`.
pub(crate) fn moment(value: &Value, now: Timestamp) -> Option<Timestamp> {
    if let Some(number) = number(value) {
        let seconds = if number > MILLISECONDS { number / 1000.0 } else { number };
        #[expect(clippy::cast_possible_truncation, reason = "bounded above and below")]
        return (seconds >= 1.0).then(|| Timestamp::from_seconds(seconds.min(LONGEST) as i64));
    }
    let text = value.as_str()?;
    Timestamp::parse(text).or_else(|| {
        let parts: Vec<u64> = text.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [days, hours, minutes] = parts[..] else { return None };
        Some(now.after(days.saturating_mul(86_400) + hours.min(24) * 3600 + minutes.min(60) * 60))
    })
}

fn number(value: &Value) -> Option<f64> {
    let text = match value {
        Value::Number(digits) => digits,
        Value::Text(text) => text.trim(),
        _ => return None,
    };
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
