//! Freezing and thawing, for the owner of a handle.

use super::ConnectionRegistry;
use crate::{Freezes, ground::Scope};

impl ConnectionRegistry {
    /// Returns what is frozen. A frozen connection is kept alive, and is not used.
    pub fn freezes(&self) -> Freezes<'_> {
        Freezes::new(Scope { system: &self.systems.ground, owner: &self.owner })
    }
}
