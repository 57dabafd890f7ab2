//! What a kind is lent of this machine: local tools, windows to log in, what was made of files; and the handle that it
//! gets once, when it is registered.
//!
//! Each is bounded by what the kind's descriptor declares. In a setup each is an effect of its session, also by way of the
//! handle; see `setup/lent.rs`.

mod activate;
mod cache;
mod handle;
mod machine;
mod process;
mod tools;
mod window;

use std::sync::Arc;

pub(crate) use activate::{Activation, activate};
pub(crate) use cache::CachedFiles;
pub use machine::MachineTools;
pub(crate) use tools::LocalTools;
pub use window::LoginWindow;
pub(crate) use window::{LONGEST as LONGEST_WINDOW, Whose, Windows};

/// What this host lends.
#[derive(Clone, Debug)]
pub(crate) struct Lent {
    /// Whether tools are looked for and run.
    pub(crate) tools: bool,
    pub(crate) window: Option<Arc<dyn LoginWindow>>,
}

impl Default for Lent {
    fn default() -> Self {
        Self { tools: true, window: None }
    }
}
