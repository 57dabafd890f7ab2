//! Sizes and durations, as rules write them.

use std::time::Duration;

const SIZES: [(&str, u64); 3] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const SPANS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// Reads a size, such as `16 KiB`, in bytes.
pub(crate) fn read_size(text: &str) -> Option<u64> {
    read(text, &SIZES)
}

/// Writes a size with the largest unit that divides it.
pub(crate) fn write_size(bytes: u64) -> String {
    write(bytes, &SIZES, " ")
}

/// Reads a duration as rules write it, such as `8h`: a whole number above zero, and one of the units `d`, `h`, `m` and
/// `s`.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(connection_rules::read_span("90m"), Some(Duration::from_secs(5400)));
/// assert_eq!(connection_rules::read_span("soon"), None);
/// ```
pub fn read_span(text: &str) -> Option<Duration> {
    read(text, &SPANS).map(Duration::from_secs)
}

/// Writes a duration of whole seconds with the largest unit that divides it.
pub(crate) fn write_span(span: Duration) -> String {
    write(span.as_secs(), &SPANS, "")
}

fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(end)?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<u64>().ok()?.checked_mul(*factor).filter(|value| *value > 0)
}

fn write(value: u64, units: &[(&str, u64)], separator: &str) -> String {
    let unit = units.iter().find(|(_, factor)| value.is_multiple_of(*factor));
    unit.map(|(name, factor)| format!("{}{separator}{name}", value / factor)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_are_written_as_they_are_read() {
        for text in ["16 KiB", "1 MiB", "1500 B", "1 B"] {
            assert_eq!(read_size(text).map(write_size).as_deref(), Some(text));
        }
        for text in ["8h", "90m", "7d", "45s"] {
            assert_eq!(read_span(text).map(write_span).as_deref(), Some(text));
        }
        assert_eq!(read_size("16KiB"), Some(16 << 10));
        for text in ["", "8", "h", "0h", "8 hours", "-1h", "99999999999999999999d", "999999999999999999d", "1.5h"] {
            assert_eq!(read_span(text), None, "{text}");
        }
    }
}
