//! Removes a connection: what setup took at the provider is given back, then the row goes, whatever the provider said.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use connection_contract::{ConnectionError, TeardownContext};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, StoreError,
    connection::rollback,
    contain::{Contained, contain},
    event,
    extension::{self, ALL_OF_IT, Affected},
    setup,
    store::Lock,
    verify,
    verify::{HostServices, Subject},
};

/// Whoever removes a connection does not wait for a provider for ever.
const LONGEST: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(1);
/// For the credential that a rollback would have brought back.
const LONGEST_PREVIOUS: Duration = Duration::from_secs(10);
/// So many credentials are torn down at most, where each is replaced meanwhile.
const ATTEMPTS: usize = 3;

/// What became of a teardown. The row is gone in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Teardown {
    /// What setup took was given back, or there was nothing to give back.
    Done,
    /// The provider or the plugin failed; what is left at the provider is to be removed there.
    Failed,
    /// The plugin is not registered, or the credential cannot be read.
    Skipped,
}

impl Teardown {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A connection that was removed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Removal {
    /// Whether the provider was told.
    pub teardown: Teardown,
    /// The same of the credential that was kept to go back to; `None` when there was none.
    pub previous: Option<Teardown>,
}

impl ConnectionRegistry {
    /// Removes a connection with its credential, and with the one that was kept to go back to: ends its probe, tears both
    /// down, deletes. Its events stay.
    ///
    /// # Repetition
    ///
    /// After a crash in between it is there still, and removing it again is as good as once. Who asks while it is being
    /// removed gets the result of that removal.
    ///
    /// # Cancellation
    ///
    /// Dropped, the removal goes on.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and the store's: then the row is there still.
    pub async fn remove(&self, id: ConnectionId) -> Result<Removal, Error> {
        // Asked here and not in the task, which another owner could join.
        self.info(id).await?;
        let registry = self.clone();
        self.shared.removals.join(&self.shared.runtimes, id, async move { registry.remove_now(id).await }).await
    }

    async fn remove_now(self, id: ConnectionId) -> Result<Removal, Error> {
        let (mut attempts, mut given_back) = (0, GivenBack::default());
        let (kind, removal) = loop {
            // Again, since a removal may have ended between the two.
            let (info, generation) = self.info_and_generation(id).await?;
            self.shared.flights.cancel(id);
            self.shared.refreshes.cancel(id);
            attempts += 1;
            let (generation, teardown) = match given_back.get(&generation) {
                Some(teardown) => (generation, *teardown),
                None => self.teardown(&info, generation).await?,
            };
            given_back.insert(generation, teardown);
            let previous = self.teardown_previous(&info, &mut given_back).await?;
            let removal = Removal { teardown, previous };
            let known = given_back.keys().copied().collect();
            if let Some(removal) = self.delete(&info, (generation, known), removal, attempts == ATTEMPTS).await? {
                break (info.kind, removal);
            }
            tracing::info!(connection = %id, kind = %info.kind, "another credential came during the teardown");
        };
        // One that began during the teardown found the row; what it finds now is written nowhere.
        self.shared.flights.cancel(id);
        self.shared.refreshes.cancel(id);
        self.shared.subscriptions.end(id);
        self.shared.usage.forget(id);
        setup::connection_removed(&self.shared, id).await;
        tracing::info!(connection = %id, kind = %kind, teardown = removal.teardown.as_str(), "removed");
        Ok(removal)
    }

    /// Deletes the row. `None` when its credential, or the one to go back to, is another than those that were torn down:
    /// nothing was changed, unless this is the last attempt; then what is left at the provider is told.
    async fn delete(
        &self,
        info: &ConnectionInfo,
        (generation, given_back): (i64, HashSet<i64>),
        mut removal: Removal,
        is_last: bool,
    ) -> Result<Option<Removal>, Error> {
        let (id, on, owner, kind) = (info.id, self.shared.clone(), info.owner.clone(), info.kind.clone());
        let turn = extension::turn(&self.shared).await;
        let deleted = self.shared.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Connection(id)).await?;
                let Some(account) = tx.account(id).await? else { return Ok(None) };
                let previous = tx.previous_generation(id).await?;
                let is_current = account.generation == generation;
                let is_previous = previous.is_none_or(|previous| given_back.contains(&previous));
                if !(is_last || is_current && is_previous) {
                    return Ok(Some(None));
                }
                if !is_current {
                    removal.teardown = Teardown::Failed;
                }
                if !is_previous {
                    removal.previous = Some(Teardown::Failed);
                }
                // Their grants go with the row.
                let affected = Affected::of(tx, &owner, id, &ALL_OF_IT).await?;
                tx.delete_account(id).await?;
                let mut body = serde_json::json!({ "kind": kind.as_str(), "teardown": removal.teardown.as_str() });
                if let Some(previous) = removal.previous {
                    body["previous"] = previous.as_str().into();
                }
                event::append(tx, &on.sealer, &event::new(&on, &owner, id, event::REMOVED, body)).await?;
                Ok(Some(Some((removal, affected))))
            })
        });
        let deleted = deleted.await?.ok_or(Error::NotFound(id))?;
        Ok(deleted.map(|(removal, affected)| {
            affected.tell(&self.shared, &turn);
            removal
        }))
    }

    /// The store's errors alone: a credential that cannot be had just now is not given up.
    /// With the generation that was torn down.
    async fn teardown(&self, info: &ConnectionInfo, generation: i64) -> Result<(i64, Teardown), Error> {
        if self.shared.kinds.entry(&info.kind).is_none() {
            return Ok((generation, skipped(info, "unknown_kind")));
        }
        let (info, opened) = verify::open_as_one(self, info.clone(), generation).await?;
        let generation = opened.generation;
        let Ok(payload) = opened.payload else {
            return Ok((generation, skipped(&info, "credential_unreadable")));
        };
        let ConnectionInfo { id, profile, owner, config, .. } = info.clone();
        let subject = Subject { id, owner, profile, payload, config };
        Ok((generation, self.torn_down(&info, subject, LONGEST).await))
    }

    /// Of the credential that was kept to go back to, after the current one: at some providers it is given back with that.
    /// A removal does not fail for it, whatever is wrong with it.
    async fn teardown_previous(
        &self,
        info: &ConnectionInfo,
        given_back: &mut GivenBack,
    ) -> Result<Option<Teardown>, Error> {
        let mut reader = self.shared.reader().await?;
        let Some(generation) = reader.previous_generation(info.id).await? else { return Ok(None) };
        if let Some(teardown) = given_back.get(&generation) {
            return Ok(Some(*teardown));
        }
        let previous = match reader.previous_credential(info.id).await {
            Err(StoreError::Corrupt { .. }) => None,
            // It was replaced in between: what is there when the row goes is looked at again.
            Ok(previous) if previous.as_ref().is_none_or(|row| row.credential.generation != generation) => {
                return Ok(None);
            }
            previous => previous?,
        };
        drop(reader);
        let teardown = match &previous {
            Some(previous) => match rollback::open_previous(&self.shared, info, previous).await {
                Ok(subject) => self.torn_down(info, subject, LONGEST_PREVIOUS).await,
                Err(_) => skipped(info, "credential_unreadable"),
            },
            None => skipped(info, "credential_unreadable"),
        };
        given_back.insert(generation, teardown);
        Ok(Some(teardown))
    }

    /// Tears down a credential that a provider made for a connection that was removed meanwhile.
    pub(crate) async fn give_back(&self, info: &ConnectionInfo, orphan: Subject) {
        let teardown = self.torn_down(info, orphan, LONGEST_PREVIOUS).await;
        tracing::info!(connection = %info.id, kind = %info.kind, teardown = teardown.as_str(), "given back late");
    }

    async fn torn_down(&self, info: &ConnectionInfo, subject: Subject, longest: Duration) -> Teardown {
        let shared = &self.shared;
        let Some(kind) = shared.kinds.entry(&info.kind) else { return skipped(info, "unknown_kind") };
        let services = match HostServices::of(shared, &kind, &subject).await {
            Ok(services) => services,
            Err(error) => {
                tracing::warn!(connection = %info.id, code = error.code(), "teardown could not begin; the row goes anyway");
                return Teardown::Failed;
            }
        };
        let (definition, clock) = (kind.definition.clone(), shared.clock.clone());
        let task = async move {
            let (connection, http) = (subject.connection(), services.http());
            let ctx = TeardownContext::new(services.services(&http), &connection);
            let teardown = || definition.teardown(&subject.payload.credential, &ctx);
            contain(&*clock, longest, teardown, || false, || {}).await
        };
        let failed = |why: &str| {
            tracing::warn!(connection = %info.id, kind = %info.kind, why, "teardown failed; the row goes anyway");
            Teardown::Failed
        };
        let clock = Arc::clone(&shared.clock);
        match shared.runtimes.run(&*clock, longest + GRACE, task).await {
            Contained::Ended(Contained::Ended(Ok(()))) => Teardown::Done,
            Contained::Ended(Contained::Ended(Err(ConnectionError::Credential(_)))) => {
                skipped(info, "credential_unreadable")
            }
            Contained::Ended(Contained::Ended(Err(_))) => failed("the plugin says so"),
            Contained::Panicked | Contained::Ended(Contained::Panicked) => failed("plugin_panicked"),
            _ => failed("plugin_timeout"),
        }
    }
}

/// What became of each generation, so that none is given back twice.
type GivenBack = HashMap<i64, Teardown>;

fn skipped(info: &ConnectionInfo, why: &str) -> Teardown {
    tracing::warn!(connection = %info.id, kind = %info.kind, why, "teardown skipped");
    Teardown::Skipped
}
