//! The checks of a model: everything that a file must have, and what does not fit together. All problems are found in
//! one pass.
//!
//! | Module | Rule |
//! |---|---|
//! | `basics` | the id, the version, the mechanism and its table, the optional powers |
//! | `fields` | names, patterns, choices; secrets that are declared public |
//! | `variables` | a template refers to declared names only, and only where they have a value |
//! | `hosts` | no value decides freely which host receives a secret |
//! | `calls` | the requests, the account, the lookups |
//! | `helpers` | what programs get that ask for a credential |
//! | `removal` | where a person deletes the credential |
//! | `rules` | presets of rules, how paths are read, and the form of a program's token |
//! | `mechanisms` | OAuth 2, exchanges, JWTs and signatures of AWS |

mod basics;
mod calls;
mod fields;
mod helpers;
mod hosts;
mod mechanisms;
mod removal;
mod rules;
mod variables;

use std::collections::BTreeMap;

pub(crate) use self::{
    basics::newer_format,
    fields::sounds_secret,
    hosts::{fixed as fixed_host, hosts},
};
use super::{
    model::{FieldModel, KindModel, Mechanism},
    read::Denied,
    tree::{Key, Path},
};

/// A problem of a model, at the place in the file where the author has to correct it.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) path: Path,
    pub(crate) sentence: String,
    /// The problem may follow from a field that does not fit the model.
    pub(crate) about_fields: bool,
}

/// The position of a check in the model. It is built without an allocation, because most checks find nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At<'a> {
    Index(&'a Self, usize),
    Name(&'a Self, &'a str),
    Root,
}

impl At<'_> {
    fn path(self) -> Path {
        fn push(at: At<'_>, keys: &mut Vec<Key>) {
            match at {
                At::Root => {}
                At::Index(parent, index) => {
                    push(*parent, keys);
                    keys.push(Key::Index(index));
                }
                At::Name(parent, name) => {
                    push(*parent, keys);
                    keys.push(Key::Name(name.to_owned()));
                }
            }
        }
        let mut keys = Vec::new();
        push(self, &mut keys);
        Path(keys)
    }
}

/// The model, and what was found in it.
pub(crate) struct Checker<'m> {
    model: &'m KindModel,
    fields: BTreeMap<&'m str, &'m FieldModel>,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn report(&mut self, at: At<'_>, sentence: impl Into<String>) {
        self.findings.push(Finding { path: at.path(), sentence: sentence.into(), about_fields: false });
    }

    fn report_variable(&mut self, at: At<'_>, sentence: String) {
        self.findings.push(Finding { path: at.path(), sentence, about_fields: true });
    }

    fn mechanism(&self) -> Option<Mechanism> {
        self.model.mechanism
    }
}

/// Returns everything that is wrong with a model. `stem` is the id that the name of the file demands.
pub(crate) fn all(model: &KindModel, stem: Option<&str>, denied: &Denied) -> Vec<Finding> {
    let fields = model.fields.iter().filter_map(|field| Some((field.name.as_deref()?, field))).collect();
    let mut checker = Checker { model, fields, findings: Vec::new() };
    if let Some(finding) = newer_format(model.format) {
        // Nothing else is known about such a file.
        return vec![finding];
    }
    basics::check(&mut checker, stem, denied);
    fields::check(&mut checker);
    calls::check(&mut checker);
    removal::check(&mut checker);
    rules::check(&mut checker);
    helpers::check(&mut checker);
    mechanisms::check(&mut checker);
    if checker.findings.is_empty() {
        mechanisms::check_whole(&mut checker);
    }
    checker.findings
}
