//! Kinds as data: a file that describes a provider becomes a [`ConnectionDefinition`].
//!
//! | Module | Owns |
//! |---|---|
//! | `text`, `read`, `strict`, `tree/` | from bytes to a model; the lines of problems |
//! | `in_json` | the remedies of problems, as JSON has them |
//! | `model/` | the shape of the format |
//! | `template/`, `pattern` | texts with variables; regular expressions |
//! | `check/` | what a file must have, and what does not fit together |
//! | `account_name` | the question which account a secret belongs to |
//! | `definition/` | the kind that a file describes |
//! | `file`, `set`, `catalogue` | one file, files together, and the files that are embedded |
//! | `rendering/` | every request of a kind, with dummy values; the script of a conformance suite |
//!
//! [`ConnectionDefinition`]: connection_contract::ConnectionDefinition

mod account_name;
mod catalogue;
mod catalogue_files;
mod check;
mod definition;
mod file;
mod in_json;
mod model;
mod pattern;
mod problem;
mod read;
mod rendering;
mod schema;
mod set;
mod strict;
mod template;
mod text;
mod tree;

pub(crate) use self::template::Values;
pub use self::{
    catalogue::Catalogue,
    definition::{FileCredential, FileKind},
    file::KindFile,
    model::Power,
    problem::{Problem, Problems},
    rendering::{Rehearsal, RehearsedCall, RehearsedInput, Rendering},
    schema::kind_schema,
    set::KindSet,
};
pub(crate) use self::{
    check::{fixed_host, sounds_secret},
    pattern::check as check_pattern,
};
