//! The list of extensions: those that were added, and those to which a host granted a connection without adding them.

use std::collections::BTreeMap;

use connection_contract::BoxFuture;

use super::{ExtensionInfo, Extensions, Grant};
use crate::{Cursor, Error, Fields, Page, guard, page::one_more};

/// An extension that was added or may use connections.
///
/// ```
/// use connection_core::ListedExtension;
///
/// fn is_unknown(listed: &ListedExtension) -> bool {
///     listed.added.is_none()
/// }
/// # let _ = is_unknown;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedExtension {
    /// The name of the extension.
    pub name: String,
    /// The extension as it was added. `None` if it was not, or if its declaration was edited or restored outside of the
    /// program; [`edited_rows`](crate::Events::edited_rows) names it.
    pub added: Option<ExtensionInfo>,
    /// The grants that are not revoked, in the order of connections. A row that was edited is left out, as in
    /// [`grants`](Extensions::grants).
    pub grants: Vec<Grant>,
}

impl<'a> Extensions<'a> {
    /// Returns the added extensions, in the order of their names. A declaration that was edited or restored outside of
    /// the program is left out; [`edited_rows`](crate::Events::edited_rows) names it.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn list(self) -> BoxFuture<'a, Result<Vec<ExtensionInfo>, Error>> {
        Box::pin(async move {
            let page = self.page(None, None).await?;
            Ok(page.items.into_iter().filter_map(|listed| listed.added).collect())
        })
    }

    /// Returns a page of the extensions that were added or may use connections, in the order of their names, with their
    /// grants.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the store's errors.
    pub fn page(
        self,
        after: Option<Cursor>,
        limit: Option<u32>,
    ) -> BoxFuture<'a, Result<Page<ListedExtension>, Error>> {
        Box::pin(async move {
            let after = after.as_ref().map(Cursor::position::<Fields<[String; 1]>>).transpose()?;
            let Fields([after]) = after.unwrap_or_default();
            let (ground, owner) = (&self.scope.system.ground, self.scope.owner);
            let mut reader = ground.reader().await?;
            let added = reader.extensions(owner, &after, one_more(limit)).await?;
            let granted = reader.granted_extensions(owner, &after, one_more(limit)).await?;
            let mut found: BTreeMap<_, _> = granted.into_iter().map(|name| (name, None)).collect();
            found.extend(added.into_iter().map(|row| (row.name.clone(), Some(row))));
            let page = Page::of(found.into_iter().collect(), limit, |(name, _)| Fields([name.clone()]));
            let Some((last, _)) = page.items.last() else { return Ok(page.filter_map(|_| None)) };
            let mut grants = BTreeMap::<_, Vec<_>>::new();
            for grant in self.readable(reader.open_grants_within(owner, &after, last).await?) {
                grants.entry(grant.extension.clone()).or_default().push(grant);
            }
            Ok(page.filter_map(|(name, row)| {
                let grants = grants.remove(&name).unwrap_or_default();
                let added = row.filter(|row| guard::check(&ground.sealer, row).is_ok()).and_then(ExtensionInfo::of);
                (added.is_some() || !grants.is_empty()).then_some(ListedExtension { name, added, grants })
            }))
        })
    }
}
