//! The parts of its machine that a host lets its kinds use.

use std::{fmt, sync::Arc};

use connection_contract::Kind;

use super::RegistryBuilder;
use crate::{Environment, LoginWindow, ProfileId, ToolPolicy, ground::ProfileUses};

/// The parts of this machine that kinds may use: local tools, login windows, and the environment. A part that is not set
/// keeps its default, or the value of an earlier call of [`RegistryBuilder::machine`].
///
/// # Examples
///
/// ```
/// use connection_core::{AllowedTool, ConnectionRegistry, Machine, ToolPolicy};
///
/// let tools = ToolPolicy::new().allow(AllowedTool::new("claude"));
/// let builder = ConnectionRegistry::builder().store("connections.db").machine(Machine::new().tools(tools));
/// ```
#[derive(Default)]
#[must_use = "this takes effect in the builder of a registry"]
pub struct Machine {
    environment: Option<Arc<dyn Environment>>,
    login_window: Option<Arc<dyn LoginWindow>>,
    profile_uses: Option<ProfileUses>,
    tools: Option<ToolPolicy>,
}

impl Machine {
    /// Creates a value of which nothing is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the environment in which the base directories of plugins' paths are looked up. The default is the
    /// environment of this process.
    pub fn environment(mut self, environment: Arc<dyn Environment>) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Sets the window in which a person logs in. Without it, a kind that needs one reports that it is missing.
    pub fn login_window(mut self, window: Arc<dyn LoginWindow>) -> Self {
        self.login_window = Some(window);
        self
    }

    /// Sets a function that returns how many times this program currently uses a profile of an owner and a kind, for
    /// example for running sessions. A profile in use is not removed. By default, this program uses none.
    pub fn profile_uses(mut self, uses: impl Fn(&str, &Kind, ProfileId) -> usize + Send + Sync + 'static) -> Self {
        self.profile_uses = Some(Box::new(uses));
        self
    }

    /// Sets the policy for local tools: which ones kinds may look for and run, and what a profile may set for each. By
    /// default, no tool is allowed: a kind that declares one works without its tool, its profiles and its container.
    pub fn tools(mut self, policy: ToolPolicy) -> Self {
        self.tools = Some(policy);
        self
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("tools", &self.tools).finish_non_exhaustive()
    }
}

impl RegistryBuilder {
    /// Sets what kinds may use of this machine. A later call replaces what its value sets, and leaves the rest.
    pub fn machine(mut self, machine: Machine) -> Self {
        let Machine { environment, login_window, profile_uses, tools } = machine;
        self.environment = environment.unwrap_or(self.environment);
        self.local_services.window = login_window.or(self.local_services.window);
        self.profile_uses = profile_uses.or(self.profile_uses);
        self.local_services.tools = tools.unwrap_or(self.local_services.tools);
        self
    }
}
