//! The fields: their names, patterns, choices and sources.

use super::{At, Checker};
use crate::kind::{
    model::{FieldFormat, FieldModel, FieldSource, Mechanism},
    pattern,
};

/// The names that an OAuth setup asks for itself.
const OWN: [&str; 6] = ["callbackUrl", "clientId", "clientSecret", "method", "password", "username"];

/// Words in the names of secrets, in lower case.
const SECRET_WORDS: [&str; 8] =
    ["apikey", "accesskey", "credential", "passphrase", "password", "privatekey", "secret", "token"];

/// The maximum number of fields. No person fills in a form with more.
const MAX_FIELDS: usize = 32;

/// The maximum number of characters in a label.
const MAX_LABEL: usize = 200;
/// The maximum number of characters in a text beside a field.
const MAX_HELP: usize = 2000;

pub(super) fn check(checker: &mut Checker<'_>) {
    let root = At::Root;
    let list = At::Name(&root, "fields");
    if checker.model.fields.len() > MAX_FIELDS {
        checker.report(list, "a kind may have at most 32 fields; ask for less");
    }
    for (index, field) in checker.model.fields.iter().enumerate() {
        let at = At::Index(&list, index);
        name(checker, at, index, field);
        if field.label.as_deref().unwrap_or_default().trim().is_empty() && field.source == FieldSource::User {
            checker.report(at, "the label for people is missing; write label = \"…\"");
        }
        for (name, text, most) in [("label", &field.label, MAX_LABEL), ("help", &field.help, MAX_HELP)] {
            if let Some(text) = text {
                checker.shown(At::Name(&at, name), text, most);
            }
        }
        kind_of_value(checker, at, field);
        source(checker, at, field);
        if let Some(text) = &field.pattern {
            if let Err(why) = pattern::check(text) {
                checker.report(At::Name(&at, "pattern"), why);
            } else if let Some(default) = field.default.as_deref().filter(|text| !text.is_empty())
                && pattern::Pattern::new(text).is_some_and(|pattern| !pattern.matches(default))
            {
                checker.report(At::Name(&at, "default"), "the default does not match the pattern; change one of them");
            }
        }
        suffixes(checker, at, field);
    }
}

fn name(checker: &mut Checker<'_>, at: At<'_>, index: usize, field: &FieldModel) {
    let Some(name) = field.name.as_deref() else {
        return checker.report(at, "the name of the field is missing; write name = \"apiKey\" or similar");
    };
    let at = At::Name(&at, "name");
    if !is_name(name) {
        checker.report(
            at,
            "a name begins with a lower-case letter and has letters, digits, '-' and '_'; write one such as apiKey",
        );
    }
    if checker.model.fields.iter().take(index).any(|other| other.name.as_deref() == Some(name)) {
        checker.report(at, "two fields have this name; rename one of them");
    }
    if checker.mechanism() == Some(Mechanism::Oauth2) && OWN.contains(&name) {
        checker.report(at, "an OAuth setup asks for this itself; remove the field or rename it");
    }
    if field.key.is_some() && !field.secret {
        checker.report(at, "only a secret is a key; write secret = true, or remove `key`");
    }
    if field.secret && field.public {
        checker.report(at, "the field is `secret` and `public`; remove one of the two");
    }
    if sounds_secret(name) && !field.secret && !field.public {
        checker.report(at, "the name says that this is a secret; write secret = true, or public = true if it is none");
    }
}

/// Returns `true` for a name that sounds like that of a secret.
pub(crate) fn sounds_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| plain.ends_with(word)) || plain == "key"
}

fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn kind_of_value(checker: &mut Checker<'_>, at: At<'_>, field: &FieldModel) {
    let has_default = field.default.as_deref().is_some_and(|text| !text.is_empty());
    if field.secret && has_default {
        checker.report(At::Name(&at, "default"), "a secret has no default; remove it");
    }
    if field.secret && !field.choices.is_empty() {
        checker.report(At::Name(&at, "choices"), "a secret has no choices; remove them");
    }
    if field.secret && !matches!(field.format, FieldFormat::Text) {
        checker.report(At::Name(&at, "format"), "a secret is text; remove the format and give a pattern instead");
    }
    if !field.secret && !field.aliases.is_empty() {
        checker.report(At::Name(&at, "aliases"), "only a secret is handed out under further names; remove `aliases`");
    }
    if !field.choices.is_empty() {
        if !matches!(field.format, FieldFormat::Text) {
            checker.report(At::Name(&at, "format"), "a field with choices has no other format; remove the format");
        }
        if field.choices.iter().any(|choice| choice.value.is_empty()) {
            checker.report(At::Name(&at, "choices"), "a choice has no value; write a text, or value = \"…\"");
        }
        let is_choice = |text: &str| field.choices.iter().any(|choice| choice.value == text);
        if has_default && !field.default.as_deref().is_some_and(is_choice) {
            checker.report(At::Name(&at, "default"), "the default is none of the choices; write one of them");
        }
    }
    if matches!(field.format, FieldFormat::Bool | FieldFormat::Number | FieldFormat::Url) {
        let trims = !field.remove_prefix.is_empty() || !field.remove_suffix.is_empty();
        if trims || field.pattern.is_some() {
            checker.report(
                At::Name(&at, "format"),
                "only text has a pattern and parts that are removed; use the format text or remove them",
            );
        }
        let fits = field.default.as_deref().filter(|text| !text.is_empty()).is_none_or(|text| match field.format {
            FieldFormat::Bool => text.parse::<bool>().is_ok(),
            FieldFormat::Number => text.parse::<i64>().is_ok(),
            _ => text.starts_with("https://"),
        });
        if !fits {
            checker.report(At::Name(&at, "default"), "the default does not have the format of the field; change it");
        }
    }
}

/// A value that is not asked for needs the part of the file that supplies it.
fn source(checker: &mut Checker<'_>, at: At<'_>, field: &FieldModel) {
    let Some(name) = field.name.as_deref() else { return };
    let at = At::Name(&at, "source");
    let model = checker.model;
    let (is_supplied, remedy) = match field.source {
        FieldSource::User => return,
        FieldSource::Callback => {
            let captured = model.oauth2.as_ref().map(|oauth2| oauth2.callback_capture.iter());
            (captured.is_some_and(|mut all| all.any(|other| other == name)), "add it to oauth2.callback_capture")
        }
        FieldSource::TokenResponse => {
            let oauth2 = model.oauth2.as_ref().is_some_and(|oauth2| oauth2.response.capture.0.contains_key(name));
            let steps = model.exchange.as_ref().map(|exchange| exchange.steps.iter());
            let exchange = steps.is_some_and(|mut all| all.any(|step| step.capture.0.contains_key(name)));
            (oauth2 || exchange, "add it to `capture`")
        }
        FieldSource::Lookup => {
            let set = model.lookups.iter().any(|lookup| lookup.set.0.contains_key(name));
            (set, "add it to `set` of a lookup")
        }
    };
    if !is_supplied {
        checker.report(at, format!("nothing supplies this value; {remedy}"));
    }
    if field.secret {
        checker.report(at, "a value of a response is public; use token.access for tokens, or ask for the secret");
    }
}

fn suffixes(checker: &mut Checker<'_>, at: At<'_>, field: &FieldModel) {
    let at = At::Name(&at, "host_suffixes");
    for (index, suffix) in field.host_suffixes.iter().enumerate() {
        let fits = suffix.strip_prefix('.').is_some_and(|domain| crate::kind::template::host_name(domain).is_some());
        if !fits {
            checker.report(At::Index(&at, index), "a host suffix begins with a dot, such as .example.com; correct it");
        } else if super::hosts::is_public(suffix.trim_start_matches('.')) {
            checker.report(
                At::Index(&at, index),
                "anyone can register a name below this suffix; name the domain of the provider",
            );
        }
    }
}
