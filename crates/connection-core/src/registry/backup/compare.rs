//! Decides whether a restored refresh token was used after the backup was made.
//!
//! The database that is replaced shows it if it is a later state of the same store: a use leaves another credential, an
//! exchange, or an answer in the state directory of the node.

use super::TokenUse;
use crate::{
    ConnectionId, RowFault, StoreError,
    exchange::NodeLook,
    frozen::Freezing,
    keys::Sealer,
    store::{AttemptRow, Reader, ReplacedStore, rows::RestoredUse},
};

/// The credential of a connection in one of two copies of a store, as far as it shows a use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) generation: i64,
    pub(super) sealed: Vec<u8>,
    pub(super) attempts: Vec<AttemptRow>,
}

impl Trace {
    /// Reads the credential; `None` if the connection has none.
    pub(super) async fn read(reader: &mut Reader, id: ConnectionId) -> Result<Option<Self>, StoreError> {
        let Some(row) = reader.current_credential(id).await? else { return Ok(None) };
        let sealed = row.sealed.as_bytes().to_vec();
        Ok(Some(Self { generation: row.generation, sealed, attempts: reader.attempts(id).await? }))
    }
}

/// The same connection in the database that is replaced, and in the state directory of the node.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// The credential in the database that is replaced.
    pub(super) trace: Option<Trace>,
    /// The mark of that credential, if an earlier restore left it.
    pub(super) mark: Option<RestoredUse>,
    /// `true` if the node keeps an answer that no row has, for the restored token or one that came after it.
    pub(super) has_answer: bool,
    /// `true` if the node may keep answers that cannot be read.
    pub(super) may_have_answer: bool,
    /// `true` if a server may have the token, too, because the database was moved there.
    pub(super) is_moved: bool,
}

/// Returns what is known about the token of `backup`.
pub(super) fn token_use(backup: &Trace, found: &Found) -> TokenUse {
    if found.has_answer {
        return TokenUse::Used;
    }
    let Some(trace) = &found.trace else { return TokenUse::Unknown };
    if trace.generation > backup.generation {
        return TokenUse::Used;
    }
    // An older credential is from another history of the store, which says nothing. So is another credential with the
    // same number, unless its key was rotated, which nothing shows either.
    if trace.generation < backup.generation || trace.sealed != backup.sealed {
        return TokenUse::Unknown;
    }
    if trace.attempts != backup.attempts {
        return TokenUse::Used;
    }
    match found.mark {
        // The database that is replaced was restored, too, and its token may have been used before that.
        Some(RestoredUse::Used) => TokenUse::Used,
        Some(RestoredUse::Unknown) => TokenUse::Unknown,
        None if found.may_have_answer || found.is_moved => TokenUse::Unknown,
        None => TokenUse::Unused,
    }
}

/// The database that is replaced, and the state directory of its node.
pub(super) struct Former {
    store: Option<ReplacedStore>,
    /// `true` if the database is one of the same store.
    is_same: bool,
    /// `true` if the database or the backup was moved to a server, where the tokens may have been used since.
    is_moved: bool,
    node: NodeLook,
}

impl Former {
    /// Prepares the comparison of a store with this id. A database of another store shows nothing.
    /// `was_moved` says that the backup is one of a store that was moved to a server.
    pub(super) async fn of(
        store_id: uuid::Uuid,
        mut store: Option<ReplacedStore>,
        node: NodeLook,
        was_moved: bool,
    ) -> Self {
        let (mut is_same, mut is_moved) = (false, was_moved);
        if let Some(store) = &mut store {
            is_same = matches!(store.reader().keyset().await, Ok(Some(row)) if row.store_id == store_id);
            // The tables of an older program have no such row.
            is_moved |= matches!(store.reader().moved().await, Ok(Some(_)));
        }
        Self { store, is_same, is_moved, node }
    }

    /// Returns what is known about the token of a connection. A part that cannot be read shows nothing.
    pub(super) async fn token_use(&mut self, id: ConnectionId, backup: &Trace) -> TokenUse {
        let mut found = Found {
            has_answer: self.node.has_answer(id, backup.generation),
            may_have_answer: self.node.is_unreadable,
            is_moved: self.is_moved,
            ..Found::default()
        };
        if let (Some(store), true) = (&mut self.store, self.is_same) {
            found.trace = Trace::read(store.reader(), id).await.unwrap_or_default();
            // Without the mark, the rest of the row is not believed either.
            match store.reader().restored(id).await {
                Ok(mark) => found.mark = mark,
                Err(_) => found.trace = None,
            }
        }
        token_use(backup, &found)
    }

    /// Returns what is frozen in the database that is replaced; `None` if it is another store. A row that is refused or
    /// cannot be read has a fault.
    pub(super) async fn freezing(&mut self, sealer: &Sealer) -> Option<Freezing> {
        let store = self.store.as_mut().filter(|_| self.is_same)?;
        match store.reader().freeze().await {
            Ok(row) => Some(Freezing::read(sealer, row.as_ref())),
            Err(_) => Some(Freezing { fault: Some(RowFault::Missing), ..Freezing::default() }),
        }
    }

    /// Returns the database that is replaced.
    pub(super) fn into_store(self) -> Option<ReplacedStore> {
        self.store
    }
}
