//! Kinds as data: a file that describes a provider becomes a [`ConnectionDefinition`].
//!
//! | Module | Owns |
//! |---|---|
//! | `read`, `tree/` | from text to a model; the lines of problems |
//! | `model/` | the shape of the format |
//! | `template/`, `pattern` | texts with variables; regular expressions |
//! | `check/` | what a file must have, and what does not fit together |
//! | `definition/` | the kind that a file describes |
//! | `file`, `set`, `catalogue` | one file, files together, and the files that are embedded |
//! | `rendering` | every request of a kind, with dummy values |
//!
//! [`ConnectionDefinition`]: connection_contract::ConnectionDefinition

mod catalogue;
mod catalogue_files;
mod check;
mod definition;
mod file;
mod model;
mod pattern;
mod problem;
mod read;
mod rendering;
mod schema;
mod set;
mod template;
mod tree;

pub use self::{
    catalogue::Catalogue,
    definition::{FileCredential, FileKind},
    file::KindFile,
    model::Power,
    problem::{Problem, Problems},
    rendering::Rendering,
    schema::kind_schema,
    set::KindSet,
};
