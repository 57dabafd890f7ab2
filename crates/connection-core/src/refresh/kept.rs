//! The attempt of a refresh, with the answers to earlier requests that are kept because they could not be read.
//!
//! The plugin is given every kept answer again. A refresh that a person forces then sends the former token once more, as an
//! exchange of its own, so that the kept answers stay until a credential is stored.

use std::sync::Arc;

use super::{
    System, Trigger,
    attempt::{self, Attempt, Outcome},
    lease::Lease,
    target::Target,
    unreadable,
};
use crate::{
    Error,
    credential::Subject,
    exchange::{AnsweredExchange, ExchangeKey},
    store::Lock,
};

/// The maximum number of answers that are kept for one token. After that, the token is not sent again.
const MAX_KEPT: usize = 8;

/// Makes one attempt, and another one for each further answer that is kept. If none of them can be read, a forced refresh
/// makes one more, which sends the token. So does a forced refresh whose answers are all kept no longer.
///
/// # Errors
///
/// The store's errors.
pub(super) async fn attempt(
    system: &Arc<System>,
    target: &Target<'_>,
    subject: impl Fn() -> Subject,
    lease: &mut Lease,
) -> Result<Attempt, Error> {
    let is_forced = target.why == Trigger::Forced;
    let mut may_forget = is_forced;
    let mut is_kept = false;
    let mut passed: Vec<ExchangeKey> = Vec::new();
    let mut former: Option<Attempt> = None;
    loop {
        let made = attempt::attempt(system, target, subject(), lease, &passed).await;
        let last = passed.last().copied();
        let waits = made.uncertain.filter(|uncertain| last.is_some() && uncertain.awaited == last);
        let next = match (accepted(&made), made.lost) {
            // No answer is kept for a credential whose last attempt did not fail.
            (Some(answered), _) if target.plan.failures() > 0 => {
                let can_send = is_forced && passed.len() + 1 < MAX_KEPT && !is_renewed(&made);
                let follows = follows(system, answered.key, can_send).await?;
                is_kept |= follows;
                follows.then_some(answered.key)
            }
            (None, Some(lost)) => match is_before_another(system, lost).await? {
                true => Some(lost),
                false if may_forget => {
                    may_forget = false;
                    forget_ended(system, target).await?;
                    passed.clear();
                    former = Some(made).filter(is_renewed);
                    continue;
                }
                false => None,
            },
            _ => None,
        };
        let keys = made.keys.clone();
        let mut best = match former.take() {
            // Nothing was sent, because the request before might still arrive.
            Some(former) if waits.is_some() => {
                return Ok(Attempt { sends_from: waits.and_then(|waits| waits.replay_at), ..former });
            }
            Some(former) if is_renewed(&former) && !is_renewed(&made) => former,
            _ => made,
        };
        let Some(next) = next else {
            if is_renewed(&best) {
                // The commit of the credential deletes every answer.
                best.keys.extend(passed.into_iter().chain(keys));
            }
            return Ok(Attempt { is_kept, ..best });
        };
        passed.push(next);
        former = Some(best);
    }
}

fn is_renewed(attempt: &Attempt) -> bool {
    matches!(attempt.outcome, Outcome::Renewed(_))
}

/// Deletes the exchanges whose answers are kept no longer.
async fn forget_ended(system: &System, target: &Target<'_>) -> Result<(), Error> {
    let id = target.info.id;
    let forgotten = system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Connection(id)).await?;
            tx.forget_ended_answers(id).await
        })
    });
    Ok(forgotten.await?)
}

/// Returns the answer with a successful status on which the plugin based its result, if the plugin read it or if it may hold
/// a token.
fn accepted(made: &Attempt) -> Option<AnsweredExchange> {
    match &made.outcome {
        Outcome::Renewed(_) => made.yes,
        Outcome::Failed(why) => made.yes.filter(|answered| unreadable::may_be_lost(why, *answered)),
        Outcome::Fault(_) | Outcome::Stuck(_) => None,
    }
}

/// Returns `true` if another answer to the same token was kept after the lost one to this exchange. It is read instead.
async fn is_before_another(system: &System, key: ExchangeKey) -> Result<bool, Error> {
    let newer = system.ground.reader().await?.exchange(key.next(&system.ground.sealer)).await?;
    Ok(newer.is_some_and(|row| row.sealed.is_some() || row.sent.is_answer_ended(None, 0)))
}

/// Returns `true` if another attempt follows one that was based on the kept answer to this exchange: with a newer answer, or,
/// if `can_send` is `true`, with a request. An answer that arrived just now was not set aside before, and nothing follows it.
async fn follows(system: &System, key: ExchangeKey, can_send: bool) -> Result<bool, Error> {
    let mut reader = system.ground.reader().await?;
    let row = reader.exchange(key).await?;
    if row.is_none_or(|row| row.sealed.is_none() || row.sent.concluded_at.is_none()) {
        return Ok(false);
    }
    let newer = reader.exchange(key.next(&system.ground.sealer)).await?;
    Ok(can_send || newer.is_some_and(|row| row.sealed.is_some()))
}
