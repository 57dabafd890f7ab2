//! The error of a command: a code for programs, and one sentence and a remedy for people.
//!
//! No message holds a secret. A message names the field of a typed value and never repeats the value.

use std::fmt::{self, Write as _};

use connection_agent::SandboxError;
use connection_contract::ProviderText;
use connection_core::{AdvanceError, BackupError, MoveError, OpenError, StoreError};

use crate::name::accept_command;

/// The exit status of the process. The numbers are a contract, see `docs/spec/words.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the numbers are a closed list that scripts match on")]
pub enum Exit {
    /// The command ended without an error.
    Fine = 0,
    /// An unexpected error, a failed check of `doctor` (except of a connection) or of `webhooks C test`, or a `send`
    /// whose response is not 2xx.
    Unexpected = 1,
    /// The command, its input or the configuration is not well formed.
    Usage = 2,
    /// A setup ended without a connection, or a re-authorization without a new credential.
    SetupFailed = 3,
    /// A connection is not live.
    NotLive = 4,
    /// There is no such connection, kind, setup, extension or file.
    NotFound = 5,
    /// The command was refused: policy, key, permission or duplicate.
    Refused = 6,
    /// The terminal of the command was closed; this is the status that shells report for a process ended by SIGHUP.
    HungUp = 129,
    /// The command was interrupted; this is the status that shells report for a process ended by control-C.
    Interrupted = 130,
    /// The command was stopped; this is the status that shells report for a process ended by SIGTERM.
    Terminated = 143,
}

/// The codes of the core with which a use is refused that a person has not granted, or has frozen.
const OF_GRANTS: [&str; 14] = [
    "agent_exists",
    "ambiguous_request",
    "approval_answered",
    "approval_differs",
    "approval_required",
    "approval_too_long",
    "budget_spent",
    "frozen",
    "grant_changed",
    "grant_ended",
    "rule_denied",
    "rules_unreadable",
    "token_ended",
    "too_many_approvals",
];

/// The codes of the core with which a move of the database is refused, or a database that was moved.
const OF_MOVES: [&str; 9] = [
    "answers_kept",
    "copy_incomplete",
    "copy_missing",
    "copy_opened",
    "exchanges_open",
    "move_unfinished",
    "not_moved",
    "store_moved",
    "target_unsuited",
];

impl Exit {
    /// All exit statuses, in order.
    pub const ALL: [Self; 10] = [
        Self::Fine,
        Self::Unexpected,
        Self::Usage,
        Self::SetupFailed,
        Self::NotLive,
        Self::NotFound,
        Self::Refused,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// Returns the number that the process exits with.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the exit status for an error code of the core.
    fn of_code(code: &str) -> Self {
        match code {
            "not_found" | "backup_missing" | "database_missing" | "profile_not_found" | "setup_not_found"
            | "unknown_kind" | "file_not_found" | "connection_missing" | "unknown_agent" | "unknown_approval"
            | "unknown_extension" | "unknown_ticket" => Self::NotFound,
            "ambiguous"
            | "invalid_agent_name"
            | "invalid_cursor"
            | "invalid_directory"
            | "invalid_expiry"
            | "invalid_label"
            | "invalid_owner"
            | "invalid_request"
            | "invalid_role"
            | "invalid_sandbox"
            | "invalid_slot"
            | "invalid_tags"
            | "invalid_token_name"
            | "http_policy_invalid"
            | "declaration_too_large"
            | "invalid_declaration"
            | "invalid_preference"
            | "preference_required"
            | "request_too_large"
            | "undeclared" => Self::Usage,
            "denied"
            | "backup_exists"
            | "backup_invalid"
            | "database_in_use"
            | "database_not_a_file"
            | "database_not_a_server"
            | "account_changed"
            | "account_connected"
            | "code_expired"
            | "code_unknown"
            | "code_used"
            | "connection_unsupported"
            | "directory_not_allowed"
            | "directory_not_made"
            | "directory_protected"
            | "directory_taken"
            | "invalid_import"
            | "invalid_variable"
            | "no_settings"
            | "not_granted"
            | "not_released"
            | "other_provider"
            | "settings_changed"
            | "label_taken"
            | "no_home"
            | "no_previous"
            | "not_supported"
            | "profile_default"
            | "profile_in_use"
            | "profile_last"
            | "reserved"
            | "rollback_refused"
            | "row_changed"
            | "row_outdated"
            | "row_version"
            | "program_too_old"
            | "sealed_unreadable"
            | "tool_not_allowed"
            | "credential_unreadable"
            | "webhook_disabled"
            | "webhook_key_missing"
            | "key_failed"
            | "kind_changed"
            | "kind_taken"
            | "too_many_renewals"
            | "too_many_setups"
            | "too_many_tokens"
            | "unknown_secret" => Self::Refused,
            "not_renewed" | "connection_failed" => Self::NotLive,
            _ if OF_GRANTS.contains(&code) || OF_MOVES.contains(&code) => Self::Refused,
            _ => Self::Unexpected,
        }
    }

    /// Returns the exit status for an error of the store. An operation that is not permitted is refused; a failure is
    /// unexpected.
    const fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::Arriving { .. }
            | StoreError::Exposed(_)
            | StoreError::Moved { .. }
            | StoreError::MoveUnfinished { .. }
            | StoreError::ProgramTooOld { .. }
            | StoreError::Promoted { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Standby { .. }
            | StoreError::Changed { .. }
            | StoreError::Unprepared { .. }
            | StoreError::Unreleased { .. } => Self::Refused,
            StoreError::EngineNotBuilt { .. }
            | StoreError::InvalidAddress { .. }
            | StoreError::NotAnAddress { .. }
            | StoreError::NotUnicode { .. }
            | StoreError::UnsupportedEngine { .. } => Self::Usage,
            _ => Self::Unexpected,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// An error with which a command ends.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Error {
    /// The exit status of the process.
    pub exit: Exit,
    /// The stable code for programs.
    pub code: String,
    /// One sentence that says what happened.
    pub message: String,
    /// A sentence that says how to resolve the error.
    pub remedy: Option<String>,
    /// The provider's own words, for the person at the terminal alone.
    pub provider_text: Option<ProviderText>,
}

impl Error {
    /// Returns an error with a code and one sentence.
    pub fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { exit, code: code.into(), message: message.into(), remedy: None, provider_text: None }
    }

    /// Returns an error for a command or an input that is not well formed.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// Returns an error for a configuration that is not well formed.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "invalid_configuration", message)
    }

    /// Returns an error for a failed operation of the system; `what` names its object.
    pub fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        let of = |exit| Self::new(exit, "io", format!("{what}: {error}"));
        match error.kind() {
            std::io::ErrorKind::NotFound => of(Exit::NotFound),
            std::io::ErrorKind::PermissionDenied => of(Exit::Refused).remedy(
                "check that the user who runs this program may use it; what was made with sudo belongs to root, and \
                 `chown` gives it to another user",
            ),
            _ => of(Exit::Unexpected),
        }
    }

    /// Sets the sentence that says how to resolve the error.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedy = Some(text.into());
        self
    }

    /// Sets the provider's own words.
    #[must_use]
    pub fn provider_text(mut self, words: Option<ProviderText>) -> Self {
        self.provider_text = words;
        self
    }

    /// Sets the exit status in place of the one that the error has by itself.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    fn of_core(code: &str, error: &dyn std::error::Error, remedy: Option<String>) -> Self {
        Self { exit: Exit::of_code(code), code: code.to_owned(), message: chain(error), remedy, provider_text: None }
    }
}

/// Joins the error and its sources, since `Display` does not include the source.
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
            connection_core::Error::KindChanged { kind, .. } | connection_core::Error::TermsOutdated { kind } => {
                let command = accept_command(kind);
                own.remedy(format!("`{command}` shows what changed, and asks whether to accept it"))
            }
            connection_core::Error::UnknownKind(_) => own.remedy(
                "put its file back into the directory of kinds, or use a program that was built with it; \
                 `connections kinds` lists the others",
            ),
            connection_core::Error::NotRenewed { why, .. } => own.provider_text(why.reason.provider_text.clone()),
            connection_core::Error::Store(store) => own.exit(Exit::of_store(store)),
            _ => own,
        }
    }
}

impl From<SandboxError> for Error {
    fn from(error: SandboxError) -> Self {
        Self::of_core(error.code(), &error, error.remedy())
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

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Open(error) => error.into(),
            BackupError::Registry(error) => error.into(),
            error => Self::of_core(error.code(), &error, error.remedy()),
        }
    }
}

impl From<MoveError> for Error {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Open(error) => error.into(),
            MoveError::Registry(error) => error.into(),
            error => Self::of_core(error.code(), &error, error.remedy()),
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

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn an_operation_without_the_right_to_it_says_whose_files_may_be_in_the_way() {
        let of = |kind: ErrorKind| Error::io("/srv/connections", &kind.into());
        let denied = of(ErrorKind::PermissionDenied);
        assert_eq!((denied.exit, denied.message.starts_with("/srv/connections: ")), (Exit::Refused, true));
        assert!(denied.remedy.unwrap().contains("`chown`"));
        assert_eq!(of(ErrorKind::NotFound).remedy, None, "the control");
    }
}
