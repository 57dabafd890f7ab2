//! Extensions: what each needs, which connections it may use, and its preferences.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use connection_api::{self as api, Extension, Reason, ShownPreferences};
use connection_contract::ExtensionDeclaration;
use connection_core::{
    ConnectionRegistry, Cursor, Error, ExtensionError, ExtensionHandle, ExtensionInfo, Grant, Preferences,
};
use connection_manifest::ExtensionFile;

use crate::convert;

/// Reads a manifest that was stored when its extension was added.
pub(crate) fn stored(added: &ExtensionInfo) -> Result<ExtensionFile, Reason> {
    // A later version may have stricter rules, and another program may have written the row.
    ExtensionFile::parse(added.source.as_bytes()).map_err(|error| Reason {
        code: "invalid_manifest".to_owned(),
        message: error.to_string(),
        remedy: Some(format!("add '{}' again, with a manifest that keeps this rule", added.name)),
        provider_text: None,
    })
}

/// Returns the shapes of grants, by extension. A grant whose connection was removed in the meantime is left out.
async fn grants(registry: &ConnectionRegistry, grants: &[Grant]) -> Result<BTreeMap<String, Vec<api::Grant>>, Error> {
    let mut infos = HashMap::new();
    let mut bodies: BTreeMap<String, Vec<api::Grant>> = BTreeMap::new();
    for grant in grants {
        let info = match infos.entry(grant.connection) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => match registry.connection(grant.connection).await {
                Ok(connection) => unknown.insert(connection.info().clone()),
                Err(Error::NotFound(_)) => continue,
                Err(error) => return Err(error),
            },
        };
        bodies.entry(grant.extension.clone()).or_default().push(convert::grant(grant, info));
    }
    Ok(bodies)
}

/// Returns the shapes of extensions. The number of queries for their state does not depend on how many there are.
async fn bodies(
    registry: &ConnectionRegistry,
    added: &[ExtensionInfo],
    mut granted: BTreeMap<String, Vec<api::Grant>>,
) -> Result<Vec<Extension>, Error> {
    let files: Vec<_> = added.iter().map(stored).collect();
    let declarations: Vec<ExtensionDeclaration> =
        files.iter().filter_map(|file| file.as_ref().ok().map(|file| file.declaration().clone())).collect();
    let mut resolved = registry.extensions().resolve_all(&declarations).await?.into_iter();
    let bodies = added.iter().zip(files).map(|(added, file)| {
        let body = convert::extension(added, granted.remove(&added.name).unwrap_or_default());
        match file {
            // A manifest that cannot be read affects its own extension only.
            Err(error) => Extension { error: Some(error), ..body },
            Ok(file) => {
                let body = convert::extension_with_declaration(body, file.declaration());
                // There is one result for each declaration.
                match resolved.next() {
                    Some(Ok(resolved)) => convert::extension_with_resolution(body, &resolved),
                    Some(Err(error)) => Extension { error: Some(convert::error(&error)), ..body },
                    None => body,
                }
            }
        }
    });
    let mut bodies: Vec<_> = bodies.collect();
    // The requirements of these extensions are unknown, but a person must be able to see their grants.
    bodies.extend(granted.into_iter().map(|(name, grants)| {
        let remedy = "add its manifest, or revoke its grants".to_owned();
        convert::extension_without_manifest(name, grants, remedy)
    }));
    Ok(bodies)
}

/// Returns an extension that was added, with the state of what it needs.
///
/// # Errors
///
/// [`Error::Extension`] if there is none, and those of the store.
pub async fn extension(registry: &ConnectionRegistry, name: &str) -> Result<Extension, Error> {
    let added = registry.extensions().get(name).await?;
    let open = registry.extensions().grants_to(name).await?;
    let granted = grants(registry, &open).await?;
    let found = bodies(registry, &[added], granted).await?.into_iter().next();
    found.ok_or_else(|| ExtensionError::Unknown(name.to_owned().into()).into())
}

/// Returns a page of the extensions that were added, with the state of what they need, and of those to which a host
/// granted a connection without adding them, by name. Without a limit, it has all.
///
/// # Errors
///
/// [`Error::InvalidCursor`], and those of the store.
pub async fn extensions(
    registry: &ConnectionRegistry,
    after: Option<Cursor>,
    limit: Option<u32>,
) -> Result<api::Page<Extension>, Error> {
    let page = registry.extensions().page(after, limit).await?;
    let (mut added, mut open) = (Vec::new(), Vec::new());
    for listed in page.items {
        added.extend(listed.added);
        open.extend(listed.grants);
    }
    let mut items = bodies(registry, &added, grants(registry, &open).await?).await?;
    items.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(api::Page { items, next: page.next.map(|next| next.to_string()) })
}

/// Returns the preferences of an extension, or of one of its commands, with their declarations.
pub fn preferences(handle: &ExtensionHandle, command: Option<&str>, read: &Preferences) -> ShownPreferences {
    let declaration = handle.declaration();
    let of_command = command.and_then(|command| declaration.find_command(command));
    let declared = of_command.map_or(&declaration.preferences, |command| &command.preferences);
    let own = read.overridden.iter().map(|(name, value)| {
        // A value of the contract is a value of JSON.
        (name.clone(), serde_json::from_str(&value.to_string()).unwrap_or_default())
    });
    ShownPreferences {
        connection_values: serde_json::Value::Object(own.collect()),
        preferences: convert::preferences(handle.name(), command, read),
        declared: declared.iter().map(convert::declared_preference).collect(),
    }
}
