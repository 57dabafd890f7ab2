//! `preferences get|set EXTENSION`: the preferences of an extension or of one of its commands. No preference is a
//! secret.

use connection_contract::{ExtensionDeclaration, Preference, PreferenceInput, Value};
use connection_core::{Error as CoreError, ExtensionHandle, Preferences};

use super::resolve::text;
use crate::{
    Error, Exit,
    args::PreferencesCommand,
    cli::Program,
    extensions::{explained, handle},
    output::{Output, Table, json},
};

pub(super) async fn run(mut program: Program, command: PreferencesCommand) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let output = &program.output;
    let result = match &command {
        PreferencesCommand::Get { extension, command, key } => {
            let handle = handle(&registry, extension).await?;
            get(output, &handle, command.as_deref(), key.as_deref()).await
        }
        PreferencesCommand::Set { extension, command, key, value, unset: _ } => {
            let handle = handle(&registry, extension).await?;
            set(output, &handle, command.as_deref(), key, value.as_deref()).await
        }
    };
    let ended = match result {
        Ok(()) => Ok(Exit::Fine),
        Err(Refused::Core(error)) => Err(explained(&registry, error).await),
        Err(Refused::Own(error)) => Err(error),
    };
    registry.close().await;
    ended
}

/// A refusal by the core, which does not know our commands, or by this command.
enum Refused {
    Core(CoreError),
    Own(Error),
}

impl From<CoreError> for Refused {
    fn from(error: CoreError) -> Self {
        Self::Core(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}

async fn get(
    output: &Output,
    handle: &ExtensionHandle,
    command: Option<&str>,
    key: Option<&str>,
) -> Result<(), Refused> {
    let mut read = handle.preferences(command).await?;
    if let Some(key) = key {
        let Some(value) = read.value(key) else { return Err(unknown(handle, command).into()) };
        if !output.json {
            // Programs read this value too, so print it in full.
            output.line(value.as_str().map_or_else(|| value.to_string(), str::to_owned))?;
            note(output, &read, key);
            return Ok(());
        }
        read.values.retain(|(name, _)| name == key);
        read.set.retain(|name| name == key);
        read.missing.retain(|name| name == key);
        read.overridden.retain(|(name, _)| name == key);
    }
    Ok(print_values(output, handle, command, &read)?)
}

async fn set(
    output: &Output,
    handle: &ExtensionHandle,
    command: Option<&str>,
    key: &str,
    value: Option<&str>,
) -> Result<(), Refused> {
    let change = handle.set_preferences(command);
    let change = match value {
        Some(typed) => change.set(key, parsed(handle.declaration(), command, key, typed)),
        None => change.unset(key),
    };
    change.await?;
    let read = handle.preferences(command).await?;
    if output.json {
        return Ok(print_values(output, handle, command, &read)?);
    }
    let value = read.value(key).map(text).unwrap_or_default();
    let whose = match command {
        Some(command) => format!("{} of {}", command, handle.name()),
        None => handle.name().to_owned(),
    };
    output.line(format!("{key} of {whose} is {value}"))?;
    note(output, &read, key);
    Ok(())
}

/// Prints a note if a preference has no effect because the connection has its own value for it.
fn note(output: &Output, read: &Preferences, key: &str) {
    if let Some((_, used)) = read.overridden.iter().find(|(name, _)| name == key) {
        output.note(format!("{key} has no effect: the connection's own value, {}, is used", text(used)));
    }
}

fn print_values(
    output: &Output,
    handle: &ExtensionHandle,
    command: Option<&str>,
    read: &Preferences,
) -> Result<(), Error> {
    if output.json {
        return output.shape(&json::PreferencesBody::of(handle.name(), command, read));
    }
    if read.values.is_empty() {
        return output.line("There is nothing to set.");
    }
    let mut table = Table::new(["NAME", "VALUE", "NOTE"], 1);
    for (name, value) in &read.values {
        let used = read.overridden.iter().find(|(known, _)| known == name);
        let note = match (read.missing.contains(name), read.set.contains(name)) {
            _ if used.is_some() => {
                used.map(|(_, used)| format!("no effect: the connection's own value is {}", text(used)))
            }
            (true, _) => Some("required".to_owned()),
            (false, true) => None,
            (false, false) => Some("by default".to_owned()),
        };
        table.row([name.as_str().into(), text(value).into(), note.unwrap_or_default().into()]);
    }
    output.table(&table)
}

/// Converts the typed value: text for a preference that takes text, and JSON otherwise. The core checks its type.
fn parsed(declaration: &ExtensionDeclaration, command: Option<&str>, key: &str, typed: &str) -> Value {
    let text = || Value::from(typed);
    let json = || Value::parse(typed.as_bytes()).unwrap_or_else(|_| text());
    match declared(declaration, command).iter().find(|preference| preference.name == *key).map(|known| &known.input) {
        // Text that looks like a number, or like `true`, stays text.
        Some(PreferenceInput::Text | PreferenceInput::Dropdown(_))
            if !typed.trim_start().starts_with(['"', '[', '{']) =>
        {
            text()
        }
        _ => json(),
    }
}

fn declared<'d>(declaration: &'d ExtensionDeclaration, command: Option<&str>) -> &'d [Preference] {
    match command {
        Some(command) => {
            declaration.find_command(command).map(|command| command.preferences.as_slice()).unwrap_or_default()
        }
        None => &declaration.preferences,
    }
}

fn unknown(handle: &ExtensionHandle, command: Option<&str>) -> Error {
    let mut known: Vec<_> = declared(handle.declaration(), None).iter().map(|known| &*known.name).collect();
    if command.is_some() {
        known.extend(declared(handle.declaration(), command).iter().map(|known| &*known.name));
    }
    let error = Error::new(Exit::Usage, "undeclared", format!("'{}' declares no such preference", handle.name()));
    if known.is_empty() { error } else { error.remedy(format!("its preferences are {}", known.join(", "))) }
}
