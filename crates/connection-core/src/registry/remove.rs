//! Removes a connection: tears down its credentials at the provider, then deletes the row, even if the provider fails.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use connection_contract::{BoxFuture, ConnectionError, Kind, Reason, TeardownContext, reason};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, StoreError,
    connection::rollback,
    contain::{Contained, contain},
    credential::{HostServices, Subject},
    event,
    grant::{self, ALL_OF_IT, Affected},
    limits, setup,
    store::Lock,
    verify,
};

/// The longest teardown of the current credential. A caller must not wait for a provider without end.
const MAX_TEARDOWN_TIME: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(1);
/// The longest teardown of the previous credential.
const MAX_PREVIOUS_TEARDOWN_TIME: Duration = Duration::from_secs(10);
/// Maximum number of credentials that are torn down if each is replaced meanwhile.
const ATTEMPTS: usize = 3;

/// The outcome of a teardown. The row is deleted in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Teardown {
    /// The provider took back what setup had created, or there was nothing to take back.
    Done,
    /// The provider or the plugin failed. What is left at the provider must be removed there.
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

/// The outcome of a removal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Removal {
    /// The outcome for the current credential.
    pub teardown: Teardown,
    /// The reason why the teardown was not [`Done`](Teardown::Done).
    pub reason: Option<Reason>,
    /// The outcome for the previous credential, which was kept for a rollback; `None` if there was none.
    pub previous: Option<Teardown>,
    /// The reason why the previous credential was not torn down; `None` if it was, or if there was none.
    pub previous_reason: Option<Reason>,
}

/// The outcome for one credential.
#[derive(Clone, Debug)]
struct TeardownOutcome {
    teardown: Teardown,
    reason: Option<Reason>,
}

impl TeardownOutcome {
    fn failed(reason: Reason) -> Self {
        Self { teardown: Teardown::Failed, reason: Some(reason) }
    }

    /// Returns the outcome for a connection whose credential was replaced during the last attempt.
    fn overtaken() -> Self {
        Self::failed(Reason::new("connection_changed", "the credential was replaced during the teardown"))
    }
}

impl ConnectionRegistry {
    /// Removes a connection with its current credential and the previous one that is kept for a rollback.
    ///
    /// Ends the connection's probe and its refresh, tears down both credentials and deletes the row. The events remain.
    ///
    /// # Repetition
    ///
    /// After a crash during the removal, the connection still exists and can be removed again. A caller that asks
    /// during a removal receives the result of that removal.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the removal continues.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and the store's errors, after which the row still exists.
    pub fn remove(&self, id: ConnectionId) -> BoxFuture<'_, Result<Removal, Error>> {
        Box::pin(async move {
            // The owner is checked here and not in the task, because another owner could join the task.
            self.info(id).await?;
            let registry = self.clone();
            self.shared.removals.join(&self.shared.runtimes, id, || async move { registry.remove_now(id).await }).await
        })
    }

    async fn remove_now(self, id: ConnectionId) -> Result<Removal, Error> {
        let mut attempts = 0;
        let mut given_back = TeardownOutcomes::default();
        let (kind, removal) = loop {
            // The row is read again, because another removal may have ended since the check.
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
            tracing::info!(connection = %id, kind = %info.kind, "the credential was replaced during the teardown");
        };
        // A probe or a refresh that began during the teardown found the row. Its result cannot be stored any longer.
        self.shared.flights.cancel(id);
        self.shared.refreshes.cancel(id);
        self.shared.subscriptions.end(id);
        self.shared.usage.forget(id);
        setup::connection_removed(&self.shared, id).await;
        tracing::info!(connection = %id, kind = %kind, teardown = removal.teardown.as_str(), "removed");
        Ok(removal)
    }

    /// Deletes the row.
    ///
    /// Returns `None` and changes nothing if the current or the previous credential is not one of those that were torn
    /// down. On the last attempt, the row is deleted nevertheless, and the outcome says what may be left at the
    /// provider.
    async fn delete(
        &self,
        info: &ConnectionInfo,
        (generation, given_back): (i64, HashSet<i64>),
        (mut current, mut before): (TeardownOutcome, Option<TeardownOutcome>),
        is_last: bool,
    ) -> Result<Option<Removal>, Error> {
        let id = info.id;
        let on = self.shared.clone();
        let owner = info.owner.clone();
        let kind = info.kind.clone();
        let turn = grant::notification_order(&self.shared).await;
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
                    current = TeardownOutcome::overtaken();
                }
                if !is_previous {
                    before = Some(TeardownOutcome::overtaken());
                }
                // The grants of the connection are deleted with its row.
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
                let TeardownOutcome { teardown, reason } = current;
                let removal = Removal { teardown, reason, previous, previous_reason };
                event::append(tx, &on.sealer, &on.event(&owner, id, event::REMOVED, body)).await?;
                Ok(Some(Some((removal, affected))))
            })
        });
        let deleted = deleted.await?.ok_or(Error::NotFound(id))?;
        Ok(deleted.map(|(removal, affected)| {
            affected.notify(&self.shared, &turn);
            removal
        }))
    }

    /// Tears down the current credential and returns its generation and the outcome.
    ///
    /// Fails only with the store's errors: a credential that cannot be read at the moment is not given up.
    async fn teardown(&self, info: &ConnectionInfo, generation: i64) -> Result<(i64, TeardownOutcome), Error> {
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
        Ok((generation, self.torn_down(&info.kind, subject, MAX_TEARDOWN_TIME).await))
    }

    /// Tears down the previous credential, after the current one, because some providers revoke both together. A
    /// removal does not fail because of the previous credential.
    async fn teardown_previous(
        &self,
        info: &ConnectionInfo,
        given_back: &mut TeardownOutcomes,
    ) -> Result<Option<TeardownOutcome>, Error> {
        let mut reader = self.shared.reader().await?;
        let Some(generation) = reader.previous_generation(info.id).await? else { return Ok(None) };
        if let Some(torn) = given_back.get(&generation) {
            return Ok(Some(torn.clone()));
        }
        let previous = match reader.previous_credential(info.id).await {
            Err(StoreError::Corrupt { .. }) => None,
            // The previous credential was replaced meanwhile. `delete` compares generations again.
            Ok(previous) if previous.as_ref().is_none_or(|row| row.credential.generation != generation) => {
                return Ok(None);
            }
            previous => previous?,
        };
        drop(reader);
        let teardown = match &previous {
            Some(previous) => match rollback::open_previous(&self.shared, info, previous).await {
                Ok(subject) => self.torn_down(&info.kind, subject, MAX_PREVIOUS_TEARDOWN_TIME).await,
                Err(_) => skipped(info.id, &info.kind, unreadable()),
            },
            None => skipped(info.id, &info.kind, unreadable()),
        };
        given_back.insert(generation, teardown.clone());
        Ok(Some(teardown))
    }

    /// Tears down a credential whose connection was removed meanwhile, or that is not stored.
    pub(crate) async fn give_back(&self, kind: &Kind, orphan: Subject) {
        let id = orphan.id;
        let torn = self.torn_down(kind, orphan, MAX_PREVIOUS_TEARDOWN_TIME).await;
        tracing::info!(
            connection = %id, %kind, teardown = torn.teardown.as_str(),
            "a credential was torn down after its connection was removed"
        );
    }

    async fn torn_down(&self, of: &Kind, subject: Subject, longest: Duration) -> TeardownOutcome {
        let shared = &self.shared;
        let id = subject.id;
        let Some(kind) = shared.kinds.entry(of) else { return skipped(id, of, gone()) };
        let services = match HostServices::of(shared, &kind, &subject).await {
            Ok(services) => services,
            Err(error) => {
                tracing::warn!(connection = %id, code = error.code(), "the teardown could not begin; the connection \
                                                                       is removed anyway");
                return TeardownOutcome::failed(Reason::new(error.code(), error.to_string()));
            }
        };
        let definition = kind.definition.clone();
        let clock = shared.clock.clone();
        let heard = services.heard();
        let task = async move {
            let connection = subject.connection();
            let http = services.http();
            let ctx = TeardownContext::new(services.services(&http), &connection);
            let teardown = || definition.teardown(&subject.payload.credential, &ctx);
            contain(&*clock, longest, teardown, || false, || {}).await
        };
        let fault = |code, message| Reason::new(code, message).remedy(limits::REPORT);
        let clock = Arc::clone(&shared.clock);
        let why = match shared.runtimes.run(&*clock, longest + GRACE, task).await {
            Contained::Ended(Contained::Ended(Ok(()))) => {
                return TeardownOutcome { teardown: Teardown::Done, reason: None };
            }
            Contained::Ended(Contained::Ended(Err(ConnectionError::Credential(_)))) => {
                return skipped(id, of, unreadable());
            }
            Contained::Ended(Contained::Ended(Err(ConnectionError::NotLive(why)))) => {
                heard.describe_reason(limits::not_live(why), shared.clock.now()).reason
            }
            Contained::Ended(Contained::Ended(Err(ConnectionError::Service(_)))) => {
                Reason::new(reason::PLUGIN_FAULT, "a service of this host failed")
            }
            Contained::Ended(Contained::Ended(Err(_))) => {
                fault(reason::PLUGIN_FAULT, "the plugin could not revoke the credential")
            }
            Contained::Panicked | Contained::Ended(Contained::Panicked) => {
                fault(reason::PLUGIN_PANICKED, "the plugin crashed")
            }
            _ => fault(reason::PLUGIN_TIMEOUT, "the plugin did not finish in time"),
        };
        tracing::warn!(
            connection = %id, kind = %of, code = &*why.code,
            "the teardown failed; the connection is removed anyway"
        );
        TeardownOutcome::failed(why)
    }
}

fn gone() -> Reason {
    Reason::new(reason::UNKNOWN_KIND, "no plugin of this kind is registered")
}

fn unreadable() -> Reason {
    Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be read")
}

/// The outcome for each generation, so that no credential is torn down twice.
type TeardownOutcomes = HashMap<i64, TeardownOutcome>;

fn skipped(id: ConnectionId, kind: &Kind, why: Reason) -> TeardownOutcome {
    tracing::warn!(connection = %id, %kind, code = &*why.code, "the teardown was skipped");
    TeardownOutcome { teardown: Teardown::Skipped, reason: Some(why) }
}
