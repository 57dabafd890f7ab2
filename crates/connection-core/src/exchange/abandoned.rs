//! Concludes attempts of this node whose sender has ended.
//!
//! Only a process of the same node can prove that a sender has ended, and only that node has the answers that no row
//! holds. Each node therefore searches its own open attempts when a registry is opened and every few seconds while a
//! scheduler runs, so that no connection waits until a process of that node refreshes it.

use std::sync::Arc;

use connection_contract::{Reason, Timestamp, host, reason};
use connection_egress::host as host_name;
use connection_seal::platform::process_in_words;

use super::{
    ExchangeKey, ExchangeScope, HeldHere, StateDirectory, quarantine,
    rescue::{self, Rescue},
};
use crate::{
    Error,
    exchange::System,
    plan::{HELD, SILENT},
    store::{
        json,
        rows::{ExchangeRow, Sent},
    },
};

/// Maximum number of attempts per search. Those with the oldest signs of life come first.
const BATCH: i64 = 256;

/// The beginning of the message of [`unknown`].
const UNKNOWN: &str = "a refresh token may have been used: ";

/// Returns the reason that is recorded for a connection whose answer may be lost. `end` says how the last request ended.
pub(crate) fn unknown(end: Option<&str>) -> Reason {
    let end = end.unwrap_or("the provider's answer was lost");
    Reason::new(reason::REFRESH_OUTCOME_UNKNOWN, format!("{UNKNOWN}{end}"))
}

/// Returns the reason for a connection whose token was sent by a process that gives no sign of life. `held` is that process
/// if it has not ended on this machine.
pub(crate) fn silent(sent: &Sent, held: Option<HeldHere>) -> Reason {
    if let Some(HeldHere { process }) = held {
        let process = process.map_or_else(|| "a process".to_owned(), process_in_words);
        return unknown(Some(&format!("it was sent {HELD} {process}")));
    }
    let machine = sent.machine.as_deref().map(|name| format!("the machine '{name}'"));
    let machine = machine.as_deref().unwrap_or("another machine");
    let since = Timestamp::from_seconds(sent.seen_at).to_rfc3339();
    unknown(Some(&format!("it was sent by a process on {machine}, which {SILENT} {since}")))
}

/// Returns how the last request ended, if `reason` is one of [`unknown`].
pub(crate) fn end_of_unknown(reason: &Reason) -> Option<&str> {
    reason.message.as_str().strip_prefix(UNKNOWN)
}

/// Records the answers that this node keeps, and concludes the attempts without one.
pub(crate) async fn recover(system: &Arc<System>) {
    rescue::ingest_all(system, false).await;
    if let Err(error) = conclude_abandoned(system).await {
        tracing::warn!(code = error.code(), "cannot look for attempts of processes that have ended");
    }
}

#[cfg(all(feature = "postgres", feature = "sqlite"))]
/// Records every answer that this node keeps, also one that nobody asks for yet, and concludes the attempts without one,
/// before the store goes to a machine that does not have them.
pub(crate) async fn settle(system: &Arc<System>) -> Result<(), Error> {
    rescue::ingest_all(system, true).await;
    conclude_abandoned(system).await
}

/// Concludes the attempts of this node whose sender has ended, and makes their connections due.
///
/// # Errors
///
/// The store's errors, if the attempts cannot be read. A failure of a single attempt is logged and left to the next
/// search.
pub(crate) async fn conclude_abandoned(system: &Arc<System>) -> Result<(), Error> {
    let Some(node) = system.state.as_deref().map(StateDirectory::node) else { return Ok(()) };
    let open = system.ground.reader().await?.open_exchanges(node, BATCH).await?;
    for ExchangeRow { key, scope, sent, .. } in open {
        if let Err(error) = conclude_one(system, key, scope, sent).await {
            tracing::warn!(
                ?scope,
                code = error.code(),
                "an attempt of a process that has ended cannot be concluded now"
            );
        }
    }
    Ok(())
}

async fn conclude_one(system: &Arc<System>, key: ExchangeKey, scope: ExchangeScope, sent: Sent) -> Result<(), Error> {
    let is_over = if sent.process_id == system.ground.process {
        !system.exchanges.is_under_way(key)
    } else {
        rescue::is_gone(system, sent.node_id.as_deref(), &sent.process_id).await
    };
    // The proof comes before the search of the directory: otherwise, an answer that is kept between the two would be
    // missed.
    if !is_over || rescue::ingest(system, key, false).await? == Rescue::Ingested {
        return Ok(());
    }
    let seen = quarantine::boot_time(system);
    let origin = match scope {
        ExchangeScope::Connection(id) => system.ground.reader().await?.asked_origins(id).await?.refresh_origin,
        ExchangeScope::Session(_) => None,
    };
    let origin = origin.and_then(|origin| host::origin(&origin));
    let end = origin.map(|origin| format!("the answer of {} was lost", host_name(&origin)));
    let note = json::reason(&unknown(end.as_deref()));
    let now = system.ground.clock.now().seconds();
    let written = system.ground.store.write(move |tx| {
        Box::pin(async move {
            scope.lock(tx).await?;
            let concluded = tx.conclude_exchange(key, &sent, 0, &seen).await?;
            if let (Some(_), ExchangeScope::Connection(id)) = (concluded, scope) {
                tx.doubt_credential(id, &note, now).await?;
            }
            Ok(concluded.is_some())
        })
    });
    if written.await? {
        tracing::warn!(?scope, "a process ended before the answer to its request was stored, and the answer is lost");
    }
    Ok(())
}
