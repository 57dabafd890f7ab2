//! The errors of extensions and of their settings. None holds a secret or the value of a preference.

use connection_contract::{DisplayText, InvalidDeclaration, Kind, SecretName};

use crate::{ConnectionId, ConnectionStatus, error::table::codes_and_remedies};

/// The reason why a request of an extension was refused. Nothing was changed, and nothing was handed out.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtensionError {
    /// The connection now reaches another account than the one that a person agreed to.
    #[error("connection {connection} now belongs to another account, and '{extension}' may not use it")]
    AccountChanged {
        /// The extension for which the grant was requested.
        extension: DisplayText,
        /// The connection that was shown to the person, and is now of another account.
        connection: ConnectionId,
    },
    /// The settings changed between the read and the commit.
    #[error("the settings of '{extension}' were changed in the meantime")]
    Crossed {
        /// The extension whose settings were to be changed.
        extension: DisplayText,
    },
    /// The declaration breaks a rule of the contract, which the error names.
    #[error(transparent)]
    Declaration(#[from] InvalidDeclaration),
    /// The host could not show its settings.
    #[error("the settings of '{extension}' could not be opened: {why}")]
    HandOff {
        /// The extension whose settings were to be shown.
        extension: DisplayText,
        /// The host's explanation, as a clause for people.
        why: DisplayText,
    },
    /// The value is not allowed for this preference.
    #[error("the preference '{name}' of '{extension}' {why}")]
    InvalidPreference {
        /// The extension whose settings were to be changed.
        extension: DisplayText,
        /// The preference whose value was rejected. If the settings as a whole are too long, the first one of the
        /// change.
        name: DisplayText,
        /// The problem with the value, as a predicate: `must be either true or false`.
        why: &'static str,
    },
    /// The extension has no grant for this connection, or not for these secrets.
    #[error("'{extension}' is not granted {} of connection {connection}", secrets(.names))]
    NotGranted {
        /// The extension that requested the use.
        extension: DisplayText,
        /// The connection that the extension may not use, or from which it may not take these secrets.
        connection: ConnectionId,
        /// The requested secrets that are not granted; empty for a use without secrets.
        names: Vec<SecretName>,
    },
    /// The extension did not declare this name.
    #[error("'{extension}' declares no {what}{}", .name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default())]
    Undeclared {
        /// The extension whose declaration lacks the name.
        extension: DisplayText,
        /// `command`, `preference`, `secret` or `connection`.
        what: &'static str,
        /// The undeclared name. `None` if a person may have typed it, because a secret entered in the wrong place must
        /// not be repeated.
        name: Option<DisplayText>,
    },
    /// The connection that the extension needs does not exist, was refused by the provider, or is not possible on this
    /// host.
    #[error("'{extension}' has no working connection to '{provider}': {why}")]
    NotReady {
        /// The extension that was to use a connection.
        extension: DisplayText,
        /// The provider that the extension requires.
        provider: Kind,
        /// The status of the requirement, which is never `connected`.
        status: ConnectionStatus,
        /// The reason why there is no working connection, as a sentence for people. For a missing connection, it is the
        /// connect guide of the requirement, if there is one.
        why: DisplayText,
    },
    /// The host has no settings that could be opened.
    #[error("this host has no settings that '{extension}' could open")]
    NoSettings {
        /// The extension whose settings were to be opened.
        extension: DisplayText,
    },
    /// The kind of the setup or of the connection belongs to another provider than the one that the extension needs.
    #[error("'{extension}' needs a connection to '{provider}', but '{kind}' belongs to another provider")]
    OtherProvider {
        /// The extension that needs a connection, or for which one is to be granted.
        extension: DisplayText,
        /// The provider that the extension requires.
        provider: Kind,
        /// The kind that would be connected or granted.
        kind: Kind,
    },
    /// A required preference has no value.
    #[error("'{extension}' needs its preference '{name}', which is not set")]
    PreferenceRequired {
        /// The extension that was to be run.
        extension: DisplayText,
        /// The command that was to be run; `None` for the extension itself.
        command: Option<DisplayText>,
        /// The preference: the command's, if it declares one with this name, otherwise the extension's.
        name: DisplayText,
    },
    /// Connections of this kind are for one extension alone, and another one would use it, or it would be a default.
    #[error("connections of '{kind}' are for the extension '{}' alone", .kind.extension().unwrap_or_default())]
    Reserved {
        /// The kind whose connections are for one extension alone.
        kind: Kind,
    },
    /// The rules have an end, and the grant of an extension has none.
    #[error("the rules for '{extension}' must not have an end, because the grant of an extension has none")]
    RulesEnd {
        /// The extension for which the grant was requested.
        extension: DisplayText,
    },
    /// A grant to an extension cannot have rules that let the secret be handed out, because it names secrets by itself.
    #[error("the rules of a grant to the extension '{extension}' cannot release a secret")]
    RulesRelease {
        /// The extension to be granted.
        extension: DisplayText,
    },
    /// The source of the declaration is too long.
    #[error("the declaration of '{extension}' is longer than a mebibyte")]
    TooLarge {
        /// The extension whose declaration has more than a mebibyte of source.
        extension: DisplayText,
    },
    /// No extension of this name was added.
    #[error("unknown extension '{0}'")]
    Unknown(DisplayText),
    /// The kind does not hand out a secret with this name.
    #[error("'{extension}' cannot be granted '{name}': '{kind}' hands out {}", quoted(.known))]
    UnknownSecret {
        /// The extension for which the grant was requested.
        extension: DisplayText,
        /// The kind of the connection that was to be granted.
        kind: Kind,
        /// The requested secret, which the kind does not hand out.
        name: SecretName,
        /// The secrets that the kind hands out.
        known: Vec<SecretName>,
    },
    /// The extension was not given this ticket, or the ticket has expired.
    #[error("this ticket is not valid for '{extension}'")]
    UnknownTicket {
        /// The extension that presented the ticket.
        extension: DisplayText,
    },
    /// Two names become the same variable, a name becomes a variable that the system reads, or a value cannot be a
    /// variable's.
    #[error("'{name}' cannot be an environment variable: {why}")]
    Variable {
        /// The name of a secret, a public value or a preference.
        name: DisplayText,
        /// The reason, as a clause for people: `another name becomes the same variable`.
        why: &'static str,
    },
}

codes_and_remedies! {
    ExtensionError {
        Self::AccountChanged { .. } => "account_changed", "check which account it belongs to, then decide again";
        Self::Crossed { .. } => "settings_changed", "read the settings again, then decide again";
        Self::Declaration(_) => "invalid_declaration";
        Self::HandOff { .. } => "hand_off_failed";
        Self::InvalidPreference { .. } => "invalid_preference";
        Self::NoSettings { .. } => "no_settings";
        Self::NotGranted { extension, connection, .. } => "not_granted",
            format!("grant '{extension}' the use of connection {connection} with these secrets");
        Self::NotReady { status: ConnectionStatus::Failed, .. } => "connection_failed",
            "authorize the connection again";
        Self::NotReady { status: ConnectionStatus::Missing, .. } => "connection_missing",
            "open the extension's settings and connect it";
        Self::NotReady { status: ConnectionStatus::Unsupported, .. } => "connection_unsupported";
        Self::NotReady { .. } => "connection_failed";
        Self::OtherProvider { .. } => "other_provider", "choose a kind, or a connection, of that provider";
        Self::PreferenceRequired { .. } => "preference_required", "set it in the extension's settings";
        Self::Reserved { .. } => "reserved", "connect the provider with a kind that serves every extension";
        Self::RulesEnd { .. } => "invalid_rules", "remove 'expires' from the rules, and revoke the grant when it should end";
        Self::RulesRelease { .. } => "invalid_rules",
            "remove 'release' from the rules, or grant the extension without rules the secrets that it declares";
        Self::TooLarge { .. } => "declaration_too_large";
        Self::Undeclared { .. } => "undeclared", "declare it, and add the extension again";
        Self::Unknown(_) => "unknown_extension", "list the extensions to see which were added";
        Self::UnknownSecret { .. } => "unknown_secret",
            "correct the name in the declaration, and add the extension again";
        Self::UnknownTicket { .. } => "unknown_ticket", "open the settings again";
        Self::Variable { .. } => "invalid_variable", "give it another name in the declaration";
    }
}

impl ExtensionError {
    /// Returns the error for the use of a kind that belongs to another extension than this one.
    pub(crate) fn reserved(kind: &Kind, extension: Option<&str>) -> Option<Self> {
        let is_free = kind.extension().is_none_or(|own| extension == Some(own));
        (!is_free).then(|| Self::Reserved { kind: kind.clone() })
    }
}

fn secrets(names: &[SecretName]) -> String {
    if names.is_empty() { "the use".into() } else { quoted(names) }
}

fn quoted(names: &[SecretName]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    if quoted.is_empty() { "no secret".into() } else { quoted.join(", ") }
}
