//! Removes a connection: what setup took at the provider is given back, then the row goes, whatever the provider said.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use connection_contract::{ConnectionError, Kind, Reason, TeardownContext, reason};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, StoreError,
    connection::rollback,
    contain::{Contained, contain},
    event,
    extension::{self, ALL_OF_IT, Affected},
    limits, setup,
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
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Removal {
    /// Whether the provider was told.
    pub teardown: Teardown,
    /// Why it was not; `None` when the teardown is [`Done`](Teardown::Done).
    pub reason: Option<Reason>,
    /// The same of the credential that was kept to go back to; `None` when there was none.
    pub previous: Option<Teardown>,
    /// Why that one was not given back; `None` when it was, or when there was none.
    pub previous_reason: Option<Reason>,
}

/// What became of one credential.
#[derive(Clone, Debug)]
struct TornDown {
    teardown: Teardown,
    reason: Option<Reason>,
}

impl TornDown {
    fn failed(reason: Reason) -> Self {
        Self { teardown: Teardown::Failed, reason: Some(reason) }
    }

    /// The last teardown that is tried was of a credential that is the connection's no longer.
    fn overtaken() -> Self {
        Self::failed(Reason::new("connection_changed", "another credential took its place during the teardown"))
    }
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
        self.shared.removals.join(&self.shared.runtimes, id, || async move { registry.remove_now(id).await }).await
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
                Some(torn) => (generation, torn.clone()),
                None => self.teardown(&info, generation).await?,
            };
            given_back.insert(generation, teardown.clone());
            let previous = self.teardown_previous(&info, &mut given_back).await?;
            let removal = (teardown, previous);
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
        (mut current, mut before): (TornDown, Option<TornDown>),
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
                    current = TornDown::overtaken();
                }
                if !is_previous {
                    before = Some(TornDown::overtaken());
                }
                // Their grants go with the row.
                let affected = Affected::of(tx, &owner, id, &ALL_OF_IT).await?;
                tx.delete_account(id).await?;
                let mut body = serde_json::json!({ "kind": kind.as_str(), "teardown": current.teardown.as_str() });
                if let Some(reason) = &current.reason {
                    body["reason"] = (&*reason.code).into();
                }
                let (previous, previous_reason) = before.map(|torn| (torn.teardown, torn.reason)).unzip();
                let previous_reason = previous_reason.flatten();
                if let Some(previous) = previous {
                    body["previous"] = previous.as_str().into();
                }
                if let Some(reason) = &previous_reason {
                    body["previousReason"] = (&*reason.code).into();
                }
                let TornDown { teardown, reason } = current;
                let removal = Removal { teardown, reason, previous, previous_reason };
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
    async fn teardown(&self, info: &ConnectionInfo, generation: i64) -> Result<(i64, TornDown), Error> {
        if self.shared.kinds.entry(&info.kind).is_none() {
            return Ok((generation, skipped(info.id, &info.kind, gone())));
        }
        let (info, opened) = verify::open_as_one(self, info.clone(), generation).await?;
        let generation = opened.generation;
        let Ok(payload) = opened.payload else {
            return Ok((generation, skipped(info.id, &info.kind, unreadable())));
        };
        let ConnectionInfo { id, profile, owner, config, .. } = info.clone();
        let subject = Subject { id, owner, profile, payload, config };
        Ok((generation, self.torn_down(&info.kind, subject, LONGEST).await))
    }

    /// Of the credential that was kept to go back to, after the current one: at some providers it is given back with that.
    /// A removal does not fail for it, whatever is wrong with it.
    async fn teardown_previous(
        &self,
        info: &ConnectionInfo,
        given_back: &mut GivenBack,
    ) -> Result<Option<TornDown>, Error> {
        let mut reader = self.shared.reader().await?;
        let Some(generation) = reader.previous_generation(info.id).await? else { return Ok(None) };
        if let Some(torn) = given_back.get(&generation) {
            return Ok(Some(torn.clone()));
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
                Ok(subject) => self.torn_down(&info.kind, subject, LONGEST_PREVIOUS).await,
                Err(_) => skipped(info.id, &info.kind, unreadable()),
            },
            None => skipped(info.id, &info.kind, unreadable()),
        };
        given_back.insert(generation, teardown.clone());
        Ok(Some(teardown))
    }

    /// Tears down a credential that a provider made for a connection that was removed meanwhile, or that is not stored.
    pub(crate) async fn give_back(&self, kind: &Kind, orphan: Subject) {
        let id = orphan.id;
        let torn = self.torn_down(kind, orphan, LONGEST_PREVIOUS).await;
        tracing::info!(connection = %id, %kind, teardown = torn.teardown.as_str(), "given back late");
    }

    async fn torn_down(&self, of: &Kind, subject: Subject, longest: Duration) -> TornDown {
        let (shared, id) = (&self.shared, subject.id);
        let Some(kind) = shared.kinds.entry(of) else { return skipped(id, of, gone()) };
        let services = match HostServices::of(shared, &kind, &subject).await {
            Ok(services) => services,
            Err(error) => {
                tracing::warn!(connection = %id, code = error.code(), "teardown could not begin; the row goes anyway");
                return TornDown::failed(Reason::new(error.code(), error.to_string()));
            }
        };
        let (definition, clock, heard) = (kind.definition.clone(), shared.clock.clone(), services.heard());
        let task = async move {
            let (connection, http) = (subject.connection(), services.http());
            let ctx = TeardownContext::new(services.services(&http), &connection);
            let teardown = || definition.teardown(&subject.payload.credential, &ctx);
            contain(&*clock, longest, teardown, || false, || {}).await
        };
        let fault = |code, message| Reason::new(code, message).remedy(limits::REPORT);
        let clock = Arc::clone(&shared.clock);
        let why = match shared.runtimes.run(&*clock, longest + GRACE, task).await {
            Contained::Ended(Contained::Ended(Ok(()))) => return TornDown { teardown: Teardown::Done, reason: None },
            Contained::Ended(Contained::Ended(Err(ConnectionError::Credential(_)))) => {
                return skipped(id, of, unreadable());
            }
            Contained::Ended(Contained::Ended(Err(ConnectionError::NotLive(why)))) => {
                heard.named(limits::not_live(why), shared.clock.now()).reason
            }
            Contained::Ended(Contained::Ended(Err(ConnectionError::Service(_)))) => {
                Reason::new(reason::PLUGIN_FAULT, "a service of this host failed")
            }
            Contained::Ended(Contained::Ended(Err(_))) => {
                fault(reason::PLUGIN_FAULT, "the plugin could not give the credential back")
            }
            Contained::Panicked | Contained::Ended(Contained::Panicked) => {
                fault(reason::PLUGIN_PANICKED, "the plugin crashed")
            }
            _ => fault(reason::PLUGIN_TIMEOUT, "the plugin did not come to an end in time"),
        };
        tracing::warn!(connection = %id, kind = %of, code = &*why.code, "teardown failed; the row goes anyway");
        TornDown::failed(why)
    }
}

fn gone() -> Reason {
    Reason::new(reason::UNKNOWN_KIND, "no plugin of this kind is registered")
}

fn unreadable() -> Reason {
    Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be read")
}

/// What became of each generation, so that none is given back twice.
type GivenBack = HashMap<i64, TornDown>;

fn skipped(id: ConnectionId, kind: &Kind, why: Reason) -> TornDown {
    tracing::warn!(connection = %id, %kind, code = &*why.code, "teardown skipped");
    TornDown { teardown: Teardown::Skipped, reason: Some(why) }
}
