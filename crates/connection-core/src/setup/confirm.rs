//! Shows the account that a setup has reached before it is stored.
//!
//! The person who signed in at the provider, with a browser or by typing a code, may be another one than the person who
//! began the setup: for example, another user of the machine may have put an account of their own in the place of the
//! person's. A session that confirms comes to rest after the verification, with [`SetupStep::Confirm`]. Answering that
//! step stores the candidate, and cancelling the session stores nothing.
//!
//! The answer is an entry of the journal after the plugin's own effects. It names the account by a hash, so that it
//! counts for that account alone.

use std::sync::Arc;

use connection_contract::{Crypto as _, Identity, encode};

use super::{
    SetupStep, System,
    candidate::{AcceptedCandidate, Candidate},
    codec::{Purpose, Waiting},
    effects::Inner,
    row,
    slot::{Slot, Unconfirmed},
    wait::{AfterRun, Suspended},
};
use crate::{
    Error,
    credential::{AgreedKind, give_back, provider_grant},
    store::rows::{SetupRow, SetupState},
};

/// The beginning of the fingerprint of an entry that confirms an account.
pub(super) const CONFIRM: &str = "1 confirm ";

/// The next action with a verified candidate.
pub(super) enum NextStep {
    /// The candidate is stored without a question.
    Finish(Candidate),
    /// A person confirms the account of the candidate first.
    Show(Box<Suspended>),
}

/// Returns the next action with a verified candidate.
pub(super) async fn next_step(
    system: &Arc<System>,
    slot: &Slot,
    confirms: bool,
    inner: &mut Inner,
    candidate: Candidate,
) -> Result<NextStep, Error> {
    let kept = match candidate {
        Candidate::Accepted(kept) if confirms && inner.run.has_signed_in => kept,
        candidate => return Ok(NextStep::Finish(candidate)),
    };
    let identity = kept.found.identity.as_ref().unwrap_or(&kept.made.identity).clone();
    let id = identity.account_id.as_str().to_owned();
    let label = identity.label.as_str().to_owned();
    let what = format!("{CONFIRM}{}", encode::hex(&system.ground.crypto.sha256(id.as_bytes())));
    if inner.confirmed.as_ref() == Some(&what) || !is_to_be_shown(system, slot, &kept, &identity).await? {
        return Ok(NextStep::Finish(Candidate::Accepted(kept)));
    }
    inner.run.step += 1;
    let waiting = Waiting {
        no: inner.run.step,
        seq: Some(inner.run.next),
        what,
        fields: Some(Vec::new()),
        state: None,
        until: None,
        paused: None,
        account: Some((id, label)),
    };
    let subject = kept.subject(slot);
    let kind_terms = kept.kind.terms_digest().map(<[u8]>::to_vec);
    let grant = provider_grant::row(&system.ground.sealer, &kept.kind, kept.found.grant.as_ref());
    let is_new = kept.request.is_new();
    slot.set_unconfirmed(Some(Unconfirmed { subject, identity: identity.clone(), kind_terms, grant, is_new }));
    Ok(NextStep::Show(Box::new(Suspended { waiting, step: SetupStep::Confirm { identity } })))
}

/// Returns `true` if the account must be confirmed. An account that is refused in any case is not shown, and neither
/// is the current account of the connection.
async fn is_to_be_shown(
    system: &System,
    slot: &Slot,
    kept: &AcceptedCandidate,
    identity: &Identity,
) -> Result<bool, Error> {
    let mut reader = system.ground.reader().await?;
    Ok(match &kept.request.purpose {
        Purpose::Connect { again, .. } => {
            *again || reader.account_of(&slot.owner, slot.kind.as_str(), identity, None).await?.is_none()
        }
        Purpose::Reauthorize { another_account, .. } => {
            let account = reader.account(kept.request.connection).await?;
            *another_account && account.is_some_and(|account| !identity.has_id(&account.account_id))
        }
    })
}

/// Shows the account of a session that waits for its confirmation, without verifying it again. Returns `None` for any
/// other session.
pub(super) async fn show_again(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    row: &SetupRow,
) -> Result<Option<AfterRun>, Error> {
    if row.state != SetupState::Waiting {
        return Ok(None);
    }
    let waiting = match row::stored_wait(system, slot, row).await {
        // A step that does not open is made again by the run, from the journal.
        Err(Error::Sealed { .. }) => None,
        waiting => waiting?,
    };
    let Some(waiting) = waiting else { return Ok(None) };
    let Some((id, label)) = waiting.account.clone() else { return Ok(None) };
    let step = SetupStep::Confirm { identity: Identity::new(id, label) };
    slot.rest((waiting.no, step), waiting.seq);
    let expires = connection_contract::Timestamp::from_seconds(row.expires_at);
    Ok(Some(AfterRun::Wait { waiting: waiting.into(), expires }))
}

/// Gives back at the provider the grant of an account that was not confirmed.
///
/// The grant stays if this owner has a connection to the same account, because some providers revoke everything that
/// the account has granted to the application.
pub(super) async fn revoke_unconfirmed(system: &Arc<System>, slot: &Slot) {
    let Some(Unconfirmed { subject, identity, kind_terms, grant, is_new: true }) = slot.set_unconfirmed(None) else {
        return;
    };
    let other = async {
        let mut reader = system.ground.reader().await?;
        Ok::<_, Error>(reader.account_of(&slot.owner, slot.kind.as_str(), &identity, None).await?)
    };
    if matches!(other.await, Ok(None)) {
        let agreed = AgreedKind { kind: &slot.kind, terms: kind_terms.as_deref() };
        give_back(&system.ground, agreed, subject, grant).await;
    }
}
