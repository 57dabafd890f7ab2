//! What a re-authorization takes over from the credential that it replaces: what renews it, where the provider gives that
//! with the first consent alone.
//!
//! What is taken over was read before the transaction that stores it, which looks again: a renewal in between may have used
//! it up, or the provider may have refused it. What was spent of it stays on record, since the next renewal spends it again.

use std::{sync::Arc, time::Duration};

use connection_contract::{Identity, Refreshed, Secret, reason};

use super::slot::Slot;
use crate::{
    ConnectionId, Error,
    connection::{Payload, named},
    contain::{self, Contained},
    error::{CRASHED, TIMED_OUT},
    limits,
    registry::{KindEntry, Shared},
    store::{json, rows::ListedRow},
    verify,
};

/// Nothing is asked of anybody.
const LONGEST: Duration = Duration::from_secs(10);

/// The credential that is replaced, as far as it decides what is taken over.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Former {
    generation: i64,
    account: String,
    /// Its provider renews it no more, or nobody knows: what would renew the next one is the same.
    is_dead: bool,
}

impl Former {
    pub(super) fn of(row: &ListedRow) -> Self {
        const DEAD: &[&str] = &[reason::NEEDS_REAUTHORIZATION, reason::REFRESH_OUTCOME_UNKNOWN, reason::UNAUTHORIZED];
        let code = row.reason.as_deref().and_then(json::to_reason).map(|reason| reason.code);
        Self {
            generation: row.account.generation,
            account: row.account.account_id.clone(),
            is_dead: code.is_some_and(|code| DEAD.contains(&&*code)),
        }
    }
}

/// A credential that took something over.
pub(super) struct Heir {
    pub(super) former: Former,
    pub(super) payload: Payload,
    pub(super) secret_names: String,
    pub(super) refreshed: Refreshed<Secret>,
}

/// The credential with what it takes over from the current one; `None` when that is nothing.
///
/// # Errors
///
/// The store's, and [`Error::Sealed`] where the current one cannot be opened just now.
pub(super) async fn heir(
    shared: &Arc<Shared>,
    slot: &Slot,
    id: ConnectionId,
    (identity, payload): (&Identity, &Payload),
) -> Result<Option<Heir>, Error> {
    let Some(kind) = shared.kinds.entry(&slot.kind).filter(|kind| kind.renews()) else { return Ok(None) };
    let Some(row) = shared.reader().await?.listed(id).await?.filter(|row| row.account.owner == slot.owner) else {
        return Ok(None);
    };
    let former = Former::of(&row);
    if former.is_dead || former.account != identity.account_id.as_str() {
        return Ok(None);
    }
    let Some(info) = shared.info(row) else { return Ok(None) };
    let opened = match verify::open(shared, &info).await {
        // It was removed in between, which the transaction says.
        Err(Error::NotFound(_)) => return Ok(None),
        opened => opened?,
    };
    // Another one came in between: the transaction finds that out, too, and asks again.
    let former = Former { generation: opened.generation, ..former };
    let Ok(current) = opened.payload else { return Ok(None) };
    let Some(refreshed) = inherited(shared, &kind, &current.credential, &payload.credential).await else {
        return Ok(None);
    };
    let mut payload = payload.duplicate();
    payload.credential = refreshed.credential.duplicate();
    let secret_names = named::held(shared, &kind, &payload.credential, named::current(shared, id)).await;
    Ok(Some(Heir { former, payload, secret_names, refreshed }))
}

/// A plugin that fails here takes nothing over: what was authorized works without it.
async fn inherited(shared: &Shared, kind: &KindEntry, former: &Secret, fresh: &Secret) -> Option<Refreshed<Secret>> {
    let (definition, now) = (kind.definition.clone(), shared.clock.now());
    let (former, fresh) = (former.duplicate(), fresh.duplicate());
    let take = async move { contain::call(move || definition.inherit(&former, &fresh, now)) };
    let taken = match shared.runtimes.run(&*shared.clock, LONGEST, take).await {
        Contained::Ended(Some(Ok(taken))) => taken.map(limits::refreshed).transpose(),
        Contained::Ended(Some(Err(_))) => Err("the plugin cannot read or write a credential"),
        Contained::Ended(None) | Contained::Panicked => Err(CRASHED),
        Contained::Stopped | Contained::TimedOut => Err(TIMED_OUT),
    };
    taken.unwrap_or_else(|why| {
        tracing::warn!(kind = %kind.kind(), why, "nothing is taken over from the credential before");
        None
    })
}
