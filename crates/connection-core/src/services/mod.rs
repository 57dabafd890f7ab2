//! The host's side of the services in a plugin's context: HTTP, files, values, time, cryptography and the log.
//!
//! All of them enforce a policy: requests are sent only to granted origins, and files are read only below granted
//! directories.

pub(crate) mod clock;
pub(crate) mod crypto;
pub(crate) mod environment;
pub(crate) mod file_cache;
pub(crate) mod files;
pub(crate) mod given;
pub(crate) mod http;
pub(crate) mod kv;
pub(crate) mod log;
pub(crate) mod secret_buffer;
#[cfg(test)]
pub(crate) mod test_log;
#[cfg(test)]
pub(crate) mod test_server;

pub(crate) use clock::Moment;
pub use clock::{Boot, Clock, ManualClock, SystemClock};
pub use environment::{Environment, SystemEnvironment};
pub use files::{DirectoryRefused, FilesPolicy};
pub use given::HostSecret;
pub use http::{HttpPolicy, HttpPolicyError};
pub(crate) use log::OPERATIONS;
