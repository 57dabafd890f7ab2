//! One exchange, from its intent to its end.

use std::{sync::Arc, time::Duration};

use connection_contract::{HttpError, HttpRequest};
use connection_egress::{Moment, SendOnceOutcome};
use tokio::sync::watch;
use tracing::Instrument as _;

use super::{
    Exchange, ExchangeOutcome, ExchangeScope, StateDirectory,
    life_signs::{LifeSigns, renew_during},
    recording::{keep, recorded},
    replay::{Age, Verdict},
    request::CommittedIntent,
    rescue::{self, Rescue},
    table::{Progress, RemoveOnDrop},
    unanswered::{AttemptState, attempt_state, conclude, decide, lost, moment, uncertain},
};
use crate::{
    Error, StoreError,
    exchange::System,
    store::{
        ConflictRetries,
        rows::{ExchangeRow, Sent, SetupState},
    },
};

/// The longest request of a refresh, whatever the host's policy allows, so that the request ends within the lease.
pub(crate) const MAX_REFRESH: Duration = Duration::from_secs(20);

/// Sends the request, unless it was sent before: then the recorded answer is returned. If the future is dropped, the
/// exchange continues.
///
/// # Errors
///
/// An error if nothing can be recorded at the moment. Then nothing was sent, or the answer is kept until it can be
/// recorded.
pub(crate) async fn send(
    system: &Arc<System>,
    exchange: Exchange,
    request: HttpRequest,
) -> Result<ExchangeOutcome, Error> {
    let mut progress = system.exchanges.join_or_start(exchange.key, |sender, landing| {
        let on = system.clone();
        let span = tracing::info_span!("exchange", kind = %exchange.kind);
        let flight = run(on, exchange, request, sender, landing).instrument(span);
        // The handle is dropped because the exchange continues without its caller.
        drop(system.ground.runtimes.spawn(flight));
    })?;
    loop {
        match &*progress.borrow_and_update() {
            Progress::UnderWay => {}
            Progress::Kept(error) => return Err(error.clone()),
            Progress::Ended(ended) => return ended.clone(),
        }
        if progress.changed().await.is_err() {
            return Err(StoreError::Panicked.into());
        }
    }
}

async fn run(
    system: Arc<System>,
    exchange: Exchange,
    request: HttpRequest,
    progress: watch::Sender<Progress>,
    landing: RemoveOnDrop,
) {
    // The registry is released before waiters receive the end.
    let Some(ended) = run_to_end(system, &exchange, request, &progress).await else { return };
    // The exchange leaves the table first, so that a later caller reads the row.
    drop(landing);
    progress.send_replace(Progress::Ended(ended));
}

/// Runs the exchange. Returns `None` if the registry was dropped before the answer could be recorded.
async fn run_to_end(
    system: Arc<System>,
    exchange: &Exchange,
    request: HttpRequest,
    progress: &watch::Sender<Progress>,
) -> Option<Result<ExchangeOutcome, Error>> {
    match begin(&system, exchange).await {
        Err(error) => Some(Err(error)),
        Ok(Beginning::Known(ended)) => Some(Ok(ended)),
        Ok(Beginning::Noted(noted)) => {
            let signs = LifeSigns::of(&system, exchange.key, &noted.sent);
            renew_during(signs, send_noted(system, exchange, noted, request, progress)).await
        }
    }
}

/// Sends the request of a committed intent, and records the result.
async fn send_noted(
    system: Arc<System>,
    exchange: &Exchange,
    noted: CommittedIntent,
    request: HttpRequest,
    progress: &watch::Sender<Progress>,
) -> Option<Result<ExchangeOutcome, Error>> {
    match send_in_time(&system, exchange, &noted, request).await {
        SendOnceOutcome::Answered(answer) => {
            // Without a result, the registry was dropped, and the answer is in a rescue file.
            keep(system, exchange, &noted, answer, progress).await.map(Ok)
        }
        SendOnceOutcome::Limited(answer) => {
            withdraw_intent(&system, exchange, noted).await;
            Some(Ok(ExchangeOutcome::Refused(Arc::new(answer))))
        }
        SendOnceOutcome::NotSent(error) => {
            withdraw_intent(&system, exchange, noted).await;
            Some(Ok(ExchangeOutcome::NotSent(error)))
        }
        SendOnceOutcome::Unclear { retry_after } => {
            let retry_after_seconds = i64::try_from(retry_after.as_secs()).unwrap_or(i64::MAX);
            tracing::warn!(scope = ?exchange.scope, "it is unknown whether the provider used up the token or code of \
                                                     a request");
            let now = noted.now.estimated(&*system.ground.clock);
            let sent = conclude(&system, exchange, noted.sent, retry_after_seconds).await;
            // The conclusion also returned the database's time.
            let now = sent.concluded_at.map_or(now, |at| Moment::from_other_clock(at, system.ground.clock.passed()));
            let verdict = decide(&system, exchange, &sent, now).await;
            Some(verdict.map(|verdict| ExchangeOutcome::Uncertain(uncertain(&system, exchange, &sent, verdict, now))))
        }
    }
}

/// Sends the request if there is time. A later request could meet one that another process sends.
async fn send_in_time(
    system: &Arc<System>,
    exchange: &Exchange,
    noted: &CommittedIntent,
    request: HttpRequest,
) -> SendOnceOutcome {
    let mut until = exchange.deadline;
    if let (Some(grace), Some(before)) = (noted.within, &noted.before) {
        let now = noted.now.estimated(&*system.ground.clock);
        let age = Age::of(before.begun_at, system.exchanges.first(now), now);
        if !age.is_within(grace) {
            return SendOnceOutcome::NotSent(HttpError::Timeout);
        }
        let left = Duration::from_secs(age.left_of(grace).unsigned_abs());
        let closes = system.ground.clock.passed().saturating_add(left);
        until = Some(until.map_or(closes, |until| until.min(closes)));
    }
    if until.is_some_and(|until| system.ground.clock.passed() >= until) {
        return SendOnceOutcome::NotSent(HttpError::Timeout);
    }
    let unsent = system.exchanges.forget_unsent(exchange.key);
    let longest = exchange.deadline.map(|_| MAX_REFRESH);
    let once = system.ground.http.send_once(&exchange.egress, request, until, longest).await;
    if let Some(unsent) = unsent.filter(|_| once.is_unprocessed()) {
        // The row is as it was before.
        system.exchanges.remember_unsent(exchange.key, unsent);
    }
    once
}

enum Beginning {
    Known(ExchangeOutcome),
    Noted(CommittedIntent),
}

/// Commits the intent, or returns the end of an earlier attempt.
async fn begin(system: &Arc<System>, exchange: &Exchange) -> Result<Beginning, Error> {
    let mut retries = ConflictRetries::of("exchange");
    loop {
        retries.begin_attempt()?;
        let now = moment(system).await?;
        let row = system.ground.reader().await?.exchange(exchange.key).await?;
        let before = match row {
            Some(ExchangeRow { sealed: Some(sealed), sent, .. }) => {
                return recorded(system, exchange, &sealed, &sent).await.map(Beginning::Known);
            }
            Some(ExchangeRow { sent, .. }) => {
                let sent = match attempt_state(system, exchange, sent, now).await? {
                    AttemptState::Answered => continue,
                    AttemptState::Lost(uncertain) => {
                        return Ok(Beginning::Known(ExchangeOutcome::Uncertain(uncertain)));
                    }
                    AttemptState::Sent(sent) => sent,
                };
                // The conclusion was just recorded, so the current time is not before it.
                let now = sent.concluded_at.map_or(now, |at| now.not_before(at));
                match decide(system, exchange, &sent, now).await? {
                    Verdict::Send { replays, within } => Some((sent, replays, within)),
                    verdict @ (Verdict::Wait { .. } | Verdict::Leave { .. }) => {
                        return Ok(Beginning::Known(ExchangeOutcome::Uncertain(uncertain(
                            system, exchange, &sent, verdict, now,
                        ))));
                    }
                }
            }
            // A database that lost committed data may have lost the intent, but this node may still have the answer.
            None => match rescue::ingest(system, exchange.key, true).await? {
                Rescue::Nothing => None,
                Rescue::Ingested => continue,
                Rescue::Damaged => return Ok(Beginning::Known(ExchangeOutcome::Uncertain(lost(now.seconds())))),
            },
        };
        let noted = match before {
            Some((before, replays, within)) => {
                let sent = Sent { begun_at: before.begun_at, ..new_attempt(system, now, replays) };
                CommittedIntent { sent, before: Some(before), within, now }
            }
            None => CommittedIntent { sent: new_attempt(system, now, 0), before: None, within: None, now },
        };
        match commit_intent(system, exchange, &noted).await {
            Ok(true) => return Ok(Beginning::Noted(noted)),
            // Another process committed its intent first.
            Ok(false) => {}
            Err(error) => {
                // The intent may have been committed nevertheless.
                withdraw_intent(system, exchange, noted).await;
                return Err(error);
            }
        }
    }
}

fn new_attempt(system: &System, now: Moment, replays: i64) -> Sent {
    let process_id = system.ground.process.clone();
    let at = now.seconds();
    let node_id = system.state.as_deref().map(StateDirectory::node).map(str::to_owned);
    Sent { replays, ..Sent::first(node_id, process_id, at) }
}

async fn commit_intent(system: &Arc<System>, exchange: &Exchange, noted: &CommittedIntent) -> Result<bool, Error> {
    let key = exchange.key;
    let scope = exchange.scope;
    let sent = noted.sent.clone();
    let before = noted.before.clone();
    let generation = exchange.generation;
    let written = system.ground.store.write(move |tx| {
        Box::pin(async move {
            scope.lock(tx).await?;
            let is_there = match scope {
                ExchangeScope::Connection(id) => {
                    let account = tx.account(id).await?;
                    if let (Some(account), Some(generation)) = (&account, generation)
                        && account.generation != generation
                    {
                        return Err(StoreError::Conflict { what: "generation of a connection".into() });
                    }
                    account.is_some()
                }
                ExchangeScope::Session(id) => {
                    let row = tx.setup(id).await?;
                    row.is_some_and(|row| matches!(row.state, SetupState::Running | SetupState::Waiting))
                }
            };
            if !is_there {
                return Ok(None);
            }
            match before {
                Some(before) => tx.resend_exchange(key, &before, &sent).await.map(Some),
                None => tx.insert_exchange(&ExchangeRow { key, scope, sent, sealed: None }).await.map(Some),
            }
        })
    });
    written.await?.ok_or(match scope {
        ExchangeScope::Connection(id) => Error::NotFound(id),
        ExchangeScope::Session(id) => Error::SessionNotFound(id),
    })
}

/// Deletes the intent of a request that was not sent or not processed. For a replay, the earlier attempt is restored,
/// about which nothing more is known than before. An intent that cannot be deleted now is remembered as unsent.
async fn withdraw_intent(system: &Arc<System>, exchange: &Exchange, noted: CommittedIntent) {
    let key = exchange.key;
    let scope = exchange.scope;
    let sent = noted.sent.clone();
    let before = noted.before.clone();
    let written = system.ground.store.write(move |tx| {
        Box::pin(async move {
            // A commit whose result was not received may still be in progress. Under the lock, the intent is there or
            // will never be.
            scope.lock(tx).await?;
            match &before {
                Some(before) => tx.resend_exchange(key, &sent, before).await,
                None => tx.delete_intent(key, &sent).await,
            }
        })
    });
    if let Err(error) = written.await {
        tracing::debug!(%error, "the record of a request that was not sent cannot be deleted now");
        system.exchanges.remember_unsent(exchange.key, noted.sent);
    }
}
