//! The services that a host provides to its kinds.

use std::sync::Arc;

use super::RegistryBuilder;
use crate::{Clock, IdGenerator, LoginWindow, ToolPolicy};

impl RegistryBuilder {
    /// Sets the clock. The default is the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the generator of ids. The default is [`UuidV7`](crate::UuidV7).
    pub fn ids(mut self, ids: Arc<dyn IdGenerator>) -> Self {
        self.ids = ids;
        self
    }

    /// Sets the window in which a person logs in. Without it, a kind that needs one reports that it is missing.
    pub fn login_window(mut self, window: Arc<dyn LoginWindow>) -> Self {
        self.lent.window = Some(window);
        self
    }

    /// Sets the policy for local tools: which ones kinds may look for and run, and what a profile may set for each. By
    /// default, no tool is allowed: a kind that declares one works without its tool, its profiles and its container.
    pub fn tools(mut self, policy: ToolPolicy) -> Self {
        self.lent.tools = policy;
        self
    }
}
