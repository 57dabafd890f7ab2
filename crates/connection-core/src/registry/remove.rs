//! Removes a connection: tears down its credentials at the provider, then deletes the row, even if the provider fails.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use connection_contract::{BoxFuture, Reason};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, Notification, StoreError, Teardown,
    connection::rollback,
    credential::{MAX_PREVIOUS_TEARDOWN_TIME, Subject, TeardownOutcome, open_as_one, tear_down},
    event,
    grant::{ALL_OF_IT, Affected},
    setup,
    store::Lock,
};

/// The longest teardown of the current credential. A caller must not wait for a provider without end.
const MAX_TEARDOWN_TIME: Duration = Duration::from_secs(30);
/// Maximum number of credentials that are torn down if each is replaced meanwhile.
const ATTEMPTS: usize = 3;

/// The outcome of removing a connection: the teardown of its credentials at the provider.
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

impl Removal {
    /// Creates the outcome of a removal without a previous credential.
    ///
    /// ```
    /// use connection_core::{Removal, Teardown};
    ///
    /// assert_eq!(Removal::new(Teardown::Done).previous, None);
    /// ```
    pub fn new(teardown: Teardown) -> Self {
        Self { teardown, reason: None, previous: None, previous_reason: None }
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
            let (info, generation) = self.shared.info_and_generation(&self.owner, id).await?;
            self.shared.probes.cancel(id);
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
        self.shared.probes.cancel(id);
        self.shared.refreshes.cancel(id);
        self.shared.subscriptions.end(id);
        self.shared.notifications.publish(&Notification::Removed(id));
        setup::connection_removed(&self.shared.setup, id).await;
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
        let order = self.shared.changes.order().await;
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
                    current = overtaken();
                }
                if !is_previous {
                    before = Some(overtaken());
                }
                // The grants of the connection are deleted with its row.
                let affected = Affected::of(tx, &owner, id, &ALL_OF_IT).await?;
                tx.delete_account(id).await?;
                let mut body = serde_json::json!({
                    "kind": kind.as_str(),
                    "label": account.label,
                    "account": { "id": account.account_id, "label": account.account_label },
                    "teardown": current.teardown.as_str(),
                });
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
            affected.notify(&order);
            removal
        }))
    }

    /// Tears down the current credential and returns its generation and the outcome.
    ///
    /// Fails only with the store's errors: a credential that cannot be read at the moment is not given up.
    async fn teardown(&self, info: &ConnectionInfo, generation: i64) -> Result<(i64, TeardownOutcome), Error> {
        if self.shared.kinds.entry(&info.kind).is_none() {
            return Ok((generation, TeardownOutcome::unknown_kind(info.id, &info.kind)));
        }
        let (info, opened) = open_as_one(&self.shared, info.clone(), generation).await?;
        let generation = opened.generation;
        let Ok(payload) = opened.payload else {
            return Ok((generation, TeardownOutcome::unreadable(info.id, &info.kind)));
        };
        let ConnectionInfo { id, profile, owner, config, .. } = info.clone();
        let subject = Subject { id, owner, profile, payload, config };
        let of = (&info.kind, info.terms.as_deref());
        Ok((generation, tear_down(&self.shared, of, subject, MAX_TEARDOWN_TIME).await))
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
                Ok(subject) => {
                    let of = (&info.kind, info.terms.as_deref());
                    tear_down(&self.shared, of, subject, MAX_PREVIOUS_TEARDOWN_TIME).await
                }
                Err(_) => TeardownOutcome::unreadable(info.id, &info.kind),
            },
            None => TeardownOutcome::unreadable(info.id, &info.kind),
        };
        given_back.insert(generation, teardown.clone());
        Ok(Some(teardown))
    }
}

/// Returns the outcome for a connection whose credential was replaced during the last attempt.
fn overtaken() -> TeardownOutcome {
    TeardownOutcome::failed(Reason::new("connection_changed", "the credential was replaced during the teardown"))
}

/// The outcome for each generation, so that no credential is torn down twice.
type TeardownOutcomes = HashMap<i64, TeardownOutcome>;
