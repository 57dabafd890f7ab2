//! Points in time in whole seconds, and the formats in which providers write them.

use alloc::{format, string::String};
use core::fmt;

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const DAY: i64 = 86_400;

impl Timestamp {
    /// Creates a timestamp from seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Returns the seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Returns the time that is this many seconds later.
    #[must_use]
    pub fn after(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)))
    }

    /// Parses a time that a provider wrote: RFC 3339, also with an offset without a colon or without minutes, as in Java's
    /// `2026-01-31T10:20:30.000+0100` and PostgreSQL's `2026-01-31 10:20:30.5+00`, an HTTP date, or GitHub's
    /// `2026-01-31 00:00:00 UTC` and `2026-01-31 00:00:00 -0800`.
    pub fn parse(text: &str) -> Option<Self> {
        iso(text, |is_spaced, zone| {
            let zone = zone.strip_prefix(' ').filter(|_| is_spaced).unwrap_or(zone);
            match zone.len() {
                3 if zone == "UTC" => Some(0),
                3 => offset(zone.get(..1)?, zone.get(1..)?, "00"),
                5 => offset(zone.get(..1)?, zone.get(1..3)?, zone.get(3..)?),
                _ => rfc3339_offset(zone),
            }
        })
        .or_else(|| Self::parse_http_date(text))
    }

    /// Parses RFC 3339: `2026-01-31T10:20:30.5+01:00`. Fractions of a second are dropped. A time that a provider wrote is
    /// read with [`parse`](Self::parse).
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        iso(text, |_, zone| rfc3339_offset(zone))
    }

    /// Parses an HTTP date in the three forms that a recipient must accept (RFC 9110, section 5.6.7).
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let parts = |text: &str| -> Option<[String; 6]> {
            let mut parts = text.split([' ', '-']).filter(|part| !part.is_empty()).map(String::from);
            let all = [
                parts.next()?,
                parts.next()?,
                parts.next()?,
                parts.next()?,
                parts.next()?,
                parts.next().unwrap_or_default(),
            ];
            parts.next().is_none().then_some(all)
        };
        let [weekday, a, b, c, d, zone] = parts(text)?;
        if let Some(weekday) = weekday.strip_suffix(',') {
            // `Sun, 06 Nov 1994 08:49:37 GMT`, or the obsolete `Sunday, 06-Nov-94 08:49:37 GMT`.
            if zone != "GMT" || weekday.len() < 3 {
                return None;
            }
            let year = match c.len() {
                4 => number(&c)?,
                2 => number(&c)? + if number(&c)? < 70 { 2000 } else { 1900 },
                _ => return None,
            };
            return moment(days(year, month(&b)?, number(&a)?)?, time_of_day(&d)?, 0);
        }
        // The obsolete `Sun Nov  6 08:49:37 1994`.
        if !zone.is_empty() {
            return None;
        }
        moment(days(number(&d)?, month(&a)?, number(&b)?)?, time_of_day(&c)?, 0)
    }

    /// Formats the time as RFC 3339 in UTC: `2026-01-31T10:20:30Z`.
    pub fn to_rfc3339(self) -> String {
        let (year, month, day) = self.date();
        format!("{year:04}-{month:02}-{day:02}T{}Z", self.clock())
    }

    /// Formats the time as an HTTP date (RFC 9110, section 5.6.7): `Sat, 31 Jan 2026 10:20:30 GMT`.
    pub fn to_http_date(self) -> String {
        let (year, month, day) = self.date();
        let name = |names: &[&'static str], at: i64| usize::try_from(at).ok().and_then(|at| names.get(at).copied());
        let weekday = name(&WEEKDAYS, self.0.div_euclid(DAY).rem_euclid(7)).unwrap_or_default();
        let month = name(&MONTHS, month - 1).unwrap_or_default();
        format!("{weekday}, {day:02} {month} {year:04} {} GMT", self.clock())
    }

    fn clock(self) -> String {
        let rest = self.0.rem_euclid(DAY);
        format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// Returns year, month and day (Howard Hinnant, "chrono-compatible low-level date algorithms").
    fn date(self) -> (i64, i64, i64) {
        let shifted = self.0.div_euclid(DAY) + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        (era * 400 + year_of_era + i64::from(month <= 2), month, day)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_rfc3339())
    }
}

/// Parses a date, a time of day and the offset after them. `offset` is told whether a space separates date and time.
fn iso(text: &str, offset: impl FnOnce(bool, &str) -> Option<i64>) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let is_spaced = rest.starts_with(' ');
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, mut zone) = rest.split_at_checked(8)?;
    if let Some(fraction) = zone.strip_prefix('.') {
        let tail = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if tail.len() == fraction.len() {
            return None;
        }
        zone = tail;
    }
    moment(iso_date(date)?, time_of_day(clock)?, offset(is_spaced, zone)?)
}

fn rfc3339_offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = zone.get(..1)?;
    let hours = zone.get(1..3)?;
    let minutes = zone.get(4..)?;
    if zone.get(3..4)? != ":" {
        return None;
    }
    offset(sign, hours, minutes)
}

fn moment(days: i64, seconds: i64, offset: i64) -> Option<Timestamp> {
    days.checked_mul(DAY)?.checked_add(seconds)?.checked_sub(offset).map(Timestamp)
}

fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn offset(sign: &str, hours: &str, minutes: &str) -> Option<i64> {
    let hours = number(hours)?;
    let minutes = number(minutes).filter(|m| *m < 60 && minutes.len() == 2)?;
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        "+" if hours < 24 => Some(seconds),
        "-" if hours < 24 => Some(-seconds),
        _ => None,
    }
}

fn time_of_day(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut part = |limit: i64| parts.next().filter(|p| p.len() == 2).and_then(number).filter(|n| *n < limit);
    // A leap second is written as 60 and counts as the first second of the next minute.
    let hours = part(24)?;
    let minutes = part(60)?;
    let seconds = part(61)?;
    parts.next().is_none().then_some(hours * 3600 + minutes * 60 + seconds)
}

fn iso_date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let year = parts.next()?;
    let month = parts.next()?;
    let day = parts.next()?;
    let shape = year.len() == 4 && month.len() == 2 && day.len() == 2 && parts.next().is_none();
    if shape { days(number(year)?, number(month)?, number(day)?) } else { None }
}

fn month(name: &str) -> Option<i64> {
    let at = MONTHS.iter().position(|month| *month == name)?;
    i64::try_from(at).ok().map(|at| at + 1)
}

/// Returns the days since 1970-01-01.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}
