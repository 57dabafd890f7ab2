//! `preferences get|set EXTENSION`: the preferences of an extension or of one of its commands. No preference is a
//! secret.

use connection_api::ShownPreferences;
use connection_contract::Value;
use serde_json::{Map, Value as Json};

use crate::{
    Error, Exit,
    args::PreferencesCommand,
    output::{Output, Table},
    program::Program,
};

pub(super) async fn run(mut program: Program, command: PreferencesCommand) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let output = &program.output;
    match &command {
        PreferencesCommand::Get { extension, command, key } => {
            let read = backend.preferences(extension, command.as_deref()).await?;
            backend.close().await;
            get(output, read, key.as_deref())?;
        }
        PreferencesCommand::Set { extension, command, key, value, unset: _ } => {
            let command = command.as_deref();
            let value = match value {
                Some(typed) => Some(parsed(&backend.preferences(extension, command).await?, key, typed)),
                None => None,
            };
            let read = backend.set_preference(extension, command, key, value).await?;
            backend.close().await;
            set(output, &read, key)?;
        }
    }
    Ok(Exit::Fine)
}

fn get(output: &Output, mut read: ShownPreferences, key: Option<&str>) -> Result<(), Error> {
    let Some(key) = key else { return print_values(output, &read) };
    let Some(value) = value(&read, key).cloned() else { return Err(unknown(&read)) };
    if !output.json {
        // Programs read this value too, so print it in full.
        output.value(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))?;
        note(output, &read, key);
        return Ok(());
    }
    let of = &mut read.preferences;
    of.values = Json::Object([(key.to_owned(), value)].into_iter().collect());
    of.set.retain(|name| name == key);
    of.missing.retain(|name| name == key);
    of.overridden.retain(|name| name == key);
    print_values(output, &read)
}

fn set(output: &Output, read: &ShownPreferences, key: &str) -> Result<(), Error> {
    if output.json {
        return print_values(output, read);
    }
    let of = &read.preferences;
    let value = value(read, key).map(plain).unwrap_or_default();
    let whose = match &of.command {
        Some(command) => format!("{command} of {}", of.extension),
        None => of.extension.clone(),
    };
    output.line(format!("{key} of {whose} is {value}"))?;
    note(output, read, key);
    Ok(())
}

fn value<'r>(read: &'r ShownPreferences, key: &str) -> Option<&'r Json> {
    read.preferences.values.get(key)
}

/// Returns a value for people.
fn plain(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    connection_contract::DisplayText::from(text).to_string()
}

/// Prints a note if a preference has no effect because the connection has its own value for it.
fn note(output: &Output, read: &ShownPreferences, key: &str) {
    if let Some(own) = read.connection_values.get(key) {
        output.note(format!("{key} has no effect: the connection's own value, {}, is used", plain(own)));
    }
}

fn print_values(output: &Output, read: &ShownPreferences) -> Result<(), Error> {
    let of = &read.preferences;
    if output.json {
        return output.shape(of);
    }
    let values = of.values.as_object().filter(|values| !values.is_empty());
    let Some(values) = values else { return output.line("There is nothing to set.") };
    let mut table = Table::new(["NAME", "VALUE", "NOTE"], 1);
    for (name, value) in in_order(read, values) {
        let own = read.connection_values.get(name);
        let note = match (own, of.missing.contains(name), of.set.contains(name)) {
            (Some(own), ..) => format!("no effect: the connection's own value is {}", plain(own)),
            (None, true, _) => "required".to_owned(),
            (None, false, true) => String::new(),
            (None, false, false) => "by default".to_owned(),
        };
        table.row([name.as_str().into(), plain(value).into(), note.into()]);
    }
    output.table(&table)
}

/// Returns the values in the order of the declaration, and then those that are declared elsewhere.
fn in_order<'r>(read: &ShownPreferences, values: &'r Map<String, Json>) -> Vec<(&'r String, &'r Json)> {
    let position = |name: &String| read.declared.iter().position(|known| known.name == *name);
    let mut values: Vec<_> = values.iter().collect();
    values.sort_by_key(|(name, _)| position(name).unwrap_or(usize::MAX));
    values
}

/// Converts the typed value: text for a preference that takes text, and JSON otherwise. The core checks its type.
fn parsed(read: &ShownPreferences, key: &str, typed: &str) -> Value {
    let text = || Value::from(typed);
    let json = || Value::parse(typed.as_bytes()).unwrap_or_else(|_| text());
    match read.declared.iter().find(|preference| preference.name == key).map(|known| known.r#type.as_str()) {
        // Text that looks like a number, or like `true`, stays text.
        Some("text" | "dropdown") if !typed.trim_start().starts_with(['"', '[', '{']) => text(),
        _ => json(),
    }
}

fn unknown(read: &ShownPreferences) -> Error {
    let mut known: Vec<_> = read.declared.iter().map(|known| known.name.as_str()).collect();
    let others = read.preferences.values.as_object().into_iter().flat_map(Map::keys).map(String::as_str);
    let others: Vec<_> = others.filter(|name| !known.contains(name)).collect();
    known.splice(0..0, others);
    let message = format!("'{}' declares no such preference", read.preferences.extension);
    let error = Error::new(Exit::Usage, "undeclared", message);
    if known.is_empty() { error } else { error.remedy(format!("its preferences are {}", known.join(", "))) }
}
