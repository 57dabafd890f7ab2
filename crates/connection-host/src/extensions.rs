//! The extensions that were added: by their names, with what each may use, and how to mend what it was refused.

use std::collections::HashMap;

use connection_contract::{AuthType, DisplayText, ExtensionDeclaration};
use connection_core::{
    ConnectionId, ConnectionRegistry, ConnectionStatus, Error as CoreError, ExtensionError, ExtensionHandle,
    ExtensionInfo, Grant,
};
use connection_manifest::ExtensionFile;

use crate::{
    Error,
    input::stored,
    output::{json, name, quoted, short_id},
};

/// The handle of the extension of that name.
pub(crate) async fn handle(registry: &ConnectionRegistry, name: &str) -> Result<ExtensionHandle, Error> {
    let added = match registry.added_extension(name).await {
        Ok(added) => added,
        Err(error) => return Err(explained(registry, error).await),
    };
    handle_of(registry, &added)
}

/// The handle of what was added.
pub(crate) fn handle_of(registry: &ConnectionRegistry, added: &ExtensionInfo) -> Result<ExtensionHandle, Error> {
    let file = stored(&added.name, &added.source)?;
    Ok(registry.extension(file.into_declaration())?)
}

/// The grants that hold, of all extensions or of one.
pub(crate) async fn open_grants(registry: &ConnectionRegistry, extension: Option<&str>) -> Result<Vec<Grant>, Error> {
    let mut grants = registry.grants().await?;
    grants.retain(|grant| grant.revoked_at.is_none() && extension.is_none_or(|extension| grant.extension == extension));
    Ok(grants)
}

/// Notes on connections that lack scopes which extensions declare that may use them.
pub(crate) async fn scope_notes(registry: &ConnectionRegistry) -> Result<HashMap<ConnectionId, String>, Error> {
    let added = registry.extensions().await?;
    let files = added.iter().filter_map(|added| stored(&added.name, &added.source).ok());
    let has_scopes = |declaration: &ExtensionDeclaration| {
        declaration.requirement.auth.oauth.as_ref().is_some_and(|oauth| !oauth.scopes.is_empty())
    };
    let declarations: Vec<_> = files.map(ExtensionFile::into_declaration).filter(has_scopes).collect();
    let mut notes = HashMap::<ConnectionId, String>::new();
    if declarations.is_empty() {
        return Ok(notes);
    }
    for resolved in registry.resolve_all(&declarations).await?.into_iter().flatten() {
        if let (Some(id), true) = (resolved.connection(), resolved.is_granted())
            && !resolved.missing_scopes().is_empty()
        {
            let note = notes.entry(id).or_default();
            let apart = if note.is_empty() { "" } else { "; " };
            let scopes = resolved.missing_scopes().join(", ");
            note.push_str(&format!("{apart}lacks the scopes {scopes} that {} declares", resolved.extension_name));
        }
    }
    Ok(notes)
}

/// Grants with what they are of. One whose connection was removed in between is left out, as it is gone.
pub(crate) async fn bodies(registry: &ConnectionRegistry, grants: &[Grant]) -> Result<Vec<json::GrantBody>, Error> {
    let mut bodies = Vec::new();
    for grant in grants {
        match registry.connection(grant.connection).await {
            Ok(connection) => bodies.push(json::GrantBody::of(grant, connection.info())),
            Err(CoreError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bodies)
}

/// What names the connection in a command: its kind and label, or the end of its id when it is gone.
pub(crate) async fn named(registry: &ConnectionRegistry, id: ConnectionId) -> String {
    match registry.connection(id).await {
        Ok(connection) => quoted(&name(connection.info())),
        Err(_) => short_id(&id.to_string()).to_owned(),
    }
}

/// Returns `true` for an added extension of which no kind here connects what it declares: its settings lead nowhere.
async fn is_unconnectable(registry: &ConnectionRegistry, name: &str) -> bool {
    let added = registry.added_extension(name).await.ok();
    let handle = added.and_then(|added| handle_of(registry, &added).ok());
    handle.is_some_and(|handle| handle.requirement().auth.auth != AuthType::None && handle.kinds_for_setup().is_empty())
}

/// With the command that mends it.
pub(crate) async fn explained(registry: &ConnectionRegistry, error: CoreError) -> Error {
    let CoreError::Extension(of_extension) = &error else { return error.into() };
    let remedy = match of_extension {
        ExtensionError::NotGranted { extension, connection, .. } => {
            let connection = named(registry, *connection).await;
            Some(format!("`connections extensions grant {} {connection}` lets it", quoted(extension.as_str())))
        }
        ExtensionError::PreferenceRequired { extension, command, name } => {
            let own = quoted(extension.as_str());
            let added = registry.added_extension(extension.as_str()).await.ok();
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
        ExtensionError::Unknown(_) => {
            Some("see `connections extensions`, or add it with `connections extensions add FILE`".to_owned())
        }
        _ => None,
    };
    let error = Error::from(error);
    match remedy {
        Some(remedy) => error.remedy(remedy),
        None => error,
    }
}
