//! Decides whether a request without a clear answer may be sent again.
//!
//! It is sent again as often as needed, and each attempt is counted before it is sent. Before each attempt there must
//! be a proof that the attempt before it is over: its sender records the end, or another process that can prove that
//! the sender has ended records it. Then a quarantine passes, in which bytes that outlived their process arrive or are
//! lost. A quarantine is measured by the time since a boot, which nobody can set; see
//! [`quarantine`](super::quarantine).

use std::time::Duration;

use connection_contract::RefreshSemantics;
use connection_egress::Moment;

use crate::store::rows::Sent;

/// The time within which the request is sent, measured by the sender from before the intent. The longest request then
/// ends within a quarantine.
pub(crate) const SEND_WITHIN: Duration = Duration::from_secs(25);
/// The quarantine, in seconds. It is longer than a request that is under way can take to arrive.
pub(super) const QUARANTINE: i64 = 60;
/// The time, in seconds, after which an attempt whose end cannot be proven here is checked again.
const RECHECK_AFTER: i64 = 60;
/// The time, in seconds, for which a sign of life is fresh. A sender that is alive renews it three times in that time, and a
/// sign that is no longer fresh proves nothing.
const FRESH_FOR: i64 = 3;
/// The time without a sign of life, in seconds, that proves that an attempt is over.
const GONE_AFTER: i64 = 86_400;

/// The rule for sending an exchange again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// The request is never sent again.
    Once,
    /// The semantics of the refresher decide.
    BySemantics(RefreshSemantics),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request is sent, with this number of replays. `within` is the time after the first attempt within which it
    /// must be sent, if the grace window is why it is allowed.
    Send { replays: i64, within: Option<Duration> },
    /// The attempt stays unclear. The verdict may change after this number of seconds, if at all.
    Wait { again_in: Option<i64> },
    /// The sender gave a sign of life a moment ago. The sign is no longer fresh after this number of seconds.
    Leave { again_in: i64 },
}

/// The smaller and the greater of two measurements of a record's age, in seconds: by the database's clock now, and by
/// the database's clock when this process first read it plus the time that has passed in this process since. A rule
/// that needs a minimum age uses the smaller one, and a rule that needs a maximum age the greater one, so setting the
/// clock makes neither rule less strict.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    least: i64,
    most: i64,
}

impl Age {
    pub(super) fn of(at: i64, first: Moment, now: Moment) -> Self {
        let by_database = now.seconds().saturating_sub(at);
        let passed = i64::try_from(first.age(now).as_secs()).unwrap_or(i64::MAX);
        let measured = first.seconds().saturating_sub(at).saturating_add(passed);
        Self { least: by_database.min(measured), most: by_database.max(measured) }
    }

    /// Returns `true` if the age is within the window. A time far in the future was written by a wrong clock
    /// and is not within it.
    pub(super) fn is_within(self, grace: Duration) -> bool {
        self.least >= -QUARANTINE && self.left_of(grace) > 0
    }

    /// Returns the seconds that are left of the window.
    pub(super) fn left_of(self, grace: Duration) -> i64 {
        i64::try_from(grace.as_secs()).unwrap_or(i64::MAX).saturating_sub(self.most)
    }

    /// Returns `true` if a sign of life of this age means that its node has been silent for so long that its processes
    /// count as ended.
    pub(super) fn is_silent(self) -> bool {
        self.least >= GONE_AFTER
    }

    /// Returns for how many seconds a sign of life of this age is still fresh. A sign from far in the future was dated
    /// by a clock that was set, and is not fresh.
    fn fresh_for(self) -> Option<i64> {
        (-FRESH_FOR..FRESH_FOR).contains(&self.most).then(|| FRESH_FOR.saturating_sub(self.most).min(FRESH_FOR))
    }

    fn is_over_quarantine(self) -> bool {
        self.least >= QUARANTINE
    }

    fn quarantined_for(self) -> i64 {
        QUARANTINE.saturating_sub(self.least).max(1)
    }
}

/// Returns the seconds that are left of a quarantine that began when this boot's time was `noted`. Returns `None` for a
/// record from the future, as on a machine that was restored to an earlier state; such a record is ignored.
pub(super) fn quarantine_left(sent: &Sent, noted: i64, boot_now: i64) -> Option<i64> {
    let passed = boot_now.saturating_sub(noted);
    // A record is rounded up.
    if passed < -1 {
        return None;
    }
    Some(QUARANTINE.max(sent.retry_after).saturating_sub(passed).max(0))
}

/// Judges an attempt. `left` is the number of seconds left of its quarantine, if the attempt is over.
pub(super) fn verdict(rule: Rule, sent: &Sent, left: i64, first: Moment, now: Moment) -> Verdict {
    let age = Age::of(sent.at, first, now);
    let semantics = match rule {
        Rule::Once => {
            // The sender, if it is alive, records the end by then.
            let is_awaited = sent.concluded_at.is_none() && !age.is_over_quarantine();
            return Verdict::Wait { again_in: is_awaited.then(|| age.quarantined_for()) };
        }
        Rule::BySemantics(semantics) => semantics,
    };
    if semantics == RefreshSemantics::Stable {
        // No token is used up, so sending again is not a replay.
        return Verdict::Send { replays: sent.replays, within: None };
    }
    let Some(concluded_at) = sent.concluded_at else {
        if let Some(again_in) = Age::of(sent.seen_at, first, now).fresh_for() {
            return Verdict::Leave { again_in };
        }
        // The sender or its node may still record the end, and may have the answer.
        let again_in = if age.is_over_quarantine() { RECHECK_AFTER } else { age.quarantined_for() };
        return Verdict::Wait { again_in: Some(again_in) };
    };
    let replays = sent.replays.saturating_add(1);
    // The provider's window begins after the first attempt did. A request that is under way arrives within the window,
    // or never.
    if let RefreshSemantics::Grace(grace) = semantics
        && sent.retry_after == 0
        && outlasts_quarantine(grace, sent.begun_at, concluded_at)
        && Age::of(sent.begun_at, first, now).is_within(grace)
    {
        return Verdict::Send { replays, within: Some(grace) };
    }
    match left {
        ..=0 => Verdict::Send { replays, within: None },
        left => Verdict::Wait { again_in: Some(left) },
    }
}

/// Returns `true` if a window that opened no earlier than `begun_at` is still open a whole quarantine after the end of
/// an attempt.
fn outlasts_quarantine(grace: Duration, begun_at: i64, concluded_at: i64) -> bool {
    let grace = i64::try_from(grace.as_secs()).unwrap_or(i64::MAX);
    concluded_at >= begun_at && concluded_at.saturating_add(QUARANTINE) <= begun_at.saturating_add(grace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(retry_after: i64) -> Sent {
        Sent { concluded_at: Some(1_000), retry_after, ..Sent::first(None, "one".into(), 1_000) }
    }

    /// The database's clock does not end a quarantine; the time since the boot does.
    #[test]
    fn a_clock_that_is_set_ends_no_quarantine() {
        let first = Moment::from_other_clock(1_000, Duration::from_secs(10));
        let strict = Rule::BySemantics(RefreshSemantics::Strict);
        for seconds in [500, 5_000, 9_000_000] {
            let now = Moment::from_other_clock(seconds, Duration::from_secs(10));
            for (left, expected) in [
                (60, Verdict::Wait { again_in: Some(60) }),
                (1, Verdict::Wait { again_in: Some(1) }),
                (0, Verdict::Send { replays: 1, within: None }),
            ] {
                assert_eq!(verdict(strict, &over(0), left, first, now), expected, "{seconds} {left}");
            }
        }
    }

    #[test]
    fn a_quarantine_lasts_a_minute_of_one_boot_or_as_long_as_the_provider_asks() {
        for (retry_after, noted, now, expected) in [
            (0, 500, 500, Some(60)),
            (0, 501, 500, Some(61)),
            (0, 500, 559, Some(1)),
            (0, 500, 560, Some(0)),
            (0, 500, 9_000, Some(0)),
            (5, 500, 560, Some(0)),
            (120, 500, 560, Some(60)),
            // A machine that was restored to an earlier state.
            (0, 500, 400, None),
        ] {
            assert_eq!(quarantine_left(&over(retry_after), noted, now), expected, "{retry_after} {noted} {now}");
        }
    }

    #[test]
    fn a_window_that_ends_before_a_quarantine_saves_none() {
        let at = Moment::from_other_clock(1_005, Duration::from_secs(10));
        let grace = |seconds| Rule::BySemantics(RefreshSemantics::Grace(Duration::from_secs(seconds)));
        let wait = Verdict::Wait { again_in: Some(55) };
        assert_eq!(verdict(grace(59), &over(0), 55, at, at), wait);
        let within = Some(Duration::from_secs(60));
        assert_eq!(verdict(grace(60), &over(0), 55, at, at), Verdict::Send { replays: 1, within });
        // The window begins with the first attempt, whichever attempt is judged.
        let again = Sent { replays: 1, concluded_at: Some(1_004), at: 1_004, ..over(0) };
        assert_eq!(verdict(grace(63), &again, 55, at, at), wait);
        let within = Some(Duration::from_secs(64));
        assert_eq!(verdict(grace(64), &again, 55, at, at), Verdict::Send { replays: 2, within });
    }
}
