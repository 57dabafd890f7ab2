//! A request that spends something: what it is, and how it ended.

use std::{sync::Arc, time::Duration};

use connection_contract::{HttpError, HttpResponse, Kind, Timestamp};
use connection_egress::{Egress, Moment};

use super::{ExchangeKey, ExchangeScope, Rule, answer};
use crate::store::rows::Sent;

/// An exchange: everything about a spending request except the request itself.
pub(crate) struct Exchange {
    pub(crate) key: ExchangeKey,
    pub(crate) scope: ExchangeScope,
    pub(crate) owner: String,
    pub(crate) kind: Kind,
    pub(crate) rule: Rule,
    /// The generation of the spent credential, which must still be current when the intent is committed.
    pub(crate) generation: Option<i64>,
    pub(crate) egress: Egress,
    /// The time, as the clock's `passed`, after which nothing is sent.
    pub(crate) deadline: Option<Duration>,
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
}
