//! Text for people, and the names of kinds.

use alloc::{
    borrow::Cow,
    boxed::Box,
    format,
    string::{String, ToString},
};
use core::fmt;

/// Text that is usually a literal in the plugin, and sometimes created at run time, as from a manifest.
pub type Text = Cow<'static, str>;

/// Text that is safe to show in a terminal or on a page. All text that reaches a person has this type.
///
/// Control, bidirectional and invisible characters are removed, and the text is cut after 500 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct DisplayText(Text);

impl DisplayText {
    const CAP: usize = 500;
    /// Returns the text as a string slice.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Text>> From<T> for DisplayText {
    fn from(text: T) -> Self {
        let text = text.into();
        // A text has at most as many characters as bytes, so a short one needs no counting.
        if text.len() <= Self::CAP && !text.chars().any(is_hidden) {
            return Self(text);
        }
        Self(text.chars().filter(|c| !is_hidden(*c)).take(Self::CAP).collect::<String>().into())
    }
}

impl fmt::Display for DisplayText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for DisplayText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Text of a provider, such as the `error_description` of its answer.
///
/// The host shows it only to the person whose connection it concerns, marked as the provider's. It is never logged, so it
/// has no `Display`, and its `Debug` shows only its length.
///
/// White space is joined to single spaces; control, bidirectional and invisible characters are removed; and the text is
/// cut after 300 characters.
///
/// ```
/// use connection_contract::ProviderText;
///
/// let text = ProviderText::new("The token\n  is \u{202e}expired").unwrap();
/// assert_eq!(text.as_str(), "The token is expired");
/// assert_eq!(format!("{text:?}"), "ProviderText(20 characters)");
/// assert_eq!(ProviderText::new(" \u{200b} "), None);
/// ```
///
/// ```compile_fail,E0277
/// let text = connection_contract::ProviderText::new("The token is expired").unwrap();
/// println!("{text}");
/// ```
#[derive(Clone, PartialEq, Eq)]
// It is boxed, because errors hold it.
pub struct ProviderText(Box<DisplayText>);

impl ProviderText {
    const CAP: usize = 300;

    /// Creates a text from what a provider said; `None` if nothing of it can be shown.
    pub fn new(text: &str) -> Option<Self> {
        Self::covered(text, |_| {})
    }

    /// See [`host::provider_text`](crate::host::provider_text) for the description.
    pub(crate) fn covered(text: &str, cover: impl FnOnce(&mut String)) -> Option<Self> {
        let mut clean = String::new();
        for word in text.split_whitespace() {
            let mut word = word.chars().filter(|c| !is_hidden(*c) && !is_blank(*c)).peekable();
            if word.peek().is_some() && !clean.is_empty() {
                clean.push(' ');
            }
            clean.extend(word);
        }
        cover(&mut clean);
        if let Some((end, _)) = clean.char_indices().nth(Self::CAP) {
            clean.truncate(end);
        }
        (!clean.is_empty()).then(|| Self(Box::new(clean.into())))
    }

    /// Returns the text, which is for the person whose connection it concerns alone.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for ProviderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderText({} characters)", self.as_str().chars().count())
    }
}

/// Returns `true` for a control, bidirectional or invisible character.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns `true` for a character that is drawn as nothing, in addition to those that are hidden in any text.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0080}'..='\u{e01ef}')
}

/// The stable name of a kind: 1 to 64 characters of `a-z 0-9 -`, beginning with a letter.
///
/// A kind that belongs to one extension is named `EXTENSION/PROVIDER`: two such names, joined by `/`.
///
/// ```
/// use connection_contract::Kind;
///
/// const ACME: Kind = Kind::from_static("acme");
/// let of_issues = Kind::of_extension("issues", &ACME).unwrap();
/// assert_eq!(of_issues.as_str(), "issues/acme");
/// assert_eq!(of_issues.extension(), Some("issues"));
/// assert_eq!(ACME.extension(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Text);

impl Kind {
    /// Creates the name of a kind from a literal. In a `const`, an invalid name does not compile.
    ///
    /// ```compile_fail,E0080
    /// const KIND: connection_contract::Kind = connection_contract::Kind::from_static("GitHub");
    /// # let _ = KIND;
    /// ```
    ///
    /// # Panics
    ///
    /// If the name is not valid.
    pub const fn from_static(name: &'static str) -> Self {
        assert!(
            Self::is_valid(name.as_bytes()),
            "a kind has 1 to 64 of the characters a-z, 0-9 and '-', and begins with a letter; a kind of an extension \
             has two such names, joined by '/'"
        );
        Self(Cow::Borrowed(name))
    }

    /// Parses the name of a kind. Returns `None` if it is not valid.
    pub fn parse(name: &str) -> Option<Self> {
        Self::is_valid(name.as_bytes()).then(|| Self(name.to_string().into()))
    }

    /// Returns the name as a string slice.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the kind that belongs to this extension: `EXTENSION/PROVIDER`. Returns `None` if the
    /// extension's name cannot be a part of the name of a kind, or if the provider is itself a kind of an extension.
    pub fn of_extension(extension: &str, provider: &Self) -> Option<Self> {
        Self::parse(&format!("{extension}/{provider}"))
    }

    /// Returns the name of the extension to which the kind belongs, or `None` for a kind that serves all extensions.
    pub fn extension(&self) -> Option<&str> {
        self.0.split_once('/').map(|(extension, _)| extension)
    }

    /// Returns the name as one segment of the path of an address, in which `.` stands for `/`.
    ///
    /// ```
    /// use connection_contract::Kind;
    ///
    /// let kind = Kind::parse("issues/acme").unwrap();
    /// assert_eq!(kind.path_segment(), "issues.acme");
    /// assert_eq!(Kind::parse_path_segment("issues.acme"), Some(kind));
    /// ```
    pub fn path_segment(&self) -> String {
        self.0.replace('/', ".")
    }

    /// Parses what [`path_segment`](Self::path_segment) returns. Returns `None` for any other text.
    pub fn parse_path_segment(segment: &str) -> Option<Self> {
        if segment.contains('/') { None } else { Self::parse(&segment.replace('.', "/")) }
    }

    const fn is_valid(name: &[u8]) -> bool {
        let mut i = 0;
        let mut from = 0;
        while i < name.len() {
            match (name[i], i - from) {
                (b'a'..=b'z', 0..64) | (b'0'..=b'9' | b'-', 1..64) => {}
                (b'/', 1..) if from == 0 => from = i + 1,
                _ => return false,
            }
            i += 1;
        }
        i > from
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
