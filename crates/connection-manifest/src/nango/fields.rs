//! The questions of an entry: `connection_config` and `credentials`.

use connection_contract::Value;

use super::table::Table;
use crate::kind::{check_pattern, sounds_secret};

/// The source of a value that a response supplies, in the format of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Callback,
    TokenResponse,
    User,
}

/// A question, or a value that is known already.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The name of the field in the entry that is converted.
    pub(super) theirs: String,
    /// The name of the field in the file that is written.
    pub(super) name: String,
    pub(super) is_secret: bool,
    pub(super) source: Source,
    /// The value of a field that is not asked for.
    pub(super) constant: Option<String>,
    /// The members of the field in the file, beside its name.
    pub(super) members: Vec<(String, Value)>,
}

impl Field {
    /// Returns a field of which only the name is known.
    pub(super) fn undeclared(theirs: &str, is_secret: bool) -> Self {
        let name = our_name(theirs);
        let members = vec![("label".to_owned(), Value::from(label(theirs).as_str()))];
        // A key of an application is often declared as configuration, and no harm is done by not showing one.
        let is_secret = is_secret || sounds_secret(&name) || name.to_ascii_lowercase().ends_with("key");
        Self { theirs: theirs.to_owned(), name, is_secret, source: Source::User, constant: None, members }
    }

    /// Returns the variable of a template.
    pub(super) fn variable(&self) -> String {
        format!("{}.{}", if self.is_secret { "secret" } else { "config" }, self.name)
    }

    /// Sets a member of the field, and removes it if there is no value.
    pub(super) fn set(&mut self, name: &str, value: Option<Value>) {
        self.members.retain(|(known, _)| known != name);
        self.members.extend(value.map(|value| (name.to_owned(), value)));
    }

    /// Returns `true` for a secret whose label or name says that the provider made it. Only a label decides about a
    /// field that is called a password, because that is the name of each secret of HTTP Basic.
    fn sounds_made(&self) -> bool {
        let own = self.members.iter().find(|(name, _)| name == "label").and_then(|(_, value)| value.as_str());
        let own = own.unwrap_or_default().to_ascii_lowercase();
        let name = label(&self.theirs).to_ascii_lowercase();
        let is_made = |text: &String| {
            let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
            !text.contains("pass") && words.any(|word| ["key", "secret", "token"].iter().any(|end| word.ends_with(end)))
        };
        !own.contains("pass") && [own, name].iter().any(is_made)
    }

    /// Returns the field as a table of the file.
    pub(super) fn table(&self) -> Value {
        let mut members = vec![("name".to_owned(), Value::from(self.name.as_str()))];
        members.extend(self.members.iter().cloned());
        if self.is_secret {
            members.push(("secret".to_owned(), Value::Bool(true)));
            if self.sounds_made() {
                members.push(("key".to_owned(), Value::Bool(true)));
            }
        }
        let source = match self.source {
            Source::Callback => Some("callback"),
            Source::TokenResponse => Some("token_response"),
            Source::User => None,
        };
        members.extend(source.map(|source| ("source".to_owned(), Value::from(source))));
        Value::Map(members)
    }
}

/// Reads the fields of a table, in the order that the entry asks for.
pub(super) fn read(table: Table, are_credentials: bool, lost: &mut Vec<String>) -> Vec<Field> {
    let mut fields: Vec<(i64, Field)> = Vec::new();
    let path = table.at("");
    for (theirs, value) in table.into_members() {
        let mut table = Table::new(&format!("{path}{theirs}"), value);
        let order = table.take("order").and_then(|order| order.as_i64()).unwrap_or(i64::MAX);
        fields.push((order, field(&theirs, table, are_credentials, lost)));
    }
    fields.sort_by_key(|(order, _)| *order);
    fields.into_iter().map(|(_, field)| field).collect()
}

fn field(theirs: &str, mut table: Table, is_credential: bool, lost: &mut Vec<String>) -> Field {
    table.leave_out(&["type", "doc_section"]);
    let mut found = Field::undeclared(theirs, is_credential && theirs == "apiKey");
    let default = table.text("default_value").filter(|text| !text.is_empty());
    if table.flag("hidden") && default.is_some() {
        found.constant = default;
        return found;
    }
    found.is_secret |= table.flag("secret");
    if table.flag("automated") {
        lost.push(table.at("automated"));
    }
    if let Some(title) = table.text("title").filter(|title| !title.trim().is_empty()) {
        found.set("label", Some(Value::Text(title)));
    }
    found.set("help", table.text("description").filter(|text| !text.trim().is_empty()).map(Value::Text));
    if table.flag("optional") {
        found.set("required", Some(Value::Bool(false)));
    }
    let example = table.text("example");
    let choices = table.texts("enum");
    let format = table.text("format").filter(|_| choices.is_empty() && !found.is_secret);
    text_rules(&mut found, &mut table, format.as_deref() == Some("uri"), lost);
    if found.is_secret {
        for (is_there, name) in [(!choices.is_empty(), "enum"), (default.is_some(), "default_value")] {
            if is_there {
                lost.push(table.at(name));
            }
        }
    } else {
        found.set("placeholder", example.map(Value::Text));
        found.set("default", default.map(Value::Text));
        found.set("format", format.as_deref().and_then(our_format).map(Value::from));
        found.set("choices", (!choices.is_empty()).then(|| texts(choices)));
    }
    table.lose(lost);
    found
}

fn our_format(theirs: &str) -> Option<&'static str> {
    Some(match theirs {
        "email" => "email",
        "hostname" => "hostname",
        "uri" => "url",
        "uuid" => "uuid",
        _ => return None,
    })
}

/// Sets the pattern, and what is removed from a text. An address has neither.
fn text_rules(found: &mut Field, table: &mut Table, is_address: bool, lost: &mut Vec<String>) {
    match table.text("pattern") {
        Some(pattern) if !is_address && check_pattern(&pattern).is_ok() => {
            found.set("pattern", Some(Value::Text(pattern)));
        }
        Some(_) => lost.push(table.at("pattern")),
        None => {}
    }
    for (theirs, ours) in [("prefix", "remove_prefix"), ("suffix", "remove_suffix")] {
        let text = table.text(theirs).filter(|text| !is_address && !text.is_empty());
        found.set(ours, text.map(|text| texts(vec![text])));
    }
}

pub(super) fn texts(texts: Vec<String>) -> Value {
    Value::List(texts.into_iter().map(Value::Text).collect())
}

/// Returns a name that the format accepts.
fn our_name(theirs: &str) -> String {
    let mut name: String =
        theirs.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(64).collect();
    name = name.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_owned();
    let first = name.get(..1).map(str::to_ascii_lowercase).unwrap_or_else(|| "value".to_owned());
    format!("{first}{}", name.get(1..).unwrap_or_default())
}

/// Returns a label for people that follows from a name: `accountId` becomes `Account id`.
fn label(theirs: &str) -> String {
    let mut label = String::new();
    for c in theirs.chars().take(64) {
        match c {
            '-' | '_' => label.push(' '),
            c if c.is_uppercase() && label.chars().last().is_some_and(char::is_lowercase) => {
                label.push(' ');
                label.extend(c.to_lowercase());
            }
            c if label.is_empty() => label.extend(c.to_uppercase()),
            c => label.push(c),
        }
    }
    if label.trim().is_empty() { "Value".to_owned() } else { label }
}
