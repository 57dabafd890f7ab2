//! The public configuration of an extension: the names that it declared, with values that are not secret.

use connection_contract::{ExtensionDeclaration, Preference, PreferenceInput, Text, Value};

use crate::{extension::preferences::check, store::rows::PublicRow};

/// The message for settings that are not a JSON object.
pub(crate) const DAMAGED: &str = "the preferences of an extension are not a JSON object";

/// The settings of one extension, by name.
pub(crate) type Record = [(String, Value)];

/// The settings of an extension and of its provider's own extension, as they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    /// The settings of the extension, with their revision and their public revision.
    pub(crate) own: Option<(String, i64, i64)>,
    /// The settings of the provider's own extension. They count only if that extension has a grant of the connection.
    of_provider: Option<String>,
    /// The public part of the declaration of the provider's own extension, if that was added.
    declared: Option<String>,
    /// The number of changes of the public part of both extensions.
    pub(crate) revision: i64,
}

impl Read {
    pub(crate) fn of(rows: Vec<PublicRow>, extension: &str, provider: &str) -> Self {
        let mut read = Self::default();
        for PublicRow { extension: of, body, public, revision, public_revision } in rows {
            read.revision = read.revision.saturating_add(public_revision);
            if of == provider && body.is_none() {
                read.declared = public;
            } else if let Some(body) = body {
                match of == extension {
                    true => read.own = Some((body, revision, public_revision)),
                    false => read.of_provider = Some(body),
                }
            }
        }
        if extension == provider {
            read.of_provider = read.own.as_ref().map(|(body, ..)| body.clone());
        }
        read
    }

    /// Returns `true` if the provider's own extension was added and declares public values.
    pub(crate) fn has_provider(&self) -> bool {
        self.declared.is_some()
    }

    /// Returns the rows as they are for an extension whose provider's own extension has no grant of the connection.
    pub(crate) fn without_provider(self) -> Self {
        Self { of_provider: None, declared: None, ..self }
    }

    /// Returns the settings of the extension; `None` for a value that this program cannot have written.
    pub(crate) fn own(&self) -> Option<Vec<(String, Value)>> {
        self.own.as_ref().map_or(Some(Vec::new()), |(body, ..)| record(body))
    }

    /// Returns the public values of the provider's own extension; `None` for a value that this program cannot have
    /// written.
    pub(crate) fn of_provider(&self) -> Option<Vec<(String, Value)>> {
        of_provider(self.declared.as_deref(), self.of_provider.as_deref())
    }

    /// Returns these values as they would be if the provider's own extension had the settings `set`.
    pub(crate) fn of_provider_with(&self, set: &Record) -> Option<Vec<(String, Value)>> {
        self.declared.as_deref().map_or(Some(Vec::new()), |declared| Some(public_values(&decode(declared)?, set)))
    }
}

/// Returns the fields of a row of preferences; `None` if this program cannot have written it.
pub(crate) fn record(body: &str) -> Option<Vec<(String, Value)>> {
    match Value::parse(body.as_bytes()) {
        Ok(Value::Map(fields)) => Some(fields),
        _ => None,
    }
}

/// Returns the public values of a provider's own extension, from the public part of its declaration and its settings;
/// `None` for a value that this program cannot have written.
pub(crate) fn of_provider(declared: Option<&str>, body: Option<&str>) -> Option<Vec<(String, Value)>> {
    let Some(declared) = declared else { return Some(Vec::new()) };
    Some(public_values(&decode(declared)?, &body.map_or(Some(Vec::new()), record)?))
}

/// Returns the values that other extensions read: the setting, or else the declared default.
fn public_values(preferences: &[Preference], set: &Record) -> Vec<(String, Value)> {
    let value = |preference: &Preference| set_value(preference, set).or_else(|| default(preference));
    preferences.iter().filter_map(|own| Some((own.name.to_string(), value(own)?))).collect()
}

const CHECKBOX: &str = "checkbox";
const CHOICES: &str = "choices";
const DEFAULT: &str = "default";
/// Marks a name that is not a preference. Its value is the connection's.
const ELSEWHERE: &str = "elsewhere";

/// Returns the values of a declaration's public names, for the extension itself: the setting, or else the default, or
/// else the value that holds without a default. A name whose value only the connection may have is listed without one.
/// Returns `None` for a value that this program cannot have written.
pub(crate) fn of_its_own(declared: &str, body: Option<&str>) -> Option<Vec<(String, Option<Value>)>> {
    let set = body.map_or(Some(Vec::new()), record)?;
    let preferences = decode(declared)?;
    let value = |name: &str| {
        let own = preferences.iter().find(|own| own.name == name)?;
        Some(set_value(own, &set).unwrap_or_else(|| fallback(own)))
    };
    let own = |(name, _): (String, Value)| {
        let value = value(&name);
        (name, value)
    };
    Some(record(declared)?.into_iter().map(own).collect())
}

/// Returns the public names of a declaration, as they are stored, in their order. For a preference, they include its
/// input, as far as it limits the value, and its default.
pub(crate) fn encode(declaration: &ExtensionDeclaration) -> String {
    let names = &declaration.requirement.public_preference_names;
    let secrets = &declaration.requirement.auth.secret_names;
    let is_public = |name: &&Text| !secrets.iter().any(|secret| secret.as_str() == &***name);
    let fields = names.iter().filter(is_public).map(|name| {
        let Some(own) = declaration.preferences.iter().find(|own| own.name == *name) else {
            return (name.to_string(), Value::Map(vec![(ELSEWHERE.to_owned(), Value::Bool(true))]));
        };
        let mut about = Vec::new();
        match &own.input {
            PreferenceInput::Checkbox => about.push((CHECKBOX.to_owned(), Value::Bool(true))),
            PreferenceInput::Dropdown(choices) => {
                let choices = choices.iter().map(|(choice, _)| Value::from(&**choice)).collect();
                about.push((CHOICES.to_owned(), Value::List(choices)));
            }
            _ => {}
        }
        about.extend(default(own).map(|value| (DEFAULT.to_owned(), value)));
        (name.to_string(), Value::Map(about))
    });
    Value::Map(fields.collect()).to_string()
}

fn decode(text: &str) -> Option<Vec<Preference>> {
    let read = |(name, about): (String, Value)| {
        let Value::Map(about) = about else { return None };
        let input = match (find(&about, CHECKBOX), find(&about, CHOICES)) {
            (Some(_), _) => PreferenceInput::Checkbox,
            (None, Some(Value::List(choices))) => {
                let choice = |choice| match choice {
                    Value::Text(text) => Some((text.clone().into(), text.into())),
                    _ => None,
                };
                PreferenceInput::Dropdown(choices.into_iter().map(choice).collect::<Option<_>>()?)
            }
            _ => PreferenceInput::Text,
        };
        let own = Preference::new(name, input);
        Some(match find(&about, DEFAULT) {
            Some(value) => own.default(value),
            None => own,
        })
    };
    let has_preference =
        |(_, about): &(String, Value)| !matches!(about, Value::Map(about) if find(about, ELSEWHERE).is_some());
    record(text)?.into_iter().filter(has_preference).map(read).collect()
}

/// Returns the value that was set, if the preference can have it. The declaration may have changed since.
pub(crate) fn set_value(preference: &Preference, set: &Record) -> Option<Value> {
    check(preference, &find(set, &preference.name)?).ok()
}

/// Returns the declared default, if the preference can have it.
fn default(preference: &Preference) -> Option<Value> {
    check(preference, preference.default.as_ref()?).ok()
}

/// Returns the value of a preference that is not set.
pub(crate) fn fallback(preference: &Preference) -> Value {
    default(preference).unwrap_or_else(|| {
        let mut without = preference.clone();
        without.default = None;
        without.fallback()
    })
}

/// Returns the values of the declared names, in their order.
///
/// The value of the connection takes precedence over the setting of the provider's own extension, which is empty unless
/// that extension has a grant of the connection, and that over the setting or default of this extension. A name without a value is left out, and the name of a secret is never
/// included.
pub(crate) fn config(
    declaration: &ExtensionDeclaration,
    of_connection: &[(String, String)],
    of_provider: &Record,
    own: &Record,
) -> Value {
    let requirement = &declaration.requirement;
    let is_secret = |name: &str| requirement.auth.secret_names.iter().any(|secret| secret.as_str() == name);
    let names = requirement.public_preference_names.iter().filter(|name| !is_secret(name));
    let value = |name: &str| {
        let of_connection = || configured(of_connection, name);
        let of_provider = || find(of_provider, name);
        let declared = || declaration.preferences.iter().find(|known| known.name == name);
        let own = || declared().map(|known| set_value(known, own).unwrap_or_else(|| fallback(known)));
        of_connection().or_else(of_provider).or_else(own)
    };
    Value::Map(names.filter_map(|name| Some((name.to_string(), value(name)?))).collect())
}

pub(crate) fn find(record: &Record, name: &str) -> Option<Value> {
    record.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// Returns the value of a field of the connection. A field with several values is a list of them.
pub(crate) fn configured(config: &[(String, String)], name: &str) -> Option<Value> {
    let mut values = config.iter().filter(|(known, _)| known == name).map(|(_, value)| Value::from(value.as_str()));
    let first = values.next()?;
    let rest: Vec<_> = values.collect();
    if rest.is_empty() {
        return Some(first);
    }
    Some(Value::List(std::iter::once(first).chain(rest).collect()))
}
