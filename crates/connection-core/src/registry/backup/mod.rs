//! Backups of a database in a file, and their restore.
//!
//! A restored refresh token may be used up since the backup was made, and asking the provider would use it. A restore
//! therefore compares each connection with the database that it replaces, and marks the credentials that may be used up:
//! their access tokens work until they end, and only a person's request refreshes them. See `docs/design/store.md`.

#[cfg(feature = "sqlite")]
mod compare;
mod loss;
mod mark;
#[cfg(feature = "sqlite")]
mod restore;
#[cfg(feature = "sqlite")]
mod write;

use std::path::PathBuf;

use connection_contract::BoxFuture;

use super::{OpenError, RegistryBuilder};
use crate::{ConnectionInfo, Error, Frozen, KeyId, StoreError};
use mark::WholeStore;

/// A backup that was written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Backup {
    /// The file of the backup.
    pub file: PathBuf,
    /// The version of the database: the number of its last migration.
    pub version: i64,
    /// The ids of the keys that open it. The keys themselves are not in it.
    pub keys: Vec<KeyId>,
    /// The number of connections in it, of all owners.
    pub connections: u64,
}

/// A database that was restored, or marked as restored or failed over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Restored {
    /// The database: a path, or the address of a server without a password.
    pub database: String,
    /// The former database, which is kept in this file; `None` if there was none or nothing was replaced.
    pub kept: Option<PathBuf>,
    /// The reason why the former database could not be read, if it could not.
    pub unread: Option<String>,
    /// `true` if the call completed a restore that was interrupted, from the backup that was named then.
    pub is_completed: bool,
    /// The connections with a token that is used up by its use, of all owners. None after a failover that
    /// [lost nothing](RegistryBuilder::accept_failover).
    pub connections: Vec<RestoredConnection>,
    /// What is frozen, of all owners. It is what was frozen in the database that was replaced; if that could not be
    /// read, everything is frozen.
    pub frozen: Vec<Frozen>,
}

/// A connection whose refresh token was restored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RestoredConnection {
    /// The connection after the restore.
    pub connection: ConnectionInfo,
    /// The use of the token since the backup was made, as far as it is known.
    pub token: TokenUse,
}

/// The use of a restored refresh token since the backup was made, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenUse {
    /// The token was used, so only a person's request refreshes the connection.
    Used,
    /// The token was not used, so the connection is refreshed as before.
    Unused,
    /// Nothing shows whether the token was used, so only a person's request refreshes the connection.
    Unknown,
}

impl TokenUse {
    /// Returns the name in events and in JSON, such as `unused`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Unused => "unused",
            Self::Unknown => "unknown",
        }
    }
}

/// The remedy while a courier is at work.
pub(super) const AFTER_A_RENEWAL: &str = "repeat the command in half a minute";

/// The reason why a backup was not written or not restored. The database is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file for the backup exists.
    #[error("the file {} exists already, and was not changed", file.display())]
    Exists {
        /// The file that was named.
        file: PathBuf,
    },
    /// A process has the database open.
    #[error("a process has the database {place} open")]
    InUse {
        /// The path of the database.
        place: String,
    },
    /// The name for the backup is one of the names beside the database that the program, or SQLite, uses itself.
    #[error("the name {} belongs to the database, so nothing was written there", file.display())]
    NameOfDatabase {
        /// The file that was named.
        file: PathBuf,
    },
    /// A courier, which outlives the command that was killed, finishes a renewal.
    #[error("a renewal of a credential in the database {place} is finishing")]
    Renewing {
        /// The path of the database.
        place: String,
    },
    /// There is no such file.
    #[error("there is no file {}", file.display())]
    Missing {
        /// The file of the database or of the backup.
        file: PathBuf,
    },
    /// The file is a database, but not of this program.
    #[error("{} is not a database of this program", file.display())]
    NotOurs {
        /// The file of the database or of the backup.
        file: PathBuf,
    },
    /// The store is not the file of a SQLite database that was named by its path.
    #[error("the database is not a file, so this program does not copy it")]
    NotAFile,
    /// The store is a SQLite database, which has no server that fails over.
    #[error("the database is a file, which does not fail over")]
    NotAServer,
    /// A connection could not be marked.
    #[error(transparent)]
    Registry(#[from] Error),
    /// The key does not open the backup, or the database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl BackupError {
    /// Returns the stable code, for programs; `docs/spec/words.md` lists all codes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "backup_exists",
            Self::InUse { .. } | Self::Renewing { .. } => "database_in_use",
            Self::NameOfDatabase { .. } => "backup_name_taken",
            Self::Missing { .. } => "backup_missing",
            Self::NotOurs { .. } => "backup_invalid",
            Self::NotAFile => "database_not_a_file",
            Self::NotAServer => "database_not_a_server",
            Self::Registry(error) => error.code(),
            Self::Open(error) => error.code(),
        }
    }

    /// Returns the remedy, if something can be done.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => Some("name another file, or move this one away".into()),
            Self::NameOfDatabase { .. } => Some("choose another name, or another directory".into()),
            Self::InUse { .. } => Some("stop all processes that use it, such as `connections serve`".into()),
            Self::Renewing { .. } => Some(AFTER_A_RENEWAL.into()),
            Self::Missing { .. } | Self::NotOurs { .. } => None,
            Self::NotAFile => Some(
                "back up a database on a server with `pg_dump --format=custom --file=FILE DATABASE`; after `pg_restore`, \
                 run `connections restore --mark` before any other command"
                    .into(),
            ),
            Self::NotAServer => {
                Some("if an older copy of the file was put in its place, run `connections restore --mark`".into())
            }
            Self::Registry(error) => error.remedy(),
            Self::Open(error) => error.remedy(),
        }
    }
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}

impl RegistryBuilder {
    /// Writes a backup of the database to a file that does not exist, instead of opening a registry. Other processes
    /// keep working meanwhile, and the backup holds one state of the database. Only its owner can read the file.
    ///
    /// The builder needs only the store, and not the key, which is not in the backup. A database on a server is backed up
    /// with the tools of the server.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the copy is stopped and removed, for which the drop waits a moment. If the process is
    /// killed, there is no file of that name, and perhaps one with `.partial-` in its name, which is not a backup. The
    /// next backup to that directory removes it.
    ///
    /// # Errors
    ///
    /// [`BackupError`], if no backup was written.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{BackupError, ConnectionRegistry};
    ///
    /// async fn back_up(database: &str, file: &str) -> Result<(), BackupError> {
    ///     let backup = ConnectionRegistry::builder().store(database).back_up(file).await?;
    ///     println!("{} connections, version {}", backup.connections, backup.version);
    ///     Ok(())
    /// }
    /// ```
    pub fn back_up(self, to: impl Into<PathBuf>) -> BoxFuture<'static, Result<Backup, BackupError>> {
        self.back_up_to(to.into())
    }

    /// Replaces the database by a backup, instead of opening a registry, and keeps what it replaces.
    ///
    /// The database must be a file that no process has open. The backup is a file that [`back_up`](Self::back_up) wrote,
    /// or another copy of a database; the builder's key must open it, and this program must know its version.
    ///
    /// The builder needs the kinds of the connections, because it depends on the kind whether a refresh token is used up
    /// by its use. A token of a kind that the builder does not know counts as one that is.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the restore continues. If the process is killed, the database is either the former one
    /// or the restored one, or opening it fails with [`StoreError::Interrupted`] until a restore completes.
    ///
    /// # Errors
    ///
    /// [`BackupError`], after which the database is the former one.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{BackupError, ConnectionRegistry, KeyFile, TokenUse};
    ///
    /// async fn restore(database: &str, key: &str, file: &str) -> Result<(), BackupError> {
    ///     let builder = ConnectionRegistry::builder().store(database).key(KeyFile::at(key));
    ///     let restored = builder.restore(file).await?;
    ///     for restored in restored.connections.iter().filter(|restored| restored.token != TokenUse::Unused) {
    ///         println!("authorize {} again", restored.connection.label);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn restore(self, from: impl Into<PathBuf>) -> BoxFuture<'static, Result<Restored, BackupError>> {
        self.restore_from(from.into())
    }

    /// Marks the database as restored, instead of opening a registry, after it was restored with other tools, such as
    /// those of a server: refresh tokens that are used up by their use are sent only at a person's request.
    ///
    /// Connections that are marked already stay as they are.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped or the process is killed, some connections are marked. The same call again marks the
    /// others.
    ///
    /// # Errors
    ///
    /// [`BackupError`]. Some connections may be marked.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{BackupError, ConnectionRegistry, KeyFile};
    ///
    /// async fn mark(database: &str, key: &str) -> Result<(), BackupError> {
    ///     let builder = ConnectionRegistry::builder().store(database).key(KeyFile::at(key));
    ///     println!("{} tokens may be used up", builder.mark_restored().await?.connections.len());
    ///     Ok(())
    /// }
    /// ```
    pub fn mark_restored(self) -> BoxFuture<'static, Result<Restored, BackupError>> {
        Box::pin(mark::whole_store(self, WholeStore::Restored))
    }

    /// Marks the database, instead of opening a registry, after its server was lost and a standby was promoted that may
    /// lack the last commits: refresh tokens that are used up by their use are sent only at a person's request.
    ///
    /// Connections that are marked already stay as they are. Until this call or [`accept_failover`](Self::accept_failover)
    /// completes, every process refuses to send such tokens with [`StoreError::Promoted`], if the server tells its
    /// timeline.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped or the process is killed, some connections are marked, and no token is sent. The same
    /// call again marks the others.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; for a SQLite database [`BackupError::NotAServer`]. Some connections may be marked.
    pub fn mark_failed_over(self) -> BoxFuture<'static, Result<Restored, BackupError>> {
        Box::pin(mark::whole_store(self, WholeStore::FailedOver))
    }

    /// Records, instead of opening a registry, that the standby that was promoted had every commit, as a synchronous one
    /// does: no connection is marked, and every token is sent again that was not marked before.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; for a SQLite database [`BackupError::NotAServer`].
    pub fn accept_failover(self) -> BoxFuture<'static, Result<Restored, BackupError>> {
        Box::pin(mark::whole_store(self, WholeStore::FailedOverWhole))
    }

    #[cfg(feature = "sqlite")]
    fn back_up_to(self, to: PathBuf) -> BoxFuture<'static, Result<Backup, BackupError>> {
        Box::pin(write::back_up(self, to))
    }

    #[cfg(not(feature = "sqlite"))]
    fn back_up_to(self, _: PathBuf) -> BoxFuture<'static, Result<Backup, BackupError>> {
        Box::pin(async { Err(BackupError::NotAFile) })
    }

    #[cfg(feature = "sqlite")]
    fn restore_from(self, from: PathBuf) -> BoxFuture<'static, Result<Restored, BackupError>> {
        Box::pin(restore::restore(self, from))
    }

    #[cfg(not(feature = "sqlite"))]
    fn restore_from(self, _: PathBuf) -> BoxFuture<'static, Result<Restored, BackupError>> {
        Box::pin(async { Err(BackupError::NotAFile) })
    }
}
