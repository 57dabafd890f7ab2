//! Makes messages of the events that are due, each once.
//!
//! An event is due from the transaction that records it on, as a row of `connection_event_due`. The transaction that
//! adds its message deletes this row. No position among the events is kept, so an event is not overlooked because of the
//! time at which it was committed or the clock of its process.

use super::{EventReceiver, message::Draft};
use crate::{Error, ground::Ground};

/// The time without a collection after which no more events become due, in seconds. The trigger of `connection_event`
/// has the same number.
const MAX_ABSENCE: i64 = 30 * 86_400;
/// The pause between two records of the time of a collection, in seconds.
const RECORD_PAUSE: i64 = 3600;
/// Maximum number of messages that are added in one transaction.
const PAGE: i64 = 100;

/// Adds the messages about all events that are due. After the first call on a store, events become due.
pub(super) async fn collect(ground: &Ground, receiver: &EventReceiver) -> Result<(), Error> {
    record_collection(ground).await?;
    loop {
        let events = ground.reader().await?.due_events(PAGE).await?;
        if events.is_empty() {
            return Ok(());
        }
        let mut drafts = Vec::new();
        for event in events {
            drafts.push((event.id, Draft::of(ground, receiver, event).await?));
        }
        let add = ground.store.write(move |tx| {
            Box::pin(async move {
                for (event, draft) in &drafts {
                    // Another process may have added the messages, and even have sent them.
                    if tx.take_due_event(*event).await?
                        && let Some(draft) = draft
                    {
                        for message in draft.messages(tx).await? {
                            tx.insert_outbox(&message).await?;
                        }
                    }
                }
                Ok(())
            })
        });
        add.await?;
    }
}

/// Records that a process collects events, unless that was done recently by the database's clock.
async fn record_collection(ground: &Ground) -> Result<(), Error> {
    if let Some((collected_at, now)) = ground.reader().await?.event_receiver().await? {
        // A time that seems to be in the future stays. If the clock is slow, events would no longer become due with an
        // earlier one as soon as the clock is right.
        let age = now.saturating_sub(collected_at);
        if age < RECORD_PAUSE {
            return Ok(());
        }
        if age >= MAX_ABSENCE {
            tracing::warn!(
                target: connection_egress::OPERATIONS,
                "no process has sent events for {} days: those that were recorded after the first 30 days are not sent",
                age / 86_400
            );
        }
    }
    Ok(ground.store.write(|tx| Box::pin(async move { tx.record_collection().await })).await?)
}
