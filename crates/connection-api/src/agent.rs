//! Agents: their grants, their tokens, and the difference that a change of a grant makes.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{approval::Widening, model_client::ModelClient, words::words};

words! {
    /// The doors at which the token of an agent is accepted.
    Audience {
        /// The doors for requests.
        Doors = "doors",
        /// The door for models.
        Mcp = "mcp",
        _ => Unrecognized,
    }
    /// The doors at which a token to make is accepted.
    NewAudience("Audience") {
        /// The doors for requests.
        Doors = "doors",
        /// The door for models.
        Mcp = "mcp",
    }
    /// The state of a grant to an agent.
    GrantState {
        /// The grant is in force.
        Active = "active",
        /// The time of the grant has passed.
        Ended = "ended",
        /// A person revoked the grant.
        Revoked = "revoked",
        _ => Unrecognized,
    }
    /// What happens to a request.
    RuleEffect {
        /// The request is sent.
        Allow = "allow",
        /// A person is asked about the request.
        Ask = "ask",
        /// The request is not sent.
        Deny = "deny",
        _ => Unrecognized,
    }
    /// What rules decide about a request.
    RulesDecision {
        /// The request is sent.
        Allow = "allow",
        /// A person is asked about the request.
        Ask = "ask",
        /// The request is not sent.
        Deny = "deny",
        /// The request can be read in two ways, and is not sent whatever the rules say.
        Refused = "refused",
        _ => Unrecognized,
    }
}

/// An agent: a program without a manifest that may use connections within rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// The id, which no other agent has had.
    pub id: String,
    /// The name, which is unique among the agents of the owner.
    pub name: String,
    /// The time at which it was created.
    pub created_at: String,
    /// The grants of connections that exist, with those that were revoked or have ended.
    pub grants: Vec<AgentGrant>,
}

/// An agent, with its tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ShownAgent {
    /// The agent.
    #[serde(flatten)]
    pub agent: Agent,
    /// The client for which the agent was created; `null` for an agent that a person created otherwise.
    #[serde(default)]
    pub client: Option<ModelClient>,
    /// The tokens that a person made, in the order in which they were made, with those that ended recently.
    pub tokens: Vec<AgentToken>,
}

/// The permission of an agent to use one connection within rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentGrant {
    /// The id of the connection.
    pub connection: String,
    /// The kind of the connection.
    pub kind: String,
    /// The label of the connection.
    pub label: String,
    /// `active`, `ended` or `revoked`.
    pub state: GrantState,
    /// The rules, with their budget.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub rules: Value,
    /// What the rules permit, one clause for each rule and each limit. Each follows the name of the agent.
    pub words: Vec<String>,
    /// The name of the preset whose rules these are exactly; `null` for other rules.
    pub preset: Option<String>,
    /// The number of requests that the grant permits in each window; `null` if it is not limited.
    pub budget: Option<GrantBudget>,
    /// The widenings of the grant that have not ended.
    pub widened: Vec<Widening>,
    /// Variables that direct the usual programs of the provider to the reverse door, by their names: `{door}` stands
    /// for the address of the connection there, without `/` at its end, and `{token}` for a token of the agent.
    pub variables: BTreeMap<String, String>,
    /// The origins to which the requests of the connection may go, such as `https://api.example.com`. The door for programs
    /// that cannot be directed to another address opens these alone. Empty if the connection sends no requests, or cannot be
    /// opened now.
    pub origins: Vec<String>,
    /// The time at which it was granted.
    pub created_at: String,
    /// The time at which it ends.
    pub expires_at: String,
    /// The time at which it was revoked.
    pub revoked_at: Option<String>,
    /// In the answer to a grant that replaces another one: the processes that have not confirmed within a second that it
    /// does. They may still send a request that the former grant permits.
    #[cfg_attr(feature = "schema", schema(required = true))]
    #[serde(default)]
    pub remaining: Vec<String>,
}

/// The number of requests that a grant permits in each window. The windows begin with the grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct GrantBudget {
    /// The number of requests.
    pub requests: u64,
    /// The length of a window, such as `1h`.
    pub per: String,
    /// The number of requests that are left in this window; `null` if it is not known.
    pub left: Option<u64>,
    /// The time at which the next window begins; `null` if `left` is `null`.
    pub until: Option<String>,
}

/// A token of an agent, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentToken {
    /// The id, by which the token is revoked.
    pub id: String,
    /// The name by which people know the token.
    pub name: String,
    /// `doors` or `mcp`: the doors at which it is accepted. It gives no access to this API.
    pub audience: Audience,
    /// The time at which it was made.
    pub created_at: String,
    /// The time at which it ends.
    pub expires_at: String,
    /// The time of its last use, if it was used.
    pub last_used_at: Option<String>,
    /// The time at which it was revoked, if it was.
    pub revoked_at: Option<String>,
}

/// A token of an agent that was made, with its text, which is shown once.
///
/// `Debug` hides the text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct IssuedAgentToken {
    /// The token without its text.
    #[serde(flatten)]
    pub of: AgentToken,
    /// The text of the token.
    pub token: String,
}

impl fmt::Debug for IssuedAgentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedAgentToken").field("of", &self.of).finish_non_exhaustive()
    }
}

/// An agent to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// The name: 1 to 64 of the characters `a-z`, `0-9` and `-`.
    pub name: String,
}

/// An agent that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RemovedAgent {
    /// The name of the agent.
    pub name: String,
    /// The number of grants in force that were revoked; `null` if the row of the agent was edited, so that its grants
    /// were not read.
    pub revoked: Option<usize>,
    /// The processes that have not confirmed within a second that the agent is removed. They may still send a request of
    /// it that they have begun.
    #[cfg_attr(feature = "schema", schema(required = true))]
    #[serde(default)]
    pub remaining: Vec<String>,
}

/// The rules of a grant to make: those of a preset, or rules of their own.
///
/// ```
/// use connection_api::GrantRules;
///
/// assert_eq!(serde_json::from_str::<GrantRules>("\"read\"")?, GrantRules::Preset("read".to_owned()));
/// assert!(matches!(serde_json::from_str(r#"{"rule": []}"#)?, GrantRules::Rules(_)));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "a server has to handle each of them")]
pub enum GrantRules {
    /// The name of a preset of the connection's kind.
    Preset(String),
    /// Rules with the members `rule`, `budget` and `expires`, as a file of rules has them.
    Rules(Map<String, Value>),
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for GrantRules {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::{ObjectBuilder, OneOfBuilder, Type};
        let object = |schema_type| ObjectBuilder::new().schema_type(schema_type);
        let preset = object(Type::String).description(Some("The name of a preset of the connection's kind."));
        let rules = object(Type::Object).description(Some("Rules with the members `rule`, `budget` and `expires`."));
        OneOfBuilder::new().item(preset).item(rules).into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for GrantRules {}

/// A grant to make, or to compare with the grant that is in force.
///
/// ```
/// use connection_api::{GrantRules, NewAgentGrant};
///
/// let new: NewAgentGrant = serde_json::from_str(r#"{"rules": "read", "expires": "8h"}"#)?;
/// assert_eq!(new.rules, Some(GrantRules::Preset("read".to_owned())));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAgentGrant {
    /// The name of a preset of the connection's kind, or an object of rules. Without this member, the preset `ask`.
    pub rules: Option<GrantRules>,
    /// The time after which it ends, such as `8h`: at most 365 days. Without this member, as the rules say, or `24h`.
    pub expires: Option<String>,
    /// `true` if the secret itself may be handed out to a program that asks for a credential, such as `git`. Without this
    /// member, as the rules say, or `false`.
    pub release: Option<bool>,
}

/// A token of an agent to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAgentToken {
    /// The name by which people know the token; that of the agent if none is stated.
    pub name: Option<String>,
    /// `doors` or `mcp`: the doors at which it is accepted.
    pub audience: NewAudience,
    /// The time after which it ends, such as `90d`: at most 366 days; 90 days if none is stated.
    pub lifetime: Option<String>,
}

/// A grant as it would be, and how it differs from the grant that is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GrantPreview {
    /// The rules that would be granted, with their budget.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub rules: Value,
    /// What these rules permit, one clause for each rule and each limit.
    pub words: Vec<String>,
    /// The name of the preset whose rules these are exactly; `null` for other rules.
    pub preset: Option<String>,
    /// The names of the presets of the connection's kind.
    pub presets: Vec<String>,
    /// The budget of these rules; `null` if requests are not limited.
    pub budget: Option<GrantBudget>,
    /// The time at which the grant would end if it were given now.
    pub expires_at: String,
    /// The grant that is in force and would be replaced; `null` if there is none.
    pub before: Option<AgentGrant>,
    /// The clauses of `words` that the grant in force does not have.
    pub added: Vec<String>,
    /// The clauses of the grant in force that `words` does not have.
    pub removed: Vec<String>,
    /// A request that the new rules permit and the grant in force treats more strictly. Without a grant in force,
    /// everything is denied before.
    pub permits: RulesDifference,
    /// A request that the grant in force permits and the new rules treat more strictly.
    pub withdraws: RulesDifference,
    /// `true` if the new rules permit a request or a number of requests that the grant in force does not permit, if they
    /// let the secret be handed out and it does not, and if the rules have too many combinations to be compared. The ends
    /// are not compared.
    pub widens: bool,
}

/// The difference of two rule sets: a request that one of them permits and the other one treats more strictly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RulesDifference {
    /// `true` if there is such a request; `null` if the rules have too many combinations to be compared.
    pub differs: Option<bool>,
    /// The method of the request.
    pub method: Option<String>,
    /// The path of the request, with its query.
    pub path: Option<String>,
    /// What happens to the request before the change.
    pub before: Option<RuleEffect>,
    /// What happens to the request after the change.
    pub after: Option<RuleEffect>,
    /// The difference in words.
    pub message: String,
}

/// What rules decide about a request, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// `allow`, `ask`, `deny`, or `refused` for a request that can be read in two ways.
    pub decision: RulesDecision,
    /// The name of the rule that decides; `null` if no rule is about the request.
    pub rule: Option<String>,
    /// The rules that were compared, in their order, one clause for each.
    pub steps: Vec<String>,
    /// Why the request is not sent, and the way out; `null` if it is sent or asked about.
    pub reason: Option<String>,
}

/// The narrowest rules that cover what the record shows of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LearnedRules {
    /// The rules, with the budget of the grant in force.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub rules: Value,
    /// What these rules permit, one clause for each rule and each limit.
    pub words: Vec<String>,
    /// The number of allowed requests on record that the rules in force cover, and these, too.
    pub requests: u64,
    /// The number of requests on record that were denied or asked about.
    pub refused: u64,
}
