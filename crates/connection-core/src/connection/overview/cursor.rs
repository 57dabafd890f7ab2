//! Positions in an overview.

use std::{fmt, str::FromStr};

use connection_contract::encode;

use crate::ConnectionId;

/// A position in an overview. It stays valid when connections are added, changed or removed.
///
/// ```
/// use connection_core::{ConnectionRegistry, Error, Overview, OverviewCursor};
///
/// /// Returns the next page after one whose cursor a program has kept as text.
/// async fn next(registry: &ConnectionRegistry, kept: &str) -> Result<usize, Error> {
///     let Ok(cursor) = kept.parse::<OverviewCursor>() else { return Ok(0) };
///     Ok(registry.overview(Overview::new().after(cursor)).await?.connections.len())
/// }
/// # let _ = next;
/// assert!("first".parse::<OverviewCursor>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverviewCursor {
    pub(super) position: Position,
    /// The time by which a connection that ends soon must end, in seconds since 1970. It is that of the first page, so
    /// that no connection moves while the pages are read.
    pub(super) until: i64,
}

/// The error for a text that is not an [`OverviewCursor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid position in an overview")]
#[non_exhaustive]
pub struct InvalidOverviewCursor;

/// The text is base64url (RFC 4648, section 5), so that it can be a part of an address.
impl fmt::Display for OverviewCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { works, provider, label, id } = &self.position;
        let text = serde_json::to_string(&(works, provider, label, id.to_string(), self.until)).unwrap_or_default();
        f.write_str(&encode::base64url(text.as_bytes()))
    }
}

impl FromStr for OverviewCursor {
    type Err = InvalidOverviewCursor;

    fn from_str(text: &str) -> Result<Self, InvalidOverviewCursor> {
        let text = encode::from_base64url(text).ok_or(InvalidOverviewCursor)?;
        let fields = serde_json::from_slice::<(bool, String, String, String, i64)>(&text);
        let (works, provider, label, id, until) = fields.map_err(|_| InvalidOverviewCursor)?;
        let id = id.parse().map_err(|_| InvalidOverviewCursor)?;
        Ok(Self { position: Position { works, provider, label, id }, until })
    }
}

/// The position of a connection. Positions are compared by their fields in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// `false` for connections that need attention.
    pub(super) works: bool,
    pub(super) provider: String,
    pub(super) label: String,
    pub(super) id: ConnectionId,
}
