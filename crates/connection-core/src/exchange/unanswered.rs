//! Examines an attempt without a clear answer: whether it is over, and whether it may be sent again.

use std::sync::Arc;

use connection_contract::Timestamp;
use connection_egress::Moment;

use super::{
    Exchange, Rule, Uncertain, courier, quarantine,
    replay::{self, Age, Verdict},
    rescue::{self, Rescue},
    state::COURIER,
};
use crate::{Error, exchange::System, store::rows::Sent};

/// The state of an attempt without a recorded answer.
pub(super) enum AttemptState {
    /// This node had kept the answer, which is now recorded.
    Answered,
    /// The attempt had an answer that cannot be read.
    Lost(Uncertain),
    Sent(Sent),
}

/// Finds out whether the attempt is over, and concludes it with the pause `retry_after` in seconds. The proof comes before
/// the search of the directory: in the other order, an answer that is written between the two would be missed.
pub(super) async fn attempt_state(
    system: &Arc<System>,
    exchange: &Exchange,
    sent: Sent,
    now: Moment,
    retry_after: i64,
) -> Result<AttemptState, Error> {
    // A courier that outlived its caller writes the answer within seconds.
    courier::wait(system, exchange, &sent).await;
    // A process runs an exchange only once at a time, so an earlier attempt of this process is over.
    let proven = sent.process_id == system.ground.process
        || rescue::is_gone(system, sent.node_id.as_deref(), &sent.process_id).await
        || is_silent(system, exchange, &sent, now).await?;
    match rescue::ingest(system, exchange.key, true).await? {
        Rescue::Ingested => Ok(AttemptState::Answered),
        Rescue::Damaged => Ok(AttemptState::Lost(lost(sent.at))),
        // Another process may have recorded the answer since the row was read, and removed the file.
        Rescue::Nothing if is_answered(system, exchange).await? => Ok(AttemptState::Answered),
        Rescue::Nothing if proven && sent.concluded_at.is_none() => {
            Ok(AttemptState::Sent(conclude(system, exchange, sent, retry_after).await))
        }
        Rescue::Nothing => Ok(AttemptState::Sent(sent)),
    }
}

/// Returns `true` if the node of an attempt gave no sign of life for a day by the database's clock. Because a clock can
/// be set, this boot must also have seen no sign for a whole quarantine.
async fn is_silent(system: &Arc<System>, exchange: &Exchange, sent: &Sent, now: Moment) -> Result<bool, Error> {
    let is_open = sent.concluded_at.is_none() && !matches!(exchange.rule, Rule::Once);
    if !is_open || !Age::of(sent.seen_at, system.exchanges.first(now), now).is_silent() {
        return Ok(false);
    }
    quarantine::has_watched(system, exchange, sent).await
}

async fn is_answered(system: &System, exchange: &Exchange) -> Result<bool, Error> {
    let row = system.ground.reader().await?.exchange(exchange.key).await?;
    Ok(row.is_some_and(|row| row.sealed.is_some()))
}

/// Returns the state of an attempt with an answer that cannot be read.
pub(super) fn lost(sent_at: i64) -> Uncertain {
    let sent_at = Timestamp::from_seconds(sent_at);
    Uncertain {
        sent_at,
        replay_at: None,
        awaited: None,
        attempts: 1,
        over_for: 0,
        unclear_for: 0,
        retry_after: 0,
        is_left: false,
        is_silent: false,
        held: None,
    }
}

/// Returns the database's time.
pub(super) async fn moment(system: &System) -> Result<Moment, Error> {
    // The clock is read before the query, so that a slow query does not make records look older.
    let passed = system.ground.clock.passed();
    let now = Moment::from_other_clock(system.ground.reader().await?.clock().await?, passed);
    system.exchanges.first(now);
    Ok(now)
}

/// Records that the attempt is over, which begins the quarantine. If that fails, the next caller records it.
pub(super) async fn conclude(system: &Arc<System>, exchange: &Exchange, sent: Sent, retry_after: i64) -> Sent {
    let key = exchange.key;
    let scope = exchange.scope;
    let of = sent.clone();
    let seen = quarantine::boot_time(system);
    let written = system.ground.store.write_end(move |tx| {
        Box::pin(async move {
            scope.lock(tx).await?;
            tx.conclude_exchange(key, &of, retry_after, &seen).await
        })
    });
    match written.await {
        Ok(Some(at)) => {
            // Until then, the lock file of a courier is the proof of the end.
            courier::remove(system, Some(sent.process_id.clone()).filter(|name| name.starts_with(COURIER))).await;
            Sent { concluded_at: Some(at), retry_after, ..sent }
        }
        _ => sent,
    }
}

pub(super) async fn decide(
    system: &Arc<System>,
    exchange: &Exchange,
    sent: &Sent,
    now: Moment,
) -> Result<Verdict, Error> {
    if system.exchanges.is_unsent(exchange.key, sent) {
        return Ok(Verdict::Send { replays: sent.replays, within: None });
    }
    let left = quarantine::quarantine_left(system, exchange, sent).await?;
    Ok(replay::verdict(exchange.rule, sent, left, system.exchanges.first(now), now))
}

/// Returns the state of an attempt, with the time to ask again by this process's clock, which all plans use.
pub(super) async fn uncertain(
    system: &Arc<System>,
    exchange: &Exchange,
    sent: &Sent,
    verdict: Verdict,
    now: Moment,
) -> Uncertain {
    let is_silent = sent.concluded_at.is_none() && matches!(verdict, Verdict::Wait { .. });
    let held = if is_silent { rescue::held_here(system, sent).await } else { None };
    let again_in = match verdict {
        Verdict::Send { .. } => Some(0),
        Verdict::Wait { again_in } => again_in,
        Verdict::Leave { again_in } => Some(again_in),
    };
    let at = |seconds| Timestamp::from_seconds(system.ground.clock.now().seconds().saturating_add(seconds));
    let since = |at: i64| now.seconds().saturating_sub(at).max(0);
    Uncertain {
        sent_at: Timestamp::from_seconds(sent.at),
        replay_at: again_in.map(at),
        awaited: Some(exchange.key),
        attempts: sent.replays.saturating_add(1),
        over_for: sent.concluded_at.map_or(0, since),
        unclear_for: since(sent.begun_at),
        retry_after: sent.retry_after,
        is_left: matches!(verdict, Verdict::Leave { .. }),
        is_silent,
        held,
    }
}
