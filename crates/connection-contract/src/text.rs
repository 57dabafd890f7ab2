//! Text that may be shown, and kind names.

use alloc::{
    borrow::Cow,
    string::{String, ToString},
};
use core::fmt;

/// Text that is usually written in the plugin and sometimes made at run time (manifests).
pub type Text = Cow<'static, str>;

/// Text safe for a terminal or a page: control, bidi and invisible characters are removed, and it has at most 500
/// characters. All text that reaches a person is of this type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct DisplayText(Text);

impl DisplayText {
    const CAP: usize = 500;
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl<T: Into<Text>> From<T> for DisplayText {
    fn from(text: T) -> Self {
        let text = text.into();
        let hidden = |c: char| {
            c.is_control()
                || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        };
        // A byte is at most a character, so this is the cheap way to see that nothing is to be cut.
        if text.len() <= Self::CAP && !text.chars().any(hidden) {
            return Self(text);
        }
        Self(text.chars().filter(|c| !hidden(*c)).take(Self::CAP).collect::<String>().into())
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

/// The stable name of a kind: 1 to 64 of `a-z 0-9 -`, first a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Text);

impl Kind {
    /// A kind written in code. In a `const` a bad name does not compile.
    ///
    /// ```compile_fail,E0080
    /// const KIND: connection_contract::Kind = connection_contract::Kind::from_static("GitHub");
    /// # let _ = KIND;
    /// ```
    ///
    ///
    /// # Panics
    /// When the name is not a kind.
    pub const fn from_static(name: &'static str) -> Self {
        assert!(Self::is_valid(name.as_bytes()), "a kind is 1 to 64 of a-z 0-9 -, first a letter");
        Self(Cow::Borrowed(name))
    }
    /// A kind from data; `None` when the name is not one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::is_valid(name.as_bytes()).then(|| Self(name.to_string().into()))
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    const fn is_valid(name: &[u8]) -> bool {
        let mut i = 0;
        while i < name.len() {
            if !matches!((name[i], i), (b'a'..=b'z', _) | (b'0'..=b'9' | b'-', 1..)) {
                return false;
            }
            i += 1;
        }
        i >= 1 && i <= 64
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
