//! The rules that an argument names: a file, or a preset.

use std::path::Path;

use connection_api::{Connection, GrantRules};
use connection_contract::{Kind, RulePreset};
use connection_rules::{InvalidPreset, Preset, Rules};
use serde_json::Value;

use crate::{
    Error, Exit,
    input::{Standard, file_or_stdin},
    kind_entry::KindEntry,
    program::Program,
};

/// Rules, and the kind whose preset they are.
pub(super) struct Given<'p> {
    pub(super) rules: Rules,
    pub(super) kind: Option<&'p KindEntry>,
}

impl<'p> Given<'p> {
    /// Reads the rules that `FILE|PRESET` names. A preset is `ask`, `everything`, or the name of a kind, `/` and the
    /// name of the preset; a file of such a name is given as `./NAME`.
    pub(super) fn read(program: &'p Program, text: &str, standard: &mut Standard) -> Result<Self, Error> {
        if let Some(preset) = Preset::common(text) {
            return Ok(Self { rules: preset.into_rules(), kind: None });
        }
        let named =
            text.split_once('/').filter(|(kind, name)| Kind::parse(kind).is_some() && RulePreset::is_name(name));
        let Some((kind, name)) = named else {
            return Ok(Self { rules: file(text, standard)?, kind: None });
        };
        let kind = program.kind(kind)?;
        let mut presets = presets_of(kind)?;
        let Some(found) = presets.iter().position(|preset| preset.name() == name) else {
            let names: Vec<&str> = presets.iter().map(Preset::name).collect();
            let message = format!("the kind '{}' has no preset '{name}'", kind.descriptor.kind);
            let remedy = format!("its presets are {}; a file is given as ./{text}", names.join(", "));
            return Err(Error::new(Exit::NotFound, "unknown_preset", message).remedy(remedy));
        };
        Ok(Self { rules: presets.swap_remove(found).into_rules(), kind: Some(kind) })
    }
}

/// Returns the presets of a kind.
pub(super) fn presets_of(kind: &KindEntry) -> Result<Vec<Preset>, Error> {
    Preset::of_kind(&kind.descriptor).map_err(|invalid: InvalidPreset| {
        let message = format!("the kind '{}' has a preset that cannot be read: {invalid}", kind.descriptor.kind);
        Error::new(Exit::Usage, "invalid_rules", message).remedy("report this to the author of the kind")
    })
}

/// Returns the rules that an argument names: those of a file, or a preset of the connection's kind.
pub(in crate::commands) fn given_rules(text: &str, connection: &Connection) -> Result<GrantRules, Error> {
    if !text.contains('/') && !text.ends_with(".toml") && !text.ends_with(".json") {
        return Ok(GrantRules::Preset(text.to_owned()));
    }
    let read = file(text, &mut Standard::default()).map_err(|error| match text.split_once('/') {
        Some((kind, _)) if kind == connection.kind && !Path::new(text).exists() => {
            error.remedy("name a preset of the connection's kind without the kind, as in `--rules read`")
        }
        _ => error,
    })?;
    match read.to_value() {
        Value::Object(rules) => Ok(GrantRules::Rules(rules)),
        _ => Err(Error::usage("the rules are not a table")),
    }
}

/// Reads the rules of a file: JSON if its name ends in `.json`, and TOML otherwise.
pub(super) fn file(name: &str, standard: &mut Standard) -> Result<Rules, Error> {
    let bytes = file_or_stdin(name, standard, "the rules")?;
    let shown = if name == "-" { "standard input" } else { name };
    let invalid = |problem: String| {
        Error::new(Exit::Usage, "invalid_rules", format!("{shown}: {problem}"))
            .remedy("correct the file; `connections rules check FILE` reads it again")
    };
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| invalid("the text is not UTF-8".to_owned()))?;
    let value: Value = match name.ends_with(".json") {
        true => serde_json::from_str(text).map_err(|error| invalid(format!("this is not JSON: {error}")))?,
        false => {
            let table: toml::Table = toml::from_str(text).map_err(|error| {
                let start = error.span().map_or(0, |span| span.start);
                let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
                // The first line of the message has no part of the text.
                invalid(format!("line {line}: {}", error.message().lines().next().unwrap_or_default()))
            })?;
            serde_json::to_value(table).map_err(|error| invalid(error.to_string()))?
        }
    };
    Rules::from_value(&value).map_err(|error| invalid(error.to_string()))
}
