//! What a host lends its kinds, or does not.

use std::sync::Arc;

use super::RegistryBuilder;
use crate::LoginWindow;

impl RegistryBuilder {
    /// How a person logs in in a window of this host; without it, kinds that need one say so.
    pub fn login_window(mut self, window: Arc<dyn LoginWindow>) -> Self {
        self.lent.window = Some(window);
        self
    }
    /// Looks for no local tool and runs none, for any kind: for a host that is not the machine of its users.
    pub fn without_tools(mut self) -> Self {
        self.lent.tools = false;
        self
    }
}
