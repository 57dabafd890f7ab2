//! The added extensions: their handles, their grants, and remedies for their errors.

use std::collections::HashMap;

use connection_api as api;
use connection_contract::{AuthType, DisplayText};
use connection_core::{
    ConnectionId, ConnectionRegistry, ConnectionStatus, Error as CoreError, ExtensionError, ExtensionHandle,
    ExtensionInfo,
};

use crate::{
    Error,
    input::stored,
    output::{quoted, short_id},
};

/// The remedy for an extension that was not added.
pub(crate) const UNKNOWN_EXTENSION: &str =
    "see `connections extensions`, or add it with `connections extensions add FILE`";

/// Returns the handle of the extension with this name.
pub(crate) async fn handle(registry: &ConnectionRegistry, name: &str) -> Result<ExtensionHandle, Error> {
    let added = match registry.extensions().get(name).await {
        Ok(added) => added,
        Err(error) => return Err(explained(registry, error).await),
    };
    handle_of(registry, &added)
}

/// Returns the handle of an added extension.
pub(crate) fn handle_of(registry: &ConnectionRegistry, added: &ExtensionInfo) -> Result<ExtensionHandle, Error> {
    let file = stored(&added.name, &added.source)?;
    Ok(registry.extensions().handle(file.into_declaration())?)
}

/// The scopes that a connection lacks for the extensions that may use it.
#[derive(Default)]
pub(crate) struct ScopeNote {
    pub(crate) text: String,
    /// The scopes that a re-authorization may ask for in addition.
    pub(crate) askable: Vec<String>,
}

/// Returns notes on connections that lack scopes for an extension that may use them, by the id of the connection: scopes
/// that the extension declares, or for lack of which the provider refused a request of it.
pub(crate) fn scope_notes(extensions: &[api::Extension]) -> HashMap<String, ScopeNote> {
    let mut notes = HashMap::<String, ScopeNote>::new();
    for extension in extensions.iter().filter(|extension| extension.granted && !extension.missing_scopes.is_empty()) {
        let Some(id) = &extension.connection else { continue };
        let ScopeNote { text, askable } = notes.entry(id.clone()).or_default();
        let apart = if text.is_empty() { "" } else { "; " };
        let scopes = extension.missing_scopes.join(", ");
        text.push_str(&format!("{apart}lacks the scopes {scopes} that {} needs", extension.name));
        for scope in &extension.askable_scopes {
            if !askable.contains(scope) {
                askable.push(scope.clone());
            }
        }
    }
    notes
}

/// Returns the argument that names the connection in a command: its kind and label, or the end of its id if it was
/// removed.
pub(crate) async fn named(registry: &ConnectionRegistry, id: ConnectionId) -> String {
    match registry.connection(id).await {
        Ok(connection) => quoted(&format!("{}:{}", connection.info().kind, connection.info().label)),
        Err(_) => short_id(&id.to_string()).to_owned(),
    }
}

/// Returns `true` for an added extension whose requirement no registered kind can satisfy. Opening its settings would
/// be useless.
async fn is_unconnectable(registry: &ConnectionRegistry, name: &str) -> bool {
    let added = registry.extensions().get(name).await.ok();
    let handle = added.and_then(|added| handle_of(registry, &added).ok());
    handle.is_some_and(|handle| handle.requirement().auth.auth != AuthType::None && handle.kinds_for_setup().is_empty())
}

/// Converts an error, with the command that solves the problem as its remedy.
pub(crate) async fn explained(registry: &ConnectionRegistry, error: CoreError) -> Error {
    let CoreError::Extension(of_extension) = &error else { return error.into() };
    let remedy = match of_extension {
        ExtensionError::NotGranted { extension, connection, .. } => {
            let connection = named(registry, *connection).await;
            Some(format!("grant it with `connections extensions grant {} {connection}`", quoted(extension.as_str())))
        }
        ExtensionError::PreferenceRequired { extension, command, name } => {
            let own = quoted(extension.as_str());
            let added = registry.extensions().get(extension.as_str()).await.ok();
            let known = added.and_then(|added| handle_of(registry, &added).ok());
            let declared = |command: &str| {
                let found = known.as_ref().and_then(|handle| handle.declaration().find_command(command));
                found.is_some_and(|command| command.preferences.iter().any(|known| known.name == name.as_str()))
            };
            let of = command.as_ref().map(DisplayText::as_str).filter(|command| declared(command));
            let of = of.map(|command| format!(" --command {}", quoted(command))).unwrap_or_default();
            Some(format!("set it with `connections preferences set {own}{of} {} VALUE`", quoted(name.as_str())))
        }
        ExtensionError::NotReady { extension, status: ConnectionStatus::Missing, .. }
            if is_unconnectable(registry, extension.as_str()).await =>
        {
            Some(
                "`connections kinds` lists what can be connected here; correct the manifest and add it again"
                    .to_owned(),
            )
        }
        ExtensionError::NotReady { extension, status, .. } if *status != ConnectionStatus::Unsupported => {
            Some(format!("connect it with `connections open-settings {}`", quoted(extension.as_str())))
        }
        ExtensionError::OtherProvider { provider, .. } => {
            Some(format!("grant one of `connections list`, or connect one with `connections add {provider}`"))
        }
        ExtensionError::Unknown(_) => Some(UNKNOWN_EXTENSION.to_owned()),
        _ => None,
    };
    let error = Error::from(error);
    match remedy {
        Some(remedy) => error.remedy(remedy),
        None => error,
    }
}
