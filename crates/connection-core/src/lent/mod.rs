//! The services of this machine that a kind may use: local tools, login windows and the cache of file results. A
//! kind gets a handle to them once, when it is registered.
//!
//! Each service is limited by what the kind's descriptor declares. In a setup, each call is an effect of its
//! session, also through the handle; see `setup/lent.rs`.

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

/// The services that this host provides to kinds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lent {
    /// The tools that may be searched for and run; none by default.
    pub(crate) tools: ToolPolicy,
    pub(crate) window: Option<Arc<dyn LoginWindow>>,
}

impl Lent {
    /// Returns how the kind's tool is pointed at a profile, if the kind has profiles and this host allows them.
    pub(crate) fn profiles<'a>(&self, kind: &'a KindEntry) -> Option<&'a ProfileSpec> {
        let spec = kind.profiles.as_ref()?;
        self.tools.check_profiles(&kind.descriptor, spec).is_ok().then_some(spec)
    }
}
