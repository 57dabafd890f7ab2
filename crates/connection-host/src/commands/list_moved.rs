//! Connections whose state is another one than the store has: their kind changed, so that nothing is sent, or is gone.
//!
//! The store filters by what was measured last. Only this process knows the kinds, so it finds these connections itself.

use std::{collections::BTreeSet, vec};

use connection_contract::Kind;
use connection_core::{ConnectionInfo, ConnectionRegistry, Filter};

use crate::{Error, output::condition, select::Pages};

/// The kinds that may have such connections; `None` stands for all kinds.
pub(super) struct MovedKinds(Vec<Option<Kind>>);

impl MovedKinds {
    /// Finds the kinds, among them only `kind` if there is one.
    ///
    /// The changed kinds are known for one owner only. For the connections of all owners, every kind is searched.
    pub(super) async fn find(
        registry: &ConnectionRegistry,
        all_owners: bool,
        kind: Option<&Kind>,
    ) -> Result<Self, Error> {
        if all_owners {
            return Ok(Self(vec![kind.cloned()]));
        }
        let kinds = registry.kinds();
        let changed: BTreeSet<Kind> =
            kinds.changed().await?.into_iter().filter(|change| change.stops_use).map(|change| change.kind).collect();
        let mut connected = registry.server().connected_kinds().await?;
        connected.extend(kinds.connected_own().await?);
        connected.retain(|known| kind.is_none_or(|kind| known == kind));
        let mut moved = Vec::new();
        for known in connected {
            if changed.contains(&known) || kinds.find(&known).await?.is_none() {
                moved.push(Some(known));
            }
        }
        Ok(Self(moved))
    }

    /// Returns the pages of their connections that `filter` selects.
    pub(super) fn pages<'r>(&self, registry: &'r ConnectionRegistry, filter: Filter) -> MovedPages<'r> {
        MovedPages { registry, filter, kinds: self.0.clone().into_iter(), pages: None }
    }
}

/// Pages of connections whose state is another one than the store has.
pub(super) struct MovedPages<'r> {
    registry: &'r ConnectionRegistry,
    filter: Filter,
    kinds: vec::IntoIter<Option<Kind>>,
    /// The pages of the current kind.
    pages: Option<Pages<'r>>,
}

impl MovedPages<'_> {
    /// Returns the next page, which may be empty; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<ConnectionInfo>>, Error> {
        loop {
            if let Some(pages) = &mut self.pages
                && let Some(mut page) = pages.next().await?
            {
                page.retain(is_moved);
                return Ok(Some(page));
            }
            let Some(kind) = self.kinds.next() else { return Ok(None) };
            let filter = kind.into_iter().fold(self.filter.clone(), Filter::kind);
            self.pages = Some(Pages::new(self.registry, filter));
        }
    }
}

/// Returns `true` if the state of a connection is another one than the store has.
pub(super) fn is_moved(info: &ConnectionInfo) -> bool {
    condition(info).0 != info.liveness
}
