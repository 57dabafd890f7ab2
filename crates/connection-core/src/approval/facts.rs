//! What the row of an approval says as JSON, in a column that its mark covers.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AccessTokenId, Door, LapseReason, store::rows::ApprovalRow};

/// The question, who answered it, and how it ended. No member holds a query or a header, and of the body only the id of a
/// message of JSON-RPC is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Facts {
    /// The account of the connection when the request was made.
    pub(crate) account_id: String,
    pub(crate) account_label: String,
    /// The name of the agent.
    pub(crate) agent: String,
    /// The bytes of the body.
    pub(crate) bytes: u64,
    /// SHA-256 of the nonce and the whole request, in hexadecimal.
    pub(crate) digest: String,
    pub(crate) door: Door,
    /// The label of the connection.
    pub(crate) label: String,
    /// The id of the message of JSON-RPC, as JSON, if the body is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    pub(crate) method: String,
    pub(crate) nonce: String,
    pub(crate) origin: String,
    /// The path at the provider, without the query.
    pub(crate) path: String,
    /// The revision of the grant in its mark.
    pub(crate) revision: i64,
    /// The rule that asks.
    pub(crate) rule: String,
    /// The digest of the kind's terms to which a person agreed, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) terms: Option<String>,
    /// The token of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Uuid>,

    /// The person or the program that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answered_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answered_at: Option<i64>,
    /// How it was proved who answered: `library`, `command`, or `token:` with an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proof: Option<String>,
    /// `true` if the answer also widened the grant.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) widened: bool,
    /// The reason of a person who refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<String>,
    /// The reason why the request can no longer be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lapse: Option<String>,
    /// The status of the provider's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// `true` if the whole answer was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) complete: Option<bool>,
    /// The code of the error without which there would be an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
}

/// The person or the program that answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answerer {
    pub(crate) name: Option<String>,
    pub(crate) token: Option<AccessTokenId>,
    pub(crate) door: Door,
}

impl Answerer {
    /// Returns how it was proved who answers.
    pub(crate) fn proof(&self) -> String {
        match self.token {
            Some(token) => format!("token:{token}"),
            None => self.door.as_str().to_owned(),
        }
    }
}

impl Facts {
    /// Returns the facts of a row whose mark was checked. A member that this version does not know is left out.
    pub(crate) fn of(row: &ApprovalRow) -> Self {
        serde_json::from_str(&row.facts).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        // The members are texts and numbers, which always have a form in JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the reason why the request can no longer be sent.
    pub(crate) fn lapse_reason(&self) -> Option<LapseReason> {
        self.lapse.as_deref().and_then(LapseReason::parse)
    }
}
