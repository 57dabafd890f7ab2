//! Files that declare: the manifests of extensions, and kinds as data.
//!
//! The manifest of an extension is a JSON file in which an extension declares itself and the connection that it needs.
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
//! # Kinds
//!
//! A [`KindFile`] describes a way to connect accounts of a provider, in TOML or JSON. It becomes a [`FileKind`], which a
//! host registers like any other kind:
//!
//! ```
//! # // region: readme
//! use connection_contract::ConnectionDefinition;
//! use connection_manifest::KindFile;
//!
//! let file = KindFile::parse("acme.toml", r#"
//! format = 1
//! id = "acme"
//! name = "Acme"
//! mechanism = "api_key"
//!
//! [[fields]]
//! name = "apiKey"
//! label = "API key"
//! secret = true
//!
//! [request]
//! base = "https://api.acme.com"
//! headers = { Authorization = "Bearer ${secret.apiKey}" }
//!
//! [verify]
//! path = "/me"
//!
//! [account]
//! id = "/id"
//! label = "/name"
//! "#)?;
//! assert_eq!(file.definition().descriptor().origins, ["https://api.acme.com"]);
//! # // end: readme
//! # Ok::<(), connection_manifest::Problems>(())
//! ```
//!
//! All problems of a file are reported at once. The format is published as JSON Schema in
//! `docs/spec/kind.schema.json` ([`kind_schema`]).
//!
//! If no kind covers the provider of an extension, its declaration makes one: a [`DeclaredKind`].
//!
//! # Modules
//!
//! | Module | Owns |
//! |---|---|
//! | `json` | parsing: the size and depth of a document, unique keys |
//! | `object` | objects whose members are taken one by one, and the treatment of the others |
//! | `kind/` | kinds as files: the format, its checks, and the definition that a file becomes |
//! | `nango/` | the conversion of another project's descriptions into kind files |
//! | `extension/` | the format of extensions: reading, checking, writing |
//! | `declared/` | the kind that an extension's declaration makes of itself |
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

mod declared;
mod error;
mod extension;
mod json;
mod kind;
mod nango;
mod note;
mod object;

pub use declared::DeclaredKind;
pub use error::ManifestError;
pub use extension::ExtensionFile;
pub use kind::{
    Catalogue, FileCredential, FileKind, KindFile, KindSet, Power, Problem, Problems, Rehearsal, RehearsedCall,
    RehearsedInput, Rendering, kind_schema,
};
pub use nango::{NangoEntry, NangoImport, NangoOutcome};
pub use note::Note;
