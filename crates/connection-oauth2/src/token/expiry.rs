//! When a token dies, in the forms in which providers say it.

use connection_contract::{Timestamp, Value};

/// What is larger than this counts milliseconds; as seconds it would be in the year 5138.
const MILLISECONDS: f64 = 1e11;
/// A life that is longer is as good as none: ten years, in seconds.
const LONGEST: u64 = 315_576_000;
/// 9999-12-31T23:59:59Z: what is later has no form in RFC 3339, so it could be stored and not read.
const LAST: i64 = 253_402_300_799;

/// A life as a number or its text, of which `unit` are a second; what is no number, or none that is positive, is unknown.
pub(crate) fn seconds(value: &Value, unit: u32) -> Option<u64> {
    let number = number(value)?;
    // Checked to be positive; what is too large becomes the largest.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above and below")]
    (number >= 1.0).then(|| ((number / f64::from(unit)) as u64).min(LONGEST))
}

/// The end of a life that begins now.
pub(crate) fn after(now: Timestamp, life: u64) -> Timestamp {
    bounded(now.after(life.min(LONGEST)))
}

/// A moment as seconds, milliseconds, RFC 3339, or as the time that is left: `D:HH:MM`.
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

/// A moment that can be written and read.
fn bounded(moment: Timestamp) -> Timestamp {
    Timestamp::from_seconds(moment.seconds().clamp(0, LAST))
}

/// Whether it is a number or its text, whatever it says.
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
