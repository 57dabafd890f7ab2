//! The consent of a person that a client acts as an agent of its own.

use serde::{Deserialize, Serialize};

use crate::agent::GrantRules;

/// The request of a client, as the page got it in its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// The sealed request, from the address of the page or from [`ShownConsent::request`].
    pub request: String,
}

/// A client that asks to act as an agent, as a person judges it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShownConsent {
    /// The name by which the client calls itself. Nobody has checked it.
    pub client: String,
    /// The host to which the browser returns, with its port. Only what listens there gets the code.
    pub host: String,
    /// `true` if the host is this machine, as the browser sees it.
    pub is_local: bool,
    /// The address of the document in which the client describes itself; `null` for a client that registered here.
    pub document: Option<String>,
    /// A name for the agent that no agent has.
    pub name: String,
    /// The name of the newest agent of the same client: of the same document, or registered with the same name and hosts.
    /// `null` if there is none.
    pub former: Option<String>,
    /// The request, to be sent with the decision.
    pub request: String,
    /// The time until which a decision is accepted.
    pub expires_at: String,
}

/// The consent of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewConsent {
    /// The request, as [`ShownConsent::request`] has it.
    pub request: String,
    /// The name of the new agent: 1 to 64 of the characters `a-z`, `0-9` and `-`.
    pub name: String,
    /// The time after which the client and its grants end, such as `8h`: at most 365 days, and 24 hours by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The connections that the agent may use, none by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ConsentGrant>,
    /// The name of the former agent of the same client, which is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// A connection that the agent of a client may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConsentGrant {
    /// The id of the connection.
    pub connection: String,
    /// The name of a preset of the connection's kind, or an object of rules. Without this member, the preset `read` of
    /// the kind, or `ask` if the kind has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<GrantRules>,
}

/// What a decision led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Decided {
    /// The address of the client to which the browser goes now. It may contain a code, which is accepted once within 60
    /// seconds.
    pub redirect: String,
    /// The name of the agent that was created; `null` after a refusal.
    pub agent: Option<String>,
}
