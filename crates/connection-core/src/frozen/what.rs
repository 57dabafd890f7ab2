//! The things that can be frozen, and their names in the store.

use std::fmt;

use connection_contract::Kind;

use crate::{AgentId, ConnectionId};

/// Something that can be frozen.
///
/// ```
/// use connection_contract::Kind;
/// use connection_core::Frozen;
///
/// let kind = Frozen::Kind(Kind::from_static("github"));
/// assert_eq!(kind.to_string(), "kind:github");
/// assert_eq!("kind:github".parse(), Ok(kind));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Frozen {
    /// An agent: it uses no connection. Other programs use its connections as before.
    Agent(AgentId),
    /// All connections of all owners.
    All,
    /// A connection.
    Connection(ConnectionId),
    /// All connections of a kind, of all owners.
    Kind(Kind),
    /// All connections of an owner.
    Owner(String),
}

impl Frozen {
    /// Returns the thing for people, as the subject of a sentence.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Agent(id) => format!("the agent {id}"),
            Self::All => "everything".to_owned(),
            Self::Connection(id) => format!("the connection {id}"),
            Self::Kind(kind) => format!("the kind '{kind}'"),
            Self::Owner(owner) => format!("the owner '{owner}'"),
        }
    }

    /// Returns the arguments of the commands `freeze` and `thaw` for the thing.
    pub(crate) fn arguments(&self) -> String {
        match self {
            Self::Agent(id) => format!("--agent {id}"),
            Self::All => "--all".to_owned(),
            Self::Connection(id) => format!("--connection {id}"),
            Self::Kind(kind) => format!("--kind {kind}"),
            Self::Owner(owner) => format!("--owner {owner}"),
        }
    }
}

/// Writes `agent:ID`, `all`, `connection:ID`, `kind:KIND` or `owner:OWNER`.
impl fmt::Display for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(id) => write!(f, "agent:{id}"),
            Self::All => f.write_str("all"),
            Self::Connection(id) => write!(f, "connection:{id}"),
            Self::Kind(kind) => write!(f, "kind:{kind}"),
            Self::Owner(owner) => write!(f, "owner:{owner}"),
        }
    }
}

/// Reads what [`Display`](fmt::Display) writes.
impl std::str::FromStr for Frozen {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "all" {
            return Ok(Self::All);
        }
        let (sort, name) = text.split_once(':').ok_or(())?;
        match sort {
            "agent" => name.parse().map(Self::Agent).map_err(drop),
            "connection" => name.parse().map(Self::Connection).map_err(drop),
            "kind" => Kind::parse(name).map(Self::Kind).ok_or(()),
            "owner" => crate::owner::check(name).map(|()| Self::Owner(name.to_owned())).map_err(drop),
            _ => Err(()),
        }
    }
}
