//! Compares the timestamps of the contract with the crates `time` and `httpdate`.

use std::time::{Duration, UNIX_EPOCH};

use connection_contract::Timestamp;
use proptest::prelude::*;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// The seconds from 0000-01-01 to the end of 9999, which both formats can write.
const YEARS: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;
/// The seconds from 1970, where `httpdate` begins.
const SINCE_1970: std::ops::Range<i64> = 0..253_402_300_800;

proptest! {
    #[test]
    fn rfc3339_is_that_of_the_time_crate(seconds in YEARS, minutes in -23 * 60 + 1..23 * 60, fraction in 0_u32..1_000_000) {
        let ours = Timestamp::from_seconds(seconds);
        let theirs = OffsetDateTime::from_unix_timestamp(seconds).expect("in range");
        prop_assert_eq!(ours.to_rfc3339(), theirs.format(&Rfc3339).expect("in range"));
        let offset = UtcOffset::from_whole_seconds(minutes * 60).expect("under a day");
        // An offset may move the time outside the years that can be written.
        if let Some(there) = theirs.checked_to_offset(offset).filter(|there| (0..=9999).contains(&there.year())) {
            let there = there.replace_microsecond(fraction).expect("under a second").format(&Rfc3339).expect("in range");
            prop_assert_eq!(Timestamp::parse_rfc3339(&there), Some(ours), "{}", there);
        }
    }

    #[test]
    fn http_dates_are_those_of_the_httpdate_crate(seconds in SINCE_1970) {
        let time = UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
        let written = httpdate::fmt_http_date(time);
        prop_assert_eq!(Timestamp::from_seconds(seconds).to_http_date(), written.as_str());
        prop_assert_eq!(Timestamp::parse_http_date(&written), Some(Timestamp::from_seconds(seconds)));
    }

    #[test]
    fn a_time_that_the_time_crate_refuses_is_refused(
        text in "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-5][0-9](Z|[+-][0-2][0-9]:[0-6][0-9]|)"
    ) {
        let theirs = OffsetDateTime::parse(&text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp);
        prop_assert_eq!(Timestamp::parse_rfc3339(&text).map(Timestamp::seconds), theirs, "{}", text);
    }

    #[test]
    fn no_text_panics(text: String) {
        _ = Timestamp::parse(&text);
    }
}
