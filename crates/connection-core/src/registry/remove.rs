//! Removes a connection: tears down its credentials at the provider, then deletes the row, even if the provider fails.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use connection_contract::{BoxFuture, Connection, Reason, reason};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, InForce, Notification, StoreError, Teardown, approvals,
    connection::rollback,
    credential::{
        AgreedKind, MAX_PREVIOUS_TEARDOWN_TIME, Subject, TeardownOutcome, open_as_one, page, provider_grant, tear_down,
    },
    definition::Revocation,
    event,
    grant::{ALL_OF_IT, Affected},
    ground::{Ground, Scope},
    refresh::{self, FlightResult, RefreshResult, Trigger},
    setup,
    store::{Lock, Tx, rows::AccountRow},
};

/// The longest teardown of the current credential. A caller must not wait for a provider without end.
const MAX_TEARDOWN_TIME: Duration = Duration::from_secs(30);
/// Maximum number of credentials that are torn down if each is replaced meanwhile. This limits the requests to the
/// provider: the row is deleted after the last teardown, whatever was replaced.
const MAX_TEARDOWNS: usize = 3;

/// The outcome of removing a connection: what happened to its credentials at the provider.
///
/// ```
/// use connection_core::{Removal, Teardown};
///
/// fn is_over(removal: &Removal) -> bool {
///     matches!(removal.teardown, Teardown::Revoked | Teardown::NothingToRevoke)
/// }
/// # let _ = is_over;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Removal {
    /// The outcome for the current credential.
    pub teardown: Teardown,
    /// The reason why the credential was not revoked, with what still works and what a person can do. `None` if it was
    /// revoked, or if there was nothing to revoke.
    pub reason: Option<Reason>,
    /// The address of the page on which a person deletes the credential, if it was not revoked and the kind knows one.
    pub credential_page: Option<String>,
    /// The outcome for the previous credential, which was kept for a rollback; `None` if there was none.
    pub previous: Option<Teardown>,
    /// The reason why the previous credential was not revoked.
    pub previous_reason: Option<Reason>,
    /// The address of the page on which a person deletes the previous credential.
    pub previous_credential_page: Option<String>,
    /// Whether the connection is removed in every process.
    pub in_force: InForce,
}

impl Removal {
    /// Returns the outcome of a removal without a previous credential.
    fn new(teardown: Teardown) -> Self {
        Self {
            teardown,
            reason: None,
            credential_page: None,
            previous: None,
            previous_reason: None,
            previous_credential_page: None,
            in_force: InForce::default(),
        }
    }
}

impl ConnectionRegistry {
    /// Removes a connection with its current credential and the previous one that is kept for a rollback.
    ///
    /// Ends the connection's probe and its refresh, revokes at the provider what setup created there, and deletes the
    /// row. A credential that a person entered may be in use elsewhere and is not revoked. A token that the provider
    /// no longer accepts for its own revocation is refreshed first, if the kind can do that. The events remain.
    ///
    /// Once this returns, no use of the connection begins in any process, except for those that
    /// [`Removal::in_force`] names.
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
        self.remove_with(id, Revocation::Created)
    }

    /// Removes a connection as [`remove`](Self::remove) does, and also revokes a credential that a person entered, if
    /// the kind [can do that](crate::Capabilities::revoke).
    ///
    /// # Errors
    ///
    /// The errors of [`remove`](Self::remove).
    pub fn remove_and_revoke(&self, id: ConnectionId) -> BoxFuture<'_, Result<Removal, Error>> {
        self.remove_with(id, Revocation::Entered)
    }

    pub(super) fn remove_with(
        &self,
        id: ConnectionId,
        revocation: Revocation,
    ) -> BoxFuture<'_, Result<Removal, Error>> {
        Box::pin(async move {
            // The owner is checked here and not in the task, because another owner could join the task.
            self.info(id).await?;
            let registry = self.clone();
            let removal = || async move { registry.remove_now(id, revocation).await };
            self.systems.removals.join(&self.systems.ground.runtimes, id, removal).await
        })
    }

    async fn remove_now(self, id: ConnectionId, revocation: Revocation) -> Result<Removal, Error> {
        let mut attempts = 0;
        let mut given_back = TeardownOutcomes::default();
        let (kind, mut removal) = loop {
            // The row is read again, because another removal may have ended since the check.
            let (info, generation) = self.systems.ground.info_and_generation(&self.owner, id).await?;
            self.systems.verify.probes.cancel(id);
            self.systems.refresh.refreshes.cancel(id);
            attempts += 1;
            if let Some(removal) = self.delete_shared(&info).await? {
                break (info.kind, removal);
            }
            let (generation, teardown) = match given_back.get(&generation) {
                Some(torn) => (generation, torn.clone()),
                None => {
                    let (generation, torn) = self.teardown(&info, generation, revocation).await?;
                    if attempts < MAX_TEARDOWNS && self.refreshed_after(&torn, &info, generation).await {
                        continue;
                    }
                    (generation, torn)
                }
            };
            given_back.insert(generation, teardown.clone());
            let previous = self.teardown_previous(&info, revocation, &mut given_back).await?;
            let known = given_back.keys().copied().collect();
            let deleted = self.delete(&info, generation, known, teardown, previous, attempts == MAX_TEARDOWNS);
            if let Some(removal) = deleted.await? {
                break (info.kind, removal);
            }
            tracing::info!(connection = %id, kind = %info.kind, "the credential was replaced during the teardown");
        };
        // A probe or a refresh that began during the teardown found the row. Its result cannot be stored any longer.
        self.systems.verify.probes.cancel(id);
        self.systems.refresh.refreshes.cancel(id);
        self.systems.ground.subscriptions.end(id);
        self.systems.ground.notifications.publish(&Notification::Removed(id));
        if let Err(error) = approvals::connection_removed(&self.systems.ground, &self.owner, id).await {
            // They lapse when somebody answers, or when their time ends.
            tracing::warn!(connection = %id, %error, "requests that wait for a removed connection were not ended");
        }
        setup::connection_removed(&self.systems.setup, id).await;
        removal.in_force = self.systems.ground.freezes.in_force().await;
        tracing::info!(connection = %id, kind = %kind, teardown = removal.teardown.as_str(), "removed");
        Ok(removal)
    }

    /// Refreshes a credential that the provider did not accept for the request that revokes it, such as an access token
    /// that has expired. Returns `true` if another credential is current afterwards.
    async fn refreshed_after(&self, torn: &TeardownOutcome, info: &ConnectionInfo, generation: i64) -> bool {
        let code = torn.reason.as_ref().map(|reason| &*reason.code);
        let is_refused = torn.teardown == Teardown::Failed && code == Some(reason::UNAUTHORIZED);
        let kind = self.systems.ground.find_kind(&info.owner, &info.kind).await.ok().flatten();
        if !is_refused || !kind.is_some_and(|kind| kind.renews()) {
            return false;
        }
        let scope = Scope { system: &self.systems.refresh, owner: &self.owner };
        let refreshed = refresh::refresh(scope, info.id, generation, Trigger::Refused).await;
        matches!(refreshed, Ok(FlightResult { renewed: RefreshResult::Current { .. }, .. }))
    }

    /// Deletes the row.
    ///
    /// Returns `None` and changes nothing if the current or the previous credential is not one of those that were torn
    /// down. On the last attempt, the row is deleted nevertheless, and the outcome says what may be left at the
    /// provider.
    async fn delete(
        &self,
        info: &ConnectionInfo,
        generation: i64,
        given_back: HashSet<i64>,
        mut current: TeardownOutcome,
        mut before: Option<TeardownOutcome>,
        is_last: bool,
    ) -> Result<Option<Removal>, Error> {
        let id = info.id;
        let on = self.systems.clone();
        let info = info.clone();
        let order = self.systems.ground.extension_changes.order().await;
        let deleted = self.systems.ground.store.write(move |tx| {
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
                    current = overtaken().explained(&info);
                }
                if !is_previous {
                    before = Some(overtaken().explained(&info));
                }
                let is_grant_ended = note_ended_grant(tx, id, [Some(&current), before.as_ref()]).await?;
                let (removal, affected) = delete_row(tx, &on.ground, &info, &account, current, before).await?;
                Ok(Some(Some((removal, affected, is_grant_ended))))
            })
        });
        let deleted = deleted.await?.ok_or(Error::NotFound(id))?;
        Ok(deleted.map(|(removal, affected, is_grant_ended)| {
            affected.notify(&order);
            if is_grant_ended {
                self.systems.ground.answers.due.notify_one();
            }
            removal
        }))
    }

    /// Deletes the row without a teardown, if another connection may depend on the grant that a revocation would end.
    ///
    /// The comparison and the deletion are one transaction, so that of several removals at once the last one revokes.
    async fn delete_shared(&self, info: &ConnectionInfo) -> Result<Option<Removal>, Error> {
        let Some(kind) = self.systems.ground.find_kind(&info.owner, &info.kind).await? else { return Ok(None) };
        if !kind.descriptor.revocation_ends_grant {
            return Ok(None);
        }
        let on = self.systems.clone();
        let info = info.clone();
        let order = self.systems.ground.extension_changes.order().await;
        let deleted = self.systems.ground.store.write(move |tx| {
            Box::pin(async move {
                tx.lock(Lock::Owner(&info.owner)).await?;
                let own = tx.provider_grant(info.id).await?;
                if let Some(own) = &own {
                    tx.lock(Lock::ProviderGrant(&own.account)).await?;
                }
                tx.lock(Lock::Connection(info.id)).await?;
                let (owner, id) = (&info.owner, info.id);
                if !provider_grant::is_shared(tx, &on.ground.kinds, &kind, owner, id, own.as_ref()).await? {
                    return Ok(None);
                }
                let Some(account) = tx.account(info.id).await? else { return Ok(None) };
                let outcome = || TeardownOutcome::grant_shared(info.id, &info.kind);
                let before = tx.previous_generation(info.id).await?.map(|_| outcome());
                Ok(Some(delete_row(tx, &on.ground, &info, &account, outcome(), before).await?))
            })
        });
        Ok(deleted.await?.map(|(removal, affected)| {
            affected.notify(&order);
            removal
        }))
    }

    /// Tears down the current credential and returns its generation and the outcome.
    ///
    /// The credential is opened even if the kind is not registered, because the page for its deletion is sealed with it.
    ///
    /// Fails only with the store's errors: a credential that cannot be read at the moment is not given up.
    async fn teardown(
        &self,
        info: &ConnectionInfo,
        generation: i64,
        revocation: Revocation,
    ) -> Result<(i64, TeardownOutcome), Error> {
        let (info, opened) = open_as_one(&self.systems.ground, info.clone(), generation).await?;
        let generation = opened.generation;
        let Ok(payload) = opened.payload else {
            return Ok((generation, unreadable(&self.systems.ground, &info).await));
        };
        let ConnectionInfo { id, profile, owner, config, .. } = info.clone();
        let subject = Subject { id, owner, profile, payload, config };
        let of = AgreedKind::of(&info);
        let torn = tear_down(&self.systems.ground, of, subject, revocation, MAX_TEARDOWN_TIME).await;
        Ok((generation, torn.explained(&info)))
    }

    /// Tears down the previous credential, after the current one, because some providers revoke both together. A
    /// removal does not fail because of the previous credential.
    async fn teardown_previous(
        &self,
        info: &ConnectionInfo,
        revocation: Revocation,
        given_back: &mut TeardownOutcomes,
    ) -> Result<Option<TeardownOutcome>, Error> {
        let mut reader = self.systems.ground.reader().await?;
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
            Some(previous) => match rollback::open_previous(&self.systems.ground, info, previous).await {
                Ok(subject) => {
                    let of = AgreedKind::of(info);
                    let longest = MAX_PREVIOUS_TEARDOWN_TIME;
                    tear_down(&self.systems.ground, of, subject, revocation, longest).await.explained(info)
                }
                Err(_) => unreadable(&self.systems.ground, info).await,
            },
            None => unreadable(&self.systems.ground, info).await,
        };
        given_back.insert(generation, teardown.clone());
        Ok(Some(teardown))
    }
}

/// Makes the connections due for a verification that got the grant of this one while the provider was asked to end it.
/// Returns `true` if there are some.
async fn note_ended_grant(
    tx: &mut Tx,
    id: ConnectionId,
    outcomes: [Option<&TeardownOutcome>; 2],
) -> Result<bool, StoreError> {
    let may_have_ended = |outcome: &TeardownOutcome| matches!(outcome.teardown, Teardown::Revoked | Teardown::Failed);
    if !outcomes.into_iter().flatten().any(may_have_ended) {
        return Ok(false);
    }
    let Some(own) = tx.provider_grant(id).await? else { return Ok(false) };
    let others = tx.connections_with_grant(id, &own).await?;
    for (other, generation) in &others {
        tx.note_refused_use(*other, *generation, None).await?;
    }
    Ok(!others.is_empty())
}

/// Deletes the row of a connection and records what happened to its credentials.
async fn delete_row(
    tx: &mut Tx,
    ground: &Ground,
    info: &ConnectionInfo,
    account: &AccountRow,
    current: TeardownOutcome,
    before: Option<TeardownOutcome>,
) -> Result<(Removal, Affected), StoreError> {
    let id = info.id;
    // The grants of the connection are deleted with its row.
    let affected = Affected::of(tx, &info.owner, id, &ALL_OF_IT).await?;
    tx.delete_account(id).await?;
    let mut body = serde_json::json!({
        "kind": info.kind.as_str(),
        "label": account.label,
        "account": { "id": account.account_id, "label": account.account_label },
        "teardown": current.teardown.as_str(),
    });
    if !info.tags.is_empty() {
        body["tags"] = info.tags.to_json();
    }
    if let Some(reason) = &current.reason {
        body["reason"] = (&*reason.code).into();
    }
    if let Some(before) = &before {
        body["previous"] = before.teardown.as_str().into();
        if let Some(reason) = &before.reason {
            body["previousReason"] = (&*reason.code).into();
        }
    }
    event::append(tx, &ground.sealer, &ground.event(&info.owner, id, event::REMOVED, body)).await?;
    Ok((removal(current, before), affected))
}

fn removal(current: TeardownOutcome, before: Option<TeardownOutcome>) -> Removal {
    let mut removal = Removal::new(current.teardown);
    (removal.reason, removal.credential_page) = (current.reason, current.page);
    if let Some(before) = before {
        removal.previous = Some(before.teardown);
        (removal.previous_reason, removal.previous_credential_page) = (before.reason, before.page);
    }
    removal
}

/// Returns the outcome for a credential that cannot be read. The plugin may know the page for its deletion from the
/// public configuration.
async fn unreadable(ground: &Arc<Ground>, info: &ConnectionInfo) -> TeardownOutcome {
    let page = match ground.find_kind(&info.owner, &info.kind).await.ok().flatten() {
        Some(kind) => {
            let config = info.config.iter().map(|(name, value)| (name.clone().into(), value.clone()));
            let connection = Connection::new(info.id.to_string(), info.owner.clone()).with_config(config);
            page::of(ground, &kind, connection, None).await
        }
        None => None,
    };
    TeardownOutcome::unreadable(info.id, &info.kind).at(page).explained(info)
}

/// Returns the outcome for a connection whose credential was replaced during the last attempt.
fn overtaken() -> TeardownOutcome {
    TeardownOutcome::failed(Reason::new("connection_changed", "the credential was replaced during the teardown"))
}

/// The outcome for each generation, so that no credential is torn down twice.
type TeardownOutcomes = HashMap<i64, TeardownOutcome>;
