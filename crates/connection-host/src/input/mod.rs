//! The sources of answers: `--input`, `--field`, `--from-env`, and a person at a terminal.
//!
//! A secret is never taken from an argument, and no error repeats a value. The command never waits for input if no
//! person can be asked.

mod fields;
mod json;
pub(crate) mod lines;
mod manifest;
mod optional;
mod prompt;
mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use connection_contract::{Field, Input, Prompt, Secret};

pub(crate) use manifest::{Manifest, manifest, stored};
pub(crate) use prompt::{Cancelled, confirm, new_passphrase, passphrase, pick, pick_some, question, settle_colours};
pub(crate) use source::{Standard, at_value, file_or_stdin};

use optional::Optional;

use crate::{
    Error, Exit,
    args::InputArguments,
    config::{self, Environment},
};

/// The values of each field, by its name.
type Values = BTreeMap<String, Vec<Secret>>;

fn duplicate(values: &Values) -> Values {
    values.iter().map(|(name, values)| (name.clone(), values.iter().map(Secret::duplicate).collect())).collect()
}

/// The given answers, and the questions that a person may still be asked.
pub(crate) struct Inputs {
    values: Values,
    prompted: BTreeSet<String>,
    /// The answers that a person has typed to required fields.
    typed: Values,
    optional: Optional,
    person: bool,
    given: bool,
    /// The field whose value is in standard input, until it is read.
    standard: Option<String>,
    /// `true` if directories are those of another machine.
    elsewhere: bool,
}

impl Inputs {
    /// Reads everything that the arguments name. With `--input` no person is asked, because it answers all prompts.
    pub(crate) fn read(arguments: &InputArguments, environment: &Environment, person: bool) -> Result<Self, Error> {
        let mut standard = Standard::default();
        let mut values = match &arguments.input {
            Some(name) => json::object(&file_or_stdin(name, &mut standard, "--input")?)?,
            None => BTreeMap::new(),
        };
        let mut named = BTreeMap::new();
        let mut unread = None;
        for argument in &arguments.fields {
            unread = fields::from_file(argument, &mut standard, &mut named)?.or(unread);
        }
        for argument in &arguments.from_env {
            fields::from_variable(argument, environment, &mut named)?;
        }
        values.append(&mut named);
        let given = arguments.input.is_some() || !arguments.fields.is_empty() || !arguments.from_env.is_empty();
        Ok(Self {
            values,
            prompted: BTreeSet::new(),
            typed: Values::new(),
            optional: Optional::new(arguments.all_fields),
            person: person && arguments.input.is_none(),
            given,
            standard: unread,
            elsewhere: false,
        })
    }

    /// Makes these the answers to a setup on another machine, whose directories are named as they are typed.
    pub(crate) fn for_elsewhere(self) -> Self {
        Self { elsewhere: true, ..self }
    }

    /// Refuses values for fields that the kind does not declare, and several values where it takes one.
    ///
    /// Reads standard input, unless it is for a field that only a later step of the setup asks for.
    pub(crate) fn check(&mut self, kind: &str, declared: &[Field]) -> Result<(), Error> {
        let names: Vec<_> = declared.iter().map(|field| &*field.name).collect();
        for (name, values) in &self.values {
            let Some(field) = declared.iter().find(|field| field.name == *name) else {
                return Err(Error::new(Exit::Usage, "unknown_field", format!("'{kind}' has no field '{name}'"))
                    .remedy(format!("the fields are {}", names.join(", "))));
            };
            if values.len() > 1 && !field.many {
                return Err(one_value(name));
            }
        }
        let mut at_once = declared.iter().filter(|field| field.way.is_none());
        match at_once.find(|field| self.standard.as_deref() == Some(&*field.name)) {
            Some(field) => self.read_standard(&field.name, false, field.many),
            None => Ok(()),
        }
    }

    /// Refuses to begin if no answer was given and no person can be asked. `kept` is `true` if answers of an earlier
    /// setup may be stored.
    pub(crate) fn check_any(&self, kind: &str, declared: &[Field], kept: bool) -> Result<(), Error> {
        let open_fields = |field: &&Field| {
            field.way.is_none() && !(kept && field.kept.is_some()) && !self.values.contains_key(&*field.name)
        };
        let open_fields: Vec<_> = declared.iter().filter(open_fields).collect();
        if self.person || self.given || open_fields.is_empty() {
            return Ok(());
        }
        let needed = |field: &&&Field| field.required && field.default.is_none();
        let mut names: Vec<_> = open_fields.iter().filter(needed).map(|field| &*field.name).collect();
        if names.is_empty() {
            names = open_fields.iter().map(|field| &*field.name).collect();
        }
        Err(missing(kind, &names))
    }

    /// Asks a person for these optional fields too, because their answers differ from what the kind assumes without
    /// one.
    pub(crate) fn want(&mut self, names: impl IntoIterator<Item = String>) {
        self.optional.want(names);
    }

    /// Adds an answer, unless there is one for this field.
    pub(crate) fn give(&mut self, name: &str, value: Secret) {
        self.values.entry(name.to_owned()).or_insert_with(|| vec![value]);
    }

    /// Adds an answer that the command itself has, so that nobody need be asked, unless there is one for this field.
    pub(crate) fn know(&mut self, name: &str, value: Secret) {
        self.give(name, value);
        self.given = true;
    }

    /// Returns `true` if there is an answer for each of these fields.
    pub(crate) fn has(&self, fields: &[Field]) -> bool {
        !fields.is_empty() && fields.iter().all(|field| self.values.contains_key(&*field.name))
    }

    /// Returns the same answers, without a person to ask.
    pub(crate) fn without_person(&self) -> Self {
        Self {
            values: duplicate(&self.values),
            prompted: self.prompted.clone(),
            typed: duplicate(&self.typed),
            optional: self.optional.duplicate(),
            person: false,
            given: self.given,
            standard: None,
            elsewhere: self.elsewhere,
        }
    }

    fn read_standard(&mut self, name: &str, line: bool, many: bool) -> Result<(), Error> {
        self.standard = None;
        let option = fields::option(name);
        let value = if line { source::field_line(&option)? } else { source::field_stdin(&option)? };
        let values = self.values.entry(name.to_owned()).or_default();
        values.push(value);
        if values.len() > 1 && !many { Err(one_value(name)) } else { Ok(()) }
    }

    /// Returns `true` if a person is asked for one of these fields, whatever that person chooses.
    pub(crate) fn asks(&self, fields: &[Field]) -> bool {
        let is_given =
            |field: &&Field| self.values.contains_key(&*field.name) || self.standard.as_deref() == Some(&*field.name);
        let only_optional = fields.iter().all(|field| !field.required);
        let mut open = fields.iter().filter(|field| !is_given(field));
        let is_asked = open.any(|field| field.required || only_optional || self.optional.is_wanted(field));
        self.person && (is_asked || fields.is_empty())
    }

    /// Answers a prompt, or returns the reason why it cannot be answered.
    pub(crate) fn answer(
        &mut self,
        kind: &str,
        prompt: &Prompt,
        fields: &[Field],
    ) -> Result<Vec<(String, Secret)>, Error> {
        let mut answers = Vec::new();
        if let Some(field) = fields.iter().find(|field| self.standard.as_deref() == Some(&*field.name)) {
            self.read_standard(&field.name, field.way.is_some(), field.many)?;
        }
        let given = |field: &&Field| !self.person || self.values.contains_key(&*field.name);
        if let Some(field) = fields.iter().filter(|field| self.prompted.contains(&*field.name)).find(given) {
            let again = || format!("'{}' is requested again, and there is no other value", field.name);
            return Err(refused(prompt.problem.as_ref().map_or_else(again, ToString::to_string)));
        }
        let only_optional = fields.iter().all(|field| !field.required);
        let types = fields.iter().any(|field| field.required && !self.values.contains_key(&*field.name));
        // Ask for the required fields first, then offer the optional ones.
        for field in fields.iter().filter(|field| field.required).chain(fields.iter().filter(|field| !field.required)) {
            self.prompted.insert(field.name.clone().into_owned());
            let values = match self.values.get(&*field.name) {
                Some(values) => values.iter().map(Secret::duplicate).collect(),
                // A prompt with optional fields only is the result of earlier answers.
                None if self.person && (field.required || only_optional) => {
                    let values = prompt::ask(field, only_optional)?;
                    self.typed.insert(field.name.to_string(), values.iter().map(Secret::duplicate).collect());
                    values
                }
                None if self.person => self.optional.ask(field, types)?,
                None if field.required && field.default.is_none() => {
                    // If the setup is resumed, an earlier answer may have been refused in the meantime.
                    let problem = prompt.problem.as_ref().map(|problem| refused(problem.to_string()));
                    return Err(problem.unwrap_or_else(|| missing(kind, &[&*field.name])));
                }
                None => Vec::new(),
            };
            let is_here = field.input == Input::Directory && !self.elsewhere;
            let settle = |value| if is_here { absolute(value) } else { value };
            answers.extend(values.into_iter().map(|value| (field.name.clone().into_owned(), settle(value))));
        }
        if fields.is_empty() && self.person {
            prompt::confirmation(prompt.title.as_str())?;
        }
        Ok(answers)
    }

    /// Prepares for another attempt after malformed answers; returns `true` if a person can be asked for the typed
    /// ones.
    ///
    /// Given answers stay as they are.
    pub(crate) fn ask_again<'n>(&mut self, malformed: impl IntoIterator<Item = &'n str>) -> bool {
        if self.person {
            self.prompted.clear();
            self.optional.forget(malformed);
        }
        self.person && self.values.is_empty()
    }

    /// Forgets what a person has typed into these fields, which belongs to one sign-in.
    pub(crate) fn forget_typed(&mut self, fields: &[Field]) {
        fields.iter().for_each(|field| drop(self.typed.remove(&*field.name)));
    }

    /// Prepares for another setup of the same kind: what a person has typed is not asked for again.
    pub(crate) fn begin_again(&mut self) {
        self.prompted.clear();
        self.values.append(&mut self.typed);
    }

    /// Returns `true` if any answer was given.
    pub(crate) fn given(&self) -> bool {
        self.given
    }

    /// Returns `true` if a person can be asked.
    pub(crate) fn person(&self) -> bool {
        self.person
    }
}

fn one_value(name: &str) -> Error {
    Error::new(Exit::Usage, "invalid_field", format!("'{name}' takes one value"))
}

/// Returns the error for an answer that was refused when no person can be asked for another one.
fn refused(problem: String) -> Error {
    Error::new(Exit::SetupFailed, "answer_refused", problem)
        .remedy("correct the value and connect again; nothing was kept")
}

/// Makes a typed directory absolute, as a shell would: relative to the current directory, or to the home after `~`. The
/// core takes absolute paths only.
fn absolute(value: Secret) -> Secret {
    let Some(typed) = value.expose_str().filter(|typed| !typed.is_empty()) else { return value };
    let path = match typed.strip_prefix('~') {
        None => PathBuf::from(typed),
        // The home of another user is not looked up.
        Some(below) if below.is_empty() || below.starts_with('/') => match config::home() {
            Some(home) => home.join(below.trim_start_matches('/')),
            None => return value,
        },
        Some(_) => return value,
    };
    match std::path::absolute(path).ok().and_then(|path| path.into_os_string().into_string().ok()) {
        Some(path) => path.into(),
        None => value,
    }
}

fn missing(kind: &str, names: &[&str]) -> Error {
    let message = format!("nobody can be asked for {} of '{kind}'", names.join(", "));
    Error::new(Exit::Usage, "input_required", message)
        .remedy("give them with --input FILE (one JSON object of field to value), --field NAME=@FILE or --from-env NAME=VARIABLE")
}

#[cfg(test)]
mod tests;
