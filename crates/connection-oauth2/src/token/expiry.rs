//! The end of a token, in the forms in which providers state it.

use connection_contract::{Timestamp, Value};

/// From this number on, a value that may be a lifetime or a moment is a moment: in seconds, it would be a lifetime of more
/// than 31 years, or a moment after September 2001.
const MOMENT: f64 = 1e9;
/// From this number on, a value that is in milliseconds is a moment for the same reason.
const MOMENT_MILLISECONDS: f64 = 1e12;
/// A larger moment counts milliseconds; in seconds, it would be a time after the year 5138.
const MILLISECONDS: f64 = 1e11;
/// The longest lifetime in seconds: ten years. A longer one is treated as this.
const MAX_SECONDS: u64 = 315_576_000;
/// 9999-12-31T23:59:59Z. A later moment has no form in RFC 3339, so it could be stored but not read.
const LAST: i64 = 253_402_300_799;

/// The unit in which a provider states lifetimes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifeUnit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds (RFC 6749, section 5.1).
    #[default]
    Seconds,
}

/// Returns a lifetime in seconds that begins now, from a number or its text.
///
/// A large number is the moment of the end instead, in seconds or milliseconds. A value that is not a number, not a
/// positive one, or a moment that has passed, is unknown.
pub(crate) fn life(value: &Value, unit: LifeUnit, now: Timestamp) -> Option<u64> {
    let number = number(value)?;
    let (from, divisor) = match unit {
        LifeUnit::Milliseconds => (MOMENT_MILLISECONDS, 1000.0),
        LifeUnit::Seconds => (MOMENT, 1.0),
    };
    if number >= from {
        let left = expires_at(value, now)?.seconds().saturating_sub(now.seconds());
        return u64::try_from(left).ok().map(|left| left.min(MAX_SECONDS));
    }
    // The number is positive, and a number that is too large becomes the largest possible one.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above and below")]
    (number >= 1.0).then(|| ((number / divisor) as u64).min(MAX_SECONDS))
}

/// Returns the end of a lifetime in seconds that begins now, as in `expires_in` (RFC 6749, section 5.1).
///
/// The lifetime may be a text, a fraction or written with an exponent. One that is not a positive number is unknown, and
/// one that is longer than ten years is taken for ten years. A number from 1,000,000,000 on is the moment of the end, in
/// seconds or milliseconds.
///
/// ```
/// use connection_contract::{Timestamp, Value};
/// use connection_oauth2::expires_in;
///
/// let now = Timestamp::from_seconds(1_800_000_000);
/// let end = Some(now.after(3600));
/// assert_eq!(expires_in(&Value::from("3600"), now), end);
/// assert_eq!(expires_in(&Value::Number("3.6e3".to_owned()), now), end);
/// assert_eq!(expires_in(&Value::from(1_800_003_600_000_i64), now), end);
/// assert_eq!(expires_in(&Value::from("never"), now), None);
/// ```
pub fn expires_in(life: &Value, now: Timestamp) -> Option<Timestamp> {
    Some(after(now, self::life(life, LifeUnit::Seconds, now)?))
}

/// Returns the end of a lifetime at a pointer of an answer, as [`expires_in`] reads it, in this unit.
///
/// A member beside it with the same name and `_sec` at its end states the lifetime in seconds, and decides.
///
/// ```
/// use connection_contract::{Timestamp, Value};
/// use connection_oauth2::{LifeUnit, expires_in_at};
///
/// let now = Timestamp::from_seconds(1_800_000_000);
/// let answer = Value::parse(br#"{"expires_in": 3600000, "expires_in_sec": 3600}"#)?;
/// assert_eq!(expires_in_at(&answer, "/expires_in", LifeUnit::Seconds, now), Some(now.after(3600)));
/// # Ok::<(), connection_contract::JsonError>(())
/// ```
pub fn expires_in_at(answer: &Value, pointer: &str, unit: LifeUnit, now: Timestamp) -> Option<Timestamp> {
    let seconds = || life(answer.pointer(&format!("{pointer}_sec"))?, LifeUnit::Seconds, now);
    let own = || life(answer.pointer(pointer)?, unit, now);
    Some(after(now, seconds().or_else(own)?))
}

/// Returns the end of a lifetime that begins now.
pub(crate) fn after(now: Timestamp, life: u64) -> Timestamp {
    bounded(now.after(life.min(MAX_SECONDS)))
}

/// Returns the end of a token that was issued now: seconds or milliseconds since 1970, a date, or the time that is left as
/// `D:HH:MM`.
///
/// A number below 1,000,000,000 is the lifetime in seconds instead, as [`expires_in`] reads it. A moment that has passed says
/// nothing about a token that the provider has just issued or accepted, so it is unknown.
///
/// ```
/// use connection_contract::{Timestamp, Value};
/// use connection_oauth2::expires_at;
///
/// let now = Timestamp::from_seconds(1_800_000_000);
/// let end = Some(Timestamp::from_seconds(1_800_003_600));
/// assert_eq!(expires_at(&Value::from(1_800_003_600_000_i64), now), end);
/// assert_eq!(expires_at(&Value::from("2027-01-15T09:00:00Z"), now), end);
/// assert_eq!(expires_at(&Value::from("0:01:00"), now), end);
/// assert_eq!(expires_at(&Value::from(3600_i64), now), end);
/// assert_eq!(expires_at(&Value::from("2027-01-15T07:00:00Z"), now), None);
/// ```
pub fn expires_at(value: &Value, now: Timestamp) -> Option<Timestamp> {
    if number(value).is_some_and(|number| number < MOMENT) {
        return expires_in(value, now);
    }
    moment(value, now).filter(|end| *end > now)
}

/// Returns a moment, also one that has passed, in the forms of [`expires_at`].
fn moment(value: &Value, now: Timestamp) -> Option<Timestamp> {
    if let Some(number) = number(value) {
        let seconds = if number > MILLISECONDS { number / 1000.0 } else { number };
        #[expect(clippy::cast_possible_truncation, reason = "what is too large becomes the largest")]
        return (seconds >= 1.0).then(|| bounded(Timestamp::from_seconds(seconds as i64)));
    }
    let text = value.as_str()?.trim();
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

/// Returns `true` for a number and for a moment in any form, whatever their values.
pub(crate) fn is_moment(value: &Value, now: Timestamp) -> bool {
    is_number(value) || moment(value, now).is_some()
}

fn number(value: &Value) -> Option<f64> {
    let text = match value {
        Value::Number(digits) => digits,
        Value::Text(text) => text.trim(),
        _ => return None,
    };
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
