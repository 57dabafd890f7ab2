//! The rows that end by time: the scheduler ends them, and nothing else does.
//!
//! Whoever reads such a row compares its time, so that it counts as absent before it is ended. Each transaction ends a
//! limited number of rows, and each round a limited number of transactions, so that many old rows hold up nobody.

use std::time::Duration;

use connection_contract::{BoxFuture, Timestamp};

use super::ROUND_INTERVAL;
use crate::{
    ConnectionRegistry, Error, approvals, limits, outbox, setup,
    store::{ERASED_AT_ONCE, OldRows, rows::UNREADABLE_KEPT},
    webhook,
};

/// The time between two searches for rows that only take up space.
const DELETION_INTERVAL: Duration = Duration::from_secs(3600);
/// Maximum number of calls for rows of one kind in a round.
const MAX_CALLS: usize = 8;
/// Maximum number of rows that one statement ends.
const ROWS: i64 = 500;
/// Maximum number of rows of one call that ends each of them in a transaction of its own.
const TRANSACTIONS: i64 = 64;

/// Rows of one kind that end by time.
pub(super) struct EndByTime {
    /// The rows, as the log names them.
    pub(super) name: &'static str,
    /// The time between two searches.
    pub(super) interval: Duration,
    /// Maximum number of rows that one call ends.
    limit: i64,
    /// Ends the oldest rows that are due, at most this many, and returns how many it found.
    end: for<'a> fn(&'a ConnectionRegistry, i64) -> BoxFuture<'a, Result<u64, Error>>,
}

/// Everything that ends by time.
pub(super) const ALL: [EndByTime; 14] = [
    EndByTime {
        name: "setups that nobody continued in time",
        interval: ROUND_INTERVAL,
        limit: TRANSACTIONS,
        end: |registry, limit| Box::pin(setup::end_expired(&registry.systems.setup, limit)),
    },
    EndByTime {
        name: "requests that nobody approved in time",
        interval: ROUND_INTERVAL,
        limit: TRANSACTIONS,
        end: |registry, limit| Box::pin(approvals::end_lapsed(&registry.systems.ground, limit)),
    },
    EndByTime {
        name: "approvals that are kept no longer",
        interval: DELETION_INTERVAL,
        limit: TRANSACTIONS,
        end: |registry, limit| Box::pin(approvals::end_old(&registry.systems.ground, limit)),
    },
    EndByTime {
        name: "answers to approved requests that are kept no longer",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        end: |registry, limit| older_than(registry, OldRows::ApprovalAnswers, limits::APPROVAL_ANSWER_KEPT, limit),
    },
    EndByTime {
        name: "setups that have ended",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        // The row has the time until which the outcome is kept.
        end: |registry, limit| older_than(registry, OldRows::EndedSetups, 0, limit),
    },
    EndByTime {
        name: "previous credentials that are kept no longer",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        end: |registry, limit| older_than(registry, OldRows::PreviousCredentials, limits::PREVIOUS_KEPT, limit),
    },
    EndByTime {
        name: "digests of webhooks that are kept no longer",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        end: |registry, limit| older_than(registry, OldRows::WebhookDigests, webhook::DEDUPLICATION_SECONDS, limit),
    },
    EndByTime {
        name: "webhooks that could not be opened and are kept no longer",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        end: |registry, limit| older_than(registry, OldRows::WebhooksSetAside, webhook::DEDUPLICATION_SECONDS, limit),
    },
    EndByTime {
        name: "requests with a key that are kept no longer",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        end: |registry, limit| older_than(registry, OldRows::RepeatableRequests, limits::REQUEST_KEPT, limit),
    },
    EndByTime {
        name: "tickets that can no longer be used",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        // A ticket can be used in the last second of its time.
        end: |registry, limit| older_than(registry, OldRows::Tickets, limits::TICKET_KEPT + 1, limit),
    },
    EndByTime {
        name: "answers that could not be read and are kept no longer",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        end: |registry, limit| Box::pin(old_answers(registry, limit)),
    },
    EndByTime {
        name: "messages to the operator that are kept no longer",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        end: |registry, limit| Box::pin(outbox::end_failed(&registry.systems.ground, limit)),
    },
    EndByTime {
        name: "numbers of usage that are kept no longer",
        interval: DELETION_INTERVAL,
        limit: ROWS,
        end: |registry, limit| older_than(registry, OldRows::UsageNumbers, limits::USAGE_KEPT + 1, limit),
    },
    EndByTime {
        name: "entries of the record of use that are kept no longer",
        interval: DELETION_INTERVAL,
        limit: ERASED_AT_ONCE,
        end: |registry, _| Box::pin(old_uses(registry)),
    },
];

impl EndByTime {
    /// Ends the rows that are due, but no more than a round may. Returns `true` if some may be left.
    pub(super) async fn round(&self, registry: &ConnectionRegistry) -> Result<bool, Error> {
        for _ in 0..MAX_CALLS {
            if (self.end)(registry, self.limit).await? < self.limit.unsigned_abs() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Ends rows whose time was at least `age` seconds ago.
fn older_than(registry: &ConnectionRegistry, rows: OldRows, age: i64, limit: i64) -> BoxFuture<'_, Result<u64, Error>> {
    Box::pin(async move {
        let ground = &registry.systems.ground;
        let by = ground.clock.now().seconds().saturating_sub(age);
        let job = ground.store.write(move |tx| Box::pin(async move { tx.end_old_rows(rows, by, limit).await }));
        Ok(job.await?)
    })
}

/// Ends the answers that are kept no longer. Their times are by the clock of the database.
async fn old_answers(registry: &ConnectionRegistry, limit: i64) -> Result<u64, Error> {
    let ground = &registry.systems.ground;
    let by = ground.reader().await?.clock().await?.saturating_sub(UNREADABLE_KEPT);
    let job = ground
        .store
        .write(move |tx| Box::pin(async move { tx.end_old_rows(OldRows::UnreadableAnswers, by, limit).await }));
    Ok(job.await?)
}

async fn old_uses(registry: &ConnectionRegistry) -> Result<u64, Error> {
    let ground = &registry.systems.ground;
    let Some(kept) = ground.recorder.kept else { return Ok(0) };
    let before = ground.clock.now().seconds().saturating_sub_unsigned(kept.as_secs());
    registry.erase_some_uses(None, Timestamp::from_seconds(before)).await
}
