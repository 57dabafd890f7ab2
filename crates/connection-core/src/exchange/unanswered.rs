//! An attempt without a clear answer: whether it is over, and whether it may be sent again.

use std::sync::Arc;

use connection_contract::Timestamp;

use super::{
    Exchange, Rule, Uncertain, look,
    replay::{self, Age, Verdict},
    rescue::{self, Rescue},
};
use crate::{Error, registry::Shared, services::Moment, store::rows::Sent};

/// What is known of an attempt without an answer.
pub(super) enum Look {
    /// Its answer was in a file of this node, and is recorded by now.
    Answered,
    /// It had one that nobody can read.
    Lost(Uncertain),
    Sent(Sent),
}

/// Looks whether the attempt is over. The proof comes first and then the look at the files: the other way round, an answer
/// could be written between the two.
pub(super) async fn concluded(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    sent: Sent,
    now: Moment,
) -> Result<Look, Error> {
    // Whoever asks is alone with it in this process, so that an attempt of this process is over.
    let proven = sent.process_id == shared.process
        || rescue::is_gone(shared, sent.node_id.as_deref(), &sent.process_id).await
        || is_silent(shared, exchange, &sent, now).await?;
    match rescue::ingest(shared, exchange.key, true).await? {
        Rescue::Ingested => Ok(Look::Answered),
        Rescue::Damaged => Ok(Look::Lost(lost(sent.at))),
        // Another process may have recorded it since the row was read, and removed the file.
        Rescue::Nothing if is_answered(shared, exchange).await? => Ok(Look::Answered),
        Rescue::Nothing if proven && sent.concluded_at.is_none() => {
            Ok(Look::Sent(conclude(shared, exchange, sent, 0).await))
        }
        Rescue::Nothing => Ok(Look::Sent(sent)),
    }
}

/// Whether nothing was heard of the node of an attempt for a day. That is of the database's clock; so that a clock which is
/// set proves nothing, this boot also looks for a sign for as long as a quarantine.
async fn is_silent(shared: &Arc<Shared>, exchange: &Exchange, sent: &Sent, now: Moment) -> Result<bool, Error> {
    let is_open = sent.concluded_at.is_none() && !matches!(exchange.rule, Rule::Once);
    if !is_open || !Age::of(sent.seen_at, shared.exchanges.first(now), now).is_silent() {
        return Ok(false);
    }
    look::has_watched(shared, exchange, sent).await
}

async fn is_answered(shared: &Shared, exchange: &Exchange) -> Result<bool, Error> {
    let row = shared.reader().await?.exchange(exchange.key).await?;
    Ok(row.is_some_and(|row| row.sealed.is_some()))
}

/// There was an answer that nobody can read.
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
    }
}

/// The database's time, when it was asked.
pub(super) async fn moment(shared: &Shared) -> Result<Moment, Error> {
    // Before the asking: what passes while it is under way makes nothing older.
    let passed = shared.clock.passed();
    let now = Moment::told(shared.reader().await?.clock().await?, passed);
    shared.exchanges.first(now);
    Ok(now)
}

/// Notes that nobody sends it any more; then the quarantine begins. What cannot be noted now is noted by whoever asks next.
pub(super) async fn conclude(shared: &Arc<Shared>, exchange: &Exchange, sent: Sent, retry_after: i64) -> Sent {
    let (key, scope, of, seen) = (exchange.key, exchange.scope, sent.clone(), look::boot_time(shared));
    let written = shared.store.write(move |tx| {
        Box::pin(async move {
            scope.lock(tx).await?;
            tx.conclude_exchange(key, &of, retry_after, &seen).await
        })
    });
    match written.await {
        Ok(Some(at)) => Sent { concluded_at: Some(at), retry_after, ..sent },
        _ => sent,
    }
}

pub(super) async fn decide(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    sent: &Sent,
    now: Moment,
) -> Result<Verdict, Error> {
    if shared.exchanges.is_unsent(exchange.key, sent) {
        return Ok(Verdict::Send { replays: sent.replays, within: None });
    }
    let left = look::quarantine_left(shared, exchange, sent).await?;
    Ok(replay::verdict(exchange.rule, sent, left, shared.exchanges.first(now), now))
}

/// With the time to ask again by the process's own clock, by which everything else is planned.
pub(super) fn uncertain(shared: &Shared, exchange: &Exchange, sent: &Sent, verdict: Verdict, now: Moment) -> Uncertain {
    let again_in = match verdict {
        Verdict::Send { .. } => Some(0),
        Verdict::Wait { again_in } => again_in,
        Verdict::Leave { again_in } => Some(again_in),
    };
    let at = |seconds| Timestamp::from_seconds(shared.clock.now().seconds().saturating_add(seconds));
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
    }
}
