//! The ids of rows: time-ordered UUIDv7 (RFC 9562), and the generator that a host may replace.
//!
//! Ids of one generator sort in the order in which they were generated, also within a millisecond and when the
//! clock steps back.

mod generator;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use uuid::Uuid;

pub use generator::{IdGenerator, UuidV7};

/// The error for a text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an id: 32 hexadecimal digits in five groups are expected")]
#[non_exhaustive]
pub struct InvalidId;

macro_rules! id {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Returns the id as it is stored.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the form that `Display` writes is accepted, so that each id has one spelling.
                let hyphenated = text.len() == 36;
                Uuid::try_parse(text).ok().filter(|_| hyphenated).map(Self).ok_or(InvalidId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

id! {
    /// The id of an access token, by which it is listed and revoked. It does not give access.
    AccessTokenId
}
id! {
    /// The id of an agent, which is never used again.
    AgentId
}
id! {
    /// The id of a request about which a person is asked. It does not give access.
    ApprovalId
}
id! {
    /// The id of a connection, which never changes.
    ConnectionId
}
id! {
    /// The id of an event in the record.
    EventId
}
id! {
    /// The id of a profile, an isolated identity of a local tool.
    ProfileId
}
id! {
    /// The id of a requirement that an extension waits for until a person has dealt with it.
    RetryTicket
}
id! {
    /// The id of a setup session.
    SessionId
}
id! {
    /// The id of a use in the record, which is never used again.
    UseId
}

impl ConnectionId {
    /// Returns the bytes that bind sealed data to its row.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl AccessTokenId {
    /// Returns the bytes that name its row.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl AgentId {
    /// Returns the name of the agent in the marks of its grants and tokens, which no grantee of another sort has.
    pub(crate) fn grantee(self) -> String {
        format!("agent:{self}")
    }

    /// Returns the bytes that name its row.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl ApprovalId {
    /// Returns the bytes that bind sealed data to its row.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl ProfileId {
    /// Returns the bytes that bind sealed data to its row.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl SessionId {
    /// Returns the bytes that bind sealed data to its row.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}
