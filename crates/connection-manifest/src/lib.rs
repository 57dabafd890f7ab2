//! The manifests of extensions: JSON files in which an extension declares itself and the connection that it needs.
//!
//! ```
//! use connection_manifest::ExtensionFile;
//!
//! let file = ExtensionFile::parse(
//!     br#"{
//!         "name": "issues",
//!         "icon": "bug.png",
//!         "connection": {
//!             "id": "default",
//!             "provider": "acme",
//!             "title": "Acme",
//!             "auth": { "type": "apiKey", "secretNames": ["accessToken"] }
//!         }
//!     }"#,
//! )?;
//! assert_eq!(file.declaration().requirement.provider.as_str(), "acme");
//! assert_eq!(file.notes()[0].to_string(), "field '/icon': this program does not read this; it is kept");
//! # Ok::<(), connection_manifest::ManifestError>(())
//! ```
//!
//! A file that was written for another host is accepted: members that are not read here are kept, written out again
//! and reported. The rules of a declaration belong to the contract ([`ExtensionDeclaration::check`]); this crate adds
//! those of files. The format is specified in `docs/spec/requirements.md`, and as JSON Schema in
//! `docs/spec/extension.schema.json`.
//!
//! [`ExtensionDeclaration::check`]: connection_contract::ExtensionDeclaration::check
//!
//! # Modules
//!
//! | Module | Owns |
//! |---|---|
//! | `json` | parsing: the size and depth of a document, unique keys |
//! | `object` | objects whose members are taken one by one, and the treatment of the others |
//! | `extension/` | the format of extensions: reading, checking, writing |
//! | `error`, `note` | errors that refuse a file, and notes that do not |
//!
//! # What this crate is not
//!
//! It does no I/O: a host reads files, and adds their names to errors with [`ManifestError::in_file`]. It knows no
//! provider, holds no state of a run, and resolves nothing: the core decides whether a connection exists.
//!
//! # Stability
//!
//! May change without notice, except for the format, which only grows: a file that was once accepted stays accepted.
#![forbid(unsafe_code)]

mod error;
mod extension;
mod json;
mod kind;
mod note;
mod object;

pub use error::ManifestError;
pub use extension::ExtensionFile;
pub use kind::{Catalogue, FileCredential, FileKind, KindFile, KindSet, Power, Problem, Problems, kind_schema};
pub use note::Note;
