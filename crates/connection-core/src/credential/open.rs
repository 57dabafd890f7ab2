//! Reads the current credential of a connection, and opens it.

use std::sync::Arc;

use connection_contract::{Kind, NotLive, Reason, reason};

use super::Payload;
use crate::{
    ConnectionId, ConnectionInfo, Error, SealError, StoreError,
    ground::{Ground, UNREADABLE},
    guard::{self, RowError},
    kinds::KindEntry,
    plan::Plan,
    store::{
        CREDENTIAL, ConflictRetries, InUseRow, Reader, Version,
        rows::{AccountRow, ListedRow, StoredMark},
    },
};

/// Returns the state of a connection whose stored credential cannot be read.
pub(crate) fn unreadable() -> NotLive {
    let reason = Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be read");
    NotLive::failing(reason.remedy(reason::AUTHORIZE_AGAIN))
}

/// The current credential of a connection, opened.
pub(crate) struct Opened {
    pub(crate) generation: i64,
    pub(crate) payload: Result<Payload, Unopened>,
    pub(crate) plan: Plan,
}

/// The reason why the stored credential is not used.
#[derive(Clone, Debug)]
pub(crate) enum Unopened {
    /// The row of the connection differs from what its newest event says: it was edited or restored.
    Row(RowError),
    /// The sealed data cannot be opened: it was moved, restored or edited, or was sealed with another key.
    Sealed(Error),
}

impl Unopened {
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Row(error) => error.into(),
            Self::Sealed(error) => error,
        }
    }

    /// Returns the reason as a state of the connection.
    pub(crate) fn not_live(&self) -> NotLive {
        match self {
            Self::Row(error) => {
                let reason = Reason::new(error.code(), error.to_string());
                NotLive::failing(reason.remedy(error.remedy()))
            }
            Self::Sealed(_) => unreadable(),
        }
    }
}

/// A connection as hosts see it, with the rows that were read.
pub(crate) struct ShownConnection {
    pub(crate) info: ConnectionInfo,
    pub(crate) read: Read,
    /// The kind of the connection, as its owner has it.
    pub(super) kind: Option<Arc<KindEntry>>,
}

impl ShownConnection {
    /// Returns the kind of the connection, as it was when the connection was read.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`].
    pub(crate) fn kind(&self) -> Result<Arc<KindEntry>, Error> {
        self.kind.clone().ok_or_else(|| Error::UnknownKind(self.info.kind.clone()))
    }

    /// Returns the generation of the current credential.
    pub(crate) fn generation(&self) -> i64 {
        self.read.generation()
    }
}

/// A connection with its current credential, still sealed, read by one statement.
pub(crate) struct Read {
    /// The connection as in a list.
    pub(crate) listed: ListedRow,
    /// `None` if the row of the credential is missing or cannot be read.
    in_use: Option<InUseRow>,
    /// The last withdrawal that the read followed, if it is known.
    pub(super) withdrawal: Option<i64>,
}

impl Read {
    /// Returns the generation of the current credential.
    pub(crate) fn generation(&self) -> i64 {
        self.listed.account.generation
    }

    /// Returns the refresh plan; `None` without a credential row that can be read.
    pub(crate) fn plan(&self) -> Option<Plan> {
        self.in_use.as_ref().map(|row| Plan::of(&row.credential))
    }

    /// Returns the kind of the connection, as its owner has it; `None` if there is no such kind.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(crate) async fn kind(&self, ground: &Ground) -> Result<Option<Arc<KindEntry>>, Error> {
        let AccountRow { owner, kind, .. } = &self.listed.account;
        let kind = Kind::parse(kind).unwrap_or(UNREADABLE);
        match &self.in_use {
            Some(row) => ground.marked_kind(owner, &kind, &row.declared.marked()).await,
            None => ground.find_kind(owner, &kind).await,
        }
    }

    /// Returns the mark of the row that makes the kind of the connection, if its kind belongs to an extension.
    pub(crate) fn kind_mark(&self) -> StoredMark {
        self.in_use.as_ref().map(|row| row.declared.marked()).unwrap_or_default()
    }

    /// Returns the names of the secrets in the credential, as JSON.
    pub(crate) fn secret_names(&self) -> Option<&str> {
        self.in_use.as_ref().map(|row| &*row.credential.secret_names)
    }

    /// Returns `true` if a probe that found the stored facts and these secret names has to store only its time, because
    /// there are no names to correct.
    pub(crate) fn is_unchanged(&self, secret_names: Option<&str>) -> bool {
        self.in_use.as_ref().is_some_and(|row| secret_names.is_none_or(|names| names == row.credential.secret_names))
    }
}

/// Reads a connection and its current credential.
///
/// # Errors
///
/// [`Error::NotFound`], and the store's errors.
pub(crate) async fn read(ground: &Ground, id: ConnectionId) -> Result<Read, Error> {
    read_at(ground, id, None).await
}

/// Reads a connection as [`read`] does. `version` is that of the store before the read, if it is known.
pub(super) async fn read_at(ground: &Ground, id: ConnectionId, version: Option<Version>) -> Result<Read, Error> {
    let stamp = ground.freezes.begin_read(version);
    let mut reader = ground.reader().await?;
    if let Some(row) = readable(&mut reader, id).await? {
        // The next read of the store may need a reader of its own.
        drop(reader);
        ground.freezes.saw(stamp, &row.freeze).await?;
        return Ok(Read { listed: row.listed(), in_use: Some(row), withdrawal: stamp.withdrawal() });
    }
    let listed = reader.listed(id).await?.ok_or(Error::NotFound(id))?;
    // Another credential may have been stored between the two reads. Reading once more then finds its row.
    match readable(&mut reader, id).await? {
        Some(row) => Ok(Read { listed: row.listed(), in_use: Some(row), withdrawal: stamp.withdrawal() }),
        None => Ok(Read { listed, in_use: None, withdrawal: stamp.withdrawal() }),
    }
}

/// Reads a connection of an owner, as hosts see it, with its current credential.
///
/// # Errors
///
/// [`Error::NotFound`], and the store's errors.
pub(crate) async fn read_shown(ground: &Ground, owner: &str, id: ConnectionId) -> Result<ShownConnection, Error> {
    let read = read(ground, id).await?;
    if *read.listed.account.owner != *owner {
        return Err(Error::NotFound(id));
    }
    let kind = read.kind(ground).await?;
    let info = ground.info(read.listed.clone(), kind.as_deref()).ok_or(Error::NotFound(id))?;
    Ok(ShownConnection { info, read, kind })
}

/// Opens the current credential and returns it with the matching information, because account and configuration change
/// with the credential, even between two reads. `info` and `generation` were read before.
pub(crate) async fn open_as_one(
    ground: &Arc<Ground>,
    mut info: ConnectionInfo,
    mut generation: i64,
) -> Result<(ConnectionInfo, Opened), Error> {
    let mut retries = ConflictRetries::of("credential of a connection");
    loop {
        retries.begin_attempt()?;
        let opened = open(ground, &info).await?;
        if opened.generation == generation {
            return Ok((info, opened));
        }
        (info, generation) = ground.info_and_generation(&info.owner, info.id).await?;
    }
}

/// Reads the current credential and opens it.
pub(crate) async fn open(ground: &Arc<Ground>, info: &ConnectionInfo) -> Result<Opened, Error> {
    open_read(ground, info, &read(ground, info.id).await?).await
}

/// Opens a credential that was read. The sealed data is bound to the owner and the kind of `info` and to the
/// generation, and the row of the connection is compared with the newest event, so an edit of either is detected.
pub(crate) async fn open_read(ground: &Arc<Ground>, info: &ConnectionInfo, read: &Read) -> Result<Opened, Error> {
    // The credential may no longer be the current one.
    ground.store.refuse_displaced()?;
    let generation = read.generation();
    let cell = CREDENTIAL.at(info.id.as_uuid(), generation, &info.owner, info.kind.as_str());
    let Some(InUseRow { credential: row, standing, .. }) = &read.in_use else {
        let payload = Err(Unopened::Sealed(Error::sealed(&cell, SealError::Tampered { table: cell.table })));
        return Ok(Opened { generation, payload, plan: Plan::default() });
    };
    let opened = ground.open(&cell, &row.sealed).await;
    // The data was authentic, so if it cannot be decoded, a later version wrote it.
    let unreadable = || Error::sealed(&cell, SealError::UnknownFormat);
    let payload = opened.and_then(|bytes| Payload::decode(bytes.expose()).ok_or_else(unreadable));
    if let Err(error @ Error::Sealed { what, source }) = &payload {
        tracing::warn!(what, kind = %info.kind, error = %source, "a credential cannot be opened");
        // If the key may be available again soon, the connection is not marked as failing.
        if source.may_pass() {
            return Err(error.clone());
        }
    }
    let payload = payload.map_err(Unopened::Sealed).and_then(|payload| {
        guard::refused(&ground.sealer, standing).map_or(Ok(payload), |error| Err(Unopened::Row(error)))
    });
    if let Err(Unopened::Row(error)) = &payload {
        tracing::warn!(
            connection = %info.id, kind = %info.kind, %error,
            "a connection is refused because its row was changed"
        );
    }
    Ok(Opened { generation: row.generation, payload, plan: Plan::of(row) })
}

/// Reads the row of the current credential. A corrupt row counts as missing.
async fn readable(reader: &mut Reader, id: ConnectionId) -> Result<Option<InUseRow>, Error> {
    match reader.in_use(id).await {
        Err(StoreError::Corrupt { .. }) => Ok(None),
        row => Ok(row?),
    }
}
