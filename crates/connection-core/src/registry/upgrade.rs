//! The end of an upgrade: which programs may write the store, and in which form they write.

use connection_contract::{BoxFuture, DisplayText};

use super::StoreState;
use crate::{
    Error, StoreError,
    store::{PartRow, ShortWaits},
};

/// Which versions of this program may write a store. Each version has a number, its schema generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgrade {
    /// The number of this program.
    pub program: i64,
    /// The number of the oldest program that may write.
    pub oldest: i64,
    /// The number of the oldest program that can read what is written.
    pub written: i64,
}

impl Upgrade {
    /// Returns `true` if no older program may write, and everything that this program can write is written.
    pub const fn is_finished(&self) -> bool {
        self.program <= self.oldest && self.program <= self.written
    }
}

/// A process that uses connections of a store, or did a few seconds ago.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreProcess {
    /// The name for people: `process 4711 on laptop`.
    pub name: DisplayText,
    /// The schema generation of its program; `None` for a program that does not tell it.
    pub program: Option<i64>,
}

impl StoreProcess {
    /// Returns `true` if the process may no longer write once the upgrade to the program with this number is finished.
    pub fn is_older_than(&self, program: i64) -> bool {
        self.program.is_none_or(|own| own < program)
    }
}

impl<'a> StoreState<'a> {
    /// Returns which versions of this program may write the store.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn upgrade(self) -> BoxFuture<'a, Result<Upgrade, Error>> {
        Box::pin(async move { Ok(self.read_upgrade().await?) })
    }

    /// Returns the processes that use connections, by their names. The store does not know a process that uses none.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn processes(self) -> BoxFuture<'a, Result<Vec<StoreProcess>, Error>> {
        Box::pin(async move {
            let present = self.registry.systems.ground.store.reader().await?.present().await?;
            Ok(present.into_iter().map(|(name, program)| StoreProcess { name: name.into(), program }).collect())
        })
    }

    /// Ends the time in which older programs may write, and writes in the form of this program from then on. Older programs
    /// that still run are refused at their next write, and record only the answers to requests that are out. This cannot be
    /// undone.
    ///
    /// # Repetition
    ///
    /// Another call changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::ProgramTooOld`] if this program is itself too old, and the store's other errors.
    pub fn finish_upgrade(self) -> BoxFuture<'a, Result<Upgrade, Error>> {
        Box::pin(async move {
            let store = &self.registry.systems.ground.store;
            let schema = store.program().schema;
            // The job takes the lock alone that a checked transaction shares, and is checked by its own statement.
            let mut waits = ShortWaits::default();
            let finished = loop {
                let finishing = store.write_end(move |tx| Box::pin(async move { tx.finish_upgrade(schema).await }));
                match finishing.await {
                    // SQLite waits by itself.
                    Err(error) if store.file().is_none() && waits.may_repeat(&error) => {}
                    finished => break finished?,
                }
            };
            let upgrade = self.read_upgrade().await?;
            if upgrade.oldest > schema {
                return Err(StoreError::ProgramTooOld { place: store.place().to_owned() }.into());
            }
            if finished {
                tracing::info!(program = schema, "the upgrade is finished: older programs may no longer write");
            }
            Ok(upgrade)
        })
    }

    async fn read_upgrade(self) -> Result<Upgrade, StoreError> {
        let store = &self.registry.systems.ground.store;
        let PartRow { oldest, written } = store.reader().await?.part().await?;
        Ok(Upgrade { program: store.program().schema, oldest, written })
    }
}
