//! Rolls back to the previous credential, for a while after a re-authorization.

use std::sync::Arc;

use connection_contract::{
    BoxFuture, ConnectionError, Identity, Liveness, Reason, RefreshSemantics, Secret, Timestamp, VerifyResult, reason,
};

use super::{Connection, System};
use crate::{
    ConnectionInfo, Error, Notification, SealError,
    credential::{
        AgreedKind, Payload, Subject, give_back, named_secrets, provider_grant, renewal,
        replace::{self, Replacement},
    },
    definition::Probed,
    event,
    grant::Affected,
    ground::{Ground, Scope, check_terms, kind_changed},
    guard::{self, RowError},
    kinds::KindEntry,
    limits,
    plan::{self, ReportedTimes},
    store::{
        CREDENTIAL, Lock, json,
        rows::{CredentialRow, PreviousRow},
    },
    verify,
};

/// Returns `true` if a replaced credential of the kind may still work.
///
/// If the kind's refresh tokens are used up by a refresh, the replaced one may be dead, and using it may invalidate the
/// current credential, too.
fn may_go_back(kind: &KindEntry) -> bool {
    matches!(kind.capabilities.refresh, None | Some(RefreshSemantics::Stable))
}

enum RollbackDecision {
    /// The former liveness, whether the account is another one now, the affected extensions, and the connection as it is now.
    RolledBack(Liveness, bool, Affected, Option<Box<ConnectionInfo>>),
    /// The row of the connection differs from its newest event.
    Edited(RowError),
    Refused(Reason),
    /// The connection was removed.
    Gone,
}

impl Connection {
    /// Rolls back to the credential that the last re-authorization replaced, with its account and its configuration.
    ///
    /// A replaced credential is kept for seven days. It is verified before it is restored, and the credential that it
    /// replaces is kept in turn.
    ///
    /// # Repetition
    ///
    /// A second rollback restores the newer credential. A call during a rollback returns the result of that rollback.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the rollback continues.
    ///
    /// # Errors
    ///
    /// [`Error::NoPrevious`] if no previous credential is kept, [`Error::RollbackRefused`] if it does not work or
    /// cannot be verified now, [`Error::Sealed`], [`Error::Credential`], [`Error::UnknownKind`], [`Error::NotFound`],
    /// [`Error::Plugin`] and the store's errors. Nothing was changed.
    pub fn rollback(&self) -> BoxFuture<'_, Result<ConnectionInfo, Error>> {
        Box::pin(async move {
            let system = &self.system;
            let id = self.id();
            let scope = self.scope().owned();
            let task = async move {
                let info = scope.system.ground.info_by_id(&scope.owner, id).await?;
                go_back(scope.as_scope(), &info).await
            };
            system.rollbacks.join(&system.ground.runtimes, id, || task).await
        })
    }

    /// Returns the time until which [`rollback`](Self::rollback) can restore the previous credential. Returns `None` if
    /// none is kept, or if the kind cannot return to one.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`] and the store's errors.
    pub fn previous_until(&self) -> BoxFuture<'_, Result<Option<Timestamp>, Error>> {
        Box::pin(async move {
            let system = &self.system;
            let kind = &self.info().kind;
            let entry = system.ground.kind(&self.info().owner, kind).await?;
            if !may_go_back(&entry) {
                return Ok(None);
            }
            let previous = system.ground.reader().await?.previous_credential(self.id()).await?;
            let until = previous.map(|previous| previous.replaced_at.saturating_add(limits::PREVIOUS_KEPT));
            let now = system.ground.clock.now().seconds();
            Ok(until.filter(|until| *until > now).map(Timestamp::from_seconds))
        })
    }
}

async fn go_back(scope: Scope<'_, System>, info: &ConnectionInfo) -> Result<ConnectionInfo, Error> {
    let system = scope.system;
    let id = info.id;
    let kind = system.ground.kind(&info.owner, &info.kind).await?;
    if !may_go_back(&kind) {
        return Err(Error::NotSupported { kind: info.kind.clone(), what: "return to a previous credential" });
    }
    check_terms(&kind, info)?;
    let oldest = system.ground.clock.now().seconds().saturating_sub(limits::PREVIOUS_KEPT);
    let previous = system.ground.reader().await?.previous_credential(id).await?;
    let previous = previous.filter(|previous| previous.replaced_at > oldest);
    let no_previous = || Error::NoPrevious { kind: info.kind.clone(), label: info.label.to_string() };
    let mut previous = previous.ok_or_else(no_previous)?;
    let replacement = verified(&system.ground, info, &kind, &mut previous).await?;
    let liveness = replacement.found.liveness;
    let generation = previous.credential.generation;
    let on = system.clone();
    let owner = info.owner.clone();
    let kind_name = info.kind.clone();
    let order = system.ground.extension_changes.order().await;
    let decided = system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            tx.lock(Lock::Connection(id)).await?;
            let Some(row) = tx.listed(id).await? else { return Ok(RollbackDecision::Gone) };
            let now = tx.previous_credential(id).await?.map(|row| row.credential.generation);
            if now != Some(generation) {
                let changed = Reason::new("changed", "its credential was replaced in the meantime");
                return Ok(RollbackDecision::Refused(changed.remedy("check the connection, then try again")));
            }
            if let Some(error) = event::refusal(tx, &on.ground.sealer, &row.account).await? {
                return Ok(RollbackDecision::Edited(error));
            }
            if row.account.terms != replacement.terms.as_ref().map(|terms| terms.digest.clone()) {
                return Ok(RollbackDecision::Refused(kind_changed(&kind_name)));
            }
            if let Some(label) = replacement.account_holder(tx, &row.account).await? {
                let message = format!("its account is now connected as {}:{label}", row.account.kind);
                return Ok(RollbackDecision::Refused(Reason::new("account_connected", message)));
            }
            let event = replacement.event(&on.ground, &row, event::ROLLED_BACK, []);
            let is_another = replacement.is_another(&row.account);
            let affected = replacement.put(tx, &on.ground, &row.account).await?;
            event::append(tx, &on.ground.sealer, &event).await?;
            let before = replace::measured(&row);
            // The row is read in this transaction, so that the change is reported even if the store fails right after it.
            let row = tx.listed(id).await?;
            let info = on.ground.info_of(tx, row).await?.map(Box::new);
            Ok(RollbackDecision::RolledBack(before, is_another, affected, info))
        })
    });
    let after = match decided.await? {
        RollbackDecision::Gone => return Err(Error::NotFound(id)),
        RollbackDecision::Edited(error) => return Err(error.into()),
        RollbackDecision::Refused(reason) => return Err(refused(info, reason)),
        RollbackDecision::RolledBack(before, is_another, affected, after) => {
            affected.notify(&order);
            if is_another {
                system.ground.notifications.publish(&Notification::AccountChanged(id));
            }
            replace::publish(&system.ground, id, before, liveness, None);
            after
        }
    };
    drop(order);
    tracing::info!(connection = %id, kind = %info.kind, "a connection returned to its previous credential");
    after.map(|after| *after).ok_or(Error::NotFound(id))
}

/// Opens the previous credential, verifies it and seals it as a new generation. The old sealed bytes are never
/// restored.
///
/// If the provider rotates the credential during the verification, the fresh one is stored as the previous credential,
/// even if the rollback fails.
async fn verified(
    ground: &Arc<Ground>,
    info: &ConnectionInfo,
    kind: &Arc<KindEntry>,
    previous: &mut PreviousRow,
) -> Result<Replacement, Error> {
    let id = info.id;
    let subject = open_previous(ground, info, previous).await?;
    let mut payload = subject.payload.duplicate();
    let granted = previous.credential.granted_scopes.as_deref().and_then(json::to_texts).unwrap_or_default();
    let probed = verify::probe(ground, kind, subject, &granted, verify::ProbeTrigger::Host).await;
    let Probed { found, secret_names, asked, .. } = match probed {
        Ok(probed) => probed,
        Err(ConnectionError::NotLive(not_live)) => not_live.into(),
        Err(ConnectionError::Credential(source)) => return Err(Error::Credential { kind: info.kind.clone(), source }),
        Err(source) => return Err(Error::Plugin { kind: info.kind.clone(), source: source.into() }),
    };
    if let Some(fresh) = &found.credential {
        payload.credential = fresh.duplicate();
    }
    let former = async { Some(previous.credential.secret_names.clone()) };
    let secret_names = named_secrets::after_probe(ground, kind, &payload.credential, secret_names, former).await;
    if found.credential.is_some() && !keep_rotated(ground, info, previous, &payload, &secret_names, &found).await? {
        // The connection was removed. The removal tore down the previous credential, but not this fresh one.
        let config = json::to_config(&previous.config);
        let orphan = Subject { id, owner: info.owner.clone(), profile: info.profile, payload, config };
        give_back(ground, AgreedKind::of(info), orphan, None).await;
        return Err(Error::NotFound(id));
    }
    let account_id = previous.account_id.as_str();
    let label = previous.account_label.as_str();
    let identity = match found.identity.clone() {
        // The account may have got its present name since.
        Some(identity) if identity.is_mutable && identity.has_id(info.identity.account_id.as_str()) => identity,
        Some(identity) if !identity.has_id(account_id) => {
            let message = format!("it belongs to another account than {}", replace::named(label, account_id));
            return Err(refused(info, Reason::new(reason::ACCOUNT_CHANGED, message)));
        }
        Some(identity) => identity,
        None => Identity::new(account_id.to_owned(), label.to_owned()),
    };
    if found.liveness != Liveness::Live {
        let unknown = || Reason::new(reason::PROVIDER_ERROR, "it could not be verified");
        return Err(refused(info, found.reason.unwrap_or_else(unknown)));
    }
    let fresh = replace::seal_next(ground, id, &info.owner, &info.kind, &payload, secret_names).await?;
    let before = &previous.credential;
    let scopes = found.granted_scopes.as_ref().map(json::texts).or_else(|| before.granted_scopes.clone());
    let valid_until = found.valid_until.map(Timestamp::seconds).or(before.valid_until);
    let given =
        ReportedTimes { valid_until, renew_at: before.plan.renew_at, authorized_until: before.plan.authorized_until };
    let renewal = renewal(ground, kind, &payload.credential).await;
    let plan = plan::of(id, renewal, fresh.created_at, given);
    let credential = CredentialRow { granted_scopes: scopes, valid_until, plan, ..fresh };
    let config = previous.config.clone();
    let now = ground.clock.now().seconds();
    // The person agreed to these terms, and a rollback accepts no others.
    let terms = kind.agreed_terms(info.terms.as_deref());
    let grant = provider_grant::row(&ground.sealer, kind, found.grant.as_ref());
    Ok(Replacement {
        credential,
        found: Arc::new(found),
        // The connection is live.
        words: None,
        asked,
        identity,
        config,
        terms,
        grant,
        now,
        inherits: false,
    })
}

/// Stores the fresh credential that the provider rotated the previous one to. Returns `false` if the connection was
/// removed meanwhile.
async fn keep_rotated(
    ground: &Arc<Ground>,
    info: &ConnectionInfo,
    previous: &mut PreviousRow,
    payload: &Payload,
    secret_names: &str,
    found: &VerifyResult<Secret>,
) -> Result<bool, Error> {
    let id = info.id;
    let fresh = match replace::seal_next(ground, id, &info.owner, &info.kind, payload, secret_names.to_owned()).await {
        Err(Error::NotFound(_)) => return Ok(false),
        fresh => fresh?,
    };
    let fresh = CredentialRow { valid_until: found.valid_until.map(Timestamp::seconds), ..fresh };
    let before = std::mem::replace(&mut previous.credential.generation, fresh.generation);
    let sealer = ground.sealer.clone();
    let now = ground.clock.now().seconds();
    let owner = info.owner.clone();
    let row = previous.clone();
    let kept = ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            let mark = guard::written(tx, &sealer, now, &row.mark_of(&owner)).await?;
            tx.rotate_previous(before, &fresh, &mark).await
        })
    });
    // If the previous credential was replaced meanwhile, the next read of the row shows it.
    Ok(kept.await? || !matches!(ground.info_by_id(&info.owner, id).await, Err(Error::NotFound(_))))
}

/// Returns the previous credential, opened, with its configuration.
///
/// # Errors
///
/// [`Error::Row`], [`Error::Sealed`].
pub(crate) async fn open_previous(
    ground: &Ground,
    info: &ConnectionInfo,
    previous: &PreviousRow,
) -> Result<Subject, Error> {
    ground.store.refuse_displaced()?;
    guard::check(&ground.sealer, &previous.mark_of(&info.owner))?;
    let PreviousRow { credential, .. } = previous;
    let cell = CREDENTIAL.at(info.id.as_uuid(), credential.generation, &info.owner, info.kind.as_str());
    let opened = ground.open(&cell, &credential.sealed).await?;
    let unreadable = || Error::sealed(&cell, SealError::UnknownFormat);
    let payload = Payload::decode(opened.expose()).ok_or_else(unreadable)?;
    let config = json::to_config(&previous.config);
    Ok(Subject { id: info.id, owner: info.owner.clone(), profile: info.profile, payload, config })
}

fn refused(info: &ConnectionInfo, reason: Reason) -> Error {
    Error::RollbackRefused {
        kind: info.kind.clone(),
        label: info.label.to_string(),
        why: reason.message,
        remedy: reason.remedy,
    }
}
