//! Measures how long an attempt that is over stays in quarantine.
//!
//! Each boot of a machine records in the store when it first found that the attempt is over, as the time since the
//! boot. A process uses only the record of its own boot, because the clocks of the database and of the processes may be
//! set in the meantime. A process of another boot waits for the whole quarantine, counted from its own record.

use std::{sync::Arc, time::Duration};

use connection_contract::RefreshSemantics;

use super::{Exchange, Rule, StateDirectory, replay};
use crate::{
    Error,
    exchange::System,
    store::rows::{BootTime, Sent},
};

/// Returns the time since this boot, rounded up, so that a record is never earlier than its moment.
pub(crate) fn boot_time(system: &System) -> BootTime {
    let (boot_id, passed) = boot(system);
    let seconds = passed.as_secs().saturating_add(u64::from(passed.subsec_nanos() > 0));
    BootTime { boot_id, seconds: i64::try_from(seconds).unwrap_or(i64::MAX) }
}

fn boot(system: &System) -> (String, Duration) {
    match system.ground.clock.boot() {
        Some(boot) if !boot.id.is_empty() => (boot.id, boot.passed),
        // The time since an unknown boot of this machine. If the machine has started since the record, more time has
        // passed than the difference says.
        Some(boot) => match system.state.as_deref().map(StateDirectory::node) {
            Some(node) => (format!("node {node}"), boot.passed),
            None => (format!("process {}", system.ground.process), boot.passed),
        },
        None => (format!("process {}", system.ground.process), system.ground.clock.passed()),
    }
}

/// Returns the seconds that are left of an attempt's quarantine. Returns 0 for an attempt that is not over or needs no
/// quarantine.
///
/// # Errors
///
/// The store's errors. Nothing may be sent now.
pub(super) async fn quarantine_left(system: &Arc<System>, exchange: &Exchange, sent: &Sent) -> Result<i64, Error> {
    let needs_one = match exchange.rule {
        Rule::Once => false,
        Rule::BySemantics(semantics) => semantics != RefreshSemantics::Stable,
    };
    if sent.concluded_at.is_none() || !needs_one {
        return Ok(0);
    }
    left_of(system, exchange, sent, "").await
}

/// Returns `true` if this boot has seen no sign of life of the attempt for a whole quarantine. A node that is alive
/// gives a sign in that time, whatever the clocks say.
pub(super) async fn has_watched(system: &Arc<System>, exchange: &Exchange, sent: &Sent) -> Result<bool, Error> {
    // A later sign of life begins another quarantine, because its time is part of the name of the record.
    let sign = format!(" silent since {}", sent.seen_at);
    Ok(left_of(system, exchange, sent, &sign).await? == 0)
}

/// Measures from the record of this boot, which is made now if it does not exist. `of` is appended to the boot's id to
/// name a record of something other than the end of an attempt.
async fn left_of(system: &Arc<System>, exchange: &Exchange, sent: &Sent, of: &str) -> Result<i64, Error> {
    let key = exchange.key;
    let scope = exchange.scope;
    let (boot_id, passed) = boot(system);
    let boot_id = boot_id + of;
    let noted = system.ground.reader().await?.exchange_look(key, sent.replays, &boot_id).await?;
    let now = i64::try_from(passed.as_secs()).unwrap_or(i64::MAX);
    if let Some(left) = noted.and_then(|noted| replay::quarantine_left(sent, noted, now)) {
        return Ok(left);
    }
    let attempt = sent.replays;
    let seen = BootTime { boot_id, ..boot_time(system) };
    let noted = seen.seconds;
    let written = system.ground.store.write(move |tx| {
        Box::pin(async move {
            scope.lock(tx).await?;
            tx.note_look(key, attempt, &seen).await
        })
    });
    written.await?;
    // The record was made just now.
    Ok(replay::quarantine_left(sent, noted, noted).unwrap_or(replay::QUARANTINE))
}
