//! Undoing a replacement.

use super::difference::Difference;

/// The way in which a replacement is undone.
///
/// ```
/// use connection_mcp::clients::{Undo, undo};
///
/// assert_eq!(undo(b"before", b"after", b"after"), Undo::Restore(b"before".to_vec()));
/// assert_eq!(undo(b"before", b"after", b"before"), Undo::Original);
/// assert!(matches!(undo(b"before", b"after", b"edited"), Undo::Changed(_)));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undo {
    /// The file was changed after the replacement: this is the difference. It stays as it is.
    Changed(Difference),
    /// The file already has its original content.
    Original,
    /// The file has the content of the replacement, and gets this one, which is the original, byte for byte.
    Restore(Vec<u8>),
}

impl std::fmt::Debug for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed(difference) => f.debug_tuple("Changed").field(difference).finish(),
            Self::Original => f.write_str("Original"),
            // The original may contain secrets.
            Self::Restore(_) => f.write_str("Restore(..)"),
        }
    }
}

/// Decides how a replacement is undone, from the content before it, the content after it, and the current one.
///
/// A file that someone else changed after the replacement is not touched.
///
/// ```
/// use connection_mcp::clients::{Undo, undo};
///
/// let Undo::Changed(difference) = undo(b"a\n", b"b\n", b"b\nc\n") else { panic!("the file was changed") };
/// assert_eq!(difference.to_string(), "@@ -1,1 +1,2 @@\n b\n+c\n");
/// ```
pub fn undo(original: &[u8], replaced: &[u8], current: &[u8]) -> Undo {
    if current == replaced {
        Undo::Restore(original.to_vec())
    } else if current == original {
        Undo::Original
    } else {
        Undo::Changed(Difference::between(replaced, current))
    }
}
