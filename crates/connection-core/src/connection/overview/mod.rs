//! The overview of an owner's connections: those that need attention first, in pages whose cost does not depend on the
//! number of connections.

mod classes;
mod cursor;

use std::collections::HashMap;

use connection_contract::{Kind, Liveness, Timestamp};

use super::list::named;
use crate::{ConnectionId, ConnectionInfo, Error, ground::Ground, plan, store::MAX_COUNT};

use classes::{Classes, Part};
use cursor::Position;
pub use cursor::{InvalidOverviewCursor, OverviewCursor};

/// Selects the connections of an overview, and its page. All conditions must hold.
///
/// ```
/// use connection_contract::{Kind, Liveness, Timestamp};
/// use connection_core::{ConnectionRegistry, Error, Overview};
///
/// async fn broken(registry: &ConnectionRegistry) -> Result<Vec<String>, Error> {
///     let failing = Overview::new().kind(Kind::from_static("github")).liveness(Liveness::Failing).limit(20);
///     let page = registry.overview(failing).await?;
///     Ok(page.connections.iter().map(|info| info.label.to_string()).collect())
/// }
/// # let _ = broken;
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Overview {
    kind: Option<Kind>,
    provider: Option<Kind>,
    liveness: Option<Liveness>,
    only_attention: bool,
    among: Option<Vec<ConnectionId>>,
    after: Option<OverviewCursor>,
    limit: Option<u16>,
}

impl Overview {
    /// Selects all connections of the owner.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects the connections of one kind.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Selects the connections of one provider.
    #[must_use]
    pub fn provider(mut self, provider: Kind) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Selects the connections whose [current liveness](ConnectionInfo::current_liveness) is this one.
    #[must_use]
    pub fn liveness(mut self, liveness: Liveness) -> Self {
        self.liveness = Some(liveness);
        self
    }

    /// Selects the connections that need attention.
    #[must_use]
    pub fn only_attention(mut self) -> Self {
        self.only_attention = true;
        self
    }

    /// Selects those of these connections that the owner has. The cost of a page then depends on their number.
    #[must_use]
    pub fn among(mut self, ids: impl IntoIterator<Item = ConnectionId>) -> Self {
        self.among = Some(ids.into_iter().collect());
        self
    }

    /// Selects the connections after this position: [`OverviewPage::next`], or [`OverviewPage::cursor_after`] a connection
    /// of it.
    #[must_use]
    pub fn after(mut self, cursor: OverviewCursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Sets the maximum number of connections of a page. The default is 1,000.
    #[must_use]
    pub fn limit(mut self, limit: u16) -> Self {
        self.limit = Some(limit.max(1));
        self
    }
}

/// A page of an overview.
///
/// ```
/// use connection_core::OverviewPage;
///
/// fn labels(page: &OverviewPage) -> Vec<String> {
///     page.connections.iter().map(|info| info.label.to_string()).collect()
/// }
/// # let _ = labels;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OverviewPage {
    /// The connections, in their order.
    pub connections: Vec<ConnectionInfo>,
    /// The position at which the next page begins; `None` for the last page.
    pub next: Option<OverviewCursor>,
    /// The positions of the connections.
    cursors: Vec<OverviewCursor>,
}

impl OverviewPage {
    /// Returns the position after the connection with this index on the page.
    pub fn cursor_after(&self, index: usize) -> Option<&OverviewCursor> {
        self.cursors.get(index)
    }
}

/// The numbers of an owner's connections in each state. Each connection is in `all` and in the number of its liveness.
///
/// A number that is greater than [`LIMIT`](Self::LIMIT) says only that there are more than so many.
///
/// ```
/// use connection_core::OverviewCounts;
///
/// fn text(count: u64) -> String {
///     match count > OverviewCounts::LIMIT {
///         true => format!("more than {}", OverviewCounts::LIMIT),
///         false => count.to_string(),
///     }
/// }
/// assert_eq!(text(OverviewCounts::LIMIT + 1), "more than 10000");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverviewCounts {
    /// All connections.
    pub all: u64,
    /// The connections that [need attention](ConnectionInfo::needs_attention).
    pub attention: u64,
    /// The connections that worked when they were last verified.
    pub live: u64,
    /// The connections whose provider could not be reached.
    pub offline: u64,
    /// The connections that do not work.
    pub failing: u64,
    /// The connections of which it is not known whether they work.
    pub unknown: u64,
}

impl OverviewCounts {
    /// The number up to which connections are counted.
    pub const LIMIT: u64 = MAX_COUNT.unsigned_abs();
}

/// Returns a page of the owner's connections.
pub(crate) async fn overview(ground: &Ground, owner: &str, wanted: Overview) -> Result<OverviewPage, Error> {
    let limit = usize::from(wanted.limit.unwrap_or(1000));
    let until = wanted.after.as_ref().map_or_else(|| soon(ground), |after| after.until);
    let mut reader = ground.reader().await?;
    let (mut found, infos) = match &wanted.among {
        Some(ids) => {
            let infos = named(ground, &mut reader, owner, ids).await?;
            (sorted(&infos, &wanted, until), infos)
        }
        None => {
            let classes = Classes::read(ground, &mut reader, owner, until).await?;
            let mut found = Vec::new();
            for part in [Part::Attention, Part::Rest] {
                if found.len() <= limit && !(part == Part::Rest && wanted.only_attention) {
                    classes.find(&mut reader, owner, part, &wanted, limit + 1, &mut found).await?;
                }
            }
            let ids: Vec<_> = found.iter().take(limit).map(|position| position.id).collect();
            let infos = named(ground, &mut reader, owner, &ids).await?;
            (found, infos)
        }
    };
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = found.last().filter(|_| !is_last).map(|position| OverviewCursor { position: position.clone(), until });
    let mut infos: HashMap<_, _> = infos.into_iter().map(|info| (info.id, info)).collect();
    let (mut connections, mut cursors) = (Vec::new(), Vec::new());
    for position in found {
        // A connection that was removed meanwhile is left out.
        if let Some(info) = infos.remove(&position.id) {
            connections.push(info);
            cursors.push(OverviewCursor { position, until });
        }
    }
    Ok(OverviewPage { connections, next, cursors })
}

/// Returns the positions of those connections that `wanted` selects, in their order.
fn sorted(infos: &[ConnectionInfo], wanted: &Overview, until: i64) -> Vec<Position> {
    let then = Timestamp::from_seconds(until.saturating_sub(plan::ANNOUNCE_BEFORE));
    let is_wanted = |info: &ConnectionInfo| {
        wanted.kind.as_ref().is_none_or(|kind| info.kind == *kind)
            && wanted.provider.as_ref().is_none_or(|provider| info.provider == *provider)
            && wanted.liveness.is_none_or(|liveness| info.current_liveness() == liveness)
    };
    let position = |info: &ConnectionInfo| Position {
        works: !info.needs_attention(then),
        provider: info.provider.to_string(),
        label: info.label.to_string(),
        id: info.id,
    };
    let mut found: Vec<_> = infos.iter().filter(|info| is_wanted(info)).map(position).collect();
    found.retain(|position| {
        !(wanted.only_attention && position.works)
            && wanted.after.as_ref().is_none_or(|after| *position > after.position)
    });
    found.sort_unstable();
    found
}

/// Returns how many connections the owner has in each state.
pub(crate) async fn counts(ground: &Ground, owner: &str) -> Result<OverviewCounts, Error> {
    let mut reader = ground.reader().await?;
    let classes = Classes::read(ground, &mut reader, owner, soon(ground)).await?;
    let mut counts = OverviewCounts { attention: classes.number_of_ending(), ..OverviewCounts::default() };
    for (liveness, needs_attention, count) in classes.counts(&mut reader, owner).await? {
        counts.all += count;
        counts.attention += if needs_attention { count } else { 0 };
        *match liveness {
            Liveness::Live => &mut counts.live,
            Liveness::Offline => &mut counts.offline,
            Liveness::Failing => &mut counts.failing,
            _ => &mut counts.unknown,
        } += count;
    }
    let OverviewCounts { all, attention, live, offline, failing, unknown } = &mut counts;
    for count in [all, attention, live, offline, failing, unknown] {
        *count = (*count).min(OverviewCounts::LIMIT + 1);
    }
    Ok(counts)
}

/// Returns the time by which a connection ends that ends soon.
fn soon(ground: &Ground) -> i64 {
    ground.clock.now().seconds().saturating_add(plan::ANNOUNCE_BEFORE)
}
