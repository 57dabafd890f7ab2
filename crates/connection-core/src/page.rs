//! Pages of lists, and the positions at which they begin.

use std::{fmt, str::FromStr};

use connection_contract::encode;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A page of a list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The elements, in the order of the list. There may be fewer than were asked for, also if there is a next page.
    pub items: Vec<T>,
    /// The position at which the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

/// A position in a list. Its text has a meaning for the list alone.
///
/// A list continues after a cursor even if the element at that position was removed. The list that gets a cursor reads
/// it, and refuses with [`Error::InvalidCursor`](crate::Error::InvalidCursor) a text that is not a position in its form.
/// A cursor that another list or another owner got may have the same form; it is then a position like any other, because
/// a list has only elements of its owner.
///
/// ```
/// use connection_core::{ConnectionRegistry, Cursor, Error, Filter};
///
/// /// Returns the number of connections on a page after one whose cursor a program has kept as text.
/// async fn next(registry: &ConnectionRegistry, kept: &str) -> Result<usize, Error> {
///     Ok(registry.list_connections(Filter::new().after(Cursor::from(kept))).await?.items.len())
/// }
/// # let _ = next;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(Box<str>);

/// The error for a cursor that is not a position in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a position in the list")]
#[non_exhaustive]
pub struct InvalidCursor;

impl Cursor {
    pub(crate) fn at(position: impl fmt::Display) -> Self {
        Self(position.to_string().into())
    }

    /// Returns the position in a list with such positions.
    pub(crate) fn position<P: FromStr>(&self) -> Result<P, InvalidCursor> {
        self.0.parse().map_err(|_| InvalidCursor)
    }
}

impl<T: Into<Box<str>>> From<T> for Cursor {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the number of rows to read for a page: one more than the limit, which shows whether another page follows. Without a
/// limit, a page is the whole list.
pub(crate) fn one_more(limit: Option<u32>) -> i64 {
    i64::from(limit.unwrap_or(u32::MAX).max(1)) + 1
}

impl<T> Page<T> {
    /// Makes the page of elements of which [`one_more`] were asked for.
    pub(crate) fn of<P: fmt::Display>(mut items: Vec<T>, limit: Option<u32>, position: impl Fn(&T) -> P) -> Self {
        let limit = usize::try_from(one_more(limit) - 1).unwrap_or(usize::MAX);
        let is_last = items.len() <= limit;
        items.truncate(limit);
        let next = items.last().filter(|_| !is_last).map(|last| Cursor::at(position(last)));
        Self { items, next }
    }

    /// Returns a page of a list that is in memory, sorted by the positions.
    ///
    /// # Errors
    ///
    /// [`InvalidCursor`].
    pub fn within<P: fmt::Display + FromStr + Ord>(
        mut list: Vec<T>,
        after: Option<&Cursor>,
        limit: Option<u32>,
        position: impl Fn(&T) -> P,
    ) -> Result<Self, InvalidCursor> {
        if let Some(after) = after.map(Cursor::position::<P>).transpose()? {
            list.retain(|item| position(item) > after);
        }
        list.sort_by_cached_key(&position);
        Ok(Self::of(list, limit, position))
    }

    pub(crate) fn filter_map<U>(self, made: impl FnMut(T) -> Option<U>) -> Page<U> {
        Page { items: self.items.into_iter().filter_map(made).collect(), next: self.next }
    }
}

/// A position with several fields or with any text. It is written as JSON in base64url (RFC 4648, section 5), so that it
/// can be a part of an address.
///
/// ```
/// use connection_core::{Fields, InvalidCursor, Page};
///
/// let list = vec![("two", 2), ("one", 1), ("three", 3)];
/// let page = Page::within(list, None, Some(2), |(name, number)| Fields((*number, name.to_string())))?;
/// assert_eq!(page.items, [("one", 1), ("two", 2)]);
/// assert_eq!(page.next.unwrap().to_string(), "WzIsInR3byJd");
/// # Ok::<_, InvalidCursor>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a position has its fields and nothing else")]
pub struct Fields<T>(pub T);

impl<T: Serialize> fmt::Display for Fields<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode::base64url(serde_json::to_string(&self.0).unwrap_or_default().as_bytes()))
    }
}

impl<T: DeserializeOwned> FromStr for Fields<T> {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let json = encode::from_base64url(text).ok_or(InvalidCursor)?;
        let value: Value = serde_json::from_slice(&json).map_err(|_| InvalidCursor)?;
        // Not every database accepts such a text in a query.
        if value.as_array().is_some_and(|fields| fields.iter().any(|field| field.as_str().is_some_and(has_null))) {
            return Err(InvalidCursor);
        }
        serde_json::from_value(value).map(Self).map_err(|_| InvalidCursor)
    }
}

fn has_null(text: &str) -> bool {
    text.contains('\0')
}

/// A position in a list that is sorted by a time and an id. Its text, `TIME-ID`, is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeAndId<I> {
    pub(crate) at: i64,
    pub(crate) id: I,
}

impl<I: fmt::Display> fmt::Display for TimeAndId<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at, self.id)
    }
}

impl<I: FromStr> FromStr for TimeAndId<I> {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (at, id) = text.split_once('-').ok_or(InvalidCursor)?;
        // A sign is not accepted, so that each position has one spelling.
        if !at.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidCursor);
        }
        let at = at.parse().map_err(|_| InvalidCursor)?;
        Ok(Self { at, id: id.parse().map_err(|_| InvalidCursor)? })
    }
}
