//! The state of the credentials of one opened registry.

use std::{ops::Deref, sync::Arc};

use super::HotRows;
use crate::ground::Ground;

/// The cached rows of connections in use, over the ground.
///
/// It dereferences to the ground, so that `&Arc<System>` is also accepted where `&Arc<Ground>` is expected.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) hot: Arc<HotRows>,
}

impl Deref for System {
    type Target = Arc<Ground>;

    fn deref(&self) -> &Self::Target {
        &self.ground
    }
}
