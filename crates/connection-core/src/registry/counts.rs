//! The store in numbers, for the metrics of a host.

use std::collections::BTreeMap;

use connection_contract::{Kind, Liveness};

use crate::{
    liveness::column,
    store::{LivenessCountRow, WaitingRow},
};

/// The contents of a store and its queues, in numbers over all owners and processes. They name no connection.
///
/// ```
/// use connection_core::{ConnectionRegistry, Error};
///
/// async fn report(registry: &ConnectionRegistry) -> Result<(), Error> {
///     let counts = registry.store().counts().await?;
///     for (kind, liveness, connections) in &counts.connections {
///         println!("{connections} connections of {kind} are {liveness:?}");
///     }
///     println!("{} credentials are due for a refresh", counts.refreshes_due);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCounts {
    /// The number of connections of each kind and liveness that occurs, in the order of the kinds.
    pub connections: Vec<(Kind, Liveness, u64)>,
    /// The number of setups that have not ended.
    pub setups_open: u64,
    /// The number of credentials of registered kinds that are due for a refresh, with those that are being refreshed.
    pub refreshes_due: u64,
    /// The number of connections of registered kinds that are due for a verification.
    pub probes_due: u64,
    /// The number of webhooks that no receiver has acknowledged.
    pub webhooks_waiting: u64,
    /// The number of requests that use up a token or a code and whose answer is not known.
    pub exchanges_open: u64,
}

impl StoreCounts {
    pub(super) fn of(rows: &[LivenessCountRow], waiting: Option<WaitingRow>) -> Self {
        let mut connections = BTreeMap::<_, (Kind, Liveness, u64)>::new();
        for row in rows {
            // A name that no kind can have was not written by this program.
            let Some(kind) = Kind::parse(&row.kind) else { continue };
            // Words that this program does not know count as one liveness.
            let liveness = column::to_liveness(&row.liveness);
            let key = (row.kind.as_str(), column::liveness(liveness));
            let (.., count) = connections.entry(key).or_insert((kind, liveness, 0));
            *count = count.saturating_add(number(row.count));
        }
        let connections = connections.into_values().collect();
        let Some(waiting) = waiting else { return Self { connections, ..Self::default() } };
        Self {
            connections,
            setups_open: number(waiting.setups),
            refreshes_due: number(waiting.refreshes),
            probes_due: number(waiting.checks),
            webhooks_waiting: number(waiting.webhooks),
            exchanges_open: number(waiting.exchanges),
        }
    }
}

/// Converts a count of rows, which is never negative.
fn number(count: i64) -> u64 {
    count.try_into().unwrap_or_default()
}
