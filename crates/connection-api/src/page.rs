//! What several requests and answers have in common.

use serde::{Deserialize, Serialize};

/// A page of a list.
///
/// ```
/// use connection_api::{Page, Reason};
///
/// let page: Page<Reason> = serde_json::from_str(r#"{"items": [], "next": null}"#)?;
/// assert!(page.items.is_empty() && page.next.is_none());
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The elements of this page, in the order of the list.
    pub items: Vec<T>,
    /// The value of `after` for the next page; `null` on the last one.
    pub next: Option<String>,
}

/// A body without members.
///
/// ```
/// use connection_api::Empty;
///
/// assert_eq!(serde_json::to_string(&Empty {})?, "{}");
/// assert!(serde_json::from_str::<Empty>(r#"{"other": 1}"#).is_err());
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Empty {}
