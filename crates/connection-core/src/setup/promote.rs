//! How a re-authorization ends well: its credential takes the place of the current one, in one transaction.
//!
//! The journal of the session is the candidate: until that transaction nothing of it is anywhere else, so that what a
//! crash leaves is the old credential and a session that can be resumed, or the new one whole.

use std::sync::Arc;

use connection_contract::{Liveness, Reason, SetupFailure, reason};

use super::{
    Done,
    finish::{Ended, Kept, SESSION, already_connected},
    reauthorize::removed,
    run,
    slot::Slot,
};
use crate::{
    Error,
    connection::{
        json,
        replace::{self, Replacement},
    },
    event,
    extension::{self, Affected},
    refresh::plan::{self, Given},
    registry::Shared,
    store::{
        Lock, StoreError,
        rows::{AccountRow, CredentialRow, SetupState},
    },
};

/// What one transaction decided.
enum Decided {
    Promoted {
        label: String,
        before: Liveness,
        affected: Affected,
        is_another: bool,
    },
    Refused(SetupFailure),
    /// The credential that is there may work, and this one could not be verified.
    Waits,
}

pub(super) async fn promote(
    shared: &Arc<Shared>,
    slot: &Slot,
    step_seq: i64,
    kept: Kept,
    another_account: bool,
) -> Result<Ended, Error> {
    let Kept { asked, made, found, payload, secret_names } = kept;
    let (id, now) = (asked.connection, shared.clock.now().seconds());
    let (owner, kind, session) = (slot.owner.clone(), slot.kind.clone(), slot.id);
    let renews = shared.kinds.entry(&kind).is_some_and(|entry| entry.renews());
    let fresh = match replace::seal_next(shared, id, &owner, &kind, &payload, secret_names).await {
        Err(Error::NotFound(_)) => return Ok(Ended::Refused(removed())),
        fresh => fresh?,
    };
    let given = Given::of(&made, &found);
    let credential = CredentialRow {
        plan: plan::of(id, renews, fresh.created_at, given),
        granted_scopes: found.granted_scopes.as_ref().or(made.granted_scopes.as_ref()).map(json::texts),
        valid_until: given.valid_until,
        ..fresh
    };
    let identity = found.identity.clone().unwrap_or(made.identity);
    let (liveness, reason) = (found.liveness, found.reason.clone());
    let replacement =
        Replacement { credential, found, identity: identity.clone(), config: json::config(&made.config), now };
    let (on, expires) = (shared.clone(), now.saturating_add_unsigned(run::SESSION_LIFE));
    let turn = extension::turn(shared).await;
    let decided = shared.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Setup(session)).await?;
            tx.lock(Lock::Owner(&owner)).await?;
            tx.lock(Lock::Connection(id)).await?;
            let row = tx.listed(id).await?;
            let row = row.filter(|row| row.account.owner == owner && row.account.kind == kind.as_str());
            let Some(row) = row else { return Ok(Decided::Refused(removed())) };
            if replacement.is_another(&row.account) && !another_account {
                return Ok(Decided::Refused(account_changed(&row.account, &replacement)));
            }
            if let Some(label) = replacement.taken(tx, &row.account).await? {
                return Ok(Decided::Refused(already_connected(kind.as_str(), &label)));
            }
            let before = replace::measured(&row);
            if liveness != Liveness::Live && matches!(before, Liveness::Live | Liveness::Offline) {
                return Ok(Decided::Waits);
            }
            if !tx.end_setup(session, SetupState::Done, step_seq, None, expires).await? {
                // It was cancelled in the meantime, or another process has done this.
                return Err(StoreError::Conflict { what: SESSION.into() });
            }
            let told = ("session".to_owned(), session.to_string().into());
            let event = replacement.event(&on, &row, event::REAUTHORIZED, [told]);
            let is_another = replacement.is_another(&row.account);
            let affected = replacement.put(tx, &on, &row.account).await?;
            event::append(tx, &on.sealer, &event).await?;
            Ok(Decided::Promoted { label: row.account.label, before, is_another, affected })
        })
    });
    Ok(match decided.await? {
        Decided::Refused(failure) => Ended::Refused(failure),
        Decided::Waits => Ended::Offline(reason.unwrap_or_else(untold)),
        Decided::Promoted { label, before, is_another, affected } => {
            affected.tell(shared, &turn);
            if is_another {
                shared.usage.forget(id);
            }
            replace::publish(shared, id, before, liveness, reason.clone());
            tracing::info!(connection = %id, kind = %slot.kind, session = %session, "reauthorized");
            Ended::Done(Done { connection: id, label: label.into(), identity, liveness, reason })
        }
    })
}

fn account_changed(account: &AccountRow, replacement: &Replacement) -> SetupFailure {
    let AccountRow { kind, label, account_id, account_label, .. } = account;
    let is = replace::named(account_label, account_id);
    let other = &replacement.identity;
    let found = replace::named(other.label.as_str(), other.account_id.as_str());
    SetupFailure::new("account_changed", format!("this is the account {found}, and {kind}:{label} is {is}"))
        .remedy(format!("authorize it as {account_label}, or say that it may become another account"))
}

fn untold() -> Reason {
    Reason::new(reason::PROVIDER_ERROR, "nobody could say whether the new credential works")
}
