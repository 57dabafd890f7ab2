//! The state of the exchanges of one opened registry.

use std::{ops::Deref, sync::Arc};

use super::{Exchanges, StateDirectory};
use crate::ground::Ground;

/// The exchanges in progress, on top of the [`Ground`].
///
/// It dereferences to the ground, so that `&Arc<System>` is also accepted where `&Arc<Ground>` is expected.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) exchanges: Exchanges,
    /// The state directory of this node, if there is one.
    pub(crate) state: Option<Arc<StateDirectory>>,
}

impl Deref for System {
    type Target = Arc<Ground>;

    fn deref(&self) -> &Self::Target {
        &self.ground
    }
}
