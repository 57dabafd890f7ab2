//! Checks a descriptor once, at registration, so that later code can rely on it.

use std::collections::HashMap;

use connection_contract::{Descriptor, DisplayText, Field, Guide, Input, Kind, SecretName};
use regex::Regex;

use super::describe_tools;
use crate::{Capabilities, kinds::Checked, limits, setup::answers};

/// Maximum size of the terms, in bytes.
const MAX_TERMS: usize = 1 << 20;

/// Checks a descriptor. The error says which part is wrong.
pub(crate) fn check(descriptor: &Descriptor, capabilities: Capabilities) -> Result<Checked, String> {
    limits::descriptor(descriptor)?;
    check_names(descriptor)?;
    let mut addresses = Vec::new();
    let mut wildcards = Vec::new();
    for text in &descriptor.origins {
        if let Some(domain) = text.strip_prefix("https://*.") {
            check_domain(domain).map_err(|problem| format!("'{text}' {problem}"))?;
            wildcards.push(text.clone());
            continue;
        }
        let base = answers::base_url(text).map_err(|problem| format!("'{text}' {problem}"))?;
        addresses.push((text.clone(), base));
    }
    for name in &descriptor.secret_names {
        if SecretName::parse(name.clone()).is_none() {
            return Err(format!("'{name}' cannot be the name of a secret"));
        }
    }
    if !descriptor.secret_names.is_empty() && !capabilities.secrets {
        return Err("it names secrets and hands out none".into());
    }
    for part in &descriptor.guide {
        if let Guide::Link(_, url) = part
            && connection_contract::Link::from_provider(url).is_none()
        {
            return Err("a link of its guide is not an https address".into());
        }
    }
    check_terms(descriptor)?;
    describe_tools::check(descriptor, capabilities)?;
    let mut checked = Checked { addresses, wildcards, patterns: HashMap::new() };
    for (at, field) in descriptor.fields.iter().enumerate() {
        if descriptor.fields.iter().take(at).any(|other| other.name == field.name) {
            return Err(format!("two fields are named '{}'", field.name));
        }
        if let Some(way) = field.way.filter(|way| !descriptor.ways.contains(way)) {
            return Err(format!("'{}' is a field for finishing by {way:?}, which the kind does not offer", field.name));
        }
        if let Some(by) = &field.plain_http {
            let confirms = |other: &Field| other.name == *by && other.input == Input::Bool;
            if field.input != Input::Url || !descriptor.fields.iter().any(confirms) {
                return Err(format!(
                    "'{}' takes plain http, but '{by}' is not a yes-or-no field that confirms it",
                    field.name
                ));
            }
        }
        check_field(field, &mut checked)?;
    }
    Ok(checked)
}

/// Checks that a kind which is named for an extension is restricted to it, and no other kind is.
fn check_names(descriptor: &Descriptor) -> Result<(), String> {
    let Descriptor { kind, provider, extension, .. } = descriptor;
    if provider.extension().is_some() {
        return Err(format!("its provider '{provider}' is the name of a kind of an extension"));
    }
    match extension {
        None if kind.extension().is_some() => {
            Err("its name is that of a kind of an extension, which it does not declare".into())
        }
        Some(extension) if Kind::of_extension(extension, provider).as_ref() != Some(kind) => {
            Err(format!("it belongs to the extension '{extension}', so its name must be '{extension}/{provider}'"))
        }
        _ => Ok(()),
    }
}

/// Checks the terms, which a person reads line by line.
fn check_terms(descriptor: &Descriptor) -> Result<(), &'static str> {
    let Some(terms) = &descriptor.terms else { return Ok(()) };
    if terms.trim().is_empty() || terms.len() > MAX_TERMS {
        return Err("its terms are empty, or have more than 1 MiB");
    }
    match terms.split('\n').all(is_visible) {
        true => Ok(()),
        false => Err("its terms have a character that a person does not see"),
    }
}

/// Returns `true` if a person sees every character of a line.
fn is_visible(line: &str) -> bool {
    let characters: Vec<char> = line.chars().collect();
    // A text for people is cut if it is long.
    characters.chunks(100).all(|part| {
        let part: String = part.iter().collect();
        DisplayText::from(part.clone()).as_str() == part
    })
}

/// Checks the part of a wildcard after `*.`. A single label would match every host that anybody registers below it.
fn check_domain(domain: &str) -> Result<(), &'static str> {
    let is_label = |label: &str| {
        let plain = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    match domain.split('.').filter(|label| is_label(label)).count() {
        count if count != domain.split('.').count() => Err("is not a wildcard such as https://*.acme.example"),
        0 | 1 => Err("stands for too many hosts: a wildcard has at least two fixed labels"),
        _ => Ok(()),
    }
}

fn check_field(field: &Field, checked: &mut Checked) -> Result<(), String> {
    let name = &field.name;
    if SecretName::parse(name.clone()).is_none() {
        return Err(format!("'{name}' cannot be the name of a field"));
    }
    if let Some(pattern) = &field.pattern {
        // The group prevents an alternative at the top level from matching only a part of the text.
        let whole = Regex::new(&format!(r"\A(?:{pattern})\z"));
        let whole = whole.map_err(|_| format!("the pattern of '{name}' is not a regular expression"))?;
        checked.patterns.insert(name.clone(), whole);
    }
    if matches!(&field.input, Input::Choice(choices) if choices.is_empty()) {
        return Err(format!("'{name}' is a choice without choices"));
    }
    if let Some(default) = &field.default {
        if matches!(field.input, Input::Secret | Input::Directory) {
            return Err(format!("'{name}' cannot have a default"));
        }
        let value = connection_contract::Secret::from(&**default);
        answers::parse_answer(field, checked.patterns.get(name), &value)
            .map_err(|problem| format!("the default of '{name}' {problem}"))?;
    }
    Ok(())
}
