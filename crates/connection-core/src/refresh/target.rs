//! The credential that a refresh replaces.

use std::sync::Arc;

use super::{System, Trigger};
use crate::{ConnectionInfo, ground::Scope, kinds::KindEntry, plan::Plan};

/// The credential to refresh, as it was read before the lease was taken.
pub(super) struct Target<'a> {
    pub(super) scope: Scope<'a, System>,
    pub(super) info: ConnectionInfo,
    pub(super) kind: Arc<KindEntry>,
    /// The generation of the credential to replace.
    pub(super) generation: i64,
    pub(super) plan: Plan,
    pub(super) why: Trigger,
}
