//! A request that spends something: what it is, and how it ended.

use std::{sync::Arc, time::Duration};

use connection_contract::{HttpError, HttpResponse, Kind, Timestamp};
use connection_egress::{Egress, Moment, SendUntil};

use super::{ExchangeKey, ExchangeScope, Rule, answer, courier::Courier};
use crate::{Clock, lease::Term, store::rows::Sent};

/// An exchange: everything about a spending request except the request itself.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) key: ExchangeKey,
    pub(crate) scope: ExchangeScope,
    pub(crate) owner: String,
    pub(crate) kind: Kind,
    pub(crate) rule: Rule,
    /// The generation of the spent credential, which must still be current when the intent is committed.
    pub(crate) generation: Option<i64>,
    /// `true` if the token is spent although a restore or a failover may have lost its use.
    pub(crate) spends_restored: bool,
    /// The exchange that spent the same token before, if its answer is kept and passed over.
    pub(crate) former: Option<ExchangeKey>,
    pub(crate) egress: Egress,
    pub(crate) deadline: Deadline,
}

/// The time, as the clock's `passed`, from which nothing is sent.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    pub(super) latest: Duration,
    /// The term of the lease without which nothing is sent.
    term: Option<Term>,
}

impl Deadline {
    /// Returns the deadline of a holder of a lease, which moves with each extension until the time `latest`.
    pub(crate) fn of_lease(latest: Duration, term: Term) -> Self {
        Self { latest, term: Some(term) }
    }

    pub(super) fn no_later_than(self, latest: Duration) -> Self {
        Self { latest: self.latest.min(latest), ..self }
    }

    pub(super) fn at(&self) -> Duration {
        self.term.as_ref().map_or(self.latest, |term| term.ends().min(self.latest))
    }

    /// Waits until the lease is extended if it has ended meanwhile, for example while the process was paused.
    pub(super) async fn until_held(&self, clock: &dyn Clock) {
        if let Some(term) = &self.term {
            term.until_held(clock, self.latest).await;
        }
    }

    pub(super) fn send_until(&self) -> SendUntil {
        let deadline = self.clone();
        SendUntil::new(move || deadline.at())
    }
}

impl From<Duration> for Deadline {
    fn from(latest: Duration) -> Self {
        Self { latest, term: None }
    }
}

/// The result of a request that spends something, such as a refresh token.
#[derive(Clone, Debug)]
pub(crate) enum ExchangeOutcome {
    /// The provider answered, and the answer was recorded.
    Answered(Arc<HttpResponse>),
    /// The provider did not process the request. No record is left.
    Refused(Arc<HttpResponse>),
    /// Nothing was sent. No record is left.
    NotSent(HttpError),
    /// The answer is unclear or lost. The attempt stays recorded.
    Uncertain(Uncertain),
}

/// The state of an exchange without a clear answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uncertain {
    /// The time at which the last attempt was sent, by the database's clock.
    pub(crate) sent_at: Timestamp,
    /// The earliest time to ask again, when the request may be sent again or may have been answered; `None` if it is
    /// never sent again.
    pub(crate) replay_at: Option<Timestamp>,
    /// The exchange whose answer may still be recorded; `None` if there was an answer that cannot be read.
    pub(crate) awaited: Option<ExchangeKey>,
    /// The number of attempts so far.
    pub(crate) attempts: i64,
    /// Seconds since the last attempt is known to be over.
    pub(crate) over_for: i64,
    /// Seconds since the first attempt began.
    pub(crate) unclear_for: i64,
    /// The pause, in seconds, that the provider asked for after the last attempt.
    pub(crate) retry_after: i64,
    /// `true` if the sender gave a sign of life a moment ago, so that the attempt is not judged yet.
    pub(crate) is_left: bool,
    /// `true` if the sender gives no sign of life, and nothing proves here that it has ended.
    pub(crate) is_silent: bool,
    /// The sender, if it gives no sign of life although it holds its lock on this machine.
    pub(crate) held: Option<HeldHere>,
}

/// A process or courier of this machine that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeldHere {
    /// The number of the process, if it could be noted.
    pub(crate) process: Option<u32>,
}

impl ExchangeOutcome {
    /// Returns a copy of the answer for a caller, or the error.
    pub(crate) fn result(&self) -> Result<HttpResponse, HttpError> {
        match self {
            Self::Answered(answer) | Self::Refused(answer) => Ok(answer::duplicate(answer)),
            Self::NotSent(error) => Err(*error),
            Self::Uncertain(_) => Err(HttpError::Uncertain),
        }
    }
}

/// A committed intent, and the attempt that it replaced.
pub(super) struct CommittedIntent {
    pub(super) sent: Sent,
    pub(super) before: Option<Sent>,
    /// The time after the start of the first attempt within which this attempt must be sent, if it is allowed only for
    /// that time.
    pub(super) within: Option<Duration>,
    /// The database's time at that decision.
    pub(super) now: Moment,
    /// The courier that the intent names, if there is one.
    pub(super) courier: Option<Box<Courier>>,
}
