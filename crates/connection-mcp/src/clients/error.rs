//! The reasons why a configuration is not read or changed.

use super::entry::Place;

/// The reason why a configuration is not read or changed. No message repeats a value of the file, because it may be a
/// secret.
///
/// ```
/// use connection_mcp::clients::{Client, ConfigError, find};
///
/// let error = find(Client::Cursor, b"{\n  \"mcpServers\": {\n").unwrap_err();
/// assert!(matches!(error, ConfigError::Syntax { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The command of a replacement is empty.
    #[error("the command that replaces \"{name}\" is empty")]
    EmptyCommand {
        /// The name of the entry.
        name: String,
    },
    /// The entry is written in a form that cannot be replaced without a change elsewhere in the file.
    #[error("\"{name}\" is written in a form that cannot be replaced; replace it by hand")]
    Form {
        /// The name of the entry.
        name: String,
    },
    /// The file has no such entry.
    #[error("the file has no server \"{name}\"{}", .place.after())]
    NoEntry {
        /// The place in which the entry was expected.
        place: Place,
        /// The name of the entry.
        name: String,
    },
    /// The file is not UTF-8.
    #[error("the file is not UTF-8")]
    NotText,
    /// There is nothing to replace.
    #[error("no server was chosen")]
    Nothing,
    /// Two replacements name the same entry.
    #[error("\"{name}\" is to be replaced twice")]
    Repeated {
        /// The name of the entry.
        name: String,
    },
    /// The file does not have the syntax of its format.
    #[error("the file is not valid {format} (line {line}, column {column})")]
    Syntax {
        /// The name of the format.
        format: &'static str,
        /// The line of the first problem, counted from 1.
        line: usize,
        /// The column of the first problem in characters, counted from 1.
        column: usize,
    },
}

impl ConfigError {
    /// Creates the error for a problem at a byte of the text.
    pub(super) fn syntax(format: &'static str, text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self::Syntax { format, line, column }
    }
}
