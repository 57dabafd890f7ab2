//! The outcomes of refreshes, which are logged and counted. `docs/spec/refresh.md` lists their names.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use connection_contract::Kind;

use super::RefreshResult;
use crate::{ConnectionInfo, words::words};

words! {
    /// The outcome of a refresh. Callers that joined a refresh in progress are not counted.
    #[non_exhaustive]
    pub enum RefreshOutcome {
        /// Another process had already refreshed the credential, and its credential was adopted.
        Adopted = "adopted",
        /// The refresh failed and is tried again. Nothing was lost.
        Failed = "failed",
        /// The provider no longer refreshes the credential. A person must authorize the connection again.
        NeedsReauthorization = "needs_reauthorization",
        /// The credential has nothing to renew and works until its end. Nobody was asked, and nothing has changed.
        NothingToRenew = "nothing_to_renew",
        /// A fresh credential was stored.
        Refreshed = "refreshed",
        /// Like [`Refreshed`](Self::Refreshed), by a process whose lease had expired.
        RefreshedLate = "refreshed_late",
        /// Like [`Refreshed`](Self::Refreshed), after an answer was lost and the request was sent again.
        Replayed = "replayed",
        /// Another credential was stored meanwhile, and the refreshed one was dropped.
        Superseded = "superseded",
        /// A token may have been spent, and the answer is lost.
        Uncertain = "uncertain",
        /// Another process held the lease. Its result was adopted: a fresh credential, or the reason for its failure.
        Waited = "waited",
    }
}

impl fmt::Display for RefreshOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A connection after a refresh that a caller asked for.
///
/// ```
/// use connection_core::{Connection, Error, RefreshOutcome};
///
/// async fn refresh(connection: &Connection) -> Result<(), Error> {
///     let refreshed = connection.refresh().await?;
///     match refreshed.outcome {
///         RefreshOutcome::Refreshed => println!("{} has a new credential", refreshed.connection.label),
///         outcome => println!("{}: {outcome}", refreshed.connection.label),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefreshedConnection {
    /// The outcome, which is the same for all callers that waited for the refresh.
    pub outcome: RefreshOutcome,
    /// The connection with its current credential, whichever process refreshed it. All callers that waited for the
    /// refresh share it.
    pub connection: Arc<ConnectionInfo>,
}

impl RefreshedConnection {
    pub(crate) fn new(renewed: RefreshResult, connection: Arc<ConnectionInfo>) -> Self {
        let outcome = match renewed {
            RefreshResult::Current { outcome, .. } => outcome,
            // A refresh that ran for another reason found nothing to do.
            RefreshResult::ByOtherProcess | RefreshResult::NotDue => RefreshOutcome::Adopted,
            RefreshResult::NothingToRenew => RefreshOutcome::NothingToRenew,
        };
        Self { outcome, connection }
    }
}

/// The number of refreshes by kind and outcome, in this process since the registry was opened, over all owners. A host
/// reads them for its metrics. They name no connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefreshOutcomes(BTreeMap<(Kind, RefreshOutcome), u64>);

impl RefreshOutcomes {
    /// Returns the number of refreshes of one kind with this outcome.
    pub fn of(&self, kind: &Kind, outcome: RefreshOutcome) -> u64 {
        self.0.get(&(kind.clone(), outcome)).copied().unwrap_or_default()
    }

    /// Returns the number of refreshes of all kinds with this outcome.
    pub fn total(&self, outcome: RefreshOutcome) -> u64 {
        self.iter().filter(|(_, other, _)| *other == outcome).map(|(.., count)| count).sum()
    }

    /// Returns the counts that are not zero, in the order of kinds and outcomes.
    pub fn iter(&self) -> impl Iterator<Item = (&Kind, RefreshOutcome, u64)> {
        self.0.iter().map(|((kind, outcome), count)| (kind, *outcome, *count))
    }
}

/// The number of refreshes that this registry has made, by kind and outcome.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<RefreshOutcomes>);

impl Counts {
    /// Returns the counts of now.
    pub(crate) fn now(&self) -> RefreshOutcomes {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reports the outcome of a refresh after which the credential of `generation` is current.
pub(super) fn current(
    counts: &Counts,
    info: &ConnectionInfo,
    generation: i64,
    outcome: RefreshOutcome,
) -> RefreshResult {
    report(counts, info, outcome, None);
    RefreshResult::Current { generation, outcome }
}

/// Logs the outcome and counts it. `code` is the reason of a failure.
pub(super) fn report(counts: &Counts, info: &ConnectionInfo, outcome: RefreshOutcome, code: Option<&str>) {
    let mut counts = counts.0.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.0.entry((info.kind.clone(), outcome)).or_default();
    *count = count.saturating_add(1);
    drop(counts);
    tracing::info!(connection = %info.id, kind = %info.kind, outcome = outcome.as_str(), code, "refresh");
}
