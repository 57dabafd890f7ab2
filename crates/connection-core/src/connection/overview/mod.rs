//! The overview of an owner's connections: those that need attention first, in pages whose cost does not depend on the
//! number of connections.

mod classes;

use std::collections::HashMap;

use connection_contract::{Kind, Liveness, Timestamp};
use uuid::Uuid;

use super::list::named;
use crate::{ConnectionId, ConnectionInfo, Cursor, Error, Page, ground::Ground, page::Fields, plan, store::MAX_COUNT};

use classes::{Classes, Part};

/// Selects the connections of an overview, and its page. All conditions must hold.
///
/// ```
/// use connection_contract::{Kind, Liveness, Timestamp};
/// use connection_core::{ConnectionRegistry, Error, Overview};
///
/// async fn broken(registry: &ConnectionRegistry) -> Result<Vec<String>, Error> {
///     let failing = Overview::new().kind(Kind::from_static("github")).liveness(Liveness::Failing).limit(20);
///     let page = registry.overview(failing).await?;
///     Ok(page.items.iter().map(|entry| entry.info.label.to_string()).collect())
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
    after: Option<Cursor>,
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

    /// Selects the connections after this position: [`Page::next`], or the [`OverviewEntry::cursor`] of a connection.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
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

/// A connection in an overview.
///
/// ```
/// use connection_core::{OverviewEntry, Page};
///
/// fn labels(page: &Page<OverviewEntry>) -> Vec<String> {
///     page.items.iter().map(|entry| entry.info.label.to_string()).collect()
/// }
/// # let _ = labels;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OverviewEntry {
    /// The connection.
    pub info: ConnectionInfo,
    /// The position after the connection. It stays valid when connections are added, changed or removed.
    pub cursor: Cursor,
}

/// The position of a connection. Positions are compared by their fields in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    /// `false` for connections that need attention.
    works: bool,
    provider: String,
    label: String,
    id: ConnectionId,
}

impl Position {
    /// Returns the cursor for this position. `until` is the time by which a connection that ends soon must end, in seconds
    /// since 1970. It is that of the first page, so that no connection moves while the pages are read.
    fn cursor(&self, until: i64) -> Cursor {
        let Self { works, provider, label, id } = self;
        Cursor::at(Fields((works, provider, label, id.as_uuid(), until)))
    }

    /// Returns the position in a cursor, and the time by which a connection that ends soon must end.
    fn read(cursor: &Cursor) -> Result<(Self, i64), Error> {
        let Fields((works, provider, label, id, until)) = cursor.position::<Fields<(_, _, _, Uuid, _)>>()?;
        Ok((Self { works, provider, label, id: id.into() }, until))
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
    /// The connections that [need attention](ConnectionInfo::needs_attention), without those that only wait for an
    /// application that their provider refuses: that needs a person once, and not for each of them.
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
pub(crate) async fn overview(ground: &Ground, owner: &str, wanted: Overview) -> Result<Page<OverviewEntry>, Error> {
    let limit = usize::from(wanted.limit.unwrap_or(1000));
    let (after, until) = match &wanted.after {
        Some(after) => Position::read(after).map(|(after, until)| (Some(after), until))?,
        None => (None, soon(ground)),
    };
    let mut reader = ground.reader().await?;
    let (found, infos) = match &wanted.among {
        Some(ids) => {
            let infos = named(ground, &mut reader, owner, ids).await?;
            (sorted(&infos, &wanted, after.as_ref(), until), infos)
        }
        None => {
            let classes = Classes::read(ground, &mut reader, owner, until).await?;
            let mut found = Vec::new();
            for part in [Part::Attention, Part::Rest] {
                if found.len() <= limit && !(part == Part::Rest && wanted.only_attention) {
                    let missing = limit + 1 - found.len();
                    found.extend(classes.find(&mut reader, owner, part, &wanted, after.as_ref(), missing).await?);
                }
            }
            let ids: Vec<_> = found.iter().take(limit).map(|position| position.id).collect();
            let infos = named(ground, &mut reader, owner, &ids).await?;
            (found, infos)
        }
    };
    let page = Page::of(found, u32::try_from(limit).ok(), |position| position.cursor(until));
    let mut infos: HashMap<_, _> = infos.into_iter().map(|info| (info.id, info)).collect();
    // A connection that was removed meanwhile is left out.
    Ok(page.filter_map(|position| {
        let info = infos.remove(&position.id)?;
        Some(OverviewEntry { info, cursor: position.cursor(until) })
    }))
}

/// Returns the positions of those connections that `wanted` selects, in their order.
fn sorted(infos: &[ConnectionInfo], wanted: &Overview, after: Option<&Position>, until: i64) -> Vec<Position> {
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
    found.retain(|position| !(wanted.only_attention && position.works) && after.is_none_or(|after| position > after));
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
