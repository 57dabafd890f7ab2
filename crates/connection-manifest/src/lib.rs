//! What extensions declare of themselves and of the connection that they need, read from JSON files.
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
//! assert_eq!(file.notes()[0].to_string(), "field '/icon': this is not read here; it is kept");
//! # Ok::<(), connection_manifest::ManifestError>(())
//! ```
//!
//! A file that was written for another host is taken as it is: what is not read here is kept, written out again and
//! reported. The rules of what is read are the contract's ([`ExtensionDeclaration::check`]); this crate adds those of
//! files. The format is in `docs/spec/requirements.md`, and as JSON Schema in `docs/spec/extension.schema.json`.
//!
//! [`ExtensionDeclaration::check`]: connection_contract::ExtensionDeclaration::check
//!
//! # Where things are
//!
//! | Module | Owns |
//! |---|---|
//! | `json` | a file's bytes as a document: its size, its depth, each key once |
//! | `object` | an object whose members are taken one by one, and what becomes of the others |
//! | `extension/` | the format of extensions: read, checked, written |
//! | `error`, `note` | what ends the reading of a file, and what does not |
//!
//! # What this crate is not
//!
//! It does no I/O: a host reads files, and gives their names to errors with [`ManifestError::in_file`]. It knows no
//! provider, holds no state of a run, and resolves nothing: whether a connection is there is the core's to say.
//!
//! # Stability
//!
//! May change without notice, but for the format, which grows only: what was once read is read.
#![forbid(unsafe_code)]

mod error;
mod extension;
mod json;
mod note;
mod object;

pub use error::ManifestError;
pub use extension::ExtensionFile;
pub use note::Note;
