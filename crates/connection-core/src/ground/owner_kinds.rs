//! The kinds as one owner has them: those that serve every owner, and those of the owner's own extensions.
//!
//! The kind of an extension is found by the owner, the extension and the provider. It is kept under the mark of its row,
//! so that a lookup reads only the mark, or nothing if the mark was read beside a connection.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use connection_contract::Kind;

use super::Ground;
use crate::{
    ConnectionInfo, Error, guard,
    kinds::KindEntry,
    store::{
        Reader, StoreError, any_of,
        rows::{ExtensionRow, ListedRow, StoredMark},
    },
};

impl Ground {
    /// Returns a kind as an owner has it; `None` if this process has no such kind, or if the owner has no extension that
    /// brings it.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(crate) async fn find_kind(&self, owner: &str, kind: &Kind) -> Result<Option<Arc<KindEntry>>, Error> {
        if kind.extension().is_none() {
            return Ok(self.kinds.entry(kind));
        }
        Box::pin(async move {
            let mut reader = self.reader().await?;
            Ok(self.find_kind_by(&mut reader, owner, kind).await?)
        })
        .await
    }

    /// Returns a kind as an owner has it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], and the store's errors.
    pub(crate) async fn kind(&self, owner: &str, kind: &Kind) -> Result<Arc<KindEntry>, Error> {
        self.find_kind(owner, kind).await?.ok_or_else(|| Error::UnknownKind(kind.clone()))
    }

    /// Returns a kind as [`find_kind`](Self::find_kind) does, for a caller that holds a reader or is in a transaction.
    pub(crate) async fn find_kind_by(
        &self,
        reader: &mut Reader,
        owner: &str,
        kind: &Kind,
    ) -> Result<Option<Arc<KindEntry>>, StoreError> {
        let Some(extension) = kind.extension() else { return Ok(self.kinds.entry(kind)) };
        if !self.kinds.own.has_source() {
            return Ok(None);
        }
        match reader.extension_mark(owner, extension).await? {
            Some(marked) => self.marked_kind_by(reader, owner, kind, &marked).await,
            None => Ok(None),
        }
    }

    /// Returns a kind as [`find_kind`](Self::find_kind) does, whose mark was read beside a connection.
    pub(crate) async fn marked_kind(
        &self,
        owner: &str,
        kind: &Kind,
        marked: &StoredMark,
    ) -> Result<Option<Arc<KindEntry>>, Error> {
        if let Some(known) = self.kept_kind(owner, kind, marked) {
            return Ok(known);
        }
        Box::pin(async move {
            let mut reader = self.reader().await?;
            Ok(self.marked_kind_by(&mut reader, owner, kind, marked).await?)
        })
        .await
    }

    /// Returns a kind as [`marked_kind`](Self::marked_kind) does, for a caller that holds a reader or is in a
    /// transaction.
    pub(crate) async fn marked_kind_by(
        &self,
        reader: &mut Reader,
        owner: &str,
        kind: &Kind,
        marked: &StoredMark,
    ) -> Result<Option<Arc<KindEntry>>, StoreError> {
        if let Some(known) = self.kept_kind(owner, kind, marked) {
            return Ok(known);
        }
        let Some(extension) = kind.extension() else { return Ok(None) };
        let Some(row) = reader.extension(owner, extension).await? else { return Ok(None) };
        Ok(self.own_kind_of(owner, kind, row))
    }

    /// Returns the result of a lookup for which the store need not be read again.
    fn kept_kind(&self, owner: &str, kind: &Kind, marked: &StoredMark) -> Option<Option<Arc<KindEntry>>> {
        if kind.extension().is_none() {
            return Some(self.kinds.entry(kind));
        }
        let Some(mark) = &marked.mark else { return Some(None) };
        self.kinds.own.kept(owner, kind, mark).filter(|_| marked.is_newest())
    }

    /// Returns the kind that a row makes. A row that was edited or restored makes none.
    pub(crate) fn own_kind_of(&self, owner: &str, kind: &Kind, row: ExtensionRow) -> Option<Arc<KindEntry>> {
        if let Err(error) = guard::check(&self.sealer, &row) {
            tracing::warn!(%error, "the kind of an extension is not used");
            return None;
        }
        let mark = row.marked.mark?;
        match self.kinds.own.kept(owner, kind, &mark) {
            Some(kept) => kept,
            None => self.kinds.own.make(owner, kind, mark, &row.source),
        }
    }

    /// Returns the kinds of a page of rows, each with its owner and the name of its kind. It takes one statement for each
    /// owner with connections of kinds of extensions, and none if there are no such connections.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(crate) async fn kinds_of_rows<'r>(
        &self,
        reader: &mut Reader,
        rows: impl Iterator<Item = (&'r str, &'r str)>,
    ) -> Result<RowKinds<'_>, StoreError> {
        // The rows are shown with what is frozen.
        self.freezes.renew(reader).await?;
        let mut wanted: BTreeMap<&str, BTreeSet<Kind>> = BTreeMap::new();
        for (owner, kind) in rows {
            if let Some(kind) = Kind::parse(kind).filter(|kind| kind.extension().is_some()) {
                wanted.entry(owner).or_default().insert(kind);
            }
        }
        let mut own = HashMap::new();
        for (owner, kinds) in wanted {
            let names = any_of(kinds.iter().filter_map(Kind::extension));
            let marks: HashMap<_, _> = reader.extension_marks_of(owner, &names).await?.into_iter().collect();
            for kind in kinds {
                let Some(marked) = kind.extension().and_then(|extension| marks.get(extension)) else { continue };
                if let Some(entry) = self.marked_kind_by(reader, owner, &kind, marked).await? {
                    own.insert((owner.to_owned(), kind), entry);
                }
            }
        }
        Ok(RowKinds { ground: self, own })
    }

    /// Returns the information of a row as hosts see it; `None` for a row that is unreadable.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(crate) async fn info_of(
        &self,
        reader: &mut Reader,
        row: Option<ListedRow>,
    ) -> Result<Option<ConnectionInfo>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let kinds = self.kinds_of_rows(reader, [(&*row.account.owner, &*row.account.kind)].into_iter()).await?;
        Ok(kinds.info(row))
    }
}

/// The kinds of a page of rows.
pub(crate) struct RowKinds<'g> {
    ground: &'g Ground,
    own: HashMap<(String, Kind), Arc<KindEntry>>,
}

impl RowKinds<'_> {
    pub(crate) fn entry(&self, owner: &str, kind: &Kind) -> Option<Arc<KindEntry>> {
        match kind.extension() {
            None => self.ground.kinds.entry(kind),
            // Most pages have no such rows.
            Some(_) if self.own.is_empty() => None,
            Some(_) => self.own.get(&(owner.to_owned(), kind.clone())).cloned(),
        }
    }

    /// Returns the information of a row as hosts see it.
    pub(crate) fn info(&self, row: ListedRow) -> Option<ConnectionInfo> {
        let entry = Kind::parse(&row.account.kind).and_then(|kind| self.entry(&row.account.owner, &kind));
        self.ground.info(row, entry.as_deref())
    }
}
