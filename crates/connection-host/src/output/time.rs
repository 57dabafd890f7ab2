//! Times relative to now, for people.

use connection_contract::Timestamp;

const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];

/// Returns `in 5 days`, `3 hours ago` or `now`.
pub(crate) fn moment(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.seconds().saturating_sub(now.seconds());
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {}", distance(seconds.unsigned_abs())),
        _ => format!("{} ago", distance(seconds.unsigned_abs())),
    }
}

/// Returns `5 days`: the largest unit that fits, rounded down.
fn distance(seconds: u64) -> String {
    let (size, unit) = UNITS.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1, "second"));
    let count = seconds / size;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_told_in_its_largest_unit() {
        let now = Timestamp::from_seconds(1_000_000);
        for (seconds, expected) in [
            (0, "now"),
            (1, "in 1 second"),
            (-1, "1 second ago"),
            (59, "in 59 seconds"),
            (60, "in 1 minute"),
            (-7_200, "2 hours ago"),
            (86_399, "in 23 hours"),
            (5 * 86_400 + 5, "in 5 days"),
            (-400 * 86_400, "400 days ago"),
        ] {
            assert_eq!(moment(Timestamp::from_seconds(1_000_000 + seconds), now), expected);
        }
    }

    #[test]
    fn a_time_that_nobody_lives_to_see_is_one_too() {
        let now = Timestamp::from_seconds(1_000_000);
        let at = |seconds| moment(Timestamp::from_seconds(seconds), now);
        assert_eq!((&*at(i64::MIN), &*at(i64::MAX)), ("106751991167300 days ago", "in 106751991167289 days"));
        assert_eq!(moment(Timestamp::from_seconds(i64::MAX), Timestamp::from_seconds(-1)), "in 106751991167300 days");
    }
}
