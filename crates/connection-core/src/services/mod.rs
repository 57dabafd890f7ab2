//! The host's side of the services in a plugin's context: files, cryptography, the log, and the policy for local
//! tools. HTTP and time are in `connection-egress`.
//!
//! All of them enforce a policy: files are read only below granted directories.

pub(crate) mod crypto;
pub(crate) mod environment;
pub(crate) mod file_cache;
pub(crate) mod files;
pub(crate) mod local_services;
pub(crate) mod log;
pub(crate) mod provided_secrets;
mod tool_policy;

pub use environment::{Environment, SystemEnvironment};
pub use files::{DirectoryRefused, FilesPolicy};
pub use local_services::LoginWindow;
pub use provided_secrets::HostSecret;
pub use tool_policy::{AllowedTool, ToolNotAllowed, ToolPolicy, ToolPolicyError};
