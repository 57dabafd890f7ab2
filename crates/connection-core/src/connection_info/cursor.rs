//! A position in the order of lists.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::ids::{ConnectionId, InvalidId};

/// A position in the order in which connections became usable.
///
/// A list continues after a cursor even if the connection at that position has been removed. A connection that becomes
/// usable later always comes after every cursor that was returned before, even if its setup was begun earlier. A caller
/// that keeps the cursor of the last connection it has seen therefore misses no connection of that owner.
///
/// The text form is stable: later versions read with [`FromStr`] what [`Display`](fmt::Display) writes now.
///
/// ```
/// use connection_core::ListCursor;
///
/// let cursor: ListCursor = "1700000000000000-018f3b9e-7d2a-7c31-9f43-0123456789ab".parse()?;
/// assert_eq!(cursor.to_string(), "1700000000000000-018f3b9e-7d2a-7c31-9f43-0123456789ab");
/// # Ok::<_, connection_core::InvalidCursor>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListCursor {
    usable_at: i64,
    id: ConnectionId,
}

/// The error for a text that is not a [`ListCursor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid list position: expected NUMBER-CONNECTION_ID")]
#[non_exhaustive]
pub struct InvalidCursor;

impl ListCursor {
    pub(crate) const fn new(usable_at: i64, id: ConnectionId) -> Self {
        Self { usable_at, id }
    }

    pub(crate) const fn place(self) -> (i64, Uuid) {
        (self.usable_at, self.id.as_uuid())
    }
}

impl fmt::Display for ListCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.usable_at, self.id)
    }
}

impl FromStr for ListCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (usable_at, id) = text.split_once('-').ok_or(InvalidCursor)?;
        // A sign is not accepted, so that each position has one spelling.
        if !usable_at.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidCursor);
        }
        let usable_at = usable_at.parse().map_err(|_| InvalidCursor)?;
        let id = id.parse().map_err(|InvalidId| InvalidCursor)?;
        Ok(Self { usable_at, id })
    }
}
