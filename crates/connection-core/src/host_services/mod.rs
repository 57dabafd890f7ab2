//! The services of this machine that a kind may use: local tools, login windows and the cache of file results. A
//! kind gets a handle to them once, when it is registered.
//!
//! Each service is limited by what the kind's descriptor declares. In a setup, each call is an effect of its
//! session, also through the handle; see `setup/current_run.rs`.

mod activate;
mod cache;
mod handle;
mod login_window;
mod machine_tools;
mod policy;
mod tools;
mod version_command;

use std::sync::Arc;

use connection_contract::ProfileSpec;

use crate::registry::KindEntry;

pub(crate) use activate::{Activation, activate};
pub(crate) use cache::CachedFiles;
pub use login_window::LoginWindow;
pub(crate) use login_window::{MAX_TIMEOUT as LONGEST_WINDOW, WindowOwner, Windows};
pub use machine_tools::MachineTools;
pub(crate) use policy::is_bare;
pub use policy::{AllowedTool, ToolNotAllowed, ToolPolicy, ToolPolicyError};
pub(crate) use tools::LocalTools;

/// The services that this host provides to kinds.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalServices {
    /// The tools that may be searched for and run; none by default.
    pub(crate) tools: ToolPolicy,
    pub(crate) window: Option<Arc<dyn LoginWindow>>,
}

impl LocalServices {
    /// Returns how the kind's tool is pointed at a profile, if the kind has profiles and this host allows them.
    pub(crate) fn profiles<'a>(&self, kind: &'a KindEntry) -> Option<&'a ProfileSpec> {
        let spec = kind.profiles.as_ref()?;
        self.tools.check_profiles(&kind.descriptor, spec).is_ok().then_some(spec)
    }
}
