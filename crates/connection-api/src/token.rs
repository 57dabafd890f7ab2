//! Access tokens, setup links, and the caller of a request.

use std::{collections::BTreeMap, fmt};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// The role of a token to make.
    NewRole {
        /// The token reads and answers approvals, and does nothing else.
        Approve = "approve",
        /// The token reads.
        Read = "read",
        /// The token also uses connections.
        Use = "use",
        /// The token also makes, changes and removes connections.
        Manage = "manage",
        /// The token also administers the host.
        Admin = "admin",
        /// The token is that of an extension.
        Extension = "extension",
    }
    /// The role of a token.
    Role {
        /// The token reads and answers approvals, and does nothing else.
        Approve = "approve",
        /// The token reads.
        Read = "read",
        /// The token also uses connections.
        Use = "use",
        /// The token also makes, changes and removes connections.
        Manage = "manage",
        /// The token also administers the host.
        Admin = "admin",
        /// The token is that of an extension.
        Extension = "extension",
        /// The token is that of the visitor of a setup link.
        Link = "link",
        _ => Unrecognized,
    }
}

/// A token, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// The id, by which the token is revoked.
    pub id: String,
    /// The name by which people know the token.
    pub name: String,
    /// The role, which says what the token may do.
    pub role: Role,
    /// The only owner for whom the token acts; `null` for all.
    pub owner: Option<String>,
    /// The name of the extension whose token it is.
    pub extension: Option<String>,
    /// The time at which it was made.
    pub created_at: String,
    /// The time at which it ends.
    pub expires_at: String,
    /// The time of its last use, if it was used.
    pub last_used_at: Option<String>,
    /// The time at which it was revoked, if it was.
    pub revoked_at: Option<String>,
    /// `true` for a token that a page got for a code.
    pub page: bool,
}

/// A token that was made, with its text, which is shown once.
///
/// `Debug` hides the text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct IssuedToken {
    /// The token without its text.
    #[serde(flatten)]
    pub of: Token,
    /// The text of the token.
    pub token: String,
}

/// A token to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// The name by which people know the token.
    pub name: String,
    /// `read`, `use`, `manage`, `admin` or `extension`; not more than the role of the caller.
    pub role: NewRole,
    /// The only owner for whom the token acts. Without one, it acts for every owner that its maker acts for; the token
    /// of an extension acts for the owner of the request.
    pub owner: Option<String>,
    /// The name of the extension, for the role `extension`.
    pub extension: Option<String>,
    /// The lifetime in days, from 1 to 366; 90 if none is stated.
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 366))]
    pub days: Option<u32>,
}

/// A setup link to make: for a new account of one of `kinds`, or to repair `connection`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSetupLink {
    /// The kinds of which the visitor connects one account.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// The id of the connection that the visitor authorizes again, as the account that it is of.
    pub connection: Option<String>,
    /// The owner of the connection; that of the request if none is stated.
    pub owner: Option<String>,
    /// The name by which the link is listed.
    pub name: Option<String>,
    /// The address to which the page leads the visitor at the end: one that the host has configured, perhaps with a query.
    pub return_to: Option<String>,
    /// The addresses in the network of the host, such as `https://git.internal`, that the visitor may enter if the owner
    /// may reach them. All others are closed to the visitor.
    #[serde(default)]
    pub private_addresses: Vec<String>,
    /// The tags of the connection that the visitor makes. A connection that is repaired keeps its own.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A setup link that was made, with its address, which is shown once.
///
/// `Debug` hides the address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SetupLink {
    /// The id by which the link is revoked until somebody opens it: `DELETE /tokens/{id}`.
    pub id: String,
    /// The address for the visitor. It can be opened once, until it expires.
    pub address: String,
    /// The time until which it can be opened.
    pub expires_at: String,
}

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The id of the caller's own token, which the caller may revoke.
    pub token: String,
    /// `read`, `use`, `manage`, `admin`, `extension`, or `link` for the visitor of a setup link.
    pub role: Role,
    /// The only owner for whom the caller acts; `null` for all.
    pub owner: Option<String>,
    /// The name by which people know that owner; `null` if none was set.
    pub owner_name: Option<String>,
    /// The time at which the token ends.
    pub expires_at: String,
    /// The only setup that the visitor of a setup link may continue, once it has begun.
    pub setup: Option<String>,
    /// The kinds of which the visitor of a setup link connects one. For a repair, the kind of the connection.
    pub kinds: Option<Vec<String>>,
    /// The connection that the visitor of a setup link repairs.
    pub repairs: Option<Repaired>,
    /// The name of the extension whose token it is.
    pub extension: Option<String>,
    /// The parts of the API that the host has besides connections and kinds. A page shows only these.
    pub areas: Vec<String>,
    /// The name and appearance of the host.
    pub host: Host,
}

/// A connection as it is shown to the person who repairs it with a setup link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Repaired {
    /// The id of the connection, with which the setup is begun.
    pub connection: String,
    /// The kind of the connection.
    pub kind: String,
    /// The name of the kind that a person reads.
    pub kind_title: String,
    /// The name of the provider that a person reads.
    pub provider_title: String,
    /// The name of the account as which the person has to sign in.
    pub account: String,
}

/// The name and appearance of the host, for a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// The name, if the host states one.
    pub name: Option<String>,
    /// An image as a `data:` address.
    pub logo: Option<String>,
    /// A colour such as `#1f7a5c`.
    pub accent: Option<String>,
    /// The address to which the page of a setup link leads at the end.
    pub return_to: Option<String>,
}

/// The name and appearance of the host, which the page of a setup link shows to everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Appearance {
    /// The name, if the host states one.
    pub name: Option<String>,
    /// An image as a `data:` address.
    pub logo: Option<String>,
    /// A colour such as `#1f7a5c`.
    pub accent: Option<String>,
}

/// The code that a host passed to a page.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The code, which is good once.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub code: SecretString,
    /// `true` for the code of a setup link. A code of the other kind is refused, and stays as it is, so that the code of a
    /// link never becomes the session of a page.
    #[serde(default)]
    pub link: bool,
}

/// A token of a page, which is shown once.
///
/// `Debug` hides its text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PageToken {
    /// The text of the token.
    pub token: String,
    /// The time at which it ends.
    pub expires_at: String,
    /// The name and appearance of the host.
    pub host: Host,
}

/// An owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Owner {
    /// The owner, as requests name it.
    pub owner: String,
    /// The name that a person reads who connects an account for this owner; `null` if none was set, and the person reads
    /// `owner`.
    pub name: Option<String>,
}

/// The name of an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OwnerName {
    /// The name by which people know the owner; `null` for none.
    pub name: Option<String>,
}

impl NewSetupLink {
    /// Creates a link with which somebody connects an account of one of these kinds.
    pub fn kinds(kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { kinds: kinds.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Creates a link with which somebody authorizes this connection again, as the account that it is of.
    pub fn repair(connection: impl Into<String>) -> Self {
        Self { connection: Some(connection.into()), ..Self::default() }
    }

    /// Sets the name by which the link is listed.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the address to which the page leads the visitor at the end. The server must be configured to allow it.
    #[must_use]
    pub fn return_to(mut self, address: impl Into<String>) -> Self {
        self.return_to = Some(address.into());
        self
    }

    /// Lets the visitor enter an address in the network of the server.
    #[must_use]
    pub fn private_address(mut self, origin: impl Into<String>) -> Self {
        self.private_addresses.push(origin.into());
        self
    }

    /// Sets a tag of the connection that the visitor makes.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("of", &self.of).finish_non_exhaustive()
    }
}

impl fmt::Debug for SetupLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupLink").field("id", &self.id).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl fmt::Debug for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
