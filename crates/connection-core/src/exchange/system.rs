//! The state of the exchanges of one opened registry.

use std::{ops::Deref, sync::Arc};

use super::{Exchanges, StateDirectory};
use crate::credential;

/// The exchanges in progress, on top of the credentials.
///
/// It dereferences to the system below it, and so to the ground.
pub(crate) struct System {
    pub(crate) credential: Arc<credential::System>,
    pub(crate) exchanges: Exchanges,
    /// The state directory of this node, if there is one.
    pub(crate) state: Option<Arc<StateDirectory>>,
}

impl Deref for System {
    type Target = Arc<credential::System>;

    fn deref(&self) -> &Self::Target {
        &self.credential
    }
}
