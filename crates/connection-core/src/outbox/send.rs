//! Sends what is due in the outbox, several messages at once.

use std::{sync::Arc, time::Duration};

use connection_contract::{HttpError, HttpResponse};

use super::EventReceiver;
use crate::{Error, ground::Ground, store::rows::OutboxRow};

/// The pauses after failed attempts, in seconds, as Standard Webhooks recommends. There is one attempt more than pauses.
const PAUSES: [i64; 7] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600];
/// The time in which the receiver must answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The seconds after which another process may repeat an attempt whose result nobody recorded.
const CLAIM: i64 = 60;
/// The longest pause that the receiver may ask for, in seconds.
const MAX_PAUSE: u64 = 86_400;
/// Maximum number of messages that are sent at once.
const AT_ONCE: i64 = 16;
/// The status of a receiver that wants no more messages.
const GONE: u16 = 410;

/// The result of sending the messages that are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// The receiver wants no more messages.
    Gone,
    /// Nothing more is due now.
    Idle,
    /// The round sent as many messages as it may, so more may be due.
    More,
}

/// Sends messages that are due, and records the results.
pub(crate) async fn round(ground: &Arc<Ground>, receiver: &Arc<EventReceiver>) -> Result<Round, Error> {
    let due = ground.reader().await?.due_outbox(ground.clock.now().seconds(), AT_ONCE).await?;
    let is_full = i64::try_from(due.len()).is_ok_and(|count| count == AT_ONCE);
    let tasks: Vec<_> = due
        .into_iter()
        .map(|row| {
            let working = ground.clone();
            let receiver = receiver.clone();
            ground.runtimes.spawn(async move { attempt(&working, &receiver, row).await })
        })
        .collect();
    let mut gone = false;
    let mut failed = None;
    for task in tasks {
        match task.await {
            Ok(Ok(is_gone)) => gone |= is_gone,
            Ok(Err(error)) => failed = Some(error),
            // The claim of an attempt that did not end expires.
            Err(_) => {}
        }
    }
    match failed {
        _ if gone => Ok(Round::Gone),
        Some(error) => Err(error),
        None => Ok(if is_full { Round::More } else { Round::Idle }),
    }
}

/// Sends one message, unless another process does. Returns `true` if the receiver wants no more messages.
async fn attempt(ground: &Ground, receiver: &EventReceiver, row: OutboxRow) -> Result<bool, Error> {
    let OutboxRow { id, attempts, .. } = row;
    let now = ground.clock.now().seconds();
    let claim = ground.store.write(move |tx| Box::pin(async move { tx.claim_outbox(id, attempts, now + CLAIM).await }));
    if !claim.await? {
        return Ok(false);
    }
    let answer = match receiver.request(&id.to_string(), now, &row.body) {
        None => Err(HttpError::Protocol),
        Some(request) => {
            let egress = receiver.egress();
            tokio::select! {
                biased;
                answer = ground.http.send(&egress, request) => answer,
                () = ground.clock.sleep(TIMEOUT) => Err(HttpError::Timeout),
            }
        }
    };
    let Some(failure) = failure(answer.as_ref()) else {
        ground.store.write(move |tx| Box::pin(async move { tx.deliver_outbox(id).await })).await?;
        return Ok(false);
    };
    let attempt = attempts.saturating_add(1);
    let pause = usize::try_from(attempts).ok().and_then(|before| PAUSES.get(before)).copied();
    let next_at = pause.map(|pause| ground.clock.now().seconds().saturating_add(pause.max(asked_pause(&answer))));
    match next_at {
        Some(_) => tracing::debug!(event = %id, attempt, failure, "an event was not delivered and is sent again"),
        None => tracing::warn!(event = %id, attempt, failure, "an event was not delivered, and is not sent again"),
    }
    let is_gone = answer.is_ok_and(|answer| answer.status() == GONE);
    let fail =
        ground.store.write(move |tx| Box::pin(async move { tx.fail_outbox(id, attempt, next_at, &failure).await }));
    fail.await?;
    Ok(is_gone)
}

/// Returns why an attempt failed; `None` if the receiver accepted the message.
fn failure(answer: Result<&HttpResponse, &HttpError>) -> Option<String> {
    Some(match answer {
        Ok(answer) if (200..300).contains(&answer.status()) => return None,
        Ok(answer) => format!("the receiver answered {}", answer.status()),
        Err(HttpError::Connect) => "the receiver cannot be reached".to_owned(),
        Err(HttpError::Denied) => {
            "the address of the receiver is private, and the configuration does not allow it".to_owned()
        }
        Err(HttpError::Dns) => "the name of the receiver does not resolve".to_owned(),
        Err(HttpError::Timeout) => "the receiver did not answer in time".to_owned(),
        Err(HttpError::Tls) => "the receiver has no certificate that this host trusts".to_owned(),
        Err(HttpError::TooLarge) => "the receiver answered with more than this host reads".to_owned(),
        Err(_) => "the receiver gave no answer that is valid HTTP".to_owned(),
    })
}

/// Returns the pause in seconds that a busy receiver asks for; 0 if it asks for none.
fn asked_pause(answer: &Result<HttpResponse, HttpError>) -> i64 {
    let busy = answer.as_ref().ok().filter(|answer| matches!(answer.status(), 429 | 503));
    let delay = busy.and_then(HttpResponse::retry_after).unwrap_or_default();
    i64::try_from(delay.as_secs().min(MAX_PAUSE)).unwrap_or_default()
}
