//! One exchange, from its intent to its end.

use std::{sync::Arc, time::Duration};

use connection_contract::{HttpError, HttpRequest, Origin, RefreshSemantics, host};
use connection_egress::{Moment, SendOnceOutcome};
use tokio::sync::watch;
use tracing::Instrument as _;

use super::{
    Exchange, ExchangeOutcome, ExchangeScope, Rule, StateDirectory, Uncertain,
    courier::{self, Courier},
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
    platform,
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
    match begin(&system, exchange, &request).await {
        Err(error) => Some(Err(error)),
        Ok(Beginning::Known(ended)) => {
            let answer = match &ended {
                ExchangeOutcome::Answered(answer) | ExchangeOutcome::Refused(answer) => Ok(&**answer),
                ExchangeOutcome::NotSent(error) => Err(*error),
                ExchangeOutcome::Uncertain(_) => Err(HttpError::Uncertain),
            };
            system.ground.http.recall(&exchange.egress.heard, &request, answer);
            Some(Ok(ended))
        }
        Ok(Beginning::Noted(noted)) => {
            let signs = LifeSigns::of(&system, exchange.key, &noted.sent);
            renew_during(signs, send_noted(system, exchange, *noted, request, progress)).await
        }
    }
}

/// Sends the request of a committed intent, and records the result.
async fn send_noted(
    system: Arc<System>,
    exchange: &Exchange,
    mut noted: CommittedIntent,
    request: HttpRequest,
    progress: &watch::Sender<Progress>,
) -> Option<Result<ExchangeOutcome, Error>> {
    let Some(once) = send_in_time(&system, exchange, &mut noted, &request).await else {
        tracing::warn!("a courier ended before it was told to send its request, which another one now sends");
        withdraw_intent(&system, exchange, noted).await;
        return Box::pin(run_to_end(system, exchange, request, progress)).await;
    };
    match once {
        SendOnceOutcome::Answered(answer) => {
            // Without a result, the registry was dropped, and the answer is in a rescue file.
            keep(system, exchange, noted, answer, progress).await.map(Ok)
        }
        SendOnceOutcome::Limited(answer) => {
            withdraw_intent(&system, exchange, noted).await;
            Some(Ok(ExchangeOutcome::Refused(Arc::new(answer))))
        }
        SendOnceOutcome::NotSent(error) => {
            withdraw_intent(&system, exchange, noted).await;
            Some(Ok(ExchangeOutcome::NotSent(error)))
        }
        SendOnceOutcome::Unclear { retry_after } => Some(conclude_unclear(&system, exchange, noted, retry_after).await),
    }
}

/// Concludes an attempt without a clear answer, and returns its state.
async fn conclude_unclear(
    system: &Arc<System>,
    exchange: &Exchange,
    mut noted: CommittedIntent,
    retry_after: Duration,
) -> Result<ExchangeOutcome, Error> {
    let retry_after_seconds = i64::try_from(retry_after.as_secs()).unwrap_or(i64::MAX);
    tracing::warn!(scope = ?exchange.scope, "it is unknown whether the provider used up the token or code of a request");
    let now = noted.now.estimated(&*system.ground.clock);
    if !retry_after.is_zero() {
        // Once the courier, which kept no answer, has ended, others could conclude the attempt, who do not know the pause.
        noted.sent = conclude(system, exchange, noted.sent, retry_after_seconds).await;
    }
    // Its process, its lock and its slot say how the attempt ended, as they would to another process.
    drop(noted.courier);
    let sent = match attempt_state(system, exchange, noted.sent, now, retry_after_seconds).await? {
        // A courier left an answer, or a note that nothing was sent.
        AttemptState::Answered => {
            return match system.ground.reader().await?.exchange(exchange.key).await? {
                Some(ExchangeRow { sealed: Some(first), sent, .. }) => recorded(system, exchange, &first, &sent).await,
                _ => Ok(ExchangeOutcome::NotSent(HttpError::Timeout)),
            };
        }
        AttemptState::Lost(uncertain) => return Ok(ExchangeOutcome::Uncertain(uncertain)),
        AttemptState::Sent(sent) => sent,
    };
    // The conclusion also returned the database's time.
    let now = sent.concluded_at.map_or(now, |at| Moment::from_other_clock(at, system.ground.clock.passed()));
    let verdict = decide(system, exchange, &sent, now).await?;
    Ok(ExchangeOutcome::Uncertain(uncertain(system, exchange, &sent, verdict, now).await))
}

/// Sends the request if there is time. A later request could meet one that another process sends. Returns `None` if the
/// courier ended before it was told to send.
async fn send_in_time(
    system: &Arc<System>,
    exchange: &Exchange,
    noted: &mut CommittedIntent,
    request: &HttpRequest,
) -> Option<SendOnceOutcome> {
    let clock = &*system.ground.clock;
    let mut deadline = exchange.deadline.clone();
    if let Some(grace) = noted.within {
        let now = noted.now.estimated(clock);
        let age = Age::of(noted.sent.begun_at, system.exchanges.first(now), now);
        if !age.is_within(grace) {
            return Some(SendOnceOutcome::NotSent(HttpError::Timeout));
        }
        let left = Duration::from_secs(age.left_of(grace).unsigned_abs());
        deadline = deadline.no_later_than(clock.passed().saturating_add(left));
    }
    deadline.until_held(clock).await;
    if clock.passed() >= deadline.at() {
        return Some(SendOnceOutcome::NotSent(HttpError::Timeout));
    }
    if let Some(courier) = &mut noted.courier
        && !courier.give_word(system, &deadline).await
    {
        return None;
    }
    let unsent = system.exchanges.forget_unsent(exchange.key);
    let http = &system.ground.http;
    let egress = &exchange.egress;
    let longest = Some(MAX_REFRESH);
    let once = match &mut noted.courier {
        Some(courier) => http.send_once_by(egress, request, longest, courier.result(system)).await,
        None => http.send_once(egress, host::duplicate(request), Some(deadline.send_until()), longest).await,
    };
    if let Some(unsent) = unsent.filter(|_| once.is_unprocessed()) {
        // The row is as it was before.
        system.exchanges.remember_unsent(exchange.key, unsent);
    }
    Some(once)
}

enum Beginning {
    Known(ExchangeOutcome),
    Noted(Box<CommittedIntent>),
}

/// Commits the intent, or returns the end of an earlier attempt.
async fn begin(system: &Arc<System>, exchange: &Exchange, request: &HttpRequest) -> Result<Beginning, Error> {
    let origin = system.ground.http.origin_of(request);
    let mut retries = ConflictRetries::of("exchange");
    loop {
        retries.begin_attempt()?;
        let now = moment(system).await?;
        let row = system.ground.reader().await?.exchange(exchange.key).await?;
        let (before, again) = match row {
            // The token is not sent again unless a person asks for it by force, which deletes this record.
            Some(ExchangeRow { sealed, sent, .. }) if sent.is_answer_ended(sealed.as_ref(), now.seconds()) => {
                return Ok(Beginning::Known(ExchangeOutcome::Uncertain(lost(sent.at))));
            }
            Some(ExchangeRow { sealed: Some(sealed), sent, .. }) => {
                return recorded(system, exchange, &sealed, &sent).await.map(Beginning::Known);
            }
            Some(ExchangeRow { sent, .. }) => {
                let sent = match attempt_state(system, exchange, sent, now, 0).await? {
                    AttemptState::Answered => continue,
                    AttemptState::Lost(uncertain) => {
                        return Ok(Beginning::Known(ExchangeOutcome::Uncertain(uncertain)));
                    }
                    AttemptState::Sent(sent) => sent,
                };
                match judged(system, exchange, &sent, now).await? {
                    Ok(again) => (Some(sent), Some(again)),
                    Err(unclear) => return Ok(Beginning::Known(ExchangeOutcome::Uncertain(unclear))),
                }
            }
            // A database that lost committed data may have lost the intent, but this node may still have the answer.
            None => match rescue::ingest(system, exchange.key, true).await? {
                Rescue::Nothing => match judged_former(system, exchange, now).await?.transpose() {
                    Ok(again) => (None, again),
                    Err(unclear) => return Ok(Beginning::Known(ExchangeOutcome::Uncertain(unclear))),
                },
                Rescue::Ingested => continue,
                Rescue::Damaged => return Ok(Beginning::Known(ExchangeOutcome::Uncertain(lost(now.seconds())))),
            },
        };
        // The courier is ready before the intent names it.
        let courier = Courier::start(system, exchange, request, now.seconds()).await;
        let first = Again { begun_at: now.seconds(), replays: 0, within: None };
        let Again { begun_at, replays, within } = again.unwrap_or(first);
        let sent = Sent { begun_at, ..new_attempt(system, now, replays) };
        let mut noted = CommittedIntent { sent, before, within, now, courier };
        if let Some(courier) = &noted.courier {
            noted.sent.process_id.clone_from(&courier.name);
        }
        match commit_intent(system, exchange, &noted, origin.as_ref()).await {
            Ok(true) => return Ok(Beginning::Noted(Box::new(noted))),
            // Another process committed its intent first.
            Ok(false) => courier::remove(system, noted.courier.map(|courier| courier.name)).await,
            Err(error) => {
                // The intent may have been committed nevertheless.
                withdraw_intent(system, exchange, noted).await;
                return Err(error);
            }
        }
    }
}

/// An attempt that follows an earlier one.
struct Again {
    /// The time of the first attempt.
    begun_at: i64,
    replays: i64,
    within: Option<Duration>,
}

/// Decides whether an attempt follows this one. Returns the state of this one if none does now.
async fn judged(
    system: &Arc<System>,
    exchange: &Exchange,
    sent: &Sent,
    now: Moment,
) -> Result<Result<Again, Uncertain>, Error> {
    // The conclusion may have been recorded just now, so the current time is not before it.
    let now = sent.concluded_at.map_or(now, |at| now.not_before(at));
    Ok(match decide(system, exchange, sent, now).await? {
        Verdict::Send { replays, within } => Ok(Again { begun_at: sent.begun_at, replays, within }),
        verdict @ (Verdict::Wait { .. } | Verdict::Leave { .. }) => {
            Err(uncertain(system, exchange, sent, verdict, now).await)
        }
    })
}

/// Decides about the first attempt of an exchange that follows one whose answer is kept, as about any other attempt that
/// follows that one.
async fn judged_former(
    system: &Arc<System>,
    exchange: &Exchange,
    now: Moment,
) -> Result<Option<Result<Again, Uncertain>>, Error> {
    let Some(key) = exchange.former else { return Ok(None) };
    let Some(row) = system.ground.reader().await?.exchange(key).await? else { return Ok(None) };
    let former = Exchange { key, former: None, ..exchange.clone() };
    judged(system, &former, &row.sent, now).await.map(Some)
}

fn new_attempt(system: &System, now: Moment, replays: i64) -> Sent {
    let process_id = system.ground.process.clone();
    let at = now.seconds();
    let node_id = system.state.as_deref().map(StateDirectory::node).map(str::to_owned);
    Sent { replays, machine: platform::machine_name(), ..Sent::first(node_id, process_id, at) }
}

/// Commits the intent with the origin that is asked, so that a process that finds the attempt without its answer can name the
/// host.
async fn commit_intent(
    system: &Arc<System>,
    exchange: &Exchange,
    noted: &CommittedIntent,
    origin: Option<&Origin>,
) -> Result<bool, Error> {
    let key = exchange.key;
    let scope = exchange.scope;
    let sent = noted.sent.clone();
    let before = noted.before.clone();
    let generation = exchange.generation;
    let spends_restored = exchange.spends_restored;
    let is_used_up = matches!(exchange.rule, Rule::BySemantics(semantics) if semantics != RefreshSemantics::Stable);
    let refuses_after_promotion = is_used_up && system.ground.store.notices_promotions();
    let origin = origin.map(|origin| origin.as_str().to_owned());
    let written = system.ground.store.write(move |tx| {
        Box::pin(async move {
            scope.lock(tx).await?;
            let is_there = match scope {
                ExchangeScope::Connection(id) => {
                    let account = tx.account(id).await?;
                    if let (Some(account), Some(generation)) = (&account, generation)
                        && account.generation != generation
                    {
                        return Err(StoreError::ChangedMeanwhile { what: "credential of a connection" });
                    }
                    // A failover may have marked the credential after the attempt has read it, and before the timeline was
                    // recorded.
                    if is_used_up && !spends_restored && tx.restored(id).await?.is_some() {
                        return Err(StoreError::ChangedMeanwhile { what: "credential of a connection" });
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
            // In the transaction of the intent, so that the intent is on the server that was asked.
            if refuses_after_promotion {
                tx.refuse_after_promotion().await?;
            }
            if let (ExchangeScope::Connection(id), Some(origin)) = (scope, origin) {
                tx.set_refresh_origin(id, &origin).await?;
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
    let written = system.ground.store.write_end(move |tx| {
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
        // The courier, if there is one, notes that nothing was sent, for other processes.
        system.exchanges.remember_unsent(exchange.key, noted.sent);
    } else {
        courier::remove(system, noted.courier.map(|courier| courier.name)).await;
    }
}
