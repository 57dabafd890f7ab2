//! The states of an approval.

use std::fmt;

use crate::words::words;

words! {
    /// The state of a request about which a person is asked.
    ///
    /// ```
    /// use connection_core::ApprovalState;
    ///
    /// assert_eq!(ApprovalState::Waiting.as_str(), "waiting");
    /// assert_eq!(ApprovalState::parse("answered"), Some(ApprovalState::Answered));
    /// assert!(ApprovalState::Approved.is_open() && !ApprovalState::Unknown.is_open());
    /// ```
    #[non_exhaustive]
    pub enum ApprovalState {
        /// A person has not answered.
        Waiting = "waiting",
        /// A person approved the request, and it was not sent yet.
        Approved = "approved",
        /// The request is being sent, or the answer is awaited.
        Executing = "executing",
        /// The provider answered, with any status.
        Answered = "answered",
        /// A person refused the request. It was not sent.
        Refused = "refused",
        /// The request was not sent and can no longer be sent; [`LapseReason`] says why.
        Lapsed = "lapsed",
        /// The request may have been sent, and the answer is lost. It is never sent again.
        Unknown = "unknown",
    }
}

impl ApprovalState {
    /// Returns `true` for a request that may still be sent, or is being sent.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Approved | Self::Executing)
    }
}

impl fmt::Display for ApprovalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

words! {
    /// The reason why a request can no longer be sent.
    ///
    /// ```
    /// use connection_core::LapseReason;
    ///
    /// assert_eq!(LapseReason::Ended.to_string(), "nobody approved it, or it was not sent, before its time ended");
    /// ```
    #[non_exhaustive]
    pub enum LapseReason {
        /// The connection has another account than the one for which the request was made.
        Account = "account",
        /// The agent was removed.
        Agent = "agent",
        /// The connection was removed.
        Connection = "connection",
        /// The rules of the grant deny the request now.
        Denied = "denied",
        /// The time in which the request could be sent has passed.
        Ended = "ended",
        /// The grant was revoked or has ended.
        Grant = "grant",
        /// The request can no longer be made: its address, or the way in which it is read, has changed.
        Request = "request",
        /// The terms of the connection's kind are others than those under which the request was made.
        Terms = "terms",
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
