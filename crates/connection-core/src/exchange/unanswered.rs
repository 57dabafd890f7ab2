//! An attempt without an answer: whether it is over, and whether it may be sent once more.

use std::sync::Arc;

use connection_contract::Timestamp;

use super::{
    Exchange, Uncertain,
    replay::{self, Verdict},
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
pub(super) async fn concluded(shared: &Arc<Shared>, exchange: &Exchange, sent: Sent) -> Result<Look, Error> {
    // Whoever asks is alone with it in this process, so that an attempt of this process is over.
    let proven =
        sent.process_id == shared.process || rescue::is_gone(shared, sent.node_id.as_deref(), &sent.process_id).await;
    match rescue::ingest(shared, exchange.key, true).await? {
        Rescue::Ingested => Ok(Look::Answered),
        Rescue::Damaged => Ok(Look::Lost(lost(sent.at))),
        // Another process may have recorded it since the row was read, and removed the file.
        Rescue::Nothing if is_answered(shared, exchange).await? => Ok(Look::Answered),
        Rescue::Nothing if proven && sent.concluded_at.is_none() => {
            Ok(Look::Sent(conclude(shared, exchange, sent).await))
        }
        Rescue::Nothing => Ok(Look::Sent(sent)),
    }
}

async fn is_answered(shared: &Shared, exchange: &Exchange) -> Result<bool, Error> {
    let row = shared.reader().await?.exchange(exchange.key).await?;
    Ok(row.is_some_and(|row| row.sealed.is_some()))
}

/// There was an answer that nobody can read.
pub(super) fn lost(sent_at: i64) -> Uncertain {
    Uncertain { sent_at: Timestamp::from_seconds(sent_at), replay_at: None, awaited: None }
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
pub(super) async fn conclude(shared: &Arc<Shared>, exchange: &Exchange, sent: Sent) -> Sent {
    let (key, of) = (exchange.key, sent.clone());
    let written = shared.store.write(move |tx| Box::pin(async move { tx.conclude_exchange(key, &of).await }));
    match written.await {
        Ok(Some(at)) => Sent { concluded_at: Some(at), ..sent },
        _ => sent,
    }
}

pub(super) fn decide(shared: &Shared, exchange: &Exchange, sent: &Sent, now: Moment) -> Verdict {
    if shared.exchanges.is_unsent(exchange.key, sent) {
        return Verdict::Send { replays: sent.replays, within: None };
    }
    replay::verdict(exchange.rule, sent, shared.exchanges.first(now), now)
}

/// With the time to ask again by the process's own clock, by which everything else is planned.
pub(super) fn uncertain(shared: &Shared, exchange: &Exchange, sent: &Sent, now: Moment) -> Uncertain {
    let again_in = match decide(shared, exchange, sent, now) {
        Verdict::Send { .. } => Some(0),
        Verdict::Wait { again_in } => again_in,
    };
    let at = |seconds| Timestamp::from_seconds(shared.clock.now().seconds().saturating_add(seconds));
    let sent_at = Timestamp::from_seconds(sent.at);
    Uncertain { sent_at, replay_at: again_in.map(at), awaited: Some(exchange.key) }
}
