//! Connections: in lists, in full, and what is changed of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Reason, words::words};

words! {
    /// The state of a connection, as last measured.
    Liveness {
        /// The provider accepted the credential when the connection was last verified.
        Live = "live",
        /// The provider cannot be reached, which passes.
        Offline = "offline",
        /// The connection does not work until a person acts.
        Failing = "failing",
        /// The connection was not verified, or cannot be.
        Unknown = "unknown",
        _ => Unrecognized,
    }
    /// The action that helps a connection.
    RemedyAction {
        /// A person authorizes the connection again.
        Reauthorize = "reauthorize",
        /// The connection is verified.
        Verify = "verify",
        /// A person accepts the new terms of the kind.
        Accept = "accept",
        /// Nothing but time helps: the provider cannot be reached.
        Wait = "wait",
        _ => Unrecognized,
    }
    /// The outcome of a refresh.
    RefreshOutcome {
        /// Another process had already refreshed the credential, and its credential was adopted.
        Adopted = "adopted",
        /// The refresh failed and is tried again. Nothing was lost.
        Failed = "failed",
        /// The provider no longer refreshes the credential. A person must authorize the connection again.
        NeedsReauthorization = "needs_reauthorization",
        /// The credential has nothing to renew and works until its end. Nobody was asked, and nothing has changed.
        NothingToRenew = "nothing_to_renew",
        /// A fresh credential was stored.
        Refreshed = "refreshed",
        /// A fresh credential was stored, by a process whose lease had expired.
        RefreshedLate = "refreshed_late",
        /// A fresh credential was stored, after an answer was lost and the request was sent again.
        Replayed = "replayed",
        /// Another credential was stored meanwhile, and the refreshed one was dropped.
        Superseded = "superseded",
        /// A token may have been spent, and the answer is lost.
        Uncertain = "uncertain",
        /// Another process was refreshing the connection, and its result was adopted.
        Waited = "waited",
        _ => Unrecognized,
    }
    /// The outcome for a credential at its provider when the connection was removed.
    Teardown {
        /// The provider or the plugin failed. The credential may still work.
        Failed = "failed",
        /// There was nothing to revoke, because the connection held no credential.
        NothingToRevoke = "nothing_to_revoke",
        /// The credential was not revoked. It may still work.
        NotRevoked = "not_revoked",
        /// The provider confirmed that the credential no longer works.
        Revoked = "revoked",
        _ => Unrecognized,
    }
    /// The states of connections by which a list is filtered.
    ListState {
        /// Connections that worked when they were last verified.
        Live = "live",
        /// Connections that do not work, or soon will not, unless a person acts.
        Attention = "attention",
        /// Connections whose provider cannot be reached.
        Offline = "offline",
        /// Connections that do not work.
        Failing = "failing",
        /// Connections of which it is not known whether they work.
        Unknown = "unknown",
    }
}

/// An account at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Account {
    /// The provider's id of the account.
    pub id: String,
    /// The name of the account for people.
    pub label: String,
}

/// A connection, without secrets. Times are texts of RFC 3339.
///
/// ```
/// use connection_api::{Connection, Liveness};
///
/// fn works(connection: &Connection) -> bool {
///     connection.liveness == Liveness::Live && !connection.expiring
/// }
/// # let _ = works;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// The id of the connection, which never changes.
    pub id: String,
    /// The kind, such as `github`.
    pub kind: String,
    /// The id of the provider, such as `github`.
    pub provider: String,
    /// The name of the owner to whom the connection belongs.
    pub owner: String,
    /// The label, which is unique for its owner and kind.
    pub label: String,
    /// The account that the credential of the connection reaches.
    pub account: Account,
    /// The state, as last measured.
    pub liveness: Liveness,
    /// The reason why it is not live, or could not be refreshed.
    pub reason: Option<Reason>,
    /// The time of the last measurement; `null` before the first one.
    pub checked_at: Option<String>,
    /// The end of a pause that the provider asked for at the last verification. Until then, only a verification with `now`
    /// asks it.
    pub paused_until: Option<String>,
    /// The time at which the credential stops working, if the provider says so.
    pub valid_until: Option<String>,
    /// The time at which a person must authorize again, if the provider says so.
    pub authorized_until: Option<String>,
    /// `true` if the credential is refreshed before it ends.
    pub renews: bool,
    /// The scopes that the provider granted, if it reports them.
    pub scopes: Option<Vec<String>>,
    /// The public configuration by the name of the field.
    pub config: BTreeMap<String, String>,
    /// The id of the profile of a local tool that the connection belongs to.
    pub profile: Option<String>,
    /// `true` for the default of its provider.
    pub is_default: bool,
    /// The tags that the host has set, by their names.
    pub tags: BTreeMap<String, String>,
    /// `true` if it has ended, or ends within seven days unless a person acts.
    pub expiring: bool,
    /// `true` if the connection, its owner, its kind or everything is frozen, so that the connection is not used.
    pub frozen: bool,
}

/// A connection, with what a person can do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListedConnection {
    /// The fields that every answer with this connection has.
    #[serde(flatten)]
    pub connection: Connection,
    /// The name of the kind that a person reads.
    pub kind_title: String,
    /// The name of the provider that a person reads.
    pub provider_title: String,
    /// The extensions to which a person granted the use of the connection.
    pub used_by: Vec<String>,
    /// `true` if the connection does not work, or soon will not, unless a person acts.
    pub needs_attention: bool,
    /// `reauthorize`, `verify`, `accept` or `wait`; `null` if nothing is to be done.
    pub remedy_action: Option<RemedyAction>,
}

/// A connection, with the extensions that use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShownConnection {
    /// The connection, as in a list.
    #[serde(flatten)]
    pub listed: ListedConnection,
    /// The grants by which extensions use it.
    pub uses: Vec<Grant>,
    /// `true` if the provider accepts each refresh token once, so that a former credential cannot be restored.
    pub rotates: bool,
    /// The time until which the previous credential is kept and can be restored; `null` if there is none.
    pub previous_until: Option<String>,
    /// The time at which the account was connected.
    pub created_at: String,
    /// The time of the last change of anything but the liveness.
    pub updated_at: String,
    /// The origins to which the credential may be sent, or else the directories that may be read; `null` if they cannot
    /// be opened.
    pub reach: Option<Vec<String>>,
}

/// The use of a connection that a person granted to an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The name of the extension.
    pub extension: String,
    /// The id of the connection.
    pub connection: String,
    /// The kind of the connection.
    pub kind: String,
    /// The label of the connection.
    pub label: String,
    /// The names of the secrets that the extension may receive.
    pub secret_names: Vec<String>,
    /// What the rules of the grant permit, one clause for each rule and each limit; `null` if every request is permitted.
    pub words: Option<Vec<String>>,
    /// The time at which it was granted.
    pub created_at: String,
    /// The time at which it was revoked.
    pub revoked_at: Option<String>,
}

/// A page of connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConnectionPage {
    /// The connections of this page, in the order of the list.
    pub items: Vec<ListedConnection>,
    /// The place after which the next page begins; `null` on the last one.
    pub next: Option<String>,
    /// The numbers of connections without the filters, on the first page.
    pub counts: Option<ConnectionCounts>,
}

/// The numbers of connections. Each connection is in `all` and in the number of its liveness. A number that is greater
/// than `limit` says only that there are more than so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConnectionCounts {
    /// The number of all connections.
    pub all: u64,
    /// The connections that do not work, or soon will not, unless a person acts, without those that only wait for an
    /// application that their provider refuses.
    pub attention: u64,
    /// The connections that worked when they were last verified.
    pub live: u64,
    /// The connections whose provider could not be reached.
    pub offline: u64,
    /// The connections that do not work.
    pub failing: u64,
    /// The connections of which it is not known whether they work, for example because they were never checked.
    pub unknown: u64,
    /// The number up to which connections are counted.
    pub limit: u64,
}

/// The outcome of a refresh, and the connection after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Refreshed {
    /// The outcome, which also says why the credential may be the same as before.
    pub outcome: RefreshOutcome,
    /// The connection after the refresh.
    pub connection: Connection,
}

/// The consequences of a removal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Removal {
    /// The extensions that lose the use of the connection.
    pub extensions: Vec<String>,
    /// The names of the agents that lose the use of the connection.
    pub agents: Vec<String>,
    /// `true` if the connection has an address for webhooks, which will be refused.
    pub webhooks: bool,
    /// `true` if the kind can revoke a credential that a person entered, which it does on request.
    pub can_revoke: bool,
}

/// A removal, and what happened to the credentials at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// The id that the connection had.
    pub id: String,
    /// The kind of the connection, such as `github`.
    pub kind: String,
    /// The label that the connection had. A new connection may use it.
    pub label: String,
    /// The outcome for the credential at the provider.
    pub teardown: Teardown,
    /// The reason why the credential was not revoked, with what a person can do.
    pub reason: Option<Reason>,
    /// The address of the page on which a person deletes a credential that was not revoked.
    pub credential_page: Option<String>,
    /// The outcome for the previous credential, if one was kept.
    pub previous: Option<Teardown>,
    /// The reason why the previous credential was not revoked.
    pub previous_reason: Option<Reason>,
    /// The address of the page on which a person deletes the previous credential.
    pub previous_credential_page: Option<String>,
    /// The processes that have not confirmed the removal within a second. They may still send a request that they have
    /// begun.
    #[cfg_attr(feature = "schema", schema(required = true))]
    #[serde(default)]
    pub remaining: Vec<String>,
}

/// A change of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// The new label.
    pub label: String,
}

/// The tags of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetTags {
    /// At most 16 tags, by their names.
    pub tags: BTreeMap<String, String>,
}

/// A change of the default of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetDefault {
    /// `true` makes the connection the default of its provider; `false` leaves the provider without one.
    pub default: bool,
}

/// How a connection is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// If `true`, the provider is asked although it asked to wait.
    #[serde(default)]
    pub now: bool,
}
