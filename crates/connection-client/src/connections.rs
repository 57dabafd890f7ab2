//! Connections: lists of them, one in full, and what a program does with one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Client, ConnectionFilter, Error};

/// The state of a connection, as last measured.
///
/// ```
/// use connection_client::Liveness;
///
/// assert_eq!(serde_json::from_str::<Liveness>("\"failing\"")?, Liveness::Failing);
/// // A word of a later version of the server.
/// assert_eq!(serde_json::from_str::<Liveness>("\"asleep\"")?, Liveness::Unknown);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Liveness {
    /// The connection does not work until a person acts.
    Failing,
    /// The provider accepted the credential when the connection was last checked.
    Live,
    /// The provider cannot be reached, which passes.
    Offline,
    /// The connection was not verified, or cannot be.
    #[serde(other)]
    Unknown,
}

/// The outcome for a credential at its provider when the connection was removed.
///
/// ```
/// use connection_client::Teardown;
///
/// assert_eq!(serde_json::from_str::<Teardown>("\"revoked\"")?, Teardown::Revoked);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Teardown {
    /// The provider or the plugin failed. The credential may still work.
    Failed,
    /// There was nothing to revoke, because the connection held no credential.
    NothingToRevoke,
    /// The credential was not revoked. It may still work.
    NotRevoked,
    /// The provider confirmed that the credential no longer works.
    Revoked,
    /// An outcome that says nothing about the credential, such as that of a removal by an earlier version.
    #[serde(other)]
    NotKnown,
}

/// The reason why something does not work.
///
/// ```
/// use connection_client::Reason;
///
/// let text = r#"{"code": "unauthorized", "message": "the token was revoked", "remedy": null}"#;
/// assert_eq!(serde_json::from_str::<Reason>(text)?.code, "unauthorized");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reason {
    /// The stable code for programs.
    pub code: String,
    /// The reason, as a clause.
    pub message: String,
    /// A sentence that says what to do.
    pub remedy: Option<String>,
}

/// An account at a provider.
///
/// ```
/// use connection_client::Account;
///
/// assert_eq!(serde_json::from_str::<Account>(r#"{"id": "1", "label": "octocat"}"#)?.label, "octocat");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// The provider's id of the account.
    pub id: String,
    /// The name of the account for people.
    pub label: String,
}

/// A connection, without secrets. Times are texts of RFC 3339.
///
/// ```no_run
/// # use connection_client::{Client, Error, Liveness};
/// async fn works(client: &Client, id: &str) -> Result<bool, Error> {
///     Ok(client.verify(id).await?.liveness == Liveness::Live)
/// }
/// # let _ = works;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
    /// The time of the last measurement, as RFC 3339; `None` before the first one.
    pub checked_at: Option<String>,
    /// The end of a pause that the provider asked for, as RFC 3339. Until then, only
    /// [`verify_now`](Client::verify_now) asks it.
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
    /// The tags that the host has set, by their names. Empty with a server that knows no tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// `true` if it has ended, or ends within seven days unless a person acts.
    pub expiring: bool,
}

/// A connection in a list, with what a person can do about it.
///
/// ```no_run
/// # use connection_client::{Client, ConnectionFilter, Error};
/// async fn broken(client: &Client) -> Result<usize, Error> {
///     let page = client.connections(&ConnectionFilter::new()).await?;
///     Ok(page.items.iter().filter(|listed| listed.needs_attention).count())
/// }
/// # let _ = broken;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
    /// `reauthorize`, `verify`, `accept` or `wait`, if something is to be done.
    pub remedy_action: Option<String>,
}

/// A connection in full.
///
/// ```no_run
/// # use connection_client::{Client, Error};
/// async fn reach(client: &Client, id: &str) -> Result<Vec<String>, Error> {
///     Ok(client.connection(id).await?.reach.unwrap_or_default())
/// }
/// # let _ = reach;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ShownConnection {
    /// The connection, as in a list.
    #[serde(flatten)]
    pub listed: ListedConnection,
    /// The grants by which extensions use it.
    pub uses: Vec<Grant>,
    /// `true` if the provider accepts each refresh token once, so that a former credential cannot be restored.
    pub rotates: bool,
    /// The time until which the previous credential is kept and can be restored, as in RFC 3339. `None` if there is none.
    pub previous_until: Option<String>,
    /// The time at which the account was connected.
    pub created_at: String,
    /// The time of the last change of anything but the liveness.
    pub updated_at: String,
    /// The origins to which the credential may be sent, or, for a kind that reads files, the granted directories.
    /// `None` if the server could not open the connection.
    pub reach: Option<Vec<String>>,
}

/// The permission of an extension to use a connection.
///
/// ```no_run
/// # use connection_client::{Client, Error};
/// async fn users(client: &Client, id: &str) -> Result<Vec<String>, Error> {
///     Ok(client.connection(id).await?.uses.into_iter().map(|grant| grant.extension).collect())
/// }
/// # let _ = users;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Grant {
    /// The name of the extension that may use the connection.
    pub extension: String,
    /// The id of the granted connection, which never changes.
    pub connection: String,
    /// The kind of the connection, such as `github`.
    pub kind: String,
    /// The label of the connection, which is unique per owner and kind.
    pub label: String,
    /// The names of the secrets that the extension may receive.
    pub secret_names: Vec<String>,
    /// The time at which a person granted it.
    pub created_at: String,
    /// The time at which it was revoked, as RFC 3339; `None` while it is valid.
    pub revoked_at: Option<String>,
}

/// A page of connections: those that need attention first, then by provider and label.
///
/// ```no_run
/// # use connection_client::{Client, ConnectionFilter, Error, ListedConnection};
/// async fn all(client: &Client) -> Result<Vec<ListedConnection>, Error> {
///     let mut all = Vec::new();
///     let mut filter = ConnectionFilter::new().limit(500);
///     loop {
///         let page = client.connections(&filter).await?;
///         all.extend(page.items);
///         let Some(next) = page.next else { return Ok(all) };
///         filter = filter.after(next);
///     }
/// }
/// # let _ = all;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConnectionPage {
    /// The connections of this page, in the order of the list.
    pub items: Vec<ListedConnection>,
    /// The place after which the next page begins; `None` on the last one.
    pub next: Option<String>,
    /// The numbers of connections without the filters, on the first page.
    pub counts: Option<ConnectionCounts>,
}

/// The numbers of connections of an owner. Each connection is in `all` and in the number of its liveness.
///
/// ```
/// use connection_client::ConnectionCounts;
///
/// let counts = r#"{"all": 7, "attention": 1, "live": 4, "offline": 0, "failing": 1, "unknown": 2}"#;
/// assert_eq!(serde_json::from_str::<ConnectionCounts>(counts)?.unknown, 2);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConnectionCounts {
    /// The number of all connections.
    pub all: u64,
    /// The number of connections that need attention.
    pub attention: u64,
    /// The number of connections that worked when they were last checked.
    pub live: u64,
    /// The number of connections whose provider could not be reached.
    pub offline: u64,
    /// The number of connections that do not work.
    pub failing: u64,
    /// The number of connections of which it is not known whether they work.
    pub unknown: u64,
}

/// The consequences of a removal, before it.
///
/// ```no_run
/// # use connection_client::{Client, Error};
/// async fn is_used(client: &Client, id: &str) -> Result<bool, Error> {
///     let removal = client.removal(id).await?;
///     Ok(removal.webhooks || !removal.extensions.is_empty())
/// }
/// # let _ = is_used;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Removal {
    /// The extensions that lose the use of the connection.
    pub extensions: Vec<String>,
    /// `true` if the connection has an address for webhooks, which will be refused.
    pub webhooks: bool,
    /// `true` if the kind can revoke a credential that a person entered, which it does on request.
    pub can_revoke: bool,
}

/// A removal, and what happened to the credentials at the provider.
///
/// ```no_run
/// # use connection_client::{Client, Error, Teardown};
/// async fn is_revoked(client: &Client, id: &str) -> Result<bool, Error> {
///     Ok(client.remove(id).await?.teardown == Teardown::Revoked)
/// }
/// # let _ = is_revoked;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
}

impl Client {
    /// Returns a page of connections.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn connections(&self, filter: &ConnectionFilter) -> Result<ConnectionPage, Error> {
        let call = self.get(&["connections"]);
        let call = call.query("kind", filter.kind.as_ref()).query("provider", filter.provider.as_ref());
        let call = call.query("state", filter.state.as_ref()).query("extension", filter.extension.as_ref());
        let call = call.query("search", filter.search.as_ref()).query("tag", filter.tag.as_ref());
        call.query("limit", filter.limit).query("after", filter.after.as_ref()).answer().await
    }

    /// Returns the connection with this id.
    ///
    /// # Errors
    ///
    /// As [`connections`](Self::connections); with the code `not_found` if there is none.
    pub async fn connection(&self, id: &str) -> Result<ShownConnection, Error> {
        self.get(&["connections", id]).answer().await
    }

    /// Verifies a connection at its provider, and returns it with the result. During a pause that the provider asked for,
    /// nothing is sent: see [`paused_until`](Connection::paused_until).
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection). A connection that does not work is no error.
    pub async fn verify(&self, id: &str) -> Result<Connection, Error> {
        self.post(&["connections", id, "verify"]).body(&json!({}), 0).answer().await
    }

    /// Verifies a connection as [`verify`](Self::verify) does, also during a pause that the provider asked for.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub async fn verify_now(&self, id: &str) -> Result<Connection, Error> {
        self.post(&["connections", id, "verify"]).body(&json!({ "now": true }), 0).answer().await
    }

    /// Changes the label of a connection, and returns the connection.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection); with the code `label_taken` if another connection of the kind has the label.
    pub async fn rename(&self, id: &str, label: &str) -> Result<Connection, Error> {
        self.patch(&["connections", id]).body(&json!({ "label": label }), 0).answer().await
    }

    /// Sets the tags of a connection, in place of those that it had, and returns the connection.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection); with the code `invalid_tags` for tags that the server does not accept.
    pub async fn set_tags(&self, id: &str, tags: &BTreeMap<String, String>) -> Result<Connection, Error> {
        self.put(&["connections", id, "tags"]).body(&json!({ "tags": tags }), 0).answer().await
    }

    /// Makes a connection the default of its provider, or leaves the provider without a default, and returns the
    /// connection.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection).
    pub async fn set_default(&self, id: &str, is_default: bool) -> Result<Connection, Error> {
        self.post(&["connections", id, "default"]).body(&json!({ "default": is_default }), 0).answer().await
    }

    /// Returns what a removal would do.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection).
    pub async fn removal(&self, id: &str) -> Result<Removal, Error> {
        self.get(&["connections", id, "removal"]).answer().await
    }

    /// Removes a connection, and revokes at the provider what its setup created there.
    ///
    /// # Errors
    ///
    /// As [`connection`](Self::connection). A credential that was not revoked is no error.
    pub async fn remove(&self, id: &str) -> Result<Removed, Error> {
        self.delete(&["connections", id]).answer().await
    }

    /// Removes a connection as [`remove`](Self::remove) does, and also revokes a credential that a person entered, if
    /// the kind can.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub async fn remove_and_revoke(&self, id: &str) -> Result<Removed, Error> {
        self.delete(&["connections", id]).query("revoke", Some(true)).answer().await
    }
}
