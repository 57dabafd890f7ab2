//! The shape of a connection.

use std::collections::BTreeMap;

use connection_contract::{Reason, Timestamp};
use connection_core::ConnectionInfo;
use serde::Serialize;

use crate::output::{condition, expires_soon, liveness_word};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConnectionBody {
    id: String,
    kind: String,
    provider: String,
    owner: String,
    label: String,
    account: AccountBody,
    liveness: &'static str,
    reason: Option<ReasonBody>,
    checked_at: Option<String>,
    valid_until: Option<String>,
    authorized_until: Option<String>,
    renews: bool,
    scopes: Option<Vec<String>>,
    config: BTreeMap<String, String>,
    profile: Option<String>,
    is_default: bool,
    expiring: bool,
}

/// The shape of `refresh`.
#[derive(Debug, Serialize)]
pub(crate) struct RefreshedBody {
    pub(crate) outcome: &'static str,
    pub(crate) connection: ConnectionBody,
}

#[derive(Debug, Serialize)]
struct AccountBody {
    id: String,
    label: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReasonBody {
    code: String,
    message: String,
    remedy: Option<String>,
}

impl From<&Reason> for ReasonBody {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code.to_string(),
            message: reason.message.to_string(),
            remedy: reason.remedy.as_ref().map(ToString::to_string),
        }
    }
}

impl ConnectionBody {
    pub(crate) fn of(info: &ConnectionInfo, now: Timestamp) -> Self {
        let (liveness, reason) = condition(info);
        Self {
            id: info.id.to_string(),
            kind: info.kind.to_string(),
            provider: info.provider.to_string(),
            owner: info.owner.clone(),
            label: info.label.to_string(),
            account: AccountBody { id: info.identity.account_id.to_string(), label: info.identity.label.to_string() },
            liveness: liveness_word(liveness),
            reason: reason.as_ref().map(ReasonBody::from),
            checked_at: info.checked_at.map(Timestamp::to_rfc3339),
            valid_until: info.valid_until.map(Timestamp::to_rfc3339),
            authorized_until: info.authorized_until.map(Timestamp::to_rfc3339),
            renews: info.renews,
            scopes: info.scopes.clone(),
            config: info.config.iter().cloned().collect(),
            profile: info.profile.map(|id| id.to_string()),
            is_default: info.is_default,
            expiring: expires_soon(info, now),
        }
    }
}
