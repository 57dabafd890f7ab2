//! The command line of Connections: a library for building a binary with your own kinds, and the binary `connections`.
//!
//! ```no_run
//! # mod acme {
//! #     use connection_contract::prelude::*;
//! #     pub struct Acme;
//! #     impl ConnectionDefinition for Acme {
//! #         type Credential = ();
//! #         fn descriptor(&self) -> Descriptor {
//! #             Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::None)
//! #         }
//! #         async fn setup(&self, _: &SetupContext<'_>) -> Result<SetupResult<()>, SetupFailure> {
//! #             Ok(SetupResult::new((), Identity::new("acme", "acme")))
//! #         }
//! #         fn serialize_credential(&self, _: &()) -> Result<Secret, CredentialError> {
//! #             Ok(Secret::default())
//! #         }
//! #         fn parse_credential(&self, _: &[u8]) -> Result<(), CredentialError> {
//! #             Ok(())
//! #         }
//! #         async fn verify(&self, _: &(), _: &VerifyContext<'_>) -> Result<VerifyResult<()>, ConnectionError> {
//! #             Ok(VerifyResult::live())
//! #         }
//! #     }
//! # }
//! fn main() -> std::process::ExitCode {
//!     connection_host::Cli::new().kind(acme::Acme).run()
//! }
//! ```
//!
//! # What this crate is not
//!
//! It stores no connection and opens no secret; `connection-core` does. Only the file `plugins.rs` names providers.
//!
//! The API of the library may change without notice. The words that scripts see (configuration keys, exit codes, error
//! codes, JSON shapes) are a contract, see `docs/spec/words.md` and [`words`].

mod applications;
mod args;
mod backend;
mod catalogue;
mod cli;
mod commands;
mod common;
mod completion;
mod config;
#[cfg(unix)]
mod courier;
mod empty_store;
mod error;
mod extensions;
mod inbound;
mod input;
mod kind_entry;
mod kinds_directory;
mod name;
mod output;
mod platform;
mod plugins;
mod program;
mod select;
mod spelling;
pub mod words;

pub use cli::Cli;
pub use config::{KEYS, Key, KeyType};
pub use connection_core::AllowedTool;
pub use error::{Error, Exit};
