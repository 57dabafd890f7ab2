//! The sign of life that a process gives in the row of an exchange while the exchange is open.
//!
//! A process of another node cannot see whether the sender is alive. While the sign is fresh, such a process leaves the
//! exchange to the node of the sender. Only that node can prove that the sender has ended, and it may hold the answer.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use connection_egress::sleep_passed;

use super::ExchangeKey;
use crate::{Clock, exchange::System, store::rows::Sent};

/// The time between two signs.
const INTERVAL: Duration = Duration::from_secs(1);

/// Runs `work`, and renews the sign of life of the attempt until `work` ends. It does not keep the registry open.
pub(super) async fn renew_during<T>(signs: LifeSigns, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut signs = pin!(signs.renew());
    tokio::select! {
        biased;
        done = &mut work => done,
        never = &mut signs => match never {},
    }
}

/// The signs of one attempt.
pub(super) struct LifeSigns {
    clock: Arc<dyn Clock>,
    host: Weak<System>,
    key: ExchangeKey,
    sent: Sent,
}

impl LifeSigns {
    pub(super) fn of(system: &Arc<System>, key: ExchangeKey, sent: &Sent) -> Self {
        Self { clock: system.ground.clock.clone(), host: Arc::downgrade(system), key, sent: sent.clone() }
    }

    async fn renew(self) -> Infallible {
        let clock = &*self.clock;
        let key = self.key;
        loop {
            let next = clock.passed().saturating_add(INTERVAL);
            sleep_passed(clock, || next.saturating_sub(clock.passed())).await;
            let sent = self.sent.clone();
            let written = self.host.upgrade().map(|system| {
                system
                    .ground
                    .store
                    .write_end_relaxed(move |tx| Box::pin(async move { tx.renew_exchange_sign(key, &sent).await }))
            });
            if let Some(written) = written
                && let Err(error) = written.await
            {
                tracing::debug!(%error, "the sign of life of an exchange could not be renewed");
            }
        }
    }
}
