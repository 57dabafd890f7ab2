//! The state of one conversion: the fields, the values of earlier responses, and what is lost or refused.

use connection_contract::Value;

use super::{
    fields::{Field, Source},
    table::Table,
};
use crate::kind::sounds_secret;

/// The conversion of one entry.
#[derive(Debug, Default)]
pub(super) struct Conversion {
    pub(super) fields: Vec<Field>,
    /// The keys of the entry that the format does not have.
    pub(super) lost: Vec<String>,
    /// The reasons why the entry has no meaning in the format.
    pub(super) refused: Vec<String>,
    /// `true` for OAuth, where an application has an id and a secret of its own.
    pub(super) has_client: bool,
    /// `true` if a JWT is signed before a token is requested.
    pub(super) signs: bool,
    captures: Vec<Capture>,
}

/// A value of the response to a step, which a later request uses.
#[derive(Debug)]
struct Capture {
    step: usize,
    pointer: String,
    name: String,
}

impl Conversion {
    /// Creates a conversion. `has_client` is `true` for OAuth.
    pub(super) fn new(has_client: bool) -> Self {
        Self { has_client, ..Self::default() }
    }

    pub(super) fn refuse(&mut self, at: &str, why: &str) {
        self.refused.push(format!("{at}: {why}"));
    }

    /// Returns the variable for a value of an earlier response.
    pub(super) fn captured(&mut self, step: &str, path: &str) -> Option<String> {
        let number: usize = step.parse().ok().filter(|number| (1..=8).contains(number))?;
        let is_path = path.len() <= 48 && path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'));
        if !is_path || path.is_empty() {
            return None;
        }
        let name = format!("step{number}_{}", path.replace('.', "_"));
        if !self.captures.iter().any(|capture| capture.name == name) {
            self.captures.push(Capture { step: number, pointer: pointer(path), name: name.clone() });
        }
        Some(format!("step.{name}"))
    }

    /// Returns the values that later requests use of the response to a step, counted from 1.
    pub(super) fn captures_of(&self, step: usize) -> Vec<(String, Value)> {
        let captures = self.captures.iter().filter(|capture| capture.step == step);
        captures.map(|capture| (capture.name.clone(), Value::from(capture.pointer.as_str()))).collect()
    }

    /// Declares a value that a response supplies, and returns its name.
    pub(super) fn supplied(&mut self, theirs: &str, source: Source) -> String {
        if !self.fields.iter().any(|field| field.theirs == theirs) {
            self.fields.push(Field::undeclared(theirs, false));
        }
        let Some(field) = self.fields.iter_mut().find(|field| field.theirs == theirs) else { return String::new() };
        field.source = source;
        field.is_secret = false;
        for name in ["required", "placeholder", "default"] {
            field.set(name, None);
        }
        let name = field.name.clone();
        if sounds_secret(&name) {
            field.set("public", Some(Value::Bool(true)));
        }
        self.lost.retain(|lost| !lost.ends_with(&format!(".{theirs}.automated")));
        name
    }

    /// Translates each alternative of an address.
    pub(super) fn addresses(&mut self, at: &str, text: &str) -> Vec<String> {
        let alternatives = text.split("||").map(str::trim).filter(|text| !text.is_empty());
        alternatives.filter_map(|text| self.template(at, text)).collect()
    }

    /// Translates the values of a table. A value with an alternative that is fixed makes it the default of its field.
    pub(super) fn templates(&mut self, mut table: Table) -> Vec<(String, Value)> {
        let path = table.at("");
        let pairs = table.pairs(&mut self.lost);
        let mut templates = Vec::new();
        for (name, text) in pairs {
            let at = format!("{path}{name}");
            let value = match text.split_once("||") {
                None => self.template(&at, &text),
                Some((first, fallback)) => self.with_default(&at, first.trim(), fallback.trim()),
            };
            templates.extend(value.map(|value| (name, Value::Text(value))));
        }
        templates
    }

    fn with_default(&mut self, at: &str, first: &str, fallback: &str) -> Option<String> {
        let text = self.template(at, first)?;
        let mut fields = self.fields.iter_mut().filter(|field| text == format!("${{{}}}", field.variable()));
        match fields.next() {
            Some(field) if !field.is_secret && !fallback.contains("${") => {
                field.set("default", Some(Value::from(fallback)));
                Some(text)
            }
            _ => {
                self.refuse(at, "two values are possible, and the format has one");
                None
            }
        }
    }
}

/// Returns a path such as `data.token` as a JSON pointer.
pub(super) fn pointer(path: &str) -> String {
    let escape = |part: &str| part.replace('~', "~0").replace('/', "~1");
    path.split('.').filter(|part| !part.is_empty()).map(|part| format!("/{}", escape(part))).collect()
}

/// Adds a member to a table of the file, unless it is empty.
pub(super) fn put(members: &mut Vec<(String, Value)>, name: &str, value: impl Into<Given>) {
    if let Given(Some(value)) = value.into() {
        members.push((name.to_owned(), value));
    }
}

/// A value that may be missing.
pub(super) struct Given(Option<Value>);

impl From<&str> for Given {
    fn from(text: &str) -> Self {
        Self((!text.is_empty()).then(|| Value::from(text)))
    }
}

impl From<Option<String>> for Given {
    fn from(text: Option<String>) -> Self {
        Self(text.filter(|text| !text.is_empty()).map(Value::Text))
    }
}

impl From<Option<Value>> for Given {
    fn from(value: Option<Value>) -> Self {
        Self(value)
    }
}

impl From<Vec<String>> for Given {
    fn from(texts: Vec<String>) -> Self {
        Self((!texts.is_empty()).then(|| super::fields::texts(texts)))
    }
}

impl From<Vec<(String, Value)>> for Given {
    fn from(members: Vec<(String, Value)>) -> Self {
        Self((!members.is_empty()).then_some(Value::Map(members)))
    }
}
