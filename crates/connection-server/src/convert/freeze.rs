//! Freezes, and where what was frozen or taken back is not in force yet.

use connection_api as api;
use connection_contract::Timestamp;
use connection_core::{Freeze, FreezeChange, Froze, Frozen, InForce, Released, Thawed};

/// Converts something that is frozen.
pub fn freeze(freeze: &Freeze) -> api::Freeze {
    api::Freeze {
        what: freeze.what.to_string(),
        owner: freeze.owner.clone(),
        at: freeze.at.map(Timestamp::to_rfc3339),
        by: freeze.by.as_ref().map(ToString::to_string),
    }
}

/// Converts a note that something was frozen or thawed.
pub fn freeze_change(change: &FreezeChange) -> api::FreezeChange {
    api::FreezeChange {
        what: change.what.to_string(),
        owner: change.owner.clone(),
        at: change.at.to_rfc3339(),
        by: change.by.as_ref().map(ToString::to_string),
        frozen: change.is_freeze,
    }
}

/// Converts the result of freezing.
pub fn froze(froze: &Froze) -> api::Froze {
    api::Froze {
        what: froze.what.to_string(),
        was_frozen: froze.was_frozen,
        connections: froze.connections,
        released: froze.released.iter().map(released).collect(),
        has_older: froze.has_older,
        remaining: remaining(&froze.in_force),
    }
}

/// Converts what was taken back.
pub fn withdrawal(in_force: &InForce) -> api::Withdrawal {
    api::Withdrawal { remaining: remaining(in_force) }
}

/// Returns the names of the processes that have not confirmed a change.
pub(crate) fn remaining(in_force: &InForce) -> Vec<String> {
    in_force.remaining().iter().map(ToString::to_string).collect()
}

fn released(released: &Released) -> api::ReleasedSecret {
    let (kind, label) = released.connection_name.clone().unzip();
    api::ReleasedSecret {
        connection: released.connection.to_string(),
        kind: kind.map(|kind| kind.to_string()),
        label: label.map(|label| label.to_string()),
        name: released.name.clone(),
        extension: released.extension.as_ref().map(ToString::to_string),
        agent: released.agent.as_ref().map(ToString::to_string),
        times: released.times,
        last_at: released.last_at.to_rfc3339(),
        remedy: released.remedy(),
    }
}

/// Converts the result of thawing.
pub fn thawed(what: &Frozen, thawed: &Thawed) -> api::Thawed {
    api::Thawed {
        what: what.to_string(),
        was_frozen: thawed.was_frozen,
        still: thawed.still.iter().map(ToString::to_string).collect(),
    }
}
