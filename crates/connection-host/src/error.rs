//! What a command ends with when it does not end well: a code for programs, one sentence and the way out for people.
//!
//! No message holds a secret: what a person typed is named by its field, never repeated.

use std::fmt::{self, Write as _};

use connection_core::{AdvanceError, OpenError, StoreError};

/// How the process ends. The numbers are contract, see `docs/spec/words.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the numbers are a closed list that scripts match on")]
pub enum Exit {
    /// Done.
    Fine = 0,
    /// Something unexpected, a failed check of `doctor` (but of a connection) or `webhooks C test`, or a `send` whose answer
    /// is not 2xx.
    Unexpected = 1,
    /// The command, its input or the configuration is not well formed.
    Usage = 2,
    /// A setup ended without a connection, or a new credential of one.
    SetupFailed = 3,
    /// Something is not live.
    NotLive = 4,
    /// There is no such connection, kind, setup, extension or file.
    NotFound = 5,
    /// Refused: policy, key, permission or duplicate.
    Refused = 6,
    /// Interrupted before it came to its end, as a shell counts a process that control-C ended.
    Interrupted = 130,
}

impl Exit {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Fine,
        Self::Unexpected,
        Self::Usage,
        Self::SetupFailed,
        Self::NotLive,
        Self::NotFound,
        Self::Refused,
        Self::Interrupted,
    ];

    /// The number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// What an error code of the core means to the process.
    fn of_code(code: &str) -> Self {
        match code {
            "not_found" | "profile_not_found" | "setup_not_found" | "unknown_kind" | "file_not_found"
            | "connection_missing" | "unknown_extension" | "unknown_ticket" => Self::NotFound,
            "ambiguous"
            | "invalid_directory"
            | "invalid_label"
            | "invalid_owner"
            | "invalid_request"
            | "invalid_sandbox"
            | "invalid_slot"
            | "http_policy_invalid"
            | "declaration_too_large"
            | "invalid_declaration"
            | "invalid_preference"
            | "preference_required"
            | "undeclared" => Self::Usage,
            "denied"
            | "account_changed"
            | "account_connected"
            | "connection_unsupported"
            | "directory_not_allowed"
            | "directory_not_made"
            | "directory_protected"
            | "directory_taken"
            | "invalid_import"
            | "invalid_variable"
            | "no_settings"
            | "not_granted"
            | "other_provider"
            | "revision_exhausted"
            | "settings_changed"
            | "label_taken"
            | "no_home"
            | "no_previous"
            | "not_supported"
            | "profile_default"
            | "profile_in_use"
            | "profile_last"
            | "rollback_refused"
            | "row_changed"
            | "row_outdated"
            | "sealed_unreadable"
            | "tool_not_allowed"
            | "credential_unreadable"
            | "webhook_disabled"
            | "webhook_key_missing"
            | "key_failed"
            | "kind_taken"
            | "too_many_setups"
            | "unknown_secret" => Self::Refused,
            "not_renewed" | "connection_failed" => Self::NotLive,
            _ => Self::Unexpected,
        }
    }

    /// What the store's own words mean: what may not be done is refused, what failed is not.
    const fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::Exposed(_)
            | StoreError::ReadOnly { .. }
            | StoreError::Newer { .. }
            | StoreError::Changed { .. } => Self::Refused,
            StoreError::InvalidAddress { .. } | StoreError::UnsupportedEngine { .. } => Self::Usage,
            _ => Self::Unexpected,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// Why a command did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Error {
    /// How the process ends.
    pub exit: Exit,
    /// For programs.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub remedy: Option<String>,
}

impl Error {
    /// A failure with a code and one sentence.
    pub fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { exit, code: code.into(), message: message.into(), remedy: None }
    }

    /// The command or its input is not well formed.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// The configuration is not well formed.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "invalid_configuration", message)
    }

    /// Something that should not happen; says where, and what the system said.
    pub fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            std::io::ErrorKind::PermissionDenied => Exit::Refused,
            _ => Exit::Unexpected,
        };
        Self::new(exit, "io", format!("{what}: {error}"))
    }

    /// Says what to do.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedy = Some(text.into());
        self
    }

    /// The same, with another way to end.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    fn of_core(code: &str, error: &dyn std::error::Error, remedy: Option<String>) -> Self {
        Self { exit: Exit::of_code(code), code: code.to_owned(), message: chain(error), remedy }
    }
}

/// The sentence and what lies below it: a `Display` does not repeat its source.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        // Writing to a string does not fail.
        let _ = write!(text, ": {source}");
        next = source.source();
    }
    text
}

impl From<connection_core::Error> for Error {
    fn from(error: connection_core::Error) -> Self {
        let own = Self::of_core(error.code(), &error, error.remedy());
        match &error {
            connection_core::Error::Store(store) => own.exit(Exit::of_store(store)),
            _ => own,
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        let own = Self::of_core(error.code(), &error, error.remedy());
        match &error {
            OpenError::Store(store) => own.exit(Exit::of_store(store)),
            _ => own,
        }
    }
}

impl From<AdvanceError> for Error {
    fn from(error: AdvanceError) -> Self {
        match error {
            AdvanceError::Error(error) => error.into(),
            error => Self::of_core(error.code(), &error, error.remedy()),
        }
    }
}
