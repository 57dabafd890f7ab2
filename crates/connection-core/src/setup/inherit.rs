//! Inheritance in a re-authorization: the new credential takes over what renews the replaced one, for providers that
//! give that with the first consent only.
//!
//! The replaced credential is read before the transaction that stores the new one. The transaction compares it again,
//! because a refresh in between may have used up what is inherited, or the provider may have refused it. The record of
//! what was spent of it stays, because the next refresh spends it again.

use std::{sync::Arc, time::Duration};

use connection_contract::{Identity, Refreshed, Secret, reason};

use super::{System, slot::Slot};
use crate::{
    ConnectionId, Error,
    contain::{self, Contained},
    credential::{self, Payload, named_secrets, repeated},
    error::{CRASHED, TIMED_OUT},
    ground::check_terms,
    kinds::KindEntry,
    limits,
    store::{json, rows::ListedRow},
};

/// Maximum time for the plugin's `inherit`, which sends no requests.
const MAX_DURATION: Duration = Duration::from_secs(10);

/// The replaced credential, as far as it decides what is inherited.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ReplacedCredential {
    generation: i64,
    account: String,
    /// `true` if the provider no longer renews the credential, or if that is unknown, as after a restore. The token that would renew the
    /// new credential is the same.
    is_dead: bool,
}

impl ReplacedCredential {
    pub(super) fn of(row: &ListedRow) -> Self {
        const DEAD: &[&str] = &[reason::NEEDS_REAUTHORIZATION, reason::REFRESH_OUTCOME_UNKNOWN, reason::UNAUTHORIZED];
        let code = |reason: &Option<String>| reason.as_deref().and_then(json::to_reason).map(|reason| reason.code);
        let is_restored = code(&row.refresh_reason).is_some_and(|code| code == reason::RESTORED);
        Self {
            generation: row.account.generation,
            account: row.account.account_id.clone(),
            is_dead: is_restored || code(&row.reason).is_some_and(|code| DEAD.contains(&&*code)),
        }
    }
}

/// A credential that inherited from the replaced one.
pub(super) struct InheritedCredential {
    pub(super) former: ReplacedCredential,
    pub(super) payload: Payload,
    pub(super) secret_names: String,
    pub(super) refreshed: Refreshed<Secret>,
}

/// Returns the credential with what it inherits from the current one, or `None` if it inherits nothing.
///
/// # Errors
///
/// The store's, and [`Error::Sealed`] if the current credential cannot be opened now.
pub(super) async fn inherit(
    system: &Arc<System>,
    slot: &Slot,
    kind: &KindEntry,
    id: ConnectionId,
    identity: &Identity,
    payload: &Payload,
) -> Result<Option<InheritedCredential>, Error> {
    if !kind.renews() {
        return Ok(None);
    }
    let mut reader = system.ground.reader().await?;
    let Some(row) = reader.listed(id).await?.filter(|row| row.account.owner == slot.owner) else {
        return Ok(None);
    };
    let former = ReplacedCredential::of(&row);
    if former.is_dead || !identity.has_id(&former.account) {
        return Ok(None);
    }
    // A value that was given under other terms stays where those terms sent it.
    let info = system.ground.info_of(&mut reader, Some(row)).await?.filter(|info| check_terms(kind, info).is_ok());
    drop(reader);
    let Some(info) = info else { return Ok(None) };
    let opened = match credential::open(&system.ground, &info).await {
        // The connection was removed in between, which the transaction reports.
        Err(Error::NotFound(_)) => return Ok(None),
        opened => opened?,
    };
    // The generation may have changed in between. The transaction finds that, too, and the caller tries again.
    let former = ReplacedCredential { generation: opened.generation, ..former };
    let Ok(current) = opened.payload else { return Ok(None) };
    let Some(refreshed) = inherited(system, kind, &current.credential, &payload.credential).await else {
        return Ok(None);
    };
    let refreshed = repeated::refreshed(&system.ground, kind, refreshed).await;
    let mut payload = payload.duplicate();
    payload.credential = refreshed.credential.duplicate();
    let secret_names = named_secrets::names_json(
        &system.ground,
        kind,
        &payload.credential,
        named_secrets::current(&system.ground, id),
    )
    .await;
    Ok(Some(InheritedCredential { former, payload, secret_names, refreshed }))
}

/// Asks the plugin what the new credential inherits. If the plugin fails, nothing is inherited, because the new
/// credential works without it.
async fn inherited(system: &System, kind: &KindEntry, former: &Secret, fresh: &Secret) -> Option<Refreshed<Secret>> {
    let definition = kind.definition.clone();
    let now = system.ground.clock.now();
    let former = former.duplicate();
    let fresh = fresh.duplicate();
    let take = async move { contain::call(move || definition.inherit(&former, &fresh, now)) };
    let taken = match system.ground.runtimes.run(&*system.ground.clock, MAX_DURATION, take).await {
        Contained::Ended(Some(Ok(taken))) => taken.map(limits::refreshed).transpose(),
        Contained::Ended(Some(Err(_))) => Err("the plugin cannot read or write a credential"),
        Contained::Ended(None) | Contained::Panicked => Err(CRASHED),
        Contained::Stopped | Contained::TimedOut => Err(TIMED_OUT),
    };
    taken.unwrap_or_else(|why| {
        tracing::warn!(kind = %kind.kind(), why, "nothing is taken over from the previous credential");
        None
    })
}
