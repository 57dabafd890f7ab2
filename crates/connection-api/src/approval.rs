//! Approvals: requests of agents about which a person is asked.

use serde::{Deserialize, Serialize};

use crate::{
    send::{Answer, Header},
    uses::UseDoor,
    words::words,
};

words! {
    /// The state of a request about which a person is asked.
    ApprovalState {
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
        /// The request was not sent and can no longer be sent.
        Lapsed = "lapsed",
        /// The request may have been sent, and the answer is lost. It is never sent again.
        Lost = "unknown",
        _ => Unrecognized,
    }
    /// The effect of a request, judged by its method alone.
    Impact {
        /// The request deletes something. This cannot be undone.
        Deletes = "deletes",
        /// The request changes something. Whether this can be undone is not known.
        Changes = "changes",
        /// The method is one that reads, such as `GET`.
        Reads = "reads",
        _ => Unrecognized,
    }
    /// The kind of a part of the difference between two requests.
    ChangeKind {
        /// The part is in both requests.
        Same = "same",
        /// The part is only in the former request.
        Removed = "removed",
        /// The part is only in this request.
        Added = "added",
        _ => Unrecognized,
    }
}

/// A request of an agent about which a person is asked, without the request itself.
///
/// ```
/// use connection_api::Approval;
///
/// fn line(of: &Approval) -> String {
///     format!("{} asks for {} {}{}: {}", of.agent, of.method, of.origin, of.path, of.state)
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The id. It does not give access.
    pub id: String,
    /// The name of the agent that made the request.
    pub agent: String,
    /// The id of the agent.
    pub agent_id: String,
    /// The id of the token with which the agent made the request.
    pub token: Option<String>,
    /// The way in which the request arrived.
    pub door: UseDoor,
    /// The id of the connection through which the request would be sent.
    pub connection: String,
    /// The kind of the connection.
    pub kind: String,
    /// The label that the connection had when the request was made.
    pub label: String,
    /// The name or the id of the account that the connection had when the request was made.
    pub account: Option<String>,
    /// The rule that asks.
    pub rule: String,
    /// The method of the request.
    pub method: String,
    /// The origin to which the request is addressed.
    pub origin: String,
    /// The path of the request at the provider, without the query.
    pub path: String,
    /// The bytes of the body of the request.
    pub bytes: u64,
    /// The effect of the request, judged by its method alone.
    pub impact: Impact,
    /// The digest of the whole request. Whoever approves the request states it.
    pub digest: String,
    /// The state.
    pub state: ApprovalState,
    /// The reason why the request was refused or can no longer be sent, as a sentence for people.
    pub reason: Option<String>,
    /// The person or the program that answered, if it is known.
    pub answered_by: Option<String>,
    /// The time of the answer.
    pub answered_at: Option<String>,
    /// `true` if the answer also widened the grant.
    pub widened: bool,
    /// The status of the provider's answer.
    pub status: Option<u16>,
    /// `true` if the whole answer was stored; `null` without an answer.
    pub complete: Option<bool>,
    /// The code of the error that keeps an approved request from being sent, or its answer from arriving.
    pub code: Option<String>,
    /// The time at which the request was made.
    pub created_at: String,
    /// The end of the time in which the request may be sent.
    pub ends_at: String,
    /// The time of the last change of the state.
    pub changed_at: String,
    /// The time at which the agent got the result.
    pub fetched_at: Option<String>,
}

/// A whole request, made visible: characters that a screen would not show in their place are written as `⟨U+202E⟩`, and
/// bytes that are no text as `⟨FF⟩`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ShownRequest {
    /// The method.
    pub method: String,
    /// The address at the provider, with the query.
    pub address: String,
    /// The headers, in their order. The credential is not among them.
    pub headers: Vec<Header>,
    /// The body.
    pub body: String,
}

/// A part of the difference between two requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RequestChange {
    /// Where the part is.
    pub kind: ChangeKind,
    /// The text of the part.
    pub text: String,
}

/// An approval with everything by which a person judges it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShownApproval {
    /// The approval.
    pub approval: Approval,
    /// The whole request. `null` after the request can no longer be sent.
    pub request: Option<ShownRequest>,
    /// The number of equal requests that were sent in the last thirty days after an approval, those included whose
    /// answer is lost.
    pub ran_before: u64,
    /// The number of requests of the same agent, with the same rule and method, that were sent in the last thirty days
    /// after an approval.
    pub rule_ran_before: u64,
    /// The id of the last of those requests.
    pub previous: Option<String>,
    /// The difference of this request from the last of those. `null` without one, and if one of the two is longer than
    /// 64 KiB.
    pub changes: Option<Vec<RequestChange>>,
}

/// The approval of a request that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApproval {
    /// The digest of the request that was shown, so that nothing else is approved.
    pub digest: String,
    /// The minutes for which the grant is widened: further requests with the method and the path of this one, which the
    /// same rule asks about, pass without a question. 60 at most. Without this member, this request alone is approved.
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 60))]
    pub minutes: Option<u32>,
    /// The number of further requests that pass: 1 to 100, and 10 if nothing is stated.
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 100))]
    pub requests: Option<u32>,
}

/// The refusal of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRefusal {
    /// The reason, which the agent is told.
    #[cfg_attr(feature = "schema", schema(max_length = 500))]
    pub reason: Option<String>,
}

/// A widening of a grant: for a time, a rule that asks lets requests with one method and one path pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Widening {
    /// The rule that would ask.
    pub rule: String,
    /// The method of the requests.
    pub method: String,
    /// The origin, if the address is outside of the base address of the connection.
    pub origin: Option<String>,
    /// The path below the base address or the origin.
    pub path: String,
    /// The time at which a person widened the grant.
    pub created_at: String,
    /// The time at which it ends.
    pub ends_at: String,
    /// The number of requests that may still pass.
    pub left: u32,
}

/// What became of a request about which a person was asked, as the agent that made it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApprovalResult {
    /// The id of the approval.
    pub id: String,
    /// The state.
    pub state: ApprovalState,
    /// The rule that asks.
    pub rule: String,
    /// The reason why the request was refused or can no longer be sent.
    pub reason: Option<String>,
    /// The code of the error that keeps an approved request from being sent, or its answer from arriving.
    pub code: Option<String>,
    /// The end of the time in which the request may be sent.
    pub ends_at: String,
    /// The answer of the provider, for a day.
    pub answer: Option<Answer>,
}
