//! What a host lends its kinds, or does not.

use std::sync::Arc;

use super::RegistryBuilder;
use crate::{Clock, IdGenerator, LoginWindow, ToolPolicy};

impl RegistryBuilder {
    /// The time; the system's unless given.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
    /// The generator of ids; [`UuidV7`](crate::UuidV7) unless given.
    pub fn ids(mut self, ids: Arc<dyn IdGenerator>) -> Self {
        self.ids = ids;
        self
    }
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
