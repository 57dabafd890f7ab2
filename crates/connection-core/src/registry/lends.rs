//! What a host lends its kinds, or does not.

use std::sync::Arc;

use super::RegistryBuilder;
use crate::{LoginWindow, ToolPolicy};

impl RegistryBuilder {
    /// How a person logs in in a window of this host; without it, kinds that need one say so.
    pub fn login_window(mut self, window: Arc<dyn LoginWindow>) -> Self {
        self.lent.window = Some(window);
        self
    }
    /// Which local programs kinds may look for and run, and what a profile may set for each. None, unless given: a kind
    /// that declares another one works without its tool, its profiles and its container.
    pub fn tools(mut self, policy: ToolPolicy) -> Self {
        self.lent.tools = policy;
        self
    }
}
