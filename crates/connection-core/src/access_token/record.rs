//! A token as hosts see it, and what a host states when it makes one.

use std::time::Duration;

use connection_contract::{DisplayText, Timestamp};
use secrecy::SecretString;

use super::{LENGTH, PREFIX, SetupLink, has_form};
use crate::{
    AccessTokenId, AgentId, SessionId,
    store::rows::{AccessTokenRow, TokenPurpose},
    words::words,
};

/// The permissions of the bearer of a token. A greater role includes the smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The bearer is an agent, and may use the doors for which its token was made. It has no access to the API of a
    /// host. Only [`Agent::new_token`](crate::Agent::new_token) makes such a token.
    Agent,
    /// The bearer reads the requests of agents about which a person is asked, answers them, and does nothing else. This
    /// is no step in the order of the other roles: of those, [`Manage`](Self::Manage) and [`Admin`](Self::Admin) permit
    /// it, too.
    Approve,
    /// The bearer sees connections and their state.
    Read,
    /// The bearer may also send requests through connections.
    Use,
    /// The bearer may also connect, change and remove accounts, and make and revoke tokens that permit no more than its
    /// own.
    Manage,
    /// The bearer may also make and revoke tokens with this role, and choose directories of the machine for profiles of
    /// any owner.
    Admin,
}

impl Role {
    /// The roles of the callers of a host, the smallest first. [`Agent`](Self::Agent) is none of them.
    pub const ALL: [Self; 5] = [Self::Approve, Self::Read, Self::Use, Self::Manage, Self::Admin];

    /// Returns the word for the role: `agent`, `approve`, `read`, `use`, `manage` or `admin`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Approve => "approve",
            Self::Read => "read",
            Self::Use => "use",
            Self::Manage => "manage",
            Self::Admin => "admin",
        }
    }

    /// Returns `true` if the bearer may answer the requests of agents about which a person is asked.
    pub fn may_approve(self) -> bool {
        matches!(self, Self::Approve | Self::Manage | Self::Admin)
    }

    /// Returns the role of the callers of a host with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Returns the role with this word in the store.
    fn stored(word: &str) -> Option<Self> {
        Self::parse(word).or_else(|| (word == Self::Agent.as_str()).then_some(Self::Agent))
    }
}

words! {
    /// The doors at which the token of an agent is accepted.
    ///
    /// ```
    /// use connection_core::Audience;
    ///
    /// assert_eq!(Audience::parse("mcp"), Some(Audience::Mcp));
    /// assert_eq!(Audience::Doors.as_str(), "doors");
    /// ```
    #[non_exhaustive]
    pub enum Audience {
        /// The doors that pass requests to providers.
        Doors = "doors",
        /// The door for the Model Context Protocol.
        Mcp = "mcp",
    }
}

/// A token, without its text. The store keeps only a keyed hash of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessToken {
    /// The id by which the token is listed and revoked.
    pub id: AccessTokenId,
    /// The name that a person knows it by.
    pub name: DisplayText,
    /// The role, which decides the requests that the bearer may send.
    pub role: Role,
    /// The only owner for whom it acts; `None` if it acts for every owner.
    pub owner: Option<String>,
    /// The only extension for which the bearer acts; `None` for a token that belongs to no extension.
    pub extension: Option<String>,
    /// The only agent for which the bearer acts; `None` for a token that belongs to no agent.
    pub agent: Option<AgentId>,
    /// The doors at which the token of an agent is accepted; `None` for a token that belongs to no agent.
    pub audience: Option<Audience>,
    /// The permission of the visitor of a setup link. Such a token allows nothing else, and its role does not count.
    pub link: Option<SetupLink>,
    /// `true` for a token that a page got for a code.
    pub is_page: bool,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time at which it ends, unless it is revoked. For a page, each use moves it.
    pub expires_at: Timestamp,
    /// The time of the last use, at most a minute early.
    pub last_used_at: Option<Timestamp>,
    /// The time at which it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl AccessToken {
    /// Returns the parts of a text that have the form of a token, whether or not there is such a token.
    ///
    /// ```
    /// use connection_core::AccessToken;
    ///
    /// let token = format!("cn_{}", "A".repeat(43));
    /// let header = format!("Bearer sk_{token}");
    /// assert_eq!(AccessToken::texts_in(&header).collect::<Vec<_>>(), [token]);
    /// assert_eq!(AccessToken::texts_in("Bearer cn_short").next(), None);
    /// ```
    pub fn texts_in(text: &str) -> impl Iterator<Item = &str> {
        let mut rest = text;
        std::iter::from_fn(move || {
            loop {
                let begin = rest.find(PREFIX)?;
                let found = rest.get(begin..begin + LENGTH).filter(|found| has_form(found));
                // Another token may begin within a text that is none.
                rest = rest.get(begin + found.map_or(PREFIX.len(), str::len)..)?;
                if found.is_some() {
                    return found;
                }
            }
        })
    }

    /// Returns the token of a row; `None` for the code of a page, and for a row with content that this program does not
    /// know.
    pub(super) fn of(row: &AccessTokenRow) -> Option<Self> {
        let link = row.link.as_ref().map(|link| SetupLink::of(link, row.setup_id.map(SessionId::from)).ok_or(()));
        let role = Role::stored(&row.role)?;
        let audience = row.audience.as_deref().map(|word| Audience::parse(word).ok_or(()));
        let audience = audience.transpose().ok()?;
        let is_agent = role == Role::Agent;
        if row.agent_id.is_some() != is_agent || audience.is_some() != is_agent {
            return None;
        }
        Some(Self {
            id: row.id,
            name: row.name.clone().into(),
            role,
            owner: Some(row.owner.clone()).filter(|owner| !owner.is_empty()),
            extension: row.extension.clone(),
            agent: row.agent_id.map(AgentId::from),
            audience,
            is_page: match row.purpose {
                TokenPurpose::Code if link.is_none() => return None,
                TokenPurpose::Page => true,
                TokenPurpose::Code | TokenPurpose::Program => false,
            },
            link: link.transpose().ok()?,
            created_at: Timestamp::from_seconds(row.created_at),
            expires_at: Timestamp::from_seconds(end(row)),
            last_used_at: row.last_used_at.map(Timestamp::from_seconds),
            revoked_at: row.revoked_at.map(Timestamp::from_seconds),
        })
    }

    /// Returns `true` if the token is accepted at this time.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Returns the time at which a token or a code ends, unless it is revoked.
pub(super) fn end(row: &AccessTokenRow) -> i64 {
    let used = row.last_used_at.unwrap_or(row.created_at);
    let unused = row.idle.map(|idle| used.saturating_add(idle));
    [row.expires_at, unused].into_iter().flatten().min().unwrap_or(row.created_at)
}

/// Returns `true` if the row is accepted at this time.
pub(super) fn is_live(row: &AccessTokenRow, now: i64) -> bool {
    row.revoked_at.is_none() && now < end(row)
}

/// A token that was made, and its text, which is shown once and stored nowhere.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The token, as it is listed.
    pub token: AccessToken,
    /// The text that the bearer sends. It is stored nowhere.
    pub text: SecretString,
}

/// The properties of a token that is to be made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewAccessToken {
    /// The name that a person knows it by.
    pub name: DisplayText,
    /// The role, which decides the requests that the bearer may send.
    pub role: Role,
    /// The only owner for whom it acts; `None` if it acts for every owner.
    pub owner: Option<String>,
    /// The only extension for which the bearer acts; `None` for a token that belongs to no extension.
    pub extension: Option<String>,
    /// The time after which it ends.
    pub lifetime: Duration,
}

impl NewAccessToken {
    /// The lifetime of a token for which no other one is stated: 90 days.
    pub const LIFETIME: Duration = Duration::from_hours(90 * 24);

    /// Creates a token that acts for every owner and ends after 90 days.
    pub fn new(name: impl Into<DisplayText>, role: Role) -> Self {
        Self { name: name.into(), role, owner: None, extension: None, lifetime: Self::LIFETIME }
    }

    /// Sets the only owner for whom it acts.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets the only extension for which the bearer acts.
    #[must_use]
    pub fn extension(mut self, extension: impl Into<String>) -> Self {
        self.extension = Some(extension.into());
        self
    }

    /// Sets the time after which it ends.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }
}
