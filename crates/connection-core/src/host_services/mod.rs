//! The services of this machine that a kind may use: local tools, login windows, the cache of file results, and
//! the values that it stores. A kind gets a handle to them once, when it is registered.
//!
//! Each service is limited by what the kind's descriptor declares. In a setup, each call is an effect of its
//! session, also through the handle; see `setup/current_run.rs`.

mod cache;
pub(crate) mod kv;
mod login_window;
mod machine_tools;
mod tools;
mod version_command;

pub(crate) use cache::CachedFiles;
pub(crate) use login_window::{MAX_TIMEOUT as LONGEST_WINDOW, WindowOwner, Windows};
pub use machine_tools::MachineTools;
pub(crate) use tools::LocalTools;
