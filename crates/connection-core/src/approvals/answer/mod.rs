//! The answer of a person.

use std::time::Duration;

use connection_contract::DisplayText;

use super::{Approval, details::opened};
use crate::{
    ApprovalError, ApprovalId, ApprovalState, Error,
    approval::{self, Answerer, Facts, NewWidening, state_at},
    connection::System,
    door, event,
    grant::{AgentStanding, Why},
    ground::{Ground, Scope},
    guard,
    store::{Lock, StoreError, Tx, rows::ApprovalRow},
};

/// What a person approves.
///
/// ```
/// use std::time::Duration;
///
/// use connection_core::Consent;
///
/// let for_a_while = Consent::Widen { time: Duration::from_secs(600), requests: 10 };
/// assert_ne!(for_a_while, Consent::Once);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consent {
    /// This request, once.
    Once,
    /// This request, and for a while all requests with its method and path that the same rule asks about, whatever their
    /// query, headers and body are. The grant is widened, until it is changed.
    Widen {
        /// The time for which the grant is widened: an hour at most.
        time: Duration,
        /// The number of further requests that pass: 1 to 100.
        requests: u32,
    },
}

/// Records that a request is approved.
pub(super) async fn approve(
    scope: Scope<'_, System>,
    id: ApprovalId,
    digest: &str,
    consent: Consent,
    by: Answerer,
) -> Result<Approval, Error> {
    let ground = &scope.system.ground;
    let digest = digest.to_owned();
    let widened = match consent {
        Consent::Once => None,
        Consent::Widen { time, requests } => {
            let row = ground.reader().await?.approval(scope.owner, id).await?;
            let row = row.ok_or(ApprovalError::Unknown(id))?;
            guard::check(&ground.sealer, &row)?;
            let (parts, _) = opened(ground, &row).await?;
            Some(NewWidening { scope: door::scope(&Facts::of(&row).rule, &parts), time, requests })
        }
    };
    answered(scope, id, move |tx, ground, row| {
        Box::pin(async move {
            let facts = Facts::of(&row);
            if facts.digest != digest {
                return Ok(Err(ApprovalError::OtherDigest(id).into()));
            }
            if let Some(widened) = &widened
                && let Err(error) = widen(tx, ground, &row, &facts, widened).await?
            {
                return Ok(Err(error));
            }
            let facts = Facts { widened: widened.is_some(), ..given(facts, ground, &by) };
            let row = ApprovalRow { state: ApprovalState::Approved, facts: facts.text(), ..row };
            Ok(Ok(row))
        })
    })
    .await
}

/// Records that a request is refused.
pub(super) async fn refuse(
    scope: Scope<'_, System>,
    id: ApprovalId,
    reason: DisplayText,
    by: Answerer,
) -> Result<Approval, Error> {
    let reason = Some(reason.to_string()).filter(|reason| !reason.trim().is_empty());
    answered(scope, id, move |tx, ground, row| {
        Box::pin(async move {
            let facts = Facts { refusal: reason, ..given(Facts::of(&row), ground, &by) };
            tx.erase_approval_request(row.id).await?;
            Ok(Ok(ApprovalRow { state: ApprovalState::Refused, facts: facts.text(), ..row }))
        })
    })
    .await
}

fn given(facts: Facts, ground: &Ground, by: &Answerer) -> Facts {
    Facts {
        answered_by: by.name.clone(),
        answered_at: Some(ground.clock.now().seconds()),
        proof: Some(by.proof()),
        ..facts
    }
}

type Changed<'c> = connection_contract::BoxFuture<'c, Result<Result<ApprovalRow, Error>, StoreError>>;

/// Changes an approval that waits, with the locks of its owner and its connection.
async fn answered(
    scope: Scope<'_, System>,
    id: ApprovalId,
    change: impl for<'c> FnOnce(&'c mut Tx, &'c Ground, ApprovalRow) -> Changed<'c> + Send + 'static,
) -> Result<Approval, Error> {
    let on = scope.system.ground.clone();
    let owner = scope.owner.to_owned();
    let job = scope.system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            let Some(row) = tx.approval(&owner, id).await? else { return Ok(Err(ApprovalError::Unknown(id).into())) };
            tx.lock(Lock::Connection(row.connection_id)).await?;
            if let Err(error) = guard::check(&on.sealer, &row) {
                return Ok(Err(Error::from(error)));
            }
            let now = on.clock.now();
            let state = state_at(&row, now.seconds());
            if state != ApprovalState::Waiting {
                return Ok(Err(ApprovalError::NotWaiting { id, state }.into()));
            }
            let row = match change(tx, &on, ApprovalRow { changed_at: now.seconds(), ..row }).await? {
                Ok(row) => row,
                Err(error) => return Ok(Err(error)),
            };
            approval::put(tx, &on.sealer, &row).await?;
            if tx.account(row.connection_id).await?.is_some() {
                let facts = Facts::of(&row);
                let body = serde_json::json!({
                    "approval": id.to_string(), "agent": facts.agent, "rule": facts.rule,
                    "state": row.state.as_str(), "by": facts.answered_by,
                });
                let event = on.event(&row.owner, row.connection_id, event::APPROVAL_DECIDED, body);
                event::append(tx, &on.sealer, &event).await?;
            }
            Ok(Ok(Approval::of(&row, now)))
        })
    });
    job.await?
}

/// Widens the grant of a request, if everything is as it was when the request was made.
async fn widen(
    tx: &mut Tx,
    ground: &Ground,
    row: &ApprovalRow,
    facts: &Facts,
    new: &NewWidening,
) -> Result<Result<(), Error>, StoreError> {
    match AgentStanding::of_approval(row, facts, facts.revision).check(tx, ground).await? {
        Ok(_) => {}
        Err(Why::Edited(error)) => return Ok(Err(error.into())),
        Err(_) => {
            let agent = facts.agent.clone().into();
            return Ok(Err(ApprovalError::GrantChanged { agent }.into()));
        }
    }
    approval::widen(tx, ground, row, facts, new).await.map(Ok)
}

#[cfg(test)]
mod tests;
