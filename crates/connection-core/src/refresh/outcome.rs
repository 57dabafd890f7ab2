//! How refreshes ended, told to the log and counted. `docs/spec/refresh.md` lists the words.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use connection_contract::Kind;

use crate::{ConnectionInfo, ConnectionRegistry, registry::Shared};

/// How a refresh ended. Callers who joined one that was under way are not counted beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// Somebody had renewed it already: this credential was taken.
    Adopted,
    /// It is tried again; nothing was lost.
    Failed,
    /// The provider renews it no more: a person must authorize the connection again.
    NeedsReauthorization,
    /// A fresh credential is stored.
    Refreshed,
    /// As [`Refreshed`](Self::Refreshed), by a process whose lease was over.
    RefreshedLate,
    /// As [`Refreshed`](Self::Refreshed), after an answer was lost and the request was sent once more.
    Replayed,
    /// Another credential was stored meanwhile; the renewed one was dropped.
    Superseded,
    /// A token may have been spent, and the answer is lost.
    Uncertain,
    /// Another process was at it and was waited for; what it came to was taken, a fresh credential or why there is none.
    Waited,
}

impl RefreshOutcome {
    /// All of them, by name.
    pub const ALL: [Self; 9] = [
        Self::Adopted,
        Self::Failed,
        Self::NeedsReauthorization,
        Self::Refreshed,
        Self::RefreshedLate,
        Self::Replayed,
        Self::Superseded,
        Self::Uncertain,
        Self::Waited,
    ];

    /// The word for it in the log, in events and in metrics: `needs_reauthorization`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Failed => "failed",
            Self::NeedsReauthorization => "needs_reauthorization",
            Self::Refreshed => "refreshed",
            Self::RefreshedLate => "refreshed_late",
            Self::Replayed => "replayed",
            Self::Superseded => "superseded",
            Self::Uncertain => "uncertain",
            Self::Waited => "waited",
        }
    }
}

impl fmt::Display for RefreshOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many refreshes of each kind ended in which way, in this process since the registry was opened: what a host's metrics
/// read. Of all owners, and it names no connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefreshOutcomes(BTreeMap<(Kind, RefreshOutcome), u64>);

impl RefreshOutcomes {
    /// Of one kind.
    pub fn of(&self, kind: &Kind, outcome: RefreshOutcome) -> u64 {
        self.0.get(&(kind.clone(), outcome)).copied().unwrap_or_default()
    }

    /// Of all kinds.
    pub fn total(&self, outcome: RefreshOutcome) -> u64 {
        self.iter().filter(|(_, other, _)| *other == outcome).map(|(.., count)| count).sum()
    }

    /// Those that occurred, by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = (&Kind, RefreshOutcome, u64)> {
        self.0.iter().map(|((kind, outcome), count)| (kind, *outcome, *count))
    }
}

/// The counts of a registry.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<RefreshOutcomes>);

impl ConnectionRegistry {
    /// How refreshes ended in this process since the registry was opened, of all owners.
    pub fn refresh_outcomes(&self) -> RefreshOutcomes {
        self.shared.refresh_counts.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Tells it to the log, and counts it. `code` is why it failed.
pub(super) fn tell(shared: &Shared, info: &ConnectionInfo, outcome: RefreshOutcome, code: Option<&str>) {
    let mut counts = shared.refresh_counts.0.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.0.entry((info.kind.clone(), outcome)).or_default();
    *count = count.saturating_add(1);
    drop(counts);
    tracing::info!(connection = %info.id, kind = %info.kind, outcome = outcome.name(), code, "refresh");
}
