//! The parts of a certificate (RFC 5280, section 4.1) that no library tells, read from its DER form.

use connection_contract::Timestamp;

/// The tag of the version, which certificates of version 1 leave out.
const VERSION: u8 = 0xa0;
/// The tag of a time with two digits for the year, from 1950 to 2049.
const UTC_TIME: u8 = 0x17;
/// The tag of a time with four digits for the year.
const GENERALIZED_TIME: u8 = 0x18;

/// Returns the time after which a certificate is no longer valid, or `None` if it cannot be read.
pub fn certificate_ends_at(certificate: &[u8]) -> Option<Timestamp> {
    let (_, _, rest) = element(Parts::of(certificate)?.validity)?;
    let (tag, end, _) = element(rest)?;
    time(tag, str::from_utf8(end).ok()?)
}

/// Returns `true` if a certificate is valid at this time.
pub(super) fn is_valid_at(certificate: &[u8], now: Timestamp) -> bool {
    let times = || {
        let (tag, start, _) = element(Parts::of(certificate)?.validity)?;
        Some((time(tag, str::from_utf8(start).ok()?)?, certificate_ends_at(certificate)?))
    };
    times().is_some_and(|(start, end)| start <= now && now <= end)
}

/// Returns `true` if a certificate names itself as its issuer.
pub(super) fn is_self_signed(certificate: &[u8]) -> bool {
    Parts::of(certificate).is_some_and(|parts| parts.issuer == parts.subject)
}

struct Parts<'a> {
    issuer: &'a [u8],
    validity: &'a [u8],
    subject: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(certificate: &'a [u8]) -> Option<Self> {
        let (_, certificate, _) = element(certificate)?;
        let (_, mut rest, _) = element(certificate)?;
        let (tag, _, after_version) = element(rest)?;
        if tag == VERSION {
            rest = after_version;
        }
        let (_, _serial_number, rest) = element(rest)?;
        let (_, _algorithm, rest) = element(rest)?;
        let (_, issuer, rest) = element(rest)?;
        let (_, validity, rest) = element(rest)?;
        let (_, subject, _) = element(rest)?;
        Some(Self { issuer, validity, subject })
    }
}

/// An element of DER: its tag, its contents, and the bytes after it.
type Element<'a> = (u8, &'a [u8], &'a [u8]);

/// Splits off the first element.
fn element(der: &[u8]) -> Option<Element<'_>> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let add = |length: usize, byte: &u8| length.checked_mul(0x100)?.checked_add(usize::from(*byte));
        (bytes.iter().try_fold(0, add)?, rest)
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let century = if year < "50" { "20" } else { "19" };
            (format!("{century}{year}"), rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.to_owned(), rest)
        }
        _ => return None,
    };
    let part = |from: usize| rest.get(from..from + 2);
    let day = format!("{year}-{}-{}", part(0)?, part(2)?);
    Timestamp::parse_rfc3339(&format!("{day}T{}:{}:{}Z", part(4)?, part(6)?, part(8)?))
}

#[cfg(test)]
#[cfg(feature = "workspace-tests")]
mod tests {
    use connection_faults::certificates::Certificate;

    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_forms_of_time() {
        for (year, end) in [(2031, "2031-05-07T00:00:00Z"), (2062, "2062-05-07T00:00:00Z")] {
            let issued = Certificate::self_signed_until(&["host.example"], year, 5, 7).der();
            assert_eq!(certificate_ends_at(&issued).unwrap().to_rfc3339(), end);
            // A certificate that is cut off anywhere is refused.
            for length in 0..issued.len() {
                assert_eq!(certificate_ends_at(&issued[..length]), None);
            }
        }
    }
}
