//! Which optional fields of a setup a person is asked for.
//!
//! A person who types answers is asked for an optional field with `--all-fields`, after a yes to the question by which
//! its kind offers it, or when nothing else is asked. What was typed stays for the rest of the setup, so that a refusal of
//! another answer does not ask for it again.

use std::collections::BTreeMap;

use connection_contract::{Field, Secret};

use super::{Values, prompt};
use crate::Error;

/// The choices of a person, and what that person has typed.
#[derive(Default)]
pub(super) struct Optional {
    /// `--all-fields`.
    all: bool,
    /// Fields that are asked although nobody chose them in this setup.
    wanted: Vec<String>,
    /// The answers to the questions of [`Field::offer`].
    chosen: BTreeMap<String, bool>,
    typed: Values,
}

impl Optional {
    pub(super) fn new(all: bool) -> Self {
        Self { all, ..Self::default() }
    }

    /// Asks for these fields although nobody chooses them.
    pub(super) fn want(&mut self, names: impl IntoIterator<Item = String>) {
        self.wanted.extend(names);
    }

    /// Returns the values of an optional field. `types` says whether the same prompt asks the person for anything else.
    pub(super) fn ask(&mut self, field: &Field, types: bool) -> Result<Vec<Secret>, Error> {
        if let Some(typed) = self.typed.get(&*field.name) {
            return Ok(typed.iter().map(Secret::duplicate).collect());
        }
        if !self.is_asked(field, types)? {
            return Ok(Vec::new());
        }
        let values = prompt::ask(field, false)?;
        self.typed.insert(field.name.to_string(), values.iter().map(Secret::duplicate).collect());
        Ok(values)
    }

    /// Returns `true` for a field that is asked without a choice of the person.
    pub(super) fn is_wanted(&self, field: &Field) -> bool {
        self.all || self.wanted.iter().any(|name| field.name == *name)
    }

    fn is_asked(&mut self, field: &Field, types: bool) -> Result<bool, Error> {
        if self.is_wanted(field) {
            return Ok(true);
        }
        let Some(question) = field.offer.as_ref().map(|question| question.as_str()) else { return Ok(false) };
        if let Some(chosen) = self.chosen.get(question) {
            return Ok(*chosen);
        }
        if !types {
            return Ok(false);
        }
        let chosen = prompt::offered(question)?;
        self.chosen.insert(question.to_owned(), chosen);
        Ok(chosen)
    }

    /// Forgets what was typed into these fields, since it was malformed.
    pub(super) fn forget<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            self.typed.remove(name);
        }
    }

    pub(super) fn duplicate(&self) -> Self {
        let (wanted, chosen) = (self.wanted.clone(), self.chosen.clone());
        Self { all: self.all, wanted, chosen, typed: super::duplicate(&self.typed) }
    }
}
