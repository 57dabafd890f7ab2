//! Checks a descriptor once, so that later code can rely on it. A host runs the check at registration, and the suite
//! of the testkit runs the same one.

mod rules;
mod tools;

use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String, vec::Vec};

use connection_contract::{
    BaseUrl, Descriptor, DisplayText, Field, Guide, Input, Kind, Link, Origin, ProfileSpec, SandboxSpec, Secret,
    SecretName, Text, host,
};

use crate::{
    answer::{self, Pattern},
    limits,
};

pub use tools::is_bare;

/// Maximum number of optional scopes.
const MAX_DOOR_VARIABLES: usize = 32;
const MAX_OPTIONAL_SCOPES: usize = 256;
/// Maximum size of the terms, in bytes.
const MAX_TERMS: usize = 1 << 20;

/// The facets of a kind on which the check of its descriptor depends.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a host must say for each facet whether the kind has it")]
pub struct Facets<'a> {
    /// `true` if the kind hands out named secrets.
    pub secrets: bool,
    /// The profiles of the kind's tool, if it can be run with isolated identities.
    pub profiles: Option<&'a ProfileSpec>,
    /// The container in which the kind's tool can be run.
    pub sandbox: Option<&'a SandboxSpec>,
}

/// The checked parts of a descriptor.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Checked {
    /// The declared addresses with their texts. The first one is the base.
    pub addresses: Vec<(Text, BaseUrl)>,
    /// The declared addresses that stand for several hosts.
    pub wildcards: Vec<Text>,
    /// The patterns by field name. Each matches the whole text.
    pub patterns: BTreeMap<Text, Pattern>,
}

impl Checked {
    /// Returns the base of relative paths, which is the first declared address.
    pub fn base(&self) -> Option<&BaseUrl> {
        self.addresses.first().map(|(_, base)| base)
    }

    /// Returns `true` if the descriptor declares the origin, by name or by a wildcard.
    pub fn declares(&self, origin: &Origin) -> bool {
        self.addresses.iter().any(|(_, base)| base.origin() == origin)
            || self.wildcards.iter().any(|wildcard| host::matches(wildcard, origin))
    }

    /// Returns `true` if `text` is a declared wildcard, or the origin of a declared address.
    pub fn declares_text(&self, text: &str) -> bool {
        self.wildcards.iter().any(|wildcard| wildcard == text)
            || self.addresses.iter().any(|(_, base)| base.origin().as_str() == text)
    }
}

/// Checks a descriptor.
///
/// `compile` compiles a regular expression of the `regex` crate, or returns `None` for a text that is none.
///
/// # Errors
///
/// The part of the descriptor that is wrong, and why, as a clause for people. It may contain text of the plugin.
pub fn check(
    descriptor: &Descriptor,
    facets: Facets<'_>,
    compile: impl Fn(&str) -> Option<Pattern>,
) -> Result<Checked, String> {
    limits::descriptor(descriptor)?;
    check_names(descriptor)?;
    let mut checked = Checked::default();
    for text in &descriptor.origins {
        match text.strip_prefix("https://*.") {
            Some(domain) => check_domain(domain).map(|()| checked.wildcards.push(text.clone())),
            None => answer::base_url(text).map(|base| checked.addresses.push((text.clone(), base))),
        }
        .map_err(|problem| format!("'{text}' {problem}"))?;
    }
    for name in &descriptor.secret_names {
        if SecretName::parse(name.clone()).is_none() {
            return Err(format!("'{name}' cannot be the name of a secret"));
        }
    }
    if !descriptor.secret_names.is_empty() && !facets.secrets {
        return Err("it names secrets and hands out none".to_owned());
    }
    let is_link = |part: &Guide| !matches!(part, Guide::Link(_, url) if Link::from_provider(url).is_none());
    if !descriptor.guide.iter().all(is_link) {
        return Err("a link of its guide is not an https address".to_owned());
    }
    check_terms(descriptor)?;
    check_optional_scopes(descriptor)?;
    rules::check(descriptor)?;
    if !descriptor.door_token.as_deref().is_none_or(Descriptor::is_door_token) {
        return Err("the form of its token is not at most 128 visible ASCII characters with {token} once".to_owned());
    }
    check_door_variables(descriptor)?;
    check_helpers(descriptor)?;
    tools::check(descriptor, facets)?;
    for (at, field) in descriptor.fields.iter().enumerate() {
        if descriptor.fields.iter().take(at).any(|other| other.name == field.name) {
            return Err(format!("two fields are named '{}'", field.name));
        }
        check_field(field, descriptor)?;
        if let Some(pattern) = &field.pattern {
            // The group prevents an alternative at the top level from matching only a part of the text. The pattern must
            // be valid by itself, too, so that it cannot end the group.
            let whole = compile(pattern).and_then(|_| compile(&format!(r"\A(?:{pattern})\z")));
            let whole = whole.ok_or_else(|| format!("the pattern of '{}' is not a regular expression", field.name))?;
            checked.patterns.insert(field.name.clone(), whole);
        }
        check_default(field, checked.patterns.get(&field.name))?;
    }
    Ok(checked)
}

/// Checks the variables for programs at a door.
fn check_door_variables(descriptor: &Descriptor) -> Result<(), String> {
    let variables = &descriptor.door_variables;
    if variables.len() > MAX_DOOR_VARIABLES {
        return Err(format!("it has more than {MAX_DOOR_VARIABLES} variables for programs"));
    }
    for (at, variable) in variables.iter().enumerate() {
        let name = DisplayText::from(variable.name.clone());
        if !variable.is_valid() {
            return Err(format!("'{name}' and its value do not have the form of a variable for programs"));
        }
        if variables.iter().take(at).any(|other| other.name == variable.name) {
            return Err(format!("two variables for programs are named '{name}'"));
        }
    }
    Ok(())
}

/// Checks what the kind answers to programs that ask for a credential.
fn check_helpers(descriptor: &Descriptor) -> Result<(), String> {
    for (at, helper) in descriptor.helpers.iter().enumerate() {
        let name = helper.protocol.as_str();
        if !helper.is_valid(&descriptor.secret_names) {
            return Err(format!("what it answers to {name} is not complete, or names no secret of the kind"));
        }
        if descriptor.helpers.iter().take(at).any(|other| other.protocol == helper.protocol) {
            return Err(format!("it says twice what it answers to {name}"));
        }
    }
    Ok(())
}

/// Checks that a kind which is named for an extension is restricted to it, and no other kind is.
fn check_names(descriptor: &Descriptor) -> Result<(), String> {
    let Descriptor { kind, provider, extension, .. } = descriptor;
    if provider.extension().is_some() {
        return Err(format!("its provider '{provider}' is the name of a kind of an extension"));
    }
    match extension {
        None if kind.extension().is_some() => {
            Err("its name is that of a kind of an extension, which it does not declare".to_owned())
        }
        Some(extension) if Kind::of_extension(extension, provider).as_ref() != Some(kind) => {
            Err(format!("it belongs to the extension '{extension}', so its name must be '{extension}/{provider}'"))
        }
        _ => Ok(()),
    }
}

/// Checks the terms, which a person reads line by line.
fn check_terms(descriptor: &Descriptor) -> Result<(), &'static str> {
    let facts = &descriptor.revocation_facts;
    if facts.iter().any(|beginning| beginning.trim().is_empty()) || !facts.is_empty() && descriptor.terms.is_none() {
        return Err("it names facts of its revocation that are empty, or has no terms");
    }
    let Some(terms) = &descriptor.terms else { return Ok(()) };
    if terms.trim().is_empty() || terms.len() > MAX_TERMS {
        return Err("its terms are empty, or have more than 1 MiB");
    }
    match terms.split('\n').all(is_visible) {
        true => Ok(()),
        false => Err("its terms have a character that a person does not see"),
    }
}

/// Checks the scopes that a re-authorization may ask for.
fn check_optional_scopes(descriptor: &Descriptor) -> Result<(), String> {
    let scopes = &descriptor.optional_scopes;
    if scopes.len() > MAX_OPTIONAL_SCOPES {
        return Err(format!("it has more than {MAX_OPTIONAL_SCOPES} optional scopes"));
    }
    for (at, scope) in scopes.iter().enumerate() {
        if !limits::is_scope(scope) {
            return Err("an optional scope has a character that no scope has, or more than 256 bytes".to_owned());
        }
        if scopes.iter().take(at).any(|other| other == scope) {
            return Err(format!("two optional scopes are '{scope}'"));
        }
    }
    Ok(())
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

/// Checks a field, without its pattern and its default.
fn check_field(field: &Field, descriptor: &Descriptor) -> Result<(), String> {
    let name = &field.name;
    if SecretName::parse(name.clone()).is_none() {
        return Err(format!("'{name}' cannot be the name of a field"));
    }
    if let Some(way) = field.way.filter(|way| !descriptor.ways.contains(way)) {
        return Err(format!("'{name}' is a field for finishing by {way:?}, which the kind does not offer"));
    }
    if let Some(by) = &field.plain_http {
        let confirms = |other: &Field| other.name == *by && other.input == Input::Bool;
        if field.input != Input::Url || !descriptor.fields.iter().any(confirms) {
            return Err(format!("'{name}' takes plain http, but '{by}' is not a yes-or-no field that confirms it"));
        }
    }
    if matches!(&field.input, Input::Choice(choices) if choices.is_empty()) {
        return Err(format!("'{name}' is a choice without choices"));
    }
    Ok(())
}

/// Checks the default of a field, as an answer of a person is checked.
fn check_default(field: &Field, pattern: Option<&Pattern>) -> Result<(), String> {
    let Some(default) = &field.default else { return Ok(()) };
    if matches!(field.input, Input::Secret | Input::Directory) {
        return Err(format!("'{}' cannot have a default", field.name));
    }
    answer::parse(field, pattern, &Secret::from(&**default))
        .map(drop)
        .map_err(|problem| format!("the default of '{}' {problem}", field.name))
}
