//! The errors of approvals.

use connection_contract::DisplayText;

use crate::{ApprovalId, ApprovalState, error::table::codes_and_remedies};

/// The reason why an approval was not answered. Nothing was changed.
///
/// ```
/// use connection_core::ApprovalError;
///
/// fn is_late(error: &ApprovalError) -> bool {
///     matches!(error, ApprovalError::NotWaiting { .. })
/// }
/// # let _ = is_late;
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApprovalError {
    /// The digest is not that of the request: something else was looked at.
    #[error("the digest is not that of the request of approval {0}, so what was looked at is something else")]
    OtherDigest(ApprovalId),
    /// The request does not wait for an answer.
    #[error("the approval {id} does not wait for an answer: it is {state}")]
    NotWaiting {
        /// The approval.
        id: ApprovalId,
        /// The state in which it is.
        state: ApprovalState,
    },
    /// The grant cannot be widened, because it or its connection was changed after the request was made.
    #[error("the grant of '{agent}' or its connection was changed after the request was made, so it is not widened")]
    GrantChanged {
        /// The agent that made the request.
        agent: DisplayText,
    },
    /// The owner has no such approval, or it is long over.
    #[error("no approval with the id {0}")]
    Unknown(ApprovalId),
}

codes_and_remedies! {
    ApprovalError {
        Self::OtherDigest(_) => "approval_differs", "look at the request again, and answer with its digest";
        Self::NotWaiting { .. } => "approval_answered", "look at what became of it; the agent can ask again";
        Self::GrantChanged { .. } => "grant_changed", "approve this request alone";
        Self::Unknown(_) => "unknown_approval", "list the approvals to see their ids";
    }
}
