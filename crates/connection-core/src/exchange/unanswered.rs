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
    /// Its answer was in a file of this node, and is recorded now.
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
        Rescue::Nothing if proven && sent.concluded_at.is_none() => {
            Ok(Look::Sent(conclude(shared, exchange, sent).await))
        }
        Rescue::Nothing => Ok(Look::Sent(sent)),
    }
}

pub(super) fn lost(sent_at: i64) -> Uncertain {
    Uncertain { sent_at: Timestamp::from_seconds(sent_at), replay_at: None }
}

/// Notes that nobody sends it any more; then the quarantine begins. What cannot be noted now is noted by whoever asks next.
pub(super) async fn conclude(shared: &Arc<Shared>, exchange: &Exchange, sent: Sent) -> Sent {
    let (key, of, now) = (exchange.key, sent.clone(), shared.clock.now().seconds());
    let written = shared.store.write(move |tx| Box::pin(async move { tx.conclude_exchange(key, &of, now).await }));
    match written.await {
        Ok(true) => Sent { concluded_at: Some(now), ..sent },
        _ => sent,
    }
}

pub(super) fn decide(shared: &Shared, exchange: &Exchange, sent: &Sent) -> Verdict {
    if shared.exchanges.is_unsent(exchange.key, sent) {
        return Verdict::Send { replays: sent.replays, within: None };
    }
    replay::verdict(exchange.rule, sent, shared.exchanges.opened, Moment::of(&*shared.clock))
}

pub(super) fn uncertain(shared: &Shared, exchange: &Exchange, sent: &Sent) -> Uncertain {
    let replay_at = match decide(shared, exchange, sent) {
        Verdict::Send { .. } => Some(shared.clock.now().seconds()),
        Verdict::Wait { until } => until,
    };
    Uncertain { sent_at: Timestamp::from_seconds(sent.at), replay_at: replay_at.map(Timestamp::from_seconds) }
}
