//! Freezes: what is frozen, and freezing and thawing.

use serde::{Deserialize, Serialize};

use crate::Reason;

/// Something that is frozen. It is named as `agent:ID`, `all`, `connection:ID`, `kind:KIND` or `owner:OWNER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Freeze {
    /// The thing that is frozen.
    pub what: String,
    /// The owner of the connection or the agent; `null` for anything else.
    pub owner: Option<String>,
    /// The time at which it was frozen, if it is known.
    pub at: Option<String>,
    /// The person or the program that froze it, if it is known.
    pub by: Option<String>,
}

/// A note that something was frozen or thawed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FreezeChange {
    /// The thing that was frozen or thawed.
    pub what: String,
    /// The owner of the connection or the agent; `null` for anything else.
    pub owner: Option<String>,
    /// The time of the change.
    pub at: String,
    /// The person or the program that made the change, if it is known.
    pub by: Option<String>,
    /// `true` if it was frozen, `false` if it was thawed.
    pub frozen: bool,
}

/// What is frozen for an owner, and the last changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Freezes {
    /// What is frozen, the first one first.
    pub items: Vec<Freeze>,
    /// The last changes, the newest first.
    pub changes: Vec<FreezeChange>,
    /// The reason why everything is frozen, if the row that names what is frozen was changed outside of the program.
    pub refused: Option<Reason>,
}

/// A request to freeze something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewFreeze {
    /// `agent:NAME` or `agent:ID`, `all`, `connection:ID`, `kind:KIND` or `owner:OWNER`.
    pub what: String,
}

/// The result of freezing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Froze {
    /// The thing that is frozen now. It is more than what was asked for if there was no room to name that.
    pub what: String,
    /// `true` if the thing was frozen before.
    pub was_frozen: bool,
    /// The number of connections that the freeze concerns now.
    pub connections: u64,
    /// The secrets that were handed out and still work, the last one first.
    pub released: Vec<ReleasedSecret>,
    /// `true` if the record of events has older releases that were not looked for.
    pub has_older: bool,
    /// The processes that have not confirmed the freeze within a second. They may still send a request that they have
    /// begun.
    #[cfg_attr(feature = "schema", schema(required = true))]
    #[serde(default)]
    pub remaining: Vec<String>,
}

/// A secret that was handed out, which a freeze does not end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReleasedSecret {
    /// The id of the connection whose secret it is.
    pub connection: String,
    /// The kind of the connection; `null` if it was removed.
    pub kind: Option<String>,
    /// The label of the connection; `null` if it was removed.
    pub label: Option<String>,
    /// The name of the secret.
    pub name: String,
    /// The extension that got it; `null` for an agent, another program or a person.
    pub extension: Option<String>,
    /// The agent that got it, for a program that asked for a credential.
    pub agent: Option<String>,
    /// The number of times that it was handed out, in the events that were read.
    pub times: u64,
    /// The time of the last release.
    pub last_at: String,
    /// The way to end the secret.
    pub remedy: String,
}

/// The result of thawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Thawed {
    /// The thing that was thawed.
    pub what: String,
    /// `true` if the thing was frozen.
    pub was_frozen: bool,
    /// What is still frozen that concerns the thing.
    pub still: Vec<String>,
}
