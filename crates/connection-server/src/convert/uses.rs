//! The record of use.

use connection_api as api;
use connection_core::{Grantee, Use};

/// Converts a use.
pub fn of_use(of: &Use) -> api::Use {
    let end = of.end.as_ref();
    let (agent, extension) = match &of.grantee {
        Some(Grantee::Extension(name)) => (None, Some(name.clone())),
        Some(grantee) => (of.agent.clone().or_else(|| Some(grantee.to_string())), None),
        None => (None, None),
    };
    let account = of.account.as_ref().map(|account| {
        let label = account.label.to_string();
        if label.is_empty() { account.account_id.to_string() } else { label }
    });
    api::Use {
        id: of.id.to_string(),
        at: of.at.to_rfc3339(),
        connection: of.connection.map(|id| id.to_string()),
        kind: of.kind.clone(),
        label: of.label.clone(),
        account,
        agent,
        extension,
        grantee: of.grantee.as_ref().map(Grantee::to_string),
        token: of.token.map(|id| id.to_string()),
        door: of.door.as_str().into(),
        method: of.method.clone(),
        origin: of.origin.clone(),
        path: of.path.clone(),
        rule: of.rule.clone(),
        approval: of.approval.map(|id| id.to_string()),
        secrets: of.secrets.clone(),
        command: of.command.clone(),
        outcome: end.map(|end| end.outcome.as_str().into()),
        ended_at: end.map(|end| end.at.to_rfc3339()),
        code: end.and_then(|end| end.code.clone()),
        status: end.and_then(|end| end.status),
        complete: end.and_then(|end| end.is_complete),
        sent: end.map(|end| end.sent),
        received: end.map(|end| end.received),
        milliseconds: end.map(|end| u64::try_from(end.took.as_millis()).unwrap_or(u64::MAX)),
        redacted: end.is_some_and(|end| end.is_redacted),
        count: end.map_or(1, |end| end.count),
        edited: of.is_edited,
    }
}
