//! Restores a backup: it is copied and checked, compared with the database that it replaces, marked, and put in its place.

use std::{collections::BTreeSet, path::PathBuf};

use connection_contract::Timestamp;

use super::{
    BackupError, Restored, RestoredConnection, TokenUse,
    compare::{Former, Trace},
    mark::{self, Classed, Page},
};
use crate::{
    Error, KeySources, OpenError, RegistryBuilder, StoreError, StoreSource,
    contain::Runtimes,
    exchange::NodeLook,
    keys,
    registry::{Systems, node, open::assembled},
    store::{self, ReplacedStore, Replacement},
};

pub(super) async fn restore(mut builder: RegistryBuilder, from: PathBuf) -> Result<Restored, BackupError> {
    if let Some(refused) = builder.refused.take() {
        return Err(OpenError::from(refused).into());
    }
    let (source, keys) = builder.store_and_keys()?;
    let database = source.file().ok_or(BackupError::NotAFile)?;
    let state = builder.state_directory.take().or_else(|| source.state_directory());
    let runtimes = Runtimes::new().map_err(OpenError::Runtime)?;
    let task = runtimes.spawn(async move {
        let replacement = Replacement::begin(database.clone()).await?;
        if let Some(kept) = replacement.complete().await? {
            drop(replacement);
            return completed(builder, source, keys, kept).await;
        }
        if !from.exists() {
            return Err(BackupError::Missing { file: from });
        }
        let interrupted = database.clone();
        let restored = Restore { builder, database, state, keys }.run(&replacement, from).await;
        match restored {
            Ok(Staged { restored, former, stamp }) => {
                let kept = replacement.put(stamp, former).await.inspect_err(|error| {
                    tracing::warn!(%error, "a restore could not replace the database");
                });
                match kept {
                    // A file was moved, and the next restore completes the replacement.
                    Err(_) if store::is_restore_interrupted(&interrupted) => {
                        let place = interrupted.display().to_string();
                        Err(StoreError::Interrupted { place }.into())
                    }
                    kept => Ok(Restored { kept: kept?, ..restored }),
                }
            }
            Err(error) => {
                replacement.abandon().await;
                Err(error)
            }
        }
    });
    task.await.map_err(|_| StoreError::Panicked)?
}

/// Returns what an interrupted restore has marked, after it was completed.
async fn completed(
    builder: RegistryBuilder,
    source: StoreSource,
    keys: KeySources,
    kept: Option<PathBuf>,
) -> Result<Restored, BackupError> {
    let systems = assembled(builder, source, keys).await?;
    let connections = mark::marked(&systems, &BTreeSet::new()).await;
    let database = systems.ground.store.place().to_owned();
    systems.ground.store.close().await;
    Ok(Restored { database, kept, unread: None, is_completed: true, connections: connections? })
}

/// A restore before it replaces anything.
struct Restore {
    builder: RegistryBuilder,
    database: PathBuf,
    /// The state directory of the node.
    state: Option<PathBuf>,
    keys: KeySources,
}

/// A copy that is ready to take the place of the database.
struct Staged {
    restored: Restored,
    former: Option<ReplacedStore>,
    stamp: String,
}

impl Restore {
    async fn run(self, replacement: &Replacement, from: PathBuf) -> Result<Staged, BackupError> {
        let place = from.display().to_string();
        let Some((draft, copy)) = replacement.stage(&from).await? else {
            return Err(BackupError::NotOurs { file: from });
        };
        let checked = keys::check_keyset(&copy.keyset, &self.keys).await;
        checked.map_err(|error| OpenError::of_key(error, &place))?;
        let store_id = copy.keyset.store_id;
        let stamp = stamp(self.builder.clock.now());
        let database = self.database.display().to_string();
        let (former, unread) = match replacement.replaced().await {
            Ok(former) => (former, None),
            Err(StoreError::Busy { place }) => return Err(BackupError::InUse { place }),
            Err(error) => (None, Some(error.to_string())),
        };
        let systems = assembled(self.builder, draft.display().to_string().into(), self.keys).await?;
        let result = async {
            let node = look(&systems, self.state).await;
            if node.is_in_use {
                return Err(BackupError::InUse { place: database.clone() });
            }
            let mut former = Former::of(store_id, former, node).await;
            let connections = compared(&systems, &mut former).await?;
            Ok((connections, former.into_store()))
        };
        let result = result.await;
        systems.ground.store.close().await;
        let (connections, former) = result?;
        let restored = Restored { database, kept: None, unread, is_completed: false, connections };
        Ok(Staged { restored, former, stamp })
    }
}

/// Reads the state directory of the node, if it has one.
async fn look(systems: &Systems, state: Option<PathBuf>) -> NodeLook {
    let Some(path) = state else { return NodeLook::default() };
    let tag = node::store_tag(&systems.ground.sealer);
    tokio::task::spawn_blocking(move || NodeLook::at(&path, &tag)).await.unwrap_or_else(|_| NodeLook::unreadable())
}

/// Compares and marks all connections of the copy.
async fn compared(systems: &Systems, former: &mut Former) -> Result<Vec<RestoredConnection>, Error> {
    let mut unused = BTreeSet::new();
    let mut after = None;
    loop {
        let page = Page::read(systems, after).await?;
        let mut classed = Vec::new();
        for row in &page.rows {
            let id = row.listed.account.id;
            let trace = match mark::is_used_up(row) {
                true => Trace::read(&mut systems.ground.reader().await?, id).await?,
                false => None,
            };
            let token = match trace {
                Some(trace) => Some(former.token_use(id, &trace).await),
                None => None,
            };
            if token == Some(TokenUse::Unused) {
                unused.insert(id);
            }
            classed.push(Classed { id, token });
        }
        mark::mark(systems, classed).await?;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    mark::marked(systems, &unused).await
}

/// Returns the time in a form for names of files: `20261125T171500Z`.
fn stamp(now: Timestamp) -> String {
    now.to_rfc3339().chars().filter(|c| c.is_ascii_alphanumeric()).collect()
}
