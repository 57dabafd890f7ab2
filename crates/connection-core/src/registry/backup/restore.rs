//! Restores a backup: it is copied and checked, compared with the database that it replaces, marked, and put in its place.

use std::{collections::BTreeSet, path::PathBuf};

use connection_contract::Timestamp;

use super::{
    BackupError, Restored, RestoredConnection, TokenUse,
    compare::{Former, Trace},
    loss::LossCause,
    mark::{self, Classed, Page},
};
use crate::{
    Error, Freezes, Frozen, KeySources, OpenError, RegistryBuilder, StoreError, StoreSource,
    contain::Runtimes,
    exchange::NodeLook,
    frozen::{FreezeNote, Freezing, write},
    ground::Scope,
    keys,
    owner::DEFAULT_OWNER,
    registry::{Systems, node, open::assembled},
    store::{self, Lock, ReplacedStore, Replacement, StagedCopy},
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
    let frozen = frozen(&systems).await;
    let database = systems.ground.store.place().to_owned();
    systems.ground.store.close().await;
    Ok(Restored { database, kept, unread: None, is_completed: true, connections: connections?, frozen: frozen? })
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
        let Some(StagedCopy { draft, checked: copy, was_moved }) = replacement.stage(&from).await? else {
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
        let is_unread = unread.is_some();
        let systems = assembled(self.builder, draft.display().to_string().into(), self.keys).await?;
        let result = async {
            let node = look(&systems, self.state).await;
            if node.is_in_use {
                return Err(BackupError::InUse { place: database.clone() });
            }
            if node.is_renewing {
                return Err(BackupError::Renewing { place: database.clone() });
            }
            let mut former = Former::of(store_id, former, node, was_moved).await;
            let connections = compared(&systems, &mut former).await?;
            let taken = former.freezing(&systems.ground.sealer).await;
            let frozen = take_freezes(&systems, taken, is_unread).await?;
            Ok((connections, frozen, former.into_store()))
        };
        let result = result.await;
        systems.ground.store.close().await;
        let (connections, frozen, former) = result?;
        let restored = Restored { database, kept: None, unread, is_completed: false, connections, frozen };
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
        mark::mark(systems, classed, LossCause::Backup).await?;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    mark::marked(systems, &unused).await
}

/// Takes over what is frozen in the database that is replaced, so that no backup thaws anything. If it is not known what
/// is frozen there, everything is.
async fn take_freezes(systems: &Systems, taken: Option<Freezing>, is_unread: bool) -> Result<Vec<Frozen>, Error> {
    let is_unknown = is_unread || taken.as_ref().is_some_and(|taken| taken.fault.is_some());
    if taken.is_some() || is_unknown {
        let sealer = systems.ground.sealer.clone();
        let now = systems.ground.clock.now().seconds();
        let written = systems.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner("")).await?;
                let mut freezing = match taken {
                    Some(taken) => taken,
                    None => Freezing::read(&sealer, tx.freeze().await?.as_ref()),
                };
                if is_unknown && !freezing.has(&Frozen::All) {
                    let what = Frozen::All.to_string();
                    freezing.frozen.push(what.clone());
                    let by = Some("restore".to_owned());
                    freezing.notes.push(FreezeNote { what, owner: None, at: now, by, is_freeze: true });
                }
                write(tx, &sealer, now, &freezing).await
            })
        });
        written.await?;
    }
    frozen(systems).await
}

/// Returns what is frozen.
async fn frozen(systems: &Systems) -> Result<Vec<Frozen>, Error> {
    let freezes = Freezes::new(Scope { system: &systems.ground, owner: DEFAULT_OWNER });
    Ok(freezes.list_all().await?.into_iter().map(|freeze| freeze.what).collect())
}

/// Returns the time in a form for names of files: `20261125T171500Z`.
fn stamp(now: Timestamp) -> String {
    now.to_rfc3339().chars().filter(|c| c.is_ascii_alphanumeric()).collect()
}
