//! `resolve FILE`: what becomes of what an extension needs, by presence alone. No provider is asked.

use connection_contract::AuthType;
use connection_core::{
    ConnectionRegistry, ConnectionStatus, Error as CoreError, ExtensionError, ExtensionHandle, ResolvedConnection,
};
use connection_manifest::ExtensionFile;

use super::show::fact;
use crate::{
    Error, Exit,
    cli::Program,
    extensions::{explained, named},
    input::{self, stored},
    output::{Output, quoted},
};

pub(super) async fn run(mut program: Program, file: &str, verbose: bool) -> Result<Exit, Error> {
    let manifest = input::manifest(file)?;
    let notes = Notes::of(&program.output, &manifest.file, verbose);
    let registry = program.open().await?;
    let handle = registry.extension(manifest.file.into_declaration())?;
    let resolved = match handle.resolve(handle.requirement()).await {
        Ok(resolved) => resolved,
        Err(error) => return Err(explained(&registry, error).await),
    };
    if program.output.json {
        program.output.shape(&resolved.to_json())?;
    } else {
        let unadded = if is_added(&registry, &handle).await? { None } else { Some(file) };
        print(&program.output, &registry, &handle, &resolved, unadded).await?;
    }
    registry.close().await;
    notes.last(&program.output);
    Ok(Exit::Fine)
}

/// Whether commands that go by its name mean this declaration, and not another or none.
async fn is_added(registry: &ConnectionRegistry, handle: &ExtensionHandle) -> Result<bool, Error> {
    match registry.added_extension(handle.name()).await {
        Ok(added) => {
            let file = stored(&added.name, &added.source);
            Ok(file.is_ok_and(|file| file.declaration() == handle.declaration()))
        }
        Err(CoreError::Extension(ExtensionError::Unknown(_))) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What a file has that is no error, on standard error. For people it goes before the answer or the error that it may
/// explain; with `--json` behind the answer, so that an error has standard error to itself.
pub(super) struct Notes(Vec<String>);

impl Notes {
    /// In one line, unless a person asks for the details.
    pub(super) fn of(output: &Output, file: &ExtensionFile, verbose: bool) -> Self {
        let notes = match file.notes() {
            several @ [_, _, ..] if !verbose => Self(vec![format!(
                "{} parts of this manifest are not read here or are taken otherwise; --verbose lists them",
                several.len()
            )]),
            notes => Self(notes.iter().map(ToString::to_string).collect()),
        };
        if !output.json {
            notes.tell(output);
        }
        notes
    }

    /// When all went well.
    pub(super) fn last(&self, output: &Output) {
        if output.json {
            self.tell(output);
        }
    }

    fn tell(&self, output: &Output) {
        self.0.iter().for_each(|note| output.note(note));
    }
}

/// For people: what it needs, what there is, and what to do; with the file that is to be added before its name is known.
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
    let own = quoted(handle.name());
    let way = match (resolved.status, connection) {
        (ConnectionStatus::Connected, Some(connection)) if !resolved.is_granted() => {
            format!("connections extensions grant {own} {connection}")
        }
        // It goes by the connection's name alone.
        (ConnectionStatus::Connected, Some(connection)) if !resolved.missing_scopes().is_empty() => {
            return fact(output, "mend with", &format!("connections reauthorize {connection}"));
        }
        (ConnectionStatus::Failed, Some(connection)) if resolved.is_granted() => {
            return fact(output, "mend with", &format!("connections reauthorize {connection}"));
        }
        (ConnectionStatus::Missing, _) if !resolved.candidates().is_empty() => {
            format!("connections extensions use {own} CONNECTION")
        }
        // Its settings would lead back here.
        (ConnectionStatus::Missing, _)
            if requirement.auth.auth != AuthType::None && handle.kinds_for_setup().is_empty() =>
        {
            return fact(output, "see", "connections kinds");
        }
        // What lacks its grant, too, gets both there.
        (ConnectionStatus::Failed | ConnectionStatus::Missing, _) => format!("connections open-settings {own}"),
        _ => return Ok(()),
    };
    let Some(file) = unadded else { return fact(output, "mend with", &way) };
    fact(output, "mend with", &format!("connections extensions add {}", quoted(file)))?;
    fact(output, "then", &way)
}

/// `GitHub (github), accessToken`
fn needs(handle: &ExtensionHandle) -> String {
    let requirement = handle.requirement();
    let names: Vec<_> = requirement.auth.secret_names.iter().map(|name| name.as_str()).collect();
    let whom = format!("{} ({})", requirement.title, requirement.provider);
    if names.is_empty() { whom } else { format!("{whom}, {}", names.join(", ")) }
}

/// What is public of the connection, for people.
fn public(resolved: &ResolvedConnection) -> Vec<(String, String)> {
    match &resolved.public_config {
        connection_contract::Value::Map(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        }
        _ => Vec::new(),
    }
}

/// Text as it is, and all else as JSON; without what nobody sees.
pub(super) fn text(value: &connection_contract::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    connection_contract::DisplayText::from(text).to_string()
}
