//! Tags: short texts that a host sets on connections, to find them again by what the host knows about them.

use std::collections::BTreeMap;

/// The tags of a connection: at most 16 names, each with a value.
///
/// A tag means nothing to this program. It is shown to everybody who sees the connection and is part of the events that
/// are sent to the operator, so it holds no secret.
///
/// ```
/// use connection_core::Tags;
///
/// let tags = Tags::new([("plan", "pro"), ("team", "blue")])?;
/// assert_eq!(tags.get("plan"), Some("pro"));
/// assert!(Tags::new([("", "pro")]).is_err());
/// # Ok::<_, connection_core::InvalidTags>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

/// The reason why texts cannot be the tags of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTags {
    /// A name has another form.
    #[error("the name of a tag has 1 to 64 of the characters A-Z a-z 0-9 - _ . and begins with one of A-Z a-z 0-9")]
    Name,
    /// A name occurs twice.
    #[error("a tag is given twice")]
    Repeated,
    /// There are too many tags.
    #[error("a connection has at most 16 tags")]
    TooMany,
    /// A value has another form.
    #[error("the value of a tag has 1 to 256 characters, no control characters, and no space at its ends")]
    Value,
}

impl Tags {
    /// The maximum number of tags of a connection.
    pub const MAX: usize = 16;
    /// The maximum number of characters in a name.
    const MAX_NAME: usize = 64;
    /// The maximum number of characters in a value.
    const MAX_VALUE: usize = 256;

    /// Creates tags from names and values.
    ///
    /// # Errors
    ///
    /// [`InvalidTags`] for a name or a value of another form, for a name that occurs twice, and for too many tags.
    pub fn new<N, V>(tags: impl IntoIterator<Item = (N, V)>) -> Result<Self, InvalidTags>
    where
        N: Into<String>,
        V: Into<String>,
    {
        let mut checked = BTreeMap::new();
        for (name, value) in tags {
            let (name, value) = (name.into(), value.into());
            if !is_name(&name) {
                return Err(InvalidTags::Name);
            }
            if !is_value(&value) {
                return Err(InvalidTags::Value);
            }
            if checked.insert(name, value).is_some() {
                return Err(InvalidTags::Repeated);
            }
            if checked.len() > Self::MAX {
                return Err(InvalidTags::TooMany);
            }
        }
        Ok(Self(checked))
    }

    /// Returns `true` if there are no tags.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value of a tag.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the names and values in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the tags as a JSON object.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self.0)
    }

    /// Returns the stored form; `None` if there are no tags.
    pub(crate) fn stored(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.to_json().to_string())
    }

    /// Reads the stored form. A text that another program has edited may have another form, and is no tags.
    pub(crate) fn of_stored(stored: Option<&str>) -> Self {
        let tags = stored.and_then(|stored| serde_json::from_str::<BTreeMap<String, String>>(stored).ok());
        tags.and_then(|tags| Self::new(tags).ok()).unwrap_or_default()
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.len() <= Tags::MAX_NAME
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && name.bytes().all(is_plain)
}

fn is_value(value: &str) -> bool {
    !value.is_empty()
        && value.chars().count() <= Tags::MAX_VALUE
        && value.trim() == value
        && !value.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_of_another_form_are_refused() {
        let refused = |name: &str, value: &str| Tags::new([(name, value)]).err();
        for name in ["a", "A1", "team.name", "x-y_z", &"n".repeat(64)] {
            assert_eq!(refused(name, "ok"), None, "{name}");
        }
        for name in ["", "-a", ".a", "a b", "a=b", "é", &"n".repeat(65)] {
            assert_eq!(refused(name, "ok"), Some(InvalidTags::Name), "{name}");
        }
        for value in ["ok", "with spaces", "a=b", "ä", &"v".repeat(256)] {
            assert_eq!(refused("a", value), None, "{value}");
        }
        for value in ["", " a", "a ", "a\nb", "\u{7}", &"v".repeat(257)] {
            assert_eq!(refused("a", value), Some(InvalidTags::Value), "{value}");
        }
        let many = |count: usize| Tags::new((0..count).map(|n| (format!("t{n}"), "v"))).err();
        assert_eq!((many(16), many(17)), (None, Some(InvalidTags::TooMany)));
        assert_eq!(Tags::new([("a", "1"), ("a", "2")]), Err(InvalidTags::Repeated));
    }

    #[test]
    fn tags_are_read_as_they_were_stored_and_edited_ones_are_none() {
        let tags = Tags::new([("b", "2"), ("a", "\"1\"")]).unwrap();
        assert_eq!(Tags::of_stored(tags.stored().as_deref()), tags);
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("a", "\"1\""), ("b", "2")]);
        assert_eq!(Tags::default().stored(), None);
        for edited in ["", "[]", "{\"a\":1}", "{\"a b\":\"1\"}"] {
            assert!(Tags::of_stored(Some(edited)).is_empty(), "{edited}");
        }
    }
}
