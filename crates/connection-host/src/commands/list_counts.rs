//! The line below a list that counts the connections in each state.

use connection_api::{Connection, ConnectionCounts, Liveness};

/// The numbers of connections in each state. Each connection is counted once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StateCounts {
    pub(super) failing: u64,
    pub(super) offline: u64,
    pub(super) unknown: u64,
    pub(super) live: u64,
    /// The number up to which connections were counted; `None` if all were.
    limit: Option<u64>,
}

impl From<ConnectionCounts> for StateCounts {
    fn from(counts: ConnectionCounts) -> Self {
        let ConnectionCounts { live, offline, failing, unknown, limit, .. } = counts;
        Self { failing, offline, unknown, live, limit: Some(limit) }
    }
}

impl StateCounts {
    pub(super) fn add(&mut self, of: &Connection) {
        *match of.liveness {
            Liveness::Failing => &mut self.failing,
            Liveness::Offline => &mut self.offline,
            Liveness::Live => &mut self.live,
            _ => &mut self.unknown,
        } += 1;
    }

    /// Returns the line, in the order of the table; `None` if the table itself shows that all connections work, or
    /// shows only one.
    pub(super) fn line(&self) -> Option<String> {
        let Self { failing, offline, unknown, live, limit } = *self;
        let all = failing + offline + unknown + live;
        let number = |count: u64| match limit.filter(|limit| count > *limit) {
            Some(limit) => format!("more than {limit}"),
            None => count.to_string(),
        };
        if all < 2 || all == live {
            return None;
        }
        let states = [(failing, "failing"), (offline, "offline"), (unknown, "unknown (not checked)"), (live, "live")];
        let states =
            states.iter().filter(|(count, _)| *count > 0).map(|(count, state)| format!("{} {state}", number(*count)));
        Some(format!("{} connections: {}", number(all), states.collect::<Vec<_>>().join(", ")))
    }
}
