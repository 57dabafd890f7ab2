//! Extensions, their grants and their preferences.

use connection_api as api;
use connection_contract::{DisplayText, ExtensionDeclaration, Preference, PreferenceInput, Timestamp};
use connection_core::{
    ConnectionInfo, ConnectionRequired, ExtensionInfo, Grant, Preferences, ResolvedConnection, RetryTicket,
};
use connection_rules::Rules;

use super::{kind::choice, reason};

/// Converts an extension without its declaration, which may no longer be valid.
pub fn extension(added: &ExtensionInfo, grants: Vec<api::Grant>) -> api::Extension {
    api::Extension {
        name: added.name.clone(),
        provider: Some(added.provider.to_string()),
        added_at: Some(added.added_at.to_rfc3339()),
        grants,
        ..api::Extension::default()
    }
}

/// Returns the shape of an extension that was not added: a host made its handle and its grants itself.
pub fn extension_without_manifest(name: String, grants: Vec<api::Grant>, remedy: String) -> api::Extension {
    let error = api::Reason {
        code: "unknown_extension".to_owned(),
        message: "the extension was not added; a host grants it these connections".to_owned(),
        remedy: Some(remedy),
        provider_text: None,
    };
    api::Extension { name, grants, error: Some(error), ..api::Extension::default() }
}

/// Adds the members of the declaration to an extension.
pub fn extension_with_declaration(extension: api::Extension, declaration: &ExtensionDeclaration) -> api::Extension {
    let requirement = &declaration.requirement;
    api::Extension {
        title: Some(requirement.title.to_string()),
        secret_names: requirement.auth.secret_names.iter().map(ToString::to_string).collect(),
        commands: declaration.commands.iter().map(|command| command.name.to_string()).collect(),
        ..extension
    }
}

/// Adds the state of its requirement to an extension.
pub fn extension_with_resolution(extension: api::Extension, resolved: &ResolvedConnection) -> api::Extension {
    api::Extension {
        status: Some(resolved.status.as_str().into()),
        error: resolved.error.as_ref().map(reason),
        connection: resolved.connection().map(|id| id.to_string()),
        chosen: resolved.is_chosen(),
        granted: resolved.is_granted(),
        missing_scopes: resolved.missing_scopes().to_vec(),
        askable_scopes: resolved.askable_scopes().to_vec(),
        ..extension
    }
}

/// Converts a grant of a connection.
pub fn grant(grant: &Grant, info: &ConnectionInfo) -> api::Grant {
    api::Grant {
        extension: grant.extension.clone(),
        connection: grant.connection.to_string(),
        kind: info.kind.to_string(),
        label: info.label.to_string(),
        secret_names: grant.names.iter().map(ToString::to_string).collect(),
        words: grant.rules.as_ref().map(Rules::words),
        created_at: grant.created_at.to_rfc3339(),
        revoked_at: grant.revoked_at.map(Timestamp::to_rfc3339),
    }
}

/// Converts the preferences of an extension, or of the named command.
pub fn preferences(extension: &str, command: Option<&str>, read: &Preferences) -> api::Preferences {
    let revisions = &read.revisions;
    api::Preferences {
        extension: extension.to_owned(),
        command: command.map(str::to_owned),
        values: read.to_json(),
        set: read.set.clone(),
        missing: read.missing.clone(),
        overridden: read.overridden.iter().map(|(name, _)| name.clone()).collect(),
        revisions: api::Revisions {
            extension_config: revisions.extension_config,
            command_config: revisions.command_config,
            connection_config: revisions.connection_config,
            credential: revisions.credential,
        },
    }
}

/// Converts a preference as the extension declares it.
pub fn declared_preference(declared: &Preference) -> api::DeclaredPreference {
    let (word, choices) = match &declared.input {
        PreferenceInput::Checkbox => ("checkbox".to_owned(), Vec::new()),
        PreferenceInput::Dropdown(choices) => ("dropdown".to_owned(), choices.iter().map(choice).collect()),
        PreferenceInput::Other(word) => (word.to_string(), Vec::new()),
        _ => ("text".to_owned(), Vec::new()),
    };
    api::DeclaredPreference {
        name: declared.name.to_string(),
        title: declared.title.as_ref().map(text),
        description: declared.description.as_ref().map(text),
        r#type: word,
        required: declared.required,
        choices,
    }
}

fn text(text: &DisplayText) -> String {
    text.to_string()
}

/// Converts the content of a view that needs a connection, with the way to the action.
pub fn required(required: &ConnectionRequired, way: Option<String>) -> api::Required {
    api::Required {
        title: required.title.to_string(),
        guide: required.guide.as_ref().map(ToString::to_string),
        action: required.action.as_str().into(),
        kinds: required.kinds.iter().map(ToString::to_string).collect(),
        way,
    }
}

/// Converts the connection that an extension would use.
pub fn resolved(resolved: &ResolvedConnection) -> api::ResolvedConnection {
    api::ResolvedConnection {
        connection_id: resolved.connection_id.clone(),
        extension_name: resolved.extension_name.clone(),
        provider: resolved.provider.to_string(),
        public_config: resolved.to_json()["publicConfig"].take(),
        missing_secret_names: resolved.missing_secret_names.iter().map(ToString::to_string).collect(),
        status: resolved.status.as_str().into(),
        missing_scopes: resolved.missing_scopes().to_vec(),
        error: resolved.error.as_ref().map(reason),
    }
}

/// Creates the shape of a hand-off for an extension or for one of its commands.
pub fn hand_off(
    extension: &str,
    command: Option<&str>,
    required: Option<api::Required>,
    state: &ResolvedConnection,
    ticket: Option<RetryTicket>,
) -> api::HandOff {
    api::HandOff {
        extension: extension.to_owned(),
        command: command.map(str::to_owned),
        required,
        resolved: resolved(state),
        ticket: ticket.map(|ticket| ticket.to_string()),
    }
}
