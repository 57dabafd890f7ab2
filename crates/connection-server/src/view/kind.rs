//! The changes of kinds.

use connection_api::KindChanges;
use connection_contract::Kind;
use connection_core::KindChange;

use crate::{body::tag, convert};

/// Returns the changes of a kind, all of which are of this kind.
pub fn kind_changes(kind: &Kind, changes: &[KindChange]) -> KindChanges {
    // The whole texts count, so that a change in the order of their lines is another one, too.
    let seen = tag(&changes.iter().map(|change| (&change.before, &change.now)).collect::<Vec<_>>());
    KindChanges {
        kind: kind.to_string(),
        connections: changes.iter().map(|change| change.connections).sum(),
        changes: changes.iter().map(convert::kind_change).collect(),
        seen,
    }
}
