//! A connection as it was read, with its credential sealed until the first use.

use std::sync::Arc;

use connection_contract::Liveness;
use connection_egress::LastSearch;
use tokio::sync::OnceCell;

use super::HotRow;
use crate::{
    ConnectionInfo, Error,
    credential::{Read, ShownConnection, open_read},
    ground::Ground,
    kinds::KindEntry,
};

/// A connection as one statement read it.
pub(crate) struct ReadConnection {
    pub(crate) info: Arc<ConnectionInfo>,
    /// `None` in tests that have no store.
    read: Option<Read>,
    opened: OnceCell<Arc<HotRow>>,
    is_own: bool,
}

impl ReadConnection {
    pub(crate) fn new(seen: ShownConnection) -> Self {
        let ShownConnection { info, read, .. } = seen;
        Self { info: Arc::new(info), read: Some(read), opened: OnceCell::new(), is_own: true }
    }

    /// Returns a row that belongs to another owner or kind than the handle that read it. Its credential is opened as
    /// the handle's, which fails, and the row is not kept.
    pub(super) fn foreign(info: Arc<ConnectionInfo>, read: Read) -> Self {
        Self { info, read: Some(read), opened: OnceCell::new(), is_own: false }
    }

    #[cfg(test)]
    pub(super) fn opened(info: ConnectionInfo, row: HotRow) -> Self {
        let opened = OnceCell::new_with(Some(Arc::new(row)));
        Self { info: Arc::new(info), read: None, opened, is_own: true }
    }

    pub(super) fn is_own(&self) -> bool {
        self.is_own
    }

    /// Returns the current credential. The first call opens it and checks it against the row and the newest event that
    /// were read with it.
    ///
    /// # Errors
    ///
    /// [`Error::Sealed`] and [`Error::Row`]. The next call tries again.
    pub(crate) async fn open(&self, ground: &Arc<Ground>) -> Result<Arc<HotRow>, Error> {
        match self.opened.get() {
            Some(row) => Ok(row.clone()),
            None => Box::pin(self.open_first(ground)).await,
        }
    }

    /// Returns the kind of the connection, as it was when the row was read; `None` if its owner has no such kind.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(crate) async fn kind(&self, ground: &Ground) -> Result<Option<Arc<KindEntry>>, Error> {
        match &self.read {
            Some(read) => ground.marked_kind(&self.info.owner, &self.info.kind, &read.kind_mark()).await,
            None => ground.find_kind(&self.info.owner, &self.info.kind).await,
        }
    }

    /// Returns the current credential if it was opened before.
    pub(crate) fn hot_row(&self) -> Option<&HotRow> {
        self.opened.get().map(|row| &**row)
    }

    async fn open_first(&self, ground: &Arc<Ground>) -> Result<Arc<HotRow>, Error> {
        let open = || async {
            let read = self.read.as_ref().ok_or(Error::NotFound(self.info.id))?;
            let opened = open_read(ground, &self.info, read).await?;
            Ok(Arc::new(HotRow {
                payload: opened.payload.map_err(|unopened| unopened.error())?,
                generation: opened.generation,
                plan: opened.plan,
                is_not_live: matches!(self.info.liveness, Liveness::Failing | Liveness::Offline),
                withdrawal: read.withdrawal,
                last_search: LastSearch::default(),
            }))
        };
        self.opened.get_or_try_init(open).await.cloned()
    }
}
