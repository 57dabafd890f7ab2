//! The state of the credentials of one opened registry.

use std::sync::Arc;

use super::HotRows;
use crate::ground::Ground;

/// The cached rows of connections in use, over the ground.
pub(crate) struct System {
    pub(crate) ground: Arc<Ground>,
    pub(crate) hot: Arc<HotRows>,
}
