//! Names of rows: time-ordered ids (UUIDv7, RFC 9562) and the generator that a host may replace.
//!
//! Ids that one generator made sort in the order in which they were made, also within a millisecond and when the clock
//! steps back.

mod generator;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use uuid::Uuid;

pub use generator::{IdGenerator, UuidV7};

/// Why a text is no id.
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
            /// The id as it is stored.
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
                // Only the form that `Display` writes, so that one id has one spelling.
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
    /// Names a connection for as long as it exists.
    ConnectionId
}
id! {
    /// Names something that happened.
    EventId
}
id! {
    /// Names an isolated identity of a local tool.
    ProfileId
}
id! {
    /// Names what an extension waits for, until a person has dealt with it.
    RetryTicket
}
id! {
    /// Names a setup session.
    SessionId
}

impl ConnectionId {
    /// What binds sealed data to its row.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl ProfileId {
    /// As of a connection.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl SessionId {
    /// As of a connection.
    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}
