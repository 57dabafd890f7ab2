//! The changes of the row that names what is frozen.

use super::{Freezes, Froze, Thawed, released};
use crate::{
    AgentError, Error, event,
    frozen::{FreezeNote, Freezing, Frozen, row_error, write},
    store::{Lock, StoreError, Tx},
};

/// The maximum number of connections, agents and kinds that are named.
const MAX_NAMES: usize = 1_000;
/// The number of notes that are kept beside those about what is frozen.
const MAX_NOTES: usize = 100;
/// The maximum number of connections of an agent that get an event.
const MAX_EVENTS: usize = 100;

/// The result of writing the row.
struct Written {
    /// The thing that was frozen or thawed.
    what: Frozen,
    /// `true` if the thing was frozen before.
    was_frozen: bool,
    /// `true` if the row has to say whose the thing is, although it names it already: a row that was refused may have
    /// lost its notes.
    is_unnoted: bool,
    still: Vec<Frozen>,
}

impl Freezes<'_> {
    pub(super) async fn put(self, what: Frozen) -> Result<Froze, Error> {
        self.check_existence(&what).await?;
        let owner = self.scope.owner.to_owned();
        let asked = what.clone();
        // The thing exists, and belongs to this owner.
        let written = self.write(move |freezing| {
            if freezing.fault.is_some() {
                // Everything is frozen, and stays so when the row is good again.
                add(freezing, &Frozen::All);
            }
            let was_frozen = freezing.has(&asked);
            let is_unnoted = was_frozen && !freezing.is_of(&asked, &owner);
            let what = if was_frozen { asked } else { named(freezing, asked, owner) };
            add(freezing, &what);
            Ok(Written { what, was_frozen, is_unnoted, still: Vec::new() })
        });
        let Written { what, was_frozen, .. } = written.await?;
        tracing::warn!(%what, "frozen");
        let in_force = self.scope.system.freezes.in_force().await;
        self.note_event(&what, event::FROZEN).await;
        let connections = self.count(&what).await?;
        let (released, has_older) = released::of(self.scope, &what).await?;
        Ok(Froze { what, was_frozen, connections, released, has_older, in_force })
    }

    /// Returns the number of connections that a freeze concerns now.
    async fn count(&self, what: &Frozen) -> Result<u64, Error> {
        let mut reader = self.scope.system.reader().await?;
        Ok(match what {
            Frozen::Agent(id) => {
                let grants = reader.agent_grants(self.scope.owner, *id).await?;
                grants.iter().filter(|grant| grant.revoked_at.is_none()).count() as u64
            }
            Frozen::All => reader.count_accounts(None, None).await?,
            Frozen::Connection(_) => 1,
            Frozen::Kind(kind) => reader.count_accounts(None, Some(kind.as_str())).await?,
            Frozen::Owner(owner) => reader.count_accounts(Some(owner), None).await?,
        })
    }

    pub(super) async fn remove(self, what: Frozen) -> Result<Thawed, Error> {
        let asked = what.clone();
        let owner = self.scope.owner.to_owned();
        let written = self.write(move |freezing| {
            let fault = freezing.fault;
            if let Some(fault) = fault.filter(|_| asked != Frozen::All) {
                return Err(row_error(fault).into());
            }
            let is_own = freezing.is_of(&asked, &owner);
            let name = asked.to_string();
            let before = freezing.frozen.len();
            freezing
                .frozen
                .retain(|frozen| !is_own || *frozen != name && !(asked == Frozen::All && is_unknown(frozen)));
            let was_frozen = freezing.frozen.len() < before || fault.is_some();
            let still = freezing.frozen.iter().filter_map(|frozen| frozen.parse().ok());
            let still = still.filter(|frozen| concerns(frozen, &asked, freezing, &owner)).collect();
            Ok(Written { what: asked, was_frozen, is_unnoted: false, still })
        });
        let Written { what, was_frozen, still, .. } = written.await?;
        if was_frozen {
            tracing::warn!(%what, "thawed");
            self.note_event(&what, event::THAWED).await;
        }
        Ok(Thawed { was_frozen, still })
    }

    /// Changes the row in one transaction, and notes the change.
    async fn write(
        &self,
        change: impl FnOnce(&mut Freezing) -> Result<Written, Error> + Send + 'static,
    ) -> Result<Written, Error> {
        let ground = self.scope.system;
        let sealer = ground.sealer.clone();
        let now = ground.clock.now().seconds();
        let owner = self.scope.owner.to_owned();
        let by = self.by.as_ref().map(ToString::to_string);
        let written = ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner("")).await?;
                let row = tx.freeze().await?;
                let mut freezing = Freezing::read(&sealer, row.as_ref());
                let before = freezing.frozen.clone();
                let written = match change(&mut freezing) {
                    Ok(written) => written,
                    Err(error) => return Ok(Err(error)),
                };
                if freezing.fault.is_none() && freezing.frozen == before && !written.is_unnoted {
                    return Ok(Ok(written));
                }
                let owner = matches!(written.what, Frozen::Agent(_) | Frozen::Connection(_)).then_some(owner);
                let is_freeze = freezing.has(&written.what);
                freezing.notes.push(FreezeNote { what: written.what.to_string(), owner, at: now, by, is_freeze });
                forget_old_notes(&mut freezing);
                if is_freeze {
                    tx.withdraws();
                }
                write(tx, &sealer, now, &freezing).await?;
                Ok(Ok(written))
            })
        });
        let written = written.await??;
        // The uses of this process end before the caller is answered.
        ground.freezes.read(None).await?;
        Ok(written)
    }

    async fn check_existence(&self, what: &Frozen) -> Result<(), Error> {
        let owner = self.scope.owner;
        match what {
            Frozen::Connection(id) => {
                let found = self.scope.system.reader().await?.account(*id).await?;
                found.filter(|row| row.owner == owner).map(drop).ok_or(Error::NotFound(*id))
            }
            Frozen::Agent(id) => {
                let found = self.scope.system.reader().await?.agent(*id).await?;
                let found = found.filter(|row| row.owner == owner && row.removed_at.is_none());
                found.map(drop).ok_or_else(|| AgentError::Unknown(id.to_string().into()).into())
            }
            Frozen::Owner(owner) => crate::owner::check(owner).map_err(Error::InvalidOwner),
            Frozen::All | Frozen::Kind(_) => Ok(()),
        }
    }

    /// Records the change with the connection, or with the connections that the agent is granted. The freeze is in force
    /// already, and does not wait for the locks of connections.
    async fn note_event(&self, what: &Frozen, kind: &'static str) {
        let ground = self.scope.system.clone();
        let owner = self.scope.owner.to_owned();
        let mut body = serde_json::json!({ "what": what.to_string() });
        if let Some(by) = &self.by {
            body["by"] = by.as_str().into();
        }
        let what = what.clone();
        let job = self.scope.system.store.write(move |tx| {
            Box::pin(async move {
                for id in concerned(tx, &what, &owner).await? {
                    tx.lock(Lock::Connection(id)).await?;
                    if tx.account(id).await?.is_some_and(|row| row.owner == owner) {
                        event::append(tx, &ground.sealer, &ground.event(&owner, id, kind, body.clone())).await?;
                    }
                }
                Ok(())
            })
        });
        if let Err(error) = job.await {
            tracing::warn!(%error, "the event of a freeze could not be recorded");
        }
    }
}

impl Freezing {
    /// Returns `true` unless the thing is a connection or an agent of another owner.
    fn is_of(&self, what: &Frozen, owner: &str) -> bool {
        let name = what.to_string();
        match what {
            Frozen::Agent(_) | Frozen::Connection(_) => {
                let note = self.notes.iter().rev().find(|note| note.is_freeze && note.what == name);
                note.is_some_and(|note| note.owner.as_deref() == Some(owner))
            }
            _ => true,
        }
    }
}

/// Returns the connections that get the event.
async fn concerned(tx: &mut Tx, what: &Frozen, owner: &str) -> Result<Vec<crate::ConnectionId>, StoreError> {
    match what {
        Frozen::Connection(id) => Ok(vec![*id]),
        Frozen::Agent(id) => {
            let grants = tx.agent_grants(owner, *id).await?.into_iter().filter(|grant| grant.revoked_at.is_none());
            Ok(grants.map(|grant| grant.connection_id).take(MAX_EVENTS).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn add(freezing: &mut Freezing, what: &Frozen) {
    if !freezing.has(what) {
        freezing.frozen.push(what.to_string());
    }
}

/// Returns what is frozen instead of a thing for which there is no room.
fn named(freezing: &Freezing, what: Frozen, owner: String) -> Frozen {
    let is_counted = |name: &&String| !name.starts_with("owner:") && *name != "all";
    if freezing.frozen.iter().filter(is_counted).count() < MAX_NAMES {
        return what;
    }
    match what {
        Frozen::Agent(_) | Frozen::Connection(_) => Frozen::Owner(owner),
        Frozen::Kind(_) => Frozen::All,
        what => what,
    }
}

fn is_unknown(name: &str) -> bool {
    name.parse::<Frozen>().is_err()
}

/// Returns `true` if something that is frozen concerns the thing that was thawed.
fn concerns(frozen: &Frozen, thawed: &Frozen, freezing: &Freezing, owner: &str) -> bool {
    match (thawed, frozen) {
        (Frozen::All, Frozen::Agent(_) | Frozen::Connection(_)) => freezing.is_of(frozen, owner),
        (Frozen::All, _) | (_, Frozen::All) => true,
        (Frozen::Owner(thawed), frozen @ (Frozen::Agent(_) | Frozen::Connection(_))) => freezing.is_of(frozen, thawed),
        (Frozen::Agent(_) | Frozen::Connection(_), Frozen::Owner(frozen)) => frozen == owner,
        (Frozen::Kind(_), _) => false,
        (thawed, frozen) => thawed == frozen,
    }
}

/// Keeps the notes about what is frozen, and the last ones of the others.
fn forget_old_notes(freezing: &mut Freezing) {
    let mut left = MAX_NOTES;
    let mut kept = Vec::new();
    let mut named = std::collections::HashSet::new();
    let frozen: std::collections::HashSet<_> = freezing.frozen.iter().cloned().collect();
    for note in freezing.notes.drain(..).rev() {
        let is_needed = note.is_freeze && frozen.contains(&note.what) && named.insert(note.what.clone());
        if is_needed || left > 0 {
            left -= usize::from(!is_needed);
            kept.push(note);
        }
    }
    kept.reverse();
    freezing.notes = kept;
}
