//! The rules for an extension: its names, platforms, commands and preferences.

use alloc::{collections::BTreeSet, format};

use super::{BrokenRule, broken_rule, check_name, check_unique, requirement};
use crate::{Command, ExtensionDeclaration, Preference, PreferenceInput, SecretName, Value};

pub(super) fn check_extension(extension: &ExtensionDeclaration) -> Result<(), BrokenRule> {
    let ExtensionDeclaration { name: own, platforms, preferences, commands, requirement } = extension;
    check_name("/name", own)?;
    check_unique(platforms, "a platform may be named only once; remove one of the two", |at| {
        format!("/platforms/{at}")
    })?;
    let secrets: BTreeSet<&str> = requirement.auth.asked_for().iter().map(SecretName::as_str).collect();
    check_preferences("", preferences, &secrets)?;
    for (at, Command { name: own, preferences }) in commands.iter().enumerate() {
        check_name(&format!("/commands/{at}/name"), own)?;
        check_preferences(&format!("/commands/{at}"), preferences, &secrets)?;
    }
    check_unique(
        commands.iter().map(|command| &command.name),
        "a command may be declared only once; remove or rename one of the two",
        |at| format!("/commands/{at}/name"),
    )?;
    requirement::check_requirement(requirement)
}

fn check_preferences(owner: &str, preferences: &[Preference], secrets: &BTreeSet<&str>) -> Result<(), BrokenRule> {
    for (at, Preference { name: own, input, default, .. }) in preferences.iter().enumerate() {
        let field = |part: &str| format!("{owner}/preferences/{at}/{part}");
        check_name(&field("name"), own)?;
        if secrets.contains(own.as_ref()) {
            return Err(broken_rule(
                field("name"),
                "this is the name of a secret, and a secret is never a preference; rename the preference or remove it",
            ));
        }
        if matches!(input, PreferenceInput::Other(form) if form.trim().eq_ignore_ascii_case("password")) {
            return Err(broken_rule(
                field("type"),
                "a preference is never a secret; declare secrets by name in connection.auth",
            ));
        }
        if default.as_ref().is_some_and(|value| !is_plain(value)) {
            return Err(broken_rule(
                field("default"),
                "a default must be plain JSON with finite numbers, unique keys, at most 32 levels and at most 64 KiB",
            ));
        }
    }
    check_unique(
        preferences.iter().map(|preference| &preference.name),
        "a preference may be declared only once; rename one of the two",
        |at| format!("{owner}/preferences/{at}/name"),
    )
}

/// Returns `true` if a value can be written as JSON and parsed again without a change, and if every reader understands
/// it in the same way.
///
/// A value that was not parsed may contain a number that is not JSON. Some readers take a large number for infinity, or
/// use the last of two fields with the same key. The limits of depth and length are those of a value that a person
/// sets.
pub(super) fn is_plain(value: &Value) -> bool {
    const MAX_DEPTH: usize = 32;
    const MAX_LENGTH: usize = 1 << 16;
    fn depth(value: &Value) -> usize {
        match value {
            Value::List(items) => items.iter().map(depth).max().unwrap_or_default() + 1,
            Value::Map(fields) => fields.iter().map(|(_, value)| depth(value)).max().unwrap_or_default() + 1,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Damaged(_) => 0,
        }
    }

    fn is_read_alike(value: &Value) -> bool {
        match value {
            Value::List(items) => items.iter().all(is_read_alike),
            Value::Map(fields) => {
                check_unique(fields.iter().map(|(key, _)| key), "", |_| Default::default()).is_ok()
                    && fields.iter().all(|(_, value)| is_read_alike(value))
            }
            Value::Number(digits) => digits.parse::<f64>().is_ok_and(f64::is_finite),
            Value::Null | Value::Bool(_) | Value::Text(_) => true,
            Value::Damaged(_) => false,
        }
    }
    let text = format!("{value}");
    text.len() <= MAX_LENGTH
        && Value::parse(text.as_bytes()).is_ok_and(|read| read == *value)
        && depth(value) <= MAX_DEPTH
        && is_read_alike(value)
}
