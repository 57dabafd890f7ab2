//! The line below a list that counts the connections in each state.

use connection_contract::Liveness;
use connection_core::ConnectionInfo;

use crate::output::condition;

/// The numbers of connections in each state. Each connection is counted once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StateCounts {
    pub(super) failing: u64,
    pub(super) offline: u64,
    pub(super) unknown: u64,
    pub(super) live: u64,
}

impl StateCounts {
    pub(super) fn add(&mut self, info: &ConnectionInfo) {
        *match condition(info).0 {
            Liveness::Failing => &mut self.failing,
            Liveness::Offline => &mut self.offline,
            Liveness::Live => &mut self.live,
            _ => &mut self.unknown,
        } += 1;
    }

    /// Returns the line, in the order of the table; `None` if the table itself shows that all connections work, or
    /// shows only one.
    pub(super) fn line(&self) -> Option<String> {
        let Self { failing, offline, unknown, live } = *self;
        let all = failing + offline + unknown + live;
        if all < 2 || all == live {
            return None;
        }
        let states = [(failing, "failing"), (offline, "offline"), (unknown, "unknown (not checked)"), (live, "live")];
        let states = states.iter().filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}"));
        Some(format!("{all} connections: {}", states.collect::<Vec<_>>().join(", ")))
    }
}
