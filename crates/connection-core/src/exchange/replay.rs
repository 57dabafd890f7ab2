//! Whether what was sent and not answered may be sent once more.
//!
//! Never more than one time, counted before it is sent, and judged by the database's clock alone. It needs a mark that nobody sends it any more, which whoever sent
//! it makes when its attempt is over, or somebody else who can prove that its process is gone; and then a time in which the
//! bytes that are under way die, too: they outlive a process.

use std::time::Duration;

use connection_contract::RefreshSemantics;

use crate::{services::Moment, store::rows::Sent};

/// What is spent is sent by then, as measured by its sender since before its intent: the longest request ends within a
/// lease, and within a quarantine.
pub(crate) const SEND_WITHIN: Duration = Duration::from_secs(25);
/// In seconds: longer than a request that is under way can still arrive.
pub(super) const QUARANTINE: i64 = 60;
/// How often it is asked again whether an attempt is over of which nobody can tell, in seconds: its node may come back.
const ASKED: i64 = 300;
/// After that nobody waits for it any more.
const AWAITED: i64 = 86_400;

/// What rule an exchange follows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// It is never sent again.
    Once,
    /// As a refresher says of what it spends.
    Of(RefreshSemantics),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With so many replays; for so long after it was first sent, where that is why.
    Send { replays: i64, within: Option<Duration> },
    /// It stays uncertain; in so many seconds it may be another verdict, if ever.
    Wait { again_in: Option<i64> },
}

/// How old something is at least and at most, in seconds, by the database's clock and by what passed here since this
/// process first read it: a clock that was set makes nothing older or younger than both say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    least: i64,
    most: i64,
}

impl Age {
    pub(super) fn of(at: i64, first: Moment, now: Moment) -> Self {
        let told = now.seconds().saturating_sub(at);
        let passed = i64::try_from(first.age(now).as_secs()).unwrap_or(i64::MAX);
        let measured = first.seconds().saturating_sub(at).saturating_add(passed);
        Self { least: told.min(measured), most: told.max(measured) }
    }

    /// What is to come for long is of a clock that nobody can reckon with.
    pub(super) fn is_within(self, grace: Duration) -> bool {
        self.least >= -QUARANTINE && self.left_of(grace) > 0
    }

    /// In seconds.
    pub(super) fn left_of(self, grace: Duration) -> i64 {
        i64::try_from(grace.as_secs()).unwrap_or(i64::MAX).saturating_sub(self.most)
    }

    fn is_over_quarantine(self) -> bool {
        self.least >= QUARANTINE
    }

    fn quarantined_for(self) -> i64 {
        QUARANTINE.saturating_sub(self.least).max(1)
    }
}

pub(super) fn verdict(rule: Rule, sent: &Sent, first: Moment, now: Moment) -> Verdict {
    let age = Age::of(sent.at, first, now);
    let semantics = match rule {
        Rule::Once => {
            // Whoever sent it tells by then, if it lives.
            let is_awaited = sent.concluded_at.is_none() && !age.is_over_quarantine();
            return Verdict::Wait { again_in: is_awaited.then(|| age.quarantined_for()) };
        }
        Rule::Of(semantics) => semantics,
    };
    if semantics == RefreshSemantics::Stable {
        // Nothing is used up, so it is no replay.
        return Verdict::Send { replays: sent.replays, within: None };
    }
    let Some(concluded_at) = sent.concluded_at else {
        // Whoever sent it, or its node, may tell yet, and may have the answer.
        let again_in = match age.is_over_quarantine() {
            false => Some(age.quarantined_for()),
            true => (age.least < AWAITED).then_some(ASKED),
        };
        return Verdict::Wait { again_in };
    };
    if sent.replays > 0 {
        return Verdict::Wait { again_in: None };
    }
    if let RefreshSemantics::Grace(grace) = semantics
        && age.is_within(grace)
    {
        return Verdict::Send { replays: 1, within: Some(grace) };
    }
    let concluded = Age::of(concluded_at, first, now);
    match concluded.is_over_quarantine() {
        true => Verdict::Send { replays: 1, within: None },
        false => Verdict::Wait { again_in: Some(concluded.quarantined_for()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock of a database that is set, while a process that read it before measures what passes.
    #[test]
    fn a_clock_that_is_set_ends_no_quarantine() {
        let seconds = Duration::from_secs;
        let first = Moment::told(1_000, seconds(10));
        let sent = Sent { concluded_at: Some(1_000), ..Sent::first(None, "one".into(), 1_000) };
        let rule = Rule::Of(RefreshSemantics::Strict);
        let send = Verdict::Send { replays: 1, within: None };
        let wait = |again_in| Verdict::Wait { again_in: Some(again_in) };
        for (told, passed, expected) in [
            (5_000, 10, wait(60)),
            (5_000, 40, wait(30)),
            (500, 3_600, wait(560)),
            (1_059, 3_600, wait(1)),
            (1_060, 70, send),
        ] {
            assert_eq!(verdict(rule, &sent, first, Moment::told(told, seconds(passed))), expected, "{told} {passed}");
        }
    }
}
