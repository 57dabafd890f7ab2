//! The states of an approval.

use std::fmt;

use crate::store::rows::{ApprovalRow, StoredState};

/// The state of a request about which a person is asked.
///
/// ```
/// use connection_core::ApprovalState;
///
/// assert_eq!(ApprovalState::Waiting.as_str(), "waiting");
/// assert_eq!(ApprovalState::named("answered"), Some(ApprovalState::Answered));
/// assert!(ApprovalState::Approved.is_open() && !ApprovalState::Unknown.is_open());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApprovalState {
    /// A person has not answered.
    Waiting,
    /// A person approved the request, and it was not sent yet.
    Approved,
    /// The request is being sent, or the answer is awaited.
    Executing,
    /// The provider answered, with any status.
    Answered,
    /// A person refused the request. It was not sent.
    Refused,
    /// The request was not sent and can no longer be sent; [`LapseReason`] says why.
    Lapsed,
    /// The request may have been sent, and the answer is lost. It is never sent again.
    Unknown,
}

impl ApprovalState {
    /// Every state, in the order in which they follow each other.
    pub const ALL: [Self; 7] =
        [Self::Waiting, Self::Approved, Self::Executing, Self::Answered, Self::Refused, Self::Lapsed, Self::Unknown];

    /// Returns the word for the state.
    pub fn as_str(self) -> &'static str {
        self.stored().as_str()
    }

    /// Returns the state with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Returns `true` for a request that may still be sent, or is being sent.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Approved | Self::Executing)
    }

    pub(crate) fn stored(self) -> StoredState {
        match self {
            Self::Waiting => StoredState::Waiting,
            Self::Approved => StoredState::Approved,
            Self::Executing => StoredState::Executing,
            Self::Answered => StoredState::Answered,
            Self::Refused => StoredState::Refused,
            Self::Lapsed => StoredState::Lapsed,
            Self::Unknown => StoredState::Unknown,
        }
    }
}

impl From<StoredState> for ApprovalState {
    fn from(state: StoredState) -> Self {
        match state {
            StoredState::Waiting => Self::Waiting,
            StoredState::Approved => Self::Approved,
            StoredState::Executing => Self::Executing,
            StoredState::Answered => Self::Answered,
            StoredState::Refused => Self::Refused,
            StoredState::Lapsed => Self::Lapsed,
            StoredState::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for ApprovalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The reason why a request can no longer be sent.
///
/// ```
/// use connection_core::LapseReason;
///
/// assert_eq!(LapseReason::Ended.to_string(), "nobody approved it, or it was not sent, before its time ended");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LapseReason {
    /// The connection has another account than the one for which the request was made.
    Account,
    /// The agent was removed.
    Agent,
    /// The connection was removed.
    Connection,
    /// The rules of the grant deny the request now.
    Denied,
    /// The time in which the request could be sent has passed.
    Ended,
    /// The grant was revoked or has ended.
    Grant,
    /// The request can no longer be made: its address, or the way in which it is read, has changed.
    Request,
    /// The terms of the connection's kind are others than those under which the request was made.
    Terms,
}

impl LapseReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Account,
        Self::Agent,
        Self::Connection,
        Self::Denied,
        Self::Ended,
        Self::Grant,
        Self::Request,
        Self::Terms,
    ];

    /// Returns the word for the reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Agent => "agent",
            Self::Connection => "connection",
            Self::Denied => "denied",
            Self::Ended => "ended",
            Self::Grant => "grant",
            Self::Request => "request",
            Self::Terms => "terms",
        }
    }

    /// Returns the reason with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

impl fmt::Display for LapseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => "the connection has another account now",
            Self::Agent => "the agent was removed",
            Self::Connection => "the connection was removed",
            Self::Denied => "the rules of the grant deny it now",
            Self::Ended => "nobody approved it, or it was not sent, before its time ended",
            Self::Grant => "the grant was revoked or has ended",
            Self::Request => "the request can no longer be made as it was approved",
            Self::Terms => "the terms of the connection's kind have changed",
        })
    }
}

/// Returns the state of an approval at a time, which may differ from the one in its row. A request whose time has
/// passed has lapsed, and one whose process has not said for long that it lives may have been sent.
pub(crate) fn state_at(row: &ApprovalRow, now: i64) -> ApprovalState {
    match row.state {
        StoredState::Waiting | StoredState::Approved if row.ends_at <= now => ApprovalState::Lapsed,
        StoredState::Executing if row.lease_until.is_none_or(|until| until <= now) => ApprovalState::Unknown,
        state => state.into(),
    }
}
