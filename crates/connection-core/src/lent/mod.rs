//! What a kind is lent of this machine: local tools, windows to log in, what was made of files; and the handle that it
//! gets once, when it is registered.
//!
//! Each is bounded by what the kind's descriptor declares. In a setup each is an effect of its session, also by way of the
//! handle; see `setup/lent.rs`.

mod activate;
mod cache;
mod handle;
mod machine;
mod policy;
mod process;
mod tools;
mod window;

use std::sync::Arc;

use connection_contract::ProfileSpec;

use crate::registry::KindEntry;

pub(crate) use activate::{Activation, activate};
pub(crate) use cache::CachedFiles;
pub use machine::MachineTools;
pub(crate) use policy::is_bare;
pub use policy::{AllowedTool, ToolNotAllowed, ToolPolicy, ToolPolicyError};
pub(crate) use tools::LocalTools;
pub use window::LoginWindow;
pub(crate) use window::{LONGEST as LONGEST_WINDOW, Whose, Windows};

/// What this host lends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lent {
    /// Which tools are looked for and run; none by default.
    pub(crate) tools: ToolPolicy,
    pub(crate) window: Option<Arc<dyn LoginWindow>>,
}

impl Lent {
    /// How a kind's tool is pointed at a profile, where the kind says so and this host allows it.
    pub(crate) fn profiles<'a>(&self, kind: &'a KindEntry) -> Option<&'a ProfileSpec> {
        let spec = kind.profiles.as_ref()?;
        self.tools.check_profiles(&kind.descriptor, spec).is_ok().then_some(spec)
    }
}
