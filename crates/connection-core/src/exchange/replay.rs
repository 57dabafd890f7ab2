//! Whether what was sent and not answered may be sent once more.
//!
//! Never more than one time, counted before it is sent. It needs a mark that nobody sends it any more, which whoever sent
//! it makes when its attempt is over, or somebody else who can prove that its process is gone; and then a time in which the
//! bytes that are under way die, too: they outlive a process.

use std::time::Duration;

use connection_contract::RefreshSemantics;

use crate::{services::Moment, store::rows::Sent};

/// In seconds: longer than a request that is under way can still arrive.
pub(super) const QUARANTINE: i64 = 60;

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
    /// It stays uncertain; from then on it may be another verdict, if ever.
    Wait { until: Option<i64> },
}

/// How old something is at least and at most, in seconds, by the wall clock and by what passed since this process opened
/// the store: a clock that was set makes nothing older or younger than both say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    least: i64,
    most: i64,
}

impl Age {
    pub(super) fn of(at: i64, opened: Moment, now: Moment) -> Self {
        let wall = now.seconds().saturating_sub(at);
        let passed = i64::try_from(opened.age(now).as_secs()).unwrap_or(i64::MAX);
        let measured = opened.seconds().saturating_sub(at).saturating_add(passed);
        Self { least: wall.min(measured), most: wall.max(measured) }
    }

    /// What is to come for long is of a clock that nobody can reckon with.
    pub(super) fn is_within(self, grace: Duration) -> bool {
        self.least >= -QUARANTINE && self.most < i64::try_from(grace.as_secs()).unwrap_or(i64::MAX)
    }

    fn is_over_quarantine(self) -> bool {
        self.least >= QUARANTINE
    }

    fn quarantined_until(self, now: Moment) -> i64 {
        now.seconds().saturating_add((QUARANTINE - self.least).max(1))
    }
}

pub(super) fn verdict(rule: Rule, sent: &Sent, opened: Moment, now: Moment) -> Verdict {
    let semantics = match rule {
        Rule::Once => return Verdict::Wait { until: None },
        Rule::Of(semantics) => semantics,
    };
    if semantics == RefreshSemantics::Stable {
        // Nothing is used up, so it is no replay.
        return Verdict::Send { replays: sent.replays, within: None };
    }
    if sent.replays > 0 {
        return Verdict::Wait { until: None };
    }
    let age = Age::of(sent.at, opened, now);
    let Some(concluded_at) = sent.concluded_at else {
        // Whoever sent it, or its node, may tell yet.
        let until = (!age.is_over_quarantine()).then(|| age.quarantined_until(now));
        return Verdict::Wait { until };
    };
    if let RefreshSemantics::Grace(grace) = semantics
        && age.is_within(grace)
    {
        return Verdict::Send { replays: 1, within: Some(grace) };
    }
    let concluded = Age::of(concluded_at, opened, now);
    match concluded.is_over_quarantine() {
        true => Verdict::Send { replays: 1, within: None },
        false => Verdict::Wait { until: Some(concluded.quarantined_until(now)) },
    }
}
