//! A move of a store from a file to a server, and its undoing.
//!
//! The copy has every table, sealed as it is. `store/moves.rs` states the order of the marks by which at most one of the
//! two stores opens at any time. See `docs/design/store.md`.

#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod bound;
mod error;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod held;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod run;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod settle;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod undo;

use std::{fmt, sync::Arc, time::Duration};

use connection_contract::{BoxFuture, Kind};
use secrecy::SecretString;

use super::RegistryBuilder;

pub use error::MoveError;

/// A store that was moved to a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Moved {
    /// The path of the database from which it was moved.
    pub from: String,
    /// The address of the server, without a user or password.
    pub to: String,
    /// `true` if the call completed a move that was interrupted after its copy was made, or found it complete.
    pub is_completed: bool,
    /// The number of connections, of all owners.
    pub connections: u64,
    /// The number of rows of all tables.
    pub rows: u64,
    /// The time that the move has taken.
    pub took: Duration,
    /// What names something of this machine, and does not work on another one before a person has seen to it.
    pub bound: Vec<MachineBound>,
}

/// A part of a store that names something of its machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MachineBound {
    /// Connections of a kind that reads directories of the machine.
    Directories {
        /// The kind.
        kind: Kind,
        /// The number of its connections.
        connections: u64,
    },
    /// A profile of a local tool, whose login is in a directory of the machine.
    Profile {
        /// The owner of the profile.
        owner: String,
        /// The kind of the tool.
        kind: String,
        /// The directory.
        directory: String,
    },
    /// Setups that have not ended. A browser that is at a provider comes back to the address of this machine.
    Setups {
        /// The number of the setups.
        setups: u64,
    },
    /// Connections of a kind that runs a tool of the machine, perhaps in a container.
    Tool {
        /// The kind.
        kind: Kind,
        /// The number of its connections.
        connections: u64,
    },
    /// Connections of a kind that this program does not have.
    UnknownKind {
        /// The name of the kind.
        kind: String,
        /// The number of its connections.
        connections: u64,
    },
    /// Connections to which providers send events, at the address that they were told.
    Webhooks {
        /// The number of the connections.
        connections: u64,
    },
}

/// A move that was undone. The database in the file opens again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MoveUndone {
    /// The path of the database.
    pub database: String,
    /// The address of the server, without a user or password.
    pub server: String,
    /// The reason why nothing was deleted on the server, if it could not be reached. A copy that is there is incomplete,
    /// and is never opened.
    pub unreached: Option<String>,
}

/// A step of a move, or of its undoing, that has been done. If the process is killed after it, the next call continues
/// from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MoveStep {
    /// The database in the file says that it is being moved, and no longer opens.
    Begun,
    /// Rows were copied, which nobody sees yet.
    Copying {
        /// The number of rows so far.
        rows: u64,
    },
    /// The copy is complete and on the disk of the server. It does not open.
    Copied,
    /// The database in the file says that it was moved.
    Left,
    /// The copy can be opened.
    Arrived,
    /// The copy was emptied, and is never opened.
    Withdrawn,
    /// The database in the file opens again.
    Returned,
}

/// What a caller does at each step.
#[derive(Clone)]
#[cfg_attr(not(all(feature = "postgres", feature = "sqlite")), allow(dead_code, reason = "a move needs both engines"))]
struct OnStep(Arc<dyn Fn(MoveStep) + Send + Sync>);

impl fmt::Debug for OnStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnStep")
    }
}

impl RegistryBuilder {
    /// Moves the store to an empty PostgreSQL database, instead of opening a registry: every table, sealed as it is, under
    /// the same key. `on_step` is called after each step.
    ///
    /// The store must be a file that no process has open. Requests that use something up must be concluded, and answers
    /// that this node keeps must be recorded, which the call does as far as it can. Afterwards the file opens only to say
    /// where its store went ([`StoreError::Moved`](crate::StoreError::Moved)).
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the move continues. If the process is killed, neither database opens, unless the move had
    /// not begun or was complete; the same call completes the move, and [`undo_move`](Self::undo_move) takes it back.
    ///
    /// # Repetition
    ///
    /// After a move, the same call changes nothing and returns the same.
    ///
    /// # Errors
    ///
    /// [`MoveError`], after which the file opens as before, unless a step had been done that only another call completes:
    /// opening it then fails with [`StoreError::MoveUnfinished`](crate::StoreError::MoveUnfinished) or
    /// [`StoreError::Moved`](crate::StoreError::Moved).
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{ConnectionRegistry, KeyFile, MoveError};
    ///
    /// async fn grow(database: &str, key: &str, server: &str) -> Result<(), MoveError> {
    ///     let builder = ConnectionRegistry::builder().store(database).key(KeyFile::at(key));
    ///     let moved = builder.move_to(server, |step| println!("{step:?}")).await?;
    ///     println!("{} connections are at {}", moved.connections, moved.to);
    ///     Ok(())
    /// }
    /// ```
    pub fn move_to(
        self,
        server: impl Into<SecretString>,
        on_step: impl Fn(MoveStep) + Send + Sync + 'static,
    ) -> BoxFuture<'static, Result<Moved, MoveError>> {
        self.move_to_server(server.into(), OnStep(Arc::new(on_step)))
    }

    /// Takes a move back, instead of opening a registry: the copy on the server is emptied, and the file opens again.
    ///
    /// A move that has begun and is not complete can always be taken back, and a complete one while nobody has opened the
    /// copy. The builder needs only the store, and not the key.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the undoing continues. If the process is killed, the same call completes it.
    ///
    /// # Errors
    ///
    /// [`MoveError`], after which the file does not open, as before.
    pub fn undo_move(
        self,
        server: impl Into<SecretString>,
        on_step: impl Fn(MoveStep) + Send + Sync + 'static,
    ) -> BoxFuture<'static, Result<MoveUndone, MoveError>> {
        self.undo_move_to_server(server.into(), OnStep(Arc::new(on_step)))
    }

    #[cfg(all(feature = "postgres", feature = "sqlite"))]
    fn move_to_server(self, server: SecretString, on_step: OnStep) -> BoxFuture<'static, Result<Moved, MoveError>> {
        Box::pin(run::move_to(self, server, on_step))
    }

    #[cfg(all(feature = "postgres", feature = "sqlite"))]
    fn undo_move_to_server(
        self,
        server: SecretString,
        on_step: OnStep,
    ) -> BoxFuture<'static, Result<MoveUndone, MoveError>> {
        Box::pin(undo::undo(self, server, on_step))
    }

    #[cfg(not(all(feature = "postgres", feature = "sqlite")))]
    fn move_to_server(self, _: SecretString, _: OnStep) -> BoxFuture<'static, Result<Moved, MoveError>> {
        Box::pin(async { Err(MoveError::NotBuilt) })
    }

    #[cfg(not(all(feature = "postgres", feature = "sqlite")))]
    fn undo_move_to_server(self, _: SecretString, _: OnStep) -> BoxFuture<'static, Result<MoveUndone, MoveError>> {
        Box::pin(async { Err(MoveError::NotBuilt) })
    }
}
