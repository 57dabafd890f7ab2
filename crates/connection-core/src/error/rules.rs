//! The errors of requests that the rules of a grant do not let pass.

use connection_contract::{DisplayText, Timestamp};
use connection_rules::Ambiguous;

use crate::{ApprovalId, ConnectionId, error::table::codes_and_remedies};

/// The reason why a request of an agent, or of an extension whose grant has rules, was not sent.
///
/// ```
/// use connection_core::RuleError;
///
/// fn is_worth_a_wait(error: &RuleError) -> bool {
///     matches!(error, RuleError::BudgetSpent { .. })
/// }
/// # let _ = is_worth_a_wait;
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The request can be read in two ways, or holds a second credential.
    #[error("the request of '{grantee}' cannot be decided: {why}")]
    Ambiguous {
        /// The agent or extension that sent the request.
        grantee: DisplayText,
        /// The part of the request that is the reason, and what the sender can do about it.
        why: Ambiguous,
    },
    /// A rule says that a person is asked.
    #[error("the rule '{rule}' of '{grantee}' needs the approval of a person for this request")]
    Asks {
        /// The agent or extension that sent the request.
        grantee: DisplayText,
        /// The rule that decided.
        rule: DisplayText,
        /// The approval to which the request belongs, which may have been answered meanwhile. `None` for an extension,
        /// about whose requests nobody is asked.
        approval: Option<ApprovalId>,
    },
    /// A rule says that a person is asked, and the body is too long to be stored for that.
    #[error("the rule '{rule}' of '{grantee}' needs the approval of a person, and the body has more than 1 MiB")]
    AsksTooLong {
        /// The agent that sent the request.
        grantee: DisplayText,
        /// The rule that decided.
        rule: DisplayText,
    },
    /// The grant permits a number of requests in a time, and nothing is left of it.
    #[error("the budget of '{grantee}' for connection {connection} is spent until {until}")]
    BudgetSpent {
        /// The agent or extension that sent the request.
        grantee: DisplayText,
        /// The connection that would be used.
        connection: ConnectionId,
        /// The time at which the next window of the budget begins.
        until: Timestamp,
    },
    /// A person would be asked, and as many requests of the agent wait as may wait.
    #[error("64 requests of '{grantee}' wait for a person, and no more can")]
    TooManyApprovals {
        /// The agent that sent the request.
        grantee: DisplayText,
    },
    /// No rule allows the request.
    #[error("the rules of '{grantee}' do not allow this request: {why}")]
    Denied {
        /// The agent or extension that sent the request.
        grantee: DisplayText,
        /// The reason, and what can be done about it, as a sentence without a full stop.
        why: DisplayText,
    },
}

codes_and_remedies! {
    RuleError {
        Self::Ambiguous { .. } => "ambiguous_request", "send the request in a form that can be read in one way only";
        Self::Asks { approval: Some(id), .. } => "approval_required",
            format!("let a person answer with `connections approvals show {id}`, then send the request again");
        Self::Asks { grantee, .. } => "approval_required",
            format!("let a person change the rules of '{grantee}' if the request should be sent");
        Self::AsksTooLong { .. } => "approval_too_long", "send less at once";
        Self::BudgetSpent { grantee, .. } => "budget_spent",
            format!("wait until then, or grant '{grantee}' the connection again with another budget");
        Self::TooManyApprovals { .. } => "too_many_approvals",
            "let a person answer those that wait with `connections approvals list`, then send the request again";
        Self::Denied { grantee, .. } => "rule_denied",
            format!("let a person change the rules of '{grantee}' if the request should be sent");
    }
}
