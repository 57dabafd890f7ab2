//! Connections whose state is another one than the store has: their kind changed, so that nothing is sent, or is gone.
//!
//! The store filters by what was measured last. Only this process knows the kinds, so it finds these connections itself.

use std::{collections::BTreeSet, vec};

use connection_contract::Kind;
use connection_core::{ConnectionInfo, ConnectionRegistry, Filter};

use crate::{Error, output::condition, select::Pages};

/// The kinds that may have such connections.
pub(super) struct MovedKinds(Vec<Kind>);

impl MovedKinds {
    /// Finds the kinds, among them only `kind` if there is one.
    ///
    /// The changed kinds are known for one owner only. For the connections of all owners, every connected kind is
    /// searched.
    pub(super) async fn find(
        registry: &ConnectionRegistry,
        all_owners: bool,
        kind: Option<&Kind>,
    ) -> Result<Self, Error> {
        let connected = registry.server().connected_kinds().await?;
        let changed: BTreeSet<Kind> = match all_owners {
            true => connected.iter().cloned().collect(),
            false => registry
                .kinds()
                .changed()
                .await?
                .into_iter()
                .filter(|change| change.stops_use)
                .map(|change| change.kind)
                .collect(),
        };
        let is_moved = |known: &Kind| changed.contains(known) || registry.kinds().get(known).is_none();
        let is_wanted = |known: &Kind| kind.is_none_or(|kind| known == kind);
        Ok(Self(connected.into_iter().filter(|known| is_wanted(known) && is_moved(known)).collect()))
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
    kinds: vec::IntoIter<Kind>,
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
            self.pages = Some(Pages::new(self.registry, self.filter.clone().kind(kind)));
        }
    }
}

/// Returns `true` if the state of a connection is another one than the store has.
pub(super) fn is_moved(info: &ConnectionInfo) -> bool {
    condition(info).0 != info.liveness
}
