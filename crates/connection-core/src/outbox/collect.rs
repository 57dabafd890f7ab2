//! Copies events from the record to the outbox, each once.
//!
//! A process that waited for its turn may commit an event with an earlier id later than others, so the last minutes are
//! read again each time. An event is in the outbox at least as long as it is read again.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::message;
use crate::{
    Error,
    ground::Ground,
    store::{Lock, rows::OutboxState},
};

/// The longest delay of a commit and the largest difference between the clocks of processes, in milliseconds, as ids
/// store time.
const LATE_EVENT_MILLISECONDS: u128 = 300_000;
/// The time for which an event is kept that was not delivered, in milliseconds.
const KEPT_MILLISECONDS: u128 = 30 * 86_400_000;
/// The time after which the position is stored although there was nothing to add, in milliseconds.
const STORE_POSITION_MILLISECONDS: u128 = 600_000;
const PAGE: i64 = 500;

/// The state of the outbox as this process knows it.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The events from the position on that are in the outbox.
    known: BTreeSet<Uuid>,
}

impl Collected {
    /// Adds the events that any process recorded since the last call. The first call on a store adds nothing: the
    /// operator gets only later events.
    pub(crate) async fn update(&mut self, ground: &Ground) -> Result<(), Error> {
        let now = ground.ids.next();
        let Some(position) = ground.reader().await?.outbox_position().await? else {
            return set_position(ground, now).await;
        };
        let mut after = position;
        loop {
            let events = ground.reader().await?.told_events(after, PAGE).await?;
            let is_last = events.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            after = events.last().map_or(after, |event| event.id);
            let mut rows = Vec::new();
            let mut fresh = Vec::new();
            for event in events.into_iter().filter(|event| !self.known.contains(&event.id)) {
                fresh.push(event.id);
                rows.extend(message::of_event(ground, event).await?);
            }
            if !rows.is_empty() {
                let insert = ground.store.write(move |tx| {
                    Box::pin(async move {
                        tx.lock(Lock::Outbox).await?;
                        // Another process may have delivered events before its position, and deleted their rows.
                        let position = tx.outbox_position().await?.unwrap_or_default();
                        for row in rows.iter().filter(|row| row.id > position) {
                            tx.insert_outbox(row).await?;
                        }
                        Ok(())
                    })
                });
                insert.await?;
            }
            self.known.extend(fresh);
            if is_last {
                break;
            }
        }
        // The id of a process whose clock is fast hides no later events.
        let settled = before(std::cmp::min(after, now), LATE_EVENT_MILLISECONDS);
        if milliseconds(settled) > milliseconds(position) + STORE_POSITION_MILLISECONDS {
            set_position(ground, settled).await?;
            self.known = self.known.split_off(&settled);
        }
        Ok(())
    }
}

/// Stores that all events up to the position are in the outbox, and deletes those that are no longer needed.
async fn set_position(ground: &Ground, to: Uuid) -> Result<(), Error> {
    let abandoned = before(ground.ids.next(), KEPT_MILLISECONDS);
    let set = ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Outbox).await?;
            let position = tx.outbox_position().await?.unwrap_or_default();
            if to > position {
                tx.set_outbox_position(to).await?;
            }
            tx.delete_outbox(OutboxState::Delivered, std::cmp::max(to, position)).await?;
            tx.delete_outbox(OutboxState::Failed, abandoned).await
        })
    });
    Ok(set.await?)
}

/// Returns the time of an id: its first 48 bits (RFC 9562, section 5.7).
fn milliseconds(id: Uuid) -> u128 {
    id.as_u128() >> 80
}

/// Returns the first id of a time before that of `id`.
fn before(id: Uuid, milliseconds_before: u128) -> Uuid {
    Uuid::from_u128(milliseconds(id).saturating_sub(milliseconds_before) << 80)
}
