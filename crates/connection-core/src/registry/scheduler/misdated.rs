//! Makes verifications due that a clock planned which was ahead: later than any pause lasts.

use std::time::Duration;

use connection_egress::MAX_PAUSE;

use crate::{ConnectionRegistry, Error};

/// Maximum number of rows per round. The next round continues.
const BATCH: i64 = 64;
/// The clocks of two processes differ by less.
const TOLERANCE: Duration = Duration::from_hours(24);

pub(super) async fn misdated(registry: &ConnectionRegistry) -> Result<(), Error> {
    let ground = &registry.systems.ground;
    let now = ground.clock.now().seconds();
    let latest = now.saturating_add_unsigned(MAX_PAUSE.saturating_add(TOLERANCE).as_secs());
    let ids = ground.reader().await?.checks_after(latest, BATCH).await?;
    if ids.is_empty() {
        return Ok(());
    }
    let written = ground.store.write_relaxed(move |tx| {
        Box::pin(async move {
            for id in ids {
                tx.check_by(id, now).await?;
            }
            Ok(())
        })
    });
    Ok(written.await?)
}
