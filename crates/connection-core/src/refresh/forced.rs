//! A refresh that a person forces: it reads an answer that was kept because it could not be read, and drops the answer if
//! that fails again, so that the former token may be sent.

use std::sync::Arc;

use super::{
    System,
    attempt::{self, Attempt, Outcome},
    lease::Lease,
    target::Target,
    unreadable,
};
use crate::{Error, credential::Subject, store::Lock};

/// Makes one attempt, and a second one if the first could not read a kept answer.
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
    let id = target.info.id;
    let process = system.ground.process.clone();
    let forgotten = system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Connection(id)).await?;
            tx.forget_ended_answers(id).await
        })
    });
    forgotten.await?;
    let first = attempt::attempt(system, target, subject(), lease).await;
    let unread = match &first.outcome {
        Outcome::Failed(why) => first.yes.filter(|answered| unreadable::may_be_lost(why, *answered)),
        Outcome::Renewed(_) | Outcome::Fault(_) | Outcome::Stuck(_) => None,
    };
    let Some(unread) = unread else { return Ok(first) };
    // An answer that arrived just now was not set aside before, and is not dropped.
    let dropped = system.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Connection(id)).await?;
            tx.discard_answer(unread.key, &process).await
        })
    });
    match dropped.await? {
        true => Ok(attempt::attempt(system, target, subject(), lease).await),
        false => Ok(first),
    }
}
