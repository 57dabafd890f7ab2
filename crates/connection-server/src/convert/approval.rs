//! Approvals, and what widens a grant.

use connection_api as api;
use connection_contract::Timestamp;
use connection_core::{Approval, ApprovalDetails, ApprovalState, Change, ShownRequest, Widening};

/// Converts an approval.
pub fn approval(of: &Approval) -> api::Approval {
    let account = match of.account.label.to_string() {
        label if label.is_empty() => of.account.account_id.to_string(),
        label => label,
    };
    api::Approval {
        id: of.id.to_string(),
        agent: of.agent_name.clone(),
        agent_id: of.agent.to_string(),
        token: of.token.map(|token| token.to_string()),
        door: of.door.as_str().into(),
        connection: of.connection.to_string(),
        kind: of.kind.clone(),
        label: of.label.clone(),
        account: Some(account).filter(|account| !account.is_empty()),
        rule: of.rule.clone(),
        method: of.method.clone(),
        origin: of.origin.clone(),
        path: of.path.clone(),
        bytes: of.bytes,
        impact: of.impact.as_str().into(),
        digest: of.digest.clone(),
        state: of.state.as_str().into(),
        reason: reason(of),
        answered_by: of.answered_by.clone(),
        answered_at: of.answered_at.map(Timestamp::to_rfc3339),
        widened: of.has_widened,
        status: of.status,
        complete: of.is_complete,
        code: of.code.clone(),
        created_at: of.created_at.to_rfc3339(),
        ends_at: of.ends_at.to_rfc3339(),
        changed_at: of.changed_at.to_rfc3339(),
        fetched_at: of.fetched_at.map(Timestamp::to_rfc3339),
    }
}

fn reason(of: &Approval) -> Option<String> {
    match of.state {
        ApprovalState::Lapsed => of.lapse.map(|lapse| lapse.to_string()),
        ApprovalState::Refused => of.refusal.clone(),
        _ => None,
    }
}

/// Converts an approval with everything by which a person judges it.
pub fn shown_approval(of: &ApprovalDetails) -> api::ShownApproval {
    api::ShownApproval {
        approval: approval(&of.approval),
        request: of.request.as_ref().map(request),
        ran_before: of.ran_before,
        rule_ran_before: of.rule_ran_before,
        previous: of.previous.map(|id| id.to_string()),
        changes: of.changes.as_ref().map(|changes| changes.iter().map(change).collect()),
    }
}

fn request(of: &ShownRequest) -> api::ShownRequest {
    let headers = of.headers.iter();
    api::ShownRequest {
        method: of.method.clone(),
        address: of.address.clone(),
        headers: headers.map(|(name, value)| api::Header { name: name.clone(), value: value.clone() }).collect(),
        body: of.body.clone(),
    }
}

fn change(of: &Change) -> api::RequestChange {
    api::RequestChange { kind: of.kind.as_str().into(), text: of.text.clone() }
}

/// Converts what widens a grant.
pub fn widening(of: &Widening) -> api::Widening {
    api::Widening {
        rule: of.rule.clone(),
        method: of.method.clone(),
        origin: of.origin.clone(),
        path: of.path.clone(),
        created_at: of.created_at.to_rfc3339(),
        ends_at: of.ends_at.to_rfc3339(),
        left: of.left,
    }
}
