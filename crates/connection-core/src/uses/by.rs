//! Who uses a connection, and the way in which the request arrived.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccessTokenId, AgentId, ApprovalId, words::words};

words! {
    /// The way in which a use arrived at this program.
    ///
    /// ```
    /// use connection_core::Door;
    ///
    /// assert_eq!(Door::Reverse.as_str(), "reverse");
    /// ```
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[non_exhaustive]
    pub enum Door {
        /// A route of the API.
        Api = "api",
        /// The command-line program.
        Command = "command",
        /// A program that asks for a credential, such as `git`.
        Helper = "helper",
        /// A Rust program that uses this library.
        #[default]
        Library = "library",
        /// The door for models, whose tools are those of the Model Context Protocol.
        Mcp = "mcp",
        /// The reverse door, at which a program sends the request that it would send to the provider.
        Reverse = "reverse",
    }
}

/// A program that uses connections as far as a person granted it.
///
/// ```
/// use connection_core::Grantee;
///
/// let grantee = Grantee::Extension("issues".to_owned());
/// assert_eq!(grantee.to_string(), "extension:issues");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grantee {
    /// An agent, by its id.
    Agent(AgentId),
    /// An extension, by its name.
    Extension(String),
}

impl Grantee {
    /// Returns the grantee with this name, as `Display` writes it.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name.split_once(':')? {
            ("agent", id) => id.parse().ok().map(Self::Agent),
            ("extension", name) => Some(Self::Extension(name.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(id) => f.write_str(&id.grantee()),
            Self::Extension(name) => write!(f, "extension:{name}"),
        }
    }
}

/// Who uses a connection, for its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UsedBy {
    /// `None` for a person or a host, who have all rights.
    pub(crate) grantee: Option<Grantee>,
    /// The name of the agent.
    pub(crate) agent: Option<String>,
    pub(crate) token: Option<AccessTokenId>,
    pub(crate) door: Door,
    /// The rule that decided, and its path.
    pub(crate) rule: Option<(String, Option<String>)>,
    /// The approval by which the request is sent, or to which it belongs.
    pub(crate) approval: Option<ApprovalId>,
}
