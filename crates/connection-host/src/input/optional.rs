//! The optional fields of a setup for which a person is asked.
//!
//! A person is asked for an optional field with `--all-fields`, after agreeing to the question with which its kind
//! offers it, or if the prompt asks for nothing else. Typed answers are kept for the rest of the setup, so that they
//! are not asked for again after another answer was refused.

use std::collections::BTreeMap;

use connection_contract::{Field, Secret};

use super::{Values, prompt};
use crate::Error;

/// The choices of a person, and the answers that the person has typed.
#[derive(Default)]
pub(super) struct Optional {
    /// `true` if `--all-fields` was given.
    all: bool,
    /// Fields that are asked for although no person chose them in this setup.
    wanted: Vec<String>,
    /// The answers to the questions of [`Field::offer`].
    chosen: BTreeMap<String, bool>,
    typed: Values,
}

impl Optional {
    pub(super) fn new(all: bool) -> Self {
        Self { all, ..Self::default() }
    }

    /// Asks for these fields without a choice of the person.
    pub(super) fn want(&mut self, names: impl IntoIterator<Item = String>) {
        self.wanted.extend(names);
    }

    /// Returns the values of an optional field. `types` is `true` if the same prompt asks the person for anything else.
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

    /// Returns `true` for a field that is asked for without a choice of the person.
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

    /// Forgets the typed answers to these fields, which were malformed.
    pub(super) fn forget<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            self.typed.remove(name);
        }
    }

    pub(super) fn duplicate(&self) -> Self {
        Self {
            all: self.all,
            wanted: self.wanted.clone(),
            chosen: self.chosen.clone(),
            typed: super::duplicate(&self.typed),
        }
    }
}
