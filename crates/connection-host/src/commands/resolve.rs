//! `resolve FILE`: resolves an extension's requirement by presence alone. No provider is asked.

use connection_contract::{AuthType, reason};
use connection_core::{
    ConnectionRegistry, ConnectionStatus, Error as CoreError, ExtensionError, ExtensionHandle, ResolvedConnection,
};
use connection_manifest::ExtensionFile;
use connection_server::convert;

use super::{declared, show::fact};
use crate::{
    Error, Exit,
    extensions::{explained, named},
    input::{self, stored},
    output::{Output, quoted, reauthorize_command},
    program::Program,
};

pub(super) async fn run(mut program: Program, file: &str, verbose: bool) -> Result<Exit, Error> {
    let manifest = input::manifest(file)?;
    let notes = Notes::of(&program.output, &manifest.file, verbose);
    let registry = program.open().await?;
    let declaration = manifest.file.into_declaration();
    if let Err(refused) = declared::check(&mut program, &registry, &declaration)
        && !program.output.json
    {
        let remedy = refused.remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
        program.output.note(format!("{}{remedy}.", refused.message));
    }
    let handle = registry.extensions().handle(declaration)?;
    let resolved = match handle.resolve(handle.requirement()).await {
        Ok(resolved) => resolved,
        Err(error) => return Err(explained(&registry, error).await),
    };
    if program.output.json {
        program.output.shape(&convert::resolved(&resolved))?;
    } else {
        let unadded = if is_added(&registry, &handle).await? { None } else { Some(file) };
        print(&program.output, &registry, &handle, &resolved, unadded).await?;
    }
    registry.close().await;
    notes.last(&program.output);
    Ok(Exit::Fine)
}

/// Returns `true` if commands that use the extension's name refer to this declaration.
async fn is_added(registry: &ConnectionRegistry, handle: &ExtensionHandle) -> Result<bool, Error> {
    match registry.extensions().get(handle.name()).await {
        Ok(added) => {
            let file = stored(&added.name, &added.source);
            Ok(file.is_ok_and(|file| file.declaration() == handle.declaration()))
        }
        Err(CoreError::Extension(ExtensionError::Unknown(_))) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The notes on a manifest, printed to standard error.
///
/// For people they precede the result or the error that they may explain. With `--json` they follow the result, so that
/// standard error holds nothing but an error.
pub(super) struct Notes(Vec<String>);

impl Notes {
    /// Collects the notes, in a single line unless details are requested, and prints them for people.
    pub(super) fn of(output: &Output, file: &ExtensionFile, verbose: bool) -> Self {
        let notes = match file.notes() {
            several @ [_, _, ..] if !verbose => Self(vec![format!(
                "{} parts of this manifest are ignored or read differently; --verbose lists them",
                several.len()
            )]),
            notes => Self(notes.iter().map(ToString::to_string).collect()),
        };
        if !output.json {
            notes.tell(output);
        }
        notes
    }

    /// Prints the notes after success with `--json`.
    pub(super) fn last(&self, output: &Output) {
        if output.json {
            self.tell(output);
        }
    }

    fn tell(&self, output: &Output) {
        self.0.iter().for_each(|note| output.note(note));
    }
}

/// Prints the requirement, the state and what to do. `unadded` is the file to add before the extension's name is known.
pub(super) async fn print(
    output: &Output,
    registry: &ConnectionRegistry,
    handle: &ExtensionHandle,
    resolved: &ResolvedConnection,
    unadded: Option<&str>,
) -> Result<(), Error> {
    let requirement = handle.requirement();
    fact(output, "extension", handle.name())?;
    fact(output, "needs", &needs(handle))?;
    fact(output, "status", resolved.status.as_str())?;
    if let Some(error) = &resolved.error {
        fact(output, "because", error.message.as_str())?;
    }
    if !resolved.missing_secret_names.is_empty() {
        let lacks: Vec<_> = resolved.missing_secret_names.iter().map(|name| name.as_str()).collect();
        fact(output, "lacks", &lacks.join(", "))?;
    }
    let connection = match resolved.connection() {
        Some(id) => Some(named(registry, id).await),
        None => None,
    };
    if let Some(connection) = &connection {
        fact(output, "connection", connection)?;
        fact(output, "granted", if resolved.is_granted() { "yes" } else { "no" })?;
    }
    if !resolved.missing_scopes().is_empty() {
        fact(output, "lacks scopes", &resolved.missing_scopes().join(", "))?;
    }
    for (name, value) in public(resolved) {
        fact(output, &name, &value)?;
    }
    if resolved.status == ConnectionStatus::Missing
        && let Some(guide) = &requirement.connect_guide
    {
        fact(output, "guide", guide.as_str())?;
    }
    // The remedy says what is mended in place of the connection.
    if let Some(why) = resolved.error.as_ref().filter(|why| reason::is_mended_elsewhere(&why.code)) {
        let remedy = why.remedy.as_ref().map_or_else(String::new, ToString::to_string);
        return fact(output, "what to do", &remedy);
    }
    let own = quoted(handle.name());
    let way = match (resolved.status, connection) {
        (ConnectionStatus::Connected, Some(connection)) if !resolved.is_granted() => {
            format!("connections extensions grant {own} {connection}")
        }
        // This command needs only the connection's name.
        (ConnectionStatus::Connected, Some(connection)) if !resolved.missing_scopes().is_empty() => {
            return fact(output, "fix with", &reauthorize_command(&connection, resolved.askable_scopes()));
        }
        (ConnectionStatus::Failed, Some(connection)) if resolved.is_granted() => {
            return fact(output, "fix with", &format!("connections reauthorize {connection}"));
        }
        (ConnectionStatus::Missing, _) if !resolved.candidates().is_empty() => {
            format!("connections extensions use {own} CONNECTION")
        }
        // The settings of this extension would lead back here.
        (ConnectionStatus::Missing, _)
            if requirement.auth.auth != AuthType::None && handle.kinds_for_setup().is_empty() =>
        {
            return fact(output, "see", "connections kinds");
        }
        // `open-settings` also provides a missing grant.
        (ConnectionStatus::Failed | ConnectionStatus::Missing, _) => format!("connections open-settings {own}"),
        _ => return Ok(()),
    };
    let Some(file) = unadded else { return fact(output, "fix with", &way) };
    fact(output, "fix with", &format!("connections extensions add {}", quoted(file)))?;
    fact(output, "then", &way)
}

/// Returns the requirement, such as `GitHub (github), accessToken`.
fn needs(handle: &ExtensionHandle) -> String {
    let requirement = handle.requirement();
    let names: Vec<_> = requirement.auth.secret_names.iter().map(|name| name.as_str()).collect();
    let whom = format!("{} ({})", requirement.title, requirement.provider);
    if names.is_empty() { whom } else { format!("{whom}, {}", names.join(", ")) }
}

/// Returns the public configuration of the connection, for people.
fn public(resolved: &ResolvedConnection) -> Vec<(String, String)> {
    match &resolved.public_config {
        connection_contract::Value::Map(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns text unchanged and other values as JSON, both without invisible characters.
pub(super) fn text(value: &connection_contract::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    connection_contract::DisplayText::from(text).to_string()
}
