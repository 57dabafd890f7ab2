//! What is refused to an extension, or to who deals with one. None holds a secret or the value of a preference.

use connection_contract::{DisplayText, InvalidDeclaration, Kind, SecretName};

use crate::{ConnectionId, ConnectionStatus};

/// Why an extension does not get what it asked for. Nothing was changed, and nothing was given.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtensionError {
    /// The connection is of another account than a person agreed to.
    #[error("connection {connection} is of another account by now, and '{extension}' may not use it")]
    AccountChanged {
        /// Who would have used it.
        extension: DisplayText,
        /// What was shown to the person.
        connection: ConnectionId,
    },
    /// Something was changed between the reading and the commit.
    #[error("the settings of '{extension}' were changed in the meantime")]
    Crossed {
        /// Whose.
        extension: DisplayText,
    },
    /// The declaration breaks a rule.
    #[error(transparent)]
    Declaration(#[from] InvalidDeclaration),
    /// The host could not show what it was asked to show.
    #[error("the settings of '{extension}' could not be opened: {why}")]
    HandOff {
        /// Whose.
        extension: DisplayText,
        /// What the host says.
        why: DisplayText,
    },
    /// A preference cannot have this value.
    #[error("the preference '{name}' of '{extension}' {why}")]
    InvalidPreference {
        /// Whose.
        extension: DisplayText,
        /// Which.
        name: DisplayText,
        /// What is wrong with the value.
        why: &'static str,
    },
    /// No person lets the extension use this connection, or lets it no more, or not with these secrets.
    #[error("'{extension}' is not granted {} of connection {connection}", secrets(.names))]
    NotGranted {
        /// Who asks.
        extension: DisplayText,
        /// What it would use.
        connection: ConnectionId,
        /// The secrets that it asked for; none for the use without seeing one.
        names: Vec<SecretName>,
    },
    /// The name is none of those that the extension declared.
    #[error("'{extension}' declares no {what}{}", .name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default())]
    Undeclared {
        /// Who asks.
        extension: DisplayText,
        /// `command`, `preference`, `secret` or `connection`.
        what: &'static str,
        /// What was asked for, unless a person may have typed it: a secret in the wrong place is repeated nowhere.
        name: Option<DisplayText>,
    },
    /// What the extension needs is not there, was refused by the provider, or cannot be had on this host.
    #[error("'{extension}' has no connection to '{provider}' that works: {why}")]
    NotReady {
        /// Who asks.
        extension: DisplayText,
        /// Whose connection.
        provider: Kind,
        /// Never `connected`.
        status: ConnectionStatus,
        /// Why.
        why: DisplayText,
    },
    /// The host has no settings to open.
    #[error("this host has no settings that '{extension}' could open")]
    NoSettings {
        /// Who asks.
        extension: DisplayText,
    },
    /// The setup, or the grant, would be of something else than the extension asked for.
    #[error("'{extension}' needs a connection to '{provider}', and '{kind}' is none")]
    OtherProvider {
        /// For whom.
        extension: DisplayText,
        /// What it needs.
        provider: Kind,
        /// What would be connected, or granted.
        kind: Kind,
    },
    /// A preference that the extension cannot do without has no value.
    #[error("'{extension}' needs its preference '{name}', which is not set")]
    PreferenceRequired {
        /// Who needs it.
        extension: DisplayText,
        /// The command that was to run.
        command: Option<DisplayText>,
        /// Which; of the command where it declares one of this name, else of the extension.
        name: DisplayText,
    },
    /// A count of changes cannot grow any more.
    #[error("the settings of '{extension}' were changed too often to be changed again")]
    RevisionExhausted {
        /// Whose.
        extension: DisplayText,
    },
    /// The source of a declaration is larger than anybody writes.
    #[error("the declaration of '{extension}' is longer than a mebibyte")]
    TooLarge {
        /// Whose.
        extension: DisplayText,
    },
    /// No extension of this name was added.
    #[error("unknown extension '{0}'")]
    Unknown(DisplayText),
    /// The kind hands out no secret of that name.
    #[error("'{extension}' cannot be granted '{name}': '{kind}' hands out {}", quoted(.known))]
    UnknownSecret {
        /// Who would be granted it.
        extension: DisplayText,
        /// The kind of the connection.
        kind: Kind,
        /// What would be granted.
        name: SecretName,
        /// What the kind hands out.
        known: Vec<SecretName>,
    },
    /// No such ticket was given to the extension, or it is too old.
    #[error("'{extension}' has no such ticket")]
    UnknownTicket {
        /// Who asks.
        extension: DisplayText,
    },
    /// Two names would become one variable, or one that the system itself reads, or a value can be in none.
    #[error("'{name}' cannot be a variable of the environment: {why}")]
    Variable {
        /// Of a secret or a public preference.
        name: DisplayText,
        /// Why not.
        why: &'static str,
    },
}

impl ExtensionError {
    /// For programs; listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccountChanged { .. } => "account_changed",
            Self::Crossed { .. } => "settings_changed",
            Self::Declaration(_) => "invalid_declaration",
            Self::HandOff { .. } => "hand_off_failed",
            Self::InvalidPreference { .. } => "invalid_preference",
            Self::NoSettings { .. } => "no_settings",
            Self::NotGranted { .. } => "not_granted",
            Self::NotReady { status: ConnectionStatus::Unsupported, .. } => "connection_unsupported",
            Self::NotReady { status: ConnectionStatus::Missing, .. } => "connection_missing",
            Self::NotReady { .. } => "connection_failed",
            Self::OtherProvider { .. } => "other_provider",
            Self::PreferenceRequired { .. } => "preference_required",
            Self::RevisionExhausted { .. } => "revision_exhausted",
            Self::TooLarge { .. } => "declaration_too_large",
            Self::Undeclared { .. } => "undeclared",
            Self::Unknown(_) => "unknown_extension",
            Self::UnknownSecret { .. } => "unknown_secret",
            Self::UnknownTicket { .. } => "unknown_ticket",
            Self::Variable { .. } => "invalid_variable",
        }
    }

    /// What to do, where something can be done.
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::AccountChanged { .. } => "look at the account that it is of, then decide anew",
            Self::Crossed { .. } => "read the settings again, then decide anew",
            Self::NotGranted { extension, connection, .. } => {
                return Some(format!("grant it: let '{extension}' use connection {connection}, with these secrets"));
            }
            Self::NotReady { status: ConnectionStatus::Missing, .. } => "open the extension's settings and connect it",
            Self::NotReady { status: ConnectionStatus::Failed, .. } => "authorize the connection again",
            Self::OtherProvider { .. } => "choose a kind, or a connection, of that provider",
            Self::PreferenceRequired { .. } => "set it in the extension's settings",
            Self::Undeclared { .. } => "declare it, and add the extension again",
            Self::Unknown(_) => "list the extensions to see which were added",
            Self::UnknownSecret { .. } => "correct the name in the declaration, and add the extension again",
            Self::UnknownTicket { .. } => "open the settings again",
            Self::Variable { .. } => "give it another name in the declaration",
            Self::RevisionExhausted { .. } => "declare the extension by another name",
            Self::Declaration(_)
            | Self::HandOff { .. }
            | Self::InvalidPreference { .. }
            | Self::NoSettings { .. }
            | Self::NotReady { .. }
            | Self::TooLarge { .. } => return None,
        };
        Some(text.to_owned())
    }
}

fn secrets(names: &[SecretName]) -> String {
    if names.is_empty() { "the use".into() } else { quoted(names) }
}

fn quoted(names: &[SecretName]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    if quoted.is_empty() { "no secret".into() } else { quoted.join(", ") }
}
