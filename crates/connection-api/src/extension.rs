//! Extensions: what each needs, which connections it may use, its preferences, and the hand-off of a person to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{FieldChoice, Grant, GrantRules, Reason, SetupType, words::words};

words! {
    /// The state of the requirement of an extension.
    RequirementStatus {
        /// A connection works.
        Connected = "connected",
        /// The connection does not work.
        Failed = "failed",
        /// There is no connection, or none was granted.
        Missing = "missing",
        /// No kind of the host connects what the extension declares.
        Unsupported = "unsupported",
        _ => Unrecognized,
    }
    /// The action with which a person provides what an extension needs.
    RequiredAction {
        /// The person chooses one of several connections.
        Choose = "choose",
        /// The person connects an account.
        Connect = "connect",
        /// The person grants the connection.
        Grant = "grant",
        /// The person authorizes the connection again.
        Reauthorize = "reauthorize",
        /// There is nothing that the person can do here.
        Unavailable = "unavailable",
        _ => Unrecognized,
    }
}

/// An extension that was added, its requirement, and the connections that it may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    /// The name of the extension.
    pub name: String,
    /// The provider that it needs; `None` for an extension that was not added.
    pub provider: Option<String>,
    /// The title of its requirement.
    pub title: Option<String>,
    /// The names of the secrets that it declares.
    pub secret_names: Vec<String>,
    /// The names of its commands.
    pub commands: Vec<String>,
    /// The state of its requirement: `connected`, `failed`, `missing` or `unsupported`.
    pub status: Option<RequirementStatus>,
    /// The reason for a state other than `connected`.
    pub error: Option<Reason>,
    /// The id of the connection that the extension uses.
    pub connection: Option<String>,
    /// `true` if a person chose a connection for it, so that the default of the provider does not count.
    pub chosen: bool,
    /// `true` if that connection was granted to it.
    pub granted: bool,
    /// The scopes that the extension declares and the connection lacks, and those for lack of which the provider refused
    /// a request of the extension.
    pub missing_scopes: Vec<String>,
    /// Those of the missing scopes that a re-authorization may ask for.
    pub askable_scopes: Vec<String>,
    /// The grants that were not revoked.
    pub grants: Vec<Grant>,
    /// The time at which it was added.
    pub added_at: Option<String>,
}

/// An extension that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RemovedExtension {
    /// The name of the extension.
    pub name: String,
    /// The number of grants that were revoked.
    pub revoked: usize,
}

/// An extension to add.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddExtension {
    /// The manifest of the extension.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub manifest: Value,
}

/// A grant to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGrant {
    /// The id of the connection.
    pub connection: String,
    /// The secrets that the extension may receive, of those that it declares. Without this member, all of them.
    pub secret_names: Option<Vec<String>>,
    /// The name of a preset of the connection's kind, or an object of rules, within which the extension may send
    /// requests. It then receives no secret. Without this member, every request is permitted.
    pub rules: Option<GrantRules>,
}

/// The choice of a connection for an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The id of the connection; `null` for the default of the provider.
    pub connection: Option<String>,
}

/// The preferences of an extension, or of one of its commands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Preferences {
    /// The name of the extension.
    pub extension: String,
    /// The name of the command; `null` for the preferences of the extension.
    pub command: Option<String>,
    /// The values by name.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub values: Value,
    /// The names of preferences that were set.
    pub set: Vec<String>,
    /// The names of required preferences without a value.
    pub missing: Vec<String>,
    /// The names of preferences for which the connection has its own value, which takes precedence.
    pub overridden: Vec<String>,
    /// The numbers of writes of what the extension is configured with.
    pub revisions: Revisions,
}

/// The numbers of writes of what an extension is configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Revisions {
    /// The number of writes of the preferences of the extension.
    pub extension_config: u64,
    /// The number of writes of the preferences of the command.
    pub command_config: u64,
    /// The number of writes of the configuration of the connection.
    pub connection_config: u64,
    /// The number of writes of the credential of the connection.
    pub credential: u64,
}

/// The preferences of an extension or of one of its commands, and their declaration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShownPreferences {
    /// The preferences.
    #[serde(flatten)]
    pub preferences: Preferences,
    /// The preferences as the extension declares them.
    pub declared: Vec<DeclaredPreference>,
    /// The connection's own values, which are used in place of preferences, by the names in `overridden`.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub connection_values: Value,
}

/// A preference as the extension declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeclaredPreference {
    /// The name of the preference.
    pub name: String,
    /// The title that a person reads.
    pub title: Option<String>,
    /// The description that a person reads.
    pub description: Option<String>,
    /// `checkbox`, `dropdown`, `text`, or a word that this version does not know and treats as `text`.
    pub r#type: String,
    /// `true` if the extension needs a value.
    pub required: bool,
    /// The choices of a `dropdown`.
    pub choices: Vec<FieldChoice>,
}

/// The preferences to change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetPreferences {
    /// The values by name; `null` resets a preference to its default. What is not named stays as it is.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub values: BTreeMap<String, Value>,
}

/// The content of a view that needs a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Required {
    /// The title that a person reads.
    pub title: String,
    /// The instructions that a person reads.
    pub guide: Option<String>,
    /// `choose`, `connect`, `grant`, `reauthorize` or `unavailable`.
    pub action: RequiredAction,
    /// The kinds that connect what the extension needs.
    pub kinds: Vec<String>,
    /// The command to run, or the path of the page to open.
    pub way: Option<String>,
}

/// The connection that an extension would use, without any secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResolvedConnection {
    /// The extension's own name for the connection.
    pub connection_id: String,
    /// The name of the extension.
    pub extension_name: String,
    /// The provider that the extension needs.
    pub provider: String,
    /// The public preferences that the extension named, if they have a value.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub public_config: Value,
    /// The names of the declared secrets that the connection lacks.
    pub missing_secret_names: Vec<String>,
    /// The state of the requirement.
    pub status: RequirementStatus,
    /// The scopes that the extension declares and the connection lacks; absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_scopes: Vec<String>,
    /// The reason for a status other than `connected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Reason, required = false))]
    pub error: Option<Reason>,
}

/// The state of a hand-off to the settings of an extension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HandOff {
    /// The name of the extension.
    pub extension: String,
    /// The command to continue with.
    pub command: Option<String>,
    /// `None` if nothing more is required.
    pub required: Option<Required>,
    /// The resolved requirement.
    pub resolved: ResolvedConnection,
    /// The ticket by which the hand-off is read again.
    pub ticket: Option<String>,
}

/// The state of a hand-off, and of the setup that a person has begun for the extension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FollowedHandOff {
    /// The hand-off.
    #[serde(flatten)]
    pub hand_off: HandOff,
    /// The newest setup for the extension that has not ended, or the one that ended during this request.
    pub setup: Option<HandOffSetup>,
    /// The cursor of this state, for `after`.
    pub cursor: String,
}

/// A setup as its extension sees it: how far it is, and nothing of what a person sees, opens or answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HandOffSetup {
    /// The id of the setup.
    pub id: String,
    /// The kind that is connected.
    pub kind: String,
    /// The state of the setup.
    pub r#type: SetupType,
    /// The reason why the setup failed.
    pub reason: Option<Reason>,
}

/// The command for which a person is handed off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BeginHandOff {
    /// The name of the command; `null` for the extension as a whole.
    pub command: Option<String>,
}
