//! The shapes of `move`.

use connection_core::{MachineBound, MoveUndone, Moved};
use serde::Serialize;

/// A database that was moved to a server.
#[derive(Debug, Serialize)]
pub(crate) struct MovedBody {
    from: String,
    to: String,
    connections: u64,
    rows: u64,
    seconds: u64,
    completed: bool,
    key: String,
    bound: Vec<MachineBoundBody>,
}

/// A part of a database that names something of its machine.
#[derive(Debug, Default, Serialize)]
struct MachineBoundBody {
    what: &'static str,
    owner: Option<String>,
    kind: Option<String>,
    directory: Option<String>,
    count: u64,
}

/// A move that was taken back.
#[derive(Debug, Serialize)]
pub(crate) struct MoveUndoneBody {
    database: String,
    server: String,
    unreached: Option<String>,
}

impl MovedBody {
    /// `key` says how the key gets to the server.
    pub(crate) fn new(moved: &Moved, key: String) -> Self {
        Self {
            from: moved.from.clone(),
            to: moved.to.clone(),
            connections: moved.connections,
            rows: moved.rows,
            seconds: moved.took.as_secs(),
            completed: moved.is_completed,
            key,
            bound: moved.bound.iter().map(MachineBoundBody::from).collect(),
        }
    }
}

impl From<&MachineBound> for MachineBoundBody {
    fn from(bound: &MachineBound) -> Self {
        let of_kind = |what, kind: String, count| Self { what, kind: Some(kind), count, ..Self::default() };
        match bound {
            MachineBound::Directories { kind, connections } => of_kind("directories", kind.to_string(), *connections),
            MachineBound::Profile { owner, kind, directory } => Self {
                owner: Some(owner.clone()),
                directory: Some(directory.clone()),
                ..of_kind("profile", kind.clone(), 1)
            },
            MachineBound::Setups { setups } => Self { what: "setups", count: *setups, ..Self::default() },
            MachineBound::Tool { kind, connections } => of_kind("tool", kind.to_string(), *connections),
            MachineBound::UnknownKind { kind, connections } => of_kind("unknown_kind", kind.clone(), *connections),
            MachineBound::Webhooks { connections } => Self { what: "webhooks", count: *connections, ..Self::default() },
            _ => Self { what: "other", ..Self::default() },
        }
    }
}

impl From<&MoveUndone> for MoveUndoneBody {
    fn from(undone: &MoveUndone) -> Self {
        Self { database: undone.database.clone(), server: undone.server.clone(), unreached: undone.unreached.clone() }
    }
}
