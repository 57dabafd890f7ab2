//! Records an answer, from its arrival until the row holds it.

use std::{sync::Arc, time::Duration};

use connection_contract::HttpResponse;
use connection_egress::Backoff;
use tokio::sync::watch;

use super::{
    Exchange, ExchangeOutcome, ExchangeScope, answer, courier,
    request::CommittedIntent,
    rescue::{self, Origin},
    table::Progress,
    unanswered::lost,
};
use crate::{
    Error,
    exchange::System,
    store::{
        Sealed,
        rows::{ExchangeRow, Sent},
    },
};

/// The pauses after writes that failed.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

/// Records the answer, however long that takes. Returns `None` if the registry was dropped first.
pub(super) async fn keep(
    system: Arc<System>,
    exchange: &Exchange,
    noted: CommittedIntent,
    answer: HttpResponse,
    progress: &watch::Sender<Progress>,
) -> Option<ExchangeOutcome> {
    let clock = system.ground.clock.clone();
    let host = Arc::downgrade(&system);
    let mut system = system;
    let mut failures = 0_u32;
    let mut sealed = None;
    let mut rescued = false;
    let origin = Origin { generation: exchange.generation.unwrap_or_default(), sent_at: noted.sent.at };
    loop {
        let recording = record(&system, exchange, &answer, &mut sealed);
        let recorded = if rescued {
            recording.await
        } else {
            // The process may die at any moment of a commit that takes long.
            let keeping = rescue::write(&system, exchange, origin, &answer);
            let (recorded, kept) = rescue::commit_or_keep(&*clock, recording, keeping).await;
            rescued = kept.unwrap_or_default();
            recorded
        };
        match recorded {
            Ok(first) => {
                if rescued {
                    rescue::remove(&system, exchange.key).await;
                }
                courier::remove(&system, noted.courier.map(|courier| courier.name)).await;
                return Some(first.unwrap_or_else(|| ExchangeOutcome::Answered(Arc::new(answer))));
            }
            Err(error) => {
                tracing::warn!(code = error.code(), "an answer cannot be recorded now and is kept until it can be");
                if !rescued {
                    rescued = rescue::write(&system, exchange, origin, &answer).await;
                }
                progress.send_replace(Progress::Kept(error));
            }
        }
        drop(system);
        failures = failures.saturating_add(1);
        clock.sleep(PAUSES.after(failures)).await;
        system = host.upgrade()?;
    }
}

/// Records the answer once. Returns `Some` with the recorded answer if another one was recorded first.
async fn record(
    system: &Arc<System>,
    exchange: &Exchange,
    answer: &HttpResponse,
    sealed: &mut Option<Sealed>,
) -> Result<Option<ExchangeOutcome>, Error> {
    let key = exchange.key;
    let scope = exchange.scope;
    let now = system.ground.clock.now().seconds();
    let fresh = match sealed {
        Some(sealed) => sealed.clone(),
        None => {
            let cell = answer::cell(key, &exchange.owner, &exchange.kind);
            sealed.insert(system.ground.seal(&cell, answer::encode(answer).expose()).await?).clone()
        }
    };
    let written = system.ground.store.write_end(move |tx| {
        Box::pin(async move {
            scope.lock(tx).await?;
            let recorded = tx.answer_exchange(key, &fresh).await?;
            if let (true, ExchangeScope::Connection(id)) = (recorded, scope) {
                // A refresh that failed because this answer was missing is tried again at once.
                tx.hasten_refresh(id, now).await?;
            }
            Ok(recorded)
        })
    });
    if written.await? {
        return Ok(None);
    }
    // The recorded answer may be this one, if the result of its commit was not received.
    match system.ground.reader().await?.exchange(key).await? {
        Some(ExchangeRow { sealed: Some(first), sent, .. }) => {
            recorded(system, exchange, &first, &sent).await.map(Some)
        }
        // The connection or session was removed.
        _ => Ok(None),
    }
}

/// Returns the recorded answer. A corrupt one counts as lost.
pub(super) async fn recorded(
    system: &Arc<System>,
    exchange: &Exchange,
    sealed: &Sealed,
    sent: &Sent,
) -> Result<ExchangeOutcome, Error> {
    let cell = answer::cell(exchange.key, &exchange.owner, &exchange.kind);
    let opened = system.ground.open_or_lost(&cell, sealed).await?;
    Ok(match opened.and_then(|bytes| answer::decode(bytes.expose())) {
        Some(answer) => ExchangeOutcome::Answered(Arc::new(answer)),
        None => {
            tracing::warn!(scope = ?exchange.scope, "the recorded answer of an exchange cannot be opened");
            ExchangeOutcome::Uncertain(lost(sent.at))
        }
    })
}
